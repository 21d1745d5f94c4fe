"""The ladder network: encoder run corrupted and clean, and decoder.

Rasmus et al., "Semi-Supervised Learning with Ladder Networks", 2015, arXiv:1507.02672.
"""

import torch
from torch import nn

from ._decoder import Decoder
from ._dense import Dense
from ._encoder import Encoder
from ._ladder_pass import LadderPass
from ._linear import LinearMember
from ._population import has_nan, population_of_layers, set_population
from ._projection import Projection
from ._shapes import FLOAT32_ON_CPU, Shape

# Number of times that the decoder reconstructs missing entries.
IMPUTATION_PASSES = 2
# Bound of normalized signals in the decoder, when a population normalizes them. In a
# batch of n values, none is beyond √(n − 1).
LARGEST_SIGNAL = 100.0


class Ladder(nn.Module):
    """Ladder network for classification, or an ensemble of them side by side.

    Without classes it is an autoencoder, whose layer L is the code.

    Members of an ensemble are trained on the same batches, each from its own initial
    weights and with its own noise. Predictions are means over the members.

    Parameters
    ----------
    layers : sequence
        Layers 0 … L. First the shape of the input, a number of features or (channels,
        height, width); then a `LayerSpecification` for each layer. An int stands for a
        dense layer of that width.
    denoised_layers : sequence of int
        Numbers of the layers with a denoising cost. The decoder ends at the lowest of
        them and the clean pass at the highest. If there is none, the network has
        neither.
    noise_std : sequence of float
        Standard deviation of the noise at layers 0 … L.
    activation : {"relu", "leaky_relu", "tanh"}, default="relu"
        Activation of the hidden layers.
    combinators : sequence of {"gaussian", "mlp", "mlp-identity"}, default=None
        Combinators of layers 0 … L; by default Gaussian, as published.
    feature_scaling : callable, default=None
        Makes the module that turns features into the columns of layer 0, and back by
        its method ``inverse``. By default, columns are the features.
    input_range : array-like of shape (2, n_columns), default=None
        Least and largest value of each column. Imputed values stay between them.
    class_bias : array-like of shape (n_classes,), default=None
        Initial β of the class layer; by default 0, as published.
    n_members : int, default=1
        Number of members.
    n_denoising : int, default=None
        Number of members with denoising costs, the first ones; by default all. (The
        decoders of the others learn nothing. Leaving them out would save little time.)
    has_linear_member : bool, default=False
        Whether a `LinearMember` votes, too.
    has_classes : bool, default=True
        Whether layer L has one unit per class, and a softmax.
    seed : int, default=0
        Determines the initial weights.
    """

    def __init__(
        self,
        layers,
        denoised_layers,
        noise_std,
        activation="relu",
        combinators=None,
        feature_scaling=None,
        input_range=None,
        class_bias=None,
        n_members=1,
        n_denoising=None,
        has_linear_member=False,
        has_classes=True,
        seed=0,
    ):
        super().__init__()
        generator = torch.Generator("cpu").manual_seed(seed)
        self.noise_std = tuple(noise_std)
        self.has_classes = has_classes
        self.highest_target = max(denoised_layers, default=-1)
        self.n_members = n_members
        self.n_denoising = n_members if n_denoising is None else n_denoising
        shape, *layers = layers
        shape = Shape(shape) if isinstance(shape, int) else Shape(*shape)
        layers = [Dense(layer) if isinstance(layer, int) else layer for layer in layers]
        self.encoder = Encoder(
            shape, layers, activation, generator, n_members, has_classes
        )
        if class_bias is not None:
            class_bias = _float32(class_bias)
            self.encoder.layers[-1].beta.data.copy_(class_bias.repeat(n_members))
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
        self.feature_scaling = None if feature_scaling is None else feature_scaling()
        n_classes = self.shapes[-1].channels // n_members
        self.linear = (
            LinearMember(shape.n_units, n_classes) if has_linear_member else None
        )
        if input_range is not None:
            input_range = self.for_all(_float32(input_range))
        self.register_buffer("input_range", input_range)
        # Class prior divided by the class shares of the labels. NOTE[DIFF]: 1, as
        # published, unless the estimator sets it: labels are often collected class by
        # class, and then their shares are not those of the samples.
        ratio = torch.ones(n_classes, **FLOAT32_ON_CPU)
        self.register_buffer("class_prior_ratio", ratio)

    @property
    def shapes(self):
        """Shapes of layers 0 … L, of all members side by side."""
        return self.encoder.shapes

    @property
    def width_at_most(self):
        """Number of units of the largest layer, or of features if these are more."""
        if isinstance(self.feature_scaling, Projection):
            return max(self.layer_width, len(self.feature_scaling.matrix))
        return self.layer_width

    @property
    def layer_width(self):
        """Number of units of the largest layer."""
        return max(shape.n_units for shape in self.shapes)

    def scale(self, x):
        """Columns of layer 0 from features."""
        return x if self.feature_scaling is None else self.feature_scaling(x)

    def for_all(self, x):
        """Repeat columns for each member: shape (n_samples, n_members · n_columns)."""
        return x if self.n_members == 1 else x.repeat(1, self.n_members)

    def proba(self, logits):
        """Class probabilities of the members, (n_samples, n_members · n_classes).

        Without classes, the code itself: h of Algorithm 1 has no softmax then.
        """
        h = logits.softmax(dim=1) if self.has_classes else logits
        return h.view(-1, self.shapes[-1].channels)

    def mean_of_members(self, outputs, first=None):
        """Mean over members of a table of shape (n_samples, n_members · n_units).

        Over the `first` members; by default over all.
        """
        if self.n_members == 1:
            return outputs
        return outputs.unflatten(1, (self.n_members, -1))[:, :first].mean(dim=1)

    def draw_noise(self, n_samples, generator):
        """Noise of the corrupted encoder: see `Encoder.draw_noise`."""
        return self.encoder.draw_noise(n_samples, self.noise_std, generator)

    @torch.no_grad()
    def normalize_weights(self):
        """Scale the weights into each unit or channel to length 1, in place.

        After Huang et al., "Projection Based Weight Normalization", arXiv:1710.02338.

        This applies to all layers of encoder and decoder except the class layer. Batch
        normalization cancels the length, so outputs stay the same. Training changes:
        otherwise lengths would grow, and steps would turn the weights less and less.

        NOTE[DIFF]: the published experiments add weight decay, which for weights of
        length 1 would act on the class layer, β, γ and combinators only. They
        also use another combinator.
        """
        maps = [layer.projection for layer in self.encoder.layers[:-1]]
        if self.decoder is not None:
            maps += [layer.way_down for layer in self.decoder.layers.values()]
        for projection in maps:
            if hasattr(projection, "normalize_weight"):  # pools have no weights
                projection.normalize_weight()

    def training_pass(
        self,
        x_labeled,
        x_unlabeled,
        noise,
        have_missing=False,
        adversary=None,
        generator=None,
    ):
        """Activations of one training step: Algorithm 1 of the paper without costs.

        - Corrupted encoder, ``Encoder.corrupted_and_clean``, layer by layer in
          ``NormalizeAndActivate``: h̃⁰ = z̃⁰ = x + noise;
          z̃ˡ = batchnorm(W h̃ˡ⁻¹) + noise; h̃ˡ = act(γ (z̃ˡ + β)); P(ỹ | x) = h̃ᴸ.
        - Clean encoder, in the same functions: h⁰ = z⁰ = x; μˡ, σˡ of W hˡ⁻¹;
          zˡ = batchnorm(W hˡ⁻¹); hˡ = act(γ (zˡ + β)).
        - Decoder, ``Decoder.forward``: uᴸ = batchnorm(h̃ᴸ), uˡ = batchnorm(V ẑˡ⁺¹);
          ẑˡ = g(z̃ˡ, uˡ), ``GaussianCombinator`` or ``MLPCombinator``.
        - Costs, ``ladder_costs``: C = −log P(ỹ = t | x) + Σ λˡ · mean of
          (zˡ − ẑˡ_BN)² over samples and units, where ẑˡ_BN = (ẑˡ − μˡ) / σˡ,
          ``denoising_error``, and ẑ⁰_BN = ẑ⁰, ``denoising_error_at_input``.

        Parameters
        ----------
        x_labeled : Tensor of shape (n_labeled, n_columns)
            Scaled.
        x_unlabeled : Tensor of shape (n_unlabeled, n_columns)
            Scaled; no samples if no cost needs them.
        noise : list of Tensor
            One per layer, labeled samples first; as drawn by `draw_noise`.
        have_missing : bool, default=False
            Whether there may be NaN in the samples.
        adversary : Adversary, default=None
            Perturbs the unlabeled samples.
        generator : torch.Generator, default=None
            Source of the adversary's random numbers.

        Returns
        -------
        LadderPass
        """
        n_labeled, observed = len(x_labeled), None
        x = self.for_all(torch.cat([x_labeled, x_unlabeled]))
        if have_missing:
            observed = self.shapes[0].table(~x[n_labeled:].isnan())
            x = self.impute(x)
        if adversary is not None and adversary.as_noise:
            noise = adversary.add_noise(self.encoder, x[n_labeled:], noise, generator)
        corrupted, clean = self.encoder.corrupted_and_clean(
            x, n_labeled, noise, self.highest_target
        )
        logits = corrupted.logits[n_labeled * self.n_members :]
        decoded, perturbed_logits = None, {}
        if self.decoder is not None:
            decoded = self.decoder(corrupted.z, self.proba(logits))
        if adversary is not None and not adversary.as_noise:
            perturbed_logits = adversary.perturbed_logits(
                self.encoder, corrupted.z, logits, generator
            )
        return LadderPass(
            n_labeled,
            self.n_members,
            self.n_denoising,
            corrupted,
            clean,
            decoded,
            observed,
            perturbed_logits,
        )

    def check_decodes(self, denoising_costs):
        """Raise if a layer with a cost is not denoised: a callback may change costs."""
        lowest = len(self.shapes) if self.decoder is None else self.decoder.lowest
        denoised = range(lowest, self.highest_target + 1)
        for layer, cost in enumerate(denoising_costs):
            if cost != 0 and layer not in denoised:
                raise ValueError(
                    "A layer can have a denoising cost if it is not below or above all "
                    f"that had one at the start of training ({list(denoised)}); got "
                    f"{float(cost)} at layer {layer}."
                )

    @torch.no_grad()
    def impute(self, x, reconstruct=None):
        """Replace missing entries by the decoder's reconstruction from the others.

        NOTE[DIFF]: the paper has no missing values.

        Missing entries start at 0, the mean of scaled features. They stay at 0 if the
        decoder does not reach the input. Imputed values never leave `input_range`.

        Parameters
        ----------
        x : Tensor of shape (n_samples, n_members · n_columns)
            Columns of layer 0 with NaN.
        reconstruct : callable, default=None
            Takes columns of layer 0 and denoises them. By default with batch
            statistics.

        Returns
        -------
        Tensor of the shape of `x`
        """
        missing = x.isnan()
        imputed = torch.zeros_like(x)
        has_decoder = self.decoder is not None and self.decoder.lowest == 0
        for n_passed in range(1 + IMPUTATION_PASSES * has_decoder):
            if n_passed > 0:
                reconstruction = (reconstruct or self._reconstruct_batch)(x)
                imputed = self._fill_from_denoising_members(reconstruction)
            if self.input_range is not None:
                imputed = imputed.clamp(*self.input_range.unbind())
            x = torch.where(missing, imputed, x)
        return x

    def _fill_from_denoising_members(self, reconstruction):
        """Give members without denoising costs the mean of the other members."""
        n_others = self.n_members - self.n_denoising
        if n_others == 0:
            return reconstruction
        mean = self.mean_of_members(reconstruction, self.n_denoising)
        n_kept = reconstruction.shape[1] - n_others * mean.shape[1]
        return torch.cat([reconstruction[:, :n_kept], mean.repeat(1, n_others)], dim=1)

    def _reconstruct_batch(self, x):
        """Denoised columns of layer 0, with batch statistics."""
        clean = self.encoder.clean(x)
        decoded = self.decoder(clean.z, self.proba(clean.logits))
        return self.shapes[0].samples(decoded.z_denoised[0])

    def _reconstruct(self, x):
        """Denoised columns of layer 0, with population statistics."""
        clean = self.encoder.with_population_statistics(x)
        decoded = self.decoder(
            clean.z,
            self.proba(clean.logits),
            normalize=self._normalize_in_decoder,
        )
        return self.shapes[0].samples(decoded.z_denoised[0])

    def _normalize_in_decoder(self, layer, signal):
        """Normalize a signal from above by population statistics.

        The decoder is quadratic in this signal. A batch bounds it, a population does
        not: in deep decoders, values grew from layer to layer until they overflowed.

        NOTE[DIFF]: the paper only denoises batches.
        """
        return layer.population(signal).clamp(-LARGEST_SIGNAL, LARGEST_SIGNAL)

    def prepare(self, x):
        """Columns of layer 0 for prediction: scaled, missing entries imputed."""
        x = self.for_all(self.scale(x))
        if torch.compiler.is_compiling():
            # A traced graph needs both branches. (torch.cond refuses to return its
            # argument itself, so the second one copies.)
            return torch.cond(
                x.isnan().any(), self._impute_by_population, torch.clone, (x,)
            )
        return self._impute_by_population(x) if has_nan(x) else x

    def _impute_by_population(self, x):
        return self.impute(x, self._reconstruct)

    def columns(self, x):
        """Columns of layer 0 of the first member, for prediction."""
        return self.prepare(x)[:, : self.shapes[0].n_units // self.n_members]

    def forward(self, x):
        """Class probabilities by the clean encoder, shape (n_samples, n_classes)."""
        x = self.prepare(x)
        proba = self.mean_of_members(self.proba(self.encoder(x)))
        if self.linear is not None:
            proba = self.linear.vote(proba, x)
        proba = proba * self.class_prior_ratio
        return proba / proba.sum(dim=1, keepdim=True)

    def mean_logits(self, x):
        """Logits of `forward`, with useful derivatives where a class is certain.

        Parameters
        ----------
        x : Tensor of shape (n_samples, n_features)
            Without missing entries.

        Returns
        -------
        Tensor of shape (n_samples, n_classes)
        """
        x = self.for_all(self.scale(x))
        logits = self.encoder(x)
        if self.n_members > 1 or self.linear is not None:
            # (n_samples, n_members, n_classes)
            log_proba = logits.log_softmax(dim=1).unflatten(0, (len(x), -1))
            # the softmax of a log-sum of probabilities is their mean
            logits = log_proba.logsumexp(dim=1)
        if self.linear is not None:
            share = self.linear.share
            log_odds = (self.n_members * share / (1 - share)).log()
            own = self.linear.logits(x).log_softmax(dim=1) + log_odds
            logits = torch.logaddexp(logits, own)
        return logits + self.class_prior_ratio.log()

    def hidden(self, x):
        """Top hidden representation of the first member, shape (n_samples, n_units)."""
        hidden = self.encoder.hidden(self.prepare(x))
        return hidden[:, : hidden.shape[1] // self.n_members]

    def code(self, x):
        """Code of an autoencoder: layer L, shape (n_samples, n_units)."""
        return self.encoder(self.prepare(x))

    def denoise(self, x):
        """Reconstruction of `x` without added noise, in units of the features."""
        x = self.mean_of_members(self._reconstruct(self.prepare(x)), self.n_denoising)
        return x if self.feature_scaling is None else self.feature_scaling.inverse(x)

    def set_class_prior_ratio(self, ratio):
        """Set the class prior divided by the class shares, shape (n_classes,)."""
        self.class_prior_ratio.copy_(_float32(ratio))

    def population(self):
        """Copies of the statistics that prediction uses, a list over the layers."""
        return [layer.copy() for layer in population_of_layers(self)]

    @torch.no_grad()
    def measure_population(
        self,
        labeled,
        all_samples=(),
        labeled_share=1.0,
        earlier=None,
        earlier_share=0.0,
    ):
        """Set the statistics that prediction uses, from clean passes over samples.

        NOTE[DIFF]: the released code averages unbiased statistics of batches, whose
        variances lack the variance of the batch means. Here, those of larger chunks are
        pooled by the law of total variance, as if all samples were one batch.

        Parameters
        ----------
        labeled, all_samples : iterable of Tensor of shape (n_samples, n_columns)
            Scaled random chunks of equal size. If one has no chunks, the other is used.
        labeled_share : float, default=1.0
            Weight of the labeled samples.
        earlier : list of Statistics, default=None
            Statistics of earlier samples of a stream, as by `population`.
        earlier_share : float, default=0.0
            Weight of the earlier samples.
        """
        set_population(
            self, labeled, all_samples, labeled_share, earlier, earlier_share
        )


def _float32(array):
    return torch.tensor(array, **FLOAT32_ON_CPU)
