"""comparison.compare, and the command line."""

import gzip
import json
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from scipy import sparse, stats
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.semi_supervised import LabelSpreading
from sklearn.svm import LinearSVC

from sklearn_ladder import __main__
from sklearn_ladder.comparison import (
    Comparison,
    _compare,
    _methods,
    compare,
    default_methods,
)
from sklearn_ladder.comparison._compare import MOST_REPEATS, SMALLEST_PROBABILITY
from sklearn_ladder.ensemble import (
    LabeledOnlyClassifier,
    SemiSupervisedClassifier,
    SemiSupervisedVotingClassifier,
    default_estimators,
    is_semi_supervised,
)
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
            -np.log(proba.clip(SMALLEST_PROBABILITY)).mean()
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
    found = compare(X, few, methods={"watching": SemiSupervisedClassifier(Watching())})
    assert seen == [(56, 16)] * 5
    np.testing.assert_allclose(found.folds["log_loss"], np.log(2))


def test_table_and_advice(found):
    table = found.table
    assert set(table.index) == set(METHODS)
    assert table["log_loss"].is_monotonic_increasing
    assert table["difference"].iloc[0] == 0
    assert table["difference"].iloc[2] == pytest.approx(np.ptp(table["log_loss"]))
    mean, low, high = found.difference("ladder", "ladder, labels only")
    assert low < mean < high < 0
    assert found.probability("ladder", "ladder, labels only") > 0.975
    assert found.verdict == "help"
    assert found.recommended == "vote"
    start = (
        "With 40 labels, the 260 unlabeled samples help (probability of help > 0.99: "
    )
    assert found.advice.startswith(start)
    assert ". Use vote: " in found.advice
    lines = found.to_markdown().splitlines()
    assert lines[0] == "40 labels (+: 20, -: 20), 260 unlabeled samples"
    assert lines[2].count("|") == lines[4].count("|") == 7
    assert lines[-1] == found.advice


def test_json(found):
    read = json.loads(found.to_json())
    assert read["n_labels"] == {"+": 20, "-": 20}
    assert (read["verdict"], read["recommended"]) == ("help", "vote")
    assert read["probability_of_help"] > 0.975
    assert read["table"]["vote"]["accuracy"] == pytest.approx(
        found.table.loc["vote", "accuracy"], abs=1e-4
    )
    assert len(read["folds"]) == len(found.folds)


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


def test_probability_agrees_with_the_interval():
    found = Comparison(folds_of(a=[1, 2, 3, 4, 5], b=[0] * 5), 5, {0: 50, 1: 50}, 9)
    t = -3 / np.sqrt(2.5 * (1 / 5 + 1 / 4))  # less log-loss is better
    assert found.probability("a", "b") == pytest.approx(stats.t.cdf(t, 4))
    assert found.probability("b", "a") == pytest.approx(1 - stats.t.cdf(t, 4))
    assert found.probability("b", "b") == 0.5


def test_unknown_names_are_told():
    found = Comparison(folds_of(a=[1, 2], b=[0, 1]), 2, {0: 50, 1: 50}, 9)
    with pytest.raises(ValueError, match=r"among \['a', 'b'\]; got 'c'"):
        found.difference("a", "c")
    with pytest.raises(ValueError, match=r"score must be one of .* got 'f1'"):
        found.probability("a", "b", "f1")


@pytest.mark.parametrize("n_folds", [5, 2])
def test_folds_that_agree_are_not_taken_for_certainty(n_folds):
    """All held-out labels were right: that says little, if they are few."""
    folds = folds_of(a=[0.0] * n_folds, b=[0.0] * n_folds)
    found = Comparison(folds, 5, {0: 10, 1: 10}, 9)
    n = 20 * n_folds / 5  # labels that were tested
    share = 2 / (n + 4)  # of errors, with two more of each outcome
    width = 1.959964 * np.sqrt(share * (1 - share) / (n + 4))
    assert found.table["accuracy low"].tolist() == pytest.approx([1 - width] * 2)
    assert found.table["accuracy high"].tolist() == [1, 1]
    assert found.difference("a", "b", "accuracy") == pytest.approx((0, -width, width))
    # the rarest class decides the width of a mean over classes
    rare = Comparison(folds, 5, {0: 18, 1: 2}, 9).table
    assert (rare["balanced_accuracy low"] < rare["accuracy low"]).all()


