"""comparison.compare, and the command line."""

import json

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from sklearn_ladder import __main__, comparison
from sklearn_ladder.comparison import Comparison, compare, default_methods
from sklearn_ladder.ensemble import LabeledOnlyClassifier, is_semi_supervised
from sklearn_ladder.model_selection import LabeledStratifiedKFold, hide_labels

METHODS = {
    "ladder": LabeledOnlyClassifier(LogisticRegression()),
    "ladder, labels only": LabeledOnlyClassifier(DummyClassifier()),
    "vote": LabeledOnlyClassifier(LogisticRegression(C=0.8)),
}


@pytest.fixture(scope="module")
def table():
    """A frame with numbers, words and gaps, and 40 labels."""
    rng = np.random.RandomState(0)
    y = np.arange(300) % 2
    X = pd.DataFrame(
        {
            "number": rng.normal(2 * y),
            "word": np.where(rng.uniform(size=300) < 0.7, y, 1 - y),
            "sort": pd.Categorical(np.array(["a", "b", "c"])[rng.randint(3, size=300)]),
        }
    )
    X["word"] = X["word"].map({0: "no", 1: "yes"}).astype(object)
    X.loc[::11, "word"] = None
    names = np.array(["-", "+"])[y]
    few = hide_labels(names, per_class=20, random_state=0)
    return X, pd.Series(few).replace(-1, None)


@pytest.fixture(scope="module")
def found(table):
    return compare(*table, methods=METHODS)


def test_scores_are_of_held_out_labels_in_the_same_folds(blobs):
    X, _, _ = blobs
    y = np.where(np.arange(60) < 30, np.arange(60) % 2, -1)
    found = compare(X, y, methods=METHODS, random_state=4)
    folds = LabeledStratifiedKFold(5, shuffle=True, random_state=4)
    for n_fold, (train, test) in enumerate(folds.split(X, y)):
        clf = METHODS["ladder"].fit(X[train], y[train])
        proba = clf.predict_proba(X[test])[np.arange(len(test)), y[test]]
        of_fold = found.folds.query("method == 'ladder'").iloc[n_fold]
        assert of_fold["accuracy"] == np.mean(clf.predict(X[test]) == y[test])
        assert of_fold["log_loss"] == pytest.approx(
            -np.log(proba.clip(comparison.SMALLEST_PROBABILITY)).mean()
        )
    assert len(found.folds) == 3 * 5


