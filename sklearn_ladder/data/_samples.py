"""Samples in any container, read chunk by chunk as dense arrays."""

import mmap
from copy import copy
from math import prod
from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.utils import assert_all_finite, check_array
from torch.utils.data import Dataset

from ._numbers import as_numbers, memmap_under, named, refuse_lazy
from ._precision import LARGEST, SMALLEST, TOO_CLOSE, TOO_LARGE, needs_float64

# Largest number of entries in a chunk: enough for full speed, but only 16 MB.
LARGEST_CHUNK = 2**22
# Largest memory map that is read into memory to find its categories, in entries.
LARGEST_MAP = 2**27
# Number of scattered samples that are read from a file at once.
SAMPLES_AT_ONCE = 32
# Largest number of samples in a chunk, however few features they have.
MOST_SAMPLES = 8192
# BLAS uses another kernel for fewer samples, and for the remainder of a division.
MULTIPLE = 32
# Largest number of samples, and of entries, to find out whether float32 is precise.
N_COMPARED, LARGEST_COMPARED = 2048, 2**22


class Survey(NamedTuple):
    """Findings of one pass over all samples."""

    have_missing: bool
    # for each feature, float64; NaN if all its entries are missing:
    lowest: np.ndarray
    highest: np.ndarray
    imprecise: dict  # column number to the reason why float32 cannot hold it