def test_intervals_have_values_that_scores_can_have():
    folds = folds_of(a=[0.1, 0.9], b=[0.9, 0.1])
    found = Comparison(folds, 2, {0: 10, 1: 10}, 9)
    table = found.table
    for score in ("accuracy", "balanced_accuracy"):
        assert table[f"{score} low"].tolist() == [0, 0]
        assert table[f"{score} high"].tolist() == [1, 1]
    assert table["log_loss low"].tolist() == [0, 0]
    assert found.difference("a", "b", "accuracy")[1:] == (-1, 1)
    assert found.difference("a", "b")[1] < -1


@pytest.mark.parametrize(
    "losses, verdict, expected",
    [
        ([0.2, 0.21, 0.19, 0.2, 0.2], "help", "the 9 unlabeled samples help ("),
        ([0.8, 0.81, 0.79, 0.8, 0.8], "harm", "the 9 unlabeled samples harm ("),
        ([0.2, 0.6, 0.2, 0.6, 0.2], "probably help", "samples probably help ("),
        ([0.8, 0.4, 0.8, 0.4, 0.8], "probably harm", "samples probably harm ("),
        ([0.2, 0.81, 0.2, 0.8, 0.5], "unclear", "unclear whether the 9 unlabeled"),
    ],
)
def test_advice_on_unlabeled_samples(losses, verdict, expected):
    folds = folds_of(ladder=losses, supervised=[0.5] * 5)
    found = Comparison(folds, 5, {0: 50, 1: 50}, 9)
    assert found.verdict == verdict
    assert expected in found.advice


def test_without_unlabeled_samples():
    folds = folds_of(ladder=[0.2] * 5, supervised=[0.5] * 5)
    found = Comparison(folds, 5, {0: 50, 1: 50}, 0)
    assert found.verdict is None
    assert "there are no unlabeled samples to learn from. Use ladder: " in found.advice


def test_the_vote_unless_another_is_surely_better():
    close, far = [0.3, 0.5, 0.4, 0.6, 0.2], [0.9, 0.91, 0.9, 0.89, 0.9]
    forest = [0.3, 0.45, 0.4, 0.5, 0.25]
    for vote, chosen in [(close, "vote"), (far, "forest")]:
        found = Comparison(folds_of(forest=forest, vote=vote), 5, {0: 50, 1: 50}, 9)
        assert found.recommended == chosen
        assert f"Use {chosen}: " in found.advice


def test_too_few_labels_for_advice():
    folds = folds_of(ladder=[0.2] * 2, supervised=[0.5] * 2)
    found = Comparison(folds, 2, {0: 6, 1: 6}, 9)
    assert found.advice.startswith("12 labels are too few to tell methods apart")
    assert "use the vote" not in found.advice  # it was not compared
    assert found.verdict is found.recommended is None
    assert json.loads(found.to_json())["recommended"] is None


def test_time_limit_and_progress(blobs):
    X, y, _ = blobs
    lines = []
    found = compare(X, y, methods=METHODS, max_time=1e9, progress=lines.append)
    assert found.folds["repeat"].nunique() == MOST_REPEATS
    assert len(lines) == 5 * MOST_REPEATS
    assert lines[5].startswith("repetition 2, fold 1 of 5: ")
    assert lines[5].endswith(" of about 1000000000.0 s")
    first = compare(X, y, methods=METHODS).folds
    assert first["repeat"].unique().tolist() == [0]
    again = found.folds.query("repeat == 0")
    np.testing.assert_array_equal(again["accuracy"], first["accuracy"])


