"""Features on one scale, by their ranks and values, and back."""

import tracemalloc

import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.stats import norm, rankdata

from sklearn_ladder.data import _feature_scaling
from sklearn_ladder.data._feature_scaling import (
    N_KNOTS,
    fit_knots,
    fit_shared_scale,
)
from sklearn_ladder.data._samples import Samples
from sklearn_ladder.network._feature_scaling import PiecewiseLinear


def table(n_rows=400):
    """Heavy tails, few values, a rare one, none but one, one with gaps."""
    rng = np.random.RandomState(0)
    columns = [
        np.exp(2 * rng.normal(size=n_rows)),
        rng.randint(5, size=n_rows),
        np.arange(n_rows) < 4,
        np.full(n_rows, 7.0),
        np.where(rng.uniform(size=n_rows) < 0.8, 0, rng.exponential(size=n_rows)),
    ]
    return np.stack(columns, axis=1)


def scale_of(X, n_bins=1):
    return PiecewiseLinear(*fitted(X, n_bins))


def fitted(X, n_bins=1):
    samples = Samples(X)
    return fit_knots(samples, samples.survey(), random_state=0).scale(n_bins)


def by_definition(column):
    """With scipy's ranks."""
    scores = norm.ppf((rankdata(column) - 0.5) / len(column))
    scores -= scores.mean()
    distances = scores.std() * (column - column.mean()) / max(column.std(), 1e-9)
    heights = (scores + distances / np.sqrt(1 + (distances / 3) ** 2)) / 2
    return heights - heights.mean()


def test_mean_of_normal_scores_and_distances():
    X = table()
    scaled = scale_of(X)(torch.as_tensor(X, dtype=torch.float32)).numpy()
    for column, own in zip(X.T, scaled.T, strict=True):
        # exact where there are fewer values than knots
        atol = 1e-5 if len(np.unique(column)) <= N_KNOTS else 0.1
        np.testing.assert_allclose(own, by_definition(column), atol=atol)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-5)
    # a feature with a rare value does not count as much as others
    assert scaled[:, 2].std() < 0.5 < 0.7 < scaled[:, 0].std()


def test_units_do_not_matter():
    X = table()
    in_other_units = 50 - 7 * X
    scaled, turned = (
        scale_of(Z)(torch.as_tensor(Z).float()) for Z in (X, in_other_units)
    )
    torch.testing.assert_close(scaled, -turned, atol=0.05, rtol=0)


def test_back_to_the_units_of_the_rows():
    X = torch.as_tensor(table()).float()
    scale = scale_of(table())
    torch.testing.assert_close(scale.inverse(scale(X)), X, atol=1e-3, rtol=1e-3)


def test_constant_beyond_the_range():
    X = torch.as_tensor(table()).float()
    scale = scale_of(table())
    beyond = scale(torch.stack([X.amax(dim=0) + 100, X.amin(dim=0) - 100]))
    at_ends = scale(torch.stack([X.amax(dim=0), X.amin(dim=0)]))
    torch.testing.assert_close(beyond, at_ends)


def test_missing_entries_are_left_out():
    X = table()
    X[::3, 0] = np.nan
    X = np.column_stack([X, np.full(len(X), np.nan)])
    scale = scale_of(X)
    out = scale(torch.as_tensor(X).float())
    assert torch.equal(out.isnan(), torch.as_tensor(np.isnan(X)))
    there = ~np.isnan(X[:, 0])
    expected = by_definition(X[there, 0])
    np.testing.assert_allclose(out[there, 0], expected, atol=0.05)
    assert scale(torch.zeros(1, 6))[0, 5] == 0  # a feature that was never observed


