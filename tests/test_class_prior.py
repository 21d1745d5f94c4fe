import math

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression

from sklearn_ladder import LadderClassifier
from sklearn_ladder._class_prior import (
    adjust,
    check_class_prior,
    class_bias,
    class_shares,
    equal_shares_weight,
    estimate_class_prior,
    smooth,
)
from sklearn_ladder.ensemble import (
    ClassPriorClassifier,
    SemiSupervisedVotingClassifier,
)
from sklearn_ladder.model_selection import hide_labels
from sklearn_ladder.robustness import fast_gradient

LABELED = np.full(2, 0.5)


def two_normals(n_rows, share, seed=0):
    """Classes of a given share around ±1, and P(class | x) if they were as frequent."""
    rng = np.random.RandomState(seed)
    y = (rng.uniform(size=n_rows) < share).astype(int)
    x = rng.normal(2 * y - 1)
    second = 1 / (1 + np.exp(-2 * x))
    return x, y, np.column_stack([1 - second, second])


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.8])
def test_em_moves_the_prior_towards_the_shares_of_unlabeled_samples(share):
    _, y, proba = two_normals(5000, share)
    prior = estimate_class_prior(proba, LABELED, n_labels=100)
    assert prior.sum() == pytest.approx(1)
    # with 50 labels of each class, rows weigh as much as they may
    of_rows = adjust(proba, prior / LABELED).mean(axis=0)
    np.testing.assert_allclose(prior, (2 * of_rows + LABELED) / 3, atol=1e-3)
    assert abs(prior[1] - y.mean()) < 0.6 * abs(0.5 - y.mean()) + 0.02


def test_fewer_labels_and_fewer_rows_change_less():
    _, _, proba = two_normals(10_000, 0.0)
    distances = [
        0.5 - estimate_class_prior(proba[:n_rows], LABELED, n_labels)[1]
        for n_rows, n_labels in [(10_000, 2), (10, 40), (10_000, 10), (10_000, 20)]
    ]
    assert 0 < distances[0] < distances[1] < distances[2] < distances[3] < 0.4


def test_small_errors_of_probabilities_are_not_amplified():
    """Logits half a unit too high, and classes that overlap: EM alone says 90 %."""
    rng = np.random.RandomState(0)
    y = rng.uniform(size=20_000) < 0.05
    logits = rng.normal(y - 0.5) + np.log(0.05 / 0.95) + 0.5
    second = 1 / (1 + np.exp(-logits))
    proba = np.column_stack([1 - second, second])
    prior = estimate_class_prior(proba, np.array([0.95, 0.05]), n_labels=1000)
    assert prior[1] < 0.15


@pytest.mark.parametrize(
    "counts, expected",
    [
        ((5, 5), 1),
        ((8, 7, 8), 1),
        # p-values of the χ² test with one degree of freedom: erfc(√(χ²/2))
        ((30, 17), 1),
        ((30, 16), math.erfc(math.sqrt(14**2 / 46 / 2)) / 0.05),
        ((30, 14), math.erfc(math.sqrt(16**2 / 44 / 2)) / 0.05),
        ((19, 1), math.erfc(math.sqrt(18**2 / 20 / 2)) / 0.05),
    ],
)
def test_equal_numbers_of_labels_switch_the_em_algorithm_on(counts, expected):
    codes = np.repeat(np.arange(len(counts)), counts)
    weight = equal_shares_weight(np.append(codes, [-1] * 50), len(counts))
    assert weight == pytest.approx(expected)


def test_weight_of_the_unlabeled_samples():
    _, _, proba = two_normals(5000, 0.1)
    whole, half, nothing = (
        estimate_class_prior(proba, LABELED, 100, em_weight)[1]
        for em_weight in (1.0, 0.5, 0.0)
    )
    assert whole < half < nothing == 0.5


def test_class_prior_without_unlabeled_samples_is_that_of_the_labels():
    shares = np.array([0.7, 0.2, 0.1])
    prior = estimate_class_prior(np.empty((0, 3), np.float32), shares, n_labels=10)
    np.testing.assert_allclose(prior, shares)


def test_adjusted_probabilities_are_those_of_bayes():
    x, _, proba = two_normals(50, 0.5)
    odds = np.exp(2 * x) * (0.9 / 0.1)
    adjusted = adjust(proba.astype(np.float32), np.array([0.1, 0.9]) / 0.5)
    np.testing.assert_allclose(adjusted[:, 1], odds / (1 + odds), rtol=1e-5)
    assert adjusted.dtype == np.float32


