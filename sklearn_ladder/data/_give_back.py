"""What the network returns, in the container of the samples that a user gave."""

from decimal import Decimal, localcontext

import numpy as np
import pandas as pd

from ._missing import present_part, table_columns

LONGEST_DECIMAL = 400  # digits: more than a float or a type of Arrow has


def give_back(table, categories, like):
    """A table of numbers and codes as samples like others.

    Parameters
    ----------
    table : ndarray of shape (n_samples, n_features)
        As returned by `TableCategories.collapse`.
    categories : TableCategories
    like : frame or array-like of shape (n_samples, n_features)

    Returns
    -------
    frame or ndarray of shape (n_samples, n_features)
        A frame has the columns and dtypes of `like`; numbers in columns of integers
        are rounded, and clipped to what the dtype holds. An array has the dtype of
        `table`, unless some categories are not numbers.
    """
    given, names = table_columns(like)
    columns = [
        numbers if each is None else each.decode(numbers.astype(int))
        for each, numbers in zip(categories.features, table.T, strict=True)
    ]
    if names is None:
        are_numbers = all(column.dtype.kind in "biuf" for column in columns)
        dtype = table.dtype if are_numbers else object
        return np.stack([column.astype(dtype) for column in columns], axis=1)
    columns = [_round(*pair) for pair in zip(columns, given, strict=True)]
    if isinstance(like, pd.DataFrame):
        columns = [_as_series(*pair) for pair in zip(columns, given, strict=True)]
        frame = pd.concat(columns, axis=1)
        frame.columns = like.columns
        return frame
    columns = (column.tolist() for column in columns)
    columns = dict(zip(names, columns, strict=True))
    make = getattr(type(like), "from_pydict", type(like))  # Arrow, polars
    return make(columns, schema=like.schema)


def _round(values, given):
    """Numbers as integers or booleans if those of the given column are."""
    dtype = getattr(given, "dtype", None)
    if values.dtype.kind == "f" and (decimal := _decimal_type(given)) is not None:
        return _as_decimals(values, decimal.precision, decimal.scale)
    if getattr(dtype, "kind", None) is None:  # polars, Arrow
        present = present_part(given)[1]
        dtype = present.dtype if len(present) else _declared_dtype(given)
        if values.dtype.kind == "f" and len(present) and isinstance(present[0], str):
            return values.astype(str)  # numbers that were given as text
    if str(of_arrow := getattr(dtype, "pyarrow_dtype", None)).startswith("dictionary<"):
        dtype = pd.ArrowDtype(of_arrow.value_type)
    if values.dtype.kind != "f" or dtype.kind not in "biu":
        return values
    if dtype.kind == "b":
        return values > 0.5
    dtype = getattr(dtype, "numpy_dtype", dtype)  # of a nullable column
    dtype = np.dtype(getattr(dtype, "subtype", dtype))  # of a sparse one
    limits = np.iinfo(dtype)  # otherwise integers would wrap around
    most = float(limits.max)
    if int(most) > limits.max:  # rounded up
        most = np.nextafter(most, 0)
    return np.rint(values.astype(float)).clip(limits.min, most).astype(dtype)


def _declared_dtype(given):
    """NumPy's dtype of a column of polars or Arrow that may have no entries."""
    name = str(getattr(given, "type", None) or given.dtype).lower()
    try:
        return np.dtype("bool" if name == "boolean" else name)
    except TypeError:
        return np.dtype(object)


def _decimal_type(given):
    """The type of a column of decimal numbers of Arrow, pandas or polars, or None."""
    dtype = getattr(given, "dtype", None)
    types = getattr(given, "type", None), getattr(dtype, "pyarrow_dtype", None), dtype
    return next((t for t in types if hasattr(t, "scale")), None)


def _as_decimals(values, precision, scale):
    """Floats as decimal numbers, which Arrow does not make, clipped to their range."""
    decimals = np.empty(len(values), dtype=object)
    with localcontext(prec=LONGEST_DECIMAL):
        step = Decimal(1).scaleb(-scale)
        largest = step * (10**precision - 1)
        decimals[:] = [
            min(max(Decimal(value).quantize(step), -largest), largest)
            for value in values.tolist()
        ]
    return decimals


def _as_series(values, given):
    """A pandas column like the given one."""
    dtype = given.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        new = [v for v in pd.unique(values) if v not in dtype.categories]
        if new:
            dtype = pd.CategoricalDtype([*dtype.categories, *new], dtype.ordered)
    of_arrow = getattr(dtype, "pyarrow_dtype", None)
    if str(of_arrow).startswith("dictionary<"):
        import pyarrow

        values = pyarrow.array(values, of_arrow.value_type)
        try:  # pandas would convert it by NumPy, which does not know dictionaries
            values = values.dictionary_encode().cast(of_arrow)
        except pyarrow.ArrowInvalid:  # more values than its indices can number
            pass
        array = pd.arrays.ArrowExtensionArray(values)
        return pd.Series(array, index=given.index)
    return pd.Series(values, index=given.index).astype(dtype)
