"""Ladder layers: a map up, which knows its own way back down, and what follows it."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from ._normalization import PopulationStatistics

# name -> (function, whether it is positively homogeneous). Where it is, a scale γ could
# be moved into the next layer's weights, so R15 keeps β alone.
ACTIVATIONS = {
    "relu": (torch.relu, True),
    "leaky_relu": (lambda z: F.leaky_relu(z, negative_slope=0.1), True),
    "tanh": (torch.tanh, False),
}


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


class EncoderLayer(nn.Module):
    """Everything of one encoder layer but the normalisation, which differs by pass.

    Parameters
    ----------
    projection : nn.Module
        The map W from the layer below; with ``out_width`` and ``way_down``.
    activation : str or None
        A name in ``ACTIVATIONS``; None at the class layer, whose softmax is taken by
        those who need it.
    """

    def __init__(self, projection, activation):
        super().__init__()
        self.projection = projection
        self.activation = activation
        width = projection.out_width
        self.beta = nn.Parameter(torch.zeros(width))
        scale_free = activation is not None and ACTIVATIONS[activation][1]
        self.gamma = None if scale_free else nn.Parameter(torch.ones(width))
        self.population = PopulationStatistics(width)

    def activate(self, z):
        """Activation, h = act(γ (z + β)); logits at the class layer."""
        h = z + self.beta
        if self.gamma is not None:
            h = self.gamma * h
        return h if self.activation is None else ACTIVATIONS[self.activation][0](h)