def test_no_fold_begins_that_would_end_late(blobs, monkeypatch):
    """An interval needs some folds; then the time of the next one counts."""
    X, y, _ = blobs
    found = compare(X, y, methods=METHODS, max_time=0)
    assert found.folds["fold"].unique().tolist() == [0, 1, 2]
    now = iter(range(10**6))  # a second for each look at the clock
    monkeypatch.setattr("time.perf_counter", lambda: float(next(now)))
    found = compare(X, y, methods={"one": METHODS["vote"]}, max_time=15)
    # a fold takes 3 looks, and the 15th second is before the end of the sixth
    assert len(found.folds) == 4


def test_the_vote_takes_its_members_probabilities(blobs):
    """It is not fitted again, and scores as if it had been."""
    X, y, _ = blobs
    methods = {"spreading": LabelSpreading(), "Bayes": GaussianNB()}
    members = [(name[:2], method) for name, method in methods.items()]
    settings = {"weights": [2, 1], "class_prior": None}
    vote = SemiSupervisedVotingClassifier(members, **settings)
    others = SemiSupervisedVotingClassifier(
        [("a", LabelSpreading()), ("b", GaussianNB())], **settings
    )
    adjusted = SemiSupervisedVotingClassifier(members)
    methods |= {"vote": vote, "others": others, "adjusted": adjusted}
    assert _methods.means_of(methods) == {"vote": {"spreading": 2, "Bayes": 1}}
    twice = SemiSupervisedVotingClassifier([*members, ("b", GaussianNB())], **settings)
    twice.set_params(weights=[2, 1, 3]).estimators[2] = ("b", methods["Bayes"])
    assert _methods.means_of(methods | {"vote": twice}) == {
        "vote": {"spreading": 2, "Bayes": 4}
    }
    few = np.where(np.arange(60) < 30, y, -1)
    folds = compare(X, few, methods=methods).folds
    scores = folds.pivot(index="fold", columns="method")
    np.testing.assert_allclose(*(scores["log_loss"][["vote", "others"]].to_numpy().T))
    seconds = scores["seconds"]
    np.testing.assert_allclose(seconds["vote"], seconds["spreading"] + seconds["Bayes"])


def test_a_mean_of_one_method_scores_the_same_to_the_last_digit(blobs):
    X, y, _ = blobs
    one = LabeledOnlyClassifier(LogisticRegression())  # of float32, in float32
    vote = SemiSupervisedVotingClassifier([("one", one)], class_prior=None)
    found = compare(X.astype(np.float32), y, methods={"one": one, "mean": vote})
    assert found.probability("one", "mean") == 0.5


def test_default_linear_model_takes_sparse_matrices(blobs):
    X, y, _ = blobs
    matrix = sparse.csr_matrix(X)
    model = default_methods(is_sparse=True)["linear model"]
    assert model.fit(matrix, y).score(matrix, y) > 0.8
    found = compare(matrix, y, methods={"linear model": model}, max_time=0)
    assert found.table.loc["linear model", "accuracy"] > 0.8


def test_default_vote_is_that_of_the_ensemble():
    methods = default_methods()
    names = [_methods.VOTERS[name] for name, _ in default_estimators()]
    weights = SemiSupervisedVotingClassifier()._kept_weights()
    assert _methods.means_of(methods) == {
        "vote": dict(zip(names, weights, strict=True))
    }


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
        ([0, 0, 0, 1] + [-1] * 56, r"2 classes with at least 2 labels.* got \[3, 1\]"),
        (list(map(str, range(60))), r"2 labels .* of the classes .* and 50 more"),
        ([0, 1] * 20, "inconsistent numbers of samples"),
    ],
)
def test_labels_that_are_wrong(y, message, blobs):
    with pytest.raises(ValueError, match=message):
        compare(blobs[0], y, methods=METHODS)


@pytest.mark.parametrize(
    "methods, message",
    [
        ({}, "at least one classifier"),
        ({"svm": LinearSVC()}, "methods: 'svm' must have predict_proba"),
        ({"svm": LinearSVC}, "methods: 'svm' must be a classifier"),
        (
            [("bayes", GaussianNB())],
            "must be a dict of classifiers by name; got a",
        ),
    ],
)
def test_methods_that_are_wrong(methods, message, blobs):
    with pytest.raises((ValueError, TypeError), match=message):
        compare(*blobs[:2], methods=methods)


