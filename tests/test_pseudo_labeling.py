"""PseudoLabelingClassifier."""

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    LogisticRegression,
    LogisticRegressionCV,
    Perceptron,
)
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.naive_bayes import BernoulliNB, GaussianNB, MultinomialNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.semi_supervised import LabelSpreading
from sklearn.tree import DecisionTreeClassifier

from sklearn_ladder import LadderClassifier
from sklearn_ladder.ensemble import PseudoLabelingClassifier
from sklearn_ladder.ensemble._pseudo_labels import (
    arbitrated_labels,
    disputed,
    most_agreeing,
    with_sure_predictions,
)
from sklearn_ladder.model_selection import LabeledStratifiedKFold

ROUND = {"max_epochs": 2, "learning_rate": 0.004}


def small_ladder(**parameters):
    parameters = {"max_epochs": 30, "label_smoothing": 0} | parameters
    return LadderClassifier((8,), warm_start=True, **parameters)


# ------------------------------------------------------------------- pseudo-labels


def test_pseudo_labels_are_sure_and_given_labels_stay():
    proba = np.array([[0.999, 0.001], [0.98, 0.02], [0.005, 0.995], [0.999, 0.001]])
    found = with_sure_predictions(np.array([1, -1, -1, -1]), proba, 0.99)
    np.testing.assert_array_equal(found, [1, -1, 1, 0])


def test_those_that_agree_with_the_mean_go_on():
    sure, unsure = [0.1, 0.9], [0.6, 0.4]
    probas = np.array([[sure, sure], [sure, unsure], [sure, sure]])
    assert disputed(probas).tolist() == [False, True]
    assert most_agreeing(probas, 2).tolist() == [0, 2]


def test_the_arbiter_needs_to_be_sure_and_an_estimator_that_agrees():
    votes = np.eye(3)[[[0, 0, 0], [1, 1, 2]]]
    arbiter = np.array([[0.95, 0.05, 0], [0.2, 0.8, 0], [0, 1, 0]])
    assert arbitrated_labels(arbiter, votes, 0.9).tolist() == [0, -1, -1]


# -------------------------------------------------------------------------- rounds


def test_rounds_are_those_of_the_algorithm(blobs):
    X, _, y_few = blobs
    clf = PseudoLabelingClassifier(GaussianNB(), n_rounds=2, threshold=0.9)
    clf.fit(X, y_few)
    labels = y_few
    for n_round in range(3):
        expected = GaussianNB().fit(X[labels >= 0], labels[labels >= 0])
        record = clf.history_[n_round]
        assert record["n_pseudo_labels"] == np.sum(labels >= 0) - 10
        assert record["disagreement"] == record["n_arbitrated"] == 0
        proba = expected.predict_proba(X)
        sure = proba.max(axis=1) > 0.9
        labels = np.where((y_few < 0) & sure, proba.argmax(axis=1), y_few)
    np.testing.assert_array_equal(clf.predict_proba(X), proba)
    np.testing.assert_array_equal(clf.predict(X), proba.argmax(axis=1))
    np.testing.assert_array_equal(
        clf.transduction_, np.where(y_few < 0, proba.argmax(axis=1), y_few)
    )
    table = pd.DataFrame(clf.history_)
    assert len(table) == 3 and (table["duration"] > 0).all()
    assert table["n_changed"].tolist()[:2] == table["n_pseudo_labels"].tolist()[:2]


def test_warm_networks_go_on_with_more_labels(blobs):
    X, _, y_few = blobs
    fits = []

    class Watched(LadderClassifier):
        def fit(self, X, y):
            fits.append((hasattr(self, "net_"), np.sum(y >= 0), self.max_epochs))
            return super().fit(X, y)

    ladder = Watched((8,), max_epochs=30, label_smoothing=0, warm_start=True)
    clf = PseudoLabelingClassifier(
        ladder, n_rounds=2, threshold=0.8, round_params=ROUND, random_state=0
    ).fit(X, y_few)
    assert [is_warm for is_warm, *_ in fits] == [False, True, True]
    assert fits[0][1] == 10 < min(fits[1][1], fits[2][1])
    assert [n_epochs for *_, n_epochs in fits] == [30, 2, 2]
    assert ladder.max_epochs == 30
    assert [clf.n_iter_ for clf in clf.estimators_] == [2]


