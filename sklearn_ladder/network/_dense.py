"""Fully connected layers."""

import math
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import nn

from ._products import product_by_member
from ._shapes import (
    FLOAT32_ON_CPU,
    LayerSpecification,
    Shape,
    by_member,
    check_counts,
    not_by_member,
)


@dataclass(frozen=True)
class Dense(LayerSpecification):
    """Fully connected layer. On top of maps, it reads all of their positions.

    Parameters
    ----------
    width : int, default=None
        Number of units. None, for the class layer, means the number of classes.

    Raises
    ------
    ValueError
        If `width` is not positive.
    """

    width: int | None = None

    def __post_init__(self):
        if self.width is not None:
            check_counts(self, "width")

    def for_classes(self, n_classes: int) -> Self:
        return self if self.width is not None else replace(self, width=n_classes)

    def out_shape(self, in_shape: Shape) -> Shape:
        return Shape(self.width)  # type: ignore[arg-type]  # after `for_classes`

    def projection(
        self, in_shape: Shape, generator: torch.Generator, n_members: int = 1
    ) -> nn.Module:
        return DenseProjection(
            in_shape.side_by_side(n_members),
            self.out_shape(in_shape).side_by_side(n_members),
            generator,
            n_members,
        )


class DenseProjection(nn.Module):
    """Fully connected map without bias, since batch normalization would remove it.

    Initial weights are normal with standard deviation 1/√(number of input units).

    Parameters
    ----------
    in_shape, out_shape : Shape
        Shapes of the input and output, for all ensemble members together.
    generator : torch.Generator
        Source of the initial weights, on the CPU.
    n_members : int, default=1
        Number of ensemble members.
    """

    def __init__(self, in_shape, out_shape, generator, n_members=1):
        super().__init__()
        self.in_shape, self.out_shape = in_shape, out_shape
        self.n_members = n_members
        n_in = in_shape.n_units // n_members
        weight = torch.randn(
            out_shape.n_units, n_in, generator=generator, **FLOAT32_ON_CPU
        )
        self.weight = nn.Parameter(weight / math.sqrt(n_in))

    def forward(self, h, scale=None, shift=None):
        # (n_samples, units of all members), member by member
        h = by_member(h, self.in_shape.n_positions, self.n_members)
        h = h.view(-1, self.in_shape.n_units)
        weight = self.weight if scale is None else self.weight * scale[:, None]
        out = product_by_member(h, weight, self.n_members, shift)
        out = out.reshape(-1, self.out_shape.n_units // self.n_members)
        return not_by_member(out, self.out_shape.n_positions, self.n_members)

    def normalize_weight(self):
        """Scale the incoming weights of each unit to L2 norm 1, in place."""
        self.weight /= torch.linalg.vector_norm(self.weight, dim=1, keepdim=True)

    def way_down(self, generator):
        """Make the map from the output back to the input (V in the paper)."""
        return DenseProjection(self.out_shape, self.in_shape, generator, self.n_members)