def test_a_class_with_few_labels_is_missing_from_test_folds_only(blobs):
    X, y, _ = blobs
    few = np.where(y == 0, 0, -1)
    few[np.flatnonzero(y == 1)[:2]] = 1
    found = compare(X, few, methods=METHODS)
    assert found.folds["fold"].nunique() == 5
    assert found.folds["balanced_accuracy"].between(0, 1).all()


@pytest.mark.parametrize("score", ["accuracy", "log_loss"])
def test_plot(score, found):
    display = found.plot(score)
    best = display.axes_[0].get_yticklabels()[0].get_text()
    extreme = np.max if score == "accuracy" else np.min
    assert found.table.loc[best, score] == extreme(found.table[score])
    assert display.methods[0] == best
    bottom, top = display.axes_[0].get_ylim()
    assert bottom > top
    worst = display.methods[-1]
    mean, low, high = found.difference(worst, best, score)
    (segment,) = display.errorbars_[1].lines[2][0].get_segments()[-1:]
    np.testing.assert_allclose(segment[:, 0], [low, high])
    assert display.differences[-1] == pytest.approx([mean, low, high])
    pyplot.close(display.figure_)


def test_plot_on_given_axes(found):
    figure, axes = pyplot.subplots(1, 2)
    assert found.plot(axes=axes).figure_ is figure
    pyplot.close(figure)
    with pytest.raises(ValueError, match="score must be one of"):
        found.plot("f1")


# --------------------------------------------------------------------- command line


def test_the_only_label_of_a_class_is_for_training(blobs):
    X, y, _ = blobs
    few = np.where(np.arange(60) < 30, y, -1)
    few[40] = 7
    with pytest.warns(UserWarning, match=r"classes \[7\] have a single label") as seen:
        found = compare(X, few, methods=METHODS)
    assert seen[0].filename == __file__
    assert found.n_labels[7] == 1
    assert len(found.folds) == 3 * 5
    # its intervals are those of the classes that are tested
    assert found.table.loc["ladder", "balanced_accuracy low"] > 0.5


def test_warnings_of_methods_are_told_once(table):
    X, y = table
    X = X.assign(
        age=np.where(np.arange(300) % 30 == 0, "n/k", np.arange(300).astype(str))
    )
    with pytest.warns(UserWarning) as seen:
        compare(X, y, methods=METHODS, max_time=0)
    (message,) = {str(each.message) for each in seen}
    assert "Column 'age' of X becomes categories" in message
    assert len(seen) == 1 and seen[0].filename == __file__


def test_class_weights_of_methods_name_classes(blobs):
    X, y, _ = blobs
    names = np.array(["b", "c"])[y]
    forest = RandomForestClassifier(5, class_weight={"c": 1e9, "b": 1.0}, max_depth=1)
    found = compare(X, names, methods={"forest": forest}, max_time=0)
    assert found.table.loc["forest", "accuracy"] == 0.5
    forest.set_params(class_weight={0: 1.0, 1: 1.0})
    with pytest.raises(ValueError, match="class_weight must name classes of y"):
        compare(X, names, methods={"forest": forest}, max_time=0)


def test_a_column_that_counts_the_samples(table):
    X, y = table
    frame = X.assign(record=np.arange(len(X)) + 1000)
    with pytest.warns(UserWarning, match="Column 'record' of X is a running number"):
        compare(frame, y, methods=METHODS, max_time=0)


@pytest.mark.parametrize("values", [[3], [255, 0, 1], [1, 2, 4], [7, 7, 7]])
def test_columns_that_do_not_count(values, recwarn):
    _compare._warn_of_row_numbers(pd.DataFrame({"a": np.array(values, np.uint8)}))
    assert not recwarn.list


def test_guessing_is_best(blobs):
    X = blobs[0]
    methods = {
        "Bayes": GaussianNB(var_smoothing=1e-30),
        "majority class": DummyClassifier(),
    }
    noise = np.random.RandomState(0).randint(2, size=60)
    found = compare(X, noise, methods=methods)
    assert found.recommended is None
    assert "none has a lower log-loss than the shares of the classes" in found.advice
    some = compare(X, noise, methods=methods, max_time=0)
    assert some.advice.endswith(
        "Only 3 of 5 folds were done, so not all labels were tested: raise max_time."
    )


