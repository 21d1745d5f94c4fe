"""Virtual adversarial perturbations: the directions in which the output changes most.

Shinoda, Worrall, Brostow, "Virtual Adversarial Ladder Networks for Semi-supervised
Learning", 2017, arXiv:1711.07476; after Miyato et al., "Virtual Adversarial Training",
arXiv:1704.03976.
"""

from typing import NamedTuple

import torch
from torch.nn import functional as F

from ..network._normalization import batch_norm
from ..network._products import constant_weights
from ..network._shapes import by_network, not_by_network

# Norms of a row's perturbation, by their order.
NORMS = {"l1": 1.0, "l2": 2.0, "linf": float("inf")}
# Length of the step (ξ) by which derivatives of the divergence are taken.
# NOTE[DIFF]: the released code takes 1e-6, which in single precision would leave little
# but rounding errors of an encoder without noise.
DIFFERENCE = 1e-3
# Standard deviation of the noise of perturbed rows, "for stability".
NOISE_STD = 0.5


def kl_divergence(logits, other_logits):
    """KL(P ‖ Q) of two class distributions, mean over rows.

    Parameters
    ----------
    logits, other_logits : Tensor of shape (n_rows, n_classes)
        Of P and of Q.

    Returns
    -------
    Tensor of shape ()
    """
    return F.kl_div(
        other_logits.log_softmax(dim=1),
        logits.log_softmax(dim=1),
        reduction="batchmean",
        log_target=True,
    )


def of_length(d, length, norm):
    """Each row of `d`, shape (n_rows, n_units), scaled to `length` in that norm."""
    # by the largest entry first: the squares of small numbers would be 0
    d = d / d.abs().amax(dim=1, keepdim=True).clamp_min(torch.finfo(d.dtype).tiny)
    return length * F.normalize(d, p=NORMS[norm], dim=1)


def virtual_adversarial_perturbation(
    logits_of,
    z,
    logits,
    epsilon,
    norm,
    n_power_iterations,
    generator,
    difference=DIFFERENCE,
):
    """Perturbation r of length ε that changes the output of each row most.

    Each iteration takes the gradient of KL(P(y | z) ‖ P(y | z + ξd)) as the next
    direction d. For a network without noise the divergence is about ξ² d'Hd/2, the
    gradient ξHd, and this is power iteration, which brings d near the dominant
    eigenvector of H. With noise the gradient at ξ = 0 is not 0 and outweighs Hd: d is
    then the direction in which the divergence grows from what noise makes of it.

    Only r is of interest: no gradient of parameters is taken, and no graph kept.

    Parameters
    ----------
    logits_of : callable
        The network above: takes z, returns logits of shape (n_rows, n_classes).
    z : Tensor of shape (n_rows, n_units)
    logits : Tensor of shape (n_rows, n_classes)
        What the network makes of `z`, or of what `z` was before noise.
    epsilon : float
        Length of r in that norm (ε in the paper).
    norm : {"l1", "l2", "linf"}
        NOTE[DIFF]: the paper says L∞; its code divides by the largest entry, and then
        by the L2 norm, so that what it does is "l2".
    n_power_iterations : int
    generator : torch.Generator
        Source of the first direction.
    difference : float, default=1e-3
        Length of the step at which gradients are taken (ξ).

    Returns
    -------
    Tensor of the shape of `z`
    """
    z, logits = z.detach(), logits.detach()
    d = torch.empty_like(z).normal_(generator=generator)
    for _ in range(n_power_iterations):
        d = of_length(d, 1.0, "l2").requires_grad_()
        with torch.enable_grad(), constant_weights():
            divergence = kl_divergence(logits, logits_of(z + difference * d))
            (gradient,) = torch.autograd.grad(divergence, d)
        # a row without gradient, of probabilities that are 0 and 1, keeps its direction
        has_gradient = gradient.abs().amax(dim=1, keepdim=True) > 0
        d = torch.where(has_gradient, gradient, d).detach()
    return of_length(d, epsilon, norm)


class Adversary(NamedTuple):
    """Perturbs the unlabeled samples of a training step."""

    # length of the perturbation at each layer 0 … L; 0 at layers without one
    size: tuple[float, ...]
    as_noise: bool  # of the corrupted encoder, instead of in a cost of its own
    norm: str = "l2"
    n_power_iterations: int = 1
    weight: float = 1.0  # of the costs

    def add_noise(self, encoder, x, noise, generator):
        """Noise of the corrupted encoder, and perturbations of the unlabelled rows.

        Perturbations are of what the corrupted encoder has at a layer before noise, and
        change the output of the clean one most.

        NOTE[DIFF]: the released code looks for them around W h, before it is
        normalised, and adds them after.

        Parameters
        ----------
        encoder : Encoder
        x : Tensor of shape (n_unlabeled, n_networks · n_columns)
        noise : list of Tensor
            For layers 0 … L, as tables, labelled rows first.
        generator : torch.Generator

        Returns
        -------
        list of Tensor
            Like `noise`.
        """
        noise = list(noise)
        with torch.no_grad():
            logits = encoder.clean(x).logits
            h = encoder.shapes[0].table(x)
            for number in range(self._n_layers):
                z = h
                if number > 0:
                    z = batch_norm(encoder.layers[number - 1].projection(h))
                if self.size[number] > 0:
                    r = self._perturbation(encoder, number, z, logits, generator)
                    of_labeled, of_unlabeled = noise[number].split(
                        [len(noise[number]) - len(z), len(z)]
                    )
                    noise[number] = torch.cat([of_labeled, of_unlabeled + r])
                h = encoder.activate(number, z + noise[number][-len(z) :])
        return noise

    def perturbed_logits(self, encoder, z, logits, generator):
        """Logits of perturbed rows, by the number of the layer that is perturbed.

        Parameters
        ----------
        encoder : Encoder
        z : list of Tensor
            z̃ of layers 0 … L, unlabelled rows, as tables.
        logits : Tensor of shape (n_unlabeled · n_networks, n_classes)
            Of the same rows.
        generator : torch.Generator

        Returns
        -------
        dict of int to Tensor of the shape of `logits`
        """
        perturbed = {}
        for number in range(self._n_layers):
            if self.size[number] > 0:
                r = self._perturbation(encoder, number, z[number], logits, generator)
                perturbed[number] = _noisy_logits(
                    encoder, number, generator, z[number] + r
                )
        return perturbed

    @property
    def _n_layers(self):
        """Layers up to the highest one that is perturbed."""
        return max((n + 1 for n, size in enumerate(self.size) if size > 0), default=0)

    def _perturbation(self, encoder, number, z, logits, generator):
        """As a table, like `z`; its length is by row and network."""
        sites_and_networks = encoder.shapes[number].n_sites, encoder.n_networks

        def logits_of(lines):
            table = not_by_network(lines, *sites_and_networks)
            return _noisy_logits(encoder, number, generator, table)

        r = virtual_adversarial_perturbation(
            logits_of,
            by_network(z, *sites_and_networks),
            *(logits, self.size[number], self.norm, self.n_power_iterations),
            generator,
        )
        return not_by_network(r, *sites_and_networks)


def _noisy_logits(encoder, number, generator, z):
    """The perturbed encoder, as published: with noise of its own, and drawn anew."""
    noise_std = [NOISE_STD] * len(encoder.shapes)
    n_rows = len(z) // encoder.shapes[number].n_sites
    noise = encoder.draw_noise(n_rows, noise_std, generator, lowest=number)
    return encoder.logits_above(number, z, noise)
