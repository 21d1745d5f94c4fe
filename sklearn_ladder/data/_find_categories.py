"""Which features of a table have categories, and which categories these are."""

import numpy as np
import pandas as pd
from scipy import sparse

from .._user_warnings import warn_user
from ._categories import Categories, TableCategories, factorize
from ._missing import present_part, table_columns
from ._numbers import TIMES, has_underscore, named
from ._samples import check_may_have_categories
from ._text_columns import warn_of_text

# A category is infrequent if a smaller share of the samples has it, or only one does.
SMALLEST_SHARE = 0.01
# A warning says so if a larger share of the samples has an infrequent category.
LARGEST_INFREQUENT_SHARE = 0.5


def find_categories(X, categorical_features):
    """Find the features that have categories, and their categories.

    Parameters
    ----------
    X : array-like, frame or sparse matrix of shape (n_samples, n_features)
    categorical_features : "from_dtype", array-like or None
        As in `LadderClassifier`.

    Returns
    -------
    TableCategories or None
        None if all features are numbers.

    Raises
    ------
    ValueError
        If `categorical_features` is not as described, or names features of a sparse
        matrix or a large memory map.

    Warns
    -----
    UserWarning
        If most samples have an infrequent category, or if a column of text seems to
        hold numbers or dates.
    """
    if categorical_features is None:
        return None
    by_dtype = isinstance(categorical_features, str)
    # sparse frames have `sparse`
    if by_dtype and (hasattr(X, "sparse") or not hasattr(X, "columns")):
        return None
    if not by_dtype and _names_nothing(categorical_features, X):
        return None
    check_may_have_categories(X)
    columns, names = table_columns(X)
    if columns is None:  # not two-dimensional; `Samples` raises the error
        return None
    if by_dtype:
        is_categorical = [has_categories(column) for column in columns]
    else:
        is_categorical = _as_mask(categorical_features, len(columns), names)
    if not any(is_categorical):
        return None
    names = range(len(columns)) if names is None else names
    return TableCategories(
        _categories(column, name, by_dtype) if is_named else None
        for column, name, is_named in zip(columns, names, is_categorical, strict=True)
    )


def check_categories_are_kept(estimator, categories):
    """Raise if training goes on, and the parameter names features of other kinds.

    Parameters
    ----------
    estimator : LadderClassifier or LadderAutoencoder
        Fitted.
    categories : TableCategories or None
        Of the fit. "from_dtype" keeps them, whatever the dtypes are now.
    """
    asked = estimator.categorical_features
    if isinstance(asked, str):
        return
    n_features = estimator.n_features_in_
    kept = np.zeros(n_features, dtype=bool)
    if categories is not None:
        kept[:] = [each is not None for each in categories.features]
    names = getattr(estimator, "feature_names_in_", None)
    mask = np.zeros_like(kept)
    if asked is not None:
        mask = _as_mask(asked, n_features, names)
    if not np.array_equal(mask, kept):
        raise ValueError(
            "categorical_features must stay as it is where training goes on: the "
            f"fitted network has categories of the features "
            f"{named(np.flatnonzero(kept), names)}; got {asked!r}."
        )


def _names_nothing(categorical_features, X):
    """Whether no feature of sparse samples is named."""
    if not (sparse.issparse(X) or hasattr(X, "sparse")):
        return False
    names = getattr(X, "columns", None)
    return not _as_mask(categorical_features, X.shape[1], names).any()


def _as_mask(categorical_features, n_features, names):
    """Boolean mask of the features that a user has named. Errors as in scikit-learn."""
    given = np.asarray(categorical_features)
    if given.dtype == object and all(isinstance(each, str) for each in given.flat):
        given = given.astype(str)
    if given.ndim != 1 or (given.size and given.dtype.kind not in "biuU"):
        raise ValueError(
            "categorical_features must be an array-like of bool, int or str, got: "
            f"{categorical_features!r}."
        )
    if given.dtype.kind == "b":
        if len(given) != n_features:
            raise ValueError(
                "categorical_features set as a boolean mask must have shape "
                f"({n_features},), got: {given.shape}."
            )
        return given
    if given.dtype.kind == "U":
        if names is None:
            raise ValueError(
                "categorical_features should be passed as an array of integers or as "
                "a boolean mask when the model is fitted on data without feature names."
            )
        names = list(names)
        unknown = [name for name in given.tolist() if name not in names]
        if unknown:
            raise ValueError(
                f"categorical_features has names {unknown}, which are not feature "
                f"names of the training data: {names}."
            )
        given = np.flatnonzero(np.isin(names, given))  # names may occur twice
    if given.size and not (0 <= given.min() and given.max() < n_features):
        raise ValueError(
            "categorical_features set as integer indices must be in [0, n_features - "
            f"1] = [0, {n_features - 1}], got: {given.tolist()}."
        )
    mask = np.zeros(n_features, dtype=bool)
    mask[given.astype(int)] = True
    return mask


