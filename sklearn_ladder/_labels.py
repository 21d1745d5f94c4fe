"""What counts as unlabeled, and the encoding of classes."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets

# The marker of scikit-learn's semi-supervised estimators, as class code, too.
UNLABELED = -1


class EncodedLabels(NamedTuple):
    """Labels as class codes."""

    classes: np.ndarray  # (n_classes,), sorted, without the marker
    codes: np.ndarray  # (n_samples,), int64, UNLABELED where there is no label


def as_array(y):
    """Labels of a pandas or polars Series as objects, missing ones among them.

    NumPy's own conversion would make floats of nullable integers. Anything else is
    returned as it is.
    """
    if hasattr(y, "to_list") and not isinstance(y.dtype, np.dtype):
        return np.asarray(y.to_list(), dtype=object)
    return y


def is_labeled(y):
    """Which entries of `y` are labels.

    Unlabeled are -1, missing values (None, NaN, pandas.NA) and the string ``"-1"``,
    which is what NumPy makes of -1 among strings.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)

    Returns
    -------
    ndarray of shape (n_samples,), bool
    """
    # as objects, since NumPy compares numbers with strings in its own way
    marker = pd.Series(y, dtype=object).isin([UNLABELED, str(UNLABELED)])
    return ~(pd.isna(y) | marker.to_numpy())


def labeled_part(y):
    """Which rows of `y` are labeled, and their labels.

    Parameters
    ----------
    y : array-like of shape (n_samples,)

    Returns
    -------
    labeled : ndarray of shape (n_samples,), bool
    labels : ndarray of shape (n_labeled,)
        In the dtype that they have without the missing ones.

    Raises
    ------
    ValueError
        If `y` is not one-dimensional or has no label.
    """
    y = column_or_1d(as_array(y), warn=True)
    labeled = is_labeled(y)
    if not labeled.any():
        raise ValueError(
            f"y must have labeled rows; got {len(y)} rows, all unlabeled (-1)."
        )
    labels = y[labeled]
    if labels.dtype == object:
        # integers and booleans that only became objects by the missing ones
        labels = pd.Series(labels).infer_objects().to_numpy()
    return labeled, labels


def encode_labels(y):
    """Class codes of `y`.

    Parameters
    ----------
    y : array-like of shape (n_samples,)

    Returns
    -------
    EncodedLabels

    Raises
    ------
    ValueError
        If there are fewer than two classes, or `y` is continuous or has no label.
    """
    if y is None:
        raise ValueError(
            "Labels: this requires y to be passed, but the target y is None."
        )
    labeled, labels = labeled_part(y)
    check_classification_targets(labels)
    classes, labeled_codes = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            "y must have labels of at least two classes; got 1 class: "
            f"{classes[0]!r}. -1 means unlabeled: if it is a class here, as in "
            "{-1, 1}, give that class another name, such as 0."
        )
    codes = np.full(len(labeled), UNLABELED, dtype=np.int64)
    codes[labeled] = labeled_codes
    return EncodedLabels(classes, codes)


def without_labels(labels, rows):
    """Labels of all rows but some, which become unlabeled.

    Parameters
    ----------
    labels : EncodedLabels
    rows : ndarray of shape (n_rows,)
        Rows to be unlabeled.

    Returns
    -------
    ndarray of shape (n_samples,)
        Class labels, -1 where unlabeled. Of dtype object where the classes are no
        numbers, as scikit-learn's semi-supervised estimators want it.
    """
    codes = labels.codes.copy()
    codes[rows] = UNLABELED
    classes = labels.classes
    if classes.dtype.kind not in "iuf":
        classes = classes.astype(object)
    # a signed marker, so that unsigned classes can stand beside it
    return np.where(codes == UNLABELED, np.int64(UNLABELED), classes[codes])


def class_bias(codes, weight=None):
    """Logarithm of each class's share of the labels, around their mean.

    NOTE[DIFF]: the published bias of the class layer starts at 0. Batch normalisation
    gives each class the same mean, so the bias alone can say that one is rarer, and at
    the usual learning rates it would need thousands of updates to say so. Where classes
    are balanced, as in the paper's runs, this is 0, too.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,)
        Class codes, UNLABELED where there is no label; every class has a label.
    weight : ndarray of shape (n_samples,), default=None
        Row weights.

    Returns
    -------
    ndarray of shape (n_classes,)
    """
    labeled = codes != UNLABELED
    counts = np.bincount(codes[labeled], None if weight is None else weight[labeled])
    log_share = np.log(np.maximum(counts / counts.sum(), 1e-4))
    return log_share - log_share.mean()
