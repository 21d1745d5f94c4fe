"""Projection of features to a few columns, as a buffer of the network."""

import numpy as np
import torch
from scipy import sparse
from torch import nn


class Projection(nn.Module):
    """Features times a matrix with orthogonal columns of the same length.

    NOTE[DIFF]: the paper has no sparse features. Networks learn thousands of rare terms
    badly from few labels.

    Parameters
    ----------
    matrix : ndarray of shape (n_features, n_columns), float32
    """

    takes_sparse = True  # samples need not be made dense

    def __init__(self, matrix):
        super().__init__()
        self.register_buffer("matrix", torch.tensor(matrix, device="cpu"))
        self._array = np.asarray(matrix)  # SciPy multiplies sparse samples
        squared_length = np.square(matrix, dtype=float).sum(axis=0).mean()
        self.squared_length = float(squared_length) or 1.0

    def forward(self, x):
        """Columns of samples, shape (n_samples, n_columns); missing entries are 0.

        Parameters
        ----------
        x : Tensor or CSR matrix of shape (n_samples, n_features)
        """
        if sparse.issparse(x):
            columns = np.float32(x @ self._array)
            return torch.as_tensor(columns, device=self.matrix.device)
        return x.to(self.matrix.dtype).nan_to_num(nan=0.0) @ self.matrix

    def inverse(self, x):
        """The nearest features that have these columns, shape (n_samples, n_features).

        Parameters
        ----------
        x : Tensor of shape (n_samples, n_columns)
        """
        return x @ self.matrix.T / self.squared_length
