"""Encoder layers: map from the layer below, normalization, noise, activation."""

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
from ._shapes import FLOAT32_ON_CPU

LEAKY_SLOPE = 0.1


class Activation(NamedTuple):
    """An activation function h = act(a), applied to each unit."""

    # May overwrite its argument.
    function: Callable
    # Takes dcost/dh and h. Returns dcost/da in a new tensor.
    derivative: Callable
    # Whether act(γ a) = γ act(a) for γ > 0. The next layer's weights can then absorb
    # the scale γ, so the paper has only β.
    is_homogeneous: bool
    # Where act(a) = a for a > 0, and else slope · a; None of others.
    slope: float | None = None


def _relu_derivative(dh, h):
    return torch.ops.aten.threshold_backward(dh, h, 0)


def _leaky_relu(a):
    return F.leaky_relu(a, LEAKY_SLOPE, inplace=True)


def _leaky_relu_derivative(dh, h):
    # True: h takes the place of a, since both have the same sign.
    return torch.ops.aten.leaky_relu_backward(dh, h, LEAKY_SLOPE, True)


def _tanh_derivative(dh, h):
    return torch.ops.aten.tanh_backward(dh, h)


def _identity(a):
    return a


def _identity_derivative(dh, h):
    return dh.clone()


# Named functions, since pickle cannot store lambdas.
ACTIVATIONS = {
    "relu": Activation(torch.relu_, _relu_derivative, True, slope=0.0),
    "leaky_relu": Activation(
        _leaky_relu, _leaky_relu_derivative, True, slope=LEAKY_SLOPE
    ),
    "tanh": Activation(torch.tanh_, _tanh_derivative, False),
}
# For the class layer: it has a scale γ. Callers apply the softmax.
IDENTITY = Activation(_identity, _identity_derivative, False, slope=1.0)
# Neither activation function nor scale γ.
LINEAR = Activation(_identity, _identity_derivative, True, slope=1.0)


class LayerStep(NamedTuple):
    """Output of a layer in a training step, as tables (see `Shape`)."""

    h: Tensor  # activation of all samples; logits at the class layer
    z_corrupted: Tensor  # z̃ of the unlabeled samples
    z_clean: Tensor  # z of the clean samples
    statistics: Statistics  # batch mean and standard deviation of the clean samples


class EncoderLayer(nn.Module):
    """One encoder layer: map, normalization, activation.

    Parameters
    ----------
    projection : nn.Module
        The map W from the layer below (see `LayerSpecification.projection`).
    activation : Activation
    has_beta : bool, default=True
        Whether the layer adds a shift β before the activation.
    """

    def __init__(self, projection, activation, has_beta=True):
        super().__init__()
        self.projection = projection
        self.activation = activation
        width = projection.out_shape.channels
        self.beta = (
            nn.Parameter(torch.zeros(width, **FLOAT32_ON_CPU)) if has_beta else None
        )
        self.gamma = (
            None
            if activation.is_homogeneous
            else nn.Parameter(torch.ones(width, **FLOAT32_ON_CPU))
        )
        self.population = PopulationStatistics(width)

    def step(self, h, noise, parts):
        """Apply the layer to the corrupted and clean samples of a training step.

        Each of the parts is normalized by its own statistics.

        Parameters
        ----------
        h : Tensor
            Activation of the layer below, as a table.
        noise : Tensor
            Noise of the corrupted samples, as a table.
        parts : BatchParts
            Numbers of samples that are normalized together.

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
            parts.times(self.projection.out_shape.n_positions),
        )
        return LayerStep(h, z_corrupted, z_clean, Statistics(mean, std))

    def forward(self, h):
        """Activation for prediction. Population statistics are folded into the map:

        γ ((W h − μ)/σ + β) = (γ/σ) W h + γ (β − μ/σ)
        """
        mean, std = self.population.statistics
        gamma = 1.0 if self.gamma is None else self.gamma
        beta = 0.0 if self.beta is None else self.beta
        scale, shift = gamma / std, gamma * (beta - mean / std)
        return self.activation.function(self.projection(h, scale, shift))

    def activate(self, z):
        """Activation h = act(γ (z + β)). At the class layer, h are the logits."""
        return self.activation.function(scale_and_shift(z, self.beta, self.gamma))
