import pickle
from inspect import signature

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris

# without this import there is no HalvingGridSearchCV
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    brier_score_loss,
    get_scorer,
    get_scorer_names,
    log_loss,
    roc_auc_score,
)
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    StratifiedKFold,
    cross_val_score,
    cross_validate,
    learning_curve,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier

from sklearn_ladder import LadderClassifier
from sklearn_ladder.model_selection import (
    LabeledStratifiedKFold,
    labeled_scorer,
    labeled_train_test_split,
)

METRICS = {
    "accuracy": lambda y, proba: accuracy_score(y, proba.argmax(axis=1)),
    "balanced_accuracy": lambda y, proba: balanced_accuracy_score(
        y, proba.argmax(axis=1)
    ),
    "neg_log_loss": lambda y, proba: -log_loss(y, proba),
    "roc_auc_ovr": lambda y, proba: roc_auc_score(y, proba, multi_class="ovr"),
}
ESTIMATORS = {
    "ladder": LadderClassifier((8,), max_epochs=2, random_state=0),
    "self-training": SelfTrainingClassifier(GaussianNB()),
    "label spreading": LabelSpreading(kernel="knn", n_neighbors=20),
}


def tiny_ladder(**parameters):
    return LadderClassifier((4,), max_epochs=2, random_state=0, **parameters)


def few_labels(load, n_labels):
    """A data set of scikit-learn with `n_labels` labels, as even as can be."""
    X, y = load(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    n_classes = len(np.unique(y))
    y_few = np.full_like(y, -1)
    rng = np.random.RandomState(0)
    for label in range(n_classes):
        n = n_labels // n_classes + (label < n_labels % n_classes)
        rows = rng.choice(np.flatnonzero(y == label), n, replace=False)
        y_few[rows] = label
    return X, y_few


DATA = {
    "iris, 27 labels": few_labels(load_iris, 27),
    "iris, 100 labels": few_labels(load_iris, 100),
    "digits, 57 labels": few_labels(load_digits, 57),
    "digits, 100 labels": few_labels(load_digits, 100),
}


def by_hand(estimator, X, y, cv):
    """Scores of a loop that knows nothing of the package."""
    labeled = np.flatnonzero(y != -1)
    scores = {name: [] for name in METRICS}
    for _, fold in cv.split(X[labeled], y[labeled]):
        test = labeled[fold]
        train = np.setdiff1d(np.arange(len(y)), test)
        # the order of rows matters to a network, so that it is the package's own
        order = next(
            rows
            for rows, tested in LabeledStratifiedKFold(cv.n_splits).split(X, y)
            if np.array_equal(tested, test)
        )
        assert set(order) == set(train)
        proba = clone(estimator).fit(X[order], y[order]).predict_proba(X[test])
        for name, metric in METRICS.items():
            scores[name].append(metric(y[test], proba))
    return scores


@pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=ESTIMATORS)
@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
def test_cross_validate_is_the_loop_by_hand(data, estimator):
    X, y = data
    scores = cross_validate(
        estimator,
        X,
        y,
        cv=LabeledStratifiedKFold(5),
        scoring=list(METRICS),
        error_score="raise",
    )
    expected = by_hand(estimator, X, y, StratifiedKFold(5))
    for name in METRICS:
        np.testing.assert_allclose(scores[f"test_{name}"], expected[name], atol=1e-12)


def test_labeled_scorer_makes_plain_folds_right():
    # the metrics of scikit-learn on the labeled rows of each plain fold
    X, y = DATA["digits, 100 labels"]
    estimator = ESTIMATORS["self-training"]
    cv = StratifiedKFold(5)
    scores = cross_validate(
        estimator, X, y, cv=cv, scoring=labeled_scorer(list(METRICS))
    )
    for i, (train, test) in enumerate(cv.split(X, y)):
        test = test[y[test] != -1]
        proba = clone(estimator).fit(X[train], y[train]).predict_proba(X[test])
        for name, metric in METRICS.items():
            assert scores[f"test_{name}"][i] == pytest.approx(
                metric(y[test], proba), abs=1e-12
            )


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_plain_validation_is_wrong():
    # why the module is there: unlabeled rows as errors, and NaN
    X, y = DATA["digits, 100 labels"]
    scores = cross_validate(
        ESTIMATORS["self-training"], X, y, cv=5, scoring=["accuracy", "neg_log_loss"]
    )
    assert scores["test_accuracy"].max() < 0.06
    assert np.isnan(scores["test_neg_log_loss"]).all()


