"""Fully connected layers."""

import math
from dataclasses import dataclass, replace

import torch
from torch import nn
from torch.nn import functional as F

from ._shapes import LayerSpecification, Shape, check_count


@dataclass(frozen=True)
class Dense(LayerSpecification):
    """Fully connected layer. On top of maps it takes all of their sites.

    Parameters
    ----------
    width : int, default=None
        Number of units; None, for the class layer, takes the number of classes.

    Raises
    ------
    ValueError
        If `width` is not positive.
    """

    width: int | None = None

    def __post_init__(self):
        if self.width is not None:
            check_count("width", self.width)

    def for_classes(self, n_classes):
        return self if self.width is not None else replace(self, width=n_classes)

    def out_shape(self, in_shape):
        return Shape(self.width)

    def projection(self, in_shape, generator):
        return DenseProjection(in_shape, self.out_shape(in_shape), generator)


class DenseProjection(nn.Module):
    """Fully connected map without bias (batch normalisation would remove it).

    Weights start normal with standard deviation 1/√(units of the input).

    Parameters
    ----------
    in_shape, out_shape : Shape
    generator : torch.Generator
        Source of the initial weights, on the CPU.
    """

    def __init__(self, in_shape, out_shape, generator):
        super().__init__()
        self.in_shape, self.out_shape = in_shape, out_shape
        weight = torch.randn(out_shape.n_units, in_shape.n_units, generator=generator)
        self.weight = nn.Parameter(weight / math.sqrt(in_shape.n_units))

    def forward(self, h, scale=None, shift=None):
        h = h.reshape(-1, self.in_shape.n_units)  # (n_rows, all units)
        weight = self.weight if scale is None else self.weight * scale[:, None]
        return F.linear(h, weight, shift).view(-1, self.out_shape.channels)

    def way_down(self, generator):
        """A new map from this one's output back to its input (V in the paper)."""
        return DenseProjection(self.out_shape, self.in_shape, generator)
