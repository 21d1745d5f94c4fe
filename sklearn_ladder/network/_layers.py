"""Encoder layers: a map up, normalisation, noise and activation."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ._normalization import (
    NormalizeAndActivate,
    PopulationStatistics,
    Statistics,
    scale_and_shift,
)

LEAKY_SLOPE = 0.1


class Activation(NamedTuple):
    """An activation function h = act(a), applied to each unit."""

    # in place of its argument
    function: Callable
    # Takes dcost/dh and h; returns dcost/da, in a tensor of its own.
    derivative: Callable
    # Where act(γ a) = γ act(a) for γ > 0, a scale γ could be moved into the next
    # layer's weights, so the paper keeps β alone.
    is_homogeneous: bool
    # Where act(a) = a for a > 0, and else slope · a; None of others.
    slope: float | None = None


def _relu_derivative(dh, h):
    return torch.ops.aten.threshold_backward(dh, h, 0)


def _leaky_relu(a):
    return F.leaky_relu(a, LEAKY_SLOPE, inplace=True)


def _leaky_relu_derivative(dh, h):
    # True: by the sign of h, which is that of a
    return torch.ops.aten.leaky_relu_backward(dh, h, LEAKY_SLOPE, True)


def _tanh_derivative(dh, h):
    return torch.ops.aten.tanh_backward(dh, h)


def _identity(a):
    return a


def _identity_derivative(dh, h):
    return dh.clone()


# Functions with names, so that networks pickle.
ACTIVATIONS = {
    "relu": Activation(torch.relu_, _relu_derivative, True, slope=0.0),
    "leaky_relu": Activation(
        _leaky_relu, _leaky_relu_derivative, True, slope=LEAKY_SLOPE
    ),
    "tanh": Activation(torch.tanh_, _tanh_derivative, False),
}
# The class layer: has a scale γ; its softmax is taken by those who need it.
IDENTITY = Activation(_identity, _identity_derivative, False, slope=1.0)
# No activation, and no scale γ.
LINEAR = Activation(_identity, _identity_derivative, True, slope=1.0)


class LayerStep(NamedTuple):
    """What a layer makes of the rows of a training step. Tables: see `Shape`."""

    h: Tensor  # activation of all rows; logits at the class layer
    z_corrupted: Tensor  # z̃ of the unlabelled rows
    z_clean: Tensor  # z of the clean rows
    statistics: Statistics  # batch mean and standard deviation of the clean rows


class EncoderLayer(nn.Module):
    """One encoder layer: map, normalisation, activation.

    Parameters
    ----------
    projection : nn.Module
        The map W from the layer below: see `LayerSpecification.projection`.
    activation : Activation
    has_beta : bool, default=True
        Whether there is a shift β before the activation.
    """

    def __init__(self, projection, activation, has_beta=True):
        super().__init__()
        self.projection = projection
        self.activation = activation
        width = projection.out_shape.channels
        self.beta = nn.Parameter(torch.zeros(width)) if has_beta else None
        self.gamma = (
            None if activation.is_homogeneous else nn.Parameter(torch.ones(width))
        )
        self.population = PopulationStatistics(width)

    def step(self, h, noise, parts):
        """Corrupted and clean rows, each part normalised by its own statistics.

        Parameters
        ----------
        h : Tensor
            Activation of the layer below, as a table.
        noise : Tensor
            Of the corrupted rows, as a table.
        parts : RowParts

        Returns
        -------
        LayerStep
        """
        h, z_corrupted, z_clean, mean, std = NormalizeAndActivate.apply(
            self.projection(h),
            noise,
            self.beta,
            self.gamma,
            self.activation,
            parts.times(self.projection.out_shape.n_sites),
        )
        return LayerStep(h, z_corrupted, z_clean, Statistics(mean, std))

    def forward(self, h):
        """Activation by population statistics, with these folded into the map.

        γ ((W h − μ)/σ + β) = (γ/σ) W h + γ (β − μ/σ)
        """
        mean, std = self.population.statistics
        gamma = 1.0 if self.gamma is None else self.gamma
        beta = 0.0 if self.beta is None else self.beta
        scale, shift = gamma / std, gamma * (beta - mean / std)
        return self.activation.function(self.projection(h, scale, shift))

    def activate(self, z):
        """Activation, h = act(γ (z + β)); logits at the class layer."""
        return self.activation.function(scale_and_shift(z, self.beta, self.gamma))
