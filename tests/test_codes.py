"""Parameters of nested estimators name labels, though these get codes."""

import copy
import pickle
import re
from functools import partial

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import SequentialFeatureSelector
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    get_scorer,
    log_loss,
    make_scorer,
    recall_score,
)
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import RadiusNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_ladder import LadderClassifier
from sklearn_ladder.comparison import compare
from sklearn_ladder.ensemble import (
    ClassPriorClassifier,
    LabeledOnlyClassifier,
    PseudoLabelingClassifier,
    SemiSupervisedClassifier,
    SemiSupervisedVotingClassifier,
)
from sklearn_ladder.ensemble._codes import OfLabels, ScorerOfLabels
from sklearn_ladder.model_selection import labeled_scorer

META = {
    "vote": lambda e: SemiSupervisedVotingClassifier([("own", e)], class_prior=None),
    "class prior": lambda e: ClassPriorClassifier(e, None),
    "pseudo-labels": lambda e: PseudoLabelingClassifier(e, n_rounds=0),
    "labeled only": LabeledOnlyClassifier,
    "codes": lambda e: SemiSupervisedClassifier(LabeledOnlyClassifier(e)),
}
# Which of the two wins says which class is scored.
CANDIDATES = [{0: 9, 1: 1}, {0: 1, 1: 9}]


@pytest.fixture
def samples():
    rng = np.random.RandomState(0)
    y = (rng.uniform(size=300) < 0.3).astype(int)
    X = rng.normal(size=(300, 2)) + y[:, None]
    return X, y, np.arange(300) < 150


def cost_of_second(y_true, y_pred, second):
    """A score of a user's own, which knows the labels."""
    return np.mean(y_pred[y_true == second] == second)


SCORINGS = {
    "f1": lambda a, b: "f1",
    "recall of the first": lambda a, b: make_scorer(recall_score, pos_label=a),
    "recall of the second": lambda a, b: make_scorer(recall_score, pos_label=b),
    "labels": lambda a, b: make_scorer(
        f1_score, labels=[a], average="macro", pos_label=None
    ),
    "partial": lambda a, b: make_scorer(partial(recall_score, pos_label=a)),
    "own": lambda a, b: make_scorer(cost_of_second, second=b),
    "labeled": lambda a, b: labeled_scorer(make_scorer(recall_score, pos_label=b)),
    "average precision": lambda a, b: make_scorer(
        average_precision_score, response_method="predict_proba", pos_label=a
    ),
    "log loss": lambda a, b: make_scorer(
        log_loss,
        greater_is_better=False,
        response_method="predict_proba",
        labels=[a, b],
    ),
    "macro": lambda a, b: "f1_macro",
}


def search(classes, scoring):
    candidates = [
        {classes[code]: w for code, w in weights.items()} for weights in CANDIDATES
    ]
    grid = {"class_weight": candidates}
    return GridSearchCV(
        LogisticRegression(), grid, scoring=scoring, cv=3, error_score="raise"
    )


@pytest.mark.parametrize(
    ("meta", "scoring"), [(m, "f1") for m in META] + [("vote", s) for s in SCORINGS]
)
@pytest.mark.parametrize("classes", [(1, 2), (0, 5), ("no", "yes"), (False, True)])
@pytest.mark.filterwarnings("error")
def test_a_search_inside_scores_as_it_does_alone(samples, meta, scoring, classes):
    X, codes, labeled = samples
    y = np.array(classes)[codes]
    y_few = np.where(labeled, y.astype(object), None)
    scorer = SCORINGS[scoring](*classes)
    alone = search(classes, scorer)
    clf = META[meta](search(classes, scorer))
    try:
        alone.fit(X[labeled], y[labeled])
    except ValueError as error:  # of two classes, none is 1
        assert scoring == "f1" and 1 not in classes
        with pytest.raises(ValueError, match=re.escape(str(error)[:40])):
            clf.fit(X, y_few)
    else:
        clf.fit(X, y_few)
        np.testing.assert_array_equal(clf.predict(X), alone.predict(X))


