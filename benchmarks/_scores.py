"""Scores of predicted probabilities, and the comparison of methods over tables."""

import numpy as np
from scipy import stats
from sklearn.metrics import accuracy_score, recall_score

SMALLEST_PROBABILITY = 1e-6  # in the log-loss: many methods are sure, and wrong


def scores(y, probabilities):
    """All scores of one fit.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Codes 0 … n_classes - 1.
    probabilities : ndarray of shape (n_samples, n_classes)

    Returns
    -------
    scores : dict of str to float
    """
    predicted = probabilities.argmax(axis=1)
    of_truth = probabilities[np.arange(len(y)), y].clip(SMALLEST_PROBABILITY)
    return {
        "accuracy": float(accuracy_score(y, predicted)),
        # the mean recall of the classes in y; others may be predicted
        "balanced_accuracy": float(
            recall_score(y, predicted, labels=np.unique(y), average="macro")
        ),
        "log_loss": float(-np.log(of_truth).mean()),
        "calibration_error": calibration_error(y, probabilities),
    }


def calibration_error(y, probabilities, n_bins=15):
    """Expected calibration error: mean gap of confidence and accuracy over bins.

    Bins of equal width, of the highest probability of each row; each counts by its
    share of rows (Guo et al. 2017, arXiv:1706.04599).
    """
    confidence = probabilities.max(axis=1)
    gap = (probabilities.argmax(axis=1) == y) - confidence
    bins = np.ceil(confidence * n_bins).astype(int)  # (0, 1/15] is the first
    return float(np.abs(np.bincount(bins, weights=gap)).sum() / len(y))


def mean_ranks(means):
    """Mean rank over tables of each method; 1 is best, ties share their ranks.

    Parameters
    ----------
    means : DataFrame of shape (n_tables, n_methods)
        Scores, the higher the better.

    Returns
    -------
    ranks : Series of shape (n_methods,)
        Best first.
    """
    return means.rank(axis=1, ascending=False).mean().sort_values()


def critical_difference(n_methods, n_tables, alpha=0.05):
    """Difference of mean ranks that is significant in Nemenyi's test.

    Demšar, "Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 2006.
    """
    q = stats.studentized_range.ppf(1 - alpha, n_methods, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(n_methods * (n_methods + 1) / (6 * n_tables)))


def wins_ties_losses(means, method):
    """Tables on which `method` is better, equal and worse than each other method.

    Scores that are equal to a tenth of a point are ties.
    """
    others = means.drop(columns=method)
    ahead = others.rsub(means[method], axis=0).round(3)
    return {
        name: [int((gap > 0).sum()), int((gap == 0).sum()), int((gap < 0).sum())]
        for name, gap in ahead.items()
    }
