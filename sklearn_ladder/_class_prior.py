"""The class prior: shares of the classes among labels, and among unlabeled samples."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ._prediction import predict_proba
from .data._labels import UNLABELED, class_names
from .data._precision import first_of

MOST_ITERATIONS = 30
# The iteration ends if no share changes by more than this.
TOLERANCE = 1e-4
# With this many labels per class, the EM estimate weighs as much as the label shares.
# With fewer it weighs less, because a network trained on few labels can be wrong about
# all samples in the same way. With 5 instead of 10, on one draw of 16 tables, accuracy
# was higher by 0.5 points, and balanced accuracy lower by 0.2.
LABELS_PER_CLASS = 10
# Largest weight of the EM estimate; the label shares have weight 1. The EM algorithm
# amplifies small errors of probabilities, however many labels there are.
LARGEST_WEIGHT = 2.0
# Below this p-value, labels increasingly count as a random sample.
SIGNIFICANCE = 0.05
# Largest number of samples that the EM algorithm uses.
LARGEST_SAMPLE = 2**16
# Standard deviation of the sample weights, relative to their mean, from which there is
# no EM algorithm by default.
MOST_SPREAD = 0.1
# Share of a class without labels of positive weight.
SMALLEST_SHARE = 1e-4


class ClassPriorRule(NamedTuple):
    """How the class prior follows from the labels and the unlabeled samples."""

    # weighted share of each class among the labels
    class_shares: tuple[float, ...]
    # given by the user; if None: shares of the labels, or the EM algorithm
    class_prior: tuple[float, ...] | None
    em_weight: float  # factor on the EM estimate, from 0 (not used) to 1


def resolve_class_prior(class_prior, codes, classes, weight=None, may_estimate=True):
    """Resolve the parameter `class_prior`.

    Parameters
    ----------
    class_prior : array-like of shape (n_classes,), dict, "auto", "em" or None
    codes : ndarray of shape (n_samples,)
        Class codes, UNLABELED where there is no label.
    classes : ndarray of shape (n_classes,)
    weight : ndarray of shape (n_samples,), default=None
        Sample weights.
    may_estimate : bool, default=True
        Whether "auto" may use the EM algorithm.

    Returns
    -------
    ClassPriorRule

    Raises
    ------
    ValueError
        If `class_prior` is an array-like or dict, but no class prior.
    """
    n_classes = len(classes)
    given, em_weight = check_class_prior(class_prior, classes), 0.0
    if isinstance(given, str):
        if given == "em":
            em_weight = 1.0
        elif may_estimate:
            em_weight = equal_shares_weight(codes, n_classes, weight)
        given = None
    elif given is not None:
        given = tuple(given.tolist())
    shares = class_shares(codes, n_classes, weight)
    return ClassPriorRule(tuple(shares.tolist()), given, em_weight)


def find_class_prior(rule, codes, proba, smoothing=0.0):
    """The class prior, and the factors that bring probabilities to it.

    Parameters
    ----------
    rule : ClassPriorRule or Plan
    codes : ndarray of shape (n_samples,)
        Class codes, UNLABELED where there is no label.
    proba : ndarray of shape (n_unlabeled, n_classes)
        Class probabilities that assume the shares of the labels.
    smoothing : float, default=0.0
        Share of a uniform distribution in these probabilities.

    Returns
    -------
    class_prior : ndarray of shape (n_classes,)
    ratio : ndarray of shape (n_classes,)
        Factors on the probabilities: see `adjust`.
    """
    shares = np.array(rule.class_shares)
    smoothed = smooth(shares, smoothing)
    if rule.class_prior is not None:
        class_prior = np.array(rule.class_prior)
    elif rule.em_weight == 0:
        class_prior = shares
    else:
        n_labels = np.count_nonzero(codes != UNLABELED)
        mean = estimate_class_prior(proba, smoothed, n_labels, rule.em_weight)
        class_prior = (mean - smoothing / len(mean)).clip(SMALLEST_SHARE)
        class_prior /= class_prior.sum()
    # Mean probabilities after and before. Without smoothing them as well, the factor of
    # a rare class would be so large that it is predicted everywhere.
    return class_prior, smooth(class_prior, smoothing) / smoothed


def smooth(shares, smoothing):
    """Shares of classes, mixed with a uniform distribution."""
    return (1 - smoothing) * shares + smoothing / len(shares)


def class_shares(codes, n_classes, weight=None):
    """Share of each class among the labels.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,)
        Class codes, UNLABELED where there is no label.
    n_classes : int
    weight : ndarray of shape (n_samples,), default=None
        Sample weights.

    Returns
    -------
    ndarray of shape (n_classes,)
    """
    labeled = codes != UNLABELED
    weight = None if weight is None else weight[labeled]
    counts = np.bincount(codes[labeled], weight, minlength=n_classes)
    shares = np.maximum(counts / counts.sum(), SMALLEST_SHARE)
    return shares / shares.sum()


def check_class_prior(class_prior, classes):
    """Check the parameter `class_prior`. An array-like or dict becomes an array."""
    if isinstance(class_prior, str) or class_prior is None:
        return class_prior
    n_classes, names = len(classes), class_names(classes)
    shares = class_prior
    if (by_class := as_dict(class_prior)) is not None:
        without = [name for name in names if name not in by_class]
        if without:
            raise ValueError(
                f"class_prior must have a share for each class, {first_of(names)}; got "
                f"none for {first_of(without)} in {by_class}."
            )
        shares = list(shares_of(names, by_class).values())
    try:
        prior = np.asarray(shares, dtype=float)
    except (TypeError, ValueError):  # words, ragged lists
        prior = np.empty(0)
    # positive in the float32 of the network, too
    is_right = prior.shape == (n_classes,) and (prior.astype(np.float32) > 0).all()
    if not is_right or not np.isclose(prior.sum(), 1):
        order = " in the order of classes_" if by_class is None else ""
        total = f", with the sum {prior.sum():g}" if is_right else ""
        raise ValueError(
            f"class_prior must be {n_classes} positive numbers, one for each class"
            f"{order}, that sum to 1; got {class_prior!r}{total}."
        )
    return prior


def shares_of(classes, by_class):
    """Shares of some of the classes, with the same sum as those of all.

    Labels may lack a class, as in a fold.
    """
    known = {name: by_class[name] for name in classes}
    factor = 1.0 if known == by_class else sum(by_class.values()) / sum(known.values())
    return {name: share * factor for name, share in known.items()}


def as_dict(values):
    """Values by class, of a dict or a Series with an index of its own; or None."""
    is_series = hasattr(values, "index") and hasattr(values, "to_dict")
    if is_series and list(values.index) != list(range(len(values))):
        return values.to_dict()
    return dict(values) if isinstance(values, Mapping) else None


def equal_shares_weight(codes, n_classes, weight=None):
    """How well the labels agree with equal shares of the classes, from 0 to 1.

    If shares are equal, labels may have been drawn class by class. Then they say
    nothing about how frequent the classes are. The weight is 1 if the χ² test has a
    p-value of at least 5 %. Below that it falls linearly to 0, so that a single label
    changes it only a little.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,)
        Class codes, UNLABELED where there is no label.
    n_classes : int
    weight : ndarray of shape (n_samples,), default=None
        Sample weights. The more they differ, the smaller the result.

    Returns
    -------
    float
    """
    from scipy import stats  # late: it is slow to import

    labeled = codes != UNLABELED
    counts = np.bincount(codes[labeled], minlength=n_classes)
    agreement = min(stats.chisquare(counts).pvalue / SIGNIFICANCE, 1.0)
    if weight is not None:  # weights that differ say how much classes matter
        spread = weight[labeled].std() / weight[labeled].mean()
        agreement *= max(1 - spread / MOST_SPREAD, 0.0)
    return float(agreement)


def class_bias(shares):
    """Initial β of the class layer: logarithm of the shares, around their mean.

    NOTE[DIFF]: the published bias of the class layer starts at 0. Batch normalization
    gives each class the same mean, so only the bias can say that a class is rare, and
    at the usual learning rates it would need thousands of updates to learn that. For
    balanced labels this bias is 0 as well.
    """
    return np.log(shares) - np.log(shares).mean()


def estimate_class_prior(proba, shares, n_labels, em_weight=1.0):
    """Class prior of the unlabeled samples, by the EM algorithm of Saerens et al.

    NOTE[DIFF]: the ladder of the paper assumes the shares of the labels. Benchmarks of
    tables draw labels class by class, where these shares say nothing.

    How many labels a class has often says how they were collected, not how frequent the
    class is. Each iteration converts the learned probabilities to the current prior.
    Their mean over the samples is the next estimate of the prior.

    The published algorithm uses this mean alone. Here it is averaged with the shares of
    the labels, so that a class cannot vanish because there are only a few samples, or
    because probabilities were learned from a few labels.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)
        Class probabilities of the unlabeled samples.
    shares : ndarray of shape (n_classes,)
        Shares of the classes among the labels.
    n_labels : int
    em_weight : float, default=1.0
        Factor on the weight of the unlabeled samples. 0 returns `shares`.

    Returns
    -------
    ndarray of shape (n_classes,)

    References
    ----------
    Saerens, Latinne, Decaestecker, "Adjusting the Outputs of a Classifier to New a
    Priori Probabilities: A Simple Procedure", Neural Computation 14, 2002.
    """
    if len(proba) == 0 or em_weight == 0:
        return shares
    n_classes = len(shares)
    weight = em_weight * min(
        n_labels / (LABELS_PER_CLASS * n_classes),
        len(proba) / n_labels,
        LARGEST_WEIGHT,
    )
    proba = proba[:: -(-len(proba) // LARGEST_SAMPLE)]
    prior, is_known = shares, shares > SMALLEST_SHARE
    for _ in range(MOST_ITERATIONS):
        mean = adjust(proba, prior / shares).mean(axis=0, dtype=float)
        # the network knows nothing about a class whose labels all have weight 0
        mean = np.where(is_known, mean, shares)
        before, prior = prior, weight * mean + shares
        prior /= prior.sum()
        if np.abs(prior - before).max() < TOLERANCE:
            break
    return prior


def infer_class_prior(module, data, plan):
    """Set the class prior of a trained network. In a stream it stays as it is.

    Parameters
    ----------
    module : Ladder
    data : TrainingData
    plan : Plan

    Returns
    -------
    class_prior : ndarray of shape (n_classes,) or None
        None in a stream.
    proba : ndarray of shape (n_unlabeled, n_classes)
        Probabilities of the unlabeled samples with that prior.

    Raises
    ------
    ValueError
        If a probability of any sample, labeled or not, is not finite.
    """
    proba = predict_proba(module, data.samples, plan.device)
    if data.is_stream:
        return None, proba[data.unlabeled]
    class_prior, ratio = find_class_prior(
        plan, data.codes, proba[data.uncounted], plan.smoothing
    )
    module.set_class_prior_ratio(ratio)
    return class_prior, adjust(proba[data.unlabeled], ratio)


def adjust(proba, ratio):
    """Class probabilities if each class is `ratio` times as frequent."""
    weighted = proba * np.asarray(ratio, proba.dtype)
    return weighted / weighted.sum(axis=1, keepdims=True)