# ------------------------------------------------------------------ the splitter


@pytest.mark.parametrize("n_repeats", [1, 3])
def test_folds(n_repeats):
    X, y = DATA["digits, 57 labels"]
    cv = LabeledStratifiedKFold(
        4, n_repeats=n_repeats, shuffle=n_repeats > 1, random_state=None
    )
    splits = list(cv.split(X, y))
    assert len(splits) == cv.get_n_splits() == 4 * n_repeats
    for train, test in splits:
        assert (y[test] != -1).all()
        assert set(np.unique(y[test])) == set(range(10))
        assert np.array_equal(np.sort(np.r_[train, test]), np.arange(len(y)))
    tested = np.concatenate([test for _, test in splits])
    labeled = np.flatnonzero(y != -1)
    assert np.array_equal(np.sort(tested), np.repeat(labeled, n_repeats))


def test_random_state_fixes_the_folds():
    X, y = DATA["digits, 57 labels"]

    def tests(seed):
        cv = LabeledStratifiedKFold(
            3, n_repeats=2, shuffle=True, random_state=np.random.RandomState(seed)
        )
        return np.concatenate([test for _, test in cv.split(X, y)])

    assert np.array_equal(tests(0), tests(0))
    assert not np.array_equal(tests(0), tests(1))


def test_training_rows_are_spread_evenly():
    X, y = DATA["digits, 100 labels"]
    for train, _ in LabeledStratifiedKFold(5).split(X, y):
        labels = y[train]
        assert set(labels[:11]) == {-1, *range(10)}
        for n in (100, 500, 1000, len(train)):
            counts = np.unique(labels[:n], return_counts=True)[1]
            expected = np.unique(labels, return_counts=True)[1] * n / len(train)
            off = np.abs(counts - expected)
            # each class is rounded up, for which the unlabeled rows make room
            assert off[0] <= 10 and off[1:].max() < 1.1


def test_repr_and_clone_keep_the_parameters():
    cv = LabeledStratifiedKFold(3, n_repeats=2, shuffle=True, random_state=7)
    text = "LabeledStratifiedKFold(n_repeats=2, n_splits=3, random_state=7, shuffle"
    assert repr(cv).startswith(text)
    assert repr(clone(cv, safe=False)) == repr(cv)


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"n_splits": 1}, "at least one train/test split"),
        (
            {"n_splits": 1, "n_repeats": 2, "shuffle": True},
            "at least one train/test split",
        ),
        ({"n_repeats": 2}, "n_repeats must be 1 unless shuffle=True.* got 2"),
        ({"n_repeats": 0}, "n_repeats == 0, must be >= 1"),
        ({"random_state": 0}, "shuffle"),
    ],
)
def test_bad_parameters_of_the_splitter(parameters, message):
    with pytest.raises(ValueError, match=message):
        LabeledStratifiedKFold(**parameters)


def test_too_few_labels_for_the_folds():
    y = np.array([0] * 9 + [1] * 3 + [-1] * 20)
    message = "of the most frequent class, 9; got n_splits=10"
    with pytest.raises(ValueError, match=message):
        next(LabeledStratifiedKFold(10).split(y, y))
    next(LabeledStratifiedKFold(3).split(y, y))


@pytest.mark.parametrize("shuffle", [True, False])
def test_classes_with_fewer_labels_than_folds_warn_and_are_tested(shuffle):
    y = np.array([2] * 5 + [0] * 9 + [1] * 3 + [-1] * 20)
    folds = {"shuffle": shuffle, "random_state": 0 if shuffle else None}
    with pytest.warns(UserWarning, match="of the rarest class is 3, less"):
        tests = [t for _, t in LabeledStratifiedKFold(5, **folds).split(y, y)]
    with pytest.warns(UserWarning, match="least populated class"):
        expected = [t for _, t in StratifiedKFold(5, **folds).split(y[:17], y[:17])]
    for own, other in zip(tests, expected, strict=True):
        np.testing.assert_array_equal(own, other)


