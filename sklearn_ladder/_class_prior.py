"""Shares of the classes: among labels, and among the rows that have none."""

import numpy as np

from .data._labels import UNLABELED

MOST_ITERATIONS = 30
# Change of a share at which iteration ends.
TOLERANCE = 1e-4
# Labels of each class for which unlabeled rows weigh as much as all labels. What few
# labels teach may be wrong in the same way for all rows, however many these are. With 5
# in place of 10 there would be more accuracy and less balanced accuracy, most of all
# where features say little: see docs/ablation.md.
LABELS_PER_CLASS = 10
# What unlabeled rows weigh at most, labels being 1: EM makes much of probabilities that
# are a little wrong, however many labels they were learned from.
LARGEST_WEIGHT = 2.0
# Level of the test whether labels can be of as many rows in each class.
SIGNIFICANCE = 0.05
# Rows that are looked at, at most.
LARGEST_SAMPLE = 2**16
# Of a class without a label that counts.
SMALLEST_SHARE = 1e-4


def class_shares(codes, n_classes, weight=None):
    """Share of each class among the labels.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,)
        Class codes, UNLABELED where there is no label.
    n_classes : int
    weight : ndarray of shape (n_samples,), default=None
        Row weights.

    Returns
    -------
    ndarray of shape (n_classes,)
    """
    labeled = codes != UNLABELED
    weight = None if weight is None else weight[labeled]
    counts = np.bincount(codes[labeled], weight, minlength=n_classes)
    shares = np.maximum(counts / counts.sum(), SMALLEST_SHARE)
    return shares / shares.sum()


def checked_class_prior(class_prior, n_classes):
    """The parameter of that name, as an array where it is frequencies."""
    if isinstance(class_prior, str) or class_prior is None:
        return class_prior
    try:
        prior = np.asarray(class_prior, dtype=float)
    except (TypeError, ValueError):  # words, a dict, rows of different lengths
        prior = np.empty(0)
    # positive as the network has them, too
    is_right = prior.shape == (n_classes,) and (prior.astype(np.float32) > 0).all()
    if not is_right or not np.isclose(prior.sum(), 1):
        raise ValueError(
            f"class_prior must be {n_classes} positive numbers, one for each class, "
            f"that sum to 1; got {class_prior!r}."
        )
    return prior


def are_balanced(codes, n_classes):
    """Whether labels may have been drawn class by class, so that shares mean nothing.

    By a χ² test of equal shares. If it rejects, labels are more likely a sample.
    """
    from scipy import stats  # late: see LadderClassifier.fit

    counts = np.bincount(codes[codes != UNLABELED], minlength=n_classes)
    return stats.chisquare(counts).pvalue > SIGNIFICANCE


def class_bias(shares):
    """Initial β of the class layer: logarithm of the shares, around their mean.

    NOTE[DIFF]: the published bias of the class layer starts at 0. Batch normalisation
    gives each class the same mean, so the bias alone can say that one is rarer, and at
    the usual learning rates it would need thousands of updates to say so. Where labels
    are balanced this is 0, too, as in the paper's runs but those with all labels, where
    it is ±0.1.
    """
    return np.log(shares) - np.log(shares).mean()


def estimate_class_prior(proba, shares, n_labels):
    """Shares of the classes among rows that have no label, by EM.

    How many labels a class has often says how they were collected, not how frequent the
    class is. A row's probabilities, of a classifier that learned from labels of one
    share, tell its probabilities at any other; their mean over the rows is a better
    estimate of the shares; and so on.

    The published procedure takes the rows' mean alone. Here it is averaged with the
    shares of the labels, so that neither a handful of rows nor probabilities learned
    from a handful of labels can say that there is a class they lack.

    Parameters
    ----------
    proba : ndarray of shape (n_rows, n_classes)
        Class probabilities of the rows.
    shares : ndarray of shape (n_classes,)
        Of the classes among the labels.
    n_labels : int

    Returns
    -------
    ndarray of shape (n_classes,)

    References
    ----------
    Saerens, Latinne, Decaestecker, "Adjusting the Outputs of a Classifier to New a
    Priori Probabilities: A Simple Procedure", Neural Computation 14, 2002.
    """
    if len(proba) == 0:
        return shares
    n_classes = len(shares)
    weight = min(
        n_labels / (LABELS_PER_CLASS * n_classes),
        len(proba) / n_labels,
        LARGEST_WEIGHT,
    )
    proba = proba[:: -(-len(proba) // LARGEST_SAMPLE)]
    prior, is_known = shares, shares > SMALLEST_SHARE
    for _ in range(MOST_ITERATIONS):
        of_rows = adjust(proba, prior / shares).mean(axis=0, dtype=float)
        # of a class that weights have silenced the network says nothing
        of_rows = np.where(is_known, of_rows, shares)
        before, prior = prior, weight * of_rows + shares
        prior /= prior.sum()
        if np.abs(prior - before).max() < TOLERANCE:
            break
    return prior


def adjust(proba, ratio):
    """Class probabilities where classes are more or less frequent by these factors."""
    weighed = proba * ratio.astype(proba.dtype)
    return weighed / weighed.sum(axis=1, keepdims=True)
