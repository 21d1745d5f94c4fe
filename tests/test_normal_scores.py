"""Features by the normal scores of their values, and back."""

import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.stats import norm, rankdata

from sklearn_ladder import LadderClassifier, _normal_scores
from sklearn_ladder._normal_scores import N_KNOTS, fit_normal_scores
from sklearn_ladder._rows import Rows
from sklearn_ladder.network._standardization import NormalScores


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


def scores_of(X):
    return NormalScores(*fit_normal_scores(Rows(X), 0))


def of_ranks(column):
    """The definition, by scipy's ranks."""
    scores = norm.ppf((rankdata(column) - 0.5) / len(column))
    return scores - scores.mean()


def test_scores_are_normal_quantiles_of_mean_ranks():
    X = table()
    scores = scores_of(X)(torch.as_tensor(X, dtype=torch.float32)).numpy()
    for column, own in zip(X.T, scores.T, strict=True):
        # exact where there are fewer values than knots
        atol = 1e-5 if len(np.unique(column)) <= N_KNOTS else 0.1
        np.testing.assert_allclose(own, of_ranks(column), atol=atol)
    np.testing.assert_allclose(scores.mean(axis=0), 0, atol=1e-5)
    # a value that few rows have does not count as much as one that many have
    assert scores[:, 2].std() < 0.5 < 0.95 < scores[:, 0].std()


def test_rank_is_all_that_counts():
    X = table()
    stretched = X.copy()
    stretched[:, 0] = np.log(X[:, 0])
    stretched[:, 1] = 1e6 * X[:, 1] ** 3
    outputs = [scores_of(Z)(torch.as_tensor(Z).float()) for Z in (X, stretched)]
    torch.testing.assert_close(*outputs, atol=0.02, rtol=0)


def test_back_to_the_units_of_the_rows():
    X = torch.as_tensor(table()).float()
    scores = scores_of(table())
    torch.testing.assert_close(scores.inverse(scores(X)), X, atol=1e-3, rtol=1e-3)


def test_constant_beyond_the_range():
    X = torch.as_tensor(table()).float()
    scores = scores_of(table())
    beyond = scores(torch.stack([X.amax(dim=0) + 100, X.amin(dim=0) - 100]))
    at_ends = scores(torch.stack([X.amax(dim=0), X.amin(dim=0)]))
    torch.testing.assert_close(beyond, at_ends)


def test_missing_entries_are_left_out():
    X = table()
    X[::3, 0] = np.nan
    X = np.column_stack([X, np.full(len(X), np.nan)])
    scores = scores_of(X)
    out = scores(torch.as_tensor(X).float())
    assert torch.equal(out.isnan(), torch.as_tensor(np.isnan(X)))
    there = ~np.isnan(X[:, 0])
    expected = of_ranks(X[there, 0])
    np.testing.assert_allclose(out[there, 0], expected, atol=0.05)
    assert scores(torch.zeros(1, 6))[0, 5] == 0  # a feature that was never observed


def test_sparse_rows_have_the_same_scores():
    X = table()
    dense, of_sparse = (
        fit_normal_scores(Rows(make(X)), 0) for make in (np.asarray, sparse.csr_array)
    )
    for expected, found in zip(dense, of_sparse, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_sample_of_many_rows(monkeypatch):
    X = np.random.RandomState(0).normal(size=(5000, 2))
    expected = scores_of(X)
    monkeypatch.setattr(_normal_scores, "LARGEST_SAMPLE", 2000)
    inner = torch.linspace(-2, 2, 50)[:, None].expand(50, 2)
    difference = expected(inner) - scores_of(X)(inner)
    assert 0 < difference.abs().max() < 0.2


def test_warning_for_columns_too_far_from_zero():
    X = 1e9 + np.random.RandomState(0).normal(size=(100, 2))
    X[:, 0] -= 1e9
    with pytest.warns(UserWarning, match=r"Columns \[1\] of X lie so far"):
        fit_normal_scores(Rows(X), 0)


def test_units_and_tails_of_features_do_not_matter(digits):
    X, y, y_few = digits
    clf = LadderClassifier((32,), max_epochs=10, random_state=0)
    score = clf.fit(X, y_few).score(X, y)
    assert clf.fit(np.exp(X), y_few).score(np.exp(X), y) == pytest.approx(
        score, abs=0.02
    )
