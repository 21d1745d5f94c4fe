"""Feature scaling by ranks and by values, with or without bins."""

from typing import NamedTuple

import numpy as np
from scipy import sparse, special
from sklearn.utils import check_random_state

# Largest number of samples for the normal scores: ranks are then right to 1 %.
LARGEST_SAMPLE = 10_000
# Largest number of sparse samples in a random subset, if they have few entries each.
MOST_ROWS = 2**15
# Largest number of entries in a dense random subset.
LARGEST_TABLE = 2**25
# Largest number of entries that are sorted at once.
LARGEST_BLOCK = 2**19
# Number of quantiles that become knots. Frequent values add one on either side.
N_KNOTS = 64
# Limit of the smoothly clipped distances, in standard deviations.
SOFT_CLIP = 3.0


class Scale(NamedTuple):
    """Parameters of `network.PiecewiseLinear`, which maps features to columns.

    If a feature has fewer knots than others, its last one is repeated.
    """

    values: np.ndarray  # (n_features, n_knots), in the dtype of the samples
    heights: np.ndarray  # (n_features, n_knots), float32: the scaled values
    # for each column, shape (n_columns,):
    feature: np.ndarray  # int: index of its feature, ascending
    lowest: np.ndarray  # float32: height at which the column's bin starts
    highest: np.ndarray  # float32: height at which it ends
    center: np.ndarray  # float32: subtracted from heights within the bin
    factor: np.ndarray  # float32: multiplies the difference


class FeatureKnots(NamedTuple):
    """Knots of the functions that map each feature's values to heights.

    The functions are linear between knots. Sums at a knot are over the samples from
    this knot, included, to the next one. If a feature has fewer knots than others, its
    last one is repeated.
    """

    n_values: np.ndarray  # (n_features,): number of knots
    values: np.ndarray  # (n_features, n_knots), in the dtype of the samples
    # of the same shape, float64:
    heights: np.ndarray  # the scaled values
    shares: np.ndarray  # share of samples below the value, plus half of those at it
    counts: np.ndarray  # samples from here to the next knot, as a share of all
    sums: np.ndarray  # sums of their heights, divided by the number of all samples
    squares: np.ndarray  # sums of their squared heights, likewise

    def scale(self, n_bins):
        """Divide each feature into bins with about equally many samples.

        Parameters
        ----------
        n_bins : int
            A feature has fewer bins if many samples have the same value. It has a
            single column if it has no more knots than bins.

        Returns
        -------
        Scale
        """
        last = self.n_values - 1
        edges = np.zeros((len(last), n_bins + 1), dtype=int)
        edges[:, -1] = last
        has_bins = last >= n_bins
        for edge in range(1, n_bins):
            nearest = np.abs(self.shares[has_bins] - edge / n_bins).argmin(axis=1)
            edges[has_bins, edge] = nearest
        # a feature that has a single value has a bin, too
        is_bin = np.diff(edges, axis=1) > 0
        is_bin[:, -1] |= last == 0
        feature, number = np.nonzero(is_bin)
        n_own = np.bincount(feature)[feature]
        start, end = edges[feature, number], edges[feature, number + 1]
        lowest, highest = self.heights[feature, start], self.heights[feature, end]
        mean, std = self._within(feature, start, end, lowest, highest)
        is_whole = n_own == 1
        std[is_whole] = 1
        of_feature = np.sqrt(self.squares.sum(axis=1))[feature] / np.sqrt(n_own)
        return Scale(
            self.values,
            np.float32(self.heights),
            feature,
            np.float32(lowest),
            np.float32(highest),
            np.float32(np.where(is_whole, 0, mean)),
            np.float32(np.where(is_whole, 1, of_feature / std)),
        )

    def _within(self, feature, start, end, lowest, highest):
        """Mean and standard deviation of the heights, clipped to each bin."""

        def total(sums):
            upto = np.pad(np.cumsum(sums, axis=1), ((0, 0), (1, 0)))
            return upto[feature, end] - upto[feature, start], upto[feature, end]

        share, share_up_to = total(self.counts)
        share_above = 1 - share_up_to
        sums, squares = total(self.sums)[0], total(self.squares)[0]
        width = highest - lowest
        # moments of the distance from the lowest height
        mean = sums - share * lowest + share_above * width
        square = squares - 2 * lowest * sums + share * lowest**2
        square += share_above * width**2
        return lowest + mean, np.sqrt((square - mean**2).clip(min=1e-30))