def test_sparse_rows_have_the_same_scale():
    X = table()
    dense, of_sparse = (fitted(make(X)) for make in (np.asarray, sparse.csr_array))
    for expected, found in zip(dense, of_sparse, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_sample_of_many_rows(monkeypatch):
    X = np.random.RandomState(0).normal(size=(5000, 2))
    expected = scale_of(X)
    monkeypatch.setattr(_feature_scaling, "LARGEST_SAMPLE", 2000)
    inner = torch.linspace(-2, 2, 50)[:, None].expand(50, 2)
    difference = expected(inner) - scale_of(X)(inner)
    assert 0 < difference.abs().max() < 0.2


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_what_is_rare_is_not_lost(monkeypatch, make):
    monkeypatch.setattr(_feature_scaling, "LARGEST_SAMPLE", 100)
    X = np.zeros((10_000, 3))
    X[77, 0], X[5000, 0], X[9999, 1] = 1, 3, -1
    scale = PiecewiseLinear(*fitted(make(X)))
    _, rare, rarer, negative, _ = scale(
        torch.tensor([[0, 0, 0], [1, 0, 0], [3, 0, 0], [0, -1, 0], [0, 0, 1.0]])
    ) - scale(torch.zeros(1, 3))
    assert 0.5 < rare[0] < rarer[0]
    assert negative[1] < -0.5
    assert rare[1:].count_nonzero() == rarer[1:].count_nonzero() == 0


def test_a_feature_that_is_missing_in_the_sample(monkeypatch):
    monkeypatch.setattr(_feature_scaling, "LARGEST_SAMPLE", 100)
    X = np.full((10_000, 1), np.nan)
    X[77], X[5000] = 2, 7
    low, high = scale_of(X)(torch.tensor([[2.0], [7.0]]))
    assert low < 0 < high


def plain_knots(column):
    """The formulas, for one feature without missing entries, one by one."""
    column = np.sort(column.astype(np.float32).astype(float))
    n = len(column)
    farthest = norm.ppf(1 - 0.5 / n)
    shares = norm.cdf(np.linspace(-farthest, farthest, N_KNOTS))
    values = np.unique(column[np.rint(shares * n - 0.5).astype(int)])
    for value in values:
        below, up_to = np.sum(column < value), np.sum(column <= value)
        if up_to - below > 2 * n / N_KNOTS:
            beside = column[np.clip([below - 1, up_to], 0, n - 1)]
            values = np.union1d(values, beside)
    ranks = [np.sum(column < v) + np.sum(column <= v) for v in values]
    scores = norm.ppf(np.array(ranks) / (2 * n))
    of_samples = np.interp(column, values, scores)
    distances = of_samples.std() * (values - column.mean()) / column.std()
    distances /= np.sqrt(1 + (distances / 3) ** 2)
    heights = (scores - of_samples.mean() + distances) / 2
    return values, heights - np.interp(column, values, heights).mean()


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_all_features_at_once_as_one_by_one(make, monkeypatch):
    monkeypatch.setattr(_feature_scaling, "LARGEST_BLOCK", 1000)  # two features each
    X = np.delete(table(), 3, axis=1)
    X = np.c_[X, 1e10 * X[:, 0], np.r_[X[1:, 0], 1e30], 1e-10 * X[:, 3]]
    samples = Samples(make(X))
    knots = fit_knots(samples, samples.survey(), random_state=0)
    for number, column in enumerate(X.T):
        values, heights = plain_knots(column)
        n = knots.n_values[number]
        np.testing.assert_array_equal(knots.values[number, :n], np.float32(values))
        np.testing.assert_allclose(
            knots.heights[number, :n], heights, rtol=1e-6, atol=1e-9
        )


def test_float64_loses_nothing():
    rng = np.random.RandomState(0)
    near_zero = rng.normal(size=(400, 1))
    X = np.c_[1.7e9 + near_zero, 1e-50 * near_zero, 1e100 * near_zero]
    samples = Samples(X, dtype=np.float64)
    survey = samples.survey()
    assert set(survey.imprecise) == {0, 1, 2}
    scale = PiecewiseLinear(*fit_knots(samples, survey, random_state=0).scale(1))
    scaled = scale(torch.as_tensor(X))
    assert scaled.dtype == torch.float32
    expected = scale_of(near_zero)(torch.as_tensor(near_zero).float())
    torch.testing.assert_close(scaled, expected.expand(-1, 3), atol=1e-3, rtol=0)
    back = scale.inverse(scaled)
    assert back.dtype == torch.float64
    np.testing.assert_allclose(back[:, 0] - 1.7e9, near_zero[:, 0], atol=1e-2)
    np.testing.assert_allclose(back[:, 1:], X[:, 1:], rtol=1e-2, atol=0)


def test_independent_of_the_default_dtype():
    X = table()
    expected = scale_of(X, 5)(torch.as_tensor(X).float())
    torch.set_default_dtype(torch.float64)
    try:
        found = scale_of(X, 5)(torch.as_tensor(X).float())
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(found, expected)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.float16])
def test_narrow_dtypes(dtype):
    largest = {bool: 1, np.int8: 99, np.uint8: 99, np.float16: 60_000}[dtype]
    X = np.linspace(0, largest, 2000).astype(dtype)[:, None]
    with np.errstate(all="raise", under="ignore"):
        values, heights, *_ = fitted(X)
    assert np.isfinite(heights).all()
    assert values.max() == X.max()