def test_pipelines_may_pick_columns_by_name(table):
    X, y = table
    columns = make_column_transformer(
        (OneHotEncoder(), ["sort"]), ("passthrough", ["number"])
    )
    methods = {"own": make_pipeline(columns, LabeledOnlyClassifier(GaussianNB()))}
    assert compare(X, y, methods=methods, max_time=0).table.loc["own", "accuracy"] > 0.6


def test_default_methods_take_a_frame(table):
    X, y = table
    codes = y.map({"-": 0, "+": 1}).fillna(-1).astype(int)
    for name, method in default_methods().items():
        if "ladder" not in name and name != "vote":
            assert clone(method).fit(X, codes).predict(X).shape == (300,), name


@pytest.mark.parametrize(
    ("losses", "chosen", "expected"),
    [
        ([0.60, 0.80, 0.61, 0.79, 0.70], None, "No method is recommended: "),
        (
            [0.5, 0.71, 0.52, 0.71, 0.6],
            "ladder",
            "better than majority class with prob",
        ),
        ([0.2, 0.21, 0.19, 0.2, 0.2], "ladder", "Use ladder: accuracy"),
    ],
)
def test_what_is_no_better_than_guessing_is_not_recommended(losses, chosen, expected):
    folds = folds_of(ladder=losses, guess=[0.69, 0.7, 0.69, 0.7, 0.69])
    folds["method"] = folds["method"].replace("guess", "majority class")
    found = Comparison(folds, 5, {0: 50, 1: 50}, 9)
    assert found.recommended == chosen
    assert expected in found.advice


@pytest.fixture
def few_methods(monkeypatch):
    monkeypatch.setattr(_methods, "default_methods", lambda is_sparse: METHODS)


@pytest.mark.parametrize("ending", ["csv", "tsv", "csv.gz", "parquet"])
def test_a_file(ending, table, found, few_methods, tmp_path, capsys):
    X, y = table
    path = tmp_path / f"table.{ending}"
    frame = X.assign(kind=y)
    if ending == "parquet":
        pytest.importorskip("pyarrow")
        frame.to_parquet(path)
    else:
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
        ("table.csv", "sort", "--target must be a column of table.csv; got 'sort'"),
        ("table.csv", "Kind ", "Did you mean 'kind'? Its columns are 'number', 'kind'"),
        ("table.txt", "kind", "FILE must end in .csv, .tsv or .parquet; got table.txt"),
        ("nothing.csv", "kind", "No such file"),
        ("nothing.parquet", "kind", "No such file"),
        ("table.csv", "number", "looks like regression"),
        ("infinite.csv", "kind", "This was raised by methods: 'ladder'."),
        ("semicolons.csv", "kind", "seems to have columns separated by ';'"),
        ("decimal_commas.csv", "kind", "seems to have columns separated by ';'"),
        ("commas.tsv", "kind", "seems to have columns separated by ','"),
        ("latin1.csv", "kind", "latin1.csv is not in UTF-8 ("),
        ("twice.csv", "kind", "twice.csv has 2 columns 'kind'"),
        (
            "longer.csv",
            "kind",
            "Rows of longer.csv have more fields than its header, by 1",
        ),
        ("empty.csv", "kind", "empty.csv is no table: No columns to parse"),
        ("damaged.csv.gz", "kind", "damaged.csv.gz is no table: Error -3 while dec"),
        ("no.csv.gz", "kind", "no.csv.gz is no table: Not a gzipped file"),
        ("no.csv.zip", "kind", "no.csv.zip is no table: File is not a zip file"),
        ("no.csv.xz", "kind", "no.csv.xz is no table: "),
    ],
)
def test_files_that_are_wrong(name, target, message, few_methods, tmp_path, capsys):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"number": np.arange(60), "kind": ["a", "b"] * 30})
    for ending in ("csv", "txt"):
        frame.to_csv(tmp_path / f"table.{ending}", index=False)
    frame.assign(number=np.inf).to_csv(tmp_path / "infinite.csv", index=False)
    frame.to_csv(tmp_path / "semicolons.csv", sep=";", index=False)
    halves = frame.assign(number=frame["number"] / 2)
    halves.to_csv(tmp_path / "decimal_commas.csv", sep=";", decimal=",", index=False)
    frame.to_csv(tmp_path / "commas.tsv", index=False)
    words = frame.assign(word="café")
    words.to_csv(tmp_path / "latin1.csv", index=False, encoding="latin-1")
    (tmp_path / "twice.csv").write_text("kind,kind,x\na,a,1\nb,b,2\n")
    (tmp_path / "longer.csv").write_text("kind,x\na,1,2\na,3,4\n")
    damaged = bytearray(gzip.compress(b"kind,x\n" + 999 * b"a,1\nb,2\n"))
    damaged[12:40] = bytes(28)
    (tmp_path / "damaged.csv.gz").write_bytes(damaged)
    for empty in ("empty.csv", "no.csv.gz", "no.csv.zip", "no.csv.xz"):
        (tmp_path / empty).write_text("" if empty == "empty.csv" else "kind,x")
    with pytest.raises(SystemExit) as exit:
        __main__.main(["compare", str(tmp_path / name), "--target", target])
    assert exit.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "option, message",
    [
        ("--json={}/none/found.json", "No such file"),
        ("--plot={}/none/found.png", "No such file"),
        ("--plot={}/found.xyz", "--plot must end in one of "),
    ],
)
def test_files_that_cannot_be_written(option, message, few_methods, tmp_path, capsys):
    """The error comes before the folds."""
    path = tmp_path / "table.csv"
    pd.DataFrame({"x": range(60), "kind": ["a", "b"] * 30}).to_csv(path, index=False)
    with pytest.raises(SystemExit):
        __main__.main(
            ["compare", str(path), "--target", "kind", option.format(tmp_path)]
        )
    error = capsys.readouterr().err
    assert message in error and "fold" not in error


