"""LabeledOnlyClassifier, SemiSupervisedClassifier, and which estimators take -1."""

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
)
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.semi_supervised import (
    LabelPropagation,
    LabelSpreading,
    SelfTrainingClassifier,
)
from sklearn.svm import LinearSVC
from sklearn.utils.fixes import parse_version

from sklearn_ladder import LadderClassifier
from sklearn_ladder.ensemble import (
    ClassPriorClassifier,
    LabeledOnlyClassifier,
    PseudoLabelingClassifier,
    SemiSupervisedClassifier,
    SemiSupervisedTags,
    SemiSupervisedVotingClassifier,
    is_semi_supervised,
)
from sklearn_ladder.model_selection import LabeledStratifiedKFold

SUPERVISED = {
    "random forest": RandomForestClassifier(10, random_state=0),
    "extra trees": ExtraTreesClassifier(10, random_state=0),
    "boosting": HistGradientBoostingClassifier(min_samples_leaf=2, random_state=0),
    "AdaBoost": AdaBoostClassifier(n_estimators=3, random_state=0),
    "bagging": BaggingClassifier(LogisticRegression(), random_state=0),
    "stacking": StackingClassifier(
        [("nb", GaussianNB()), ("lr", LogisticRegression())], cv=2
    ),
    "calibration": CalibratedClassifierCV(LinearSVC(), cv=2),
    "calibrated bagging": CalibratedClassifierCV(
        BaggingClassifier(GaussianNB(), random_state=0), cv=2
    ),
}


@pytest.mark.parametrize("name", SUPERVISED)
def test_meta_estimators_stand_where_y_has_the_marker(name, blobs):
    X, y, y_few = blobs
    clf = LabeledOnlyClassifier(SUPERVISED[name]).fit(X, y_few)
    np.testing.assert_array_equal(clf.classes_, [0, 1])
    labeled = y_few != -1
    expected = clone(SUPERVISED[name]).fit(X[labeled], y_few[labeled])
    np.testing.assert_array_equal(clf.predict_proba(X), expected.predict_proba(X))
    np.testing.assert_array_equal(clf.predict(X), expected.predict(X))
    assert clf.score(X, y) > 0.8
    # where the marker is a class there are three
    assert clone(SUPERVISED[name]).fit(X, y_few).classes_.tolist() == [-1, 0, 1]


@pytest.mark.parametrize("name", ["bagging", "stacking", "calibration"])
def test_meta_estimators_in_folds_of_labels(name, digits):
    X, _, y_few = digits
    scores = cross_val_score(
        LabeledOnlyClassifier(SUPERVISED[name]),
        X,
        y_few,
        cv=LabeledStratifiedKFold(2),
        error_score="raise",
    )
    assert (scores > 0.4).all()


UNLABELED_IN_MANY_WAYS = {
    "-1": lambda names: np.array(
        [-1 if each is None else each for each in names], object
    ),
    "None": lambda names: np.array(names, dtype=object),
    "list": list,
    "NaN": lambda names: pd.Series(names, dtype=object).fillna(np.nan),
    "category": lambda names: pd.Series(names, dtype="category"),
    "string": lambda names: pd.Series(names, dtype="string"),
}
ENSEMBLES = {
    "labeled only": LabeledOnlyClassifier(GaussianNB()),
    "semi-supervised": SemiSupervisedClassifier(LabelSpreading()),
    "class prior": ClassPriorClassifier(GaussianNB()),
    "voting": SemiSupervisedVotingClassifier(
        [("spreading", LabelSpreading()), ("nb", GaussianNB())]
    ),
    "pseudo-labeling": PseudoLabelingClassifier(GaussianNB(), 1),
}


@pytest.mark.parametrize("way", UNLABELED_IN_MANY_WAYS)
@pytest.mark.parametrize("name", ENSEMBLES)
def test_names_and_missing_labels_as_in_the_ladder(name, way, blobs):
    X, y, y_few = blobs
    names = [{0: "no", 1: "yes", -1: None}[label] for label in y_few.tolist()]
    marked = UNLABELED_IN_MANY_WAYS[way](names)
    clf = clone(ENSEMBLES[name]).fit(X, marked)
    assert clf.classes_.tolist() == ["no", "yes"]
    codes = clone(ENSEMBLES[name]).fit(X, y_few)
    np.testing.assert_array_equal(clf.predict(X) == "yes", codes.predict(X) == 1)
    assert clf.score(X, marked) == codes.score(X, y_few)
    truth = np.array(["no", "yes"])[y]
    assert clf.score(X, truth) == codes.score(X, y)