def test_many_classes_of_few_labels_are_no_regression(recwarn):
    y = np.r_[np.arange(26), np.arange(20), [-1] * 9]
    with pytest.warns(UserWarning, match="of the rarest class is 1, less"):
        list(LabeledStratifiedKFold(2).split(y, y))
    assert not [w for w in recwarn if "50%" in str(w.message)]


def test_the_only_label_of_a_class_is_for_training():
    y = np.array([0] * 8 + [1] * 8 + [2] + [-1] * 20)
    with pytest.warns(UserWarning, match="1 of 3 classes have so few labels"):
        _, _, y_train, y_test = labeled_train_test_split(y, y, random_state=0)
    assert np.sort(y_test).tolist() == [0, 0, 0, 1, 1]
    assert set(y_train) == {-1, 0, 1, 2}
    with pytest.raises(ValueError, match="needs a class with two labels"):
        labeled_train_test_split(y[:3], [0, 1, 2])
    labels = [0, 0, 0, 1, 2, 3]
    with pytest.raises(ValueError, match="got 2 labels for training in 4 classes"):
        labeled_train_test_split(labels, labels, train_size=2)


def test_groups_are_ignored_with_a_warning():
    X, y = DATA["iris, 27 labels"]
    with pytest.warns(UserWarning, match="groups parameter is ignored by Labeled"):
        next(LabeledStratifiedKFold(3).split(X, y, groups=y))


@pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=ESTIMATORS)
def test_transductive_training_never_sees_a_test_label(estimator):
    X, y = DATA["iris, 27 labels"]
    for y_train, test in LabeledStratifiedKFold(3).split_transductive(X, y):
        assert (y_train[test] == -1).all()
        others = np.setdiff1d(np.arange(len(y)), test)
        assert np.array_equal(y_train[others], y[others])
        assert len(clone(estimator).fit(X, y_train).transduction_) == len(y)


@pytest.mark.parametrize(
    "y, kind",
    [
        (np.array([0, 0, 1, 1, -1], dtype=np.int8), "i"),
        (np.array([0, 0, 1, 1], dtype=np.uint8), "i"),
        (np.array([0, 0, 1, 1, np.nan]), "f"),
        (np.array(["a", "a", "b", "b", -1]), "O"),
        (pd.Series([True, True, False, False, None], dtype="boolean"), "O"),
    ],
)
def test_transductive_labels_of_any_kind(y, kind):
    y_train, test = next(LabeledStratifiedKFold(2).split_transductive(y, y))
    assert y_train.dtype.kind == kind
    assert [label for label in y_train[test]] == [-1, -1]
    classes = set(np.asarray(y)[:4])
    assert set(y_train[[1, 3]]) == classes
    LadderClassifier((2,), max_epochs=1).fit(np.eye(len(y)), y_train)


# --------------------------------------------------------- in scikit-learn's tools


@pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=ESTIMATORS)
def test_learning_curve_has_all_classes_at_every_size(estimator):
    X, y = DATA["iris, 27 labels"]
    sizes, train_scores, test_scores = learning_curve(
        estimator,
        X,
        y,
        cv=LabeledStratifiedKFold(3),
        train_sizes=[0.2, 0.5, 1.0],
        scoring=labeled_scorer("neg_log_loss"),
        error_score="raise",
    )
    assert sizes.tolist() == [28, 70, 141]
    assert np.isfinite(train_scores).all() and np.isfinite(test_scores).all()


@pytest.mark.parametrize("resource", ["max_epochs", "n_samples"])
def test_halving_search(resource):
    X, y = DATA["iris, 100 labels"]
    limits = {
        "max_epochs": {"min_resources": 1, "max_resources": 3},
        "n_samples": {"min_resources": 60, "max_resources": 150},
    }
    search = HalvingGridSearchCV(
        LadderClassifier((4,), max_epochs=1, random_state=0),
        {"noise_std": [0.1, 0.3, 0.5]},
        cv=LabeledStratifiedKFold(3),
        scoring=labeled_scorer("balanced_accuracy"),
        resource=resource,
        random_state=0,
        error_score="raise",
        **limits[resource],
    ).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_train_score"]).all()


