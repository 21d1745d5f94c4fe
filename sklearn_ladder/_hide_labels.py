"""Hide labels, for benchmarks."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import check_scalar

from ._random import private_random_state
from .data._labels import UNLABELED, encode_labels, without_labels

if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt

    from ._typing import LabelsLike, RandomState


def hide_labels(
    y: LabelsLike,
    *,
    per_class: int | None = None,
    n: int | None = None,
    fraction: float | None = None,
    min_per_class: int = 1,
    random_state: RandomState = None,
) -> npt.NDArray[Any]:
    """Keep a few labels, drawn at random, and make all other samples unlabeled.

    This is for benchmarks, for teaching, and to see how a method does with fewer
    labels. Give exactly one of `per_class`, `n` and `fraction`.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Class labels. Samples with -1 or a missing value stay unlabeled.

    per_class : int, default=None
        Number of labels to keep of each class. A class with fewer keeps all of them.

    n : int, default=None
        Number of labels to keep in all. They are drawn from all labels, so that each
        class has about its share.

    fraction : float, default=None
        `n` as a share of the labels, above 0 and at most 1. The number is rounded.

    min_per_class : int, default=1
        With `n` or `fraction`, smallest number of labels that each class keeps. A class
        with fewer keeps all of them. With 0, a rare class may lose all of its labels,
        and then no classifier can predict it.

    random_state : int, RandomState instance or None, default=None
        Determines which labels are kept. Pass an int for the same ones in every call.

    Returns
    -------
    ndarray of shape (n_samples,)
        `y` with -1, among times with NaT, where a label is hidden or was missing. The
        dtype is object if the classes are neither numbers nor times.

    Raises
    ------
    ValueError
        If not exactly one of `per_class`, `n` and `fraction` is given, if a number is
        not as described, if `n` is less than `min_per_class` asks for, or if `y` has
        fewer than two classes.
    TypeError
        If a number has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ladder.model_selection import hide_labels
    >>> X, y = load_iris(return_X_y=True)
    >>> y_few = hide_labels(y, per_class=5, random_state=0)
    >>> np.unique(y_few, return_counts=True)
    (array([-1,  0,  1,  2]), array([135,   5,   5,   5]))
    >>> np.unique(hide_labels(y, fraction=0.1, random_state=0), return_counts=True)
    (array([-1,  0,  1,  2]), array([135,   3,   6,   6]))
    """
    given = {"per_class": per_class, "n": n, "fraction": fraction}
    if sum(value is not None for value in given.values()) != 1:
        raise ValueError(
            f"Exactly one of per_class, n and fraction must be given; got {given}."
        )
    rng = private_random_state(random_state)
    labels = encode_labels(y)
    labeled = np.flatnonzero(labels.codes != UNLABELED)
    if per_class is not None:
        check_scalar(per_class, "per_class", Integral, min_val=1)
        kept = _draw_per_class(labels, per_class, rng)
    else:
        if fraction is not None:
            check_scalar(
                fraction,
                "fraction",
                Real,
                min_val=0,
                max_val=1,
                include_boundaries="right",
            )
            n = round(fraction * len(labeled))
        assert n is not None  # since exactly one of the three is given
        check_scalar(n, "n", Integral, min_val=1, max_val=len(labeled))
        check_scalar(min_per_class, "min_per_class", Integral, min_val=0)
        kept = _draw_per_class(labels, min_per_class, rng)
        if n < len(kept):
            raise ValueError(
                f"n must be at least {len(kept)}, for min_per_class={min_per_class} of "
                f"{len(labels.classes)} classes; got {n}."
            )
        others = np.setdiff1d(labeled, kept)
        kept = np.append(kept, rng.choice(others, n - len(kept), replace=False))
    return without_labels(labels, np.setdiff1d(labeled, kept))


def _draw_per_class(labels, n_per_class, rng):
    """Indices of `n_per_class` labeled samples of each class, or of all it has."""
    drawn = []
    for code in range(len(labels.classes)):
        rows = np.flatnonzero(labels.codes == code)
        drawn.append(rng.choice(rows, min(n_per_class, len(rows)), replace=False))
    return np.concatenate(drawn)
