"""The decoder of Algorithm 1: denoises every layer from the class layer down."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ._combinators import COMBINATORS
from ._normalization import (
    PopulationStatistics,
    batch_norm,
    batch_statistics,
)


class DecoderPass(NamedTuple):
    """Activations of the decoder. Keys are layer numbers, from the lowest to L."""

    u: dict[int, Tensor]  # signal from the layer above, as a table (see `Shape`)
    z_denoised: dict[int, Tensor]  # ẑ, as a table


class DecoderLayer(nn.Module):
    """One layer of the decoder.

    Parameters
    ----------
    width : int
        Number of units, or of channels.
    way_down : nn.Module or None
        The map V from the layer above. None at the class layer, whose input is the
        softmax output.
    combinator : nn.Module
        The function g.
    """

    def __init__(self, width, way_down, combinator):
        super().__init__()
        self.way_down = way_down
        self.combinator = combinator
        self.population = PopulationStatistics(width)


class Decoder(nn.Module):
    """Decoder from the class layer L down to the lowest layer with a denoising cost.

    Parameters
    ----------
    encoder : Encoder
        The encoder that the decoder mirrors.
    lowest : int
        Number of the lowest layer to denoise: 0 for the full ladder, L for the Γ-model.
    combinators : sequence of str
        Keys of `COMBINATORS` for layers 0 … L.
    generator : torch.Generator
        Source of the initial weights.
    """

    def __init__(self, encoder, lowest, combinators, generator):
        super().__init__()
        self.lowest = lowest
        self.top = len(encoder.layers)
        # Decoder layer l needs the map from encoder layer l + 1 down to l.
        self.layers = nn.ModuleDict()
        for number in range(self.top, lowest - 1, -1):
            if number == self.top:
                way_down = None
            else:
                way_down = encoder.layers[number].projection.way_down(generator)
            # NOTE[DIFF]: coefficients and statistics of u are always per channel. In
            # the released code they are per unit if the layer above is dense. The rule
            # gives the same in all published networks: none has a dense layer above
            # maps with more than one position.
            width = encoder.shapes[number].channels
            combinator = COMBINATORS[combinators[number]](width, generator)
            self.layers[str(number)] = DecoderLayer(width, way_down, combinator)

    def forward(self, z_corrupted, proba, normalize=None):
        """Denoise every layer.

        Parameters
        ----------
        z_corrupted : list of Tensor
            z̃ of layers 0 … L, unlabeled samples only, as tables.
        proba : Tensor of shape (n_samples, n_members · n_classes)
            Softmax output of the corrupted encoder.
        normalize : callable, default=None
            Called with a decoder layer and its signal. Returns the normalized signal.
            By default, the signal is normalized by its batch statistics.

        Returns
        -------
        DecoderPass
        """
        u, z_denoised = {}, {}
        u_pre = proba
        for number in range(self.top, self.lowest - 1, -1):
            layer = self.layers[str(number)]
            if layer.way_down is not None:
                u_pre = layer.way_down(z_denoised[number + 1])  # V ẑ
            # Algorithm 1: u = batchnorm(V ẑ), at the top u = batchnorm(h̃); ẑ = g(z̃, u)
            u[number] = (
                batch_norm(u_pre) if normalize is None else normalize(layer, u_pre)
            )
            z_denoised[number] = layer.combinator(z_corrupted[number], u[number])
        return DecoderPass(u, z_denoised)

    @torch.no_grad()
    def measure(self, z, proba):
        """Batch statistics of u at every decoder layer, from the top down."""
        statistics = []

        def record_and_normalize(_, signal):
            statistics.append(batch_statistics(signal))
            return statistics[-1].normalize(signal)

        self(z, proba, normalize=record_and_normalize)
        return statistics
