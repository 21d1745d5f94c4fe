"""Which samples are unlabeled, and the encoding of labels as class codes."""

from collections import Counter
from numbers import Integral
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from .._user_warnings import warn_user
from ._missing import as_array, frame_columns, present_part
from ._precision import first_of

# Strings that missing labels and -1 become in files and arrays, or that people write
# for them, in lower case and without spaces around them.
LOOK_MISSING = {
    *("", "nan", "-nan", "<nan>", "nat", "none", "null", "na", "n/a", "#n/a", "<na>"),
    *("-1", "-1.0", "-1.00", "?", "unknown", "unlabeled", "unlabelled", "missing"),
    *("no label", "not labeled", "not labelled", "tbd"),
}
# Numbers that people write for missing labels, if no other class is negative.
MISSING_NUMBERS = {-9, -99, -999, -9999}
# Numbers of different labels from which they may be the target of a regression, and
# from which some classes have several labels.
FEWEST_REGRESSION_VALUES, MANY_REGRESSION_VALUES = 21, 100
# Number of values of an index that are compared, to save time.
N_COMPARED = 1000
# Marks unlabeled samples in `y`, as in scikit-learn, and in class codes.
UNLABELED = -1
# Types of numeric labels in arrays of objects.
NUMBERS = (Integral, np.bool_, float, np.floating)


class EncodedLabels(NamedTuple):
    """Labels as class codes."""

    classes: np.ndarray  # (n_classes,), sorted, without the marker
    codes: np.ndarray  # (n_samples,), int64, UNLABELED where there is no label

    def transduce(self, proba):
        """Label of each sample: the given one or, if unlabeled, the most probable.

        Parameters
        ----------
        proba : ndarray of shape (n_unlabeled, n_classes)
        """
        codes = self.codes.copy()
        codes[codes == UNLABELED] = proba.argmax(axis=1)
        return self.classes[codes]


