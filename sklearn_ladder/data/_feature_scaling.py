"""Features on one scale, half by their ranks and half by their values, in bins."""

from typing import NamedTuple

import numpy as np
from scipy import sparse, special
from sklearn.utils import check_random_state

# Samples from which the scores are taken, at most: ranks are then right to 1 %.
LARGEST_SAMPLE = 10_000
# Numbers in a dense sample, at most.
LARGEST_TABLE = 2**25
# Numbers of it that are sorted at once.
LARGEST_BLOCK = 2**19
# Quantiles that are knots. Gaps around frequent values have more, at their ends.
N_KNOTS = 64
# Where distances are bent, in standard deviations.
SOFT_CLIP = 3.0


class Scale(NamedTuple):
    """Of features, and of the columns that they become: for `network.PiecewiseLinear`.

    Where a feature has fewer knots, the last one is repeated.
    """

    values: np.ndarray  # (n_features, n_knots), in the dtype of the samples
    heights: np.ndarray  # (n_features, n_knots), float32: what values become
    # of columns, shape (n_columns,):
    feature: np.ndarray  # int: whose, in rising order
    lowest: np.ndarray  # float32: height at which the column's bin starts
    highest: np.ndarray  # float32: height at which it ends
    center: np.ndarray  # float32: taken from heights within the bin
    factor: np.ndarray  # float32: by which they are multiplied then


class FeatureKnots(NamedTuple):
    """Values at which it is known what each feature becomes.

    Between knots that is linear. Sums are over the samples between a knot, included,
    and the next one. Where a feature has fewer knots, the last one is repeated.
    """

    n_values: np.ndarray  # (n_features,): number of knots
    values: np.ndarray  # (n_features, n_knots), in the dtype of the samples
    # of the same shape, float64:
    heights: np.ndarray  # what values become
    shares: np.ndarray  # samples below the value, and half of those that have it
    counts: np.ndarray  # samples from here to the next knot, as a share of all
    sums: np.ndarray  # of their heights, divided by the number of all samples
    squares: np.ndarray  # of these heights' squares, likewise

    def scale(self, n_bins):
        """Bins of each feature, of about equally many samples.

        Parameters
        ----------
        n_bins : int
            Fewer where many samples have the same value. A feature that has no more
            knots than bins has a single column.

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
        """Mean and standard deviation of heights, clipped to those of each bin."""

        def total(sums):
            upto = np.pad(np.cumsum(sums, axis=1), ((0, 0), (1, 0)))
            return upto[feature, end] - upto[feature, start], upto[feature, end]

        share, share_up_to = total(self.counts)
        share_above = 1 - share_up_to
        sums, squares = total(self.sums)[0], total(self.squares)[0]
        width = highest - lowest
        # of distances from the lowest
        mean = sums - share * lowest + share_above * width
        square = squares - 2 * lowest * sums + share * lowest**2
        square += share_above * width**2
        return lowest + mean, np.sqrt((square - mean**2).clip(min=1e-30))


def fit_knots(samples, survey, random_state):
    """Each feature's way to one scale.

    What a value becomes is the mean of two:

    - its normal score, the quantile of the standard normal distribution at the value's
      mean rank, ties included. Outliers end up a few units away. Scores of a feature
      with many equal values have a variance below 1, and so a small part in distances:
      a binary one of shares p and 1 - p the less the smaller p is;
    - its distance from the mean in standard deviations, times the standard deviation of
      the scores, and outliers smoothly within 3.

    On samples of 14 tables either scores or their mean with distances gained 4 points
    of accuracy over distances alone; on digits the latter are as good as the mean
    (.945, .941) and better than scores (.932), which make much of the faintest pixels.

    Parameters
    ----------
    samples : Samples
        A random part of them is used where there are many. Missing entries are left
        out.
    survey : Survey
        Of all samples: a feature that has a single value in the part has its lowest and
        highest, too. Otherwise what is rare, as a word in a few of many texts, would be
        lost.
    random_state : int
        Determines the part.

    Returns
    -------
    FeatureKnots
        Value and height of a feature without any value are 0.
    """
    table = _random_part(samples, random_state)
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


def _random_part(samples, random_state):
    """Samples as they are given: a dense ndarray, or CSC where they are sparse."""
    size = LARGEST_SAMPLE
    if not samples.is_sparse:
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
    lines, n_present = _sorted_lines(table, ends, dtype)
    n_features, length = lines.shape
    at = np.arange(n_features)[:, None]
    n = np.maximum(n_present, 1)[:, None]

    # runs of equal values: their numbers, and the places where they start and end
    is_first = np.ones(lines.shape, bool)
    is_first[:, 1:] = lines[:, 1:] != lines[:, :-1]
    run = np.cumsum(is_first, dtype=np.int32).reshape(lines.shape) - 1
    starts = np.flatnonzero(is_first)
    starts = np.append(starts, lines.size)

    def run_of(places):
        """Start, and end, of the runs at places in sorted lines."""
        number = run[at, places]
        return starts[number] - at * length, starts[number + 1] - at * length

    # equally far from each other in a normal sample: closer in the tails
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
    values = lines[at, places].astype(float)
    shares = (below + up_to) / (2 * n)
    scores = special.ndtri(shares)

    # sums over the samples between a knot and the next, of distances from that knot
    flat = (at * length + places)[is_knot]
    to_next = np.diff(flat, append=lines.size)
    # so that no square is too large or too small
    _, exponent = np.frexp(np.abs(values).max(axis=1, keepdims=True))
    unit = np.ldexp(1.0, exponent.clip(-1000, 1000))
    distances = lines.ravel().astype(float)
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
        """Shares of the sum, and of squares, of heights that are linear in between."""
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


def _sorted_lines(table, ends, dtype):
    """Values of each feature in rising order, NaN last, and how many there are.

    What `dtype` rounds to one value is one. A single one has the ends' company.
    """
    lines = np.full((table.shape[1], len(table) + 2), np.nan, dtype)
    lines[:, :-2] = table.T
    lowest = np.fmin.reduce(lines, axis=1)
    is_single = ~(lowest < np.fmax.reduce(lines, axis=1))
    lines[is_single, -2:] = ends[is_single]
    n_present = (~np.isnan(lines)).sum(axis=1)
    lines.sort(axis=1)
    lines[n_present == 0, 0] = 0
    return lines, n_present


def _distinct(places):
    """Distinct numbers of sorted lines, the last one repeated, and their numbers."""
    is_new = np.diff(places, axis=1, prepend=-1) > 0
    n_distinct = is_new.sum(axis=1)
    distinct = np.repeat(places[:, -1:], n_distinct.max(), axis=1)
    own = np.arange(distinct.shape[1]) < n_distinct[:, None]
    distinct[own] = places[is_new]
    return distinct, n_distinct
