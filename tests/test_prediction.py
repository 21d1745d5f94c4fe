import numpy as np
import pytest
import torch

from sklearn_ladder import LadderClassifier
from sklearn_ladder.network._normalization import Statistics, statistics_for_prediction


def small(**parameters):
    defaults = dict(hidden_layer_sizes=(8,), max_epochs=3, random_state=0)
    return LadderClassifier(**(defaults | parameters))


def statistics(mean, std):
    return Statistics(torch.tensor(mean), torch.tensor(std))


def test_ordinary_statistics_are_those_of_the_labeled_samples():
    labeled = statistics([0.3, -1.0], [0.9, 1.2])
    all_samples = statistics([0.0, 0.0], [1.0, 1.0])
    found = statistics_for_prediction(labeled, all_samples, labeled_share=1.0)
    torch.testing.assert_close(found, labeled)


def test_units_that_are_alike_for_all_labels_do_not_amplify():
    labeled = statistics([0.3, -1.0], [1e-5, 1.2])
    all_samples = statistics([0.0, 0.0], [0.2, 1.4])
    _, std = statistics_for_prediction(labeled, all_samples, labeled_share=1.0)
    torch.testing.assert_close(std, torch.tensor([0.1, 1.2]))


def test_a_unit_that_is_constant_is_divided_by_its_size():
    labeled = statistics([300.0, 1.0, 0.5], [1e-5, 1.2, 1e-5])
    _, std = statistics_for_prediction(labeled, labeled, labeled_share=1.0)
    torch.testing.assert_close(std, torch.tensor([300.0, 1.2, 1.0]))


def test_very_few_labels_share_their_statistics_with_all_samples():
    labeled, all_samples = statistics([1.0], [0.5]), statistics([0.0], [1.0])
    mean, std = statistics_for_prediction(labeled, all_samples, labeled_share=0.25)
    torch.testing.assert_close(mean, torch.tensor([0.25]))
    variance = 0.25 * 0.5**2 + 0.75 * 1.0**2 + 0.25 * 0.75
    torch.testing.assert_close(std, torch.tensor([variance]).sqrt())


@pytest.mark.parametrize("seed", range(3))
def test_alike_samples_have_alike_predictions_in_any_order(seed):
    rng = np.random.RandomState(seed)
    X = (rng.rand(60, 10) < 0.02).astype(float)
    X[:20] = 0  # all labeled samples
    y = np.where(np.arange(60) < 20, np.arange(60) % 2, -1)
    clf = small(random_state=seed, max_epochs=2).fit(X, y)
    proba, order = clf.predict_proba(X), rng.permutation(60)
    np.testing.assert_allclose(clf.predict_proba(X[order]), proba[order], atol=1e-5)
    assert np.ptp(proba[:20], axis=0).max() < 1e-5


@pytest.mark.parametrize("value", [0.0, 7.0, 1e6])
@pytest.mark.parametrize("feature_scaling", ["auto", None])
def test_samples_that_are_all_alike(value, feature_scaling):
    X, y = np.full((40, 3), value), np.where(np.arange(40) < 12, np.arange(40) % 2, -1)
    clf = small(feature_scaling=feature_scaling).fit(X, y)
    proba = clf.predict_proba(X)
    assert np.isfinite(proba).all()
    assert np.ptp(proba, axis=0).max() < 1e-5
    np.testing.assert_allclose(clf.predict_proba(X[:1]), proba[:1], atol=1e-5)


def test_nine_labels_or_ten_make_nearly_the_same_model():
    """Where all samples have other statistics than the labeled ones."""
    rng = np.random.RandomState(0)
    y = np.r_[np.arange(20) % 2, np.zeros(980, int)]  # the second class is rare
    X = rng.normal(size=(1000, 2)) + 4.0 * y[:, None]
    proba = []
    for n_labels in (9, 10):
        few = np.where(np.arange(1000) < n_labels, y, -1)
        clf = small(class_prior=None, max_epochs=30).fit(X, few)
        means = [layer.population.mean for layer in clf.net_.module_.encoder.layers]
        proba.append(clf.predict_proba(X))
    assert all(mean.isfinite().all() for mean in means)
    assert np.abs(proba[0] - proba[1]).mean() < 0.1


@pytest.mark.parametrize("variant", ["full", "gamma", "bottom", "supervised"])
def test_a_model_that_is_not_finite_is_none(blobs, variant):
    X, _, y_few = blobs
    clf = small(variant=variant).fit(X, y_few)
    before = clf.predict_proba(X)
    clf.set_params(feature_scaling=None)
    with pytest.raises(ValueError, match="feature_scaling"):
        clf.fit(X * 1e20, y_few)
    np.testing.assert_array_equal(clf.predict_proba(X), before)


def test_probabilities_that_are_not_finite_are_an_error(blobs):
    X, _, y_few = blobs
    clf = small(feature_scaling=None).fit(X, y_few)
    clf.net_.module_.encoder.layers[0].projection.weight.data[0] = torch.inf
    with pytest.raises(ValueError, match=r"must be finite; got NaN or infinity for"):
        clf.predict_proba(X)


@pytest.mark.parametrize("feature_scaling", ["auto", "scaled", None])
def test_imputed_values_stay_within_the_range_of_training(feature_scaling):
    rng = np.random.RandomState(0)
    X, y = 5 + rng.rand(2, 30), [0, 1]  # two samples: the decoder knows next to nothing
    clf = small(feature_scaling=feature_scaling).fit(X, y)
    gaps = 5 + rng.rand(200, 30)
    gaps[rng.rand(200, 30) < 0.3] = np.nan
    assert np.isfinite(clf.predict_proba(gaps)).all()
    module = clf.net_.module_
    x = module.for_all(module.scale(torch.tensor(gaps, dtype=torch.float32)))
    with torch.no_grad():
        imputed = module.impute(x, module._reconstruct)[x.isnan()]
    low, high = module.input_range.expand(2, *x.shape[1:])
    expected_low = low.expand_as(x)[x.isnan()]
    expected_high = high.expand_as(x)[x.isnan()]
    assert (imputed >= expected_low).all() and (imputed <= expected_high).all()
    if feature_scaling is None:
        assert 5 <= imputed.min() and imputed.max() <= 6
