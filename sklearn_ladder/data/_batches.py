"""Training samples on the device, and the seeded order of their batches."""

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset

from ._labels import UNLABELED
from ._samples import chunk_size
from ._scaled import ScaledTable

# Largest number of samples for the population statistics. Their sampling error is then
# below 0.4 % of a standard deviation.
MOST_FOR_STATISTICS = 2**16
# Largest number of entries in a scaled copy of the samples: 1 GB.
LARGEST_COPY = 2**28
# Sparse samples have a scaled copy if it has this many times fewer columns.
NARROWER = 4
# Indices that are drawn at once for a GPU, which waits for them.
DRAWN_AHEAD = 4096


class LadderBatch(NamedTuple):
    """The samples of one training step."""

    x_labeled: Tensor  # (n_labeled, n_columns), scaled
    y: Tensor  # (n_labeled,)
    weight: Tensor | None  # (n_labeled,); 0 for filler samples
    x_unlabeled: Tensor  # (n_unlabeled, n_columns), scaled


def as_tensor(array, device="cpu"):
    """Samples as a tensor on `device`, sharing memory where possible."""
    # torch knows no negative strides, and warns about arrays that it cannot write to
    if any(stride < 0 for stride in array.strides):
        array = array.copy()
    return torch.as_tensor(np.require(array, requirements="W"), device=device)


def stays_sparse(samples, scale):
    """Whether a feature scaling takes samples as a CSR matrix."""
    return samples.is_sparse and getattr(scale, "takes_sparse", False)


class TrainingSamples(Dataset):
    """All training samples, with their labels.

    They are one tensor on the device, unless they are sparse, memory-mapped, or too
    large for it. Then each batch is moved to the device when it is needed.

    Parameters
    ----------
    samples : Samples
    codes : ndarray of shape (n_samples,)
        Class codes, -1 for unlabeled samples.
    weight : ndarray of shape (n_samples,) or None
        Sample weights; those of unlabeled samples are ignored.
    device : str or torch.device
    have_missing : bool, default=False
        Whether `samples` have missing entries (NaN).
    scale : PiecewiseLinear, default=None
        Feature scaling: takes samples as a tensor on the device, or as a CSR matrix if
        it has `takes_sparse`, and returns their columns. Samples in memory are scaled
        once, if a copy of them is not too large.

    Attributes
    ----------
    X : Tensor of shape (n_samples, n_features) or Samples
        The samples as given; a tensor if they are resident.
    y, weight : Tensor of shape (n_samples,)
    labeled : Tensor of shape (n_labeled,)
        Indices of the labeled samples.
    """

    def __init__(self, samples, codes, weight, device, have_missing=False, scale=None):
        self.have_missing = have_missing
        self.device = torch.device(device)
        is_resident = samples.is_resident and fits_on(
            self.device, samples.shape, samples.dtype.itemsize
        )
        self.X = as_tensor(samples[:], device) if is_resident else samples
        self._scale = scale
        self._is_csr = stays_sparse(samples, scale)
        self._scaled = None if scale is None else self._scaled_samples(samples)
        self.y = torch.as_tensor(codes, device=device)
        self.weight = None if weight is None else as_tensor(np.float32(weight), device)
        # indices are on the device that selects samples, so that no device has to wait
        self.labeled = torch.as_tensor(
            np.flatnonzero(codes != UNLABELED),
            device=device if is_resident or self._scaled is not None else "cpu",
        )

    def _scaled_samples(self, samples):
        """All samples scaled, in memory; None if that would be too large."""
        if samples.has_codes and hasattr(self._scale, "feature"):  # not projected
            return self._scaled_table()
        is_on_device = isinstance(self.X, Tensor)
        if not (is_on_device or samples.has_codes or samples.is_sparse):
            return None
        n_columns = self._scale(self._read(slice(1))).shape[1]
        if samples.is_sparse and NARROWER * n_columns > samples.shape[1]:
            return None  # about as large as all entries
        return self._scaled_copy(n_columns)

    def _scaled_copy(self, n_columns):
        shape = len(self.X), n_columns
        if not self._may_copy(shape):
            return None
        copy = torch.empty(shape, dtype=torch.float32, device=self.device)
        width = shape[1] if self._is_csr else max(shape[1], self.X.shape[1])
        start, size = 0, chunk_size(width)
        for chunk in copy.split(size):
            chunk.copy_(self._scale(self._read(slice(start, start + size))))
            start += size
        return copy

    def _read(self, index):
        """Some samples as the feature scaling takes them: as a tensor on the device."""
        if self._is_csr:
            return self.X.csr(index)
        x = self.X[index]
        return x if isinstance(x, Tensor) else as_tensor(x, self.device)

    def _scaled_table(self):
        """Scaled numbers, and codes of categories."""
        shape = len(self.X), ScaledTable.n_numbers(self.X, self._scale)
        if not self._may_copy(shape):
            return None
        return ScaledTable(self.X, self._scale, self.device)

    def _may_copy(self, shape):
        return math.prod(shape) <= LARGEST_COPY and fits_on(self.device, shape)

    def __len__(self):
        return len(self.X)

    def __getitem__(self, index):
        return self.X[index], self.y[index]

    def take(self, index):
        """Samples by index, scaled, shape (n, n_columns), on the device."""
        if self._scaled is not None:
            return self._scaled[index.to(self.device)]
        is_resident = isinstance(self.X, Tensor)
        x = self._read(index.to(self.device) if is_resident else index.numpy())
        return x if self._scale is None else self._scale(x)

    def chunks_for_statistics(self, seed, size, n_most=MOST_FOR_STATISTICS, of=None):
        """Samples for the population statistics, in random chunks of equal size.

        Parameters
        ----------
        seed : int
        size : int
            Largest size of a chunk.
        n_most : int, default=65536
            If there are more samples, a random sample of that size is used.
        of : Tensor of int, default=None
            Indices of the samples; by default all.

        Yields
        ------
        Tensor of shape (n, n_columns)
            Scaled.
        """
        device = self.labeled.device
        if of is None:
            of = torch.arange(len(self), device=device)
        generator = torch.Generator("cpu").manual_seed(seed)
        order = torch.randperm(len(of), generator=generator, device="cpu")[:n_most]
        order = of[order.to(device)]
        for chunk in order.tensor_split(n_batches(len(order), size)):
            # sorted, so that fewer pages of a memory-mapped file are read
            yield self.take(chunk.sort().values)


