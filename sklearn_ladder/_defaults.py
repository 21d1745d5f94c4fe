"""What "auto" stands for: rules by numbers of rows, classes and labels alone.

Chosen on rows of tables that no benchmark tests on: see `benchmarks.ablation`.
"""

import math


def class_layer_cost(n_classes):
    """Weight λ of the class layer's cost: 0 for up to 4 classes, 1 for 10 and more.

    That cost asks for an output that noise does not change, and so for classes that are
    clusters. Of two classes that is seldom so, and the output then follows some cluster
    that labels say nothing of.
    """
    return min(max((n_classes - 4) / 6, 0.0), 1.0)


def n_updates(n_classes, n_labels):
    """Number of updates: 500 to 2,000, the more classes or labels there are.

    What few labels teach is soon learned, and then it is learned by heart.
    """
    return min(max(500, 200 * n_classes, round(100 * math.sqrt(n_labels))), 2000)
