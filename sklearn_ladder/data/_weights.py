"""Sample weights: checked, combined with class weights, and normalized."""

from numbers import Real

import numpy as np
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import _check_sample_weight

from ._labels import UNLABELED, EncodedLabels
from ._missing import as_array, present_part


@np.errstate(all="ignore")
def sample_weights(sample_weight, class_weight, labels, keep_unlabeled=False):
    """Combine sample weights and class weights.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,), float or None
    class_weight : dict, "balanced" or None
    labels : EncodedLabels
    keep_unlabeled : bool, default=False
        Whether unlabeled samples keep their weights, because they may get
        pseudo-labels. Those that are missing, negative or infinite become the mean of
        the labeled samples' weights.

    Returns
    -------
    ndarray of shape (n_samples,), or None if neither is given
        1 for unlabeled samples, unless these keep their weights.

    Raises
    ------
    ValueError
        If the weight of a labeled sample is missing, negative or infinite.
    """
    if sample_weight is None and class_weight is None:
        return None
    labeled = labels.codes != UNLABELED
    weights = np.ones(len(labeled))
    if sample_weight is not None:
        sample_weight = _as_floats(as_array(sample_weight))
        if sample_weight.shape == labeled.shape:
            is_filled, filling = ~labeled, 1.0
            if keep_unlabeled and labeled.any():
                is_filled &= ~np.isfinite(sample_weight) | (sample_weight < 0)
                filling = sample_weight[labeled].mean()
            sample_weight = np.where(is_filled, filling, sample_weight)
        elif sample_weight.ndim == 0:
            sample_weight = float(sample_weight)
        weights = _check_sample_weight(
            sample_weight, labeled, ensure_non_negative=True, dtype=float
        )
    if class_weight is not None and labeled.any():
        codes = labels.codes[labeled]
        of_classes = compute_class_weight(
            _checked(class_weight), classes=labels.classes, y=labels.classes[codes]
        )
        weights = weights.copy()
        weights[labeled] *= of_classes[codes]
    is_wrong = ~np.isfinite(weights) | (weights < 0)
    if is_wrong.any():
        raise ValueError(
            "sample_weight (times class_weight) must be finite and not negative; got "
            f"{weights[is_wrong][0]}."
        )
    return weights


def _as_floats(sample_weight):
    """Convert weights to floats, NaN if missing."""
    present, values = np.array(True), np.asarray(sample_weight)
    if values.ndim == 1:
        present, values = present_part(sample_weight)
    if values.dtype.kind not in "biufO" or not all(
        isinstance(value, Real | np.bool_) for value in np.ravel(values)[:1]
    ):
        raise TypeError(f"sample_weight must be numbers; got {values.dtype}.")
    if values.ndim > 1:
        return values  # `_check_sample_weight` raises the error
    weights = np.full(present.shape, np.nan)
    try:
        weights[present] = values
    except (TypeError, ValueError) as error:
        raise TypeError(f"sample_weight must be numbers: {error}.") from error
    return weights


def _checked(class_weight):
    """Return `class_weight`; raise if one of its weights is not a number."""
    if isinstance(class_weight, dict):
        for label, weight in class_weight.items():
            if not isinstance(weight, Real | np.bool_):
                raise TypeError(
                    f"class_weight must have numbers as weights; got {weight!r} for "
                    f"class {label!r}."
                )
    return class_weight


@np.errstate(all="ignore")
def normalize_weights(weights, codes):
    """Weights that are 1 on average over labeled samples; None if each of them is 1.

    Parameters
    ----------
    weights : ndarray of shape (n_samples,) or None
    codes : ndarray of shape (n_samples,)
        Class codes, UNLABELED where there is no label.

    Raises
    ------
    ValueError
        If the weights of all labeled samples are zero.
    """
    if weights is None:
        return None
    largest = weights[codes != UNLABELED].max()
    if largest == 0:
        raise ValueError(
            "sample_weight (times class_weight) must not be zero for all labeled "
            "samples."
        )
    weights = weights / largest  # so that no sum overflows
    weights /= weights[codes != UNLABELED].mean()
    return None if np.allclose(weights[codes != UNLABELED], 1) else weights


def counted_codes(codes, weights):
    """Class codes, UNLABELED also where a label has the weight 0."""
    return codes if weights is None else np.where(weights > 0, codes, UNLABELED)


def labeled_weights(sample_weight, labeled):
    """Weights of the labeled samples, after the checks of `sample_weights`; or None.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,), float or None
    labeled : ndarray of shape (n_samples,), bool
    """
    labels = EncodedLabels(np.empty(0), np.where(labeled, 0, UNLABELED))
    weights = sample_weights(sample_weight, None, labels)
    return None if weights is None else weights[labeled]