def test_frames_and_missing_labels():
    X, y = DATA["iris, 27 labels"]
    names = np.array(["setosa", "versicolor", "virginica"], dtype=object)
    frame = pd.DataFrame(X, columns=list("abcd"))
    labels = pd.Series(np.where(y == -1, None, names[y]), dtype="string")
    arguments = {"cv": LabeledStratifiedKFold(3), "error_score": "raise"}
    for scoring in METRICS:
        expected = cross_val_score(tiny_ladder(), X, y, scoring=scoring, **arguments)
        scores = cross_val_score(
            tiny_ladder(), frame, labels, scoring=labeled_scorer(scoring), **arguments
        )
        np.testing.assert_allclose(scores, expected, atol=1e-12)


def test_polars():
    polars = pytest.importorskip("polars")
    X, y = DATA["iris, 27 labels"]
    frame = polars.DataFrame(X, schema=list("abcd"))
    labels = polars.Series([None if label == -1 else int(label) for label in y])
    arguments = {"cv": LabeledStratifiedKFold(3), "error_score": "raise"}
    expected = cross_val_score(tiny_ladder(), X, y, **arguments)
    scores = cross_val_score(
        tiny_ladder(), frame, labels, scoring=labeled_scorer("accuracy"), **arguments
    )
    np.testing.assert_allclose(scores, expected, atol=1e-12)
    parts = labeled_train_test_split(frame, labels, random_state=0)
    assert [type(part) for part in parts] == 2 * [polars.DataFrame] + 2 * [
        polars.Series
    ]
    assert parts[3].null_count() == 0


# ------------------------------------------------------------------- the scorer


class Prior:
    """Gives each class the same probability."""

    _estimator_type = "classifier"

    def __init__(self, classes):
        self.classes_ = np.asarray(classes)

    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.repeat(self.classes_[:1], len(X))

    def predict_proba(self, X):
        n_classes = len(self.classes_)
        return np.full((len(X), n_classes), 1 / n_classes)

    def __sklearn_tags__(self):
        return LogisticRegression().__sklearn_tags__()


def n_rows(estimator, X, y, factor=1):
    """Scorer that is a plain function."""
    assert X.shape[0] == len(y)
    return factor * len(y)


@pytest.mark.parametrize(
    "y",
    [
        np.array([0, -1, 1, 1]),
        np.array([0.0, np.nan, 1.0, 1.0]),
        [0, None, 1, 1],
        np.array(["a", -1, "b", "b"]),
        np.array(["a", None, "b", "b"], dtype=object),
        pd.Series(["a", None, "b", "b"]),
        pd.Series([0, None, 1, 1], dtype="Int64"),
        pd.Series([False, None, True, True], dtype="boolean"),
        pd.Series(pd.Categorical(["a", None, "b", "b"])),
    ],
    ids=lambda y: f"{type(y).__name__} {getattr(y, 'dtype', '')}",
)
def test_labeled_scorer_passes_labels_in_the_dtype_of_the_classes(y):
    first, last = (np.asarray(y, dtype=object)[i] for i in (0, 3))
    clf = Prior([first, last])
    X = np.zeros((4, 2))
    assert labeled_scorer("neg_log_loss")(clf, X, y) == pytest.approx(-np.log(2))
    assert labeled_scorer("accuracy")(clf, X, y) == pytest.approx(1 / 3)
    assert labeled_scorer("f1_macro")(clf, X, y) == pytest.approx(0.25)


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array, sparse.coo_array])
def test_scorer_takes_sparse_rows(make):
    assert labeled_scorer(n_rows)(None, make(np.eye(4)), [0, 1, -1, 1]) == 3


def test_scorer_cuts_metadata_of_rows_only():
    X, y, weight = np.zeros((4, 2)), [0, -1, 1, 1], [5.0, 100.0, 1.0, 4.0]
    clf = Prior([0, 1])
    assert labeled_scorer("accuracy")(clf, X, y, sample_weight=weight) == 0.5
    assert labeled_scorer(n_rows)(clf, X, y, factor=2) == 6


def test_scorer_without_labels_says_so():
    scorer = labeled_scorer("accuracy")
    with pytest.raises(
        ValueError, match="labeled samples; got 3 samples, all unlabeled"
    ):
        scorer(Prior([0, 1]), np.zeros((3, 2)), [-1, -1, -1])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        scorer(Prior([0, 1]), np.zeros((3, 2)), [0, 1])