@pytest.mark.parametrize("name", ENSEMBLES)
@pytest.mark.parametrize(
    "classes", [[False, True], [1.0, 7.0], np.array([3, 200], np.uint8), [-5, 8]]
)
def test_classes_come_back_in_their_dtype(name, classes, blobs):
    X, y, y_few = blobs
    classes = np.asarray(classes)
    truth = classes[y]
    marked = truth.astype(object)
    marked[y_few == -1] = None
    clf = clone(ENSEMBLES[name]).fit(X, marked)
    np.testing.assert_array_equal(clf.classes_, classes)
    assert clf.predict(X).dtype == clf.classes_.dtype
    assert clf.score(X, truth) > 0.8


@pytest.mark.parametrize("name", ENSEMBLES)
@pytest.mark.parametrize(
    "y, message",
    [
        ([-1] * 6, "y must have labeled rows|labeled samples"),
        ([0, 0, -1, -1, -1, -1], "at least two classes; got 1 class"),
        ([0, 1, -1], "inconsistent numbers of samples"),
        ([0.5, 1.7, 2.2, -1, -1, -1], "Unknown label type"),
        (["a", 1, -1, -1, -1, -1], "all strings or all numbers"),
        (None, "requires y to be passed"),
    ],
)
def test_labels_that_are_none(name, y, message):
    with pytest.raises(ValueError, match=message):
        clone(ENSEMBLES[name]).fit(np.arange(12.0).reshape(6, 2), y)


@pytest.mark.parametrize("name", ENSEMBLES)
def test_a_failing_fit_changes_nothing(name, blobs):
    X, _, y_few = blobs
    clf = clone(ENSEMBLES[name]).fit(X, y_few)
    before = clf.predict_proba(X)
    with pytest.raises(ValueError):
        clf.fit(X[:, :2], np.where(y_few == 1, -1, y_few))
    assert clf.n_features_in_ == 3
    np.testing.assert_array_equal(clf.predict_proba(X), before)


@pytest.mark.parametrize("name", ENSEMBLES)
def test_feature_names_go_in_and_through(name, blobs):
    X, _, y_few = blobs
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    clf = clone(ENSEMBLES[name]).fit(frame, y_few)
    assert clf.feature_names_in_.tolist() == ["a", "b", "c"]
    fitted = getattr(clf, "estimators_", None) or [clf.estimator_]
    for estimator in fitted:
        assert estimator.feature_names_in_.tolist() == ["a", "b", "c"]
    with pytest.raises(ValueError, match="feature names"):
        clf.predict(frame[["b", "a", "c"]])
    with pytest.raises(TypeError, match="names"):
        clf.fit(frame.rename(columns={"a": 1}), y_few)


@pytest.mark.parametrize("name", ENSEMBLES)
def test_clone_and_pickle(name, blobs):
    X, _, y_few = blobs
    clf = clone(ENSEMBLES[name]).fit(X, y_few)
    loaded = pickle.loads(pickle.dumps(clf))
    np.testing.assert_allclose(loaded.predict_proba(X), clf.predict_proba(X))
    again = clone(loaded).fit(X, y_few)
    np.testing.assert_allclose(again.predict_proba(X), clf.predict_proba(X))


def test_categories_and_missing_values_pass_through(blobs):
    X, _, y_few = blobs
    frame = pd.DataFrame({"x": X[:, 0], "kind": pd.Categorical(list("ab") * 30)})
    frame.loc[::7, "x"] = np.nan
    boosting = HistGradientBoostingClassifier(
        categorical_features="from_dtype", min_samples_leaf=2, random_state=0
    )
    clf = LabeledOnlyClassifier(boosting).fit(frame, y_few)
    assert clf.estimator_.is_categorical_.tolist() == [False, True]
    assert clf.predict(frame).shape == (60,)


@pytest.mark.parametrize(
    "matrix", [sparse.csr_matrix, sparse.coo_array, sparse.dia_matrix]
)
def test_sparse_samples(matrix, blobs):
    X, y, y_few = blobs
    clf = LabeledOnlyClassifier(LogisticRegression()).fit(matrix(X), y_few)
    assert clf.score(matrix(X), y) > 0.85


def test_text(blobs):
    from sklearn.feature_extraction.text import CountVectorizer

    texts = ["good day", "bad day", "so good", "so bad"]
    text_clf = make_pipeline(CountVectorizer(), LogisticRegression())
    clf = LabeledOnlyClassifier(text_clf).fit(texts, ["+", "-", None, None])
    assert clf.predict(texts).tolist() == ["+", "-", "+", "-"]


# ---------------------------------------------------------------------- parameters


