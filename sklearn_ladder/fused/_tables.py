"""Memory of a step: activations and their derivatives, layer by layer, all 0."""

from dataclasses import dataclass, replace

import torch

from ..network._shapes import FLOAT32_ON_CPU


def tables(widths, n_rows):
    """One table per layer. `n_rows` is a number, or one for each layer."""
    if isinstance(n_rows, int):
        n_rows = [n_rows] * len(widths)
    return [
        torch.zeros(n, width, **FLOAT32_ON_CPU)
        for n, width in zip(n_rows, widths, strict=True)
    ]


def vectors(widths, *shape):
    """One vector per layer, or several."""
    return [torch.zeros(*shape, width, **FLOAT32_ON_CPU) for width in widths]


@dataclass
class EncoderTables:
    """Memory of an encoder pass, for each of layers 0 … L.

    Rows are labeled, unlabeled and clean samples, in this order; see `BatchParts`.
    """

    noise: list  # of corrupted samples
    z_pre: list
    z: list
    h: list
    dz_pre: list
    dh: list
    means: list  # of shape (3, width): one for each part
    inverse_stds: list
    std: list  # of clean samples, as `dmean` and `dstd`
    dmean: list
    dstd: list

    @classmethod
    def allocate(cls, widths, n_rows, n_corrupted):
        z_pre, z, h, dz_pre, dh = (tables(widths, n_rows) for _ in range(5))
        z[0] = h[0]
        return cls(
            tables(widths, n_corrupted),
            *(z_pre, z, h, dz_pre, dh),
            *(vectors(widths, 3), vectors(widths, 3)),
            *(vectors(widths) for _ in range(3)),
        )

    def first_rows(self, n_rows, h_0):
        """The same memory for a pass without noise on another input, `h_0`."""
        z_pre, z, h = ([t[:n_rows] for t in ts] for ts in (self.z_pre, self.z, self.h))
        return replace(self, z_pre=z_pre, z=[h_0, *z[1:]], h=[h_0, *h[1:]])


@dataclass
class DecoderTables:
    """Memory of a decoder pass, for each of layers 0 … L."""

    u_pre: list  # of the class layer: class probabilities
    u: list
    z_denoised: list
    du_pre: list
    du: list
    dz_denoised: list
    dz_corrupted: list
    dz_clean: list
    means: list  # of shape (3, width); the second is that of u
    inverse_stds: list

    @classmethod
    def allocate(cls, widths, n_rows):
        return cls(
            *(tables(widths, n_rows) for _ in range(8)),
            *(vectors(widths, 3) for _ in range(2)),
        )
