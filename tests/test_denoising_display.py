"""Pictures of denoising functions."""

import numpy as np
import pytest
import torch

from sklearn_ladder import LadderClassifier
from sklearn_ladder.architectures import Conv, Dense, MeanPool
from sklearn_ladder.displays import DenoisingFunctionDisplay

from_estimator = DenoisingFunctionDisplay.from_estimator


@pytest.fixture(scope="module")
def data():
    rng = np.random.RandomState(0)
    y = np.repeat([0, 1], 40)
    return rng.normal(size=(80, 16)) + 2 * y[:, None], y


def fit(data, **parameters):
    parameters = {"n_estimators": 2, "denoising_cost": 1.0} | parameters
    return LadderClassifier((8,), max_epochs=8, random_state=0, **parameters).fit(*data)


@pytest.fixture(scope="module")
def clf(data):
    return fit(data)


def gaussian(coefficients, z, u):
    """The published combinator, from the paper's formula."""
    a = coefficients

    def value(a1, a2, a3, a4, a5):
        return a1 / (1 + np.exp(-(a2 * u + a3))) + a4 * u + a5

    prior_mean, gate = value(*a[:5]), value(*a[5:])
    return (z - prior_mean) * gate + prior_mean


@pytest.mark.parametrize(("layer", "name"), [(0, "input"), (1, "hidden 1")])
def test_curves_and_points_are_the_combinator(clf, data, pyplot, layer, name):
    X = data[0][:50]  # most of one class, so that means are not 0
    display = from_estimator(clf, X, layer=layer, unit=3, random_state=0)
    combinator = clf.net_.module_.decoder.layers[str(layer)].combinator
    a = combinator.coefficients.detach().numpy()[:, 3].astype(float)
    values = gaussian(a, display.z_corrupted, display.u)
    # the normalization ẑ_BN = (ẑ − μ)/σ is the same for points and curves
    slope, intercept = (1, 0)
    if layer > 0:
        slope, intercept = np.polyfit(values, display.z_denoised, 1)
    expected = slope * values + intercept
    np.testing.assert_allclose(display.z_denoised, expected, atol=1e-4)
    grid = display.curve_z_corrupted
    assert (grid[0], grid[-1]) == pytest.approx(
        (display.z_corrupted.min(), display.z_corrupted.max())
    )
    assert len(display.lines_) == 5
    low, high = np.quantile(display.u, [0.05, 0.95])
    np.testing.assert_allclose(display.curve_u, np.linspace(low, high, 5), atol=1e-6)
    for line, u in zip(display.lines_, display.curve_u, strict=True):
        expected = slope * gaussian(a, grid, u) + intercept
        np.testing.assert_allclose(
            line.get_xydata(), np.c_[grid, expected], atol=1e-4, rtol=1e-4
        )
    assert display.ax_.get_ylabel() == f"Value in {name}, unit 3"
    assert display.figure_ is display.ax_.figure


def test_points_and_arrows(clf, data, pyplot):
    display = from_estimator(clf, data[0], random_state=0, linewidth=5)
    points = np.c_[display.z_corrupted, display.z_clean]
    np.testing.assert_allclose(display.points_.get_offsets(), points)
    np.testing.assert_allclose(display.points_.get_array(), display.u)
    assert {line.get_linewidth() for line in display.lines_} == {5}
    # clean values are normalized, as in the denoising cost
    assert display.z_clean.mean() == pytest.approx(0, abs=1e-5)
    assert display.z_clean.std() == pytest.approx(1, abs=1e-4)
    _, ax = pyplot.subplots()
    arrows = display.plot(ax, n_arrows=100).arrows_
    assert display.ax_ is ax
    order = np.argsort(display.z_corrupted)
    x = display.z_corrupted[order]
    np.testing.assert_allclose(arrows.get_offsets(), np.c_[x, x], rtol=1e-6)
    np.testing.assert_allclose(arrows.V, display.z_denoised[order] - x, atol=1e-6)
    assert not arrows.U.any()