def test_shares_and_class_bias():
    shares = class_shares(np.array([0, 1, -1, 1, 0]), 2)
    np.testing.assert_array_equal(class_bias(shares), [0, 0])
    bias = class_bias(class_shares(np.array([0, 0, 0, 1, -1]), 2))
    assert bias[0] - bias[1] == pytest.approx(np.log(3))
    weight = np.array([5.0, 1.0, 9.0])
    bias = class_bias(class_shares(np.array([0, 1, -1]), 2, weight))
    assert bias[0] - bias[1] == pytest.approx(np.log(5))
    silenced = class_shares(np.array([0, 1]), 2, np.array([2.0, 0.0]))
    assert np.isfinite(class_bias(silenced)).all()


@pytest.fixture(scope="module")
def imbalanced():
    """One class has nine tenths of the rows and half of the 40 labels."""
    rng = np.random.RandomState(0)
    y = (np.arange(1000) % 10 == 0).astype(int)
    X = rng.normal(size=(1000, 2)) + 2 * y[:, None]
    few = np.full(1000, -1)
    for label in (0, 1):
        few[np.flatnonzero(y == label)[:20]] = label
    return X, y, few


@pytest.fixture(scope="module")
def clf():
    return LadderClassifier((16,), max_epochs=20, n_estimators=2, random_state=0)


def test_estimator_adjusts_what_it_predicts(imbalanced, clf):
    X, y, few = imbalanced
    of_labels = clone(clf).set_params(class_prior=None).fit(X, few)
    np.testing.assert_allclose(of_labels.class_prior_, 0.5)
    clf = clone(clf).fit(X, few)
    assert 0.1 < clf.class_prior_[1] < 0.3
    assert clf.score(X, y) > of_labels.score(X, y) + 0.02
    smoothing = clf.label_smoothing * (1 - clf.linear_share_)
    ratio = smooth(clf.class_prior_, smoothing) / 0.5
    proba = adjust(of_labels.predict_proba(X), ratio)
    np.testing.assert_allclose(clf.predict_proba(X), proba, atol=1e-6)
    np.testing.assert_array_equal(clf.transduction_[few < 0], clf.predict(X)[few < 0])
    np.testing.assert_array_equal(
        clf.transform(X), of_labels.transform(X)
    )  # the network is the same
    # attacks are on what is predicted: a row that is only now of the first class
    between = (clf.predict(X) == 0) & (of_labels.predict(X) == 1)
    assert between.any()
    attacked = fast_gradient(clf, X[between], eps=0.3, norm="l2")
    assert (
        clf.predict_proba(attacked)[:, 0] < clf.predict_proba(X[between])[:, 0]
    ).all()


def test_auto_is_none_without_a_cost_of_unlabeled_rows(imbalanced, clf):
    X, _, few = imbalanced
    supervised = clone(clf).set_params(variant="supervised").fit(X, few)
    np.testing.assert_array_equal(supervised.class_prior_, 0.5)
    assert supervised.set_params(class_prior="em").fit(X, few).class_prior_[1] < 0.4


def test_auto_is_none_with_weights(imbalanced, clf):
    X, _, few = imbalanced
    short = clone(clf).set_params(max_epochs=1)  # shares are those of weights
    weighted = clone(short).set_params(class_weight={0: 1, 1: 3}).fit(X, few)
    np.testing.assert_allclose(weighted.class_prior_, [0.25, 0.75])
    by_row = short.fit(X, few, sample_weight=np.where(few == 1, 3.0, 1.0))
    np.testing.assert_allclose(by_row.class_prior_, [0.25, 0.75])
    both = clone(weighted).set_params(class_prior="em", max_epochs=20).fit(X, few)
    assert both.class_prior_[1] < 0.5


def test_frequencies_that_are_known(imbalanced, clf):
    X, _, few = imbalanced
    known = clone(clf).set_params(class_prior=[0.9, 0.1]).fit(X, few)
    np.testing.assert_array_equal(known.class_prior_, [0.9, 0.1])
    smoothing = known.label_smoothing * (1 - known.linear_share_)
    np.testing.assert_allclose(
        known.net_.module_.class_prior_ratio,
        [1.8 - 0.8 * smoothing, 0.2 + 0.8 * smoothing],
        rtol=1e-6,
    )
    known.set_params(label_smoothing=0).fit(X, few)
    np.testing.assert_allclose(
        known.net_.module_.class_prior_ratio, [1.8, 0.2], rtol=1e-6
    )


@pytest.mark.parametrize(
    "prior",
    [
        {"yes": 0.2, "no": 0.8},
        {"yes": 0.1, "no": 0.4, "not among these labels": 0.5},
        pd.Series({"yes": 0.2, "no": 0.8}),
        pd.Series([0.8, 0.2]),
    ],
)
def test_frequencies_by_class(imbalanced, clf, prior):
    X, _, few = imbalanced
    names = np.array(["no", "yes", None], dtype=object)[few]
    by_class = clone(clf).set_params(class_prior=prior).fit(X, names)
    np.testing.assert_array_equal(by_class.class_prior_, [0.8, 0.2])
    vote = SemiSupervisedVotingClassifier(
        [("clf", clone(clf).set_params(class_prior=prior))], class_prior=None
    ).fit(X, names)
    np.testing.assert_array_equal(vote.estimators_[0].class_prior_, [0.8, 0.2])


