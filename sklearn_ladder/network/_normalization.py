"""Batch normalisation, with statistics that are returned, not kept."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

# The value of the released code. It is added to the variance.
EPSILON = 1e-10


class Statistics(NamedTuple):
    """Mean and standard deviation of each unit, both of shape (width,)."""

    mean: Tensor
    std: Tensor

    def normalize(self, z_pre):
        return (z_pre - self.mean) / self.std


def batch_statistics(z_pre):
    """Statistics (μ, σ) of a batch of shape (n_rows, width).

    Sums over rows are taken as products with a vector of ones: on CPU that is several
    times faster than ``torch.var_mean`` over the first dimension, backward included.
    """
    n_rows = len(z_pre)
    ones = z_pre.new_ones(n_rows)
    mean = ones @ z_pre / n_rows  # (width,)
    variance = ones @ (z_pre - mean).square() / n_rows  # (width,)
    return Statistics(mean, (variance + EPSILON).sqrt())


def batch_norm(z_pre):
    """Normalise a batch by its own statistics, where nobody asks for these."""
    return F.batch_norm(z_pre, None, None, training=True, eps=EPSILON)


def batch_norm_halves(z_pre, n_labeled):
    """Normalise the labelled rows, which come first, and the others separately."""
    if n_labeled in (0, len(z_pre)):
        return batch_norm(z_pre)
    halves = z_pre[:n_labeled], z_pre[n_labeled:]
    return torch.cat([batch_norm(half) for half in halves])


class PopulationStatistics(torch.nn.Module):
    """Where a layer keeps the statistics that prediction uses, as buffers.

    Parameters
    ----------
    width : int
        Number of units.
    """

    def __init__(self, width):
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("std", torch.ones(width))

    def forward(self, z_pre):
        return Statistics(self.mean, self.std).normalize(z_pre)

    def set(self, statistics):
        self.mean.copy_(statistics.mean)
        self.std.copy_(statistics.std)


def pool_statistics(chunks):
    """Statistics of all rows from those of equally large parts of them.

    By the law of total variance.

    Parameters
    ----------
    chunks : list of Statistics

    Returns
    -------
    Statistics
    """
    means = torch.stack([chunk.mean for chunk in chunks])  # (n_chunks, width)
    stds = torch.stack([chunk.std for chunk in chunks])
    variance = stds.square().mean(dim=0) + means.var(dim=0, correction=0)
    return Statistics(means.mean(dim=0), variance.sqrt())