def test_without_noise_nothing_is_corrupted(data, pyplot):
    clf = fit(data, noise_std=0.0)
    for layer in range(3):
        display = from_estimator(clf, data[0], layer=layer)
        np.testing.assert_allclose(display.z_corrupted, display.z_clean, atol=1e-5)
    noisy = from_estimator(fit(data), data[0], layer=0, random_state=0)
    noise = noisy.z_corrupted - noisy.z_clean
    assert noise.std() == pytest.approx(0.3, rel=0.25)


def test_input_are_the_scaled_features(data, pyplot):
    clf = fit(data, feature_scaling=None)
    display = from_estimator(clf, data[0], layer=0, unit=2)
    np.testing.assert_allclose(display.z_clean, data[0][:, 2], rtol=1e-6)


def test_which_layer_by_default(data, pyplot):
    layers = {
        variant: from_estimator(fit(data, variant=variant), data[0]).layer
        for variant in ("full", "gamma", "bottom")
    }
    assert layers == {"full": "hidden 1", "gamma": "class layer", "bottom": "input"}


def test_other_networks(data, pyplot):
    X, y = data
    curves = from_estimator(fit(data, combinator="mlp"), X).curve_z_denoised
    assert curves.shape == (5, 101)
    images = X.reshape(-1, 1, 4, 4)
    layers = [Conv(3, 3, "same"), MeanPool(), Dense()]
    clf = LadderClassifier(architecture=layers, max_epochs=1).fit(images, y)
    display = from_estimator(clf, images, layer=1, unit=2)
    assert len(display.z_clean) == 80 * 16  # a point for each position
    with pytest.raises(ValueError, match="unit must be from 0 to 2; got 3"):
        from_estimator(clf, images, layer=1, unit=3)


def test_missing_values_and_one_curve(data, pyplot):
    X = data[0].copy()
    X[::3, 1] = np.nan
    display = from_estimator(fit((X, data[1])), X, n_curves=1)
    assert np.isfinite(display.z_corrupted).all()
    assert display.curve_u == pytest.approx([np.median(display.u)])


def test_random_state(clf, data, pyplot):
    torch.manual_seed(0)
    before = torch.get_rng_state()

    def corrupted(random_state):
        display = from_estimator(
            clf, data[0], max_samples=20, random_state=random_state
        )
        return display.z_corrupted

    first = corrupted(0)
    assert first.shape == (20,)
    np.testing.assert_array_equal(first, corrupted(0))
    assert not np.array_equal(first, corrupted(1))
    assert torch.equal(before, torch.get_rng_state())


def test_errors(clf, data, pyplot):
    X = data[0]
    with pytest.raises(ValueError, match=r"layers \[0, 1, 2\] have; got 3"):
        from_estimator(clf, X, layer=3)
    with pytest.raises(ValueError, match="unit must be from 0 to 7; got 8"):
        from_estimator(clf, X, unit=8)
    with pytest.raises(ValueError, match=r"unit must be from 0 to 7; got 1\.5"):
        from_estimator(clf, X, unit=1.5)
    with pytest.raises(ValueError, match="n_curves must be at least 1"):
        from_estimator(clf, X, n_curves=0)
    with pytest.raises(ValueError, match="max_samples must be at least 1"):
        from_estimator(clf, X, max_samples=-5)
    with pytest.raises(ValueError, match="at least 2 samples"):
        from_estimator(clf, X[:1])
    with pytest.raises(ValueError, match="must have a denoising cost"):
        from_estimator(fit(data, variant="supervised", denoising_cost="auto"), X)


def test_missing_entries_are_no_points(data, pyplot):
    """Imputed entries have no clean value."""
    X, y = data
    X = X.copy()
    X[:60, 3] = np.nan
    clf = fit((X, y), feature_scaling="scaled")
    display = from_estimator(clf, X, layer=0, unit=3, random_state=0)
    assert len(display.z_clean) == len(display.u) == 20
    scaled = clf.net_.module_.scale(torch.tensor(X, dtype=torch.float32))[60:, 3]
    np.testing.assert_allclose(np.sort(display.z_clean), np.sort(scaled), atol=1e-5)
    X[:, 3] = np.nan
    with pytest.raises(ValueError, match="X must have values of unit 3; all are"):
        from_estimator(clf, X, layer=0, unit=3)