@pytest.mark.parametrize("scoring", ["accuracy", get_scorer("roc_auc_ovr"), n_rows])
def test_scorer_is_pickled_cloned_and_shown(scoring):
    scorer = labeled_scorer(scoring)
    text = repr(scorer)
    assert text.startswith("labeled_scorer(")
    assert scoring is not n_rows or "n_rows" in text
    X, y = DATA["iris, 27 labels"]
    clf = ESTIMATORS["self-training"].fit(X, y)
    for copy in (pickle.loads(pickle.dumps(scorer)), clone(scorer, safe=False)):
        assert copy(clf, X, y) == scorer(clf, X, y)


@pytest.mark.parametrize("several", [list, tuple, set])
def test_several_metrics(several):
    scorers = labeled_scorer(several(["accuracy", "neg_log_loss"]))
    assert set(scorers) == {"accuracy", "neg_log_loss"}
    scorers = labeled_scorer({"rows": n_rows, "auc": "roc_auc_ovr"})
    X, y = DATA["iris, 27 labels"]
    scores = cross_validate(ESTIMATORS["self-training"], X, y, cv=3, scoring=scorers)
    assert scores["test_rows"].sum() == 27


def test_plain_and_labeled_metrics_side_by_side():
    # scikit-learn's own scorers share predictions; ours must not take theirs
    X, y = DATA["iris, 27 labels"]
    scoring = {"plain": "accuracy", "labeled": labeled_scorer("accuracy")}
    both = cross_validate(
        ESTIMATORS["self-training"], X, y, cv=3, scoring=scoring, error_score="raise"
    )
    assert (both["test_labeled"] > 0.6).all()
    assert (both["test_plain"] < 0.3).all()


@pytest.mark.parametrize(
    "scoring, message",
    [
        (None, "scoring must be a name, a scorer, or several of them; got None"),
        ("acuracy", "'acuracy' is not a valid scoring value|'scoring' parameter"),
        (accuracy_score, "looks like it is a metric function"),
        ([], "Empty list was given"),
    ],
)
def test_bad_scoring(scoring, message):
    with pytest.raises(ValueError, match=message):
        labeled_scorer(scoring)


# ------------------------------------------------------------- metadata routing


def weighted_accuracy_by_hand(pipeline, X, y, weight, cv):
    scores = []
    for train, test in cv.split(X, y):
        fitted = clone(pipeline).fit(
            X[train], y[train], ladderclassifier__sample_weight=weight[train]
        )
        correct = fitted.predict(X[test]) == y[test]
        scores.append(np.average(correct, weights=weight[test]))
    return scores


def test_sample_weight_is_routed_through_pipeline_and_search():
    X, y = DATA["iris, 27 labels"]
    weight = np.random.RandomState(0).uniform(0.1, 5, len(y))
    cv = LabeledStratifiedKFold(3)
    expected = weighted_accuracy_by_hand(
        make_pipeline(StandardScaler(), tiny_ladder()), X, y, weight, cv
    )
    with sklearn.config_context(enable_metadata_routing=True):
        ladder = tiny_ladder().set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        search = GridSearchCV(
            make_pipeline(scaler, ladder),
            {"ladderclassifier__noise_std": [0.3]},
            cv=cv,
            scoring=labeled_scorer("accuracy").set_score_request(sample_weight=True),
            error_score="raise",
        ).fit(X, y, sample_weight=weight)
    results = search.cv_results_
    scores = [results[f"split{i}_test_score"][0] for i in range(3)]
    np.testing.assert_allclose(scores, expected, atol=1e-12)
    assert scores != results["mean_test_score"].tolist()


def test_requests_of_the_wrapped_scorer_are_kept_apart():
    with sklearn.config_context(enable_metadata_routing=True):
        inner = get_scorer("accuracy").set_score_request(sample_weight="weight")
        outer = labeled_scorer(inner)
        requests = outer.get_metadata_routing().score.requests
        assert requests["sample_weight"] == "weight"
        outer.set_score_request(sample_weight=True)
        requests = inner.get_metadata_routing().score.requests
        assert requests["sample_weight"] == "weight"
        several = labeled_scorer({"a": inner, "b": "accuracy"})
        assert (
            several["a"].get_metadata_routing().score.requests["sample_weight"]
            == "weight"
        )
        assert LabeledStratifiedKFold().get_metadata_routing().split.requests == {}


