"""Later samples that differ from those which settled the feature scaling."""

import numpy as np

from .._user_warnings import warn_user
from ._precision import first_of

# Samples and entries that are looked at, spread over all samples.
MOST_SAMPLES = 1000
MOST_ENTRIES = 2**22
# With fewer samples, a difference may be chance.
LEAST_SAMPLES = 30
# Shares of entries from which there is a warning: of those that a constant column has
# beside its constant, of those that lie beyond a column's range, and of entries of
# sparse samples that the projection ignores.
MOST_VARYING = 0.1
MOST_BEYOND = 0.5
MOST_IGNORED = 0.25
REMEDY = "Begin anew, with more samples of all kinds."


def warn_unlike_first(samples, scale, projection, told=()):
    """Warn of columns that a feature scaling, settled by earlier samples, hides.

    Parameters
    ----------
    samples : Samples
        Of a later call of `partial_fit`, or of `fit` with ``warm_start=True``.
    scale : Scale or None
    projection : ndarray of shape (n_features, n_columns) or None
        As settled by the first samples.
    told : tuple of int, default=()
        Numbers of the columns that earlier calls have warned of.

    Returns
    -------
    tuple of int
        `told`, with the columns of this call.

    Warns
    -----
    UserWarning
        If columns vary that were constant or missing in the first samples, so that the
        network ignores them; or if most of a column's values lie beyond its first
        range, so that the network sees the end of that range in their place; or if
        many entries are in columns that a projection ignores.
    """
    n_samples = min(len(samples), MOST_SAMPLES)
    if scale is not None:
        n_samples = min(n_samples, MOST_ENTRIES // samples.shape[1])
    if n_samples < LEAST_SAMPLES or (scale is None and projection is None):
        return told
    some = np.linspace(0, len(samples) - 1, n_samples).astype(int)
    if projection is None:
        return _warn_beyond(samples[some], scale, samples.names, told)
    # new words come all the time: that there are many is told once
    return told or _warn_ignored(samples.n_entries(some), projection, samples.names)


def warn_unlike_subset(samples, projection):
    """Warn if a projection of sparse samples, of which some settle it, ignores much."""
    some = np.linspace(0, len(samples) - 1, min(len(samples), MOST_SAMPLES)).astype(int)
    share, columns = _ignored(samples.n_entries(some), projection)
    if share > MOST_IGNORED:
        names = _named(columns, samples.names)
        warn_user(
            f"{share:.0%} of the entries of X are in columns that had none in the "
            f"random samples which settle the projection, {names}, and the network "
            "ignores them. Make fewer features, for example of the most frequent words "
            "(max_features=10_000)."
        )


def _ignored(n_entries, projection):
    """Share of the entries that a projection ignores, and their columns."""
    is_ignored = ~projection.any(axis=1)
    share = n_entries[is_ignored].sum() / max(1, n_entries.sum())
    return share, np.flatnonzero(is_ignored & (n_entries > 0))


def _warn_ignored(n_entries, projection, names):
    share, columns = _ignored(n_entries, projection)
    if share <= MOST_IGNORED:
        return ()
    warn_user(
        f"{share:.0%} of the entries of X are in columns that had none in the first "
        f"samples, {_named(columns, names)}, and the network ignores them: the first "
        f"samples settle the projection. {REMEDY}"
    )
    return (int(columns[0]),)


def _warn_beyond(table, scale, names, told):
    lowest, highest = scale.values[:, 0], scale.values[:, -1]
    is_present = ~np.isnan(table)
    is_beyond = ((table < lowest) | (table > highest)) & is_present
    share = is_beyond.sum(axis=0) / np.maximum(1, is_present.sum(axis=0))
    is_constant = lowest == highest
    is_new = np.isin(np.arange(len(share)), told, invert=True)
    ignored = np.flatnonzero(is_constant & (share > MOST_VARYING) & is_new)
    if len(ignored):
        warn_user(
            f"Columns {_named(ignored, names)} of X were constant or missing in the "
            "first samples, and the network ignores them: the first samples settle "
            f"the feature scaling. {REMEDY}"
        )
    clipped = np.flatnonzero(~is_constant & (share > MOST_BEYOND) & is_new)
    if len(clipped):
        warn_user(
            f"More than half of the values in columns {_named(clipped, names)} of X "
            "lie beyond the range of the first samples, and the network takes them for "
            "the ends of that range: the first samples settle the feature scaling. "
            f"{REMEDY}"
        )
    return (*told, *ignored.tolist(), *clipped.tolist())


def _named(numbers, names):
    """Columns as text; a feature with several columns once."""
    columns = numbers.tolist() if names is None else names[numbers].tolist()
    return first_of(list(dict.fromkeys(columns)))
