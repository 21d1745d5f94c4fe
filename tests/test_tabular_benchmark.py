"""The arithmetic of ``benchmarks``, and a small run of its comparison on tables."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_wine

from benchmarks import _results, _tabular_run, tabular, tabular_summary
from benchmarks._data import keep_labels, keep_labels_anywhere
from benchmarks._methods import fit
from benchmarks._scores import (
    calibration_error,
    critical_difference,
    mean_ranks,
    scores,
    wins_ties_losses,
)


def test_scores():
    y = np.array([0, 0, 0, 1])
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [1.0, 0.0]])
    found = scores(y, probabilities)
    assert found["accuracy"] == 0.5
    assert found["balanced_accuracy"] == pytest.approx((2 / 3 + 0) / 2)
    # the last row's truth has probability 0, which counts as 1e-6
    log_loss = -np.log([0.9, 0.8, 0.4, 1e-6]).mean()
    assert found["log_loss"] == pytest.approx(log_loss)


def test_balanced_accuracy_is_over_the_classes_that_there_are():
    probabilities = np.array([[0.6, 0.4, 0.0], [0.1, 0.2, 0.7]])
    assert scores(np.array([0, 1]), probabilities)["balanced_accuracy"] == 0.5


def test_calibration_error():
    # two bins: 0.6 twice, once right, |1/2 - 0.6| = 0.1; 0.9 twice, both right, 0.1;
    # and 1.0, wrong: 1. Weights 2/5, 2/5, 1/5
    confidence = np.array([0.6, 0.6, 0.9, 0.9, 1.0])
    right = np.array([1, 0, 1, 1, 0])
    probabilities = np.column_stack([confidence, 1 - confidence])
    error = calibration_error(1 - right, probabilities)
    assert error == pytest.approx(0.4 * 0.1 + 0.4 * 0.1 + 0.2 * 1)


def test_mean_ranks_share_ties():
    means = pd.DataFrame({"a": [0.9, 0.5], "b": [0.8, 0.7], "c": [0.8, 0.6]})
    ranks = mean_ranks(means)
    assert ranks.to_dict() == {"b": (2.5 + 1) / 2, "a": (1 + 3) / 2, "c": (2.5 + 2) / 2}
    assert list(ranks.index) == ["b", "a", "c"]


def test_wins_ties_losses():
    means = pd.DataFrame({"a": [0.9, 0.5, 0.7], "b": [0.8, 0.7, 0.7002]})
    assert wins_ties_losses(means, "a") == {"b": [1, 1, 1]}


def test_critical_difference_is_that_of_the_published_table():
    # Demšar 2006, table 5: q = 1.960 for 2 methods, 3.164 for 10
    tolerance = {"abs": 1e-3}
    two = pytest.approx(1.960 * np.sqrt(2 * 3 / (6 * 24)), **tolerance)
    ten = pytest.approx(3.164 * np.sqrt(10 * 11 / (6 * 22)), **tolerance)
    assert critical_difference(2, n_tables=24) == two
    assert critical_difference(10, n_tables=22) == ten


def test_labels_per_class():
    y = np.repeat([0, 1, 2], [100, 50, 3])
    y_few = keep_labels(y, 5, random_state=0)
    assert [np.sum(y_few == label) for label in (0, 1, 2, -1)] == [5, 5, 3, 140]
    assert np.array_equal(y_few[y_few != -1], y[y_few != -1])


def test_labels_from_all_rows_alike():
    y = np.repeat([0, 1, 2], [9000, 900, 100])
    y_few = keep_labels_anywhere(y, 200, random_state=0)
    kept = y_few != -1
    assert kept.sum() == 200 + 200 + 100
    assert np.array_equal(y_few[kept], y[kept])
    assert np.mean(y_few[kept] == 0) == pytest.approx(0.9, abs=0.04)
    again = keep_labels_anywhere(y, 200, random_state=0)
    assert np.array_equal(y_few, again)


def test_labels_are_of_two_classes_at_least():
    y = np.repeat([0, 1], [98, 2])
    for seed in range(10):
        y_few = keep_labels_anywhere(y, 1, random_state=seed)
        assert sorted(y_few[y_few != -1]) == [0, 1]


@pytest.fixture
def table():
    """Wine with a column of categories, two of which are in one row only."""
    X, y = load_wine(return_X_y=True, as_frame=True)
    X["shade"] = pd.cut(X["hue"], 3, labels=["red", "purple", "brown"]).astype(str)
    X.loc[[0, 1], "shade"] = ["white", "green"]
    types = dict.fromkeys(X, "continuous") | {"shade": "categorical"}
    return X, y.map({0: "Barolo", 1: "Grignolino", 2: "Barbera"}).to_numpy(), types


def test_columns_are_numbers_of_mean_0_and_variance_1(table):
    X_train, X_test, y_train, y_test = _tabular_run.split(*table, seed=0)
    assert len(X_test) == len(y_test) == 36
    # of the rare categories, one is in the test rows alone, and has no column
    assert X_train.shape[1] == X_test.shape[1] == 13 + 4
    np.testing.assert_allclose(X_train.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(X_train.std(axis=0), 1)
    assert set(y_train) == {0, 1, 2}


def test_supervised_methods_see_labeled_rows_alone(table):
    X_train, _, y_train, _ = _tabular_run.split(*table, seed=0)
    y_few = keep_labels(y_train, 5, random_state=0)
    clf = fit("logistic regression", X_train, y_few, seed=0)
    assert list(clf.classes_) == [0, 1, 2]


@pytest.mark.parametrize("setting", ["per-class", "uniform"])
@pytest.mark.parametrize("method", ["logistic regression", "label spreading"])
def test_a_run(table, setting, method):
    rows = _tabular_run.split(*table, seed=0)
    found = _tabular_run.fit_and_score(rows, setting, 5, method, seed=0)
    assert found["accuracy"] > 0.7
    assert set(found) >= {"balanced_accuracy", "log_loss", "calibration_error"}


def test_a_class_without_labels_is_never_predicted(table, monkeypatch):
    rows = _tabular_run.split(*table, seed=0)
    two_classes = {"some": lambda y, n, seed: np.where(y < 2, y, -1)}
    monkeypatch.setattr(_tabular_run, "DRAWS", two_classes)
    found = _tabular_run.fit_and_score(rows, "some", 5, "logistic regression", seed=0)
    assert found["balanced_accuracy"] < 0.67
    assert found["log_loss"] > np.mean(rows[3] == 2) * -np.log(1e-6)


def test_an_error_is_a_result(table):
    X_train, *rest = _tabular_run.split(*table, seed=0)
    rows = (np.full_like(X_train, np.nan), *rest)
    found = _tabular_run.fit_and_score(
        rows, "per-class", 5, "logistic regression", seed=0
    )
    assert found["error"].startswith("ValueError: Input X contains NaN")


def test_runs_are_resumed_and_summed_up(tmp_path, monkeypatch):
    monkeypatch.setattr(_results, "FOLDER", tmp_path)
    monkeypatch.setattr(tabular_summary, "draw", lambda *args: None)
    accuracy = {"ladder": 0.9, "ladder, supervised": 0.8, "random forest": 0.85}
    runs = [
        {"table": table, "seed": seed, "labels": 5, "method": method}
        | dict.fromkeys(["accuracy", "balanced_accuracy"], value - 0.05 * seed)
        | dict.fromkeys(["log_loss", "calibration_error", "fit_seconds"], 1.0)
        for table in ("one", "two")
        for seed in (0, 1)
        for method, value in accuracy.items()
    ]
    runs[0] = {key: runs[0][key] for key in tabular.KEY} | {"error": "ValueError: no"}
    path = tmp_path / "tabular-per-class.jsonl"
    path.write_text("".join(json.dumps(run) + "\n" for run in runs[:-1]))

    class arguments:
        seeds, labels, setting, methods = 2, [5], "per-class", list(accuracy)

    missing = tabular.missing_runs(path, arguments, ["one", "two"])
    assert missing == [("two", 1, 5, "random forest")]

    tabular_summary.main()
    result = _results.read("tabular")
    (comparison,) = result["comparisons"]
    # a failed run counts as 0; the incomplete draw of table "two" is left out
    assert comparison["accuracy"]["mean_rank"] == {
        "random forest": 1.5, "ladder": 2.0, "ladder, supervised": 2.5,
    }  # fmt: skip
    assert result["failed"] == {"ladder": 1}
    one, two = result["gains"]["accuracy"]
    assert one["gain"] == pytest.approx((-0.8 + 0.1) / 2)
    assert one["standard_error"] == pytest.approx(0.45)
    assert (two["gain"], two["standard_error"]) == (0.1, 0)
    assert result["harm"]["accuracy"]["harmless_share"] == 1
    assert result["harm"]["accuracy"]["worst"]["table"] == "one"

    tabular.forget(path, ["random forest"])
    assert len(_results.read_lines(path)) == 8
