"""Ladder layers: a map up, which knows its own way back down, and what follows it."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ._normalization import (
    NormalizeAndActivate,
    PopulationStatistics,
    Statistics,
)

LEAKY_SLOPE = 0.1


class Activation(NamedTuple):
    """An activation function h = act(a), applied to each unit."""

    function: Callable
    # Takes dcost/dh and h; returns dcost/da, in a tensor of its own.
    derivative: Callable
    # Where act(γ a) = γ act(a) for γ > 0, a scale γ could be moved into the next
    # layer's weights, so R15 keeps β alone.
    is_homogeneous: bool


def _relu_derivative(dh, h):
    return torch.ops.aten.threshold_backward(dh, h, 0)


def _leaky_relu(a):
    return F.leaky_relu(a, LEAKY_SLOPE)


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
    "relu": Activation(torch.relu, _relu_derivative, is_homogeneous=True),
    "leaky_relu": Activation(_leaky_relu, _leaky_relu_derivative, is_homogeneous=True),
    "tanh": Activation(torch.tanh, _tanh_derivative, is_homogeneous=False),
}
# The class layer: has a scale γ; its softmax is taken by those who need it.
IDENTITY = Activation(_identity, _identity_derivative, is_homogeneous=False)


class Dense(nn.Module):
    """Fully connected map without bias (batch normalisation would remove it).

    Weights start normal with standard deviation 1/√in_width.

    Parameters
    ----------
    in_width, out_width : int
    generator : torch.Generator
        Source of the initial weights, on the CPU.
    """

    def __init__(self, in_width, out_width, generator):
        super().__init__()
        self.in_width, self.out_width = in_width, out_width
        weight = torch.randn(out_width, in_width, generator=generator)
        self.weight = nn.Parameter(weight / math.sqrt(in_width))

    def forward(self, h):
        return F.linear(h, self.weight)  # (n_rows, out_width)

    def way_down(self, generator):
        """A new map from this one's output back to its input (V in the paper)."""
        return Dense(self.out_width, self.in_width, generator)


class LayerStep(NamedTuple):
    """What a layer makes of the rows of a training step."""

    h: Tensor  # (n_rows, width), activation of all rows; logits at the class layer
    z_corrupted: Tensor  # z̃, (n_unlabeled, width)
    z_clean: Tensor  # z, (n_clean, width)
    statistics: Statistics  # batch mean and standard deviation of the clean rows


class EncoderLayer(nn.Module):
    """One encoder layer: map, normalisation, activation.

    Parameters
    ----------
    projection : nn.Module
        The map W from the layer below; with ``out_width`` and ``way_down``.
    activation : Activation
    """

    def __init__(self, projection, activation):
        super().__init__()
        self.projection = projection
        self.activation = activation
        width = projection.out_width
        self.beta = nn.Parameter(torch.zeros(width))
        self.gamma = (
            None if activation.is_homogeneous else nn.Parameter(torch.ones(width))
        )
        self.population = PopulationStatistics(width)

    def step(self, h, noise, parts):
        """Corrupted and clean rows, each part normalised by its own statistics.

        Parameters
        ----------
        h : Tensor of shape (n_rows, in_width)
            Activation of the layer below.
        noise : Tensor of shape (n_corrupted, width)
        parts : RowParts

        Returns
        -------
        LayerStep
        """
        h, z_corrupted, z_clean, mean, std = NormalizeAndActivate.apply(
            self.projection(h), noise, self.beta, self.gamma, self.activation, parts
        )
        return LayerStep(h, z_corrupted, z_clean, Statistics(mean, std))

    def activate(self, z):
        """Activation, h = act(γ (z + β)); logits at the class layer."""
        h = z + self.beta
        if self.gamma is not None:
            h = self.gamma * h
        return self.activation.function(h)
