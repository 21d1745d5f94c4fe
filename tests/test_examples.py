"""The examples run, and show what they say."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Function that runs an example as a program and returns its names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")

    def run(name):
        path = str(EXAMPLES / name)
        monkeypatch.setattr(sys, "argv", [path])
        return runpy.run_path(path, run_name="__main__")

    return run


def test_all_examples_are_tested():
    tested = {"categories", "dask_search", "missing_labels", "own_callback", "search"}
    # a minute long; its numbers are kept by benchmarks/digits.py
    not_tested = {"digits"}
    assert {path.stem for path in EXAMPLES.glob("*.py")} == tested | not_tested


def test_search(run):
    names = run("search.py")
    chosen = names["search"].best_params_["ladderclassifier__denoising_cost"]
    assert chosen == names["COSTS"][np.argmax(names["hidden_accuracy"])] == 1.0


def test_missing_labels(run, capsys):
    names = run("missing_labels.py")
    assert names["y_test"].notna().all()
    assert set(names["clf"].classes_) == set(names["filled"]) == {"Ada", "Ben", "Cleo"}
    assert "accuracy on the test rows" in capsys.readouterr().out


def test_categories(run):
    names = run("categories.py")
    assert names["table"].isna().any().sum() == 4
    assert names["scores"]["test_accuracy"].mean() > 0.8


def test_own_callback(run):
    changed = run("own_callback.py")["clf"].history_["changed"]
    assert changed[0] == 1
    assert changed[-5:].mean() < 0.05


def test_dask_search(run):
    pytest.importorskip("distributed")
    names = run("dask_search.py")
    assert len(names["tasks"]) == 2
    assert min(names["tasks"]) > 0
    there = names["search"]
    here = clone(there).fit(names["X"], names["y_few"])
    for name in ("mean_test_score", "std_test_score"):
        np.testing.assert_array_equal(there.cv_results_[name], here.cv_results_[name])
