"""Stratified splits of the labeled samples."""

import numpy as np

from .._user_warnings import warn_user
from ._labels import UNLABELED


def hold_out(codes, fraction, random_state):
    """Choose labeled samples to hold out, stratified by class.

    The only label of a class stays for training.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,)
        Class codes, UNLABELED where there is no label.
    fraction : float
        Share of the labeled samples.
    random_state : int

    Returns
    -------
    ndarray of shape (n_held_out,)
        Indices of the samples.

    Raises
    ------
    ValueError
        If there are too few labels for that.

    Warns
    -----
    UserWarning
        If classes have too few labels for any to be held out.
    """
    labeled = np.flatnonzero(codes != UNLABELED)
    try:
        return split_labeled(labeled, codes, random_state, fraction)[1]
    except ValueError as error:
        raise ValueError(
            "early_stopping=True needs at least one sample for each class to hold out, "
            f"and as many to train on; got validation_fraction={fraction} of "
            f"{len(labeled)} labeled samples in {len(np.unique(codes[labeled]))} "
            "classes. Label more samples, change validation_fraction, or use "
            "early_stopping=False."
        ) from error


def split_labeled(labeled, codes, random_state, test_size=None, train_size=None):
    """Split labeled samples into training and test samples, stratified by class.

    The only label of a class is for training.

    Parameters
    ----------
    labeled : ndarray of shape (n_labeled,)
        Indices of the samples.
    codes : ndarray of shape (n_samples,)
    random_state : int, RandomState instance or None
    test_size, train_size : float, int or None
        As in :func:`~sklearn.model_selection.train_test_split`.

    Returns
    -------
    train, test : ndarray of sample indices

    Raises
    ------
    ValueError
        If there are too few labels for that, so that training would lack a class.

    Warns
    -----
    UserWarning
        If test samples lack classes, which have few labels.
    """
    # late: they are slow to import
    from sklearn.model_selection import train_test_split
    from sklearn.model_selection._split import _validate_shuffle_split

    n_train, n_test = _validate_shuffle_split(
        len(labeled), test_size, train_size, default_test_size=0.25
    )
    classes, counts = np.unique(codes[labeled], return_counts=True)
    is_only = np.isin(codes[labeled], classes[counts == 1])
    only, others = labeled[is_only], labeled[~is_only]
    n_split = (counts > 1).sum()  # classes that can be split
    is_possible = n_train - len(only) >= n_split > 0
    if is_possible:
        train, test = train_test_split(
            others,
            train_size=n_train - len(only),
            test_size=n_test,
            stratify=codes[others],
            random_state=random_state,
        )
    if not is_possible or len(np.unique(codes[train])) < n_split:
        raise ValueError(
            "A split needs a class with two labels, and labels of each class for "
            f"training; got {n_train} labels for training in {len(classes)} classes."
        )
    n_untested = len(np.setdiff1d(classes, codes[test]))
    if n_untested:
        warn_user(
            f"{n_untested} of {len(classes)} classes have so few labels that all are "
            "for training: they are not tested."
        )
    return np.concatenate([train, only]), test
