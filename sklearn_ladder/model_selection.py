"""Validation and search where only some samples have a label.

Works for any classifier that takes -1 in `y` as "no label", such as those of
:mod:`sklearn.semi_supervised`. Missing labels (None, NaN, pandas.NA) also count as
unlabeled.
"""

from __future__ import annotations

import warnings
from itertools import chain
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
from sklearn.model_selection import (
    BaseCrossValidator,
    StratifiedKFold,
)
from sklearn.utils import (
    _safe_indexing,
    check_consistent_length,
    check_random_state,
    check_scalar,
    indexable,
)

from ._hide_labels import hide_labels
from ._scorer import labeled_scorer
from ._user_warnings import warn_user
from .data._labels import UNLABELED, encode_labels, warn_of_order, without_labels
from .data._splits import split_labeled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    import numpy.typing as npt

    from ._typing import LabelsLike, MatrixLike, RandomState

__all__ = [
    "LabeledStratifiedKFold",
    "hide_labels",
    "labeled_scorer",
    "labeled_train_test_split",
]


class LabeledStratifiedKFold(BaseCrossValidator):
    """Stratified folds of the labeled samples; unlabeled ones are always for training.

    Plain :class:`~sklearn.model_selection.StratifiedKFold` takes "unlabeled" for one
    more class. Then most test samples have no label, and count as errors.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds: at least 2, and at most the number of labels of the most
        frequent class. Some folds lack a class with fewer labels; a warning says so.

    n_repeats : int, default=1
        Number of times that the labeled samples are divided into folds, differently
        each time. More than 1 needs `shuffle`. With few labels there are few test
        samples, and repeats give a steadier score.

    shuffle : bool, default=False
        Whether the labeled samples of each class are shuffled before they are divided.

    random_state : int, RandomState instance or None, default=None
        Determines the shuffling. Pass an int for the same folds in every call;
        :class:`~sklearn.model_selection.HalvingGridSearchCV` demands it.

    Raises
    ------
    ValueError
        If a parameter is not as described.

    See Also
    --------
    labeled_scorer : Leaves unlabeled samples out of a score. Test folds have none here,
        but training scores need it.
    labeled_train_test_split : A single split.

    Notes
    -----
    **Training samples** come in an order in which each class, and the unlabeled
    samples, are spread evenly, with one sample of every class at the front. So
    :func:`~sklearn.model_selection.learning_curve`, which takes the first samples of
    each training set, has all classes and a constant share of labels at every size.

    **Each labeled sample is tested once, unlabeled samples never.** So
    :func:`~sklearn.model_selection.cross_val_predict`, which wants a prediction for
    every sample, raises an error; predictions for unlabeled samples are in a
    classifier's `transduction_`. With another splitter and
    ``method="predict_proba"`` it would replace labels by numbers from 0 before the fit,
    and so make "unlabeled" a class.

    **Held-out samples as unlabeled training samples.** `split` cannot offer this: a fit
    on ``X[train], y[train]`` would learn from the labels of all samples in `train`.
    `split_transductive` therefore gives the labels to train with, and no indices of
    training samples, since all samples are.

    **Successive halving** with the default ``resource="n_samples"`` draws samples at
    random, without regard to labels, and soon has none left of some class. Let it
    spend something else, such as ``resource="max_epochs"``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ladder.model_selection import LabeledStratifiedKFold
    >>> X = np.arange(8).reshape(8, 1)
    >>> y = np.array([0, 0, 1, 1, -1, -1, -1, -1])
    >>> cv = LabeledStratifiedKFold(n_splits=2)
    >>> for train, test in cv.split(X, y):
    ...     print(train, test)
    [1 3 4 5 6 7] [0 2]
    [0 2 4 5 6 7] [1 3]
    >>> for y_train, test in cv.split_transductive(X, y):
    ...     print(y_train, test)
    [-1  0 -1  1 -1 -1 -1 -1] [0 2]
    [ 0 -1  1 -1 -1 -1 -1 -1] [1 3]
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        n_repeats: int = 1,
        shuffle: bool = False,
        random_state: RandomState = None,
    ) -> None:
        self.n_splits = n_splits
        self.n_repeats = n_repeats
        self.shuffle = shuffle
        self.random_state = random_state
        # as in scikit-learn, a splitter checks what it is given
        StratifiedKFold(n_splits, shuffle=shuffle, random_state=random_state)
        check_scalar(n_repeats, "n_repeats", Integral, min_val=1)
        if n_repeats > 1 and not shuffle:
            raise ValueError(
                "n_repeats must be 1 unless shuffle=True, or each repeat is the same; "
                f"got {n_repeats}."
            )

    def split(
        self, X: MatrixLike, y: LabelsLike, groups: object = None
    ) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
        """Generate indices of training and test samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Only its length is used.
        y : array-like of shape (n_samples,)
            Class labels; -1 or a missing value marks an unlabeled sample.
        groups : object
            Always ignored, exists for API compatibility.

        Yields
        ------
        train : ndarray of shape (n_train,)
            Labeled samples of the other folds and all unlabeled samples.
        test : ndarray of shape (n_test,)
            Labeled samples of the fold.

        Raises
        ------
        ValueError
            If no class has `n_splits` labels, or `y` is not as described.

        Warns
        -----
        UserWarning
            If a class has fewer than `n_splits` labels, or if the index of `y` is that
            of `X` in another order.
        """
        if groups is not None:
            warn_user(
                f"The groups parameter is ignored by {type(self).__name__}",
            )
        codes = encode_labels(y).codes
        check_consistent_length(X, codes)
        warn_of_order(X, y)
        for test in self._iter_test_indices(X, codes):
            is_training = np.ones(len(codes), dtype=bool)
            is_training[test] = False
            train = np.flatnonzero(is_training)
            yield train[_evenly_spread(codes[train])], test

    def split_transductive(
        self, X: MatrixLike, y: LabelsLike
    ) -> Iterator[tuple[npt.NDArray[Any], npt.NDArray[np.intp]]]:
        """Generate labels to train with, and indices of test samples.

        All samples of `X` are for training, those of the test fold as unlabeled ones:
        fit on ``X, y_train``, score on ``X[test], y[test]``. This measures how well the
        given samples are labeled. Scores for new samples may differ.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Only its length is used.
        y : array-like of shape (n_samples,)
            Class labels; -1 or a missing value marks an unlabeled sample.

        Yields
        ------
        y_train : ndarray of shape (n_samples,)
            `y` with -1, among times with NaT, for the samples in `test` and for
            unlabeled ones. The dtype is object if the classes are neither numbers nor
            times.
        test : ndarray of shape (n_test,)
            Labeled samples of the fold.

        Raises
        ------
        ValueError
            As `split`.
        """
        labels = encode_labels(y)
        for _, test in self.split(X, y):
            yield without_labels(labels, test), test

    def get_n_splits(
        self, X: object = None, y: object = None, groups: object = None
    ) -> int:
        """Number of splits, repeats included.

        Parameters
        ----------
        X, y, groups : object
            Always ignored, exist for API compatibility.

        Returns
        -------
        int
        """
        return self.n_splits * self.n_repeats

    def _iter_test_indices(self, X, codes, groups=None):
        labeled = np.flatnonzero(codes != UNLABELED)
        counts = np.bincount(codes[labeled])
        if self.n_splits > counts.max():
            raise ValueError(
                "n_splits must not be greater than the number of labeled samples of "
                f"the most frequent class, {counts.max()}; got "
                f"n_splits={self.n_splits}."
            )
        if self.n_splits > counts.min():
            warn_user(
                "The number of labeled samples of the rarest class is "
                f"{counts.min()}, less than n_splits={self.n_splits}: some test folds "
                "lack it, and with a single label some training sets do. Scores that "
                "need all classes are NaN there. labeled_scorer('neg_log_loss') needs "
                "them only in training.",
            )
        random_state = check_random_state(self.random_state) if self.shuffle else None
        folds = StratifiedKFold(
            self.n_splits, shuffle=self.shuffle, random_state=random_state
        )
        for _ in range(self.n_repeats):
            with warnings.catch_warnings():
                # of the rarest class, again, and of regression if most classes have a
                # single label
                warnings.simplefilter("ignore")
                tests = [test for _, test in folds.split(labeled, codes[labeled])]
            for test in tests:
                yield labeled[test]


def labeled_train_test_split(
    X: MatrixLike,
    y: LabelsLike,
    *arrays: MatrixLike,
    test_size: float | None = None,
    train_size: float | None = None,
    random_state: RandomState = None,
) -> list[Any]:
    """Split into training and test samples, where all test samples have a label.

    Like :func:`~sklearn.model_selection.train_test_split` with ``stratify=y``, for the
    labeled samples. All unlabeled samples are for training. So is the only label of a
    class; a warning says so.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Samples: array, sparse matrix, pandas or polars frame, or list.

    y : array-like of shape (n_samples,)
        Class labels; -1 or a missing value marks an unlabeled sample.

    *arrays : array-likes of length n_samples
        More to be split in the same way, such as `sample_weight`.

    test_size : float or int, default=None
        Share, or number, of the labeled samples that are for testing. By default what
        `train_size` leaves, or 0.25.

    train_size : float or int, default=None
        Share, or number, of the labeled samples that are for training. By default all
        but the test samples.

    random_state : int, RandomState instance or None, default=None
        Determines which samples are for testing.

    Returns
    -------
    list of length 2 * (2 + len(arrays))
        ``X_train, X_test, y_train, y_test``, and so on, each of the type of what was
        given. Training samples are in the order described in
        :class:`LabeledStratifiedKFold`.

    Raises
    ------
    ValueError
        If there are too few labeled samples for a stratified split of this size, if
        lengths differ, or `y` is not as described.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ladder.model_selection import labeled_train_test_split
    >>> X, y = load_iris(return_X_y=True)
    >>> y_few = np.full_like(y, -1)
    >>> y_few[::5] = y[::5]  # 30 labels for 150 samples
    >>> X_train, X_test, y_train, y_test = labeled_train_test_split(
    ...     X, y_few, test_size=0.2, random_state=0
    ... )
    >>> X_train.shape, X_test.shape
    ((144, 4), (6, 4))
    >>> np.sort(y_test)
    array([0, 0, 1, 1, 2, 2])
    """
    arrays = indexable(X, y, *arrays)
    codes = encode_labels(y).codes
    warn_of_order(X, y)
    labeled = np.flatnonzero(codes != UNLABELED)
    train, test = split_labeled(labeled, codes, random_state, test_size, train_size)
    train = np.concatenate([train, np.flatnonzero(codes == UNLABELED)])
    train = train[_evenly_spread(codes[train])]
    return list(
        chain.from_iterable(
            (_safe_indexing(array, train), _safe_indexing(array, test))
            for array in arrays
        )
    )


def _evenly_spread(codes):
    """Order in which each class, and the unlabeled samples, are spread evenly.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,)
        Class codes, UNLABELED where there is no label.

    Returns
    -------
    ndarray of shape (n_samples,)
        Indices. If k of the n samples of a class come earlier, a sample is at k/n of
        the order. Of samples at the same point, labeled ones are first.
    """
    by_group = np.argsort(codes, kind="stable")
    counts = np.unique(codes, return_counts=True)[1]
    position = np.empty(len(codes))
    position[by_group] = np.concatenate([np.arange(n) / n for n in counts])
    return np.lexsort((codes == UNLABELED, position))