def fit_knots(samples, survey, random_state):
    """Fit the functions that bring each feature to one scale.

    A scaled value is the mean of two numbers:

    - its normal score: the quantile of the standard normal distribution at the mean
      rank of the samples with this value. Outliers are only a few units away. If many
      values are equal, the variance of the scores is below 1, and the feature
      contributes less to distances between samples. A binary feature contributes less
      if one of its values is rarer;
    - its distance from the mean in standard deviations, times the standard deviation of
      the scores, smoothly clipped at 3.

    On 14 tables, scores and the mean of both gained 4 points of accuracy over distances
    alone. On digits, distances (.945) are as good as the mean (.941) and better than
    scores (.932), which amplify the faintest pixels.

    Parameters
    ----------
    samples : Samples
        If there are many, a random subset is used. Missing entries are ignored.
    survey : Survey
        Survey of all samples. If a feature has a single value in the subset, its lowest
        and highest values are added. Otherwise rare values would be lost, such as a
        word in a few of many texts.
    random_state : int
        Determines the subset.

    Returns
    -------
    FeatureKnots
        A feature whose entries are all missing has value 0 and height 0.
    """
    table = random_subset(samples, random_state)
    size = max(1, LARGEST_BLOCK // table.shape[0])
    blocks = []
    for start in range(0, table.shape[1], size):
        some = slice(start, start + size)
        block = table[:, some]
        if sparse.issparse(block):
            block = block.toarray()
        ends = np.stack([survey.lowest[some], survey.highest[some]], axis=1)
        blocks.append(_knots(block, ends, samples.dtype))
    n_knots = max(2, *(block.values.shape[1] for block in blocks))

    def widened(array, repeats=True):
        mode = "edge" if repeats else "constant"
        return np.pad(array, ((0, 0), (0, n_knots - array.shape[1])), mode)

    return FeatureKnots(
        np.concatenate([block.n_values for block in blocks]),
        *(
            np.concatenate([widened(block[field], field < 4) for block in blocks])
            for field in range(1, len(FeatureKnots._fields))
        ),
    )


def fit_shared_scale(samples, survey, random_state):
    """Bring all features to mean 0 and standard deviation 1 together, as pixels.

    Each feature by its own mean and deviation would amplify pixels that hardly change,
    and neighbors would no longer have the same scale, which convolutions rely on. On
    digits with 5 labels per class, accuracy of convolutional networks was .86 with
    scales of their own, and .93 with a shared one.

    Parameters
    ----------
    samples : Samples
        If there are many, a random subset is used. Missing entries are ignored.
    survey : Survey
        Survey of all samples. Values beyond its ends are set to them.
    random_state : int
        Determines the subset.

    Returns
    -------
    Scale
    """
    table = random_subset(samples, random_state)
    if sparse.issparse(table):
        values, n_zeros = table.data.astype(float), np.prod(table.shape) - table.nnz
    else:
        values, n_zeros = table[~np.isnan(table)].astype(float), 0
    n_values = max(1, values.size + n_zeros)
    mean = values.sum() / n_values
    std = np.sqrt((np.sum((values - mean) ** 2) + n_zeros * mean**2) / n_values)
    ends = np.fmin.reduce(survey.lowest), np.fmax.reduce(survey.highest)
    ends = np.nan_to_num(ends)  # 0 if all entries are missing
    n_features = table.shape[1]
    values = np.tile(ends.astype(samples.dtype), (n_features, 1))
    heights = np.float32((ends - mean) / (std if std > 0 else 1))
    return Scale(
        values,
        np.tile(heights, (n_features, 1)),
        np.arange(n_features),
        *(np.full(n_features, number, np.float32) for number in (*heights, 0, 1)),
    )


def random_subset(samples, random_state, n_entries=0):
    """Random subset of the samples: a dense ndarray, or CSC if they are sparse.

    Of sparse samples there are more, up to MOST_ROWS, if they have less than
    `n_entries` entries.
    """
    size = LARGEST_SAMPLE
    if samples.is_sparse and n_entries:
        with_entries = n_entries * len(samples) // max(1, samples.nnz)
        size = max(size, min(with_entries, MOST_ROWS))
    elif not samples.is_sparse:
        size = min(size, max(N_KNOTS, LARGEST_TABLE // samples.shape[1]))
    index = slice(None)
    if len(samples) > size:
        random_state = check_random_state(random_state)
        index = np.sort(random_state.choice(len(samples), size, replace=False))
    table = samples.take_as_given(index)
    return table.tocsc() if samples.is_sparse else table


@np.errstate(all="ignore")
def _knots(table, ends, dtype):
    """Knots of some features, from a table of shape (n, n_features)."""
    sorted_values, n_present = _sorted_by_feature(table, ends, dtype)
    n_features, length = sorted_values.shape
    at = np.arange(n_features)[:, None]
    n = np.maximum(n_present, 1)[:, None]

    # runs of equal values: the run at each place, and the place where each run starts
    is_first = np.ones(sorted_values.shape, bool)
    is_first[:, 1:] = sorted_values[:, 1:] != sorted_values[:, :-1]
    run = np.cumsum(is_first, dtype=np.int32).reshape(sorted_values.shape) - 1
    starts = np.flatnonzero(is_first)
    starts = np.append(starts, sorted_values.size)

    def run_of(places):
        """Start and end of the runs at the given places of sorted values."""
        number = run[at, places]
        return starts[number] - at * length, starts[number + 1] - at * length

    # quantiles that are equidistant in a normal distribution: denser in the tails
    farthest = special.ndtri(1 - 0.5 / n)
    shares = special.ndtr(farthest * np.linspace(-1, 1, N_KNOTS))
    places = np.rint(shares * n - 0.5).astype(int)
    below, up_to = run_of(places)
    is_frequent = up_to - below > 2 * n / N_KNOTS
    beside = [below - 1, up_to]
    beside = [np.where(is_frequent, other, places).clip(0, n - 1) for other in beside]
    places = np.sort(run_of(np.hstack([places, *beside]))[0], axis=1)
    places, n_values = _distinct(places)
    is_knot = np.arange(places.shape[1]) < n_values[:, None]
    below, up_to = run_of(places)
    values = sorted_values[at, places].astype(float)
    shares = (below + up_to) / (2 * n)
    scores = special.ndtri(shares)

    # sums over the samples between a knot and the next, of distances from that knot
    flat = (at * length + places)[is_knot]
    to_next = np.diff(flat, append=sorted_values.size)
    # a power of 2 as unit, so that squares neither overflow nor underflow
    _, exponent = np.frexp(np.abs(values).max(axis=1, keepdims=True))
    unit = np.ldexp(1.0, exponent.clip(-1000, 1000))
    distances = sorted_values.ravel().astype(float)
    distances -= np.repeat(values[is_knot], to_next)
    distances /= unit.repeat(length)
    distances[(np.arange(length) >= n_present[:, None]).ravel()] = 0

    def summed(array):
        sums = np.zeros(places.shape)
        sums[is_knot] = np.add.reduceat(array, flat)
        return sums / n

    first, second = summed(distances), summed(distances**2)
    after = np.where(is_knot, places, n_present[:, None])
    counts = np.diff(after, axis=1, append=n_present[:, None]) / n
    steps = np.diff(values / unit, axis=1, append=0)
    steps[~is_knot | (np.arange(places.shape[1]) == n_values[:, None] - 1)] = np.inf

    def moments(heights):
        """Sums and squares at each knot of heights that are linear between knots."""
        slopes = np.diff(heights, axis=1, append=0) / steps
        sums = counts * heights + slopes * first
        squares = counts * heights**2 + 2 * heights * slopes * first
        return sums, squares + slopes**2 * second

    scores -= moments(scores)[0].sum(axis=1, keepdims=True)
    std_scores = np.sqrt(moments(scores)[1].sum(axis=1, keepdims=True))
    from_mean = values / unit
    from_mean -= moments(from_mean)[0].sum(axis=1, keepdims=True)
    std = np.sqrt(moments(from_mean)[1].sum(axis=1, keepdims=True))
    distances = std_scores * from_mean / np.where(std > 0, std, 1)
    distances /= np.sqrt(1 + (distances / SOFT_CLIP) ** 2)
    heights = (scores + distances) / 2
    heights = np.where(std > 0, heights, scores)
    heights -= moments(heights)[0].sum(axis=1, keepdims=True)
    return FeatureKnots(
        n_values, values.astype(dtype), heights, shares, counts, *moments(heights)
    )


def _sorted_by_feature(table, ends, dtype):
    """Sort the values of each feature, NaN last, and count them without NaN.

    Values that `dtype` rounds to the same number are equal. A feature with a single
    value also gets its `ends`, the lowest and highest value of all samples.
    """
    sorted_values = np.full((table.shape[1], len(table) + 2), np.nan, dtype)
    sorted_values[:, :-2] = table.T
    lowest = np.fmin.reduce(sorted_values, axis=1)
    is_single = ~(lowest < np.fmax.reduce(sorted_values, axis=1))
    sorted_values[is_single, -2:] = ends[is_single]
    n_present = (~np.isnan(sorted_values)).sum(axis=1)
    sorted_values.sort(axis=1)
    sorted_values[n_present == 0, 0] = 0
    return sorted_values, n_present


def _distinct(places):
    """Distinct places of sorted values, padded with the last one, and their counts."""
    is_new = np.diff(places, axis=1, prepend=-1) > 0
    n_distinct = is_new.sum(axis=1)
    distinct = np.repeat(places[:, -1:], n_distinct.max(), axis=1)
    is_used = np.arange(distinct.shape[1]) < n_distinct[:, None]
    distinct[is_used] = places[is_new]
    return distinct, n_distinct
