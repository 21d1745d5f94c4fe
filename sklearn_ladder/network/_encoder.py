"""The encoder of Algorithm 1, run corrupted, clean, and for prediction."""

from typing import NamedTuple

from torch import Tensor, nn

from ._layers import Dense, EncoderLayer
from ._normalization import Statistics, batch_norm_halves, batch_statistics


class EncoderPass(NamedTuple):
    """Activations of the corrupted encoder, or of the clean one that predicts."""

    z: list[Tensor]  # z̃ or z of layers 0 … L, each (n_rows, width)
    logits: Tensor  # (n_rows, n_classes)


class CleanPass(NamedTuple):
    """Activations of the clean encoder with batch statistics, up to some layer."""

    z: list[Tensor]  # of layers 0 … top, each (n_rows, width)
    statistics: list[Statistics]  # of layers 1 … top
    h: Tensor  # activation of layer `top`; logits at the class layer


class Encoder(nn.Module):
    """The stack of encoder layers 1 … L. Layer 0 is the input itself.

    Parameters
    ----------
    widths : sequence of int
        Units of layers 0 … L: input, hidden layers, classes.
    activation : str
        Of the hidden layers.
    generator : torch.Generator
        Source of the initial weights.
    """

    def __init__(self, widths, activation, generator):
        super().__init__()
        activations = [activation] * (len(widths) - 2) + [None]
        self.layers = nn.ModuleList(
            EncoderLayer(Dense(n_in, n_out, generator), name)
            for n_in, n_out, name in zip(
                widths[:-1], widths[1:], activations, strict=True
            )
        )

    def corrupted(self, x, n_labeled, noise):
        """Corrupted encoder, the two halves of the rows normalised apart.

        Parameters
        ----------
        x : Tensor of shape (n_rows, n_features)
            Labelled rows first.
        n_labeled : int
        noise : list of Tensor
            One per layer 0 … L, each (n_rows, width), scaled.
        """
        h = x + noise[0]  # h̃⁰ = z̃⁰ = x + noise
        z_corrupted = [h]
        for layer, layer_noise in zip(self.layers, noise[1:], strict=True):
            # Algorithm 1: z̃ = batchnorm(W h̃) + noise; h̃ = act(γ (z̃ + β))
            z_pre = layer.projection(h)
            z = batch_norm_halves(z_pre, n_labeled) + layer_noise
            h = layer.activate(z)
            z_corrupted.append(z)
        return EncoderPass(z_corrupted, logits=h)

    def clean(self, x, top=None):
        """Clean encoder with batch statistics, up to layer `top` (the class layer).

        Parameters
        ----------
        x : Tensor of shape (n_rows, n_features)
        top : int, default=None
            Number of the highest layer needed; by default L.
        """
        h = x
        z_clean, statistics = [x], []
        for layer in self.layers[:top]:
            # Algorithm 1: z_pre = W h; μ, σ = batchmean, batchstd; z = batchnorm(z_pre)
            z_pre = layer.projection(h)
            statistics.append(batch_statistics(z_pre))
            z = statistics[-1].normalize(z_pre)
            h = layer.activate(z)
            z_clean.append(z)
        return CleanPass(z_clean, statistics, h)

    def forward(self, x):
        """Clean encoder with population statistics, as prediction needs it."""
        h = x
        z_clean = [x]
        for layer in self.layers:
            z = layer.population(layer.projection(h))
            h = layer.activate(z)
            z_clean.append(z)
        return EncoderPass(z_clean, logits=h)

    def hidden(self, x):
        """Top hidden representation with population statistics."""
        z = self(x).z[-2]
        return self.layers[-2].activate(z) if len(self.layers) > 1 else z
