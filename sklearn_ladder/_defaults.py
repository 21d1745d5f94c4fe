"""The rules behind "auto": pure functions of what the survey found.

They were chosen on development samples of tables: see docs/benchmarks/ablation.md.

NOTE[DIFF]: the published settings are one network, 90,000 updates at a learning rate of
0.002, and costs for pixels that are not standardized: see `recipes`. These rules are
for tables, and for fits of seconds.
"""

import math
from itertools import pairwise

FEWEST_UPDATES, MOST_UPDATES = 250, 750
# Bins per feature, and columns of all bins together, at most.
N_BINS, MOST_COLUMNS = 6, 512
# Members of an ensemble, and weights of all of them together, at most.
MOST_MEMBERS, MOST_WEIGHTS_OF_ENSEMBLE = 5, 2**18
# Labels whose batch statistics are as good as those of many.
ENOUGH_LABELS = 10


def class_layer_cost(n_classes):
    """Denoising cost of the class layer: 0 up to 4 classes, 1 from 10 classes on.

    This cost asks for an output that noise does not change, and so for classes that are
    clusters. Two classes seldom are.
    """
    return min(max((n_classes - 4) / 6, 0.0), 1.0)


def n_bins(n_values, n_classes):
    """Number of bins per feature: 6, fewer if there are many features, 1 without bins.

    Features of tables have thresholds, which bins make easy to learn. Many classes are
    told apart by distances instead, which bins blur: from 10 classes on there are none.
    Features with at most 6 values have no bins and do not count.

    Parameters
    ----------
    n_values : ndarray of shape (n_features,)
        Number of values of each feature.
    n_classes : int

    Returns
    -------
    int
    """
    if class_layer_cost(n_classes) == 1:
        return 1
    n_binned = int((n_values > N_BINS).sum())
    return min(max(MOST_COLUMNS // max(n_binned, 1), 1), N_BINS)


def n_updates(n_labels, is_mlp=True):
    """Number of updates: 50 √(number of labels), between 250 and 750.

    Few labels are fitted quickly, then overfitted. Convolutional networks learn more
    slowly, and make twice as many updates.

    Parameters
    ----------
    n_labels : int
    is_mlp : bool, default=True
        Whether the architecture is the dense network for tables.

    Returns
    -------
    int
    """
    updates = min(max(FEWEST_UPDATES, 50 * math.sqrt(n_labels)), MOST_UPDATES)
    return round(updates if is_mlp else 2 * updates)


def n_estimators(shapes):
    """Number of members: 5, or fewer if the network is large.

    A mean of several networks is right more often than one, above all with few labels.
    Small networks side by side cost little more than one.

    Parameters
    ----------
    shapes : list of Shape
        Of layers 0 … L of a single network.

    Returns
    -------
    int
    """
    if any(shape.n_positions > 1 for shape in shapes):
        return 1
    n_weights = sum(below.n_units * above.n_units for below, above in pairwise(shapes))
    return min(max(MOST_WEIGHTS_OF_ENSEMBLE // n_weights, 1), MOST_MEMBERS)


def n_denoising(n_estimators, n_classes):
    """Number of members with denoising costs: three of five, two of three, one of two.

    The others learn from labels alone. If unlabeled samples mislead, the mean of all
    members stays close to what the labels say. From 10 classes on, classes are usually
    clusters, and all members have the costs.
    """
    if class_layer_cost(n_classes) == 1:
        return n_estimators
    return max(1, 2 * n_estimators // 3)


def labeled_share(n_labels):
    """Weight of the labeled samples in the statistics for prediction.

    It rises from 0 for one label to 1 for ten, because few samples have no statistics
    of their own. All other samples have the rest of the weight.
    """
    return min(max((n_labels - 1) / (ENOUGH_LABELS - 1), 0.0), 1.0)
