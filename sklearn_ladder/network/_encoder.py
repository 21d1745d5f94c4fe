"""The encoder of Algorithm 1, run corrupted, clean, and for prediction."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ._layers import ACTIVATIONS, IDENTITY, Dense, EncoderLayer
from ._normalization import RowParts, Statistics, batch_statistics


class CorruptedPass(NamedTuple):
    """Activations of the corrupted encoder."""

    z: list[Tensor]  # z̃ of layers 0 … L, unlabelled rows, each (n_unlabeled, width)
    logits: Tensor  # (n_rows, n_classes), labelled rows first


class CleanPass(NamedTuple):
    """Activations of the clean encoder with batch statistics, up to some layer."""

    z: list[Tensor]  # of layers 0 … top, each (n_rows, width)
    statistics: list[Statistics]  # of layers 1 … top
    h: Tensor  # activation of layer `top`; logits at the class layer


class PredictionPass(NamedTuple):
    """Activations of the clean encoder with population statistics."""

    z: list[Tensor]  # of layers 0 … L, each (n_rows, width)
    logits: Tensor  # (n_rows, n_classes)


class Encoder(nn.Module):
    """The stack of encoder layers 1 … L. Layer 0 is the input itself.

    Parameters
    ----------
    widths : sequence of int
        Units of layers 0 … L: input, hidden layers, classes.
    activation : str
        Of the hidden layers; a name in ``ACTIVATIONS``.
    generator : torch.Generator
        Source of the initial weights.
    labeled_apart : bool, default=True
        Whether labelled rows are normalised by their own batch statistics, as
        published, or by those of the unlabelled rows.
    """

    def __init__(self, widths, activation, generator, labeled_apart=True):
        super().__init__()
        self.labeled_apart = labeled_apart
        activations = [ACTIVATIONS[activation]] * (len(widths) - 2) + [IDENTITY]
        self.layers = nn.ModuleList(
            EncoderLayer(Dense(n_in, n_out, generator), activation)
            for n_in, n_out, activation in zip(
                widths[:-1], widths[1:], activations, strict=True
            )
        )

    def corrupted_and_clean(self, x, n_labeled, noise, top):
        """Corrupted encoder on all rows and clean encoder on the unlabelled ones.

        Both go through each layer's weights in one product, which is faster than two,
        forward and backward.

        Parameters
        ----------
        x : Tensor of shape (n_rows, n_features)
            Labelled rows first.
        n_labeled : int
        noise : list of Tensor
            One per layer 0 … L, each (n_rows, width), scaled.
        top : int
            Number of the highest layer for which the clean pass is needed; -1 if none.

        Returns
        -------
        corrupted : CorruptedPass
        clean : CleanPass
        """
        n_rows, n_unlabeled = len(x), len(x) - n_labeled
        # h̃⁰ = z̃⁰ = x + noise, and h⁰ = z⁰ = x
        h = torch.cat([x, x[n_labeled:]] if top > 0 else [x])
        h[:n_rows] += noise[0]
        z_corrupted, z_clean, statistics = [h[n_labeled:n_rows]], [x[n_labeled:]], []
        labeled_apart = self.labeled_apart or n_unlabeled == 0
        for number, layer in enumerate(self.layers, start=1):
            if number == top + 1:
                h = h[:n_rows]
            n_clean = n_unlabeled if number <= top else 0
            # Algorithm 1: z̃ = batchnorm(W h̃) + noise; h̃ = act(γ (z̃ + β)), and
            # μ, σ = batchmean(W h), batchstd(W h)
            # z = (W h − μ) / σ; h = act(γ (z + β))
            parts = RowParts(n_labeled, n_unlabeled, n_clean, labeled_apart)
            step = layer.step(h, noise[number], parts)
            h = step.h
            z_corrupted.append(step.z_corrupted)
            if n_clean:
                z_clean.append(step.z_clean)
                statistics.append(step.statistics)
        return (
            CorruptedPass(z_corrupted, logits=h[:n_rows]),
            CleanPass(z_clean, statistics, h[n_rows:]),
        )

    def clean(self, x):
        """Clean encoder with batch statistics.

        Parameters
        ----------
        x : Tensor of shape (n_rows, n_features)

        Returns
        -------
        CleanPass
        """
        h = x
        z_clean, statistics = [x], []
        for layer in self.layers:
            z_pre = layer.projection(h)
            statistics.append(batch_statistics(z_pre))
            z_clean.append(statistics[-1].normalize(z_pre))
            h = layer.activate(z_clean[-1])
        return CleanPass(z_clean, statistics, h)

    def forward(self, x):
        """Clean encoder with population statistics, as prediction needs it."""
        h = x
        z = [x]
        for layer in self.layers:
            z.append(layer.population(layer.projection(h)))
            h = layer.activate(z[-1])
        return PredictionPass(z, logits=h)

    def hidden(self, x):
        """Top hidden representation with population statistics."""
        z = self(x).z[-2]
        return self.layers[-2].activate(z) if len(self.layers) > 1 else z
