"""What "auto" stands for: rules by numbers of classes, labels, values and weights.

Chosen on rows in no test split of `benchmarks.tabular`: see `benchmarks.ablation`.

NOTE[DIFF]: published are one network, 90,000 updates at a rate of 0.002, and costs for
pixels that are not standardised: see `recipes`. These are for tables, and for seconds.
"""

import math
from itertools import pairwise

FEWEST_UPDATES, MOST_UPDATES = 500, 1500
# Updates of all networks side by side, together, about.
UPDATES_OF_ENSEMBLE = 2000
# Bins of a feature, and columns of all bins together, at most.
N_BINS, MOST_COLUMNS = 6, 512
# Weights of a network up to which several side by side cost little more than one.
LARGEST_OF_ENSEMBLE = 2**18


def class_layer_cost(n_classes):
    """Weight λ of the class layer's cost: 0 for up to 4 classes, 1 for 10 and more.

    That cost asks for an output that noise does not change, and so for classes that are
    clusters. Of two classes that is seldom so, and the output then follows some cluster
    that labels say nothing of.
    """
    return min(max((n_classes - 4) / 6, 0.0), 1.0)


def _are_clusters(n_classes):
    """Whether classes are so many that they are clusters more often than not."""
    return class_layer_cost(n_classes) == 1


def default_n_bins(n_values, n_classes):
    """Number of bins of each feature: 6, or 1 for 10 and more classes or many features.

    Features of tables, of which there are not many, say much by thresholds; pixels and
    words do not. Where classes are clusters, what tells them apart are distances, which
    bins blur. Of the features' numbers of values, those above 6 make bins.
    """
    n_columns = N_BINS * sum(n > N_BINS for n in n_values)
    if _are_clusters(n_classes) or n_columns > MOST_COLUMNS:
        return 1
    return N_BINS


def n_updates(n_labels):
    """Number of updates: 500 to 1,500, by the number of labels.

    What few labels teach is soon learned, and then it is learned by heart.
    """
    return round(min(max(FEWEST_UPDATES, 100 * math.sqrt(n_labels)), MOST_UPDATES))


def default_n_denoising(n_networks, n_classes):
    """Number of networks with denoising costs: two of three, one of two.

    The others learn from labels alone, unless there are virtual adversarial costs or
    one of entropy, which are of all. Where unlabeled rows mislead, the mean of all is
    then not far from what labels say; where they do not, it is hardly worse. Of 10 and
    more classes, which are clusters more often than not, it would be worse.
    """
    if _are_clusters(n_classes):
        return n_networks
    return max(1, 2 * n_networks // 3)


def default_n_networks(n_updates, shapes):
    """Number of networks side by side: up to 3, where there is time for them.

    Several are right more often than one, most of all where labels are few: what one
    takes for a class by bad luck, another does not. There is time where updates are few
    and layers, of the given shapes, are dense and small.
    """
    n_weights = sum(below.n_units * above.n_units for below, above in pairwise(shapes))
    are_dense = all(shape.n_sites == 1 for shape in shapes)
    if not are_dense or n_weights > LARGEST_OF_ENSEMBLE or n_updates >= MOST_UPDATES:
        return 1
    return min(max(UPDATES_OF_ENSEMBLE // n_updates, 2), 3)