def test_sample_weight_without_routing():
    # scikit-learn >= 1.8 hands it to scorers that take it
    X, y = DATA["iris, 27 labels"]
    assert labeled_scorer("accuracy")._accept_sample_weight()
    assert not labeled_scorer(n_rows)._accept_sample_weight()
    GridSearchCV(
        tiny_ladder(),
        {"noise_std": [0.3]},
        cv=LabeledStratifiedKFold(3),
        scoring=labeled_scorer(["accuracy", "neg_log_loss"]),
        refit=False,
        error_score="raise",
    ).fit(X, y, sample_weight=np.ones(len(y)))


# -------------------------------------------------------------- train/test split


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array, pd.DataFrame, list])
def test_train_test_split(make):
    X, y = DATA["digits, 100 labels"]
    rows = np.arange(len(y))
    X_train, X_test, y_train, y_test, rows_train, rows_test = labeled_train_test_split(
        make(X), y, rows, test_size=0.3, random_state=0
    )
    assert type(X_train) is type(make(X))
    assert np.unique(y_test, return_counts=True)[1].tolist() == [3] * 10
    assert np.array_equal(np.sort(np.r_[rows_train, rows_test]), rows)
    assert np.array_equal(y_train, y[rows_train])
    first = make(X_test)[0] if make is list else np.asarray(X[rows_test[0]])
    assert np.array_equal(first, X[rows_test[0]])
    again = labeled_train_test_split(rows, y, test_size=0.3, random_state=0)[1]
    assert np.array_equal(again, rows_test)


def test_train_size_is_of_labeled_rows():
    X, y = DATA["digits, 100 labels"]
    _, _, y_train, y_test = labeled_train_test_split(X, y, train_size=40, test_size=20)
    assert (y_train == -1).sum() == (y == -1).sum()
    assert (y_train != -1).sum() == 40
    assert len(y_test) == 20


@pytest.mark.parametrize(
    "y, arguments, message",
    [
        ([0, 1, 2, -1], {}, "needs a class with two labels"),
        ([0, 0, 1, 1, -1], {"test_size": 1}, "greater or equal to the number of cl"),
        ([0, 0, 1, 1, -1], {"test_size": 7}, "test_size=7 should be"),
        ([-1, -1, -1], {}, "all unlabeled"),
        ([0, 0, 1, 1, -1, -1], {"X": np.zeros((5, 2))}, "inconsistent numbers"),
    ],
)
def test_impossible_train_test_split(y, arguments, message):
    X = arguments.pop("X", np.zeros((len(y), 2)))
    with pytest.raises(ValueError, match=message):
        labeled_train_test_split(X, y, **arguments)


@pytest.mark.parametrize("classes", [(1, 2), ("a", "b")])
def test_brier_score_of_two_classes(blobs, classes):
    X, y, _ = blobs
    y = np.array(classes)[y]
    clf = GaussianNB().fit(X, y)
    first = y == classes[0]
    scorer = labeled_scorer("neg_brier_score")
    expected = -np.mean(clf.predict_proba(X[first])[:, 1] ** 2)
    assert scorer(clf, X[first], y[first]) == pytest.approx(expected)
    of_all = -brier_score_loss(y == classes[1], clf.predict_proba(X)[:, 1])
    assert scorer(clf, X, y) == pytest.approx(of_all)


@pytest.mark.parametrize(
    "score",
    [
        *("neg_log_loss", "d2_log_loss_score", "neg_brier_score", "d2_brier_score"),
        "top_k_accuracy",
    ],
)
def test_scores_where_a_test_fold_lacks_a_class(blobs, score):
    has_score = score in get_scorer_names()
    if (
        not has_score
        or "labels" not in signature(get_scorer(score)._score_func).parameters
    ):
        pytest.skip("this scikit-learn has no such score of several classes")
    X, y, _ = blobs
    few = y.copy()
    few[:2] = 2
    plain, labeled = (
        cross_val_score(
            GaussianNB(), X, few, cv=LabeledStratifiedKFold(3), scoring=scoring
        )
        for scoring in (score, labeled_scorer(score))
    )
    assert np.isnan(plain).any() and np.isfinite(labeled).all()
    is_finite = np.isfinite(plain)
    np.testing.assert_array_equal(labeled[is_finite], plain[is_finite])
