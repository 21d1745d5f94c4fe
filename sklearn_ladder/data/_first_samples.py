"""Later samples that differ from those which settled the feature scaling."""

import numpy as np

from .._user_warnings import warn_user
from ._precision import first_of

# Samples and entries that are looked at: the first ones.
MOST_SAMPLES = 1000
MOST_ENTRIES = 2**22
# With fewer samples, a difference may be chance.
LEAST_SAMPLES = 10
# Shares of entries from which there is a warning: of those that a constant column has
# beside its constant, of those that lie beyond a column's range, and of entries of
# sparse samples that the projection ignores.
MOST_VARYING = 0.1
MOST_BEYOND = 0.5
MOST_IGNORED = 0.25


def warn_unlike_first(samples, scale, projection):
    """Warn of columns that a feature scaling, settled by earlier samples, hides.

    Parameters
    ----------
    samples : Samples
        Of a later call of `partial_fit`, or of `fit` with ``warm_start=True``.
    scale : Scale or None
    projection : ndarray of shape (n_features, n_columns) or None
        As settled by the first samples.

    Warns
    -----
    UserWarning
        If columns vary that were constant or missing in the first samples, so that the
        network ignores them; or if most of a column's values lie beyond its first
        range, so that the network sees the end of that range in their place.
    """
    n_columns = samples.shape[1]
    n_samples = min(len(samples), MOST_SAMPLES, max(1, MOST_ENTRIES // n_columns))
    if n_samples < LEAST_SAMPLES:
        return
    table = samples[:n_samples]
    if projection is not None:
        _warn_ignored(table, ~projection.any(axis=1), samples.names)
    elif scale is not None:
        _warn_beyond(table, scale.values[:, 0], scale.values[:, -1], samples.names)


def _warn_ignored(table, is_ignored, names):
    n_entries = np.count_nonzero(table, axis=0)
    share = n_entries[is_ignored].sum() / max(1, n_entries.sum())
    if share > MOST_IGNORED:
        columns = _named(is_ignored & (n_entries > 0), names)
        warn_user(
            f"{share:.0%} of the entries of X are in columns that had none in the "
            f"first samples, {columns}, and the network ignores them: the first "
            "samples settle the projection. Begin with more samples, of all kinds."
        )


def _warn_beyond(table, lowest, highest, names):
    is_present = ~np.isnan(table)
    is_beyond = ((table < lowest) | (table > highest)) & is_present
    share = is_beyond.sum(axis=0) / np.maximum(1, is_present.sum(axis=0))
    is_constant = lowest == highest
    ignored = is_constant & (share > MOST_VARYING)
    if ignored.any():
        warn_user(
            f"Columns {_named(ignored, names)} of X were constant or missing in the "
            "first samples, and the network ignores them: the first samples settle "
            "the feature scaling. Begin with more samples, of all kinds."
        )
    clipped = ~is_constant & (share > MOST_BEYOND)
    if clipped.any():
        warn_user(
            f"More than half of the values in columns {_named(clipped, names)} of X "
            "lie beyond the range of the first samples, and the network takes them for "
            "the ends of that range: the first samples settle the feature scaling. "
            "Begin with more samples, of all kinds."
        )


def _named(is_meant, names):
    """Columns as text; a feature with several columns once."""
    numbers = np.flatnonzero(is_meant).tolist()
    return first_of(
        list(dict.fromkeys(n if names is None else names[n] for n in numbers))
    )
