"""Training rows resident on the device, and their seeded batch order."""

import warnings
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset


class LadderBatch(NamedTuple):
    """The rows of one training step."""

    x_labeled: Tensor  # (n_labeled, n_features)
    y: Tensor  # (n_labeled,)
    weight: Tensor | None  # (n_labeled,)
    x_unlabeled: Tensor  # (n_unlabeled, n_features)


def as_tensor(rows, device="cpu"):
    """Rows as float32 tensor on `device`, sharing memory where possible."""
    with warnings.catch_warnings():
        # Read-only rows, as joblib's workers get them: nobody writes to these tensors.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writ")
        return torch.as_tensor(rows, dtype=torch.float32, device=device)


class TrainingRows(Dataset):
    """All training rows as tensors on the device.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    codes : ndarray of shape (n_rows,)
        Class codes, -1 for unlabeled rows.
    weight : ndarray of shape (n_rows,) or None
        Row weights; those of unlabeled rows are not used.
    device : str or torch.device
    """

    def __init__(self, X, codes, weight, device):
        self.X = as_tensor(X, device)
        self.y = torch.as_tensor(codes, device=device)
        self.weight = None if weight is None else as_tensor(weight, device)
        self.labeled = torch.as_tensor(np.flatnonzero(codes >= 0))

    def __len__(self):
        return len(self.X)

    def __getitem__(self, index):
        return self.X[index], self.y[index]

    def chunks(self, largest, seed):
        """All rows, in random parts of equal size, up to one row.

        Parameters
        ----------
        largest : int
            Largest number of rows of a part.
        seed : int
        """
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))
        for part in order.tensor_split(-(-len(self) // largest)):
            yield self.X[part.to(self.X.device)]


def endless_batches(rows, size, generator):
    """Yield batches of `size` row numbers without end, all rows equally often.

    A batch may reach over the end of one pass into the next, so that each is full.
    NOTE[DIFF]: the released code ends a pass with a smaller batch, whose statistics are
    worse, and undefined where a single row is left.

    Parameters
    ----------
    rows : Tensor of shape (n_rows,)
    size : int
    generator : torch.Generator
    """
    waiting = rows[:0]
    while True:
        while len(waiting) < size:
            order = torch.randperm(len(rows), generator=generator)
            waiting = torch.cat([waiting, rows[order]])
        yield waiting[:size]
        waiting = waiting[size:]


class LadderBatches:
    """Iterable over the batches of epochs, as skorch's ``iterator_train``.

    Each batch takes labelled rows, which are cycled, and rows from the whole training
    set as unlabelled ones. An epoch has as many batches as hold every row once.

    Parameters
    ----------
    rows : TrainingRows
    batch_size : int
        Number of labelled and of unlabelled rows; fewer where there are fewer.
    with_unlabeled : bool, default=True
        Whether unlabelled rows are of any use.
    seed : int, default=0
        Determines the order of rows.
    """

    def __init__(self, rows, batch_size, with_unlabeled=True, seed=0):
        self.rows = rows
        self.batch_size = batch_size
        self.with_unlabeled = with_unlabeled
        generator = torch.Generator().manual_seed(seed)
        self._labeled = endless_batches(
            rows.labeled, min(batch_size, len(rows.labeled)), generator
        )
        self._unlabeled = endless_batches(
            torch.arange(len(rows)), min(batch_size, len(rows)), generator
        )

    def __len__(self):
        return -(-len(self.rows) // self.batch_size)

    def __iter__(self):
        rows, device = self.rows, self.rows.X.device
        for _ in range(len(self)):
            labeled = next(self._labeled).to(device)
            unlabeled = (
                next(self._unlabeled).to(device) if self.with_unlabeled else labeled[:0]
            )
            weight = None if rows.weight is None else rows.weight[labeled]
            yield LadderBatch(
                rows.X[labeled], rows.y[labeled], weight, rows.X[unlabeled]
            )


class RowBatches:
    """Rows in their order, as skorch's ``iterator_valid``; nothing is collated.

    Parameters
    ----------
    dataset : TrainingRows or skorch.dataset.Dataset
        With rows as `X` and, where there are any, labels as `y`.
    batch_size : int
    """

    def __init__(self, dataset, batch_size):
        self.dataset = dataset
        self.batch_size = batch_size

    def __len__(self):
        return -(-len(self.dataset) // self.batch_size)

    def __iter__(self):
        X, y = self.dataset.X, self.dataset.y
        for start in range(0, len(self.dataset), self.batch_size):
            part = slice(start, start + self.batch_size)
            codes = torch.empty(0) if y is None else torch.as_tensor(y[part])
            yield as_tensor(X[part]), codes
