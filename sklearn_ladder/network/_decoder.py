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
    """Activations of the decoder by layer number; empty below its lowest layer."""

    u: dict[int, Tensor]  # signal from the layer above, as a table: see `Shape`
    z_denoised: dict[int, Tensor]  # ẑ, as a table


class DecoderLayer(nn.Module):
    """One layer of the decoder.

    Parameters
    ----------
    width : int
        Number of units, or of channels.
    way_down : nn.Module or None
        The map V from the layer above; None at the class layer, which is fed with the
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
    """Decoder from the class layer L down to the lowest layer that has a cost.

    Parameters
    ----------
    encoder : Encoder
        The encoder to be mirrored.
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
        # decoder layer l needs the way down from encoder layer l + 1 to l
        self.layers = nn.ModuleDict()
        for number in range(self.top, lowest - 1, -1):
            if number == self.top:
                way_down = None
            else:
                way_down = encoder.layers[number].projection.way_down(generator)
            # NOTE[DIFF]: in the released code coefficients and statistics of u are by
            # unit where the layer above is dense. Here maps have one rule. No published
            # network has a dense layer above maps of more than one site.
            width = encoder.shapes[number].channels
            combinator = COMBINATORS[combinators[number]](width, generator)
            self.layers[str(number)] = DecoderLayer(width, way_down, combinator)

    def forward(self, z_corrupted, proba, normalize=None):
        """Denoise every layer.

        Parameters
        ----------
        z_corrupted : list of Tensor
            z̃ of layers 0 … L, unlabelled rows only, as tables.
        proba : Tensor of shape (n_rows, n_classes)
            Softmax output of the corrupted encoder.
        normalize : callable, default=None
            Takes the layer and its signal before normalisation. By default batch
            normalisation.

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
            # Algorithm 1: u = batchnorm(V ẑ), or of h̃ at the top; ẑ = g(z̃, u)
            u[number] = (
                batch_norm(u_pre) if normalize is None else normalize(layer, u_pre)
            )
            z_denoised[number] = layer.combinator(z_corrupted[number], u[number])
        return DecoderPass(u, z_denoised)

    @torch.no_grad()
    def measure(self, z, proba):
        """Batch statistics of every decoder layer, in the order of the pass."""
        statistics = []

        def note(_, signal):
            statistics.append(batch_statistics(signal))
            return statistics[-1].normalize(signal)

        self(z, proba, normalize=note)
        return statistics
