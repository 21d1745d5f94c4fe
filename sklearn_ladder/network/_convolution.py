"""Convolutional layers, and the transposed convolutions of the decoder."""

import math
from dataclasses import dataclass, replace
from typing import Literal, Self

import torch
from torch import nn
from torch.nn import functional as F

from ._products import product_by_member
from ._shapes import (
    FLOAT32_ON_CPU,
    LayerSpecification,
    Shape,
    as_table,
    check_counts,
)

# Number of zeros on each side of the map, given the size of the kernel.
PADDINGS = {
    "valid": lambda kernel: 0,
    "same": lambda kernel: (kernel - 1) // 2,
    "full": lambda kernel: kernel - 1,
}
# torch's convolution is optimized for small kernels. For larger ones, it is faster to
# extract patches and multiply matrices: 12 times for the published 26 × 26 kernel on
# CPU, in both directions.
LARGEST_DIRECT_KERNEL = 11


@dataclass(frozen=True)
class Conv(LayerSpecification):
    """Convolutional layer.

    Parameters
    ----------
    channels : int or None
        Number of filters. None means the number of classes.
    kernel : int
        Height and width of the filters.
    padding : {"valid", "same", "full"}, default="valid"
        Where filters are applied. "valid": only where they lie within the map. "same":
        so that a stride of 1 keeps the size of the map; needs an odd kernel. "full":
        wherever they overlap the map.
    stride : int, default=1
        Distance between the positions at which filters are applied.

    Raises
    ------
    ValueError
        If a parameter has an invalid value.
    """

    channels: int | None
    kernel: int
    padding: Literal["valid", "same", "full"] = "valid"
    stride: int = 1

    def __post_init__(self):
        if self.channels is not None:
            check_counts(self, "channels")
        check_counts(self, "kernel", "stride")
        if self.padding not in PADDINGS:
            raise ValueError(
                f"padding must be one of {list(PADDINGS)}; got {self.padding!r}."
            )
        if self.padding == "same" and self.kernel % 2 == 0:
            raise ValueError(
                f"padding 'same' must have an odd kernel; got {self.kernel}."
            )

    @property
    def n_zeros(self) -> int:
        """Number of zeros on each side of the map."""
        return PADDINGS[self.padding](self.kernel)

    def for_classes(self, n_classes: int) -> Self:
        return self if self.channels is not None else replace(self, channels=n_classes)

    def out_shape(self, in_shape: Shape) -> Shape:
        _, height, width = in_shape
        if min(height, width) + 2 * self.n_zeros < self.kernel:
            raise ValueError(
                f"the map must be at least as large as the kernel ({self.kernel}); got "
                f"{height} × {width}, padding {self.padding!r}."
            )
        return Shape(
            self.channels,  # type: ignore[arg-type]  # after `for_classes`
            *(
                (size + 2 * self.n_zeros - self.kernel) // self.stride + 1
                for size in (height, width)
            ),
        )

    def projection(
        self, in_shape: Shape, generator: torch.Generator, n_members: int = 1
    ) -> nn.Module:
        return Convolution(
            self,
            in_shape.side_by_side(n_members),
            self.out_shape(in_shape).side_by_side(n_members),
            generator,
            n_members,
        )


def initial_filters(shape, fan_in, generator):
    """Filters, drawn uniformly from ±√(3/fan_in)."""
    uniform = 2 * torch.rand(shape, generator=generator, **FLOAT32_ON_CPU) - 1
    return nn.Parameter(uniform * math.sqrt(3 / fan_in))


def _is_direct(kernel):
    # ONNX has no patches
    return kernel <= LARGEST_DIRECT_KERNEL or torch.compiler.is_compiling()


