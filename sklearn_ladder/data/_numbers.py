"""Tables of numbers from any container: what scikit-learn's check_array cannot do."""

import datetime
import mmap

import numpy as np
import pandas as pd

from ._missing import array_of_lists, frame_columns, present_part, table_columns
from ._precision import first_of

TIMES = (
    np.datetime64,
    np.timedelta64,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    pd.Period,
)


def as_numbers(X, categories=None):
    """Convert to a table that check_array does not change, and name its columns.

    Columns whose dtype is not one of NumPy's numbers become float64. Missing entries
    (see `present_part`) become NaN. Features with `Categories` become their codes.
    """
    X = array_of_lists(X)
    if isinstance(X, pd.DataFrame):
        names, dtypes = X.columns.to_numpy(), list(X.dtypes)
        if _is_sparse_frame(X, names):
            if len(set(dtypes)) > 1:  # SciPy knows no matrix of several dtypes
                X = X.astype(pd.SparseDtype(float, 0))
            return X, names
    else:
        names, dtypes = None, [X.dtype] if isinstance(X, np.ndarray) else []
    are_numbers = all(isinstance(t, np.dtype) and t.kind in "biufcSU" for t in dtypes)
    if are_numbers and categories is None:
        columns, names = (None, names) if dtypes else frame_columns(X)
        if columns is None:
            X = _without_mask(X)
            if isinstance(X, np.ndarray) and X.dtype.kind in "SU":
                underscore = "_" if X.dtype.kind == "U" else b"_"
                _refuse_underscores(X[np.char.find(X, underscore) >= 0])
            return X, names
    else:
        columns, names = table_columns(X)
        if columns is None:
            return X, None
    categories = categories or [None] * len(columns)
    if len(categories) != len(columns):
        raise ValueError(
            f"X has {len(columns)} features, but as seen in fit it must have "
            f"{len(categories)} features."
        )
    kinds = [getattr(dtype, "kind", "O") for dtype in dtypes] or [""]
    is_time = np.isin(kinds, ["m", "M"]) & [each is None for each in categories]
    if is_time.any():
        raise _times_error(np.flatnonzero(is_time), names)
    numbers = np.full((len(X), len(columns)), np.nan)
    for number, (column, known) in enumerate(zip(columns, categories, strict=True)):
        if known is None:
            _fill_in(numbers[:, number], column, [number], names)
        else:
            name = number if names is None else names[number]
            numbers[:, number] = known.encode(column, name)
    return numbers, names


def refuse_lazy(X):
    """Raise if samples are a query, which has no values before it is collected."""
    if hasattr(type(X), "collect"):  # a column may have this name
        raise TypeError(
            f"X must have its values in memory; got a {type(X).__name__}. Pass "
            "X.collect()."
        )


def _fill_in(numbers, column, number, names):
    """Write the present entries of a column into an array of numbers."""
    present, values = present_part(column)
    types = set(map(type, values)) if values.dtype == object else {values.dtype.type}
    if any(issubclass(t, TIMES) for t in types):
        raise _times_error(number, names)
    try:
        if any(issubclass(t, complex) for t in types):
            raise TypeError("Complex data not supported")
        if any(issubclass(t, (str, bytes)) for t in types):
            _refuse_underscores(values)
        numbers[present] = values
    except (TypeError, ValueError, OverflowError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(
            f"X must be numbers: {str(error)[:200]}, in columns "
            f"{named(number, names)}. NaN or None means missing. Columns with "
            "categories must have them in fit, and a list of categorical_features must "
            "name all of them."
        ) from error


def has_underscore(value):
    """Whether a value is text with an underscore: Python reads "1_2" as 12."""
    return (isinstance(value, str) and "_" in value) or (
        isinstance(value, bytes) and b"_" in value
    )


def _refuse_underscores(values):
    if (text := next(filter(has_underscore, values), None)) is not None:
        text = text.decode(errors="replace") if isinstance(text, bytes) else text
        raise ValueError(f"could not convert string to float: '{text}'")


def _without_mask(X):
    """Replace masked entries by NaN."""
    if not isinstance(X, np.ma.MaskedArray):
        return X
    mask = np.ma.getmask(X)
    if not mask.any():
        return X.data
    if memmap_under(X.data) is not None:
        raise ValueError(
            "X must not be a masked array of a memory-mapped file, which would be "
            "copied whole. Write NaN into the file where entries are missing."
        )
    return np.where(mask, np.nan, X.data)


def _is_sparse_frame(X, names):
    """Whether all columns of a frame are sparse. Raise if they fill with non-zeros."""
    if not hasattr(X, "sparse"):
        return False
    fill = np.array([dtype.fill_value for dtype in X.dtypes], dtype=object)
    is_other = np.array([pd.isna(value) or value != 0 for value in fill], dtype=bool)
    if is_other.any():
        columns = named(np.flatnonzero(is_other), names)
        raise ValueError(
            f"Sparse frames must have the fill value 0; got {fill[is_other][0]} in "
            f"columns {columns} of X. Use X.sparse.to_dense()."
        )
    return True


def _times_error(numbers, names):
    return TypeError(
        "X must be numbers; got dates, times or durations in columns "
        f"{named(numbers, names)}. Convert them to numbers, such as days since a "
        "date, and missing ones (NaT) to NaN."
    )


def named(numbers, names):
    numbers = [int(number) for number in numbers]
    return first_of(numbers if names is None else [names[n] for n in numbers])


def memmap_under(X):
    """The np.memmap whose memory an array shares, or None."""
    found = None
    while isinstance(X, np.ndarray):
        if isinstance(X, np.memmap):
            found = X  # the last one found is the one that maps the file
        X = X.base
    return found if isinstance(X, mmap.mmap) else None
