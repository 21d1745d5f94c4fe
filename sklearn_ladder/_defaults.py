"""The rules behind "auto": pure functions of counts and shapes.

They were chosen on development samples of tables: see docs/benchmarks/ablation.md.

NOTE[DIFF]: the published settings are one network, 90,000 updates at a learning rate of
0.002, and costs for pixels that are not standardized: see `recipes`. These rules are
for tables, and for fits of seconds.
"""

import math
from itertools import pairwise

FEWEST_UPDATES, MOST_UPDATES = 250, 750
# Largest number of bins per feature, and of columns of all features.
N_BINS, MOST_COLUMNS = 6, 512
# Members of an ensemble, and weights of all of them together, at most.
MOST_MEMBERS, MOST_WEIGHTS_OF_ENSEMBLE = 5, 2**18
# Updates of an autoencoder: it learns from all samples, and overfits late.
UPDATES_OF_AUTOENCODER = 1000
# From this many labels on, the linear member counts less.
MOST_LABELS_FOR_LINEAR = 250
# From this many labels on, the statistics of labeled samples are good enough.
ENOUGH_LABELS = 10


def class_layer_cost(n_classes):
    """Denoising cost of the class layer: 0 up to 4 classes, 1 from 10 classes on.

    This cost favors outputs that noise does not change, so it helps if classes are
    clusters. Two classes seldom are.
    """
    return min(max((n_classes - 4) / 6, 0.0), 1.0)


def costs_of_autoencoder(n_layers):
    """Denoising costs of an autoencoder: 1, 0.01, 0.0001, 0.0001, ….

    This is the published pattern of the full ladder, divided by 1000. Higher costs of
    the upper layers favor codes that are easy to denoise, whatever they say of the
    input.

    Returns
    -------
    list of float
    """
    return [1.0, 0.01, *[0.0001] * (n_layers - 2)][:n_layers]


def noise_of_autoencoder(n_layers):
    """Standard deviation of an autoencoder's noise: 0.5 at the input, 0.3 above.

    To undo more noise at the input, the code must say more of a sample. The same noise
    at all layers makes codes worse.

    Returns
    -------
    list of float
    """
    return [0.5, *[0.3] * (n_layers - 1)]


def n_bins(n_values, n_classes):
    """Number of bins per feature: 6, fewer if there are many features, 1 without bins.

    Features of tables often have thresholds, which bins make easy to learn. To separate
    many classes, distances matter more, and bins blur them: with 10 or more classes,
    there are no bins. Neither has an autoencoder any, since it has no classes. Features
    with at most 6 distinct values have no bins and do not count.

    Parameters
    ----------
    n_values : ndarray of shape (n_features,)
        Number of values of each feature.
    n_classes : int

    Returns
    -------
    int
    """
    if n_classes == 0 or are_clusters(n_classes):
        return 1
    n_binned = int((n_values > N_BINS).sum())
    return min(max(MOST_COLUMNS // max(n_binned, 1), 1), N_BINS)


def lower_cost(is_dense):
    """Denoising cost of the input and the hidden layers: 1, and 0.1 for images.

    Convolutional networks are as accurate without these costs (Γ-model), but without a
    cost at the input, `denoise` would not work.
    """
    return 1.0 if is_dense else 0.1


def feature_scaling(is_dense, is_sparse, n_features):
    """Feature scaling: "shared" for images, "projected" for texts, "auto" for tables.

    Architectures other than the dense network are for images. More than 512 sparse
    features are usually terms of texts. For tables, `n_bins` decides about bins.
    """
    if not is_dense:
        return "shared"
    return "projected" if is_sparse and n_features > MOST_COLUMNS else "auto"


def are_clusters(n_classes):
    """Whether classes are so many that they are usually clusters: 10 and more."""
    return class_layer_cost(n_classes) == 1


def hidden_layer_sizes(n_classes):
    """Widths of the hidden layers: (64, 32), or (256, 128) for 10 and more classes.

    Few classes need a small network, and several of them. Many classes, as in images
    of digits, need a larger one.
    """
    return (256, 128) if are_clusters(n_classes) else (64, 32)


def n_updates(n_labels, n_classes, is_dense=True):
    """Number of updates: 50 √(number of labels), between 250 and 750.

    Few labels are fitted quickly, then overfitted. For 10 and more classes, and for
    convolutional networks, there are twice as many updates. An autoencoder makes 1,000.

    Parameters
    ----------
    n_labels, n_classes : int
    is_dense : bool, default=True
        Whether the architecture is the dense network for tables.

    Returns
    -------
    int
    """
    if n_classes == 0:
        return UPDATES_OF_AUTOENCODER
    updates = min(max(FEWEST_UPDATES, 50 * math.sqrt(n_labels)), MOST_UPDATES)
    return round(updates if is_dense and not are_clusters(n_classes) else 2 * updates)


def n_estimators(shapes, n_classes):
    """Number of members: 5, or fewer if the network is large; 1 from 10 classes on.

    The mean of several networks is right more often than a single one, above all with
    few labels. Five small networks side by side take two to three times as long as one.

    Parameters
    ----------
    shapes : list of Shape
        Shapes of layers 0 … L of one member.
    n_classes : int

    Returns
    -------
    int
    """
    if are_clusters(n_classes) or any(shape.n_positions > 1 for shape in shapes):
        return 1
    n_weights = sum(below.n_units * above.n_units for below, above in pairwise(shapes))
    return min(max(MOST_WEIGHTS_OF_ENSEMBLE // n_weights, 1), MOST_MEMBERS)


def n_denoising(n_estimators, n_classes):
    """Number of members with denoising costs: three of five, two of three, one of two.

    The others learn from labels alone. If unlabeled samples mislead, the mean of all
    members stays close to what the labels say. From 10 classes on, classes are usually
    clusters, and all members have the costs.

    NOTE[DIFF]: the paper has one network, with costs: classes of its images are
    clusters.
    """
    if are_clusters(n_classes):
        return n_estimators
    return max(1, 2 * n_estimators // 3)


def linear_share(n_labels, n_classes, is_dense=True, is_projected=False):
    """Share of the linear member: a half, nothing from 10 classes on.

    Where classes are clusters, and for images and texts, the networks are better
    without it. It also fades with the number of labels, because networks then learn
    what a linear classifier cannot.

    NOTE[DIFF]: the paper has no linear member, for its data are images.
    """
    if is_projected or not is_dense:
        return 0.0
    fading = min(1.0, MOST_LABELS_FOR_LINEAR / n_labels)
    return 0.5 * (1 - class_layer_cost(n_classes)) * fading


def labeled_share(n_labels):
    """Weight of the labeled samples in the statistics for prediction.

    It rises from 0 for one label to 1 for ten, because a few samples do not give
    reliable statistics. The statistics of all samples have the rest of the weight.
    """
    return min(max((n_labels - 1) / (ENOUGH_LABELS - 1), 0.0), 1.0)
