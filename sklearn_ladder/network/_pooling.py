"""Pooling layers, and their counterparts in the decoder."""

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from ._shapes import LayerSpecification, Shape, as_table, check_counts


@dataclass(frozen=True)
class MaxPool(LayerSpecification):
    """Maximum of each window of each map. Windows do not overlap.

    Parameters
    ----------
    size : int
        Height and width of the windows.
    keep_border : bool, default=False
        Whether to keep windows that the border cuts off. If False, the map must divide
        into whole windows.

    Raises
    ------
    ValueError
        If `size` is not positive.
    """

    size: int
    keep_border: bool = False

    has_activation = False

    def __post_init__(self):
        check_counts(self, "size")

    def out_shape(self, in_shape: Shape) -> Shape:
        channels, height, width = in_shape
        if not self.keep_border and (height % self.size or width % self.size):
            raise ValueError(
                f"the map must divide into windows of {self.size} × {self.size}, "
                f"unless keep_border=True; got {height} × {width}."
            )
        return Shape(channels, -(-height // self.size), -(-width // self.size))

    def projection(
        self, in_shape: Shape, generator: torch.Generator, n_members: int = 1
    ) -> nn.Module:
        in_shape = in_shape.side_by_side(n_members)
        return MaxPooling(self.size, in_shape, self.out_shape(in_shape))


@dataclass(frozen=True)
class MeanPool(LayerSpecification):
    """Mean of each map: one unit per channel.

    Parameters
    ----------
    has_gamma : bool, default=True
        Whether this layer has a scale γ before the softmax if it is the class layer.
    """

    has_gamma: bool = True

    has_activation = False

    def out_shape(self, in_shape: Shape) -> Shape:
        return Shape(in_shape.channels)

    def projection(
        self, in_shape: Shape, generator: torch.Generator, n_members: int = 1
    ) -> nn.Module:
        return MeanPooling(in_shape.side_by_side(n_members))


class MaxPooling(nn.Module):
    """Maximum over windows.

    Parameters
    ----------
    size : int
        Height and width of the windows.
    in_shape, out_shape : Shape
    """

    def __init__(self, size, in_shape, out_shape):
        super().__init__()
        self.size = size
        self.in_shape, self.out_shape = in_shape, out_shape

    def forward(self, h, scale=None, shift=None):
        maps = self.in_shape.maps(h)
        pooled = as_table(F.max_pool2d(maps, self.size, ceil_mode=True))
        return pooled if scale is None else torch.addcmul(shift, pooled, scale)

    def way_down(self, generator):
        """Make the map that copies each value to all positions of its window."""
        return Copying(self.size, self.out_shape, self.in_shape)


class Copying(nn.Module):
    """Copies each value to all positions of its window. Follows a max-pool back down.

    Parameters
    ----------
    size : int
        Height and width of the windows.
    in_shape, out_shape : Shape
        Shapes of the max-pool's output and input.
    """

    def __init__(self, size, in_shape, out_shape):
        super().__init__()
        self.size = size
        self.in_shape, self.out_shape = in_shape, out_shape

    def forward(self, signal):
        maps = F.interpolate(self.in_shape.maps(signal), scale_factor=self.size)
        # Windows that the border cuts off have fewer positions.
        return as_table(maps[..., : self.out_shape.height, : self.out_shape.width])


class MeanPooling(nn.Module):
    """Mean over all positions of a map, scaled by √(3 n_positions).

    This is the published scale, "in_width·√3". It gives the output the variance that a
    convolution would have.

    Parameters
    ----------
    in_shape : Shape
    """

    def __init__(self, in_shape):
        super().__init__()
        self.in_shape, self.out_shape = in_shape, Shape(in_shape.channels)

    @property
    def weight(self):
        """Weight of each position in the sum."""
        return math.sqrt(3 / self.in_shape.n_positions)

    def forward(self, h, scale=None, shift=None):
        # (n_samples, n_positions, channels)
        by_sample = h.reshape(-1, self.in_shape.n_positions, self.in_shape.channels)
        pooled = by_sample.sum(dim=1) * self.weight
        return pooled if scale is None else torch.addcmul(shift, pooled, scale)

    def way_down(self, generator):
        """Make the transpose. It has no parameters either."""
        return Spreading(self)


class Spreading(nn.Module):
    """The transpose of a mean-pool: copies each value to all positions, weighted.

    Parameters
    ----------
    pooling : MeanPooling
    """

    def __init__(self, pooling):
        super().__init__()
        self.in_shape, self.out_shape = pooling.out_shape, pooling.in_shape
        self.weight = pooling.weight

    def forward(self, signal):
        return (signal * self.weight).repeat_interleave(
            self.out_shape.n_positions, dim=0
        )