def labeled_part(y):
    """Find the labeled samples and their labels.

    A sample is unlabeled if its label is -1, missing (see `present_part`), or the
    string ``"-1"``, to which NumPy converts -1 among strings.

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
    ValueError or TypeError
        If `y` is not one-dimensional or has no label, or if labels are bytes,
        continuous, integers beyond 64 bits, or a mixture of strings and numbers.

    Warns
    -----
    UserWarning
        If a label looks like a missing one.
    """
    labeled, classes, codes = _read(y)
    check_some_labeled(labeled)
    return labeled, classes[codes]


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
    ValueError or TypeError
        As `labeled_part`, and if there are fewer than two classes.

    Warns
    -----
    UserWarning
        As `labeled_part`.
    """
    if y is None:
        raise ValueError(
            "Labels: this requires y to be passed, but the target y is None."
        )
    labeled, classes, labeled_codes = _read(y)
    check_some_labeled(labeled)
    _check_two_classes(classes, "y")
    return _encoded(classes, labeled, labeled_codes)


def known_classes(y):
    """Classes among labels, sorted; none if all are -1 or missing."""
    return _read(y, warns=False)[1]


def encode_known_labels(y, classes, may_be_one=False):
    """Class codes of `y`, from which some of the classes may be absent.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
    classes : array-like of shape (n_classes,)
        All classes, in any order. -1, as in ``np.unique(y)``, is ignored.
    may_be_one : bool, default=False
        Whether there may be a single class.

    Returns
    -------
    EncodedLabels
        Codes are places among the sorted classes without -1.

    Raises
    ------
    ValueError or TypeError
        As `encode_labels`, but `y` may have no label; if `y` has a label that is not
        among the classes.

    Warns
    -----
    UserWarning
        As `labeled_part`.
    """
    classes = known_classes(classes)  # warnings of `y` are enough
    if not may_be_one:
        _check_two_classes(classes, "classes")
    labeled, found, labeled_codes = _read(y)
    # not one array: NumPy would convert integers to floats and numbers to strings
    number_of = {label: code for code, label in enumerate(_keys(classes))}
    numbers = np.array([number_of.get(label, -1) for label in _keys(found)], int)
    if (numbers < 0).any():
        unknown = found[numbers < 0]
        raise ValueError(f"y must have labels of {classes} only; got {unknown}, too.")
    return _encoded(classes, labeled, numbers[labeled_codes])


def class_names(classes):
    """Class labels as Python objects; times in nanoseconds as Timestamps of pandas."""
    names = classes.tolist()
    if classes.dtype.kind in "mM" and names and isinstance(names[0], int):
        return list(pd.Series(classes))  # NumPy makes integers of them
    return names


def without_labels(labels, samples):
    """Labels of all samples, after some became unlabeled.

    Parameters
    ----------
    labels : EncodedLabels
    samples : ndarray of shape (n,)
        Indices of the samples that become unlabeled.

    Returns
    -------
    ndarray of shape (n_samples,)
        Class labels; -1 if unlabeled, or NaT among times. The dtype is object if the
        classes are neither numbers nor times, as `SelfTrainingClassifier` requires, or
        if no integer dtype of NumPy holds them and -1.
    """
    codes = labels.codes.copy()
    codes[samples] = UNLABELED
    return decoded(labels.classes, codes)


def decoded(classes, codes):
    """Labels of codes, in the dtype that `without_labels` returns."""
    marker = UNLABELED
    if classes.dtype.kind in "mM":
        marker = np.array("NaT", classes.dtype)
    elif classes.dtype.kind == "i" or (
        classes.dtype.kind == "u" and classes.max() <= np.iinfo(np.int64).max
    ):
        classes = classes.astype(np.int64)
    elif classes.dtype.kind != "f":
        classes = classes.astype(object)
    y = classes[codes]
    y[codes == UNLABELED] = marker
    return y


def warn_of_regression(labels):
    """Warn if labels are numbers that seem to be the target of a regression.

    Parameters
    ----------
    labels : EncodedLabels
    """
    n_labels, n_classes = np.count_nonzero(labels.codes >= 0), len(labels.classes)
    # the fewer there are, the more often each class has a single label
    share = 0.9 if n_classes < MANY_REGRESSION_VALUES else 0.5
    is_time = labels.classes.dtype.kind in "mM"
    if n_classes < FEWEST_REGRESSION_VALUES or n_classes <= share * n_labels or is_time:
        return
    try:  # texts may be numbers, too
        numbers = labels.classes.astype(float)
    except ValueError:
        return
    # numbers of classes have few gaps
    if np.ptp(numbers) >= 10 * n_classes or (numbers % 1 != 0).any():
        warn_user(
            f"y has {n_classes} different labels in {n_labels} labeled samples, such "
            f"as {labels.classes[0]!s} and {labels.classes[1]!s}, and each is a class "
            "here. If they are the target of a regression, make few classes of them, "
            "for example by pandas.qcut(…, labels=False)."
        )


def warn_of_order(X, y):
    """Warn if the index of `y` has the values of that of `X` in another order.

    As in scikit-learn, samples and labels belong together by position. But someone who
    has shuffled one of them may mean the index.
    """
    if not all(isinstance(each, pd.DataFrame | pd.Series) for each in (X, y)):
        return
    ours, theirs = X.index, y.index
    if len(ours) != len(theirs) or ours.equals(theirs) or not theirs.is_unique:
        return
    if isinstance(ours, pd.MultiIndex) or isinstance(theirs, pd.MultiIndex):
        return
    some = ours[:: -(-len(ours) // N_COMPARED)]
    if theirs.isin(some).sum() == len(some):
        warn_user(
            "The index of y has the values of that of X in another order. Labels are "
            "taken by position. If they belong to samples by the index, pass "
            "y.loc[X.index]; otherwise pass y.to_numpy()."
        )


def _read(y, warns=True):
    """Which samples are labeled, the classes, and the class code of each label."""
    column = _as_column(y)
    if isinstance(column, np.ndarray) and column.dtype.kind == "V":  # of fields
        raise ValueError(f"Unknown label type: {column.dtype}.")
    present, labels = present_part(column)
    if labels.dtype.kind == "S" or any(
        issubclass(t, bytes) for t in set(map(type, labels))
    ):
        raise TypeError(
            "Labels must not be bytes, because no bytes mark unlabeled samples. Decode "
            "them, for example by pandas.Series(y).str.decode('utf-8')."
        )
    if labels.dtype == object:
        is_marker = np.array([_is_marker(label) for label in labels], bool)
    elif labels.dtype.kind in "mM":  # of times, only NaT marks unlabeled samples
        is_marker = np.zeros(len(labels), bool)
    elif labels.dtype.kind in "biufU":
        is_text = labels.dtype.kind == "U"
        is_marker = labels == (str(UNLABELED) if is_text else UNLABELED)
    else:
        cause = "Complex data not supported" if labels.dtype.kind == "c" else "Unknown"
        raise ValueError(f"{cause} label type: {labels.dtype}.")
    labeled = np.array(present)  # a copy, since the mask of pandas is read-only
    labeled[labeled] = ~is_marker
    labels = labels[~is_marker]
    if labels.dtype == object:
        labels = _of_objects(labels)
    classes, codes = np.unique(labels, return_inverse=True)
    if len(classes):
        # each class twice, because scikit-learn takes labels that are nearly all
        # different for regression
        targets = classes.astype(float) if classes.dtype.kind == "f" else classes
        check_classification_targets(np.tile(targets, 2))
    if warns:
        _warn_of_classes(classes)
    return labeled, classes, codes


def _warn_of_classes(classes):
    """Warn of classes that look like missing labels, or like each other."""
    if classes.dtype.kind == "u" and (classes == np.iinfo(classes.dtype).max).any():
        warn_user(
            f"y has the class {classes.max()}, which -1 becomes in unsigned integers. "
            "Use a signed dtype, or mark unlabeled samples by None.",
        )
    if classes.dtype.kind in "UO":
        found = [c for c in classes.tolist() if c.strip().lower() in LOOK_MISSING]
        if found:
            warn_user(
                f"y has the classes {found}, which look like missing labels. If they "
                "are, mark them by -1 or None: they are classes now.",
            )
        counts = Counter(c.strip() for c in classes.tolist())
        twins = [c for c in classes.tolist() if counts[c.strip()] > 1]
        if not found and twins:
            warn_user(
                f"y has the classes {first_of(twins)}, which differ only by spaces. If "
                "they are the same, strip them, for example by "
                "pandas.Series(y).str.strip(): they are different classes now."
            )
    elif classes.dtype.kind in "if":
        negative = classes[classes < 0].tolist()
        if len(negative) == 1 and negative[0] in MISSING_NUMBERS:
            warn_user(
                f"y has the class {negative[0]}, which looks like a missing label. If "
                "it is, mark it by -1 or None: it is a class now."
            )


def _as_column(y):
    """Labels as one column for `present_part`."""
    columns, _ = frame_columns(y)
    if columns is not None and len(columns) == 1:
        return columns[0]
    y = as_array(y)
    if not isinstance(y, np.ndarray) and np.ndim(y) == 1:
        return y
    y = np.asanyarray(y)
    if isinstance(y, np.matrix):
        raise TypeError(
            "y must not be an np.matrix. Convert it by np.asarray(y).ravel()."
        )
    if y.ndim == 2 and y.shape[1] > 1:
        raise ValueError(
            f"y should be a 1d array of labels; got an array of shape {y.shape}. If "
            "these are one-hot columns, pass "
            "np.where(y.any(axis=1), y.argmax(axis=1), -1). If samples may have "
            "several labels, fit a classifier for each column."
        )
    column_or_1d(np.broadcast_to(0, y.shape), warn=True)  # checks the shape
    return y.reshape(-1)


def _is_marker(label):
    if isinstance(label, str):
        return label == str(UNLABELED)
    return isinstance(label, NUMBERS) and label == UNLABELED


def _of_objects(labels):
    """Convert objects to a dtype that holds all of them; strings stay objects."""
    types = set(map(type, labels))
    is_text = np.array([isinstance(label, str) for label in labels], bool)
    if is_text.all():
        return labels
    if is_text.any():
        raise ValueError(
            "Labels must be all strings or all numbers; got "
            f"{labels[is_text][0]!r} and {labels[~is_text][0]!r}."
        )
    if not all(issubclass(t, NUMBERS) for t in types):
        raise ValueError(
            "Unknown label type: labels must be strings, integers or booleans; got "
            f"{sorted(t.__name__ for t in types)}."
        )
    if all(issubclass(t, bool | np.bool_) for t in types):
        return labels.astype(bool)
    if len(types) == 1 and issubclass(*types, np.generic | float):
        return np.array(labels.tolist())
    broken = [v for v in labels if not isinstance(v, Integral | np.bool_) and v % 1]
    if broken:
        raise ValueError(
            "Unknown label type: continuous or infinity. Floats among integer labels "
            f"must be whole numbers; got {broken[0]!r}."
        )
    labels = [int(label) for label in labels]
    for dtype in (np.int64, np.uint64):
        limits = np.iinfo(dtype)
        if limits.min <= min(labels) and max(labels) <= limits.max:
            return np.array(labels, dtype)
    raise ValueError(
        "Integer labels must fit into 64 bits, all as int64 or all as uint64; got "
        f"{min(labels)} to {max(labels)}."
    )


def check_some_labeled(labeled):
    """Raise if all samples are unlabeled."""
    if not labeled.any():
        raise ValueError(
            f"y must have labeled samples; got {len(labeled)} samples, all unlabeled "
            "(-1)."
        )


def _check_two_classes(classes, name):
    if len(classes) < 2:
        raise ValueError(
            f"{name} must have labels of at least two classes; got {len(classes)} "
            f"class: {classes.tolist()}. -1 means unlabeled: if it is a class here, as "
            "in {-1, 1}, give that class another name, such as 0."
        )


def _encoded(classes, labeled, labeled_codes):
    codes = np.full(len(labeled), UNLABELED, dtype=np.int64)
    codes[labeled] = labeled_codes
    return EncodedLabels(classes, codes)


def _keys(labels):
    """Keys that are equal for equal labels of any dtype; True is 1, as in NumPy."""
    return [int(v) for v in labels] if labels.dtype.kind in "biuf" else list(labels)