def test_frequencies_of_other_classes(imbalanced, clf):
    X, _, few = imbalanced
    clf = clone(clf).set_params(class_prior={0: 0.8, 2: 0.2})
    with pytest.raises(ValueError, match=r"a share for each class, \[0, 1\]; got"):
        clf.fit(X, few)


def test_what_a_fit_settled_on_gives_the_same(imbalanced, clf):
    X, _, few = imbalanced
    found = clone(clf).fit(X, few)
    again = clone(clf).set_params(class_prior=found.class_prior_).fit(X, few)
    np.testing.assert_array_equal(again.predict_proba(X), found.predict_proba(X))


def test_equal_frequencies_do_not_flood_with_a_rare_class():
    X, y = make_classification(
        1500, 10, n_informative=6, weights=[0.93], flip_y=0.05, random_state=0
    )
    few = hide_labels(y, n=150, random_state=0)
    clf = LadderClassifier(
        class_prior=[0.5, 0.5], label_smoothing=0.3, max_epochs=20, random_state=0
    ).fit(X, few)
    assert clf.predict(X).mean() < 0.35  # .6 if the shares are not smoothed as well


@pytest.mark.parametrize(
    "prior",
    [
        [0.5, 0.3, 0.2],
        [0.5, 0.4],
        [1.0, 0.0],
        [[0.5, 0.5]],
        ["a", "b"],
    ],
)
def test_frequencies_that_are_none(imbalanced, clf, prior):
    X, _, few = imbalanced
    with pytest.raises(ValueError, match="2 positive numbers, one for each class"):
        clone(clf).set_params(class_prior=prior).fit(X, few)


def test_fit_estimates_the_class_prior_anew_and_partial_fit_does_not(imbalanced, clf):
    X, y, few = imbalanced
    warm = clone(clf).set_params(warm_start=True).fit(X, few)
    assert warm.class_prior_[1] < 0.3
    ratio = warm.net_.module_.class_prior_ratio.clone()
    warm.partial_fit(X, np.full(len(X), -1))
    np.testing.assert_array_equal(warm.net_.module_.class_prior_ratio, ratio)
    assert not hasattr(warm, "class_prior_")
    balanced = np.r_[np.flatnonzero(y == 1), np.flatnonzero(y == 0)[:100]]
    warm.fit(X[balanced], few[balanced])
    assert 0.4 < warm.class_prior_[1] < 0.6
    warm.set_params(class_prior=None).fit(X, few)
    np.testing.assert_array_equal(warm.net_.module_.class_prior_ratio, 1)


@pytest.mark.parametrize("class_prior", ["em", "auto"])
def test_labels_of_weight_0_do_not_count_in_a_class_prior(imbalanced, class_prior):
    X, y, few = imbalanced
    silent = np.random.RandomState(0).uniform(size=len(X)) < 0.1
    silent &= few == -1
    labels, weight = np.where(silent, y, few), np.where(silent, 0.0, 1.0)
    regression = LogisticRegression(C=1e-2, tol=1e-8)
    clf = ClassPriorClassifier(regression, class_prior)
    kept = clone(clf).fit(X[~silent], labels[~silent])
    clf.fit(X, labels, sample_weight=weight)
    np.testing.assert_allclose(clf.class_prior_, kept.class_prior_, atol=1e-4)


def test_partial_fit_refuses_to_estimate(imbalanced):
    X, _, few = imbalanced
    for prior in ("em", [0.5, 0.5]):
        with pytest.raises(ValueError, match=r"class_prior=.* is for fit only"):
            LadderClassifier(class_prior=prior).partial_fit(X, few, classes=[0, 1])


def test_a_silenced_class_stays_silent():
    shares = class_shares(np.repeat([0, 1], 50), 2, np.repeat([2.0, 0.0], 50))
    assert shares.sum() == pytest.approx(1)
    proba = np.full((10_000, 2), [0.999, 0.001])
    assert estimate_class_prior(proba, shares, n_labels=100)[1] < 0.001


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"a": 0.5, "b": 0.49},
            "for each class, that sum to 1; got .* the sum 0.99",
        ),
        ({"a": 5, "b": 7}, "that sum to 1; got .* with the sum 12"),
        ({"a": 0.5, "B": 0.5}, r"got none for \['b'\] in"),
        ([0.5, 0.4], "in the order of classes_, that sum to 1; got .* the sum 0.9"),
    ],
)
def test_errors_of_given_priors_name_the_cause(given, message):
    with pytest.raises(ValueError, match=message):
        check_class_prior(given, np.array(["a", "b"]))
