"""The ladder network: encoder run corrupted and clean, and decoder."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ._decoder import Decoder, DecoderPass
from ._dense import Dense
from ._encoder import CleanPass, CorruptedPass, Encoder
from ._normalization import pool_statistics
from ._shapes import Shape

# Passes that bring missing entries near what the decoder makes of them.
IMPUTATION_PASSES = 2


class LadderPass(NamedTuple):
    """All activations of one training step."""

    n_labeled: int
    n_networks: int
    n_denoising: int  # of them, the first ones: those with denoising costs
    corrupted: CorruptedPass
    clean: CleanPass  # unlabelled rows
    decoded: DecoderPass | None  # unlabelled rows; None without a decoder
    # bool, table of the entries of x_unlabeled that are there; None if all are
    observed: Tensor | None
    # logits of unlabelled rows perturbed at a layer, by its number
    perturbed_logits: dict[int, Tensor]

    def of_denoising(self, side_by_side):
        """What the networks with denoising costs have of a tensor's last axis."""
        if self.n_denoising == self.n_networks:
            return side_by_side
        width = side_by_side.shape[-1] // self.n_networks
        return side_by_side[..., : self.n_denoising * width]


class Ladder(nn.Module):
    """Ladder network for classification, or several of them side by side.

    Several are trained on the same rows, each from initial weights and with noise of
    its own. Predictions are means over them.

    Parameters
    ----------
    layers : sequence
        Layers 0 … L. First the shape of the input, a number of features or (channels,
        height, width); then a `LayerSpecification` for each layer, where an int stands
        for a dense layer of that width.
    denoised_layers : sequence of int
        Numbers of the layers with a denoising cost. The decoder ends at the lowest and
        the clean pass at the highest; without any there is neither.
    activation : {"relu", "leaky_relu", "tanh"}, default="relu"
        Activation of the hidden layers.
    noise_std : sequence of float
        Standard deviation of the noise at layers 0 … L.
    combinators : sequence of {"gaussian", "mlp"}, default=None
        Combinators of layers 0 … L; by default Gaussian, as published.
    standardization : callable, default=None
        Makes the module that turns features into the columns of layer 0, on one scale,
        and back by its method ``inverse``; by default they are taken as they are.
    class_bias : array-like of shape (n_classes,), default=None
        Initial β of the class layer; by default 0, as published.
    adversary : VirtualAdversary, default=None
        Perturbs unlabelled rows in training.
    n_networks : int, default=1
        Number of networks side by side.
    n_denoising : int, default=None
        Number of those, the first ones, that have denoising costs; by default all. (The
        others' decoders learn nothing. To leave them out would make little faster.)
    seed : int, default=0
        Determines the initial weights.

    References
    ----------
    Rasmus et al., "Semi-Supervised Learning with Ladder Networks", 2015,
    arXiv:1507.02672.
    """

    def __init__(
        self,
        layers,
        denoised_layers,
        noise_std,
        activation="relu",
        combinators=None,
        standardization=None,
        class_bias=None,
        adversary=None,
        n_networks=1,
        n_denoising=None,
        seed=0,
    ):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.noise_std = tuple(noise_std)
        self.highest_target = max(denoised_layers, default=-1)
        self.adversary = adversary
        self.n_networks = n_networks
        self.n_denoising = n_networks if n_denoising is None else n_denoising
        shape, *layers = layers
        shape = Shape(shape) if isinstance(shape, int) else Shape(*shape)
        layers = [Dense(layer) if isinstance(layer, int) else layer for layer in layers]
        self.encoder = Encoder(shape, layers, activation, generator, n_networks)
        if class_bias is not None:
            class_bias = torch.as_tensor(class_bias, dtype=torch.float32)
            self.encoder.layers[-1].beta.data.copy_(class_bias.repeat(n_networks))
        self.decoder = (
            Decoder(
                self.encoder,
                min(denoised_layers),
                combinators or ["gaussian"] * len(self.shapes),
                generator,
            )
            if len(denoised_layers)
            else None
        )
        self.standardization = None if standardization is None else standardization()
        # How much more frequent classes are than among the labels. NOTE[DIFF]: 1, as
        # published, unless an estimator says otherwise.
        n_classes = self.shapes[-1].channels // n_networks
        self.register_buffer("class_prior_ratio", torch.ones(n_classes))

    @property
    def shapes(self):
        """Shapes of layers 0 … L, of all networks side by side."""
        return self.encoder.shapes

    @property
    def n_units_at_most(self):
        """Units of the largest layer."""
        return max(shape.n_units for shape in self.shapes)

    def standardize(self, x):
        """Columns of layer 0 on one scale, where the network has a standardization."""
        return x if self.standardization is None else self.standardization(x)

    def for_all(self, x):
        """Rows as layer 0 has them: once for each network.

        Parameters
        ----------
        x : Tensor of shape (n_rows, n_columns)
            Standardised.

        Returns
        -------
        Tensor of shape (n_rows, n_networks · n_columns)
        """
        return x if self.n_networks == 1 else x.repeat(1, self.n_networks)

    def proba(self, logits):
        """Class probabilities of the networks, side by side as a table.

        Parameters
        ----------
        logits : Tensor of shape (n_rows · n_networks, n_classes)

        Returns
        -------
        Tensor of shape (n_rows, n_networks · n_classes)
        """
        return logits.softmax(dim=1).view(-1, self.shapes[-1].channels)

    def mean_of_networks(self, outputs, first=None):
        """Mean of what is side by side, shape (n_rows, n_networks · n_units).

        Over the `first` networks; by default over all.
        """
        if self.n_networks == 1:
            return outputs
        return outputs.unflatten(1, (self.n_networks, -1))[:, :first].mean(dim=1)

    def draw_noise(self, n_rows, generator):
        """Noise of the corrupted encoder: see `Encoder.draw_noise`."""
        return self.encoder.draw_noise(n_rows, self.noise_std, generator)

    @torch.no_grad()
    def normalize_weights(self):
        """Bring the weights into each unit or channel to length 1, in place.

        Of the decoder and of all layers but the last, which is the class layer, or a
        pool on top of it as in published convolutional networks. Batch
        normalisation takes the length out again; what it changes is training, in which
        lengths would grow, and the same step turn weights less and less.

        NOTE[DIFF]: the published experiments add weight decay, which with lengths of 1
        acts on the class layer, β, γ and combinators alone; and their combinator is
        another.

        References
        ----------
        Huang et al., "Projection Based Weight Normalization for Deep Neural Networks",
        2017, arXiv:1710.02338.
        """
        maps = [layer.projection for layer in self.encoder.layers[:-1]]
        if self.decoder is not None:
            maps += [layer.way_down for layer in self.decoder.layers.values()]
        for way in maps:
            if hasattr(way, "normalize_weight"):  # pools have none to learn
                way.normalize_weight()

    def training_pass(
        self, x_labeled, x_unlabeled, noise, have_missing=False, generator=None
    ):
        """Activations for one training step: Algorithm 1 of the paper, but its costs.

        - Corrupted encoder, ``Encoder.corrupted_and_clean``, layer by layer in
          ``NormalizeAndActivate``: h̃⁰ = z̃⁰ = x + noise;
          z̃ˡ = batchnorm(W h̃ˡ⁻¹) + noise; h̃ˡ = act(γ (z̃ˡ + β)); P(ỹ | x) = h̃ᴸ.
        - Clean encoder, there as well: h⁰ = z⁰ = x; μˡ, σˡ of W hˡ⁻¹;
          zˡ = batchnorm(W hˡ⁻¹); hˡ = act(γ (zˡ + β)).
        - Decoder, ``Decoder.forward``: uᴸ = batchnorm(h̃ᴸ), uˡ = batchnorm(V ẑˡ⁺¹);
          ẑˡ = g(z̃ˡ, uˡ), ``GaussianCombinator`` or ``MLPCombinator``.
        - Costs, ``ladder_costs``: C = −log P(ỹ = t | x) + Σ λˡ ‖zˡ − ẑˡ_BN‖², where
          ẑˡ_BN = (ẑˡ − μˡ) / σˡ, ``denoising_cost``.

        Parameters
        ----------
        x_labeled : Tensor of shape (n_labeled, n_columns)
            Standardised.
        x_unlabeled : Tensor of shape (n_unlabeled, n_columns)
            Standardised; no rows where no cost needs them.
        noise : list of Tensor
            One per layer, labelled rows first; as drawn by `draw_noise`.
        have_missing : bool, default=False
            Whether there may be NaN in the rows.
        generator : torch.Generator, default=None
            Source of what is random in the adversary, if there is one.

        Returns
        -------
        LadderPass
        """
        n_labeled, observed = len(x_labeled), None
        x = self.for_all(torch.cat([x_labeled, x_unlabeled]))
        if have_missing:
            observed = self.shapes[0].table(~x[n_labeled:].isnan())
            x = self.impute(x)
        if self.adversary is not None and self.adversary.as_noise:
            noise = self.adversary.add_noise(
                self.encoder, x[n_labeled:], noise, generator
            )
        corrupted, clean = self.encoder.corrupted_and_clean(
            x, n_labeled, noise, self.highest_target
        )
        logits = corrupted.logits[n_labeled * self.n_networks :]
        decoded, perturbed_logits = None, {}
        if self.decoder is not None:
            decoded = self.decoder(corrupted.z, self.proba(logits))
        if self.adversary is not None and not self.adversary.as_noise:
            perturbed_logits = self.adversary.perturbed_logits(
                self.encoder, corrupted.z, logits, generator
            )
        return LadderPass(
            n_labeled,
            self.n_networks,
            self.n_denoising,
            corrupted,
            clean,
            decoded,
            observed,
            perturbed_logits,
        )

    @torch.no_grad()
    def impute(self, x, reconstruct=None):
        """Missing entries as the decoder reconstructs them from the others.

        They start at 0, which of standardised features is the mean, and stay there
        without a decoder down to the input.

        Parameters
        ----------
        x : Tensor of shape (n_rows, n_networks · n_columns)
            Rows with NaN, as layer 0 has them.
        reconstruct : callable, default=None
            Takes rows and denoises them. By default with batch statistics.

        Returns
        -------
        Tensor of the shape of `x`
        """
        missing = x.isnan()
        x = x.nan_to_num(nan=0.0)
        if self.decoder is not None and self.decoder.lowest == 0:
            for _ in range(IMPUTATION_PASSES):
                reconstruction = (reconstruct or self._reconstruct_batch)(x)
                x = torch.where(missing, self._by_those_that_learned(reconstruction), x)
        return x

    def _by_those_that_learned(self, reconstruction):
        """Networks without denoising costs take the mean of what the others make."""
        n_others = self.n_networks - self.n_denoising
        if n_others == 0:
            return reconstruction
        mean = self.mean_of_networks(reconstruction, self.n_denoising)
        n_kept = reconstruction.shape[1] - n_others * mean.shape[1]
        return torch.cat([reconstruction[:, :n_kept], mean.repeat(1, n_others)], dim=1)

    def _reconstruct_batch(self, x):
        clean = self.encoder.clean(x)
        decoded = self.decoder(clean.z, self.proba(clean.logits))
        return self.shapes[0].rows(decoded.z_denoised[0])

    def _reconstruct(self, x):
        clean = self.encoder.with_population_statistics(x)
        decoded = self.decoder(
            clean.z,
            self.proba(clean.logits),
            normalize=lambda layer, signal: layer.population(signal),
        )
        return self.shapes[0].rows(decoded.z_denoised[0])

    def _prepare(self, x):
        """Rows to predict as layer 0 has them, and missing entries imputed."""
        x = self.for_all(self.standardize(x))
        return self.impute(x, self._reconstruct) if _have_missing(x) else x

    def forward(self, x):
        """Class probabilities by the clean encoder, shape (n_rows, n_classes)."""
        proba = self.proba(self.encoder(self._prepare(x)))
        proba = self.mean_of_networks(proba) * self.class_prior_ratio
        return proba / proba.sum(dim=1, keepdim=True)

    def hidden(self, x):
        """Top hidden representation, shape (n_rows, n_units), of the first network."""
        hidden = self.encoder.hidden(self._prepare(x))
        return hidden[:, : hidden.shape[1] // self.n_networks]

    def denoise(self, x):
        """Reconstruction of `x` as it is, no noise added, in units of the input."""
        x = self.mean_of_networks(self._reconstruct(self._prepare(x)), self.n_denoising)
        return x if self.standardization is None else self.standardization.inverse(x)

    @torch.no_grad()
    def measure_population(self, parts, share=1.0):
        """Set the statistics that prediction uses, from clean passes over `parts`.

        NOTE[DIFF]: the released code averages the unbiased statistics of batches. These
        are of larger parts, pooled by the law of total variance.

        Parameters
        ----------
        parts : iterable of Tensor of shape (n_rows, n_columns)
            Equally large random parts of the rows by whose statistics predictions go,
            standardised.
        share : float, default=1.0
            Weight of these rows; the rest is left to the statistics there were before.
        """
        layers = list(self.encoder.layers)
        if self.decoder is not None:
            layers += self.decoder.layers.values()
        pooled = []
        for n_before, x in enumerate(parts):
            measured = self._all_statistics(self.for_all(x))
            if n_before:
                of_rest = n_before / (n_before + 1)
                measured = [
                    pool_statistics(rest, part, of_rest)
                    for rest, part in zip(pooled, measured, strict=True)
                ]
            pooled = measured
        for layer, statistics in zip(layers, pooled, strict=True):
            before = layer.population.statistics
            layer.population.set(pool_statistics(before, statistics, 1 - share))

    def _all_statistics(self, x):
        """Batch statistics of all encoder layers, then of all decoder layers."""
        if _have_missing(x):
            x = self.impute(x)
        clean = self.encoder.clean(x)
        if self.decoder is None:
            return clean.statistics
        decoded = self.decoder.measure(clean.z, self.proba(clean.logits))
        return [*clean.statistics, *decoded]


def _have_missing(x):
    """Whether there is NaN in rows. Where there is none, their sum is a faster way."""
    return bool(x.sum().isnan() and x.isnan().any())
