"""Sparse features are projected to a few columns."""

import time
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.decomposition import TruncatedSVD

from sklearn_ladder import LadderClassifier
from sklearn_ladder.architectures import Conv, Dense, MeanPool
from sklearn_ladder.data import _batches, _feature_scaling
from sklearn_ladder.data._feature_scaling import random_subset
from sklearn_ladder.data._projection import fit_projection
from sklearn_ladder.data._samples import LARGEST_CHUNK, Samples


def texts(n=300, n_terms=600, seed=0):
    """Counts of terms: each of three classes prefers a third of them."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    prefers = np.arange(n_terms) % 3 == y[:, None]
    counts = rng.poisson(np.where(prefers, 0.2, 0.03))
    labels = np.full(n, -1)
    labels[:15] = y[:15]
    return sparse.csr_matrix(counts, dtype=float), labels, y


def fast(**parameters):
    return LadderClassifier((8,), max_epochs=60, random_state=0).set_params(
        **parameters
    )


def test_columns_span_the_leading_singular_directions():
    X, _, _ = texts()
    matrix = fit_projection(Samples(X), 0)
    assert matrix.shape == (600, 100) and matrix.dtype == np.float32
    lengths = np.linalg.norm(matrix, axis=0)
    np.testing.assert_allclose(matrix.T @ matrix, np.diag(lengths**2), atol=1e-4)
    np.testing.assert_allclose(lengths, lengths[0], rtol=1e-4)
    columns = X @ matrix
    assert np.square(columns).mean() == pytest.approx(1, rel=1e-3)
    exact = TruncatedSVD(3, algorithm="arpack").fit(X).components_
    cosines = np.abs(exact @ matrix[:, :3] / lengths[:3])
    np.testing.assert_allclose(np.diag(cosines), 1, atol=1e-2)


def test_sparse_samples_with_many_features_are_projected():
    X, labels, y = texts()
    clf = fast().fit(X, labels)
    assert clf.feature_scaling_ == "projected" and clf.linear_share_ == 0
    assert clf.score(X, y) > 0.8
    explicit = fast(feature_scaling="projected").fit(X, labels)
    np.testing.assert_array_equal(clf.predict_proba(X), explicit.predict_proba(X))
    # dense samples are the same samples
    np.testing.assert_allclose(
        clf.predict_proba(X.toarray()), clf.predict_proba(X), atol=1e-6
    )


def test_few_features_dense_samples_and_images_are_not_projected():
    X, labels, _ = texts()
    assert fast().fit(X[:, :512], labels).feature_scaling_ != "projected"
    assert fast().fit(X.toarray(), labels).feature_scaling_ != "projected"


@pytest.mark.parametrize("side", [4, 32])  # as many columns as pixels, and fewer
def test_projected_pixels_are_no_image(side):
    _, labels, _ = texts()
    pixels = np.random.default_rng(0).random((300, side**2))
    clf = fast(feature_scaling="projected", image_shape=(1, side, side))
    clf.set_params(architecture=[Conv(2, 3), MeanPool(), Dense()])
    with pytest.raises(ValueError, match="projected pixels are no image"):
        clf.fit(pixels, labels)


def test_denoise_gives_features_back():
    X, labels, _ = texts()
    clf = fast().fit(X, labels)
    denoised = clf.denoise(X)
    assert denoised.shape == X.shape
    is_present = X.toarray() > 0
    assert denoised[is_present].mean() > 2 * denoised[~is_present].mean()


def test_missing_entries_of_dense_samples_count_as_0():
    X, labels, _ = texts()
    X = X.toarray()
    X[:, 0] = np.nan
    clf = fast(feature_scaling="projected").fit(X, labels)
    zero = np.nan_to_num(X)
    np.testing.assert_array_equal(clf.predict_proba(X), clf.predict_proba(zero))


def test_all_features_zero_and_few_samples():
    X = sparse.csr_matrix((20, 600))
    labels = np.full(20, -1)
    labels[:4] = [0, 1, 0, 1]
    assert np.isfinite(fast().fit(X, labels).predict_proba(X)).all()


def test_streams_and_warm_starts_keep_the_projection():
    X, labels, _ = texts()
    clf = fast().partial_fit(X, labels, classes=[0, 1, 2])
    before = clf.plan_.projection
    more, more_labels, _ = texts(seed=1)
    clf.partial_fit(more, more_labels)
    assert clf.plan_.projection is before


def test_chunks_of_wide_samples_are_small():
    X, labels, _ = texts(n=60, n_terms=6000)
    clf = LadderClassifier((4,), max_epochs=1, random_state=0).fit(X, labels)
    assert clf.net_.module_.width_at_most == X.shape[1]
    chunk = clf.net_.iterator_valid__batch_size
    assert chunk * X.shape[1] <= LARGEST_CHUNK


def test_hashed_words():
    """Most of the columns are empty, and samples are never made dense."""
    X, labels, y = texts()
    place = np.sort(np.random.RandomState(0).choice(2**20, X.shape[1], replace=False))
    entries = X.data, place[X.indices], X.indptr
    hashed = sparse.csr_matrix(entries, shape=(len(y), 2**20))
    start = time.perf_counter()
    clf = fast().fit(hashed, labels)
    proba = clf.predict_proba(hashed)
    assert time.perf_counter() - start < 20  # minutes, if they were made dense
    assert clf.score(hashed, y) > 0.8
    one_by_one = np.vstack([clf.predict_proba(hashed[i]) for i in range(5)])
    np.testing.assert_array_equal(one_by_one, proba[:5])
    assert not np.delete(clf.plan_.projection, place, axis=0).any()


def _words(n_samples, n_words, n_each):
    random = np.random.RandomState(0)
    columns = random.randint(n_words, size=n_samples * n_each)
    rows = np.repeat(np.arange(n_samples), n_each)
    shape = n_samples, n_words
    return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape)


def test_many_short_texts_settle_the_projection(monkeypatch):
    X = _words(15_000, 20_000, 2)
    seen = np.diff(X.tocsc().indptr) > 0
    projection = fit_projection(Samples(X), 0)
    np.testing.assert_array_equal(projection.any(axis=1), seen)
    # but the samples are bounded
    monkeypatch.setattr(_feature_scaling, "MOST_ROWS", 12_000)
    assert random_subset(Samples(X), 0, 2**20).shape[0] == 12_000
    assert random_subset(Samples(X), 0).shape[0] == 10_000


def test_words_that_a_projection_ignores_are_told(monkeypatch):
    monkeypatch.setattr("sklearn_ladder.data._projection.FEWEST_ENTRIES", 0)
    monkeypatch.setattr("sklearn_ladder.data._feature_scaling.LARGEST_SAMPLE", 200)
    X, y = _words(1500, 2000, 2), np.arange(1500) % 2
    clf = LadderClassifier((4,), max_epochs=1, feature_scaling="projected")
    with pytest.warns(UserWarning, match="in columns that had none in the random samp"):
        clf.fit(X, y)
    dense = np.where(np.arange(60) < 30, np.nan, np.arange(60.0)) * np.ones((1500, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clf.fit(dense + np.random.RandomState(0).normal(size=dense.shape), y)


@pytest.mark.parametrize("n_terms", [50, 600])
def test_early_stopping_of_sparse_samples(n_terms):
    X, _, y = texts(n_terms=n_terms)
    clf = fast(early_stopping=True, max_epochs=3).fit(X, y)
    assert len(clf.history_["valid_loss"]) == clf.n_iter_


def test_samples_that_are_too_many_for_a_copy(monkeypatch):
    X, labels, _ = texts()
    expected = fast(max_epochs=3).fit(X, labels).predict_proba(X)
    monkeypatch.setattr(_batches, "LARGEST_COPY", 0)
    found = fast(max_epochs=3).fit(X, labels).predict_proba(X)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("factor", [1e-30, 1e-23, 1e19, 1e37])
def test_size_of_float32_samples_does_not_matter(factor):
    X = sparse.random_array((60, 30), density=0.3, rng=0, dtype=np.float32)
    expected = fit_projection(Samples(X), 0)
    given = (X * np.float32(factor)).astype(np.float32)
    projected = given @ fit_projection(Samples(given), 0)
    np.testing.assert_allclose(projected, X @ expected, rtol=1e-3, atol=1e-3)


def test_small_numbers_of_float16():
    X = np.random.RandomState(0).normal(size=(60, 30)).astype(np.float16)
    small = (X * np.float16(2**-16)).astype(np.float16)
    projected = small.astype(float) @ fit_projection(Samples(small), 0)
    assert np.mean(projected**2) == pytest.approx(1, rel=0.01)


@pytest.mark.parametrize("factor", [1e-60, 1e60])
def test_size_beyond_float32_is_told(factor):
    X = sparse.random_array((60, 30), density=0.3, rng=0) * factor
    with pytest.raises(ValueError, match="Divide X by it first"):
        fit_projection(Samples(X), 0)
