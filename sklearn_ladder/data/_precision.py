"""Columns that float32 cannot hold."""

import numpy as np

from .._user_warnings import warn_user

# About this many gaps between neighboring values are compared with rounding errors.
N_GAPS = 128
# A gap is lost if rounding moves one of its ends by more than this share of it ...
LOST = 1 / 8
# ... and a column is imprecise if at least this share of its gaps is lost, or the gap
# between two neighbors that each have at least this share of the samples.
MOST_LOST = 1 / 4
FREQUENT = 1 / N_GAPS
FEWEST = 8  # and at least so many samples
# Smaller relative distances are rounding errors of float64 arithmetic.
FLOAT64_NOISE = 16 * float(np.finfo(np.float64).eps)
# Between these sizes, differences of float32 values are finite and precise.
SMALLEST = 16 * float(np.finfo(np.float32).tiny)
LARGEST = float(np.finfo(np.float32).max) / 4

# Characters of a text in a message.
LONGEST_NAME = 60
TOO_LARGE = "too large"
TOO_FAR = "too far from 0"
TOO_CLOSE = "too close to 0"
SCALING = "let the network scale its features (feature_scaling='auto')"
REMEDIES = {
    TOO_FAR: "Subtract the mean first",
    TOO_CLOSE: "Take logarithms or multiply first",
}


def needs_float64(table):
    """Which columns float32 cannot hold, and why.

    Neighboring values of a column are compared. So a few zeros far from all other
    values cannot hide that float32 merges the others.

    Parameters
    ----------
    table : ndarray of shape (n_samples, n_features)
        NaN where an entry is missing.

    Returns
    -------
    dict of int to str
        Column number to `TOO_LARGE`, `TOO_FAR` or `TOO_CLOSE`.
    """
    is_tiny = (np.abs(table) < SMALLEST) & (table != 0)
    is_held = (table.astype(np.float32) == table) & ~is_tiny | np.isnan(table)
    columns = np.flatnonzero(~is_held.all(axis=0))
    found = {}
    step = max(1, 2**20 // len(table))
    for start in range(0, len(columns), step):
        some = columns[start : start + step]
        of_some = _causes(np.ascontiguousarray(table[:, some].T, dtype=float))
        found |= {
            int(c): cause for c, cause in zip(some, of_some, strict=True) if cause
        }
    return found


def _causes(by_column):
    """Cause, or "", for each column; `by_column` has shape (n_columns, n_values)."""
    n_values = by_column.shape[1]
    n_present = (~np.isnan(by_column)).sum(axis=1)
    largest = np.fmax.reduce(by_column, axis=1)[:, None]
    by_column = np.sort(np.where(np.isnan(by_column), largest, by_column), axis=1)
    # move distinct values to the left; entries to the right of them are not used
    place = np.zeros(by_column.shape, dtype=int)
    np.cumsum(by_column[:, 1:] > by_column[:, :-1], axis=1, out=place[:, 1:])
    n_distinct = place[:, -1:] + 1
    np.put_along_axis(by_column, place, by_column.copy(), axis=1)
    is_gap, is_lost, is_close = _gaps(by_column, n_distinct, n_distinct // N_GAPS)
    n_lost = is_lost.sum(axis=1)
    is_imprecise = (n_lost > 0) & (n_lost >= MOST_LOST * is_gap.sum(axis=1))
    n_close = (is_lost & is_close).sum(axis=1)
    causes = np.where(2 * n_close > n_lost, TOO_CLOSE, TOO_FAR)
    # a few frequent values are not hidden by many rare ones
    rows = np.arange(len(place))
    flat = place + n_values * rows[:, None]
    counts = np.bincount(flat.ravel(), minlength=flat.size).reshape(flat.shape)
    counts[rows, place[:, -1]] -= n_values - n_present  # missing entries stand there
    is_frequent = counts >= np.maximum(FEWEST, FREQUENT * n_present)[:, None]
    to_left = np.argsort(~is_frequent, axis=1, kind="stable")[:, : N_GAPS + 1]
    frequent = np.take_along_axis(by_column, to_left, axis=1)
    n_frequent = is_frequent.sum(axis=1)[:, None]
    _, is_lost, is_close = _gaps(frequent, n_frequent, 1)
    is_merged = is_lost.any(axis=1) & ~is_imprecise
    is_near = (is_lost & is_close).any(axis=1)
    causes = np.where(is_merged, np.where(is_near, TOO_CLOSE, TOO_FAR), causes)
    return np.where(is_imprecise | is_merged, causes, "")


def _gaps(values, n_distinct, step):
    """Gaps between distinct values and those `step` places further, at least one.

    Parameters
    ----------
    values : ndarray of shape (n_columns, n_values)
        Distinct ones first, sorted.
    n_distinct : ndarray of shape (n_columns, 1)
    step : ndarray of shape (n_columns, 1) or int

    Returns
    -------
    is_gap, is_lost, is_close : bool ndarray of shape (n_columns, n_values)
        Where there is one that is no rounding error of float64, where float32 loses it,
        and where its ends are too close to 0.
    """
    n_values = values.shape[1]
    high = np.arange(n_values)[None] + np.maximum(1, step)
    is_gap = high < n_distinct
    high = np.broadcast_to(high.clip(max=n_values - 1), values.shape)
    upper = np.take_along_axis(values, high, axis=1)
    size = np.maximum(np.abs(values), np.abs(upper))
    gap = upper - values
    is_gap &= gap > FLOAT64_NOISE * size
    error = np.abs(values - values.astype(np.float32))
    error = np.maximum(error, np.take_along_axis(error, high, axis=1))
    is_lost = is_gap & ((error > LOST * gap) | (gap < SMALLEST))
    return is_gap, is_lost, size < SMALLEST


def warn_imprecise(survey, names=None, remedy=SCALING):
    """Warn of columns that float32 cannot hold.

    Parameters
    ----------
    survey : Survey
    names : ndarray of shape (n_features,), default=None
        Names of the columns; their numbers by default.
    remedy : str, default="let the network scale its features (…)"
        What helps, beside changing the columns.

    Raises
    ------
    ValueError
        If values are too large for float32.

    Warns
    -----
    UserWarning
        If float32 rounds different values of a column to one.
    """
    for cause in (TOO_LARGE, TOO_FAR, TOO_CLOSE):
        numbers = [n for n, why in survey.imprecise.items() if why == cause]
        if not numbers:
            continue
        columns = first_of([n if names is None else names[n] for n in numbers])
        if cause == TOO_LARGE:
            raise ValueError(
                "Input X contains infinity or a value too large for dtype('float32'), "
                f"in columns {columns}. Divide these columns first, or {remedy}."
            )
        warn_user(
            f"Columns {columns} of X lie {cause} for float32, in which the network "
            f"computes: neighboring values become equal. {REMEDIES[cause]}, or "
            f"{remedy}.",
        )


def first_of(names, most=10):
    """The first of a list of names or numbers, and how many more there are."""
    shown = [
        short(name, LONGEST_NAME) if isinstance(name, str) else name
        for name in names[:most]
    ]
    text = str(shown)
    n_more = len(names) - most
    return text if n_more <= 0 else f"{text} and {n_more} more"


def short(text, n):
    """A text of at most `n` characters."""
    text = str(text)
    return text if len(text) <= n else f"{text[: n - 1]}…"