def test_each_round_has_noise_of_its_own(blobs):
    X, _, y_few = blobs
    clf = PseudoLabelingClassifier(
        small_ladder(max_epochs=2), n_estimators=2, warm_start=True, random_state=0
    )
    seeds = set()
    for n_rounds in range(3):
        clf.set_params(n_rounds=n_rounds).fit(X, y_few)
        seeds |= {each.random_state for each in clf.estimators_}
    assert len(seeds) == 6


def test_each_round_of_a_supervised_estimator_draws_anew(blobs):
    X, _, y_few = blobs
    clf = PseudoLabelingClassifier(
        RandomForestClassifier(2), warm_start=True, random_state=0
    )
    seeds = set()
    for n_rounds in range(3):
        (fitted,) = clf.set_params(n_rounds=n_rounds).fit(X, y_few).estimators_
        seeds.add(fitted.estimator_.random_state)
    assert len(seeds) == 3


def test_a_pair_learns_from_its_mean(blobs):
    X, _, y_few = blobs
    clf = PseudoLabelingClassifier(
        small_ladder(),
        n_rounds=0,
        threshold=0.8,
        n_estimators=2,
        n_candidates=3,
        round_params=ROUND,
        warm_start=True,
        random_state=0,
    ).fit(X, y_few)
    stage = clf._stage
    first = [each.predict_proba(X) for each in stage.estimators]
    assert len(first) == 3
    labels = with_sure_predictions(y_few, np.mean(first, axis=0), 0.8)
    chosen = most_agreeing(np.array(first), 2)
    seeds = [stage.seeds[number] for number in chosen]
    # without a round, too, only those are kept
    kept = np.mean([first[number] for number in chosen], axis=0)
    np.testing.assert_allclose(clf.predict_proba(X), kept)
    clf.set_params(n_rounds=1).fit(X, y_few)
    assert clf._stage.seeds == seeds
    assert clf.history_[1]["n_pseudo_labels"] == np.sum(labels >= 0) - 10
    one, other = (each.predict_proba(X) for each in clf.estimators_)
    assert np.abs(one - other).max() > 0.001  # noise and weights of their own


def test_an_arbiter_decides_where_estimators_disagree(digits):
    X, y, y_few = digits
    arbiter = make_pipeline(
        PCA(20, random_state=0), LabelSpreading(kernel="knn", n_neighbors=6, alpha=0.5)
    )
    clf = PseudoLabelingClassifier(
        RandomForestClassifier(5),
        n_rounds=2,
        threshold=0.5,
        n_estimators=2,
        arbiter=arbiter,
        random_state=0,
    )
    with_arbiter = clone(clf).fit(X, y_few)
    plain = clone(clf).set_params(arbiter=None).fit(X, y_few)
    assert [each["n_arbitrated"] for each in plain.history_] == [0, 0, 0]
    assert with_arbiter.history_[1]["n_arbitrated"] > 20
    assert with_arbiter.score(X, y) > plain.score(X, y)
    # a supervised one without distributions of its own
    clf.set_params(arbiter=GaussianNB(var_smoothing=0.1), n_candidates=3)
    history = clf.fit(X, y_few).history_
    assert history[1]["n_arbitrated"] == 0 < history[2]["n_arbitrated"]


def test_warm_start_of_a_supervised_estimator(blobs):
    X, _, y_few = blobs
    network = MLPClassifier((4,), max_iter=20, random_state=0, warm_start=True)
    clf = PseudoLabelingClassifier(
        network, n_rounds=2, threshold=0, round_params={"max_iter": 3}
    )
    with pytest.warns(UserWarning):  # of convergence
        clf.fit(X, y_few)
    (fitted,) = clf.estimators_
    assert fitted.estimator_.t_ == 20 * 10 + 2 * 3 * 60  # samples seen


# ---------------------------------------------------------------------- warm start