def test_nested_parameters_in_a_search(blobs):
    X, _, y_few = blobs
    pipeline = make_pipeline(
        StandardScaler(), LabeledOnlyClassifier(LogisticRegression())
    )
    search = GridSearchCV(
        pipeline,
        {"labeledonlyclassifier__estimator__C": [1e-6, 1.0]},
        cv=LabeledStratifiedKFold(2),
        scoring="neg_log_loss",
        error_score="raise",
    ).fit(X, y_few)
    assert search.best_params_ == {"labeledonlyclassifier__estimator__C": 1.0}
    assert search.classes_.tolist() == [0, 1]


def test_methods_are_those_of_the_estimator(blobs):
    X, _, y_few = blobs
    clf = LabeledOnlyClassifier(LinearSVC())
    assert not hasattr(clf, "predict_proba") and hasattr(clf, "decision_function")
    clf.fit(X, y_few)
    assert not hasattr(clf, "predict_proba")
    np.testing.assert_array_equal(
        clf.decision_function(X), clf.estimator_.decision_function(X)
    )
    assert not hasattr(LabeledOnlyClassifier(GaussianNB()), "decision_function")


def test_warm_start_of_the_estimator(blobs):
    X, _, y_few = blobs
    network = MLPClassifier((4,), max_iter=2, random_state=0, warm_start=True)
    clf = LabeledOnlyClassifier(network)
    with pytest.warns(UserWarning):  # of convergence
        clf.fit(X, y_few)
        first = clf.estimator_
        clf.set_params(estimator__max_iter=3).fit(X, y_few)
    assert clf.estimator_.t_ == 10 * 5  # samples seen
    assert first.t_ == 10 * 2
    with pytest.warns(UserWarning):
        clf.set_params(estimator__warm_start=False).fit(X, y_few)
    assert clf.estimator_.t_ == 10 * 3


# ------------------------------------------------------------------ sample weights


@pytest.mark.parametrize("name", ["labeled only", "class prior", "pseudo-labeling"])
def test_weights_reach_the_estimator(name, blobs):
    X, _, y_few = blobs
    weight = np.where(np.arange(60) < 6, 1.0, 0.25)
    plain = clone(ENSEMBLES[name]).set_params(estimator=GaussianNB())
    if name == "pseudo-labeling":
        plain.set_params(n_rounds=0)
    weighted = clone(plain).fit(X, y_few, sample_weight=weight)
    fitted = getattr(weighted, "estimator_", None) or weighted.estimators_[0]
    fitted = getattr(fitted, "estimator_", fitted)
    expected = GaussianNB().fit(X[:10], y_few[:10], weight[:10])
    np.testing.assert_allclose(fitted.theta_, expected.theta_)
    unweighted = clone(plain).fit(X, y_few)
    assert np.abs(weighted.predict_proba(X) - unweighted.predict_proba(X)).max() > 1e-3


def test_weights_reach_the_end_of_a_pipeline(blobs):
    X, _, y_few = blobs
    weight = np.linspace(0.1, 1, 60)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    clf = LabeledOnlyClassifier(pipeline).fit(X, y_few, sample_weight=weight)
    expected = clone(pipeline).fit(
        X[:10], y_few[:10], logisticregression__sample_weight=weight[:10]
    )
    np.testing.assert_allclose(clf.predict_proba(X), expected.predict_proba(X))


@pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.7"),
    reason="Pipeline.score must request weights itself",
)
@pytest.mark.parametrize("name", ["labeled only", "class prior", "pseudo-labeling"])
def test_weights_are_routed(name, blobs):
    X, _, y_few = blobs
    weight = np.where(np.arange(60) < 6, 1.0, 0.25)
    clf = clone(ENSEMBLES[name]).set_params(estimator=GaussianNB())
    plain = clone(clf).fit(X, y_few, sample_weight=weight)
    with sklearn.config_context(enable_metadata_routing=True):
        with pytest.raises(ValueError, match=r"sample_weight.*not explicitly set"):
            clone(clf).fit(X, y_few, sample_weight=weight)
        clf.set_params(estimator=GaussianNB().set_fit_request(sample_weight=True))
        # through a search and a pipeline, and into the score
        clf.set_score_request(sample_weight=True)
        search = GridSearchCV(
            make_pipeline(FunctionTransformer(), clf),
            {},
            cv=LabeledStratifiedKFold(2),
            error_score="raise",
        ).fit(X, y_few, sample_weight=weight)
        proba = search.predict_proba(X)
    np.testing.assert_allclose(proba, plain.predict_proba(X))


