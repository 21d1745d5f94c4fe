"""Projection of sparse samples, such as texts, to a few columns."""

import numpy as np
from sklearn.utils.extmath import randomized_svd

from ._feature_scaling import random_subset
from ._precision import LARGEST

# Number of columns: as many as are usual in latent semantic analysis.
N_COLUMNS = 100
# Largest number of entries of the matrix that projects.
LARGEST_PROJECTION = 2**25
# Of sparse samples, at least so many entries are used: short texts are many.
FEWEST_ENTRIES = 2**20


def fit_projection(samples, random_state):
    """Fit a projection to the directions in which samples differ most.

    A truncated singular value decomposition, without centering: latent semantic
    analysis. Columns keep their relative sizes, because the first ones say most. All
    are scaled by the same number, so that squares of entries are 1 on average.

    On texts (4,000 docstrings of five packages, 10 labels per class) accuracy was .74,
    and .65 with columns of equal size. Logistic regression of all terms had .66.

    Parameters
    ----------
    samples : Samples
        Sparse or dense. If there are many, a random subset is used.
    random_state : int
        Determines the subset and the start of the decomposition.

    Returns
    -------
    ndarray of shape (n_features, n_columns), float32
    """
    table = random_subset(samples, random_state, FEWEST_ENTRIES)
    n_features = samples.shape[1]
    used = np.arange(n_features)
    if samples.is_sparse:  # of hashed words, most features are empty
        used = np.flatnonzero(np.diff(table.indptr)) if table.nnz else used[:1]
        table = table[:, used]
    else:
        table = np.nan_to_num(table)
    n_columns = min(N_COLUMNS, max(1, LARGEST_PROJECTION // n_features))
    n_columns = min(n_columns, *table.shape)
    # a power of 2 as unit, so that squares neither overflow nor underflow
    _, exponent = np.frexp(float(abs(table).max()))
    unit = np.ldexp(1.0, np.clip(exponent, -120, 120))
    is_float32 = table.dtype == np.float32
    table = table * (np.float32(1 / unit) if is_float32 else 1 / unit)
    _, values, directions = randomized_svd(table, n_columns, random_state=random_state)
    mean_square = np.mean(values**2) / table.shape[0]
    scale = 1 / np.sqrt(mean_square) / unit if mean_square > 0 else 1.0
    if not 1 / LARGEST < scale < LARGEST:
        raise ValueError(
            "The entries of X are too large or too small for dtype('float32'), in "
            f"which the network computes; the largest is {abs(table).max() * unit:.1g}."
            " Divide X by it first."
        )
    matrix = np.zeros((n_features, n_columns), np.float32)
    matrix[used] = directions.T * scale
    return matrix
