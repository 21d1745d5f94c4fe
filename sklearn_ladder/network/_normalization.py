"""Batch normalization. Functions return their statistics; no module keeps them.

Each column of a table is normalized (see `Shape`). If a column is a channel of maps, a
"sample" below is one spatial position of one sample.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import Function, once_differentiable
from torch.nn import functional as F

from . import _kernels
from ._shapes import FLOAT32_ON_CPU

# The value of the released code. It is added to the variance.
EPSILON = 1e-10
# Least standard deviation for prediction, relative to the typical one of the layer.
LEAST_SHARE_OF_TYPICAL = 0.1
# Up to this standard deviation, relative to the size of its values, a unit counts as
# constant: it varies only by rounding errors.
ROUNDING = 2e-6


class Statistics(NamedTuple):
    """Mean and standard deviation of each unit, both of shape (width,)."""

    mean: Tensor
    std: Tensor

    def normalize(self, z_pre):
        return (z_pre - self.mean) / self.std


def batch_statistics(z_pre):
    """Statistics (μ, σ) of a batch of shape (n_samples, width)."""
    variance, mean = torch.var_mean(z_pre, dim=0, correction=0)
    return Statistics(mean, (variance + EPSILON).sqrt())


def batch_norm(z_pre):
    """Normalize a batch by its own statistics, without returning these."""
    if _kernels.take(z_pre):
        return BatchNorm.apply(z_pre)
    return F.batch_norm(z_pre, None, None, training=True, eps=EPSILON)


class BatchNorm(Function):
    """`batch_norm`, computed by compiled functions."""

    @staticmethod
    def forward(ctx, z_pre):
        ctx.parts = BatchParts(0, len(z_pre), 0)
        z, _, means, inverse_stds = _kernels.normalize_forward(
            *(z_pre, None, None, None, None, ctx.parts, EPSILON)
        )
        ctx.save_for_backward(z_pre, z, means, inverse_stds)
        return z

    @staticmethod
    @once_differentiable
    def backward(ctx, dz):
        z_pre, z, means, inverse_stds = ctx.saved_tensors
        dz_pre, _, _ = _kernels.normalize_backward(
            (None, dz, None, None, None),
            *(z_pre, z, None, None, None, means, inverse_stds, None, ctx.parts),
        )
        return dz_pre


class BatchParts(NamedTuple):
    """Numbers of samples that are normalized together, in their order."""

    n_labeled: int  # corrupted
    n_unlabeled: int  # corrupted
    n_clean: int  # the unlabeled samples again, without noise; or 0

    @property
    def n_corrupted(self):
        return self.n_labeled + self.n_unlabeled

    @property
    def not_empty(self):
        """Indices of the groups that have samples."""
        return [place for place, n_samples in enumerate(self) if n_samples]

    def times(self, n_positions):
        """The numbers for a table with `n_positions` rows per sample."""
        return BatchParts(*(n_positions * n for n in self))


class NormalizeAndActivate(Function):
    """Batch normalization, noise and activation of one layer, for a whole step.

    z = batchnorm(z_pre), plus noise for the corrupted samples; h = act(γ (z + β)).

    The derivative is written by hand. Autograd would pass over the activations for each
    arithmetic operation, and on CPU these passes cost as much as the matrix products.
    ``tests/plain.py`` has the same computation in plain operations.

    Parameters
    ----------
    z_pre : Tensor of shape (n_samples, width)
    noise : Tensor of shape (n_corrupted, width)
    beta : Tensor of shape (width,) or None
    gamma : Tensor of shape (width,) or None
    activation : Activation
    parts : BatchParts

    Returns
    -------
    h : Tensor of shape (n_samples, width)
    z_corrupted : Tensor of shape (n_unlabeled, width)
    z_clean : Tensor of shape (n_clean, width)
    mean, std : Tensor of shape (width,)
        Batch statistics of the clean samples; undefined if there are none.
    """

    @staticmethod
    def forward(ctx, z_pre, noise, beta, gamma, activation, parts):
        ctx.activation, ctx.parts = activation, parts
        ctx.set_materialize_grads(False)
        ctx.is_compiled = activation.slope is not None and _kernels.take(
            z_pre, noise, beta, gamma
        )
        if ctx.is_compiled:
            z, h, means, inverse_stds = _kernels.normalize_forward(
                *(z_pre, noise, beta, gamma, activation.slope, parts, EPSILON)
            )
        else:
            z, h, means, inverse_stds = NormalizeAndActivate.by_torch(
                z_pre, noise, beta, gamma, activation, parts
            )
        ctx.save_for_backward(z_pre, z, h, beta, gamma, means, inverse_stds)
        _, z_corrupted, z_clean = z.split(parts)
        return h, z_corrupted, z_clean, means[-1], inverse_stds[-1].reciprocal()

    @staticmethod
    def by_torch(z_pre, noise, beta, gamma, activation, parts):
        z = torch.empty_like(z_pre)
        means, inverse_stds = z_pre.new_empty(2, 3, z_pre.shape[1])
        rows, normalized = z_pre.split(parts), z.split(parts)
        for part in parts.not_empty:
            torch.ops.aten.native_batch_norm.out(
                *(rows[part], None, None, None, None, True, 0.0, EPSILON),
                out=normalized[part],
                save_mean=means[part],
                save_invstd=inverse_stds[part],
            )
        z[: parts.n_corrupted] += noise
        h = activation.function(scale_and_shift(z, beta, gamma))
        return z, h, means, inverse_stds

    @staticmethod
    @once_differentiable
    def backward(ctx, dh, dz_corrupted, dz_clean, dmean, dstd):
        parts = ctx.parts
        if ctx.is_compiled:
            gradients = dh, dz_corrupted, dz_clean, dmean, dstd
            dz_pre, dbeta, dgamma = _kernels.normalize_backward(
                gradients, *ctx.saved_tensors, ctx.activation.slope, parts
            )
            return dz_pre, None, dbeta, dgamma, None, None
        z_pre, z, h, beta, gamma, means, inverse_stds = ctx.saved_tensors
        # h = act(γ (z + β))
        dz = torch.zeros_like(z) if dh is None else ctx.activation.derivative(dh, h)
        dgamma = None
        if gamma is not None:
            dgamma = (dz * (z + beta)).sum(dim=0)
            dz = dz * gamma
        dbeta = None if beta is None else dz.sum(dim=0)
        dz_by_part = dz.split(parts)
        if dz_corrupted is not None:
            dz_by_part[1].add_(dz_corrupted)
        if dz_clean is not None:
            dz_by_part[2].add_(dz_clean)
        # z = (z_pre − μ) / σ, by part
        dz_pre = torch.empty_like(z_pre)
        rows, dz_pre_by_part = z_pre.split(parts), dz_pre.split(parts)
        for part in parts.not_empty:
            derivative = torch.ops.aten.native_batch_norm_backward(
                *(dz_by_part[part], rows[part], None, None, None),
                *(means[part], inverse_stds[part], True, EPSILON, (True, False, False)),
            )
            dz_pre_by_part[part].copy_(derivative[0])
        # μ and σ of the clean samples: dμ/dz_pre = 1/n, dσ/dz_pre = z/n
        if dmean is not None:
            dz_pre_by_part[2].add_(dmean / parts.n_clean)
        if dstd is not None:
            z_clean = z[parts.n_corrupted :]
            dz_pre_by_part[2].addcmul_(z_clean, dstd / parts.n_clean)
        return dz_pre, None, dbeta, dgamma, None, None


def scale_and_shift(z, beta, gamma):
    """γ (z + β) as a new tensor. A layer without β has no γ."""
    if beta is None:
        return z.clone()
    return z + beta if gamma is None else (z + beta) * gamma


class PopulationStatistics(torch.nn.Module):
    """Where a layer keeps the statistics that prediction uses, as buffers.

    Parameters
    ----------
    width : int
        Number of units.
    """

    def __init__(self, width):
        super().__init__()
        self.register_buffer("mean", torch.zeros(width, **FLOAT32_ON_CPU))
        self.register_buffer("std", torch.ones(width, **FLOAT32_ON_CPU))

    @property
    def statistics(self):
        return Statistics(self.mean, self.std)

    def copy(self):
        return Statistics(self.mean.clone(), self.std.clone())

    def forward(self, z_pre):
        return self.statistics.normalize(z_pre)

    def set(self, statistics):
        self.mean.copy_(statistics.mean)
        self.std.copy_(statistics.std)


def pool_statistics(first, second, share):
    """Pool the statistics of two groups of samples.

    Uses the law of total variance.

    Parameters
    ----------
    first, second : Statistics
    share : float
        Share of the samples that are in the first group.

    Returns
    -------
    Statistics
    """
    between = share * (1 - share) * (first.mean - second.mean).square()
    variance = share * first.std.square() + (1 - share) * second.std.square() + between
    mean = share * first.mean + (1 - share) * second.mean
    return Statistics(mean, variance.sqrt())


def statistics_for_prediction(labeled, all_samples, labeled_share, n_members=1):
    """Population statistics of a layer, in which no unit amplifies rounding errors.

    NOTE[DIFF]: the paper measures statistics "over the training set"; the released code
    uses the labeled samples. So does this code, because the supervised cost trains with
    statistics of labeled batches, and class shares may differ among all samples. (Table
    page_blocks, 10 labels per class: accuracy .92 instead of .43.) Unlike the released
    code, it mixes in statistics of all samples if there are very few labels.

    NOTE[DIFF]: a unit that is constant over the labeled samples has standard deviation
    0 and would turn rounding errors into predictions. So its standard deviation is
    at least a tenth of what is typical of the layer over all samples. A unit that is
    constant over all samples is divided by the size of its mean.

    Parameters
    ----------
    labeled, all_samples : Statistics
    labeled_share : float
        Weight of the labeled samples.
    n_members : int, default=1
        Number of members side by side, each with units of its own.

    Returns
    -------
    Statistics
    """
    mean, std = pool_statistics(labeled, all_samples, labeled_share)
    variance = all_samples.std.square().unflatten(0, (n_members, -1))
    typical = variance.mean(dim=1).sqrt().repeat_interleave(variance.shape[1])
    size = all_samples.mean.abs().clamp_min(1.0)
    # EPSILON alone makes a standard deviation of 1e-5
    is_constant = all_samples.std <= (ROUNDING * size).clamp_min(2 * EPSILON**0.5)
    std = std.maximum(LEAST_SHARE_OF_TYPICAL * typical)
    return Statistics(mean, torch.where(is_constant, size, std))
