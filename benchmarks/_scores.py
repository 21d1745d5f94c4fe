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


def difference(scores, others, n_resamples=1999):
    """Mean difference over tables, its 95 % interval, and whether it is chance.

    Parameters
    ----------
    scores, others : array-like of shape (n_tables,)
        Of two methods, in the same order.

    Returns
    -------
    difference, low, high, p : list of float
        The interval is by bootstrap over tables; `p` is that of Wilcoxon's signed-rank
        test, 1 if all differences are 0.
    """
    gap = np.subtract(scores, others)
    if not gap.any():
        return [0.0, 0.0, 0.0, 1.0]
    interval = stats.bootstrap(
        (gap,), np.mean, n_resamples=n_resamples, method="percentile", rng=0
    ).confidence_interval
    p = stats.wilcoxon(gap).pvalue
    return [round(float(x), 4) for x in (gap.mean(), *interval, p)]