def test_more_rounds_go_on_from_what_is_there(blobs):
    X, _, y_few = blobs
    clf = PseudoLabelingClassifier(
        small_ladder(), n_estimators=2, round_params=ROUND, random_state=0
    )
    at_once = clone(clf).set_params(n_rounds=3).fit(X, y_few)
    step_by_step = clone(clf).set_params(warm_start=True, n_rounds=1).fit(X, y_few)
    step_by_step.set_params(n_rounds=3).fit(X, y_few)
    np.testing.assert_array_equal(
        step_by_step.predict_proba(X), at_once.predict_proba(X)
    )
    assert len(step_by_step.history_) == 4
    before = step_by_step.predict_proba(X)
    with pytest.raises(ValueError, match=r"n_rounds must be at least .* 3,"):
        step_by_step.set_params(n_rounds=2).fit(X, y_few)
    with pytest.raises(ValueError, match="labels of the previous fit"):
        step_by_step.set_params(n_rounds=4).fit(X, np.where(X[:, 0] > 2, 1, y_few))
    step_by_step.set_params(round_params={"max_epochs": 0})
    with pytest.raises(ValueError, match="max_epochs"):
        step_by_step.fit(X, y_few)
    np.testing.assert_array_equal(step_by_step.predict_proba(X), before)


def test_random_state_none(blobs):
    X, _, y_few = blobs
    one = PseudoLabelingClassifier(RandomForestClassifier(5, random_state=7), 1)
    forest = one.fit(X, y_few).estimators_[0].estimator_
    assert forest.random_state == 7
    two = one.set_params(n_estimators=2).fit(X, y_few)
    first, second = (each.predict_proba(X) for each in two.estimators_)
    assert np.abs(first - second).max() > 0


# ------------------------------------------------------------------ as a good citizen


def test_nested_parameters_in_a_search(blobs):
    X, _, y_few = blobs
    search = GridSearchCV(
        make_pipeline(StandardScaler(), PseudoLabelingClassifier(LogisticRegression())),
        {
            "pseudolabelingclassifier__estimator__C": [1e-6, 1.0],
            "pseudolabelingclassifier__n_rounds": [1],
        },
        cv=LabeledStratifiedKFold(2),
        scoring="neg_log_loss",
        error_score="raise",
    ).fit(X, y_few)
    assert search.best_params_["pseudolabelingclassifier__estimator__C"] == 1


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"estimator": Perceptron()}, "estimator must have predict_proba"),
        ({"estimator": StandardScaler()}, "estimator must be a classifier"),
        ({"n_rounds": -1}, "n_rounds"),
        ({"threshold": 1.0}, "threshold"),
        ({"n_estimators": 3, "n_candidates": 2}, "n_candidates must be at least"),
        ({"round_params": {"nothing": 1}}, "Invalid parameter 'nothing'"),
        ({"arbiter": Perceptron()}, "arbiter"),
    ],
)
def test_parameters_that_are_wrong(parameters, message, blobs):
    X, _, y_few = blobs
    clf = PseudoLabelingClassifier(GaussianNB()).set_params(**parameters)
    with pytest.raises(ValueError, match=message):
        clf.fit(X, y_few)
    assert not hasattr(clf, "classes_")


def test_more_estimators_than_there_are(blobs):
    X, _, y_few = blobs
    clf = PseudoLabelingClassifier(GaussianNB(), n_rounds=1, warm_start=True)
    clf.fit(X, y_few).set_params(n_estimators=2, n_rounds=2)
    with pytest.raises(ValueError, match="n_estimators must be at most that of"):
        clf.fit(X, y_few)


def test_an_arbiter_has_a_seed_of_its_own(blobs):
    X, _, y_few = blobs
    found = [
        PseudoLabelingClassifier(
            DecisionTreeClassifier(max_depth=2, max_features=1),
            n_rounds=2,
            threshold=0.99,
            n_estimators=3,
            arbiter=RandomForestClassifier(2),
            arbiter_threshold=0.0,
            random_state=0,
        )
        .fit(X, y_few)
        .predict_proba(X)
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*found)


def test_an_arbiter_of_a_single_estimator(blobs):
    X, _, y_few = blobs
    clf = PseudoLabelingClassifier(GaussianNB(), arbiter=GaussianNB(), n_candidates=2)
    with pytest.warns(UserWarning, match="arbiter decides nothing with n_estimators=1"):
        clf.fit(X, y_few)


