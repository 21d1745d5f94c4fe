"""What each design choice is worth: on tables, and on MNIST."""

import pytest
from sklearn.datasets import load_wine

from benchmarks import _data, _results, ablation, readme
from sklearn_ladder import recipes
from tests.plans import make_net


@pytest.fixture
def small_tables(monkeypatch, tmp_path):
    """Two tables of the same rows, and a folder for the results."""
    X, y = load_wine(return_X_y=True, as_frame=True)
    types = dict.fromkeys(X, "continuous")
    monkeypatch.setattr(_data, "load_table", lambda name, _: (X, y.to_numpy(), types))
    monkeypatch.setattr(ablation, "TABLES", ["one", "other"])
    monkeypatch.setattr(_results, "FOLDER", tmp_path)
    ablation.development_rows.cache_clear()
    yield
    ablation.development_rows.cache_clear()


def test_settings_on_tables(small_tables, monkeypatch, capsys):
    short = {"max_epochs": 2, "hidden_layer_sizes": (8,)}
    settings = {
        name: short | ablation.SETTINGS[name]
        for name in ("default", "variant='supervised'", "weight average")
    }
    monkeypatch.setattr(ablation, "SETTINGS", settings)
    ablation.main([])
    found = _results.read("ablation")["settings"]
    assert list(found) == list(settings)
    assert list(found["default"]["scores"]) == ["one", "other"]
    lines = readme.ablation_table().splitlines()
    # of equal tables there is no spread
    assert "± 0.0" in lines[3]
    assert lines[2].startswith("| default | ")
    capsys.readouterr()

    ablation.main([])
    assert capsys.readouterr().out == ""  # done already
    settings["default"] = settings["default"] | {"max_epochs": 1}
    settings["weight average"]["callbacks"][0].rate = 0.5
    ablation.main(["--settings", "default"])
    assert capsys.readouterr().out.startswith("default ")
    # what was measured of other parameters is gone
    assert list(_results.read("ablation")["settings"]) == [
        "default",
        "variant='supervised'",
    ]


def test_rows_are_in_no_test_split(small_tables):
    X, y = ablation.development_rows("one", None)
    assert len(X) == len(y) == pytest.approx(178 * 0.8**3, rel=0.1)


def test_settings_on_mnist(small_mnist, small_recipes, monkeypatch, capsys):
    small = recipes.get("quick-mnist-100-full")
    monkeypatch.setattr(ablation, "MNIST_RECIPE", small)
    chosen = ["quick recipe", "weight_normalization=False", "weight average"]
    ablation.main(["--mnist", "--settings", *chosen])
    found = _results.read("ablation-mnist")["settings"]
    assert list(found) == chosen
    assert all(0 <= of["scores"]["mnist"]["accuracy"] <= 1 for of in found.values())
    assert not found["weight_normalization=False"]["parameters"]["weight_normalization"]
    rows = readme.ablation_mnist_table().splitlines()[2:-2]
    assert [row.split(" | ")[0] for row in rows] == [f"| {name}" for name in chosen]
    with pytest.raises(SystemExit):
        ablation.main(["--mnist", "--settings", "variant='supervised'"])
    assert "SETTING must be among" in capsys.readouterr().err


@pytest.mark.parametrize("setting", ablation.MNIST_SETTINGS)
def test_settings_are_of_the_recipe(setting):
    """All that `fit` checks before training."""
    changed = ablation.MNIST_SETTINGS[setting]
    make_net(784, 10, **ablation.MNIST_RECIPE | changed)


def test_parameters_are_told_apart():
    """Callbacks by their attributes, too."""
    described = [
        _results.as_json({"callbacks": [ablation.WeightAverage(rate)]})
        for rate in (0.01, 0.01, 0.5)
    ]
    assert described[0] == described[1] != described[2]
    assert _results.as_json({"costs": (1, 2)}) == {"costs": [1, 2]}
