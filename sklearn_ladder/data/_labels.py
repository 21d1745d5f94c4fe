"""What counts as unlabeled, and the encoding of classes."""

import warnings
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

# What NumPy makes of missing labels, and of a marker beside NaN, among strings.
LOOK_MISSING = {"nan", "None", "<NA>", "-1.0"}
# The marker of scikit-learn's semi-supervised estimators, as class code, too.
UNLABELED = -1


class EncodedLabels(NamedTuple):
    """Labels as class codes."""

    classes: np.ndarray  # (n_classes,), sorted, without the marker
    codes: np.ndarray  # (n_samples,), int64, UNLABELED where there is no label


def as_array(y):
    """Labels of pandas, polars, a list or a mask as objects, where some may be missing.

    NumPy's own conversion would make floats of nullable integers, and of a NaN beside
    strings the string "nan". Anything else is returned as it is.
    """
    if isinstance(y, pd.DataFrame) and y.shape[1] == 1:
        y = y.iloc[:, 0]
    if isinstance(y, pd.api.extensions.ExtensionArray):
        y = pd.Series(y)
    if isinstance(y, np.ma.MaskedArray):  # what is masked is missing
        return np.where(np.ma.getmaskarray(y), None, y.data)
    if hasattr(y, "to_list") and not isinstance(y.dtype, np.dtype):
        return np.asarray(y.to_list(), dtype=object)
    if isinstance(y, list | tuple):
        entries = np.asarray(y, dtype=object)
        if entries.ndim == 1 and not is_labeled(entries).all():
            return entries
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
        If `y` is not one-dimensional or has no label, or if some labels are strings
        and some are not.
    """
    labeled, labels = _labels_and_gaps(y)
    if not labeled.any():
        raise ValueError(
            f"y must have labeled rows; got {len(labeled)} rows, all unlabeled (-1)."
        )
    return labeled, labels


def _labels_and_gaps(y):
    """As `labeled_part`, but there may be no label.

    Raises
    ------
    ValueError
        If `y` is not one-dimensional, or some labels are strings and some are not.
    """
    y = column_or_1d(as_array(y), warn=True)
    labeled = is_labeled(y)
    labels = y[labeled]
    if labels.dtype == object:
        # integers and booleans that only became objects by the missing ones
        labels = pd.Series(labels).infer_objects().to_numpy()
    if labels.dtype == object:
        is_text = np.array([isinstance(label, str) for label in labels])
        if is_text.any() and not is_text.all():
            raise ValueError(
                "Labels must be all strings or all numbers; got "
                f"{labels[is_text][0]!r} and {labels[~is_text][0]!r}."
            )
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
        If there are fewer than two classes, if `y` is continuous or has no label, or
        if some labels are strings and some are not.

    Warns
    -----
    UserWarning
        If a class looks like a missing label that became a string.
    """
    if y is None:
        raise ValueError(
            "Labels: this requires y to be passed, but the target y is None."
        )
    labeled, labels = labeled_part(y)
    check_classification_targets(labels)
    classes, labeled_codes = np.unique(labels, return_inverse=True)
    _check_two_classes(classes, "y")
    if found := LOOK_MISSING.intersection(classes.tolist()):
        warnings.warn(
            f"y has the classes {sorted(found)}, which may have been missing labels "
            "before they became strings. Mark these by -1 or None.",
            UserWarning,
            stacklevel=4,
        )
    return _encoded(classes, labeled, labeled_codes)


def encode_known_labels(y, classes):
    """Class codes of a part of the labels, of which any class may be absent.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
    classes : array-like of shape (n_classes,)
        All classes, in any order. The marker, which ``np.unique(y)`` has, is none.

    Returns
    -------
    EncodedLabels

    Raises
    ------
    ValueError
        If there are fewer than two classes, if `y` has a label that is not among them,
        or if some labels, or classes, are strings and some are not.
    """
    classes = np.unique(_labels_and_gaps(classes)[1])
    _check_two_classes(classes, "classes")
    labeled, labels = _labels_and_gaps(y)
    known = classes
    if labels.dtype.kind in "biuf" and classes.dtype.kind in "biuf":
        # True is 1, as everywhere in NumPy, but not to pandas
        dtype = np.result_type(classes, labels)
        if dtype == np.float16:  # of which pandas makes no index
            dtype = np.float32
        known, labels = classes.astype(dtype), labels.astype(dtype)
    labeled_codes = pd.Index(known).get_indexer(pd.Index(labels))
    if (labeled_codes < 0).any():
        unknown = np.unique(labels[labeled_codes < 0])
        raise ValueError(f"y must have labels of {classes} only; got {unknown}, too.")
    return _encoded(classes, labeled, labeled_codes)


