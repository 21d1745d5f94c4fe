"""What counts as missing: one rule for samples, labels and weights."""

import numpy as np
import pandas as pd


def frame_columns(X):
    """Columns of a frame of pandas, polars or Arrow, and their names.

    Returns
    -------
    columns : list of one-dimensional array-likes, or None where `X` is no frame
    names : ndarray of shape (n_columns,) or None
    """
    if isinstance(X, pd.DataFrame):
        return [X.iloc[:, i] for i in range(X.shape[1])], X.columns.to_numpy()
    for method in ("iter_columns", "itercolumns"):  # polars, Arrow
        if hasattr(X, method):
            names = getattr(X, "column_names", X.columns)
            return list(getattr(X, method)()), np.array(names, dtype=object)
    return None, None


def table_columns(X):
    """Columns of a frame or any other table, and their names.

    Parameters
    ----------
    X : frame or array-like of shape (n_samples, n_features)

    Returns
    -------
    columns : sequence of one-dimensional array-likes
        None where `X` does not have two dimensions.
    names : ndarray of shape (n_columns,) or None
    """
    columns, names = frame_columns(X)
    if columns is None:
        X = array_of_lists(X)
        columns = X.T if np.ndim(X) == 2 else None
    return columns, names


def array_of_lists(X):
    """Convert lists of samples to an array; anything else stays as it is.

    It is one of objects if texts are beside other entries, which would become texts.
    """
    if not isinstance(X, list | tuple):
        return X
    has_mask = any(isinstance(row, np.ma.MaskedArray) for row in X)
    if has_mask:
        return np.ma.array(X)
    array = np.asarray(X)
    if array.dtype.kind == "U" and array.ndim == 2:
        objects = np.asarray(X, dtype=object)
        if not all(isinstance(entry, str) for entry in objects.flat):
            return objects
    return array


def as_array(column):
    """Prepare a column for `present_part`: a list becomes an array of objects."""
    if isinstance(column, list | tuple):
        return np.asarray(column, dtype=object)
    if any(hasattr(column, method) for method in ("drop_nulls", "drop_null", "isna")):
        return column  # of polars, Arrow or pandas
    return np.asanyarray(column)


def present_part(column):
    """Find the present entries of a column, and return them in their own dtype.

    Missing entries are None, NaN, NaT, pandas.NA, nulls of polars and Arrow, the
    `na_object` of NumPy's strings, and masked entries.

    Parameters
    ----------
    column : one-dimensional array-like

    Returns
    -------
    present : ndarray of shape (n,), bool
    values : ndarray of shape (n_present,)
        NumPy's strings of variable length become objects.
    """
    if isinstance(column, np.ma.MaskedArray):
        present = ~np.ma.getmaskarray(column)
        values = column.data[present]
    elif hasattr(column, "drop_nulls"):  # polars
        present = column.is_not_null().to_numpy()
        values = column.drop_nulls().to_numpy()
    elif hasattr(column, "drop_null"):  # Arrow
        present = np.asarray(column.is_valid(), dtype=bool)
        values = np.asarray(column.drop_null() if present.any() else [])
    else:
        if not isinstance(column, np.ndarray):
            column = pd.Series(column)
        present = np.array(pd.notna(column), dtype=bool)
        values = column[present]
        if isinstance(values, pd.Series):
            values = values.to_numpy()
    is_missing = pd.isna(values)  # polars and Arrow do not count NaN as null
    if values.dtype.kind == "T":
        na = getattr(values.dtype, "na_object", None)
        values = values.astype(object)
        # `na_object` may be a string
        is_text = isinstance(na, str)
        is_na = [v is na or (is_text and v == na) for v in values]
        is_missing = pd.isna(values) | np.array(is_na, bool)
    elif values.dtype == object:
        is_missing |= np.array([value is np.ma.masked for value in values], bool)
    if not is_missing.any():
        return present, values
    present[present] = ~is_missing
    return present, values[~is_missing]