class Samples(Dataset):
    """Samples of a table. A memory-mapped table of numbers is never copied as a whole.

    Indexing with a slice or with sample numbers gives a dense ndarray of shape
    (n, n_columns), C-contiguous, finite except for NaN at missing entries. Columns are
    the features, but a feature with categories may have several (`TableCategories`).
    Only the codes of categories are kept, never all one-hot columns.

    Parameters
    ----------
    X : array-like, sparse matrix or np.memmap of shape (n_samples, n_features)
        Sparse matrices are converted to CSR, and never made dense as a whole.
    estimator : estimator, default=None
        Named in errors.
    dtype : {np.float32, np.float64}, default=np.float32
        dtype of the arrays that indexing returns.
    categories : TableCategories, default=None
        Categories of the features, if any feature has them.

    Attributes
    ----------
    names : ndarray of shape (n_columns,) or None
        Name of the feature of each column, if `X` is a frame.
    n_features : int
        Number of features.
    shape : tuple of int (n_samples, n_columns)
    has_codes : bool
        Whether there are more columns than features.

    Raises
    ------
    ValueError or TypeError
        If `X` is not a table of numbers and categories, or if it is sparse and has
        missing entries; on indexing, if a value is infinite in `dtype`.
    """

    def __init__(self, X, estimator=None, dtype=np.float32, categories=None):
        self._estimator_name = type(estimator).__name__ if estimator else None
        self.dtype = np.dtype(dtype)
        self.categories = categories
        if categories is not None:
            check_may_have_categories(X)
        X, names = as_numbers(X, categories and categories.features)
        # pandas frames have the accessor `sparse` only if all columns are sparse
        may_be_sparse = sparse.issparse(X) or hasattr(X, "sparse")
        self._X = check_array(
            X,
            accept_sparse="csr",
            dtype=[np.float64, np.float32] if may_be_sparse else "numeric",
            # dense samples are checked when they are indexed
            ensure_all_finite="allow-nan" if may_be_sparse else False,
            estimator=estimator,
            input_name="X",
        )
        self.is_sparse = sparse.issparse(self._X)
        if self.is_sparse and not self._X.has_canonical_format:
            # before rounding, which entries of the same place may not survive apart
            self._X = self._X.copy()
            self._X.sum_duplicates()
        if self.is_sparse and np.isnan(self._X.data).any():
            is_missing = np.isnan(self._X.data)
            columns = named(np.unique(self._X.indices[is_missing]), names)
            raise ValueError(
                "X must be dense to have missing values (NaN); got a sparse matrix "
                f"with {is_missing.sum()} of them, in columns {columns}."
            )
        self._memmap = memmap_under(self._X)
        self.n_features = self._X.shape[1]
        self.shape = self._X.shape
        self.has_codes = categories is not None and categories.is_expanding
        if self.has_codes:
            feature = categories.feature
            self.shape = len(self._X), len(feature)
            names = feature if names is None else names[feature]
        self.names = names

    @property
    def is_resident(self):
        """Whether all columns are dense in this process's memory."""
        return not (self.is_sparse or self.has_codes) and self._memmap is None

    def astype(self, dtype):
        """The same samples; indexing returns arrays of another dtype."""
        other = copy(self)
        other.dtype = np.dtype(dtype)
        return other

    def __len__(self):
        return self._X.shape[0]

    @property
    def nnz(self):
        """Number of entries of sparse samples."""
        return self._X.nnz

    # too large values become infinite, and `_check_finite` raises an error
    @np.errstate(all="ignore")
    def __getitem__(self, index):
        chunk = self.take_as_given(index)
        if self.is_sparse:
            chunk = chunk.astype(self.dtype, copy=False).toarray()
        chunk = np.ascontiguousarray(chunk, dtype=self.dtype)
        self._check_finite(chunk)
        return chunk

    def _check_finite(self, chunk):
        assert_all_finite(
            chunk, allow_nan=True, estimator_name=self._estimator_name, input_name="X"
        )

    def take_as_given(self, index):
        """Samples as given, not checked; only categories become columns of numbers."""
        self._give_back_pages()
        if self.has_codes:
            return self.categories.expand(self._X[index])
        if self._memmap is None or isinstance(index, slice):
            return self._X[index]
        # A sample that is read brings up to 2 MB around it into memory.
        chunk = np.empty((len(index), self.shape[1]), self._X.dtype)
        for start in range(0, len(index), SAMPLES_AT_ONCE):
            some = slice(start, start + SAMPLES_AT_ONCE)
            chunk[some] = self._X[index[some]]
            self._give_back_pages()
        return chunk

    def csr(self, index):
        """Sparse samples as they are kept: a CSR matrix in `dtype`, finite."""
        chunk = self.take_as_given(index).astype(self.dtype, copy=False)
        self._check_finite(chunk.data)
        return chunk

    def n_entries(self, index):
        """Number of entries of some samples that are not 0, for each column."""
        if self.is_sparse:  # wide ones would not fit into memory
            chunk = self._X[index].copy()
            chunk.eliminate_zeros()
            return chunk.getnnz(axis=0)
        return np.count_nonzero(self[index], axis=0)

    def codes(self, features):
        """Codes of the categories of some features.

        Parameters
        ----------
        features : ndarray of int, shape (n,)

        Returns
        -------
        ndarray of shape (n_samples, n), int16
            -1 at missing entries.
        """
        codes = np.empty((len(self), len(features)), dtype=np.int16)
        for chunk in self.slices():
            table = self._X[chunk, features]
            codes[chunk] = np.where(np.isnan(table), -1, table)
        return codes

    def _give_back_pages(self):
        """Release the pages of a memory-mapped file that were read before.

        Otherwise resident memory grows to the size of the file. Copy-on-write mappings
        keep their pages, because releasing them would lose changes.
        """
        if self._memmap is None or self._memmap.mode == "c":
            return
        if hasattr(mmap, "MADV_DONTNEED"):
            self._memmap.base.madvise(mmap.MADV_DONTNEED)

    @np.errstate(all="ignore")
    def survey(self):
        """Look at all samples once, and check that none is infinite."""
        if self.is_sparse:
            ends = self._X.min(axis=0), self._X.max(axis=0)
            lowest, highest = (end.toarray().ravel().astype(float) for end in ends)
            have_missing, compared = False, self._X[:: -(-len(self) // N_COMPARED)]
        else:
            have_missing, lowest, highest, compared = self._survey_dense()
        imprecise = self._imprecise(compared)
        largest = np.fmax(np.abs(lowest), np.abs(highest))
        is_close = (largest > 0) & (largest < SMALLEST)
        imprecise |= dict.fromkeys(np.flatnonzero(is_close).tolist(), TOO_CLOSE)
        is_large = largest > LARGEST
        imprecise |= dict.fromkeys(np.flatnonzero(is_large).tolist(), TOO_LARGE)
        return Survey(have_missing, lowest, highest, imprecise)

    def _survey_dense(self):
        """Whether entries are missing, range of each feature, and every n-th sample."""
        most = min(N_COMPARED, max(64, LARGEST_COMPARED // self.shape[1]))
        step = -(-len(self) // most)
        have_missing, compared = False, []
        lowest, highest = np.full((2, self.shape[1]), np.nan)
        for place in self.slices():
            chunk = self.take_as_given(place)
            if chunk.dtype not in (np.float32, np.float64):
                chunk = chunk.astype(float)
            self._check_finite(chunk)
            have_missing |= bool(np.isnan(chunk).any())
            # fmin and fmax ignore NaN, unless there is nothing else
            np.fmin(lowest, np.fmin.reduce(chunk, axis=0), out=lowest)
            np.fmax(highest, np.fmax.reduce(chunk, axis=0), out=highest)
            compared.append(np.array(chunk[-place.start % step :: step]))
        return have_missing, lowest, highest, np.concatenate(compared)

    def _imprecise(self, compared):
        """Columns that float32 cannot hold, and why."""
        if not self.is_sparse:
            return needs_float64(compared)
        compared, found = compared.tocsc(), {}
        counts = np.diff(compared.indptr)
        # sorted by number of entries, so that full columns share a block
        columns = np.argsort(counts, kind="stable")
        columns = columns[counts[columns] > 1]  # others have only zeros as neighbors
        while len(columns):
            size = max(1, LARGEST_CHUNK // (counts[columns[-1]] + 1))
            columns, some = columns[:-size], columns[-size:]
            causes = needs_float64(_entries_and_a_zero(compared[:, some]))
            found |= {int(some[n]): cause for n, cause in causes.items()}
        return found

    def slices(self):
        """Slices of the samples that fit into memory as dense arrays."""
        size = chunk_size(self.shape[1])
        return [slice(start, start + size) for start in range(0, len(self), size)]


class SampleSubset(Dataset):
    """Subset of samples, which reads samples only when it is indexed.

    Parameters
    ----------
    samples : Samples
    index : ndarray of shape (n,)
        Indices of the samples in the subset.
    """

    def __init__(self, samples, index):
        self._samples = samples
        self._index = index

    def __len__(self):
        return len(self._index)

    def __getitem__(self, index):
        return self._samples[self._index[index]]

    @property
    def shape(self):  # skorch asks what is sparse for it
        return len(self), self._samples.shape[1]

    @property
    def is_sparse(self):
        return self._samples.is_sparse

    def csr(self, index):
        """As of `Samples`."""
        return self._samples.csr(self._index[index])


def check_may_have_categories(X):
    """Raise if samples are sparse, or mapped from a file too large for memory.

    Codes of categories are dense and in memory. joblib maps any array above 1 MB for
    its workers, so smaller maps are read.
    """
    if sparse.issparse(X) or hasattr(X, "sparse"):
        kind = "sparse samples"
    elif memmap_under(X) is not None and X.size > LARGEST_MAP:
        kind = f"a memory map of {X.size} entries, more than {LARGEST_MAP}"
    else:
        return
    raise ValueError(
        f"X must be dense, and in memory, to have categories; got {kind}. "
        "Encode categories first, or leave them numbers (categorical_features=None)."
    )


def flatten_images(X):
    """Flatten images to samples, channel by channel.

    Parameters
    ----------
    X : array-like
        Images, (n_samples, channels, height, width), or a table, which stays as it is.

    Returns
    -------
    X : array-like of shape (n_samples, n_features)
    image_shape : tuple of int or None
        Channels, height, width.

    Raises
    ------
    TypeError
        If `X` is a lazy frame.
    ValueError
        If `X` has three dimensions, or more than four.
    """
    refuse_lazy(X)
    n_dimensions = getattr(X, "ndim", 2)
    if n_dimensions == 3 or n_dimensions > 4:
        raise ValueError(
            f"Found array with dim {n_dimensions}. X must be a table, or images of "
            "shape (n_samples, channels, height, width); got an array of shape "
            f"{tuple(X.shape)}. Gray images of shape (n_samples, height, width) are "
            "X[:, None]."
        )
    if n_dimensions != 4:
        return X, None
    image_shape = tuple(X.shape[1:])
    return X.reshape(len(X), prod(image_shape)), image_shape


def refuse_texts(X):
    """Raise if the samples to fit are texts, which have no features yet."""
    may_be_flat = getattr(X, "ndim", None) == 1 or isinstance(X, list | tuple)
    if sparse.issparse(X) or not may_be_flat:
        return
    first = next((x for x in X if isinstance(x, str)), None)
    if first is not None:
        raise ValueError(
            f"Expected 2D array; X has texts, such as {first[:40]!r}. Make features of "
            "them first, for example by TfidfVectorizer in a Pipeline."
        )


def chunk_size(width):
    """Number of samples to take at once.

    Parameters
    ----------
    width : int
        Number of entries per sample that are in memory at the same time.

    Returns
    -------
    int
        A multiple of `MULTIPLE`, unless it is less.
    """
    size = max(1, min(MOST_SAMPLES, LARGEST_CHUNK // width))
    return size if size < MULTIPLE else size - size % MULTIPLE


def _entries_and_a_zero(X):
    """Entries of CSC columns and one zero, as a dense table padded with NaN."""
    counts = np.diff(X.indptr)
    table = np.full((counts.max() + 1, len(counts)), np.nan)
    table[0] = 0
    place = np.arange(X.nnz) - X.indptr[:-1].repeat(counts)
    table[place + 1, np.arange(len(counts)).repeat(counts)] = X.data
    return table
