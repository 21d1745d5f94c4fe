"""SemiSupervisedVotingClassifier and ClassPriorClassifier."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import (
    KNeighborsClassifier,
    NearestCentroid,
    RadiusNeighborsClassifier,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier
from sklearn.svm import SVC

from sklearn_ladder import LadderClassifier
from sklearn_ladder._class_prior import adjust, class_shares, estimate_class_prior
from sklearn_ladder.ensemble import (
    ClassPriorClassifier,
    LabeledOnlyClassifier,
    PseudoLabelingClassifier,
    SemiSupervisedClassifier,
    SemiSupervisedVotingClassifier,
    _voting,
    default_estimators,
)
from sklearn_ladder.model_selection import LabeledStratifiedKFold

MEMBERS = [("spreading", LabelSpreading()), ("nb", GaussianNB())]


def small_ladder(**parameters):
    return LadderClassifier((8,), max_epochs=20, random_state=0, **parameters)


@pytest.fixture(scope="module")
def imbalanced():
    """One class has nine tenths of the samples and half of the 40 labels."""
    rng = np.random.RandomState(0)
    y = (np.arange(1000) % 10 == 0).astype(int)
    X = rng.normal(size=(1000, 2)) + 2 * y[:, None]
    few = np.full(1000, -1)
    for label in (0, 1):
        few[np.flatnonzero(y == label)[:20]] = label
    return X, y, few


# ------------------------------------------------------------------------ the mean


@pytest.mark.parametrize("weights", [None, [3, 1]])
def test_the_vote_is_a_mean_and_members_get_samples_that_they_take(weights, imbalanced):
    X, _, few = imbalanced
    vote = SemiSupervisedVotingClassifier(MEMBERS, weights=weights, class_prior=None)
    vote.fit(X, few)
    spreading = LabelSpreading().fit(X, few).predict_proba(X)
    supervised = GaussianNB().fit(X[few != -1], few[few != -1]).predict_proba(X)
    share = 0.5 if weights is None else 0.75
    expected = share * spreading + (1 - share) * supervised
    np.testing.assert_allclose(vote.predict_proba(X), expected)
    np.testing.assert_array_equal(vote.predict(X), expected.argmax(axis=1))
    np.testing.assert_array_equal(
        vote.transduction_, np.where(few == -1, expected.argmax(axis=1), few)
    )
    np.testing.assert_array_equal(vote.classes_, [0, 1])
    assert vote.named_estimators_["spreading"] is vote.estimators_[0]


def test_class_prior_of_the_mean(imbalanced):
    X, y, few = imbalanced
    vote = SemiSupervisedVotingClassifier(MEMBERS).fit(X, few)
    plain = clone(vote).set_params(class_prior=None).fit(X, few)
    np.testing.assert_array_equal(plain.class_prior_, 0.5)
    proba = plain.predict_proba(X)
    shares = class_shares(few, 2)
    prior = estimate_class_prior(proba[few == -1], shares, 40)
    np.testing.assert_allclose(vote.class_prior_, prior)
    np.testing.assert_allclose(vote.predict_proba(X), adjust(proba, prior / shares))
    assert vote.score(X, y) > plain.score(X, y) + 0.02
    predicted = vote.predict(X)
    np.testing.assert_array_equal(vote.transduction_[few < 0], predicted[few < 0])


@pytest.mark.parametrize(
    "outer", [SemiSupervisedVotingClassifier, ClassPriorClassifier]
)
def test_auto_is_none_where_labels_may_be_a_sample(outer, imbalanced):
    X, _, few = imbalanced
    members = MEMBERS if outer is SemiSupervisedVotingClassifier else GaussianNB()
    clf = outer(members, class_prior="auto")
    assert clf.fit(X, few).class_prior_[1] < 0.4
    rare = np.flatnonzero(few == 1)[2:]
    sampled = few.copy()
    sampled[rare] = -1
    shares = np.array([20, 2]) / 22
    np.testing.assert_allclose(clf.fit(X, sampled).class_prior_, shares, atol=1e-3)
    clf.set_params(class_prior="em").fit(X, sampled)
    assert abs(clf.class_prior_[1] - shares[1]) > 1e-3


@pytest.mark.parametrize(
    "outer", [SemiSupervisedVotingClassifier, ClassPriorClassifier]
)
def test_a_class_prior_that_is_known(outer, imbalanced):
    X, _, few = imbalanced
    members = MEMBERS if outer is SemiSupervisedVotingClassifier else GaussianNB()
    clf = outer(members, class_prior=[0.9, 0.1]).fit(X, few)
    plain = outer(members, class_prior=None).fit(X, few)
    np.testing.assert_allclose(
        clf.predict_proba(X), adjust(plain.predict_proba(X), np.array([1.8, 0.2]))
    )
    for wrong in ([0.5, 0.4], [0.5, 0.3, 0.2], [1.0, 0.0]):
        with pytest.raises(ValueError, match="2 positive numbers, one for each class"):
            clf.set_params(class_prior=wrong).fit(X, few)


def test_auto_fades_with_sample_weights_as_in_the_ladder(imbalanced):
    X, _, few = imbalanced
    clf = ClassPriorClassifier(GaussianNB(), class_prior="auto")
    plain = clf.fit(X, few).class_prior_[1]
    signs = (-1.0) ** (np.arange(len(few)) // 10)  # in each class
    equal, less, none = (
        clf.fit(X, few, sample_weight=1 + spread * signs).class_prior_[1]
        for spread in (0.0, 0.05, 0.2)
    )
    assert equal == pytest.approx(plain)
    assert plain + 0.01 < less < 0.47 < none == pytest.approx(0.5, abs=0.02)


def test_class_prior_by_the_same_code_as_the_ladder(imbalanced):
    X, _, few = imbalanced
    ladder = small_ladder(class_prior="em", label_smoothing=0).fit(X, few)
    inner = small_ladder(class_prior=None, label_smoothing=0)
    outer = ClassPriorClassifier(inner).fit(X, few)
    np.testing.assert_allclose(outer.class_prior_, ladder.class_prior_, atol=1e-5)
    np.testing.assert_allclose(
        outer.predict_proba(X), ladder.predict_proba(X), atol=1e-5
    )
    np.testing.assert_array_equal(outer.transduction_, ladder.transduction_)


def test_members_leave_their_class_prior_to_the_vote(imbalanced):
    X, _, few = imbalanced
    members = [
        ("ladder", small_ladder()),
        ("scaled", make_pipeline(StandardScaler(), small_ladder())),
        ("own", small_ladder(class_prior="em")),
    ]
    vote = SemiSupervisedVotingClassifier(members).fit(X, few)
    ladder, scaled, own = vote.estimators_
    np.testing.assert_array_equal(ladder.class_prior_, 0.5)
    np.testing.assert_array_equal(scaled[-1].class_prior_, 0.5)
    assert own.class_prior_[1] < 0.4
    assert members[0][1].class_prior == "auto"  # what was given is as it was
    vote.set_params(class_prior=None).fit(X, few)
    assert vote.estimators_[0].class_prior_[1] < 0.4


def test_without_unlabeled_samples(blobs):
    X, y, _ = blobs
    vote = SemiSupervisedVotingClassifier([("nb", GaussianNB())]).fit(X, y)
    expected = GaussianNB().fit(X, y).predict_proba(X)
    np.testing.assert_allclose(vote.predict_proba(X), expected)
    np.testing.assert_array_equal(vote.transduction_, y)


def test_a_sample_that_a_member_does_not_reach(blobs):
    """Label spreading has NaN there; the other members decide."""
    X, _, y_few = blobs
    X = X.copy()
    X[-1] = 1e6

    class Unreached(GaussianNB):
        def predict_proba(self, X):
            return np.where(X[:, :1] > 1e5, np.nan, super().predict_proba(X))

    vote = SemiSupervisedVotingClassifier(
        [("unreached", Unreached()), ("lr", LogisticRegression())], class_prior=None
    ).fit(X, y_few)
    of_regression = vote.estimators_[1].predict_proba(X)[-1]
    np.testing.assert_allclose(vote.predict_proba(X)[-1], (0.5 + of_regression) / 2)


# -------------------------------------------------------------------- the default


def test_default_members(blobs):
    X, y, y_few = blobs
    vote = SemiSupervisedVotingClassifier(random_state=0)
    vote.set_params(
        ladder__max_epochs=20, ladder__hidden_layer_sizes=(8,), rf__n_estimators=10
    )
    vote.fit(X, y_few)
    ladder, rf, et = vote.estimators_
    assert isinstance(ladder, LadderClassifier)
    assert len(rf.estimator_.estimators_) == 10
    assert len(et.estimator_.estimators_) == 100
    assert vote.score(X, y) > 0.85
    again = clone(vote).fit(X, y_few)
    np.testing.assert_array_equal(again.predict_proba(X), vote.predict_proba(X))
    other = clone(vote).set_params(random_state=1).fit(X, y_few)
    assert np.abs(other.predict_proba(X) - vote.predict_proba(X)).max() > 1e-3


def test_the_default_ladder_counts_as_much_as_both_forests(blobs, monkeypatch):
    X, _, y_few = blobs

    def few_members():
        ladder = small_ladder(class_prior=None)
        forests = [(name, RandomForestClassifier(5)) for name in ("rf", "et")]
        return [("ladder", ladder), *forests]

    monkeypatch.setattr(_voting, "default_estimators", few_members)
    vote = SemiSupervisedVotingClassifier(class_prior=None, random_state=0)
    by_name = clone(vote).set_params(rf__n_estimators=5)
    assert by_name.weights == [2, 1, 1]
    for each in (vote, by_name):
        ladder, rf, et = (
            member.predict_proba(X) for member in each.fit(X, y_few).estimators_
        )
        np.testing.assert_allclose(
            each.predict_proba(X), (2 * ladder + rf + et) / 4, atol=1e-6
        )
    given = SemiSupervisedVotingClassifier(few_members(), class_prior=None)
    proba = [m.predict_proba(X) for m in given.fit(X, y_few).estimators_]
    np.testing.assert_allclose(given.predict_proba(X), np.mean(proba, 0), atol=1e-6)


def test_parameters_of_default_members_by_name():
    vote = SemiSupervisedVotingClassifier()
    assert {"ladder", "rf", "et", "ladder__max_epochs"} < vote.get_params().keys()
    assert clone(vote).estimators is None
    assert vote.set_params(n_jobs=2).estimators is None
    vote.set_params(ladder__max_epochs=7, et="drop")
    assert vote.get_params()["ladder__max_epochs"] == 7
    assert clone(vote).get_params()["ladder__max_epochs"] == 7
    assert dict(vote.estimators)["et"] == "drop"
    members = [(name, clone(member)) for name, member in MEMBERS]
    vote.set_params(estimators=members, nb__var_smoothing=0.1)
    assert [name for name, _ in vote.estimators] == ["spreading", "nb"]
    assert vote.get_params()["nb__var_smoothing"] == 0.1
    with pytest.raises(ValueError, match="Invalid parameter"):
        vote.set_params(ladder__max_epochs=7)


def test_random_state_none_leaves_that_of_members(blobs):
    X, _, y_few = blobs
    members = [("rf", RandomForestClassifier(5, random_state=7))]
    vote = SemiSupervisedVotingClassifier(members).fit(X, y_few)
    assert vote.estimators_[0].estimator_.random_state == 7
    vote.set_params(random_state=0).fit(X, y_few)
    assert vote.estimators_[0].estimator_.random_state != 7


# ------------------------------------------------------------------ as a good citizen


def test_many_kinds_of_members_in_a_search(digits):
    X, y, y_few = digits
    members = [
        ("self-training", SelfTrainingClassifier(GaussianNB())),
        ("bagging", LabeledOnlyClassifier(BaggingClassifier(GaussianNB()))),
        ("boosting", HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=2)),
        ("calibration", CalibratedClassifierCV(GaussianNB(), cv=2)),
        (
            "stacking",
            StackingClassifier(
                [("nb", GaussianNB()), ("rf", RandomForestClassifier(5))], cv=2
            ),
        ),
        ("scaled", make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))),
    ]
    search = GridSearchCV(
        make_pipeline(
            StandardScaler(),
            SemiSupervisedVotingClassifier(members, random_state=0),
        ),
        {
            "semisupervisedvotingclassifier__scaled__logisticregression__C": [
                1e-4,
                0.1,
            ],
            "semisupervisedvotingclassifier__boosting": ["drop"],
        },
        cv=LabeledStratifiedKFold(2),
        scoring="neg_log_loss",
        error_score="raise",
    ).fit(X, y_few)
    assert search.best_estimator_[-1].transduction_.shape == (len(X),)
    np.testing.assert_array_equal(search.classes_, np.arange(10))
    assert len(search.best_estimator_[-1].estimators_) == 5
    assert search.score(X[y_few != -1], y[y_few != -1]) > -0.7
    first, second = search.cv_results_["mean_test_score"]
    assert first != second


def test_search_over_the_weights_and_the_class_prior(blobs):
    X, _, y_few = blobs
    search = GridSearchCV(
        SemiSupervisedVotingClassifier(MEMBERS),
        {"weights": [None, [0, 1]], "class_prior": [None, "em"]},
        cv=LabeledStratifiedKFold(2),
        error_score="raise",
    ).fit(X, y_few)
    assert len(search.cv_results_["params"]) == 4


def test_a_vote_in_a_vote_and_in_scikit_learns(blobs):
    X, y, y_few = blobs
    inner = SemiSupervisedVotingClassifier(MEMBERS)
    outer = SemiSupervisedVotingClassifier([("vote", inner), ("nb", GaussianNB())])
    assert outer.fit(X, y_few).score(X, y) > 0.8
    assert outer.estimators_[0].class_prior_.tolist() == [0.5, 0.5]
    assert VotingClassifier([("vote", inner)]).fit(X, y).score(X, y) > 0.8


def test_names_of_columns_for_a_pipeline_that_needs_them(blobs):
    X, _, y_few = blobs
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    from sklearn.compose import make_column_transformer

    columns = make_column_transformer((StandardScaler(), ["a", "c"]))
    vote = SemiSupervisedVotingClassifier(
        [("some", make_pipeline(columns, GaussianNB())), ("nb", GaussianNB())]
    ).fit(frame, y_few)
    assert vote.predict(frame).shape == (60,)
    assert vote.n_features_in_ == 3


def test_missing_values_where_all_members_take_them(blobs):
    X, y, y_few = blobs
    X = X.copy()
    X[::9, 0] = np.nan
    forest = RandomForestClassifier(10)
    vote = SemiSupervisedVotingClassifier([("ladder", small_ladder()), ("rf", forest)])
    assert sklearn.utils.get_tags(vote).input_tags.allow_nan
    assert vote.fit(X, y_few).score(X, y) > 0.8
    vote.set_params(estimators=[*vote.estimators, ("lr", LogisticRegression())])
    assert not sklearn.utils.get_tags(vote).input_tags.allow_nan
    with pytest.raises(ValueError, match="NaN"):
        vote.fit(X, y_few)


# ------------------------------------------------------------------- sample weights


def test_weights_of_samples_without_routing(imbalanced):
    X, _, few = imbalanced
    members = [
        ("nb", GaussianNB()),
        ("scaled", make_pipeline(StandardScaler(), LogisticRegression())),
    ]
    weight = np.where(few == 1, 3.0, 1.0)
    vote = SemiSupervisedVotingClassifier(members).fit(X, few, sample_weight=weight)
    np.testing.assert_allclose(vote.class_prior_, [0.25, 0.75])  # "auto" is None
    of_bayes = vote.named_estimators_["nb"].estimator_
    np.testing.assert_allclose(of_bayes.class_prior_, [0.25, 0.75])
    plain = clone(vote).fit(X, few)
    regressions = [
        each.named_estimators_["scaled"].estimator_[-1].coef_ for each in (vote, plain)
    ]
    assert np.abs(regressions[0] - regressions[1]).max() > 0.01
    vote.set_params(estimators=[*members, ("knn", KNeighborsClassifier())])
    with pytest.raises(TypeError, match=r"KNeighborsClassifier\(\) does not"):
        vote.fit(X, few, sample_weight=weight)


def test_weights_of_samples_with_routing(imbalanced):
    X, _, few = imbalanced
    weight = np.where(few == 1, 3.0, 1.0)
    plain = SemiSupervisedVotingClassifier(
        [("nb", GaussianNB()), ("lr", LogisticRegression())], class_prior=None
    )
    expected = plain.fit(X, few, sample_weight=weight).predict_proba(X)
    with sklearn.config_context(enable_metadata_routing=True):
        members = [
            ("nb", GaussianNB().set_fit_request(sample_weight=True)),
            ("lr", LogisticRegression().set_fit_request(sample_weight="trust")),
        ]
        vote = SemiSupervisedVotingClassifier(members, class_prior=None)
        vote.fit(X, few, sample_weight=weight, trust=weight)
        np.testing.assert_allclose(vote.predict_proba(X), expected)
        search = GridSearchCV(
            vote.set_score_request(sample_weight=True),
            {},
            cv=LabeledStratifiedKFold(2),
            error_score="raise",
        )
        search.fit(X, few, sample_weight=weight, trust=weight)
        np.testing.assert_allclose(search.predict_proba(X), expected)
        requests = [
            estimator.get_metadata_routing().fit.requests
            for _, estimator in default_estimators()
        ]
        assert requests == [{"sample_weight": True}] * 3


# ------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"estimators": []}, "list of .name, classifier. tuples"),
        ({"estimators": [GaussianNB()]}, "list of .name, classifier. tuples"),
        ({"estimators": [("nb", GaussianNB(), 1)]}, "list of .name, classifier."),
        ({"estimators": [("nb", GaussianNB())] * 2}, "not unique"),
        ({"estimators": [("weights", GaussianNB())]}, "conflict with constructor"),
        ({"estimators": [("a__b", GaussianNB())]}, "must not contain __"),
        ({"estimators": [("a", "drop")]}, "must not all be 'drop'"),
        ({"estimators": [("a", GaussianNB)]}, "'a' must be a classifier"),
        ({"estimators": [("a", StandardScaler())]}, "'a' must be a classifier"),
        ({"estimators": [("a", Perceptron())]}, "'a' must have predict_proba"),
        ({"estimators": [("a", SVC())]}, "'a' must have predict_proba"),
        ({"weights": [1]}, "weights must be 2 numbers, one for each of estimators"),
        ({"weights": [[1, 2]]}, "weights must be 2 numbers"),
        ({"weights": [1, -1]}, "finite and not negative"),
        ({"weights": [1, np.nan]}, "finite and not negative"),
        ({"weights": [0, 0]}, "not all zero"),
        ({"class_prior": "most"}, "class_prior"),
    ],
)
def test_parameters_that_are_wrong(parameters, message, blobs):
    X, _, y_few = blobs
    vote = SemiSupervisedVotingClassifier(**{"estimators": MEMBERS} | parameters)
    with pytest.raises(ValueError, match=message):
        vote.fit(X, y_few)
    assert not hasattr(vote, "classes_")


def test_a_class_missing_in_a_member(digits):
    X, _, y_few = digits

    class Forgetful(GaussianNB):
        def fit(self, X, y):
            return super().fit(X[y > 0], y[y > 0])

    vote = SemiSupervisedVotingClassifier([("nb", GaussianNB()), ("f", Forgetful())])
    with pytest.raises(ValueError, match=r"'f' must know all 10 classes.*\[1, 2, 3"):
        vote.fit(X, y_few)
    with pytest.raises(ValueError, match=r"estimator must know all 10 classes"):
        ClassPriorClassifier(Forgetful()).fit(X, y_few)


def test_a_member_that_takes_the_marker_for_a_class(blobs):
    X, _, y_few = blobs
    wrong = SemiSupervisedClassifier(GaussianNB())
    with pytest.raises(ValueError, match="-1 for a class: wrap it in LabeledOnly"):
        SemiSupervisedVotingClassifier([("wrong", wrong)]).fit(X, y_few)


class WithoutProba(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self.classes_[np.zeros(len(X), int)]


def test_class_prior_needs_probabilities(blobs):
    X, _, y_few = blobs
    for clf in (WithoutProba(), SVC()):
        with pytest.raises(ValueError, match="estimator must have predict_proba"):
            ClassPriorClassifier(clf).fit(X, y_few)
    with pytest.raises(ValueError, match="class_prior"):
        ClassPriorClassifier(GaussianNB(), class_prior=0.5).fit(X, y_few)


def test_class_weights_name_classes(blobs):
    X, y, _ = blobs
    names = np.array(["no", "yes"])[y]
    # of a class that these labels lack, too, as in a fold
    weight = {"yes": 1e9, "no": 1.0, "perhaps": 1.0}
    forest = RandomForestClassifier(5, class_weight=weight, max_depth=1)
    rounds = PseudoLabelingClassifier(
        clone(forest).set_params(class_weight=None),
        n_rounds=1,
        round_params={"class_weight": weight},
    )
    search = GridSearchCV(
        RandomForestClassifier(5, max_depth=1), {"class_weight": [weight]}, cv=2
    )
    members = {
        "vote": SemiSupervisedVotingClassifier([("rf", forest)]),
        "prior": ClassPriorClassifier(forest, None),
        "rounds": rounds,
        "search": SemiSupervisedVotingClassifier([("search", search)]),
        "codes": SemiSupervisedClassifier(forest),
        "rounds in a vote": SemiSupervisedVotingClassifier([("rounds", rounds)]),
    }
    for name, clf in members.items():
        assert set(clf.fit(X, names).predict(X)) == {"yes"}, name
    wrong = clone(forest).set_params(class_weight={1: 2.0})
    for clf in (
        SemiSupervisedVotingClassifier([("rf", wrong)]),
        ClassPriorClassifier(wrong),
        PseudoLabelingClassifier(wrong),
    ):
        with pytest.raises(ValueError, match=r"class_weight must name classes of y"):
            clf.fit(X, names)


def test_gradient_boosting_gets_numbers_for_text(blobs):
    X, y, _ = blobs
    frame = pd.DataFrame(X[:, :2], columns=["a", "b"]).assign(
        word=np.array(["x", "z"])[y].astype(object)
    )
    boosting = HistGradientBoostingClassifier(max_iter=2)
    vote = SemiSupervisedVotingClassifier([("boosting", boosting)])
    for kind, n_categorical in (("object", 0), ("category", 1)):
        fitted = vote.fit(frame.astype({"word": kind}), y).estimators_[0].estimator_
        assert vote.predict(frame).shape == y.shape
        is_categorical = fitted.is_categorical_
        n_found = 0 if is_categorical is None else is_categorical.sum()
        assert n_found == n_categorical


# -------------------------------------------------------- class weights and priors


@pytest.fixture(scope="module")
def rare():
    """One sample in ten is of class 1, among the labels as well."""
    rng = np.random.RandomState(0)
    y = (rng.uniform(size=3000) < 0.1).astype(int)
    return rng.normal(2 * y)[:, None], y, np.where(np.arange(3000) < 600, y, -1)


def few_trees(**parameters):
    return RandomForestClassifier(20, random_state=0, **parameters)


PLAIN, BALANCED = LogisticRegression(), LogisticRegression(class_weight="balanced")
SEARCHED = {"C": [0.1, 1.0]}
# What would change the shares of classes, and the same without it.
WITH_SHARES = {
    "balanced": (BALANCED, PLAIN),
    "dict": (LogisticRegression(class_weight={0: 1, 1: 9}), PLAIN),
    "pipeline": tuple(make_pipeline(StandardScaler(), e) for e in (BALANCED, PLAIN)),
    "search": (
        GridSearchCV(PLAIN, SEARCHED | {"class_weight": [None, "balanced"]}, cv=3),
        GridSearchCV(PLAIN, SEARCHED, cv=3),
    ),
    "search of several grids": (
        GridSearchCV(PLAIN, [SEARCHED, {"class_weight": ["balanced"]}], cv=3),
        GridSearchCV(PLAIN, [SEARCHED, {}], cv=3),
    ),
    "search of estimators": tuple(
        GridSearchCV(make_pipeline(PLAIN), {"logisticregression": [e]}, cv=3)
        for e in (BALANCED, PLAIN)
    ),
    "forest": (few_trees(class_weight="balanced_subsample"), few_trees()),
    "bagging": tuple(
        BaggingClassifier(e, n_estimators=3, random_state=0) for e in (BALANCED, PLAIN)
    ),
    "stacking": tuple(
        StackingClassifier([("l", PLAIN)], e, cv=3) for e in (BALANCED, PLAIN)
    ),
    "one against the rest": tuple(map(OneVsRestClassifier, (BALANCED, PLAIN))),
    "pseudo-labels": tuple(
        PseudoLabelingClassifier(PLAIN, 1, round_params=changes)
        for changes in ({"class_weight": "balanced"}, {"class_weight": None})
    ),
    "a prior within": tuple(
        ClassPriorClassifier(e, p) for e, p in ((BALANCED, "em"), (PLAIN, None))
    ),
    "Bayes": (GaussianNB(priors=[0.5, 0.5]), GaussianNB()),
    "Bayes of equal shares": tuple(
        make_pipeline(MinMaxScaler(), MultinomialNB(fit_prior=fit_prior))
        for fit_prior in (False, True)
    ),
    "centroids": (NearestCentroid(), NearestCentroid(priors="empirical")),
    "ladder": tuple(
        LadderClassifier((4,), max_epochs=2, random_state=0, **parameters)
        for parameters in (
            {"class_weight": "balanced", "class_prior": [0.5, 0.5]},
            {"class_prior": None},
        )
    ),
}


@pytest.mark.parametrize("with_shares", WITH_SHARES)
@pytest.mark.parametrize("class_prior", ["em", {0: 0.9, 1: 0.1}])
@pytest.mark.parametrize("in_vote", [False, True])
def test_a_class_prior_takes_the_place_of_class_weights(
    rare, with_shares, class_prior, in_vote
):
    X, _, y_few = rare
    own, without = WITH_SHARES[with_shares]

    def proba(estimator):
        clf = ClassPriorClassifier(estimator, class_prior)
        if in_vote:
            members = [("own", estimator), ("plain", PLAIN)]
            clf = SemiSupervisedVotingClassifier(members, class_prior=class_prior)
        return clf.fit(X, y_few).predict_proba(X)

    name = "estimators: 'own'" if in_vote else "estimator"
    with pytest.warns(
        UserWarning, match=f"{name} is fitted without its .*: class_prior"
    ):
        found = proba(own)
    np.testing.assert_array_equal(found, proba(without))


@pytest.mark.parametrize("with_shares", WITH_SHARES)
@pytest.mark.filterwarnings("ignore:estimator is fitted without")  # the inner one
def test_auto_is_none_beside_class_weights_and_priors(rare, with_shares):
    X, _, y_few = rare
    own, _ = WITH_SHARES[with_shares]
    y_few = np.where(np.cumsum(y_few == 0) <= np.sum(y_few == 1), y_few, -1)
    auto, none = (
        ClassPriorClassifier(own, class_prior).fit(X, y_few).predict_proba(X)
        for class_prior in ("auto", None)
    )
    np.testing.assert_array_equal(auto, none)


class Boosting(ClassifierMixin, BaseEstimator):
    """With parameters of LightGBM, XGBoost and CatBoost."""

    def __init__(
        self,
        is_unbalance=False,
        scale_pos_weight=None,
        class_weights=None,
        auto_class_weights=None,
    ):
        self.is_unbalance = is_unbalance
        self.scale_pos_weight = scale_pos_weight
        self.class_weights = class_weights
        self.auto_class_weights = auto_class_weights

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), 2), 0.5)


@pytest.mark.parametrize(
    ("name", "value", "neutral"),
    [
        ("is_unbalance", True, False),
        ("scale_pos_weight", 9, 1),
        ("class_weights", {"a": 1, "b": 9}, None),
        ("auto_class_weights", "Balanced", None),
    ],
)
def test_weights_of_classes_of_other_packages(rare, name, value, neutral, recwarn):
    X, _, y_few = rare
    y = np.array(["a", "b", None])[y_few]
    boosting = Boosting(**{name: value})
    fitted = SemiSupervisedClassifier(LabeledOnlyClassifier(boosting)).fit(X, y)
    by_code = {0: 1, 1: 9} if name == "class_weights" else value
    assert getattr(fitted.estimator_.estimator_, name) == by_code
    for with_neutral in ({name: neutral}, {name: None}):
        ClassPriorClassifier(Boosting(**with_neutral)).fit(X, y)
    assert not recwarn
    with pytest.warns(UserWarning, match=f"without its estimator__{name}"):
        found = ClassPriorClassifier(boosting).fit(X, y)
    assert getattr(found.estimator_.estimator_, name) == neutral


@pytest.mark.parametrize(
    "estimator",
    [
        ComplementNB(fit_prior=False),
        GridSearchCV(MultinomialNB(), {"fit_prior": [True], "alpha": [1.0]}, cv=2),
        PseudoLabelingClassifier(MultinomialNB(), 1, round_params={"fit_prior": True}),
        NearestCentroid(priors="empirical"),
        GridSearchCV(NearestCentroid(priors="empirical"), {"priors": ["empirical"]}),
    ],
)
def test_no_warning_of_neutral_parameters(rare, estimator, recwarn):
    X, _, y_few = rare
    ClassPriorClassifier(estimator).fit(np.abs(X), y_few)
    assert not [each for each in recwarn if "without its" in str(each.message)]


def test_neutral_parameters_of_rounds(rare):
    X, _, y_few = rare
    centroids = NearestCentroid(priors="empirical")
    rounds = {"priors": [0.5, 0.5]}
    own = PseudoLabelingClassifier(centroids, 1, round_params=rounds)
    with pytest.warns(UserWarning, match="without its round_params"):
        found = ClassPriorClassifier(own).fit(X, y_few)
    assert found.estimator_.round_params == {"priors": "empirical"}


@pytest.mark.parametrize(
    "estimator",
    [
        CalibratedClassifierCV(BALANCED, cv=2),
        make_pipeline(SelectFromModel(BALANCED), PLAIN),
        make_pipeline(LinearDiscriminantAnalysis(priors=[0.5, 0.5]), PLAIN),
    ],
    ids=["calibrated", "selector", "transformer"],
)
def test_class_weights_that_do_not_reach_the_probabilities(rare, estimator, recwarn):
    X, _, y_few = rare
    y_few = np.where(np.cumsum(y_few == 0) <= np.sum(y_few == 1), y_few, -1)
    for class_prior in ("auto", "em"):
        clf = ClassPriorClassifier(estimator, class_prior).fit(X, y_few)
        assert clf.class_prior_[1] < 0.4  # as estimated
    assert not recwarn


@pytest.mark.parametrize("class_prior", ["auto", None])
def test_class_weights_stay_beside_no_class_prior(rare, class_prior, recwarn):
    X, _, y_few = rare
    # as many labels of each class, so that "auto" could be "em"
    y_few = np.where(np.cumsum(y_few == 0) <= np.sum(y_few == 1), y_few, -1)
    labeled = y_few >= 0
    clf = ClassPriorClassifier(BALANCED, class_prior).fit(X, y_few)
    balanced, plain = (
        clone(e).fit(X[labeled], y_few[labeled]).predict_proba(X)
        for e in (BALANCED, PLAIN)
    )
    np.testing.assert_array_equal(clf.predict_proba(X), balanced)
    members = [("balanced", BALANCED), ("plain", PLAIN)]
    vote = SemiSupervisedVotingClassifier(members, class_prior=class_prior)
    proba = vote.fit(X, y_few).predict_proba(X)
    np.testing.assert_allclose(proba, (balanced + plain) / 2)
    assert not recwarn


@pytest.mark.parametrize(
    "wrap", [None, "pipeline", "search", "rounds", "vote", "soft vote"]
)
def test_a_class_prior_beside_smoothed_labels(imbalanced, wrap):
    """As in the ladder itself. Otherwise a rare class would be predicted everywhere."""
    X, y, _ = imbalanced
    y_few = np.where(np.arange(1000) < 300, y, -1)
    ladder = small_ladder(linear_share=0.0, label_smoothing=0.3)
    prior = [0.5, 0.5]
    own = clone(ladder).set_params(class_prior=prior).fit(X, y_few)
    wrapped = {
        None: ladder,
        "pipeline": make_pipeline(ladder),
        "search": GridSearchCV(ladder, {"label_smoothing": [0.3]}, cv=2),
        "rounds": PseudoLabelingClassifier(ladder, n_rounds=0),
        "vote": SemiSupervisedVotingClassifier([("ladder", ladder)], class_prior=None),
        "soft vote": VotingClassifier([("ladder", ladder)], voting="soft"),
    }[wrap]
    clf = ClassPriorClassifier(wrapped, prior).fit(X, y_few)
    ratio = clf._ratio
    np.testing.assert_allclose(ratio, own.net_.module_.class_prior_ratio, rtol=1e-5)


def test_a_class_prior_of_a_vote_of_which_some_smooth(imbalanced):
    X, y, _ = imbalanced
    y_few = np.where(np.arange(1000) < 300, y, -1)
    ladder = small_ladder(linear_share=0.0, label_smoothing=0.3)
    members = [("ladder", ladder), ("bayes", GaussianNB())]
    vote = SemiSupervisedVotingClassifier(
        members, weights=[3, 1], class_prior=[0.5, 0.5]
    ).fit(X, y_few)
    shares = 0.775 * class_shares(y_few, 2) + 0.1125  # 3/4 of the smoothing
    np.testing.assert_allclose(vote._ratio, 0.5 / shares, rtol=1e-6)


def test_a_class_prior_around_what_only_seems_to_smooth(imbalanced):
    """Bagging has an unfitted `estimator_`, and others may have a `plan_`."""
    X, _, few = imbalanced
    inside = PseudoLabelingClassifier(GaussianNB(), n_rounds=0)
    ClassPriorClassifier(BaggingClassifier(inside, 2)).fit(X, few)

    class WithPlan(GaussianNB):
        def fit(self, X, y):
            self.plan_ = {"of": "their own"}
            return super().fit(X, y)

    ClassPriorClassifier(WithPlan()).fit(X, few)


def test_class_weights_of_candidates_name_classes(blobs):
    X, y, y_few = blobs
    names = np.where(y_few < 0, None, np.array(["b", "a"])[y])
    heavy = RandomForestClassifier(5, class_weight={"a": 1e9, "b": 1.0}, max_depth=1)
    pipeline = Pipeline([("last", PLAIN)])
    search = GridSearchCV(pipeline, {"last": [heavy]}, cv=2)
    clf = ClassPriorClassifier(search, class_prior=None).fit(X, names)
    assert set(clf.predict(X)) == {"a"}
    assert heavy.class_weight == {"a": 1e9, "b": 1.0}


@pytest.mark.parametrize("unit", ["ns", "us"])
def test_class_weights_name_times(unit, blobs):
    X, y, _ = blobs
    days = pd.to_datetime(["2020-01-01", "2021-01-01"])
    times = days.to_numpy().astype(f"M8[{unit}]")[y]
    forest = RandomForestClassifier(
        5, class_weight={days[0]: 1.0, days[1]: 1e9}, max_depth=1
    )
    clf = ClassPriorClassifier(forest, class_prior=None).fit(X, times)
    assert set(clf.predict(X)) == {times.max()}
    with pytest.raises(ValueError, match=r"class_prior must have a share for .*2020"):
        ClassPriorClassifier(PLAIN, class_prior={days[1]: 1.0}).fit(X, times)


def test_a_sample_of_which_a_member_says_nothing(imbalanced):
    """Of a sample without neighbors, all probabilities are 0."""
    X, _, few = imbalanced
    X = np.vstack([X, [[1e3, 1e3]]])
    neighbors = RadiusNeighborsClassifier(5.0, outlier_label=9)
    clf = ClassPriorClassifier(neighbors).fit(X, np.r_[few, -1])
    assert np.isfinite(clf.class_prior_).all()
    np.testing.assert_allclose(clf.predict_proba(X).sum(axis=1), 1)


@pytest.mark.parametrize("order", [1, -1])
def test_weights_of_the_default_vote_stay(order):
    parameters = {"weights": None, "ladder__max_epochs": 9}
    vote = SemiSupervisedVotingClassifier()
    with pytest.raises(ValueError, match="Invalid parameter 'max_epoch'"):
        vote.set_params(ladder__max_epoch=9)
    assert vote.weights == [2, 1, 1]
    vote = SemiSupervisedVotingClassifier()
    vote.set_params(**dict(list(parameters.items())[::order]))
    assert vote.weights == [2, 1, 1]
    copy = SemiSupervisedVotingClassifier().set_params(
        **SemiSupervisedVotingClassifier().get_params()
    )
    assert copy.weights == [2, 1, 1]
    vote.set_params(weights=None)  # now the members are a list of one's own
    assert vote.weights is None
