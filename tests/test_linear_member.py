"""The linear member: a logistic regression that votes beside the networks."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression

from sklearn_ladder import LadderClassifier, _defaults
from sklearn_ladder.model_selection import hide_labels
from sklearn_ladder.training import _linear_member
from sklearn_ladder.training._linear_member import C


def fast(**parameters):
    return LadderClassifier((8,), max_epochs=2, random_state=0).set_params(**parameters)


@pytest.fixture(scope="module")
def data():
    X, y = make_blobs(150, n_features=3, cluster_std=2, random_state=0)
    return X, hide_labels(y, per_class=5, random_state=0)


def test_of_many_labels_each_class_has_one(data, monkeypatch):
    """The linear member is fitted to some of them, drawn at random."""
    monkeypatch.setattr(_linear_member, "MOST_LABELS", 5)
    X, _ = data
    y = np.zeros(len(X), int)
    y[-2:] = 1
    bias = fast(linear_share=0.4).fit(X, y).net_.module_.linear.bias
    assert bias.min() > 0.5 * _linear_member.NO_CLASS


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_linear_member_is_scikit_learns_logistic_regression(data, n_classes):
    X, y = data
    X, y = X[y < n_classes], y[y < n_classes]
    clf = fast(linear_share=0.4, class_prior=None).fit(X, y)
    network = fast(linear_share=0, class_prior=None).fit(X, y)
    with torch.no_grad():
        columns = clf.net_.module_.columns(torch.tensor(X, dtype=torch.float32))
    labeled = y != -1
    regression = LogisticRegression(C=C, tol=1e-8).fit(columns[labeled], y[labeled])
    expected = 0.6 * network.predict_proba(X) + 0.4 * regression.predict_proba(columns)
    np.testing.assert_allclose(clf.predict_proba(X), expected, atol=2e-3)


def test_auto_is_its_resolved_value_bit_for_bit(data):
    clf = fast().fit(*data)
    assert clf.linear_share_ == clf.plan_.linear_share == 0.5
    again = fast(linear_share=0.5).fit(*data)
    np.testing.assert_array_equal(
        clf.predict_proba(data[0]), again.predict_proba(data[0])
    )


def test_rule():
    assert _defaults.linear_share(30, 2) == 0.5
    assert _defaults.linear_share(500, 2) == 0.25
    assert _defaults.linear_share(30, 10) == 0
    assert _defaults.linear_share(30, 2, is_dense=False) == 0
    assert _defaults.linear_share(30, 2, is_projected=True) == 0


def test_weights_of_samples_count(data):
    X, y = data
    labeled = np.flatnonzero(y != -1)
    weight = np.ones(len(y))
    weight[labeled[::2]] = 0
    without = y.copy()
    without[labeled[::2]] = -1
    some = np.setdiff1d(np.arange(len(y)), labeled[::2])
    weighted = fast(class_prior=None).fit(X, y, sample_weight=weight)
    dropped = fast(class_prior=None).fit(X[some], y[some])
    # the feature scaling differs a little: of all samples, or without the dropped ones
    np.testing.assert_allclose(
        weighted.net_.module_.linear.weight,
        dropped.net_.module_.linear.weight,
        atol=0.05,
    )


def test_a_class_whose_labels_have_no_weight(data):
    X, y = data
    weight = np.where(y == 2, 0.0, 1.0)
    clf = fast().fit(X, y, sample_weight=weight)
    assert np.isfinite(clf.predict_proba(X)).all()
    only = fast().fit(X, y, sample_weight=np.where(y == 0, 1.0, 0.0))
    assert np.isfinite(only.predict_proba(X)).all()


def test_missing_entries_are_imputed(data):
    X, y = data
    X = X.copy()
    X[::7, 0] = np.nan
    clf = fast(linear_share=0.9).fit(X, y)
    assert np.isfinite(clf.predict_proba(X)).all()
    assert clf.score(X, y) > 0.9


def test_an_earlier_linear_member_does_not_vote_in_training(data):
    """Otherwise early stopping would judge the network by that of other labels."""
    X, y_few = data
    others = np.where(y_few == -1, -1, (y_few + 1) % 3)
    curves = []
    for share in (0.0, 0.9):
        clf = LadderClassifier(
            (8,),
            linear_share=share,
            warm_start=True,
            early_stopping=True,
            validation_fraction=0.3,
            max_epochs=4,
            random_state=0,
        )
        clf.fit(X, y_few).fit(X, others)
        curves.append(clf.history_["valid_loss"])
    np.testing.assert_allclose(*curves, rtol=1e-5)


def test_the_linear_member_fades_in_streams(data):
    X, y = data
    clf = fast().fit(X, y)
    linear = clf.net_.module_.linear
    before = linear.weight.clone()
    for share in (0.25, 0.5 / 3):  # as many samples as before, then half as many
        clf.partial_fit(X, y)
        linear = clf.net_.module_.linear
        assert clf.linear_share_ == pytest.approx(share)
        assert linear.share.item() == pytest.approx(share)
        assert torch.equal(linear.weight, before)
    assert pickle.loads(pickle.dumps(clf)).linear_share_ == clf.linear_share_
    stream = fast(warm_start=True).partial_fit(X, y, classes=[0, 1, 2])
    assert stream.linear_share_ == 0 and stream.net_.module_.linear is None
    assert stream.fit(X, y).linear_share_ == 0.5


def test_pickle_and_clone(data):
    clf = fast(linear_share=0.3).fit(*data)
    copied = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(
        clf.predict_proba(data[0]), copied.predict_proba(data[0])
    )
    assert clone(clf).linear_share == 0.3


@pytest.mark.parametrize("n_estimators", [1, 3])
def test_logits_are_those_of_the_probabilities(data, n_estimators):
    clf = fast(linear_share=0.3, n_estimators=n_estimators).fit(*data)
    x = torch.tensor(data[0], dtype=torch.float32)
    with torch.no_grad():
        of_logits = clf.net_.module_.mean_logits(x).softmax(dim=1)
        torch.testing.assert_close(of_logits, clf.net_.module_(x))