class Convolution(nn.Module):
    """Convolution without bias, since batch normalization would remove it.

    As usual in deep learning, filters are not mirrored.

    Parameters
    ----------
    specification : Conv
    in_shape, out_shape : Shape
        Shapes of the input and output, for all ensemble members together.
    generator : torch.Generator
        Source of the initial weights, on the CPU.
    n_members : int, default=1
        Number of ensemble members.
    """

    def __init__(self, specification, in_shape, out_shape, generator, n_members=1):
        super().__init__()
        self.specification = specification
        self.in_shape, self.out_shape = in_shape, out_shape
        self.n_members = n_members
        n_in, kernel = in_shape.channels // n_members, specification.kernel
        self.weight = initial_filters(
            (out_shape.channels, n_in, kernel, kernel), n_in * kernel**2, generator
        )

    def forward(self, h, scale=None, shift=None):
        maps, weight = self.in_shape.maps(h), self.weight
        if scale is not None:
            weight = weight * scale[:, None, None, None]
        size = {
            "stride": self.specification.stride,
            "padding": self.specification.n_zeros,
        }
        if _is_direct(self.specification.kernel):
            maps = F.conv2d(maps, weight, shift, groups=self.n_members, **size)
            return as_table(maps)
        # (n_samples, units per patch, n_positions)
        patches = F.unfold(maps, self.specification.kernel, **size)
        patches = patches.transpose(1, 2).flatten(0, 1)
        return product_by_member(patches, weight.flatten(1), self.n_members, shift)

    def normalize_weight(self):
        """Scale the filter of each channel to L2 norm 1, in place."""
        self.weight /= torch.linalg.vector_norm(
            self.weight, dim=(1, 2, 3), keepdim=True
        )

    def way_down(self, generator):
        """Make the transposed convolution from the output back to the input."""
        return TransposedConvolution(
            self.specification,
            self.out_shape,
            self.in_shape,
            generator,
            self.n_members,
        )


class TransposedConvolution(nn.Module):
    """The transpose of a convolution, with its own weights.

    Parameters
    ----------
    specification : Conv
        Specification of the convolution.
    in_shape, out_shape : Shape
        Shapes of the convolution's output and input, for all ensemble members together.
    generator : torch.Generator
        Source of the initial weights, on the CPU.
    n_members : int, default=1
        Number of ensemble members.
    """

    def __init__(self, specification, in_shape, out_shape, generator, n_members=1):
        super().__init__()
        self.specification = specification
        self.in_shape, self.out_shape = in_shape, out_shape
        self.n_members = n_members
        n_in, n_out = (s.channels // n_members for s in (in_shape, out_shape))
        kernel = specification.kernel
        self.weight = initial_filters(
            (in_shape.channels, n_out, kernel, kernel), n_in * kernel**2, generator
        )

    def forward(self, signal):
        kernel, stride = self.specification.kernel, self.specification.stride
        n_zeros = self.specification.n_zeros
        if _is_direct(kernel):
            # Rows and columns at the bottom and right that the stride did not reach.
            left_over = [
                (size + 2 * n_zeros - kernel) % stride for size in self.out_shape[1:]
            ]
            maps = F.conv_transpose2d(
                self.in_shape.maps(signal),
                self.weight,
                stride=stride,
                padding=n_zeros,
                output_padding=left_over,
                groups=self.n_members,
            )
        else:
            # (n_members · units per patch, channels per member)
            weight = self.weight.flatten(1).unflatten(0, (self.n_members, -1)).mT
            patches = product_by_member(signal, weight.flatten(0, 1), self.n_members)
            patches = patches.unflatten(0, (-1, self.in_shape.n_positions)).transpose(
                1, 2
            )
            maps = F.fold(
                patches, self.out_shape[1:], kernel, stride=stride, padding=n_zeros
            )
        return as_table(maps)

    def normalize_weight(self):
        """Scale the incoming weights of each channel to L2 norm 1, in place."""
        weight = self.weight.unflatten(0, (self.n_members, -1))
        weight /= torch.linalg.vector_norm(weight, dim=(1, 3, 4), keepdim=True)
