"""What "auto" stands for: rules by numbers of classes, labels and weights alone.

Chosen on rows of tables that no benchmark tests on: see `benchmarks.ablation`.

NOTE[DIFF]: published are one network, 90,000 updates at a rate of 0.002, and costs for
pixels that are not standardised: see `recipes`. These are for tables, and for seconds.
"""

import math
from itertools import pairwise

MOST_UPDATES = 1500
# Updates of all networks side by side, together, at most.
UPDATES_OF_ENSEMBLE = 2000
# Weights of a network up to which several side by side cost little more than one.
LARGEST_OF_ENSEMBLE = 2**17


def denoising_costs(n_classes, n_layers):
    """Weight λ of each layer: 0.3 for up to 4 classes, 1 for 10 and more.

    Many classes are more likely to be clusters than few, and what denoising finds is
    clusters. Most of all at the class layer, where λ therefore rises from 0: there it
    asks for an output that noise does not change, which of two classes would follow
    some cluster that labels say nothing of.

    Returns
    -------
    list of float
        Input first.
    """
    are_many = min(max((n_classes - 4) / 6, 0.0), 1.0)
    return [0.3 + 0.7 * are_many] * (n_layers - 1) + [are_many]


def n_updates(n_classes, n_labels):
    """Number of updates: 500 to 1,500, the more classes or labels there are.

    What few labels teach is soon learned, and then it is learned by heart.
    """
    wanted = max(500, 200 * n_classes, 100 * math.sqrt(n_labels))
    return round(min(wanted, MOST_UPDATES))


def default_n_networks(n_updates, shapes):
    """Number of networks side by side: up to 3, where there is time for them.

    Three are right more often than one, most of all where labels are few. There is time
    where updates are few and layers, of the given shapes, are dense and small.
    """
    n_weights = sum(below.n_units * above.n_units for below, above in pairwise(shapes))
    are_dense = all(shape.n_sites == 1 for shape in shapes)
    if not are_dense or n_weights > LARGEST_OF_ENSEMBLE:
        return 1
    return max(1, min(UPDATES_OF_ENSEMBLE // n_updates, 3))