def test_an_arbiter_gets_one_hot_columns_of_a_frame(blobs):
    X, y, y_few = blobs
    words = np.array(["x", "z"], dtype=object)[y]
    frame = pd.DataFrame(X, columns=list("abc")).assign(word=words)
    clf = PseudoLabelingClassifier(
        small_ladder(max_epochs=1),
        n_rounds=1,
        threshold=0.99,
        n_estimators=2,
        arbiter=RandomForestClassifier(5, class_weight={0: 1.0, 1: 1.0}),
        arbiter_threshold=0.0,
        random_state=0,
    ).fit(frame, y_few)
    assert clf.history_[1]["n_arbitrated"] > 0


def test_pseudo_labels_have_the_weights_of_their_samples(blobs):
    X, _, y_few = blobs
    seen = []

    class Watched(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            seen.append(dict(zip(X[:, 0], sample_weight, strict=True)))
            return super().fit(X, y, sample_weight)

    labeled, unlabeled = np.flatnonzero(y_few >= 0), np.flatnonzero(y_few < 0)
    weight = np.arange(len(y_few), dtype=float)
    expected = weight.copy()
    for wrong, row in zip((np.nan, np.inf, -1.0), unlabeled, strict=False):
        weight[row], expected[row] = wrong, weight[labeled].mean()
    clf = PseudoLabelingClassifier(Watched(), n_rounds=1, threshold=0.0)
    clf.fit(X, y_few, sample_weight=weight)
    assert len(seen[0]) == len(labeled) and len(seen[1]) == len(X)
    given = dict(zip(X[:, 0], expected, strict=True))
    assert all(given[x] == w for fit in seen for x, w in fit.items())
    weight[labeled[0]] = -1
    with pytest.raises(ValueError, match="Negative values"):
        clf.fit(X, y_few, sample_weight=weight)


def pipeline(last, **parameters):
    steps = FunctionTransformer(np.tanh), SimpleImputer(missing_values=pd.NA)
    return make_pipeline(*steps, last).set_params(**parameters)


@pytest.mark.parametrize(
    "estimator",
    [
        pipeline(LogisticRegression()),
        GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9]}, cv=StratifiedKFold(2)),
        LadderClassifier((4,), max_epochs=2, warm_start=True, random_state=0),
        RandomForestClassifier(2, random_state=np.random.RandomState(0)),
        LogisticRegressionCV(
            cv=StratifiedKFold(2, shuffle=True, random_state=np.random.RandomState(0))
        ),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_a_saved_fit_is_continued(blobs, estimator):
    X, _, y_few = blobs
    clf = PseudoLabelingClassifier(estimator, n_rounds=1, warm_start=True)
    clf.fit(X, y_few)
    saved = pickle.loads(pickle.dumps(clf))
    with sklearn.config_context(print_changed_only=False):
        saved.set_params(n_rounds=2).fit(X, y_few)
    assert len(saved.history_) == 3
    with pytest.warns(UserWarning, match="fit adds no round"):
        saved.fit(X, y_few)
    if "n_jobs" in estimator.get_params():  # changes no result
        saved.set_params(estimator__n_jobs=1, n_rounds=3).fit(X, y_few)


@pytest.mark.parametrize(
    "changes, scale, message",
    [
        ({}, -5, "needs the samples of the previous fit"),
        ({"estimator__bernoullinb__alpha": 2.0}, 1, r"got Pipeline.*alpha=2\.0"),
        ({"estimator": pipeline(MultinomialNB())}, 1, "got Pipeline.*Multinomial"),
        (
            {"estimator__functiontransformer__func": np.expm1},
            *(1, "got Pipeline.*expm1"),
        ),
    ],
)
def test_a_continued_fit_is_of_the_same_estimator_and_samples(
    blobs, changes, scale, message
):
    X, _, y_few = blobs
    estimator = pipeline(BernoulliNB())
    clf = PseudoLabelingClassifier(estimator, n_rounds=1, warm_start=True)
    clf.fit(X, y_few)
    proba = clf.predict_proba(X)
    clf.set_params(n_rounds=2, **changes)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        clf.fit(scale * X, y_few)
    np.testing.assert_array_equal(clf.predict_proba(X), proba)