def test_weights_that_are_wrong(blobs):
    X, _, y_few = blobs
    clf = LabeledOnlyClassifier(GaussianNB())
    with pytest.raises(TypeError, match=r"KNeighborsClassifier\(\) does not"):
        LabeledOnlyClassifier(KNeighborsClassifier()).fit(X, y_few, np.ones(60))
    with pytest.raises(ValueError, match=r"sample_weight.shape == \(59,\)"):
        clf.fit(X, y_few, np.ones(59))
    with pytest.raises(ValueError, match="zero"):
        clf.fit(X, y_few, np.where(y_few == -1, 1, 0))
    with pytest.raises(ValueError, match=r"[Nn]egative"):
        clf.fit(X, y_few, np.full(60, -1.0))
    with pytest.raises(ValueError, match="enable_metadata_routing"):
        clf.fit(X, y_few, groups=np.ones(60))
    # those of unlabeled samples are not used
    clf.fit(X, y_few, np.where(y_few == -1, np.nan, 1))


def test_estimators_that_are_no_classifiers(blobs):
    X, _, y_few = blobs
    for wrong in (LinearRegression(), LogisticRegression, "forest"):
        with pytest.raises(ValueError, match="estimator"):
            LabeledOnlyClassifier(wrong).fit(X, y_few)


# ------------------------------------------------------------ who takes the marker


class Tagged(ClassifierMixin, BaseEstimator):
    """Says by a tag whether it takes -1."""

    def __init__(self, answer):
        self.answer = answer

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def __sklearn_tags__(self):
        tags = SemiSupervisedTags.of(super().__sklearn_tags__())
        tags.semi_supervised = self.answer
        return tags


@pytest.mark.parametrize(
    "estimator, expected",
    [
        (LadderClassifier(), True),
        (SelfTrainingClassifier(GaussianNB()), True),
        (LabelSpreading(), True),
        (LabelPropagation(), True),
        *((ensemble, True) for ensemble in ENSEMBLES.values()),
        (GaussianNB(), False),
        (CalibratedClassifierCV(LadderClassifier()), False),
        (make_pipeline(StandardScaler(), LabelSpreading()), True),
        (make_pipeline(StandardScaler(), GaussianNB()), False),
        (GridSearchCV(LadderClassifier(), {}), True),
        (make_pipeline(GridSearchCV(GaussianNB(), {})), False),
        (Tagged(True), True),
        (Tagged(False), False),
    ],
)
def test_who_takes_the_marker(estimator, expected):
    assert is_semi_supervised(estimator) is expected


def test_an_estimator_of_another_package(blobs):
    """It gets codes and -1; without the wrapper it would get the labels only."""
    X, _, y_few = blobs
    seen = []

    class Foreign(GaussianNB):
        def fit(self, X, y):
            seen.append(np.unique(y).tolist())
            return super().fit(X[y != -1], y[y != -1])

    names = np.array(["no", "yes", None], dtype=object)[y_few]
    for clf in (Foreign(), SemiSupervisedClassifier(Foreign())):
        vote = SemiSupervisedVotingClassifier([("foreign", clf)], class_prior=None)
        vote.fit(X, names)
        assert vote.predict(X[:2]).tolist() == ["no", "yes"]
    assert seen == [[0, 1], [-1, 0, 1]]


@pytest.mark.parametrize("wrong", [-1, 0.5, 2, "a"])
def test_an_estimator_that_predicts_what_is_no_code(blobs, wrong):
    class Foreign(GaussianNB):
        def predict(self, X):
            return np.full(len(X), wrong)

    X, y, _ = blobs
    clf = SemiSupervisedClassifier(Foreign()).fit(X, y)
    with pytest.raises(ValueError, match=f"must predict the codes 0 to 1 .*{wrong}"):
        clf.predict(X)


def test_codes_may_be_floats(blobs):
    class Foreign(GaussianNB):
        def predict(self, X):
            return super().predict(X).astype(float)

    X, y, _ = blobs
    clf = SemiSupervisedClassifier(Foreign()).fit(X, np.array(["a", "b"])[y])
    assert set(clf.predict(X)) == {"a", "b"}


def test_weights_for_a_search_over_a_pipeline(blobs):
    X, _, y_few = blobs
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    search = GridSearchCV(pipeline, {"logisticregression__C": [0.1, 1]}, cv=2)
    weight = np.where(y_few == 1, 9.0, 1.0)
    weighted, plain = (
        LabeledOnlyClassifier(search).fit(X, y_few, sample_weight=given)
        for given in (weight, None)
    )
    gain = weighted.predict_proba(X)[:, 1] - plain.predict_proba(X)[:, 1]
    assert gain.mean() > 0.02
