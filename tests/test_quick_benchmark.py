"""MNIST in minutes, and what settings are worth on it: the benchmarks' own promises."""

import numpy as np
import pytest

from benchmarks import _results, ablation, quick, readme
from sklearn_ladder import LadderClassifier, recipes


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
    monkeypatch.setitem(quick.ROUND, "max_epochs", 1)
    monkeypatch.setattr(quick, "THRESHOLD", 0.2)  # so that there is something to learn


def test_own_labels_are_sure_and_given_ones_stay(blobs):
    X, _, y_few = blobs
    clf = LadderClassifier((8,), random_state=0).fit(X, y_few)
    own = quick.with_own_labels(clf, X, y_few)
    np.testing.assert_array_equal(own[y_few >= 0], y_few[y_few >= 0])
    is_new = (own >= 0) & (y_few == -1)
    proba = clf.predict_proba(X)
    expected = (y_few == -1) & (proba.max(axis=1) > quick.THRESHOLD)
    np.testing.assert_array_equal(is_new, expected)
    np.testing.assert_array_equal(own[is_new], clf.predict(X)[is_new])


def run(folder, *arguments):
    quick.main(["--checkpoint-dir", str(folder), *arguments])


def test_each_round_is_tested_and_kept(small_mnist, small_recipes, monkeypatch):
    run(small_mnist, "--labels", "50", "--seeds", "0", "1")
    run(small_mnist, "--labels", "100", "--seeds", "0", "--validate")
    result = _results.read("quick-mnist-50-1")
    assert len(result["error_percent"]) == len(result["minutes"]) == quick.N_ROUNDS + 1
    assert len(set(result["error_percent"])) > 1  # training goes on
    assert result["minutes"] == sorted(result["minutes"])
    assert result["parameters"]["batch_size"] == 250
    assert _results.read("quick-mnist-100-0-validation")
    *lines, _, _ = readme.quick_table().splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines[2:]]
    assert [row[:3] for row in rows] == [
        ["quick-mnist-50-full", n_rounds, "2"] for n_rounds in "0124"
    ]
    monkeypatch.setattr(quick, "run", None)  # nothing is trained again
    run(small_mnist, "--labels", "50", "--seeds", "0", "1")


def test_more_rounds_go_on_from_what_is_there(small_mnist, small_recipes):
    run(small_mnist / "once", "--seeds", "0", "--rounds", "3")
    at_once = _results.read("quick-mnist-100-0")["error_percent"]
    _results.FOLDER.joinpath("quick-mnist-100-0.json").unlink()
    for n_rounds in "1", "3":
        run(small_mnist / "twice", "--seeds", "0", "--rounds", n_rounds)
    result = _results.read("quick-mnist-100-0")
    assert result["error_percent"] == at_once
    assert result["minutes"] == sorted(result["minutes"])


def test_settings_on_mnist(small_mnist, small_recipes, capsys):
    chosen = ["quick recipe", "weight_normalization=False", "weight average"]
    ablation.main(["--mnist", "--settings", *chosen])
    found = _results.read("ablation-mnist")["scores"]
    assert list(found) == chosen
    assert all(0 <= scores["mnist"]["accuracy"] <= 1 for scores in found.values())
    capsys.readouterr()
    ablation.main(["--mnist", "--settings", *chosen])
    assert capsys.readouterr().out == ""  # done already
    with pytest.raises(SystemExit):
        ablation.main(["--mnist", "--settings", "variant='supervised'"])
    assert "SETTING must be among" in capsys.readouterr().err


@pytest.mark.parametrize("setting", ablation.MNIST_SETTINGS)
def test_settings_are_of_the_recipe(setting):
    parameters = recipes.get("quick-mnist-100-full") | ablation.MNIST_SETTINGS[setting]
    LadderClassifier(**parameters)._validate_params()
