"""Shapes of layers, and how activations of any shape lie in a table."""

from numbers import Integral
from typing import NamedTuple

import torch

# How parameters and buffers are made, whatever torch's default dtype and device are.
FLOAT32_ON_CPU = {"dtype": torch.float32, "device": "cpu"}


class Shape(NamedTuple):
    """Shape of a layer: feature maps, or units as maps of a single site.

    Activations are tables, (n_rows · n_sites, channels): a line for each site of each
    row's maps, a column for each channel. What a dense layer has for each unit (batch
    statistics, β, γ, coefficients of the combinator) a convolutional layer has for each
    channel, so that the same code serves both. In memory such a table is a batch of
    maps with channels last, and neither direction below copies where rows have one
    channel or one site.

    Networks that are trained side by side are one whose channels come in groups, one
    for each network. Only maps between layers, and the softmax, need to know.
    """

    channels: int
    height: int = 1
    width: int = 1

    @property
    def n_sites(self):
        return self.height * self.width

    @property
    def n_units(self):
        return self.channels * self.n_sites

    def side_by_side(self, n_networks):
        """Shape of this layer in so many networks."""
        return self._replace(channels=n_networks * self.channels)

    def maps(self, table):
        """View of a table as maps, (n_rows, channels, height, width)."""
        maps = table.reshape(-1, self.height, self.width, self.channels)
        return maps.permute(0, 3, 1, 2)

    def table(self, rows):
        """Table of rows as users have them: (n_rows, n_units), channel by channel."""
        return as_table(rows.reshape(-1, *self))

    def rows(self, table):
        """The inverse of `table`."""
        return self.maps(table).reshape(-1, self.n_units)

    def __str__(self):
        if self.n_sites == 1:
            return f"{self.channels} units"
        return f"{self.channels} maps of {self.height} × {self.width}"


def as_table(maps):
    """Table of maps of shape (n_rows, channels, height, width)."""
    return maps.permute(0, 2, 3, 1).reshape(-1, maps.shape[1])


def by_network(table, n_sites, n_networks):
    """Table with a line for each network of each row: all units it has there.

    Parameters
    ----------
    table : Tensor of shape (n_rows · n_sites, n_networks · channels)
    n_sites, n_networks : int

    Returns
    -------
    Tensor of shape (n_rows · n_networks, n_sites · channels)
    """
    return _exchange(table, n_sites, n_networks)


def not_by_network(lines, n_sites, n_networks):
    """The inverse of `by_network`."""
    return _exchange(lines, n_networks, n_sites)


def _exchange(table, n_outer, n_inner):
    """(n · outer, inner · m) → (n · inner, outer · m)"""
    if n_outer == 1 or n_inner == 1:  # no copy
        return table.reshape(-1, table.shape[1] * n_outer // n_inner)
    blocks = table.reshape(-1, n_outer, n_inner, table.shape[1] // n_inner)
    return blocks.transpose(1, 2).flatten(2).flatten(0, 1)


class LayerSpecification:
    """What a user says of a layer. Subclasses are frozen dataclasses."""

    # whether an activation function follows; one that has none has no β either
    has_activation = True
    # whether there is a scale γ if this is the class layer
    has_gamma = True

    def for_classes(self, n_classes):
        """The same with what is left to the number of classes filled in."""
        return self

    def out_shape(self, in_shape):
        """Shape of the layer on top of one of `in_shape`.

        Raises
        ------
        ValueError
            If it does not fit there.
        """
        raise NotImplementedError

    def projection(self, in_shape, generator, n_networks=1):
        """A new map W from the layer below, with initial weights.

        Parameters
        ----------
        in_shape : Shape
            Of the layer below in a single network.
        generator : torch.Generator
            Source of the initial weights, on the CPU.
        n_networks : int, default=1
            Number of networks side by side.

        Returns
        -------
        nn.Module
            Maps tables to tables. ``forward(h, scale=None, shift=None)`` then scales
            and shifts each channel, at no cost where that folds into weights. Has
            ``in_shape``, ``out_shape``, and the method ``way_down(generator)`` for a
            new map back from this one's output to its input (V in the paper).
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
        If a layer does not fit on the one below.
    """
    shapes = [input_shape]
    for number, specification in enumerate(specifications, start=1):
        try:
            shapes.append(specification.out_shape(shapes[-1]))
        except ValueError as error:
            raise ValueError(f"layer {number}, {specification}: {error}") from None
    return shapes


def check_count(name, value):
    """Refuse what is no positive integer."""
    if not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} must be a positive integer; got {value!r}.")
