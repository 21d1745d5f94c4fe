"""Categories of a table as codes and as one-hot columns, and back."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from .._user_warnings import warn_user
from ._missing import present_part
from ._precision import first_of

# If chance makes all entries of a column infrequent with a smaller probability, warn.
SMALLEST_PROBABILITY = 1e-6


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
        numbers, distinct = factorize(column)
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


def factorize(column):
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
        kinds = known.dtype.kind, values.dtype.kind
        if "f" in kinds:  # 1 and 1.0 are equal
            floats = pd.Index(known.astype(float))
            # from 2^53 on, different integers may be the same float
            is_own = ~floats.duplicated(keep=False)
            places = floats[is_own].get_indexer(pd.Index(values.astype(float)))
            return np.append(np.flatnonzero(is_own), -1)[places]
        if kinds[0] == kinds[1]:
            return pd.Index(known).get_indexer(pd.Index(values))
    return pd.Index(known, dtype=object).get_indexer(pd.Index(values, dtype=object))