def _encoded(classes, labeled, labeled_codes):
    codes = np.full(len(labeled), UNLABELED, dtype=np.int64)
    codes[labeled] = labeled_codes
    return EncodedLabels(classes, codes)


def _check_two_classes(classes, name):
    if len(classes) < 2:
        raise ValueError(
            f"{name} must have labels of at least two classes; got {len(classes)} "
            f"class: {classes.tolist()}. -1 means unlabeled: if it is a class here, as "
            "in {-1, 1}, give that class another name, such as 0."
        )


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
        numbers, as `SelfTrainingClassifier` wants it.
    """
    codes = labels.codes.copy()
    codes[rows] = UNLABELED
    classes = labels.classes
    if classes.dtype.kind not in "iuf":
        classes = classes.astype(object)
    # a signed marker, so that unsigned classes can stand beside it
    return np.where(codes == UNLABELED, np.int64(UNLABELED), classes[codes])


def row_weights(labels, sample_weight, class_weight):
    """Weights of the rows in the supervised cost.

    Parameters
    ----------
    labels : EncodedLabels
    sample_weight : ndarray of shape (n_samples,)
    class_weight : dict, "balanced" or None

    Returns
    -------
    ndarray of shape (n_samples,)
        1 for unlabeled rows, where it is not used.

    Raises
    ------
    ValueError
        If the weight of a labeled row is negative or not finite.
    """
    labeled = labels.codes != UNLABELED
    weight = sample_weight[labeled]
    if class_weight is not None and labeled.any():
        codes = labels.codes[labeled]
        weight = (
            weight
            * compute_class_weight(
                class_weight, classes=labels.classes, y=labels.classes[codes]
            )[codes]
        )
    is_wrong = ~np.isfinite(weight) | (weight < 0)
    if is_wrong.any():
        raise ValueError(
            "sample_weight (times class_weight) must be finite and not negative; got "
            f"{weight[is_wrong][0]}."
        )
    weights = np.ones(len(labeled))
    weights[labeled] = weight
    return weights


def with_mean_1(weights, codes):
    """Row weights that are 1 on average over labeled rows; None if each of them is 1.

    Parameters
    ----------
    weights : ndarray of shape (n_samples,) or None
    codes : ndarray of shape (n_samples,)
        Class codes, UNLABELED where there is no label.

    Raises
    ------
    ValueError
        If the weights of all labeled rows are zero.
    """
    if weights is None:
        return None
    largest = weights[codes != UNLABELED].max()
    if largest == 0:
        raise ValueError(
            "sample_weight (times class_weight) must not be zero for all labeled rows."
        )
    weights = weights / largest  # so that no sum is too large
    weights /= weights[codes != UNLABELED].mean()
    return None if np.allclose(weights[codes != UNLABELED], 1) else weights


def hold_out(codes, fraction, random_state):
    """Labeled rows to be held out, each class by its share.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,)
        Class codes, UNLABELED where there is no label.
    fraction : float
        Share of the labeled rows.
    random_state : int

    Returns
    -------
    ndarray of shape (n_held_out,)
        Row numbers.

    Raises
    ------
    ValueError
        If there are too few rows for that.
    """
    # late: see LadderClassifier.fit
    from sklearn.model_selection import train_test_split

    labeled = np.flatnonzero(codes != UNLABELED)
    _, counts = np.unique(codes[labeled], return_counts=True)
    n_held_out = int(np.ceil(fraction * len(labeled)))
    n_left = len(labeled) - n_held_out
    too_few = ValueError(
        "early_stopping=True holds out validation_fraction of the labeled rows, and "
        "needs two rows of each class, as many rows as classes on either side, and a "
        "row of each class left to train on; got "
        f"validation_fraction={fraction} of {len(labeled)} labeled rows in "
        f"{len(counts)} classes, {counts.min()} of the rarest. Label more rows, change "
        "validation_fraction, or use early_stopping=False."
    )
    if counts.min() < 2 or min(n_held_out, n_left) < len(counts):
        raise too_few
    left, held_out = train_test_split(
        labeled,
        test_size=n_held_out,
        stratify=codes[labeled],
        random_state=random_state,
    )
    if len(np.unique(codes[left])) < len(counts):
        raise too_few
    return held_out