def priors(candidates, scoring):
    """Search among shares of the classes."""
    return GridSearchCV(GaussianNB(), {"priors": candidates}, scoring=scoring, cv=3)


TWO = [[0.95, 0.05], [0.05, 0.95]]
CLOSE = LogisticRegression(C=1e-3)
# They encode y themselves, or have a scorer in another parameter or another form.
ALIKE = {
    "several scores": lambda a, b: priors(
        TWO, {"own": make_scorer(recall_score, pos_label=a), "accuracy": "accuracy"}
    ).set_params(refit="own"),
    "a list of names": lambda a, b: priors(TWO, ["balanced_accuracy"]).set_params(
        refit="balanced_accuracy"
    ),
    "a grid of scorers": lambda a, b: GridSearchCV(
        HistGradientBoostingClassifier(
            max_iter=4, early_stopping=True, n_iter_no_change=1, random_state=0
        ),
        {"scoring": ["loss", make_scorer(recall_score, pos_label=a)]},
        cv=2,
    ),
    "features": lambda a, b: make_pipeline(
        SequentialFeatureSelector(
            GaussianNB(), scoring=make_scorer(recall_score, pos_label=a), cv=2
        ),
        GaussianNB(),
    ),
    "voting": lambda a, b: VotingClassifier([("s", priors(TWO, "recall"))]),
    "stacking": lambda a, b: StackingClassifier([("s", priors(TWO, "recall"))], cv=2),
    "bagging": lambda a, b: BaggingClassifier(priors(TWO, "recall"), 2, random_state=0),
    "one against the rest": lambda a, b: OneVsRestClassifier(priors(TWO, "recall")),
    "a search of them": lambda a, b: GridSearchCV(
        OneVsRestClassifier(CLOSE),
        {"estimator__class_weight": [{0: 1, 1: 9}, {0: 9, 1: 1}]},
        scoring=make_scorer(recall_score, pos_label=a),
        cv=2,
    ),
    "regression": lambda a, b: LogisticRegressionCV(Cs=[1e-3, 1], cv=3, scoring="f1"),
    "threshold": lambda a, b: FixedThresholdClassifier(
        GaussianNB(), threshold=0.9, pos_label=a
    ),
    "tuned threshold": lambda a, b: TunedThresholdClassifierCV(GaussianNB(), cv=3),
}


@pytest.mark.parametrize("name", ALIKE)
@pytest.mark.parametrize("classes", [(1, 2), ("no", "yes")])
def test_estimators_inside_do_as_they_do_alone(samples, name, classes):
    X, codes, labeled = samples
    y = np.array(classes)[codes]
    make = partial(ALIKE[name], *classes)
    expected = make().fit(X[labeled], y[labeled]).predict(X)
    clf = META["codes"](make()).fit(X, np.where(labeled, y.astype(object), None))
    np.testing.assert_array_equal(clf.predict(X), expected)


def recall_of(y_true, y_pred, pos_label=2, *, labels=(1, 2)):
    """A score of a user's own, whose defaults are labels."""
    assert set(y_true) <= {1, 2, 3} and labels == (1, 2)
    return np.mean(y_pred[y_true == pos_label] == pos_label)


def test_functions_of_users_get_labels_of_three_classes(samples):
    X, codes, labeled = samples
    y = 1 + codes + (X[:, 0] > 1.5)
    three = [[0.05, 0.05, 0.9], [0.45, 0.5, 0.05]]

    def scoring(estimator, X, y):
        assert estimator.classes_.tolist() == [1, 2, 3]
        assert estimator.score(X, y) == np.mean(estimator.predict(X) == y)
        return recall_of(y, estimator.predict(X))

    few = np.where(labeled, y, -1)
    for scorer in (
        make_scorer(recall_of),
        make_scorer(recall_of, pos_label=1),
        scoring,
    ):
        own = priors(three, scorer).set_params(error_score="raise")
        expected = own.fit(X[labeled], y[labeled]).predict(X)
        np.testing.assert_array_equal(
            META["codes"](own).fit(X, few).predict(X), expected
        )