def test_columns_that_are_no_features(tmp_path):
    path = tmp_path / "table.csv"
    frame = pd.DataFrame({"id": [1, 2, 3], "size": [1.5, 2, 3], "kind": [0, None, 1]})
    frame.to_csv(path)  # with row numbers
    X, y = __main__.read_table(path, "kind", ["id"])
    assert X.columns.tolist() == ["size"]
    assert y.tolist() == [0, pd.NA, 1]
    twice = tmp_path / "twice.CSV.GZ"
    twice.write_bytes(gzip.compress(b"id,id,x,kind\n0,0,1,a\n1,1,2,b\n"))
    assert __main__.read_table(twice, "kind")[0].shape == (2, 3)
    with pytest.raises(ValueError, match=r"--drop must name one column; .* 2 columns"):
        __main__.read_table(twice, "kind", ["id"])
    with pytest.raises(IsADirectoryError):
        __main__._check_files_to_write(tmp_path, None)
    with pytest.raises(ValueError, match=r"--drop must be a column .* mean 'size'\?"):
        __main__.read_table(path, "kind", ["sizes"])
    with pytest.raises(ValueError, match="must have columns of features beside kind"):
        __main__.read_table(path, "kind", ["id", "size"])


def test_parquet_without_pyarrow(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(SystemExit):
        __main__.main(["compare", str(tmp_path / "t.parquet"), "--target", "kind"])
    assert "pip install 'sklearn-ladder[parquet]'" in capsys.readouterr().err


def test_labels_that_files_have_as_text(tmp_path):
    """Pandas reads "None" as missing, although it may be a class."""
    path = tmp_path / "table.csv"
    path.write_text("x,kind\n1,None\n2,Some\n3,None\n4,\n5,Much\n6,?\n")
    with pytest.warns(UserWarning, match=r"Labels of kind .* 'None' \(2\)\. If"):
        _, y = __main__.read_table(path, "kind")
    assert y.isna().sum() == 3
    path.write_text("x,kind\n1,\n2,Some\n3,Much\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        __main__.read_table(path, "kind")


def test_other_texts_of_unlabeled_samples(table, few_methods, tmp_path, capsys):
    X, y = table
    path = tmp_path / "table.csv"
    X.assign(kind=y.fillna("?")).to_csv(path, index=False)
    options = ["--target", "kind", "--unlabeled", "?", "--max-time", "0"]
    __main__.main(["compare", str(path), *options])
    assert "40 labels (+: 20, -: 20), 260 unlabeled" in capsys.readouterr().out


def test_whole_numbers_stay_integers_beside_texts_of_unlabeled_samples(tmp_path):
    path = tmp_path / "table.csv"
    for target in ("1,9,0,", "1,9,0,9"):
        rows = [f"{n},{label}" for n, label in enumerate(target.split(","))]
        path.write_text("\n".join(["x,kind", *rows]))
        _, y = __main__.read_table(path, "kind", unlabeled=["9"])
        assert y.dropna().tolist() == [1, 0] and y.dtype == "Int64"
    for wrong in ("8", "9.0"):  # not as it is written
        for target in ("1,9,0,", "1,9,0,9"):
            rows = [f"{n},{label}" for n, label in enumerate(target.split(","))]
            path.write_text("\n".join(["x,kind", *rows]))
            with pytest.raises(ValueError, match=r"--unlabeled must be .* got \['"):
                __main__.read_table(path, "kind", unlabeled=[wrong])


@pytest.mark.parametrize("end", ["", "-1"])
def test_long_numbers_stay_different_labels(tmp_path, end):
    path = tmp_path / "table.csv"
    first, second = "9007199254740992", "9007199254740993"  # equal as floats
    path.write_text(f"x,kind\n1,{first}\n2,{second}\n3,{end}\n")
    _, y = __main__.read_table(path, "kind", unlabeled=[end] * bool(end))
    assert y.isna().tolist() == [False, False, True]
    assert y[:2].tolist() == [int(first), int(second)]
    path.write_text(f"x,kind\n1, {first}\n2,-1\n3,\n4,{first}\n")
    assert __main__.read_table(path, "kind")[1].dropna().tolist() == [
        *(int(first), -1, int(first))
    ]


def test_a_separator_within_a_text_shifts_no_column(tmp_path):
    path = tmp_path / "table.csv"
    for rows, message in (
        ("1,0,a, b\n2,1,c\n3,0,d\n", "put texts that contain separators into"),
        ("1,0,c\n2,1,a, b\n3,0,d\n", "Expected 3 fields in line 3, saw 4"),
    ):
        path.write_text(f"id,kind,note\n{rows}")
        with pytest.raises(ValueError, match=message):
            __main__.read_table(path, "kind")
    path.write_text('id,kind,note\n1,0,"a, b\n\nand c"\n2,1,d\n')
    assert __main__.read_table(path, "kind")[1].tolist() == [0, 1]


def test_rows_with_fewer_fields_are_told(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("x,size,kind\n1,2,a\n\n3,4,b\n5,6\nTotal\n")
    with pytest.warns(UserWarning, match="2 of 4 rows of table.csv have fewer fields"):
        _, y = __main__.read_table(path, "kind")
    assert y.isna().tolist() == [False, False, True, True]
    # as R writes it
    path.write_text("x,kind\n1,5,a\n2,6\n3,6,b\n")
    with pytest.warns(UserWarning, match="1 of 3 rows of table.csv have fewer fields"):
        X, y = __main__.read_table(path, "kind")
    assert X["x"].tolist() == [5, 6, 6] and y.fillna("").tolist() == ["a", "", "b"]


def test_rows_that_only_seem_to_have_fewer_fields(tmp_path, recwarn):
    path = tmp_path / "table.tsv"
    path.write_text("x\tsize\tkind\n" + "\t5\ta\n\n" * 100_000)
    X, _ = __main__.read_table(path, "kind")
    assert len(X) == 100_000 and X["x"].isna().all()
    path = tmp_path / "table.csv"
    path.write_text("x,kind,\n1,a\n2,b\n")
    __main__.read_table(path, "kind")
    assert not recwarn.list


def test_long_texts(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(f"kind,text\na,{'word ' * 40_000}\nb,short\n")
    assert __main__.read_table(path, "kind")[1].tolist() == ["a", "b"]


def test_a_column_of_a_large_file_has_one_dtype(tmp_path, recwarn):
    """In chunks, as pandas reads it by default, it may have 1 and "1"."""
    path, n = tmp_path / "table.csv", 24_000
    frame = pd.DataFrame(np.ones((n, 62)), columns=[f"x{i}" for i in range(62)])
    codes = [*(["1", "2"] * (n // 2 - 20)), *["B"] * 40]
    frame.assign(code=codes, kind=[*["0", "1"] * (n // 2 - 20), *["?"] * 40]).to_csv(
        path, index=False
    )
    X, y = __main__.read_table(path, "kind", unlabeled=["?"])
    assert set(X["code"]) == {"1", "2", "B"}
    assert set(y.dropna()) == {"0", "1"}
    assert not recwarn.list


def test_infinite_labels_stay_numbers(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("x,kind\n1,inf\n2,1\n3,\n")
    assert np.isinf(__main__.read_table(path, "kind")[1][0])


def test_a_header_that_lacks_the_name_of_row_numbers(tmp_path):
    """As R writes it. The first column is then the index."""
    path = tmp_path / "table.csv"
    path.write_text('"x","kind"\n"1",0.5,"a"\n"2",1.5,None\n"3",2.5,NA\n')
    with pytest.warns(UserWarning, match=r"read as missing.*: 'None' \(1\)\."):
        X, y = __main__.read_table(path, "kind")
    assert X["x"].tolist() == [0.5, 1.5, 2.5] and y.isna().sum() == 2


@pytest.mark.parametrize("n_more", [1, 2])
@pytest.mark.parametrize("space", ["", " "])
def test_rows_that_end_in_a_separator(tmp_path, n_more, space, recwarn):
    path, end = tmp_path / "table.csv", f",{space}" * n_more
    path.write_text(f"kind,x\na,0.5{end}\n,1.5{end}\na,2.5{end}\n")
    X, y = __main__.read_table(path, "kind")
    assert X.to_dict("list") == {"x": [0.5, 1.5, 2.5]}
    assert y.fillna("").tolist() == ["a", "", "a"]
    assert not recwarn


@pytest.mark.parametrize("names", ["123", "149", "abc"])
@pytest.mark.parametrize("ends", ["", "b"])
def test_rows_with_names_or_with_ends(tmp_path, names, ends, recwarn):
    """A first column of different values may have names, but not an empty last one."""
    path = tmp_path / "table.csv"
    rows = "\n".join(f"{name},{i % 2},{i}.5,{ends}" for i, name in enumerate(names))
    path.write_text(f"kind,x,note\n{rows}\n")
    if ends:
        X, y = __main__.read_table(path, "kind")
        assert X.to_dict("list") == {"x": [0.5, 1.5, 2.5], "note": ["b"] * 3}
        assert y.tolist() == [0, 1, 0]
    else:
        with pytest.raises(ValueError, match="have more fields than its header, by 1"):
            __main__.read_table(path, "kind")
    assert not recwarn


def test_texts_of_unlabeled_samples_as_they_are_written(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("kind,x\n1.0,1\n9.0,2\n2.0,3\n,4\n")
    _, y = __main__.read_table(path, "kind", unlabeled=["9.0"])
    assert y.dropna().tolist() == [1, 2]


def test_labels_that_no_fold_tests_are_no_evidence():
    """A class with one label is for training only."""
    folds = folds_of(a=[0.1, 0.2], b=[0.3, 0.3])
    few = Comparison(folds, 2, {0: 4, 1: 4}, 0)
    singles = {f"single {n}": 1 for n in range(12)}
    more = Comparison(folds, 2, {0: 4, 1: 4, **singles}, 0)
    names = ["accuracy low", "accuracy high"]
    np.testing.assert_array_equal(few.table[names], more.table[names])
    assert more.recommended is None
    assert "8 labels of classes with several are too few" in more.advice
