"""Weights of samples and classes."""

import numpy as np
import pandas as pd
import pytest

from sklearn_ladder.data._labels import EncodedLabels
from sklearn_ladder.data._weights import normalize_weights, sample_weights


def test_weights_of_samples_and_classes():
    labels = EncodedLabels(np.array(["a", "b"]), np.array([0, -1, 1, 1]))
    weight = sample_weights([1.0, 99.0, 2.0, 3.0], {"a": 4.0}, labels)
    np.testing.assert_array_equal(weight, [4, 1, 2, 3])
    of_mean_1 = normalize_weights(weight, labels.codes)
    np.testing.assert_allclose(of_mean_1[[0, 2, 3]], np.array([4, 2, 3]) / 3)
    assert normalize_weights(np.array([7.0, 1.0, 7.0, 7.0]), labels.codes) is None
    with pytest.raises(ValueError, match="not be zero for all labeled samples"):
        normalize_weights(np.array([0.0, 1.0, 0.0, 0.0]), labels.codes)
    for wrong in (-4.0, np.nan, np.inf):
        with pytest.raises(ValueError, match=f"finite and not negative; got {wrong}"):
            sample_weights(None, {"a": wrong}, labels)
    nobody = EncodedLabels(labels.classes, np.full(4, -1))
    assert np.isfinite(sample_weights(np.ones(4), None, nobody)).all()


def test_weights_of_any_size():
    codes = np.array([0, 1, -1])
    for scale in (1e-300, 1.0, 1e308):
        weights = normalize_weights(scale * np.array([0.5, 1, 1]), codes)
        np.testing.assert_allclose(weights[:2], [2 / 3, 4 / 3])


def test_no_weights():
    assert sample_weights(None, None, EncodedLabels(np.arange(2), np.arange(2))) is None


@pytest.mark.parametrize(
    "make",
    [
        lambda w: np.ma.masked_array(np.where(np.isnan(w), 1, w), np.isnan(w)),
        lambda w: [None if np.isnan(v) else v for v in w],
        lambda w: pd.Series(w).astype("Float64"),
        lambda w: pytest.importorskip("polars").Series(w),
    ],
    ids=["masked", "list", "nullable", "polars"],
)
def test_missing_weights_are_for_unlabeled_samples_only(make):
    labels = EncodedLabels(np.arange(2), np.array([0, -1, 1]))
    found = sample_weights(make(np.array([2.0, np.nan, 3.0])), None, labels)
    assert found.tolist() == [2, 1, 3]
    with pytest.raises(ValueError, match="sample_weight contains NaN"):
        sample_weights(make(np.array([np.nan, 2.0, 3.0])), None, labels)


def test_weights_may_be_booleans():
    labels = EncodedLabels(np.array(["a", "b"]), np.array([0, -1, 1, 1]))
    given = np.array([True, False, True, False])
    for weights in (given, pd.Series(given), given.tolist()):
        weight = sample_weights(weights, {"a": np.True_}, labels)
        np.testing.assert_array_equal(weight, [1, 1, 1, 0])  # 1 without label
