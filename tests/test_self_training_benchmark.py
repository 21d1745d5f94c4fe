"""Self-training of the quick recipes for MNIST, and what settings are worth there."""

import numpy as np
import pytest

from benchmarks import _results, ablation, readme, self_training
from sklearn_ladder import LadderClassifier, recipes
from sklearn_ladder._net import make_net


@pytest.fixture
def small_recipes(monkeypatch):
    """The quick recipes with a small network and little training."""
    small = {"hidden_layer_sizes": (8,), "max_epochs": 1, "noise_std": 0.3}
    for n_labels in 50, 100:
        name = f"quick-mnist-{n_labels}-full"
        recipe = recipes.RECIPES[name]
        small["denoising_cost"] = recipe.parameters["denoising_cost"][:3]
        recipe = recipe._replace(parameters=recipe.parameters | small)
        monkeypatch.setitem(recipes.RECIPES, name, recipe)
    monkeypatch.setitem(self_training.ROUND, "max_epochs", 1)
    # so that there is something to learn
    monkeypatch.setattr(self_training, "THRESHOLD", 0.2)


def test_pseudo_labels_are_sure_and_given_labels_stay():
    proba = np.array([[0.999, 0.001], [0.98, 0.02], [0.005, 0.995], [0.999, 0.001]])
    found = self_training.with_pseudo_labels(np.array([1, -1, -1, -1]), proba)
    np.testing.assert_array_equal(found, [1, -1, 1, 0])


def test_rounds_go_on_with_more_labels(blobs, monkeypatch):
    monkeypatch.setattr(self_training, "THRESHOLD", 0.8)
    X, _, y_few = blobs
    fits = []

    class Watched(LadderClassifier):
        def fit(self, X, y):
            fits.append((self.warm_start and hasattr(self, "net_"), np.sum(y >= 0)))
            return super().fit(X, y)

    clf = Watched((8,), max_epochs=30, label_smoothing=0, random_state=0)
    assert len(list(self_training.train(clf, X, y_few, 2))) == 3
    assert [is_warm for is_warm, _ in fits] == [False, True, True]
    assert fits[0][1] == 10 < min(fits[1][1], fits[2][1])
    assert clf.max_epochs == self_training.ROUND["max_epochs"]


def run(folder, *arguments):
    self_training.main(["--checkpoint-dir", str(folder), *arguments])


def test_each_round_is_tested_and_kept(small_mnist, small_recipes, monkeypatch):
    run(small_mnist, "--labels", "50", "--seeds", "0", "1")
    run(small_mnist, "--labels", "100", "--seeds", "0", "--validate")
    result = _results.read("self-training-mnist-50-1")
    n_stages = 1 + self_training.N_ROUNDS
    assert len(result["error_percent"]) == len(result["minutes"]) == n_stages
    assert result["minutes"] == sorted(result["minutes"])
    assert result["parameters"]["batch_size"] == 250
    assert _results.read("self-training-mnist-100-0-validation")
    *lines, _, _ = readme.quick_table().splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines[2:]]
    assert [row[:3] for row in rows] == [
        ["quick-mnist-50-full", str(n_rounds), "2"] for n_rounds in range(n_stages)
    ]
    with monkeypatch.context() as patch:
        patch.setattr(self_training, "run", None)  # nothing is trained again
        run(small_mnist, "--labels", "50", "--seeds", "0", "1")
    # what is kept is of another run
    monkeypatch.setattr(self_training, "THRESHOLD", 0.3)
    run(small_mnist, "--labels", "50", "--seeds", "1")
    assert _results.read("self-training-mnist-50-1")["threshold"] == 0.3


def test_more_rounds_go_on_from_what_is_there(small_mnist, small_recipes):
    run(small_mnist / "once", "--seeds", "0", "--rounds", "3")
    at_once = _results.read("self-training-mnist-100-0")["error_percent"]
    _results.FOLDER.joinpath("self-training-mnist-100-0.json").unlink()
    for n_rounds in "1", "3":
        run(small_mnist / "twice", "--seeds", "0", "--rounds", n_rounds)
    result = _results.read("self-training-mnist-100-0")
    assert result["error_percent"] == at_once
    assert len(result["minutes"]) == 4
    assert result["minutes"] == sorted(result["minutes"])


def test_settings_on_mnist(small_mnist, small_recipes, monkeypatch, capsys):
    small = recipes.get("quick-mnist-100-full")
    monkeypatch.setattr(ablation, "MNIST_RECIPE", small)
    chosen = ["quick recipe", "weight_normalization=False", "weight average"]
    ablation.main(["--mnist", "--settings", *chosen])
    found = _results.read("ablation-mnist")["settings"]
    assert list(found) == chosen
    assert all(0 <= of["scores"]["mnist"]["accuracy"] <= 1 for of in found.values())
    assert not found["weight_normalization=False"]["parameters"]["weight_normalization"]
    capsys.readouterr()
    ablation.main(["--mnist", "--settings", *chosen])
    assert capsys.readouterr().out == ""  # done already
    with pytest.raises(SystemExit):
        ablation.main(["--mnist", "--settings", "variant='supervised'"])
    assert "SETTING must be among" in capsys.readouterr().err


@pytest.mark.parametrize("setting", ablation.MNIST_SETTINGS)
def test_settings_are_of_the_recipe(setting):
    """All that `fit` checks before training."""
    changed = ablation.MNIST_SETTINGS[setting]
    clf = LadderClassifier(**ablation.MNIST_RECIPE | changed)
    clf._validate_params()
    make_net(clf, 784, np.full(10, 0.1), seeds=[0, 0])
