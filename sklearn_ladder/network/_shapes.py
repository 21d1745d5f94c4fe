"""Shapes of layers, and the tables that hold activations of any shape."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from typing import Self

# Parameters and buffers ignore torch's default dtype and device.
FLOAT32_ON_CPU = {"dtype": torch.float32, "device": "cpu"}


class Shape(NamedTuple):
    """Shape of a layer: feature maps. A dense unit is a map with one position.

    Activations are stored as tables of shape (n_samples · n_positions, channels): one
    row per spatial position of each sample, one column per channel. A dense layer has
    batch statistics, β, γ and combinator coefficients per unit. A convolutional layer
    has them per channel. The table lets the same code serve both.

    In memory, a table is a batch of maps with channels last. Conversion in either
    direction copies nothing if samples have one channel or one position.

    The members of an ensemble are trained side by side, as one network whose channels
    come in groups, one group per member. Only the maps between layers and the softmax
    depend on the number of members.
    """

    channels: int
    height: int = 1
    width: int = 1

    @property
    def n_positions(self):
        return self.height * self.width

    @property
    def n_units(self):
        return self.channels * self.n_positions

    def side_by_side(self, n_members):
        """Shape of this layer for an ensemble of `n_members` members."""
        return self._replace(channels=n_members * self.channels)

    def maps(self, table):
        """View a table as maps of shape (n_samples, channels, height, width)."""
        maps = table.reshape(-1, self.height, self.width, self.channels)
        return maps.permute(0, 3, 1, 2)

    def table(self, samples):
        """Table from samples of shape (n_samples, n_units), channel by channel."""
        return as_table(samples.reshape(-1, *self))

    def samples(self, table):
        """Samples of shape (n_samples, n_units): the inverse of `table`."""
        return self.maps(table).reshape(-1, self.n_units)

    def __str__(self):
        if self.n_positions == 1:
            return f"{self.channels} units"
        return f"{self.channels} maps of {self.height} × {self.width}"


def as_table(maps):
    """Table from maps of shape (n_samples, channels, height, width)."""
    return maps.permute(0, 2, 3, 1).reshape(-1, maps.shape[1])


def by_member(table, n_positions, n_members):
    """Regroup a table: one row per sample and ensemble member, with all its units.

    Parameters
    ----------
    table : Tensor of shape (n_samples · n_positions, n_members · channels)
    n_positions : int
        Number of spatial positions.
    n_members : int
        Number of ensemble members.

    Returns
    -------
    Tensor of shape (n_samples · n_members, n_positions · channels)
    """
    return _exchange(table, n_positions, n_members)


def not_by_member(table, n_positions, n_members):
    """The inverse of `by_member`."""
    return _exchange(table, n_members, n_positions)


def _exchange(table, n_outer, n_inner):
    """(n · outer, inner · m) → (n · inner, outer · m)"""
    if n_outer == 1 or n_inner == 1:  # no copy
        return table.reshape(-1, table.shape[1] * n_outer // n_inner)
    blocks = table.reshape(-1, n_outer, n_inner, table.shape[1] // n_inner)
    return blocks.transpose(1, 2).flatten(2).flatten(0, 1)


class LayerSpecification:
    """Description of a layer, as users give it. Subclasses are frozen dataclasses."""

    # Whether an activation function follows. A layer without one has no β either.
    has_activation = True
    # Whether the layer has a scale γ if it is the class layer.
    has_gamma = True

    def for_classes(self, n_classes: int) -> Self:
        """The same layer, with None replaced by the number of classes."""
        return self

    def out_shape(self, in_shape: Shape) -> Shape:
        """Shape of this layer on top of a layer of shape `in_shape`.

        Raises
        ------
        ValueError
            If this layer does not fit there.
        """
        raise NotImplementedError

    def projection(
        self, in_shape: Shape, generator: torch.Generator, n_members: int = 1
    ) -> torch.nn.Module:
        """Make the map W from the layer below, with initial weights.

        Parameters
        ----------
        in_shape : Shape
            Shape of the layer below, for one ensemble member.
        generator : torch.Generator
            Source of the initial weights, on the CPU.
        n_members : int, default=1
            Number of ensemble members.

        Returns
        -------
        nn.Module
            Maps tables to tables. ``forward(h, scale=None, shift=None)`` also scales
            and shifts each channel of the output. Maps with weights fold the scale and
            shift into them at no cost. Attributes are ``in_shape`` and ``out_shape``.
            The method ``way_down(generator)`` makes the decoder's map from the output
            back to the input (V in the paper).
        """
        raise NotImplementedError


def layer_shapes(input_shape, specifications):
    """Shapes of layers 0 … L.

    Parameters
    ----------
    input_shape : Shape
    specifications : sequence of LayerSpecification

    Returns
    -------
    list of Shape

    Raises
    ------
    ValueError
        If a layer does not fit on the layer below.
    """
    shapes = [input_shape]
    for number, specification in enumerate(specifications, start=1):
        try:
            shapes.append(specification.out_shape(shapes[-1]))
        except ValueError as error:
            raise ValueError(f"layer {number}, {specification}: {error}") from None
    return shapes


def check_counts(specification, *names):
    """Raise a ValueError unless these attributes are positive integers.

    Those of NumPy become Python's: small ones would overflow in products.
    """
    for name in names:
        value = getattr(specification, name)
        if not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{name} must be a positive integer; got {value!r}.")
        object.__setattr__(specification, name, int(value))  # it is frozen
