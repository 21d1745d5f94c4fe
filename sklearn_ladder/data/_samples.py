"""Rows of any kind, a part at a time as dense float32."""

import mmap
from math import prod
from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.utils import assert_all_finite, check_array
from torch.utils.data import Dataset

# Numbers in the largest part of the rows that is taken at once: enough for full speed,
# and 16 MB, little beside any memory.
LARGEST_PART = 2**22
# Rows that are read at once where they lie scattered in a file.
ROWS_AT_ONCE = 32
# A part need not have more rows than this, however few columns they have.
MOST_ROWS = 8192
# Matrix products take another way for fewer rows, and for what is left over.
MULTIPLE = 32


class Survey(NamedTuple):
    """What one look at all rows tells."""

    have_missing: bool
    lowest: np.ndarray  # of each feature, float32; NaN if it is always missing
    highest: np.ndarray


class Rows(Dataset):
    """The rows of a table. One that is memory-mapped is never copied whole.

    Indexing with a slice or with row numbers gives rows as a dense ndarray of shape
    (n, n_features), C-contiguous float32, finite but for NaN where an entry is missing.

    Parameters
    ----------
    X : array-like, sparse matrix or np.memmap of shape (n_rows, n_features)
        Sparse matrices that are not CSR of float32 are converted to it, and never made
        dense as a whole.
    estimator : estimator, default=None
        Named in errors.

    Raises
    ------
    ValueError
        If `X` is no table of numbers, or if it is sparse and an entry is missing; on
        indexing, or at once if it is sparse, if a value is infinite as float32.
    """

    def __init__(self, X, estimator=None):
        self._estimator_name = type(estimator).__name__ if estimator else None
        # a frame may be sparse, too: pandas' accessor is there if all its columns are
        may_be_sparse = sparse.issparse(X) or hasattr(X, "sparse")
        self._X = check_array(
            X,
            accept_sparse="csr",
            dtype=np.float32 if may_be_sparse else "numeric",
            # dense rows: when they are indexed
            ensure_all_finite="allow-nan" if may_be_sparse else False,
            estimator=estimator,
            input_name="X",
        )
        self.is_sparse = sparse.issparse(self._X)
        if self.is_sparse and np.isnan(self._X.data).any():
            raise ValueError(
                "X must be dense to have missing values (NaN); got a sparse matrix "
                f"with {np.isnan(self._X.data).sum()} of them."
            )
        self._memmap = _memmap_under(self._X)

    @property
    def shape(self):
        return self._X.shape

    @property
    def dtype(self):
        return self._X.dtype

    @property
    def is_resident(self):
        """Whether rows are dense in this process's memory."""
        return not self.is_sparse and self._memmap is None

    def __len__(self):
        return self._X.shape[0]

    def __getitem__(self, index):
        part = self.as_given(index)
        if self.is_sparse:
            part = part.toarray()
        # what is too large for float32 becomes infinite, for which there is an error
        with np.errstate(over="ignore"):
            part = np.ascontiguousarray(part, dtype=np.float32)
        assert_all_finite(
            part, allow_nan=True, estimator_name=self._estimator_name, input_name="X"
        )
        return part

    def as_given(self, index):
        """Rows as they are given: not checked, not converted."""
        self._give_back_pages()
        if self._memmap is None or isinstance(index, slice):
            return self._X[index]
        # A row that is read brings up to 2 MB around it into memory.
        part = np.empty((len(index), self.shape[1]), self.dtype)
        for start in range(0, len(index), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            part[rows] = self._X[index[rows]]
            self._give_back_pages()
        return part

    def _give_back_pages(self):
        """Let go of what was read of a mapped file before.

        Else all of the file would count as memory of this process in the end. Changes
        that a copy-on-write mapping has would be lost, so that its pages stay.
        """
        if self._memmap is None or self._memmap.mode == "c":
            return
        if hasattr(mmap, "MADV_DONTNEED"):
            self._memmap.base.madvise(mmap.MADV_DONTNEED)

    def survey(self):
        """Look at all rows once, and check that none is infinite."""
        if self.is_sparse:
            ends = self._X.min(axis=0), self._X.max(axis=0)
            return Survey(False, *(end.toarray().ravel() for end in ends))
        have_missing = False
        lowest, highest = np.full((2, self.shape[1]), np.nan, np.float32)
        for part in self.parts():
            have_missing |= bool(np.isnan(part).any())
            # which pass over NaN where there is something else
            np.fmin(lowest, np.fmin.reduce(part, axis=0), out=lowest)
            np.fmax(highest, np.fmax.reduce(part, axis=0), out=highest)
        return Survey(have_missing, lowest, highest)

    def parts(self):
        """All rows, one part after the other."""
        size = rows_per_part(self.shape[1])
        for start in range(0, len(self), size):
            yield self[start : start + size]


class SomeRows(Dataset):
    """Some of the rows, each taken when it is asked for.

    Parameters
    ----------
    rows : Rows
    index : ndarray of shape (n_rows,)
        Their numbers.
    """

    def __init__(self, rows, index):
        self._rows = rows
        self._index = index

    def __len__(self):
        return len(self._index)

    def __getitem__(self, index):
        return self._rows[self._index[index]]


def flatten_images(X):
    """Rows from images, channel by channel.

    Parameters
    ----------
    X : array-like
        Images, (n_rows, channels, height, width), or rows, which stay as they are.

    Returns
    -------
    X : array-like of shape (n_rows, n_features)
    image_shape : tuple of int or None
        Channels, height, width.
    """
    if getattr(X, "ndim", 2) != 4:
        return X, None
    image_shape = tuple(X.shape[1:])
    return X.reshape(len(X), prod(image_shape)), image_shape


def rows_per_part(width):
    """Number of rows to take at once.

    Parameters
    ----------
    width : int
        Numbers per row that are held at the same time.

    Returns
    -------
    int
        A multiple of `MULTIPLE` where it is more.
    """
    n_rows = max(1, min(MOST_ROWS, LARGEST_PART // width))
    return n_rows if n_rows < MULTIPLE else n_rows - n_rows % MULTIPLE


def _memmap_under(X):
    """The np.memmap whose memory an array shares, or None."""
    found = None
    while isinstance(X, np.ndarray):
        if isinstance(X, np.memmap):
            found = X  # that of all, whose base is the mapping of the file
        X = X.base
    return found if isinstance(X, mmap.mmap) else None


# --- temporary names until the data branch is merged
Samples, SampleSubset, chunk_size = Rows, SomeRows, rows_per_part
Rows.chunks = Rows.parts
Survey.imprecise = ()
_init = Rows.__init__


def _with_dtype(self, X, estimator=None, dtype=np.float32):
    _init(self, X, estimator)


Rows.__init__ = _with_dtype
