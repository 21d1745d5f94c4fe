"""Adversarial perturbations: small changes of samples that raise the log-loss.

References
----------
Goodfellow, Shlens, Szegedy, "Explaining and Harnessing Adversarial Examples", 2014,
arXiv:1412.6572: fast gradient.

Madry et al., "Towards Deep Learning Models Resistant to Adversarial Attacks", 2017,
arXiv:1706.06083: projected gradient.
"""

import torch

from ..network._products import constant_weights
from ..objective._adversary import NORMS, of_length


def ascent_direction(logits_of, x, codes):
    """Direction of the gradient of each sample's log-loss. Its length has no meaning.

    NOTE[DIFF]: Goodfellow et al. and Shinoda et al. take the gradient of the log-loss.
    This is the gradient of m = log Σ exp(other logits) − own logit. The log-loss is
    log(1 + exp m), so its gradient has the same direction. But if the network is
    certain, that gradient is rounded to 0 or to noise, and the attack would seem to
    fail. The gradient of m is not.

    Parameters
    ----------
    logits_of : callable
        The network. Takes samples and returns logits of shape (n_samples, n_classes).
        Gradients with respect to its parameters are not computed.
    x : Tensor of shape (n_samples, n_features)
    codes : Tensor of shape (n_samples,)
        Class numbers.

    Returns
    -------
    Tensor of shape (n_samples, n_features)
    """
    x, codes = x.detach().requires_grad_(), codes[:, None]
    with torch.enable_grad(), constant_weights():
        logits = logits_of(x)
        others = logits.scatter(1, codes, -torch.inf).logsumexp(dim=1)
        m = others - logits.gather(1, codes)[:, 0]
        (gradient,) = torch.autograd.grad(m.sum(), x)
    return gradient


def steepest_ascent(gradient, length, norm):
    """Step of a given length that raises a linear function most.

    The step is 0 if the gradient is 0.

    NOTE[DIFF]: in L1, the step changes a single feature. Shinoda et al. (2017) used an
    attack library with the step ε g/‖g‖₁. That step spreads over all features, and
    raises the log-loss less.

    Parameters
    ----------
    gradient : Tensor of shape (n_samples, n_features)
    length : float
    norm : {"l1", "l2", "linf"}

    Returns
    -------
    Tensor of shape (n_samples, n_features)
    """
    if norm == "linf":
        return length * gradient.sign()
    if norm == "l1":
        largest = gradient.abs().argmax(dim=1, keepdim=True)
        along = gradient.gather(1, largest)
        gradient = torch.zeros_like(gradient).scatter(1, largest, along)
    return of_length(gradient, length, norm)


def project(r, radius, norm):
    """Project each row of `r`, of shape (n_samples, n_features), onto the ball.

    In L2 and L∞, the result is the nearest point of the ball. In L1, `r` is scaled
    down, as in attack libraries.
    """
    if norm == "linf":
        return r.clamp(-radius, radius)
    # Divide by the largest entry first, since squares could overflow or underflow.
    unit = r.abs().amax(dim=1, keepdim=True).clamp_min(torch.finfo(r.dtype).tiny)
    lengths = torch.linalg.vector_norm(r / unit, ord=NORMS[norm], dim=1, keepdim=True)
    return torch.where(lengths > radius / unit, of_length(r, radius, norm), r)


def uniform_in_ball(x, radius, norm, generator):
    """Draw one perturbation for each sample of `x`, uniformly from the ball.

    The entries are drawn independently, so that their joint density depends only on
    their norm. This gives the direction. The length is then drawn such that it is below
    s · radius with probability sⁿ, where n is the number of features.
    """
    r = torch.empty_like(x)
    if norm == "linf":
        r.uniform_(-1, 1, generator=generator)
    elif norm == "l2":
        r.normal_(generator=generator)
    else:  # the difference of two exponential variables has a Laplace distribution
        r.exponential_(generator=generator)
        r -= torch.empty_like(x).exponential_(generator=generator)
    share = x.new_empty(len(x), 1).uniform_(generator=generator)
    return of_length(r, radius, norm) * share ** (1 / x.shape[1])


def ascend(
    logits_of, x, codes, *, eps, norm, n_steps, step_size, clip=None, generator=None
):
    """Raise the log-loss by projected gradient ascent around `x`.

    Parameters
    ----------
    logits_of : callable
        The network. Takes samples and returns logits of shape (n_samples, n_classes).
    x : Tensor of shape (n_samples, n_features)
    codes : Tensor of shape (n_samples,)
        Numbers of the classes whose log-loss is raised.
    eps : float
        Radius of the ball around each sample (ε).
    norm : {"l1", "l2", "linf"}
    n_steps : int
    step_size : float
        Length of a step. One step of length ε is the fast gradient attack.
    clip : pair of float, default=None
        Smallest and largest value of a feature.
    generator : torch.Generator, default=None
        Source of the random start. If None, the ascent starts at `x`.

    Returns
    -------
    Tensor of shape (n_samples, n_features)
        Adversarial samples.
    """

    def project_and_clip(moved):
        moved = x + project(moved - x, eps, norm)
        return moved if clip is None else moved.clamp(*clip)

    found = x
    if generator is not None:
        found = project_and_clip(x + uniform_in_ball(x, eps, norm, generator))
    for _ in range(n_steps):
        direction = ascent_direction(logits_of, found, codes)
        found = project_and_clip(found + steepest_ascent(direction, step_size, norm))
    return found