# -------------------------------------------------------------------------- bins


def test_a_column_for_each_bin():
    X = table()
    scale = scale_of(X, n_bins=5)
    # few values, or a single one, stay a column; where most are 0 there are fewer bins
    assert scale.feature.tolist() == [0, 0, 0, 0, 0, 1, 2, 3, 4, 4, 4]
    columns = scale(torch.as_tensor(X).float()).numpy()
    of_bins = columns[:, scale.feature.numpy() == 0]
    np.testing.assert_allclose(of_bins.mean(axis=0), 0, atol=1e-5)
    # together they vary as the feature does in a single column
    variance = scale_of(X)(torch.as_tensor(X).float())[:, 0].var(correction=0).item()
    np.testing.assert_allclose(of_bins.var(axis=0), variance / 5, rtol=1e-4)
    order = np.argsort(X[:, 0])
    change = np.diff(of_bins[order], axis=0)
    assert (change >= 0).all()
    # a value is within one bin, and each bin has about a fifth of them
    assert ((change > 0).sum(axis=1) <= 2).all()
    assert (np.abs((change > 0).mean(axis=0) - 0.2) < 0.05).all()


@pytest.mark.parametrize("n_bins", [2, 6, 50])
def test_back_from_bins_to_the_units_of_the_rows(n_bins):
    X = torch.as_tensor(table()).float()
    scale = scale_of(table(), n_bins)
    torch.testing.assert_close(scale.inverse(scale(X)), X, atol=1e-3, rtol=1e-3)


def test_missing_entries_are_missing_in_each_bin():
    X = table()
    X[::3, 0] = np.nan
    scale = scale_of(X, n_bins=4)
    is_missing = scale(torch.as_tensor(X).float()).isnan().numpy()
    np.testing.assert_array_equal(is_missing, np.isnan(X)[:, scale.feature.numpy()])


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_shared_scale_is_one_mean_and_deviation_for_all_features(container):
    pixels = np.random.default_rng(0).integers(0, 16, (50, 12)).astype(float)
    pixels[:, 3] = 0
    samples = Samples(container(pixels))
    module = PiecewiseLinear(*fit_shared_scale(samples, samples.survey(), 0))
    scaled = module(torch.tensor(pixels)).numpy()
    np.testing.assert_allclose(scaled, (pixels - pixels.mean()) / pixels.std(), 1e-4)
    np.testing.assert_allclose(module.inverse(torch.tensor(scaled)), pixels, atol=1e-4)


def test_shared_scale_of_wide_sparse_samples_takes_little_memory():
    table = sparse.random(1000, 20_000, density=0.001, random_state=0, format="csr")
    samples = Samples(table)
    survey = samples.survey()
    tracemalloc.start()
    try:
        fit_shared_scale(samples, survey, 0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20e6  # dense, the table alone has 160e6 bytes


@pytest.mark.parametrize("value", [np.nan, 7.0])
def test_shared_scale_of_a_single_value(value):
    samples = Samples(np.full((5, 4), value))
    module = PiecewiseLinear(*fit_shared_scale(samples, samples.survey(), 0))
    expected = np.full((5, 4), 0 * value)
    np.testing.assert_array_equal(module(torch.full((5, 4), value)), expected)
