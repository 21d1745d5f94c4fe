"""Virtual adversarial perturbations: small changes that change the output most.

References
----------
Miyato et al., "Virtual Adversarial Training", arXiv:1704.03976.

Shinoda, Worrall, Brostow, "Virtual Adversarial Ladder Networks for Semi-supervised
Learning", 2017, arXiv:1711.07476.
"""

from typing import NamedTuple

import torch
from torch.nn import functional as F

from ..network import _kernels
from ..network._normalization import batch_norm
from ..network._products import constant_weights
from ..network._shapes import by_member, not_by_member

# Order of each norm in which a sample's perturbation can be measured.
NORMS = {"l1": 1.0, "l2": 2.0, "linf": float("inf")}
# Distance ξ from the sample at which the gradient of the divergence is computed.
# NOTE[DIFF]: the released code has 1e-6. In single precision and without noise, the
# change of the logits over that distance would be mostly rounding error.
DIFFERENCE = 1e-3
# Standard deviation of the noise added to perturbed samples, "for stability".
NOISE_STD = 0.5


def kl_divergence(logits, other_logits):
    """KL(P ‖ Q) of two class distributions, averaged over samples.

    Parameters
    ----------
    logits : Tensor of shape (n_samples, n_classes)
        Logits of P.
    other_logits : Tensor of shape (n_samples, n_classes)
        Logits of Q.

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
    """Scale each row of `d`, of shape (n_samples, n_units), to `length` in `norm`.

    Rows of zeros stay 0.
    """
    # Divide by the largest entry first: squares of small numbers would underflow.
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
    """Find the perturbation r of length ε that changes the output most.

    Each iteration replaces the direction d by the gradient of
    KL(P(y | z) ‖ P(y | z + ξd)) with respect to d. In a network without noise, the
    divergence is about ξ² d'Hd/2 and its gradient is ξ² Hd. The iteration is then power
    iteration, which moves d towards the dominant eigenvector of H. In a network with
    noise, the divergence has a gradient at z itself, and this outweighs ξHd. Then d is
    the direction in which the divergence that the noise causes grows most.

    Computes no gradients with respect to parameters, and r carries no graph.

    Parameters
    ----------
    logits_of : callable
        The network above z. Takes z and returns logits of shape (n_samples, n_classes).
    z : Tensor of shape (n_samples, n_units)
        Values to perturb.
    logits : Tensor of shape (n_samples, n_classes)
        Output of the network for `z`, or for `z` before noise.
    epsilon : float
        Length of r in `norm` (ε in the paper).
    norm : {"l1", "l2", "linf"}
        Norm in which `epsilon` is measured. NOTE[DIFF]: the paper says L∞. Its code
        divides by the largest entry and then by the L2 norm, which is "l2".
    n_power_iterations : int
    generator : torch.Generator
        Source of the first direction.
    difference : float, default=1e-3
        Distance ξ from `z` at which the gradient is computed.

    Returns
    -------
    Tensor of the shape of `z`
    """
    z, logits = z.detach(), logits.detach()
    d = torch.empty_like(z)
    _kernels.fill_normal([d], [1.0], generator)
    for _ in range(n_power_iterations):
        d = of_length(d, 1.0, "l2").requires_grad_()
        with torch.enable_grad(), constant_weights():
            divergence = kl_divergence(logits, logits_of(z + difference * d))
            (gradient,) = torch.autograd.grad(divergence, d)
        # The gradient is 0 if all probabilities are 0 or 1. Keep the direction then.
        has_gradient = gradient.abs().amax(dim=1, keepdim=True) > 0
        d = torch.where(has_gradient, gradient, d).detach()
    return of_length(d, epsilon, norm)


class Adversary(NamedTuple):
    """Perturbs the unlabeled samples of a training step."""

    # length of the perturbation at layers 0 … L; 0 at layers without one
    size: tuple[float, ...]
    # whether perturbations are added to the noise of the corrupted encoder; otherwise
    # they have costs of their own
    as_noise: bool
    norm: str = "l2"
    n_power_iterations: int = 1
    weight: float = 1.0  # weight of those costs

    def add_noise(self, encoder, x, noise, generator):
        """Add perturbations of the unlabeled samples to the corrupted encoder's noise.

        At each layer, the perturbation is searched around the corrupted encoder's z
        before noise. It is the one that moves the output furthest from the clean
        encoder's output.

        NOTE[DIFF]: the released code searches around W h before batch normalization,
        but adds the perturbation after it. Here both happen after batch normalization.

        Parameters
        ----------
        encoder : Encoder
        x : Tensor of shape (n_unlabeled, n_members · n_columns)
        noise : list of Tensor
            Noise of layers 0 … L, as tables, labeled samples first.
        generator : torch.Generator

        Returns
        -------
        list of Tensor
            Tables of the same shapes as `noise`.
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
                    labeled, unlabeled = noise[number].split(
                        [len(noise[number]) - len(z), len(z)]
                    )
                    noise[number] = torch.cat([labeled, unlabeled + r])
                h = encoder.activate(number, z + noise[number][-len(z) :])
        return noise

    def perturbed_logits(self, encoder, z, logits, generator):
        """Logits of the unlabeled samples, perturbed at one layer at a time.

        Parameters
        ----------
        encoder : Encoder
        z : list of Tensor
            z̃ of layers 0 … L, unlabeled samples only, as tables.
        logits : Tensor of shape (n_unlabeled · n_members, n_classes)
            Logits of these samples without a perturbation.
        generator : torch.Generator

        Returns
        -------
        dict of int to Tensor of the shape of `logits`
            Keys are the numbers of the perturbed layers.
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
        """Number of layers from the input up to the highest perturbed one."""
        return max((n + 1 for n, size in enumerate(self.size) if size > 0), default=0)

    def _perturbation(self, encoder, number, z, logits, generator):
        """Perturbation of `z`, as a table.

        Each ensemble member has a perturbation of the full length for each sample.
        """
        grouping = encoder.shapes[number].n_positions, encoder.n_members

        def logits_of(z):
            z = not_by_member(z, *grouping)
            return _noisy_logits(encoder, number, generator, z)

        r = virtual_adversarial_perturbation(
            logits_of,
            by_member(z, *grouping),  # one row per sample and member
            *(logits, self.size[number], self.norm, self.n_power_iterations),
            generator,
        )
        return not_by_member(r, *grouping)


def _noisy_logits(encoder, number, generator, z):
    """Logits of the encoder above a layer. Each call draws new noise, as published.

    NOTE[DIFF]: for VAT, the released code adds this noise to the hidden layers only,
    and to the output before the perturbation, too. Here all kinds have the same noise.
    """
    noise_std = [NOISE_STD] * len(encoder.shapes)
    n_samples = len(z) // encoder.shapes[number].n_positions
    noise = encoder.draw_noise(n_samples, noise_std, generator, lowest=number)
    return encoder.logits_above(number, z, noise)
