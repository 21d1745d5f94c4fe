"""Parameters of nested estimators name labels, though these get codes."""

from functools import partial

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    log_loss,
    make_scorer,
    recall_score,
)
from sklearn.model_selection import GridSearchCV, TunedThresholdClassifierCV
from sklearn.neighbors import RadiusNeighborsClassifier

from sklearn_ladder.comparison import compare
from sklearn_ladder.ensemble import (
    ClassPriorClassifier,
    LabeledOnlyClassifier,
    PseudoLabelingClassifier,
    SemiSupervisedClassifier,
    SemiSupervisedVotingClassifier,
)
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
def test_a_search_inside_scores_the_classes_that_its_scorer_names(
    samples, meta, scoring, classes
):
    X, codes, labeled = samples
    names = np.array(classes)
    y = names[codes]
    y_few = np.where(labeled, y.astype(object), None)
    scorer = SCORINGS[scoring](*classes)
    alone = search(classes, scorer)
    clf = META[meta](search(classes, scorer))
    if scoring == "f1" and not (1 in classes or True in classes):
        with pytest.raises(
            ValueError, match=r"pos_label=1 is not a valid label|Say which"
        ):
            clf.fit(X, y_few)
        return
    alone.fit(X[labeled], y[labeled])
    clf.fit(X, y_few)
    np.testing.assert_array_equal(clf.predict(X), alone.predict(X))


@pytest.mark.filterwarnings("error")
def test_several_scorers_and_candidates(samples):
    X, codes, labeled = samples
    y = codes + 1
    several = {"first": make_scorer(recall_score, pos_label=1), "accuracy": "accuracy"}
    tuned = TunedThresholdClassifierCV(LogisticRegression(), scoring="f1", cv=3)
    scorings = [make_scorer(recall_score, pos_label=c) for c in (1, 2)]
    few = np.where(labeled, y, -1)
    for own in (
        search((1, 2), several).set_params(refit="first"),
        search((1, 2), ["recall", "accuracy"]).set_params(refit="recall"),
        tuned,
        GridSearchCV(tuned, {"scoring": scorings}, cv=3),
    ):
        alone = own.fit(X[labeled], y[labeled]).predict(X)
        clf = META["codes"](own).fit(X, few)
        np.testing.assert_array_equal(clf.predict(X), alone)


def test_functions_that_get_codes(samples):
    X, codes, labeled = samples

    def scoring(estimator, X, y):
        return accuracy_score(y, estimator.predict(X))

    clf = ClassPriorClassifier(search((1, 2), scoring), None)
    with pytest.warns(UserWarning, match=r"scoring is a function that gets the codes"):
        clf.fit(X, np.where(labeled, codes + 1, -1))


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
    if meta != "labeled only":
        far.set_params(outlier_label=3)
        with pytest.raises(ValueError, match=r"outlier_label must name a class of y"):
            META[meta](far).fit(X, few)


def test_frequent_outliers_and_codes_stay(samples):
    X, y, labeled = samples
    few = np.where(labeled, y, -1)
    for label in ("most_frequent", None, 1):
        far = RadiusNeighborsClassifier(5.0, outlier_label=label)
        clf = ClassPriorClassifier(far, None).fit(X, few)
        assert clf.estimator_.estimator_.outlier_label == label
    scored = GridSearchCV(LogisticRegression(), {"C": [1.0]}, scoring="f1", cv=3)
    clf = ClassPriorClassifier(scored, None).fit(X, few)
    assert clf.estimator_.estimator_.scoring == "f1"


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