def has_categories(column):
    """Whether the column of a frame has categories by its dtype.

    Columns of categories and enumerations do. Columns of strings or objects do if an
    entry is not a number ("3.5" is a number). Columns of times, complex numbers, lists
    or too large integers do not: `Samples` raises an error that names the reason.
    """
    if is_declared(column):
        return True
    dtype = getattr(column, "dtype", None)
    if getattr(dtype, "kind", "O") not in "OU":
        return False
    _, values = present_part(column)
    if len(values) == 0 or values.dtype.kind not in "OUS":
        return False
    try:
        values = pd.unique(values)
    except TypeError:  # lists and the like
        return False
    if any(isinstance(value, (complex, *TIMES)) for value in values):
        return False
    if any(map(has_underscore, values)):
        return True
    try:
        values.astype(float)
    except OverflowError:  # too large an integer
        return False
    except (TypeError, ValueError):
        return True
    return False


def is_declared(column):
    """Whether a column has a dtype that is made for categories."""
    if isinstance(dtype := getattr(column, "dtype", None), pd.CategoricalDtype):
        return True
    name = str(dtype).partition("(")[0]  # polars has more in parentheses
    # of Arrow, and of Arrow within pandas
    types = getattr(column, "type", None), getattr(dtype, "pyarrow_dtype", None)
    is_dictionary = any(str(each).startswith("dictionary<") for each in types)
    return name in ("Categorical", "Enum") or is_dictionary


def _categories(column, name, by_dtype):
    """Categories of a column. Warn if they seem not to be what the user means."""
    numbers, values = factorize(column)
    counts = np.bincount(numbers[numbers >= 0], minlength=len(values))
    order = _sorting(values)
    values, counts = values[order], counts[order]
    may_be_other = by_dtype and not is_declared(column)
    seems_other = may_be_other and warn_of_text(values, counts, name)
    n_samples = counts.sum()
    is_rare = counts < max(2, SMALLEST_SHARE * n_samples)
    of_encoding = {
        "infrequent_share": _share_of_new(counts),
        "has_empty_text": any(isinstance(v, str) and v == "" for v in values),
    }
    if np.count_nonzero(is_rare) < 2:
        return Categories(values, **of_encoding)
    share = counts[is_rare].sum() / n_samples
    if share > LARGEST_INFREQUENT_SHARE and not seems_other:
        warn_user(
            f"Column {name!r} of X has {len(values)} categories. In {share:.0%} of the "
            f"samples they are infrequent (in less than {SMALLEST_SHARE:.0%} of the "
            "samples, or a single one), and count as one category. If the column "
            "identifies samples, drop it. If it has texts, make features of them, such "
            "as by TfidfVectorizer. Otherwise merge its categories, or convert it to "
            "numbers.",
        )
    most_frequent = values[is_rare][counts[is_rare].argmax()]
    return Categories(values[~is_rare], most_frequent, **of_encoding)


def _share_of_new(counts):
    """How many new samples are expected to have an infrequent category, or a new one.

    As many as would have one of these if it were not for themselves, plus three
    standard errors.
    """
    n = int(counts.sum())
    if n == 0:
        return 0.0
    is_rare = counts - 1 < max(2, SMALLEST_SHARE * (n - 1))
    share = counts[is_rare].sum() / n
    return float(min(1.0, share + 3 * np.sqrt(share * (1 - share) / n)))


def _sorting(values):
    """Order of the values; of their texts if they cannot be compared."""
    try:
        return np.argsort(values, kind="stable")
    except TypeError:
        return np.argsort([str(value) for value in values], kind="stable")