def fits_on(device, shape, itemsize=4):
    """Whether samples of this shape leave half of the device's free memory.

    Parameters
    ----------
    device : torch.device
    shape : tuple of int
    itemsize : int, default=4
        Bytes of a number.
    """
    if device.type != "cuda":
        return True
    index = device.index  # None is the current device
    free, _ = torch.cuda.mem_get_info(index)
    # torch keeps what it has freed
    free += torch.cuda.memory_reserved(index) - torch.cuda.memory_allocated(index)
    return itemsize * math.prod(shape) < free / 2


def endless_batches(indices, size, generator):
    """Yield batches of `size` indices without end, each index equally often.

    A batch may reach over the end of one pass into the next, so that each is full.
    NOTE[DIFF]: the released code ends a pass with a smaller batch, whose statistics are
    worse, and undefined for a single sample; and it repeats the batches of labeled
    samples in the same order until all unlabeled ones have passed.

    Parameters
    ----------
    indices : Tensor of shape (n_samples,)
    size : int
    generator : torch.Generator
        On the CPU, so that the order is the same for each device.
    """
    waiting = indices[:0]
    n_passes = 1
    if indices.device.type != "cpu":
        n_passes = max(1, DRAWN_AHEAD // max(1, len(indices)))
    while True:
        while len(waiting) < size:
            orders = [
                torch.randperm(len(indices), generator=generator, device="cpu")
                for _ in range(n_passes)
            ]
            order = torch.cat(orders).to(indices.device)
            waiting = torch.cat([waiting, indices[order]])
        yield waiting[:size]
        waiting = waiting[size:]


def n_batches(n_samples, batch_size):
    """Number of batches that hold every sample once."""
    return -(-n_samples // batch_size)


class LadderBatches:
    """Iterable over the batches of epochs, as skorch's ``iterator_train``.

    The labeled samples of a batch are cycled. Its unlabeled samples are drawn from all
    training samples. An epoch has as many batches as hold every sample once.

    Labeled samples are normalized by their own batch statistics. In a stream, a batch
    may have very few of them, all of one class. Normalization would then remove what
    distinguishes that class.
    NOTE[DIFF]: so a stream adds filler samples of weight 0, more if there are fewer
    labels. (`fit` adds none, because all classes are present. With fillers, accuracy
    was .70 instead of .82 on table spambase, 3 labels per class, "supervised".)

    Parameters
    ----------
    samples : TrainingSamples
    batch_size : int
        Number of labeled and of unlabeled samples; fewer if there are fewer.
    with_unlabeled : bool, default=True
        Whether a cost needs unlabeled samples.
    seeds : pair of int, default=(0, 1)
        For the order of the labeled samples, and of the unlabeled ones.
    filler_share : float, default=0.0
        Share of the free places of a labeled batch that filler samples take.
    """

    def __init__(
        self,
        samples,
        batch_size,
        with_unlabeled=True,
        seeds=(0, 1),
        filler_share=0.0,
    ):
        self.samples = samples
        self.batch_size = batch_size
        self.with_unlabeled = with_unlabeled
        n_labeled = min(batch_size, len(samples.labeled))
        n_free = min(batch_size - n_labeled, len(samples))
        self.n_filler = math.ceil(filler_share * n_free) if n_labeled else 0
        self._labeled, self._unlabeled = (
            endless_batches(indices, size, torch.Generator("cpu").manual_seed(seed))
            for indices, size, seed in zip(
                (
                    samples.labeled,
                    torch.arange(len(samples), device=samples.labeled.device),
                ),
                (n_labeled, min(batch_size, len(samples))),
                seeds,
                strict=True,
            )
        )
        self._n_drawn = 0  # batches of all epochs

    def skip_to(self, n):
        """Leave out the first n batches, to continue an interrupted training."""
        for _ in range(self._n_drawn, n):
            self._draw()

    def _draw(self):
        """Indices of labeled samples, of filler samples and of unlabeled samples."""
        self._n_drawn += 1
        labeled = next(self._labeled)
        empty = labeled[:0]
        others = empty
        if self.with_unlabeled or self.n_filler:
            others = next(self._unlabeled)
        filler = others[: self.n_filler]
        return labeled, filler, others if self.with_unlabeled else empty

    def __len__(self):
        return n_batches(len(self.samples), self.batch_size)

    def __iter__(self):
        samples = self.samples
        for _ in range(self._n_drawn % len(self), len(self)):
            labeled, filler, unlabeled = self._draw()
            on_device = labeled.to(samples.device)
            y = samples.y[on_device]
            weight = None if samples.weight is None else samples.weight[on_device]
            if len(filler):
                y, weight = _with_filler(y, weight, len(filler))
            yield LadderBatch(
                samples.take(torch.cat([labeled, filler])),
                y,
                weight,
                samples.take(unlabeled),
            )


def _with_filler(y, weight, n_filler):
    """Append labels and weights of filler samples, whose weight is 0.

    Weights are scaled so that a mean over all is the mean over the labeled samples.
    """
    if weight is None:
        weight = torch.ones(len(y), dtype=torch.float32, device=y.device)
    weight = weight * ((len(y) + n_filler) / len(y))
    return F.pad(y, (0, n_filler)), F.pad(weight, (0, n_filler))


class SampleBatches:
    """Batches of samples in their order, as skorch's ``iterator_valid``.

    Parameters
    ----------
    dataset : Samples, TrainingSamples or skorch.dataset.Dataset
        The latter two have samples as `X` and, if there are any, labels as `y`. The
        held-out ones of early stopping may have `held_out_weight`, an ndarray.
    batch_size : int
    """

    def __init__(self, dataset, batch_size):
        self.samples = getattr(dataset, "X", dataset)
        self.labels = getattr(dataset, "y", None)
        self.held_out_weight = getattr(dataset, "held_out_weight", None)
        self.batch_size = batch_size

    def __len__(self):
        return n_batches(len(self.samples), self.batch_size)

    def __iter__(self):
        for start in range(0, len(self.samples), self.batch_size):
            chunk = slice(start, start + self.batch_size)
            codes = torch.empty(0, device="cpu")
            if self.labels is not None:
                codes = torch.as_tensor(self.labels[chunk], device="cpu")
            x = self.samples[chunk]
            yield x if isinstance(x, Tensor) else as_tensor(x), codes

    def weights(self):
        """Weights of held-out samples by batch, each None if all weigh the same."""
        weight = self.held_out_weight
        for start in range(0, len(self.samples), self.batch_size):
            yield None if weight is None else weight[start : start + self.batch_size]
