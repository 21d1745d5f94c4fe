"""Categories of a table: which columns have them, and their one-hot columns."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from .._user_warnings import warn_user
from ._missing import present_part, table_columns
from ._numbers import TIMES, named
from ._precision import first_of
from ._samples import check_may_have_categories
from ._text_columns import warn_of_text

# A category is infrequent if a smaller share of the samples has it, or only one does.
SMALLEST_SHARE = 0.01
# If chance makes all entries of a column infrequent with a smaller probability, warn.
SMALLEST_PROBABILITY = 1e-6
# A warning says so if a larger share of the samples has an infrequent category.
LARGEST_INFREQUENT_SHARE = 0.5


class Categories(NamedTuple):
    """Categories of one feature.

    A sample's code is the place of its category in `values`. All other categories,
    infrequent or not seen in training, have the next code. If no category was
    infrequent, they are missing.
    """

    values: np.ndarray  # (n_values,), sorted
    infrequent: object = None  # the most frequent of them; None if there are none
    # how many of new samples are expected to have an infrequent or a new one
    infrequent_share: float = 0.0
    has_empty_text: bool = False  # whether "" is a category, frequent or not

    @property
    def n_codes(self):
        """Number of codes."""
        return len(self.values) + (self.infrequent is not None)

    @property
    def n_columns(self):
        """Number of columns: one that holds the code of 0 or 1, or one per code."""
        return self.n_codes if self.n_codes > 2 else 1

    def encode(self, column, name):
        """Codes of a column.

        Parameters
        ----------
        column : array-like of shape (n_samples,)
        name : str or int
            For the warning.

        Returns
        -------
        ndarray of shape (n_samples,), float64
            NaN at missing entries.

        Warns
        -----
        UserWarning
            If most entries are unknown, as when texts have become numbers, and it would
            be a strange chance that these are infrequent.
        """
        numbers, distinct = _factorize(column)
        codes = _places(self.values, distinct).astype(float)
        is_known, may_be_other = codes >= 0, self.infrequent is not None
        n_present = np.count_nonzero(numbers >= 0)
        n_unknown = np.count_nonzero(~is_known[numbers[numbers >= 0]])
        if 2 * n_unknown > n_present and self._is_strange(n_unknown, n_present):
            warn_user(
                f"Most values in column {name!r} of X are none of the categories seen "
                "in training, "
                f"{first_of(self.values.tolist())}; got "
                f"{first_of(np.asarray(distinct)[~is_known].tolist())}.",
            )
        codes[~is_known] = len(self.values) if may_be_other else np.nan
        return np.append(codes, np.nan)[numbers]  # -1 is the last

    def _is_strange(self, n_unknown, n_present):
        """Whether so many of the values are not infrequent by chance."""
        from scipy import stats  # late: it is slow to import

        chance = stats.binom.sf(n_unknown - 1, n_present, self.infrequent_share)
        return chance < SMALLEST_PROBABILITY

    def decode(self, codes):
        """Categories of codes; of the infrequent ones the most frequent one.

        Parameters
        ----------
        codes : ndarray of shape (n_samples,), int

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        if self.n_codes == 0:  # no entry was present in training
            return np.full(len(codes), None)
        values = self.values
        if self.infrequent is not None:
            of_infrequent = np.empty(1, dtype=object)
            of_infrequent[0] = self.infrequent
            values = np.append(values, of_infrequent.astype(values.dtype))
        return values[codes]


