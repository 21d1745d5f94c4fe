import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_ladder.preprocessing import GlobalContrastNormalizer, ZCAWhitener

RNG = np.random.RandomState(0)
PIXELS = RNG.uniform(0, 255, size=(60, 12)) @ RNG.uniform(size=(12, 12))


@parametrize_with_checks([GlobalContrastNormalizer(), ZCAWhitener()])
def test_transformer(estimator, check):
    check(estimator)


def test_contrast_is_one_norm_around_the_mean():
    rows = GlobalContrastNormalizer(norm=55).fit_transform(PIXELS)
    np.testing.assert_allclose(rows.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose((rows**2).sum(axis=1), 55**2)
    # nothing but mean and scale of a row changed
    for row, before in zip(rows, PIXELS, strict=True):
        assert np.corrcoef(row, before)[0, 1] == pytest.approx(1)


@pytest.mark.parametrize("n_features", [11, 784, 3072])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_without_contrast_become_0(n_features, order, dtype):
    values = np.append(np.arange(256) / 255, [7, 1e6, -0.1])
    flat = np.repeat(values[:, None], n_features, axis=1).astype(dtype, order=order)
    assert (GlobalContrastNormalizer().fit_transform(flat) == 0).all()


@pytest.mark.parametrize("scale", [1e-25, 1e25, 3e38 / PIXELS.max()])
def test_contrast_of_very_small_and_large_numbers(scale):
    normalizer = GlobalContrastNormalizer(norm=np.float64(55))
    rows = normalizer.fit_transform((scale * PIXELS).astype(np.float32))
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 55, rtol=1e-4)
    assert normalizer.inverse_transform(rows).dtype == np.float32


def test_contrast_back():
    normalizer = GlobalContrastNormalizer().fit(PIXELS)
    rows = normalizer.transform(PIXELS)
    back = normalizer.inverse_transform(rows)
    np.testing.assert_allclose(normalizer.transform(back), rows)
    # a single row has the average mean and contrast
    alone = GlobalContrastNormalizer().fit(PIXELS[:1])
    rows = alone.transform(PIXELS[:1])
    np.testing.assert_allclose(alone.inverse_transform(rows), PIXELS[:1])


def test_whitening_by_its_definition():
    whitener = ZCAWhitener(regularization=0.5).fit(PIXELS)
    covariance = np.cov(PIXELS.T, bias=True) + 0.5 * np.eye(12)
    np.testing.assert_allclose(whitener.whitening_, whitener.whitening_.T)
    assert np.linalg.eigvalsh(whitener.whitening_).min() > 0
    np.testing.assert_allclose(
        whitener.whitening_ @ covariance @ whitener.whitening_, np.eye(12), atol=1e-8
    )
    centred = PIXELS - PIXELS.mean(axis=0)
    np.testing.assert_allclose(
        whitener.transform(PIXELS), centred @ whitener.whitening_
    )


def test_whitening_decorrelates():
    white = ZCAWhitener(regularization=1e-6).fit_transform(PIXELS)
    np.testing.assert_allclose(np.cov(white.T, bias=True), np.eye(12), atol=1e-4)


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-9), (np.float32, 1e-4)])
def test_whitening_and_back(dtype, tolerance):
    rows = PIXELS.astype(dtype)
    whitener = ZCAWhitener().fit(rows)
    back = whitener.inverse_transform(whitener.transform(rows))
    assert back.dtype == dtype
    np.testing.assert_allclose(back, rows, rtol=tolerance)


def test_covariance_of_parts_is_that_of_all(monkeypatch):
    whole = ZCAWhitener().fit(PIXELS).whitening_
    monkeypatch.setattr("sklearn_ladder.preprocessing.CHUNK_SIZE", 7)
    np.testing.assert_allclose(ZCAWhitener().fit(PIXELS).whitening_, whole)


def test_pipeline_as_published_and_back():
    pipeline = make_pipeline(GlobalContrastNormalizer(norm=55), ZCAWhitener(0.1))
    rows = pipeline.fit_transform(PIXELS)
    back = pipeline.inverse_transform(rows)
    np.testing.assert_allclose(pipeline.transform(back), rows, atol=1e-8)


@pytest.mark.parametrize("transformer", [GlobalContrastNormalizer(), ZCAWhitener()])
def test_inverse_needs_the_same_features(transformer):
    with pytest.raises(ValueError, match="12 features seen in fit; got 5"):
        transformer.fit(PIXELS).inverse_transform(PIXELS[:, :5])


@pytest.mark.parametrize(
    "transformer", [GlobalContrastNormalizer(norm=0), ZCAWhitener(regularization=0)]
)
def test_bad_parameters(transformer):
    with pytest.raises(ValueError, match="parameter of"):
        transformer.fit(PIXELS)


@pytest.mark.parametrize("contrast", [1, 1e-2, 1e-4])
def test_mean_of_a_faint_contrast_is_0(contrast):
    X = 200 + contrast * np.random.RandomState(0).normal(size=(5, 3072))
    single = X.astype(np.float32)
    found = GlobalContrastNormalizer().fit_transform(single)
    np.testing.assert_allclose(found.mean(axis=1), 0, atol=1e-5)
    expected = GlobalContrastNormalizer().fit_transform(single.astype(np.float64))
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(
    "transformer", [GlobalContrastNormalizer(), ZCAWhitener()], ids=["contrast", "ZCA"]
)
def test_values_that_are_none_or_too_large(transformer):
    X = np.random.RandomState(0).normal(size=(20, 4))
    with pytest.raises(ValueError, match="too large values"):
        transformer.fit(X / np.abs(X).max() * 1.7e308)
    masked = np.ma.masked_greater(X, 1)
    for method in (transformer.fit, transformer.fit(X).transform):
        with pytest.raises(ValueError, match="no masked entries"):
            method(masked)


@pytest.mark.parametrize(
    "transformer, too_large",
    [
        (GlobalContrastNormalizer(), np.add(np.full((5, 3), 1e308), [1e306, 0, 0])),
        (ZCAWhitener(), np.multiply(np.full((5, 3), 1e308), [-1, 1, 1])),
        (ZCAWhitener(), 9e153 * np.outer([1, -1], np.ones(4))),
    ],
    ids=["mean", "covariance", "variance"],
)
@pytest.mark.filterwarnings("error")
def test_a_failed_fit_changes_nothing(transformer, too_large):
    fitted = clone(transformer).fit(PIXELS)
    expected = fitted.transform(PIXELS)
    with pytest.raises(ValueError, match="too large values"):
        fitted.fit(too_large)
    np.testing.assert_array_equal(fitted.transform(PIXELS), expected)
    with pytest.raises(ValueError, match="too large values"):
        transformer.fit(too_large)
    with pytest.raises(NotFittedError):
        transformer.transform(PIXELS)
