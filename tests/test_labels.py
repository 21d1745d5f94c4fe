import numpy as np
import pandas as pd
import pytest

from sklearn_ladder._labels import encode_labels


@pytest.mark.parametrize(
    "y, classes",
    [
        (np.array([0, 1, -1, 2]), [0, 1, 2]),
        (np.array([3.0, 5.0, -1.0, np.nan]), [3.0, 5.0]),
        (np.array(["a", "b", -1, "c"]), ["a", "b", "c"]),
        (np.array(["a", "b", -1, None], dtype=object), ["a", "b"]),
        (pd.Series(["a", None, "b", pd.NA]), ["a", "b"]),
        (pd.Series([0, 1, None, 2], dtype="Int64"), [0, 1, 2]),
        (pd.Series([True, False, None, True], dtype="boolean"), [False, True]),
        (pd.Series(pd.Categorical(["x", "y", None, "x"])), ["x", "y"]),
        ([7, 8, None, -1], [7, 8]),
    ],
    ids=str,
)
def test_markers_are_no_class(y, classes):
    labels = encode_labels(y)
    assert labels.classes.tolist() == classes
    np.testing.assert_array_equal(
        labels.codes[labels.codes >= 0],
        np.searchsorted(
            labels.classes, [c for c in np.asarray(y, dtype=object) if c in classes]
        ),
    )
    assert (labels.codes == -1).sum() == sum(
        c not in classes for c in np.asarray(y, dtype=object)
    )


def test_integers_among_missing_labels_stay_integers():
    y = pd.Series([0, 1, None, 2], dtype="Int64")
    assert encode_labels(y).classes.dtype == np.int64


@pytest.mark.parametrize(
    "y, message",
    [
        (None, "requires y to be passed"),
        ([-1, -1, -1], "3 rows, all unlabeled"),
        ([1, 1, -1], "at least two classes; got 1 class"),
        ([-1, 1, -1, 1], r"as in \{-1, 1\}, give that class another name"),
        ([0.1, 0.2, 0.35, -1], "Unknown label type: continuous"),
        ([0, 1, np.inf], "infinity"),
        (np.zeros((3, 2)), "1d array"),
    ],
)
def test_bad_labels(y, message):
    with pytest.raises(ValueError, match=message):
        encode_labels(y)
