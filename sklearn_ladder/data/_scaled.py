"""Scaled copy of samples with categories, kept as codes instead of one-hot columns."""

import numpy as np
import torch

from ._samples import chunk_size


class ScaledTable:
    """Scaled numbers, and codes of categories. Indexing makes one-hot columns of these.

    A scaled one-hot column has only two values. So codes are enough, and training takes
    no more memory than with numbers only.

    Parameters
    ----------
    samples : Samples
        With categories that have one-hot columns.
    scale : PiecewiseLinear
        Feature scaling of the columns of `samples`.
    device : torch.device
    """

    def __init__(self, samples, scale, device):
        categories = samples.categories
        column = scale.feature.cpu().numpy()  # of the matrix, for each scaled column
        code = categories.code[column]
        feature = categories.feature[column]
        is_one_hot = code >= 0
        features, number = np.unique(feature[is_one_hot], return_inverse=True)

        def on_device(array):
            return torch.as_tensor(array, device=device)

        ends = torch.zeros(2, samples.shape[1], dtype=scale.values.dtype, device=device)
        ends[1] = 1
        self._of_0, self._of_1 = scale(ends)[:, on_device(is_one_hot)]
        self._number, self._code = on_device(number), on_device(np.int16(code))
        self._code = self._code[on_device(is_one_hot)]
        is_number = on_device(~is_one_hot)
        # `__getitem__` computes numbers first, then one-hot columns
        places = np.append(np.flatnonzero(~is_one_hot), np.flatnonzero(is_one_hot))
        self._order = on_device(np.argsort(places))
        self._numbers = torch.empty(
            len(samples), int(is_number.sum()), dtype=torch.float32, device=device
        )
        self._codes = on_device(samples.codes(features))
        size = chunk_size(len(column))
        for start in range(0, len(samples), size):
            chunk = slice(start, start + size)
            scaled = scale(torch.as_tensor(samples[chunk], device=device))
            self._numbers[chunk] = scaled[:, is_number]

    @staticmethod
    def n_numbers(samples, scale):
        """Number of scaled numbers per sample."""
        code = samples.categories.code[scale.feature.cpu().numpy()]
        return int(np.count_nonzero(code < 0))

    def __getitem__(self, index):
        """Scaled columns of samples, by a tensor of their indices."""
        codes = self._codes[index].index_select(1, self._number)
        one_hot = torch.where(codes == self._code, self._of_1, self._of_0)
        one_hot.masked_fill_(codes < 0, torch.nan)
        columns = torch.cat([self._numbers[index], one_hot], dim=1)
        return columns.index_select(1, self._order)
