"""The choice of pseudo-labels."""

import numpy as np

from ..data._labels import UNLABELED


def with_sure_predictions(codes, proba, threshold):
    """Labels, and pseudo-labels: predictions whose probability is above a threshold.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,)
        Class codes, UNLABELED where there is no label.
    proba : ndarray of shape (n_samples, n_classes)
    threshold : float

    Returns
    -------
    ndarray of shape (n_samples,)
    """
    is_sure = (codes == UNLABELED) & (proba.max(axis=1) > threshold)
    return np.where(is_sure, proba.argmax(axis=1), codes)


def disputed(probas):
    """Whether estimators predict different classes, for each sample.

    Parameters
    ----------
    probas : ndarray of shape (n_estimators, n_samples, n_classes)

    Returns
    -------
    ndarray of shape (n_samples,), bool
    """
    votes = probas.argmax(axis=2)
    return (votes != votes[0]).any(axis=0)


def most_agreeing(probas, n_estimators):
    """The estimators that agree most often with the mean of all.

    Parameters
    ----------
    probas : ndarray of shape (n_candidates, n_samples, n_classes)
    n_estimators : int
        How many are wanted.

    Returns
    -------
    ndarray of shape (n_estimators,)
        Their indices, in increasing order.
    """
    found = probas.mean(axis=0).argmax(axis=1)
    agreement = (probas.argmax(axis=2) == found).mean(axis=1)
    return np.sort(np.argsort(agreement)[-n_estimators:])


def arbitrated_labels(proba, probas, threshold):
    """Pseudo-labels by an arbiter, for samples on which estimators disagree.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)
        Probabilities by the arbiter.
    probas : ndarray of shape (n_estimators, n_samples, n_classes)
        Probabilities by the estimators that disagree.
    threshold : float

    Returns
    -------
    ndarray of shape (n_samples,)
        UNLABELED where the arbiter is not sure, or none of the others agrees.
    """
    found = proba.argmax(axis=1)
    agrees = (probas.argmax(axis=2) == found).any(axis=0)
    return np.where((proba.max(axis=1) > threshold) & agrees, found, UNLABELED)
