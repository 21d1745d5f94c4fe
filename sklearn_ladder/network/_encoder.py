"""The encoder of Algorithm 1, run corrupted, clean, and for prediction."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from . import _kernels
from ._layers import ACTIVATIONS, IDENTITY, LINEAR, EncoderLayer
from ._normalization import RowParts, Statistics, batch_statistics
from ._shapes import by_network, layer_shapes


class CorruptedPass(NamedTuple):
    """Activations of the corrupted encoder."""

    z: list[Tensor]  # z̃ of layers 0 … L, unlabelled rows, as tables: see `Shape`
    logits: Tensor  # (n_rows · n_networks, n_classes), labelled rows first


class CleanPass(NamedTuple):
    """Activations of the clean encoder with batch statistics, up to some layer."""

    z: list[Tensor]  # of layers 0 … top, as tables
    statistics: list[Statistics]  # of layers 1 … top
    # (n_rows · n_networks, n_classes) if it went up to the class layer, or else empty
    logits: Tensor


class PopulationPass(NamedTuple):
    """Activations of the clean encoder with population statistics."""

    z: list[Tensor]  # of layers 0 … L, as tables
    logits: Tensor  # (n_rows · n_networks, n_classes)


class Encoder(nn.Module):
    """The stack of encoder layers 1 … L. Layer 0 is the input itself.

    Logits have a line for each network of each row, so that what takes a softmax need
    not know of networks side by side.

    Parameters
    ----------
    input_shape : Shape
        Of layer 0, in a single network.
    specifications : sequence of LayerSpecification
        Of layers 1 … L.
    activation : str
        Of the hidden layers; a name in ``ACTIVATIONS``.
    generator : torch.Generator
        Source of the initial weights.
    n_networks : int, default=1
        Number of networks side by side.
    """

    def __init__(
        self, input_shape, specifications, activation, generator, n_networks=1
    ):
        super().__init__()
        shapes = layer_shapes(input_shape, specifications)
        self.n_networks = n_networks
        # of all networks side by side
        self.shapes = [shape.side_by_side(n_networks) for shape in shapes]
        self.layers = nn.ModuleList()
        for number, specification in enumerate(specifications, start=1):
            projection = specification.projection(
                shapes[number - 1], generator, n_networks
            )
            if number == len(specifications):
                of_classes = IDENTITY if specification.has_gamma else LINEAR
                layer = EncoderLayer(projection, of_classes)
            elif specification.has_activation:
                layer = EncoderLayer(projection, ACTIVATIONS[activation])
            else:
                layer = EncoderLayer(projection, LINEAR, has_beta=False)
            self.layers.append(layer)

    def corrupted_and_clean(self, x, n_labeled, noise, top):
        """Corrupted encoder on all rows and clean encoder on the unlabelled ones.

        Both go through each layer's weights in one product, which is faster than two,
        forward and backward.

        Parameters
        ----------
        x : Tensor of shape (n_rows, n_networks · n_columns)
            Labelled rows first.
        n_labeled : int
        noise : list of Tensor
            One per layer 0 … L, as tables, scaled.
        top : int
            Number of the highest layer for which the clean pass is needed; -1 if none.

        Returns
        -------
        corrupted : CorruptedPass
        clean : CleanPass
        """
        n_rows, n_unlabeled = len(x), len(x) - n_labeled
        z_unlabeled = self.shapes[0].table(x[n_labeled:])
        # h̃⁰ = z̃⁰ = x + noise, and h⁰ = z⁰ = x
        x = self.shapes[0].table(x)
        h = torch.cat([x, z_unlabeled] if top > 0 else [x])
        h[: len(x)] += noise[0]
        z_corrupted = [h[len(x) - len(z_unlabeled) : len(x)]]
        z_clean, statistics = [z_unlabeled], []
        for number, layer in enumerate(self.layers, start=1):
            if number == top + 1:
                h = h[: n_rows * self.shapes[top].n_sites]
            n_clean = n_unlabeled if number <= top else 0
            # Algorithm 1: z̃ = batchnorm(W h̃) + noise; h̃ = act(γ (z̃ + β)), and
            # μ, σ = batchmean(W h), batchstd(W h)
            # z = (W h − μ) / σ; h = act(γ (z + β))
            parts = RowParts(n_labeled, n_unlabeled, n_clean)
            step = layer.step(h, noise[number], parts)
            h = step.h
            z_corrupted.append(step.z_corrupted)
            if n_clean:
                z_clean.append(step.z_clean)
                statistics.append(step.statistics)
        return (
            CorruptedPass(z_corrupted, self._logits(h[:n_rows])),
            CleanPass(z_clean, statistics, self._logits(h[n_rows:])),
        )

    def draw_noise(self, n_rows, noise_std, generator, lowest=0):
        """Scaled Gaussian noise for each layer from `lowest` up.

        Parameters
        ----------
        n_rows : int
        noise_std : sequence of float
            For layers 0 … L.
        generator : torch.Generator
        lowest : int, default=0

        Returns
        -------
        list of Tensor
            As tables, each (n_rows · n_sites, channels).
        """
        of_rows = {"dtype": torch.float32, "device": generator.device}
        noise = [
            torch.empty(n_rows * shape.n_sites, shape.channels, **of_rows)
            for shape in self.shapes[lowest:]
        ]
        if _kernels.take(*noise):
            _kernels.fill_normal(noise, noise_std[lowest:], generator)
        else:
            for of_layer, std in zip(noise, noise_std[lowest:], strict=True):
                of_layer.normal_(std=std, generator=generator)
        return noise

    def activate(self, number, z):
        """Activation h of a layer, given its z; of the input, z itself."""
        return self.layers[number - 1].activate(z) if number > 0 else z

    def logits_above(self, number, z, noise):
        """Logits of corrupted rows, given what they are at some layer.

        NOTE[DIFF]: the released code of virtual adversarial ladders hands z to the next
        layer's weights as it is, with neither β nor activation.

        Parameters
        ----------
        number : int
            Of the layer.
        z : Tensor
            z of that layer, before its noise, as a table.
        noise : list of Tensor
            For that layer and each above.

        Returns
        -------
        Tensor of shape (n_rows · n_networks, n_classes)
        """
        parts = RowParts(0, len(z) // self.shapes[number].n_sites, 0)
        h = self.activate(number, z + noise[0])
        for layer, of_layer in zip(self.layers[number:], noise[1:], strict=True):
            h = layer.step(h, of_layer, parts).h
        return self._logits(h)

    def clean(self, x):
        """Clean encoder with batch statistics.

        Parameters
        ----------
        x : Tensor of shape (n_rows, n_networks · n_columns)

        Returns
        -------
        CleanPass
        """
        h = self.shapes[0].table(x)
        z_clean, statistics = [h], []
        for layer in self.layers:
            z_pre = layer.projection(h)
            statistics.append(batch_statistics(z_pre))
            z_clean.append(statistics[-1].normalize(z_pre))
            h = layer.activate(z_clean[-1])
        return CleanPass(z_clean, statistics, self._logits(h))

    def with_population_statistics(self, x):
        """Clean encoder as the decoder needs it, with z of all layers.

        Returns
        -------
        PopulationPass
        """
        h = self.shapes[0].table(x)
        z = [h]
        for layer in self.layers:
            z.append(layer.population(layer.projection(h)))
            h = layer.activate(z[-1])
        return PopulationPass(z, self._logits(h))

    def forward(self, x):
        """Logits by population statistics: what prediction needs, and no more.

        Returns
        -------
        Tensor of shape (n_rows · n_networks, n_classes)
        """
        h = self.shapes[0].table(x)
        for layer in self.layers:
            h = layer(h)
        return self._logits(h)

    def hidden(self, x):
        """Top hidden representation with population statistics, (n_rows, n_units)."""
        h = self.shapes[0].table(x)
        for layer in self.layers[:-1]:
            h = layer(h)
        return self.shapes[-2].rows(h)

    def _logits(self, h):
        """The class layer's table with a line for each network."""
        return by_network(h, 1, self.n_networks)