def test_hidden_labels_are_not_seen(blobs):
    """Whatever is said of unlabeled samples, the scores are the same."""
    X, y, _ = blobs
    seen = []

    class Watching(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            seen.append((len(y), int(np.sum(y != -1))))
            self.classes_ = np.array([0, 1])
            return self

        def predict_proba(self, X):
            return np.full((len(X), 2), 0.5)

    few = np.where(np.arange(60) < 20, y, -1)
    found = compare(X, few, methods={"watching": Watching()})
    assert seen == [(56, 16)] * 5
    np.testing.assert_allclose(found.folds["log_loss"], np.log(2))


def test_table_and_advice(found):
    table = found.table
    assert set(table.index) == set(METHODS)
    assert table["log_loss"].is_monotonic_increasing
    assert (table["accuracy ±"] > 0).any()
    mean, low, high = found.difference("ladder", "ladder, labels only")
    assert low < mean < high < 0
    assert found.advice.startswith("The 260 unlabeled samples help: with them")
    assert "Use: vote" in found.advice
    assert "better than ladder, labels only" in found.advice
    assert json.loads(found.to_json())["n_labels"] == {"+": 20, "-": 20}
    lines = found.to_markdown().splitlines()
    assert lines[0].count("|") == lines[2].count("|") == 6
    assert lines[-1] == found.advice


def folds_of(**of_methods):
    lines = [
        {"repeat": 0, "fold": n, "method": name, "seconds": 1.0}
        | {"accuracy": 1 - loss, "balanced_accuracy": 1 - loss, "log_loss": loss}
        for name, losses in of_methods.items()
        for n, loss in enumerate(losses)
    ]
    frame = pd.DataFrame(lines)
    frame["method"] = frame["method"].replace("supervised", "ladder, labels only")
    return frame


def test_interval_is_the_corrected_one():
    found = Comparison(folds_of(a=[1, 2, 3, 4, 5], b=[0] * 5), 5, {0: 50, 1: 50}, 9)
    mean, low, high = found.difference("a", "b")
    # variance 2.5, times 1/5 + 1/4, and t of 4 degrees of freedom
    width = 2.7764451 * np.sqrt(2.5 * (1 / 5 + 1 / 4))
    assert (mean, high - mean, mean - low) == pytest.approx((3, width, width))


@pytest.mark.parametrize(
    "losses, expected",
    [
        ([0.2, 0.21, 0.19, 0.2, 0.2], "unlabeled samples help"),
        ([0.8, 0.81, 0.79, 0.8, 0.8], "unlabeled samples harm"),
        ([0.2, 0.81, 0.2, 0.8, 0.5], "cannot tell whether the 9 unlabeled"),
    ],
)
def test_advice_on_unlabeled_samples(losses, expected):
    folds = folds_of(ladder=losses, supervised=[0.5] * 5)
    assert expected in Comparison(folds, 5, {0: 50, 1: 50}, 9).advice


def test_the_vote_unless_another_is_surely_better():
    close, far = [0.3, 0.5, 0.4, 0.6, 0.2], [0.9, 0.91, 0.9, 0.89, 0.9]
    forest = [0.3, 0.45, 0.4, 0.5, 0.25]
    for vote, chosen in [(close, "vote"), (far, "forest")]:
        found = Comparison(folds_of(forest=forest, vote=vote), 5, {0: 50, 1: 50}, 9)
        assert f"Use: {chosen}" in found.advice


def test_too_few_labels_for_advice():
    folds = folds_of(ladder=[0.2] * 2, supervised=[0.5] * 2)
    advice = Comparison(folds, 2, {0: 6, 1: 6}, 9).advice
    assert advice.startswith("12 labels are too few")
    assert "help:" not in advice


def test_budget_and_progress(blobs):
    X, y, _ = blobs
    lines = []
    found = compare(X, y, methods=METHODS, budget=1e9, progress=lines.append)
    assert found.folds["repeat"].nunique() == comparison.MOST_REPEATS
    assert len(lines) == 5 * comparison.MOST_REPEATS
    assert lines[5].startswith("repetition 2, fold 1 of 5")
    first = compare(X, y, methods=METHODS, budget=0).folds
    assert first["repeat"].unique().tolist() == [0]
    again = found.folds.query("repeat == 0")
    np.testing.assert_array_equal(again["accuracy"], first["accuracy"])


def test_default_methods_take_the_marker_and_have_no_class_prior():
    for name, method in default_methods().items():
        assert is_semi_supervised(method), name
        assert method.get_params().get("class_prior") is None


@pytest.mark.parametrize(
    "y, message",
    [
        ([-1] * 60, "labeled"),
        (np.arange(60), "60 different numbers in 60 labels, which looks like regr"),
        (np.linspace(0, 1, 60), "Unknown label type"),
        ([0, 0, 0, 1] + [-1] * 56, r"at least 2 labels of each class.*\[1\]"),
    ],
)
def test_labels_that_are_wrong(y, message, blobs):
    with pytest.raises(ValueError, match=message):
        compare(blobs[0], y, methods=METHODS)


def test_plot(found):
    axes = found.plot("accuracy")
    lowest = axes.get_yticklabels()[0].get_text()
    assert found.table["accuracy"][lowest] == found.table["accuracy"].min()
    pyplot.close(axes.figure)


# --------------------------------------------------------------------- command line


@pytest.fixture
def few_methods(monkeypatch):
    monkeypatch.setattr(comparison, "default_methods", lambda: METHODS)


@pytest.mark.parametrize("ending", ["csv", "tsv", "csv.gz"])
def test_a_file(ending, table, found, few_methods, tmp_path, capsys):
    X, y = table
    path = tmp_path / f"table.{ending}"
    frame = X.assign(kind=y)
    frame.to_csv(path, sep="\t" if ending == "tsv" else ",", index=False)
    files = {name: tmp_path / name for name in ("found.json", "found.png")}
    wanted = [f"--json={files['found.json']}", f"--plot={files['found.png']}"]
    __main__.main(["compare", str(path), "--target", "kind", *wanted])
    out, err = capsys.readouterr()
    assert found.advice in out and "fold 5 of 5" in err
    assert json.loads(files["found.json"].read_text())["advice"] == found.advice
    assert files["found.png"].stat().st_size > 1000


@pytest.mark.parametrize(
    "name, target, message",
    [
        ("table.csv", "sort", "--target must be a column of table.csv, one of"),
        ("table.txt", "kind", "FILE must end in .csv, .tsv or .parquet; got table.txt"),
        ("nothing.csv", "kind", "No such file"),
        ("table.csv", "number", "looks like regression"),
    ],
)
def test_files_that_are_wrong(name, target, message, few_methods, tmp_path, capsys):
    frame = pd.DataFrame({"number": np.arange(60), "kind": ["a", "b"] * 30})
    for ending in ("csv", "txt"):
        frame.to_csv(tmp_path / f"table.{ending}", index=False)
    with pytest.raises(SystemExit) as exit:
        __main__.main(["compare", str(tmp_path / name), "--target", target])
    assert exit.value.code == 2
    assert message in capsys.readouterr().err
