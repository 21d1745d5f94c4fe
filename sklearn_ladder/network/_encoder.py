"""The encoder of Algorithm 1: corrupted, clean, and for prediction."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from . import _kernels
from ._layers import ACTIVATIONS, IDENTITY, LINEAR, EncoderLayer
from ._normalization import BatchParts, Statistics, batch_statistics
from ._shapes import by_member, layer_shapes


class CorruptedPass(NamedTuple):
    """Activations of the corrupted encoder."""

    z: list[Tensor]  # z̃ of layers 0 … L, unlabeled samples, as tables (see `Shape`)
    logits: Tensor  # (n_samples · n_members, n_classes), labeled samples first


class CleanPass(NamedTuple):
    """Activations of the clean encoder with batch statistics, up to layer `top`."""

    z: list[Tensor]  # z of layers 0 … top, as tables
    statistics: list[Statistics]  # batch statistics of layers 1 … top
    # (n_samples · n_members, n_classes); empty if `top` is below the class layer
    logits: Tensor


class PopulationPass(NamedTuple):
    """Activations of the clean encoder with population statistics."""

    z: list[Tensor]  # z of layers 0 … L, as tables
    logits: Tensor  # (n_samples · n_members, n_classes)


class Encoder(nn.Module):
    """The stack of encoder layers 1 … L. Layer 0 is the input.

    Logits have one row per sample and ensemble member. Code that applies a softmax
    therefore needs no number of members.

    Parameters
    ----------
    input_shape : Shape
        Shape of layer 0, for one ensemble member.
    specifications : sequence of LayerSpecification
        Layers 1 … L.
    activation : str
        Activation function of the hidden layers: a key of ``ACTIVATIONS``.
    generator : torch.Generator
        Source of the initial weights.
    n_members : int, default=1
        Number of ensemble members.
    has_classes : bool, default=True
        Whether layer L is a class layer, with β and γ. The code of an autoencoder has
        neither: batch normalization in the decoder would cancel them.
    """

    def __init__(
        self,
        input_shape,
        specifications,
        activation,
        generator,
        n_members=1,
        has_classes=True,
    ):
        super().__init__()
        shapes = layer_shapes(input_shape, specifications)
        self.n_members = n_members
        # Shapes for all members together.
        self.shapes = [shape.side_by_side(n_members) for shape in shapes]
        self.layers = nn.ModuleList()
        for number, specification in enumerate(specifications, start=1):
            projection = specification.projection(
                shapes[number - 1], generator, n_members
            )
            is_top = number == len(specifications)
            if is_top and has_classes:
                activation_at_top = IDENTITY if specification.has_gamma else LINEAR
                layer = EncoderLayer(projection, activation_at_top)
            elif specification.has_activation and not is_top:
                layer = EncoderLayer(projection, ACTIVATIONS[activation])
            else:
                layer = EncoderLayer(projection, LINEAR, has_beta=False)
            self.layers.append(layer)

    def corrupted_and_clean(self, x, n_labeled, noise, top):
        """Run the corrupted encoder on all samples, the clean one on unlabeled samples.

        Both encoders share one product with the weights of each layer. One product is
        faster than two, forward and backward.

        Parameters
        ----------
        x : Tensor of shape (n_samples, n_members · n_columns)
            Labeled samples first.
        n_labeled : int
            Number of labeled samples.
        noise : list of Tensor
            Scaled noise of layers 0 … L, as tables.
        top : int
            Highest layer that needs a clean pass; -1 if none does.

        Returns
        -------
        corrupted : CorruptedPass
        clean : CleanPass
        """
        n_samples, n_unlabeled = len(x), len(x) - n_labeled
        z_unlabeled = self.shapes[0].table(x[n_labeled:])
        # h̃⁰ = z̃⁰ = x + noise, and h⁰ = z⁰ = x
        x = self.shapes[0].table(x)
        h = torch.cat([x, z_unlabeled] if top > 0 else [x])
        h[: len(x)] += noise[0]
        z_corrupted = [h[len(x) - len(z_unlabeled) : len(x)]]
        z_clean, statistics = [z_unlabeled], []
        for number, layer in enumerate(self.layers, start=1):
            if number == top + 1:
                h = h[: n_samples * self.shapes[top].n_positions]
            n_clean = n_unlabeled if number <= top else 0
            # Algorithm 1: z̃ = batchnorm(W h̃) + noise; h̃ = act(γ (z̃ + β)), and
            # μ, σ = batchmean(W h), batchstd(W h)
            # z = (W h − μ) / σ; h = act(γ (z + β))
            parts = BatchParts(n_labeled, n_unlabeled, n_clean)
            step = layer.step(h, noise[number], parts)
            h = step.h
            z_corrupted.append(step.z_corrupted)
            if n_clean:
                z_clean.append(step.z_clean)
                statistics.append(step.statistics)
        return (
            CorruptedPass(z_corrupted, self._logits(h[:n_samples])),
            CleanPass(z_clean, statistics, self._logits(h[n_samples:])),
        )

    def draw_noise(self, n_samples, noise_std, generator, lowest=0):
        """Draw scaled Gaussian noise for layers `lowest` … L.

        Parameters
        ----------
        n_samples : int
            Number of samples.
        noise_std : sequence of float
            Standard deviations at layers 0 … L.
        generator : torch.Generator
        lowest : int, default=0

        Returns
        -------
        list of Tensor
            Tables, each of shape (n_samples · n_positions, channels).
        """
        options = {"dtype": torch.float32, "device": generator.device}
        noise = [
            torch.empty(n_samples * shape.n_positions, shape.channels, **options)
            for shape in self.shapes[lowest:]
        ]
        _kernels.fill_normal(noise, noise_std[lowest:], generator)
        return noise

    def activate(self, number, z):
        """Activation h of a layer, given its z. At the input, h = z."""
        return self.layers[number - 1].activate(z) if number > 0 else z

    def logits_above(self, number, z, noise):
        """Run the corrupted encoder from a layer upwards, and return the logits.

        NOTE[DIFF]: in LVAN-LW, the released code passes z to the next layer's weights
        directly, without β and activation. So it searches a perturbation for another
        network than the encoder. Here z passes through the rest of its layer first.

        Parameters
        ----------
        number : int
            Number of the layer.
        z : Tensor
            z of that layer before noise, as a table.
        noise : list of Tensor
            Noise of that layer and of each layer above.

        Returns
        -------
        Tensor of shape (n_samples · n_members, n_classes)
        """
        parts = BatchParts(0, len(z) // self.shapes[number].n_positions, 0)
        h = self.activate(number, z + noise[0])
        for layer, layer_noise in zip(self.layers[number:], noise[1:], strict=True):
            h = layer.step(h, layer_noise, parts).h
        return self._logits(h)

    def clean(self, x):
        """Run the clean encoder with batch statistics.

        Parameters
        ----------
        x : Tensor of shape (n_samples, n_members · n_columns)

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
        """Run the clean encoder with population statistics, and keep z of all layers.

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
        """Logits for prediction, computed with population statistics.

        Returns
        -------
        Tensor of shape (n_samples · n_members, n_classes)
        """
        h = self.shapes[0].table(x)
        for layer in self.layers:
            h = layer(h)
        return self._logits(h)

    def hidden(self, x):
        """Activation of the top hidden layer, shape (n_samples, n_units).

        Uses population statistics.
        """
        h = self.shapes[0].table(x)
        for layer in self.layers[:-1]:
            h = layer(h)
        return self.shapes[-2].samples(h)

    def _logits(self, h):
        """The class layer's table with one row per sample and ensemble member."""
        return by_member(h, 1, self.n_members)