class TableCategories:
    """Categories of all features, and the matrix of numbers that the network gets.

    Samples are kept as a table with one number per feature: its value, or the code of
    its category. A chunk of the table becomes a matrix when the network needs it. In
    this matrix each number has one column. A feature with categories has one column of
    0 and 1 per code, or a single column if there are at most two codes. If a category
    is missing, all its columns are NaN.

    Parameters
    ----------
    features : sequence of Categories or None
        For each feature; None if it is a number.

    Attributes
    ----------
    feature : ndarray of shape (n_columns,), int
        Number of the feature of each column of the matrix.

    code : ndarray of shape (n_columns,), int
        The code for which the column is 1; -1 for columns that hold the number itself.
    """

    def __init__(self, features):
        self.features = tuple(features)
        n_columns = [1 if each is None else each.n_columns for each in self.features]
        self.feature = np.repeat(np.arange(len(n_columns)), n_columns)
        codes = [np.arange(n) if n > 1 else np.array([-1]) for n in n_columns]
        self.code = np.concatenate(codes)

    @property
    def values(self):
        """Frequent categories of each feature, None if it is a number."""
        return [each and each.values for each in self.features]

    @property
    def is_expanding(self):
        """Whether the matrix has more columns than the table."""
        return len(self.feature) > len(self.features)

    def expand(self, table):
        """The matrix.

        Parameters
        ----------
        table : ndarray of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_columns), in the dtype of the table
        """
        matrix, is_one_hot = table[:, self.feature], self.code >= 0
        codes = matrix[:, is_one_hot]
        one_hot = np.where(np.isnan(codes), codes, codes == self.code[is_one_hot])
        matrix[:, is_one_hot] = one_hot
        return matrix

    def collapse(self, matrix):
        """The table with the most probable categories: the inverse of `expand`.

        Parameters
        ----------
        matrix : ndarray of shape (n_samples, n_columns)
            Finite.

        Returns
        -------
        ndarray of shape (n_samples, n_features), in the dtype of the matrix
        """
        first = np.searchsorted(self.feature, np.arange(len(self.features)))
        table = matrix[:, first]
        for number, (start, each) in enumerate(zip(first, self.features, strict=True)):
            if each is not None and each.n_columns == 1:
                table[:, number] = table[:, number] > 0.5
            elif each is not None:
                block = matrix[:, start : start + each.n_columns]
                table[:, number] = block.argmax(axis=1)
        return table

    def give_back(self, table, like):
        """The table in the container of other samples.

        Parameters
        ----------
        table : ndarray of shape (n_samples, n_features)
            As returned by `collapse`.
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
            for each, numbers in zip(self.features, table.T, strict=True)
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
    numbers, values = _factorize(column)
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


def _factorize(column):
    """Number of each entry's value, -1 where it is missing, and the distinct values."""
    if isinstance(getattr(column, "dtype", None), pd.CategoricalDtype):
        categorical = pd.Categorical(column).remove_unused_categories()
        return np.asarray(categorical.codes), categorical.categories.to_numpy()
    present, values = present_part(column)
    numbers = np.full(len(present), -1)
    try:
        numbers[present], values = pd.factorize(values)
    except TypeError as error:
        raise TypeError(f"Categories must be hashable: {error}.") from error
    return numbers, values


def _places(known, values):
    """Place of each value among the known ones, -1 if it is not known."""
    if known.dtype.kind in "biuf" and values.dtype.kind in "biuf":
        if known.dtype.kind != values.dtype.kind:  # 1, 1.0 and True are equal
            floats = pd.Index(known.astype(float))
            # from 2^53 on, different integers may be the same float
            is_own = ~floats.duplicated(keep=False)
            places = floats[is_own].get_indexer(pd.Index(values.astype(float)))
            return np.append(np.flatnonzero(is_own), -1)[places]
        return pd.Index(known).get_indexer(pd.Index(values))
    return pd.Index(known, dtype=object).get_indexer(pd.Index(values, dtype=object))


def _sorting(values):
    """Order of the values; of their texts if they cannot be compared."""
    try:
        return np.argsort(values, kind="stable")
    except TypeError:
        return np.argsort([str(value) for value in values], kind="stable")


def _round(values, given):
    """Numbers as integers or booleans if those of the given column are."""
    dtype = getattr(given, "dtype", None)
    if getattr(dtype, "kind", None) is None:  # polars, Arrow
        present = present_part(given)[1]
        dtype = present.dtype
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