@pytest.mark.parametrize(("classes", "marker"), [((1, 2), -1), (("no", "yes"), "-1")])
def test_scorers_get_unlabeled_samples_as_such(samples, classes, marker):
    X, codes, labeled = samples
    seen = []

    def scoring(estimator, X, y):
        check_is_fitted(estimator)
        seen.append(set(np.unique(y)))
        return estimator.score(X, y)

    ladder = LadderClassifier((4,), max_epochs=1)
    own = GridSearchCV(ladder, {"noise_std": [0.3]}, scoring=scoring, cv=2)
    few = np.where(labeled, np.array(classes)[codes].astype(object), None)
    SemiSupervisedClassifier(own).fit(X, few)
    assert seen == [{marker, *classes}] * 2
    # as if the marker were a class, but of the same type
    plain = clone(own).set_params(scoring="accuracy", error_score="raise")
    fitted = SemiSupervisedClassifier(plain).fit(X, few)
    assert fitted.estimator_.best_score_ == pytest.approx(
        clone(ladder).fit(X, np.where(labeled, codes, -1)).score(X, codes) / 2, abs=0.2
    )  # half of the samples are unlabeled, and never right


def test_a_view_knows_labels_only(samples):
    X, codes, _ = samples
    view = OfLabels(GaussianNB().fit(X, codes), np.array(["no", "yes"]))
    with pytest.raises(ValueError, match=r"y must have labels of the classes.*'maybe'"):
        view.score(X, np.where(codes, "yes", "maybe"))
    assert view.score(X, view.predict(X)) == 1


def test_scorers_travel_to_other_processes(samples):
    X, codes, labeled = samples
    scorer = ScorerOfLabels(get_scorer("recall"), np.array([1, 2]))
    y, clf = codes[labeled], GaussianNB().fit(X[labeled], codes[labeled])
    loaded = pickle.loads(pickle.dumps(scorer))
    recall = recall_score(y, clf.predict(X[labeled]), pos_label=0)
    assert loaded(clf, X[labeled], y) == scorer(clf, X[labeled], y) == recall
    view = OfLabels(clf, np.array([1, 2]))
    assert copy.copy(view).classes_.tolist() == [1, 2]


def test_routed_weights_reach_scorers(samples):
    X, codes, labeled = samples
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = make_scorer(recall_score, pos_label=1).set_score_request(
            sample_weight=True
        )
        inner = GaussianNB().set_fit_request(sample_weight=True)
        own = GridSearchCV(inner, {"priors": TWO}, scoring=scorer, cv=3)
        weight = np.random.RandomState(1).uniform(size=len(X))
        clf = ClassPriorClassifier(own, None)
        clf.fit(X, np.where(labeled, codes + 1, -1), sample_weight=weight)
        own.fit(X[labeled], codes[labeled] + 1, sample_weight=weight[labeled])
    np.testing.assert_array_equal(clf.predict(X), own.predict(X))


@pytest.mark.parametrize(
    "scoring",
    [
        "recall",
        "f1_macro",
        "matthews_corrcoef",
        make_scorer(recall_score, pos_label=1),
        make_scorer(recall_score, pos_label=2),
        make_scorer(f1_score, average="macro"),
        make_scorer(f1_score, labels=[1], average="macro", pos_label=None),
        make_scorer(f1_score, labels=np.array([2, 3]), average="micro", pos_label=None),
    ],
)
@pytest.mark.filterwarnings("error::UserWarning:sklearn_ladder")
def test_scores_that_tune_a_threshold(samples, scoring):
    X, codes, labeled = samples
    tuned = TunedThresholdClassifierCV(GaussianNB(), scoring=scoring, cv=3)
    clf = META["codes"](tuned).fit(X, np.where(labeled, codes + 1, -1))
    expected = tuned.fit(X[labeled], codes[labeled] + 1).predict(X)
    np.testing.assert_array_equal(clf.predict(X), expected)


def test_scores_that_tune_a_threshold_of_texts(samples):
    X, codes, labeled = samples
    few = np.where(labeled, np.array(["no", "yes"])[codes].astype(object), None)
    tuned = TunedThresholdClassifierCV(GaussianNB(), scoring="f1", cv=3)
    with pytest.raises(ValueError, match="pos_label of estimator__scoring must name"):
        META["codes"](tuned).fit(X, few)
    tuned.set_params(scoring=make_scorer(cost_of_second, second=1))
    with pytest.warns(UserWarning, match="TunedThresholdClassifierCV gets the codes"):
        META["codes"](tuned).fit(X, few)


@pytest.mark.parametrize("meta", META)
@pytest.mark.parametrize("classes", [(1, 2), ("a", "b")])
def test_parameters_that_name_one_class(meta, classes):
    X, y = np.arange(6.0)[:, None], np.repeat(np.array(classes), 3)
    few = np.where(np.arange(6) == 1, None, y.astype(object))
    far = RadiusNeighborsClassifier(1.5, outlier_label=classes[0])
    clf = META[meta](far).fit(X, few)
    assert clf.predict([[100.0]]) == classes[0]
    constant = DummyClassifier(strategy="constant", constant=classes[0])
    assert META[meta](constant).fit(X, few).predict([[5.0]]) == classes[0]
    META[meta](DummyClassifier(strategy="prior", constant=7)).fit(X, few)
    for wrong in (0, 7):
        constant.set_params(constant=wrong)
        with pytest.raises(ValueError, match=r"constant target value must be present"):
            META[meta](constant).fit(X, few)
    grid = {"strategy": ["constant"], "constant": [classes[0]]}
    searched = GridSearchCV(DummyClassifier(), grid, cv=2)
    assert META[meta](searched).fit(X, few).predict([[5.0]]) == classes[0]
    if meta != "labeled only":
        far.set_params(outlier_label=3)
        with pytest.raises(ValueError, match=r"outlier_label must name a class of y"):
            META[meta](far).fit(X, few)


def test_outliers_that_are_of_no_class_stay(samples):
    X, codes, labeled = samples
    for label, code in {"most_frequent": "most_frequent", None: None, 2: 1}.items():
        far = RadiusNeighborsClassifier(5.0, outlier_label=label)
        clf = ClassPriorClassifier(far, None).fit(X, np.where(labeled, codes + 1, -1))
        assert clf.estimator_.estimator_.outlier_label == code


def test_parameters_of_rounds(samples):
    X, codes, labeled = samples
    few = np.where(labeled, np.array(["no", "yes"])[codes].astype(object), None)
    encoding = VotingClassifier([("l", LogisticRegression())], voting="soft")
    by_code, by_label = {0: 1, 1: 9}, {"no": 1, "yes": 9}
    grid = {"l__class_weight": [by_code]}
    search_of = GridSearchCV(encoding, {"l__C": [1.0]}, cv=2)
    clf = PseudoLabelingClassifier(search_of, 1, round_params={"param_grid": grid})
    (fitted,) = clf.fit(X, few).estimators_
    assert fitted.estimator_.best_params_ == {"l__class_weight": by_code}
    for own, name, weights in (
        (encoding, "l__class_weight", by_code),
        (make_pipeline(CLOSE), "logisticregression__class_weight", by_label),
    ):
        clf = PseudoLabelingClassifier(own, 1, round_params={name: weights})
        (fitted,) = clf.fit(X, few).estimators_
        assert fitted.estimator_.get_params()[name] == by_code


def test_comparison(samples):
    X, codes, labeled = samples
    few = np.where(labeled, codes + 1, -1)
    scores = []
    for positive in (1, 2):
        own = search((1, 2), make_scorer(recall_score, pos_label=positive))
        found = compare(X, few, methods={"own": own})
        scores.append(found.folds["accuracy"].mean())
    assert scores[0] > scores[1]  # recall of the rare class costs accuracy


def test_scorers_of_users_are_not_changed(samples):
    X, codes, labeled = samples
    scorer = make_scorer(recall_score, pos_label=2)
    few = np.where(labeled, codes + 1, -1)
    ClassPriorClassifier(search((1, 2), scorer), None).fit(X, few)
    assert scorer._kwargs == {"pos_label": 2}
