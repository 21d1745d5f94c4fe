"""Adversarial perturbations: small changes of rows that raise the log-loss of labels.

Goodfellow, Shlens, Szegedy, "Explaining and Harnessing Adversarial Examples", 2014,
arXiv:1412.6572: fast gradient. Madry et al., "Towards Deep Learning Models Resistant to
Adversarial Attacks", 2017, arXiv:1706.06083: projected gradient.
"""

import torch

from ..network._products import constant_weights
from ..objective._adversary import NORMS, of_length


def ascent_direction(logits_of, x, codes):
    """Direction of the gradient of each row's log-loss; its length has no meaning.

    The log-loss is log(1 + exp m) with m = log Σ exp(other logits) − own logit, so that
    its gradient has the direction of that of m. But it is rounded to less than its own
    error, or to 0, where the network is sure, and an attack would seem to fail.

    Parameters
    ----------
    logits_of : callable
        The network: takes rows, returns logits of shape (n_rows, n_classes). No
        gradient of its parameters is taken.
    x : Tensor of shape (n_rows, n_features)
    codes : Tensor of shape (n_rows,)
        Classes.

    Returns
    -------
    Tensor of shape (n_rows, n_features)
    """
    x, codes = x.detach().requires_grad_(), codes[:, None]
    with torch.enable_grad(), constant_weights():
        logits = logits_of(x)
        others = logits.scatter(1, codes, -torch.inf).logsumexp(dim=1)
        m = others - logits.gather(1, codes)[:, 0]
        (gradient,) = torch.autograd.grad(m.sum(), x)
    return gradient


def steepest_ascent(gradient, length, norm):
    """The step of that length, in that norm, that climbs most along the gradient.

    A row without gradient gets 0.

    NOTE[DIFF]: in L1 this changes a single feature. The attack library of S17's time
    took ε g/‖g‖₁, which spreads the step over all features and gains less.

    Parameters
    ----------
    gradient : Tensor of shape (n_rows, n_features)
    length : float
    norm : {"l1", "l2", "linf"}

    Returns
    -------
    Tensor of shape (n_rows, n_features)
    """
    if norm == "linf":
        return length * gradient.sign()
    if norm == "l1":
        largest = gradient.abs().argmax(dim=1, keepdim=True)
        along = gradient.gather(1, largest)
        gradient = torch.zeros_like(gradient).scatter(1, largest, along)
    return of_length(gradient, length, norm)


def project(r, radius, norm):
    """Each row of `r`, shape (n_rows, n_features), brought into the ball.

    In L1 along the ray to 0, as attack libraries do; in L2 and L∞ to the nearest point.
    """
    if norm == "linf":
        return r.clamp(-radius, radius)
    # in units of the largest entry: squares could be infinite, or 0
    unit = r.abs().amax(dim=1, keepdim=True).clamp_min(torch.finfo(r.dtype).tiny)
    lengths = torch.linalg.vector_norm(r / unit, ord=NORMS[norm], dim=1, keepdim=True)
    return torch.where(lengths > radius / unit, of_length(r, radius, norm), r)


def uniform_in_ball(x, radius, norm, generator):
    """Perturbations of the rows `x`, drawn uniformly from the ball of that radius.

    Entries are drawn independently with a density that falls with their norm alone;
    their direction is then right, and of the lengths up to ε a share sⁿ is below sε.
    """
    r = torch.empty_like(x)
    if norm == "linf":
        r.uniform_(-1, 1, generator=generator)
    elif norm == "l2":
        r.normal_(generator=generator)
    else:  # Laplace's distribution, as a difference of exponential ones
        r.exponential_(generator=generator)
        r -= torch.empty_like(x).exponential_(generator=generator)
    share = x.new_empty(len(x), 1).uniform_(generator=generator)
    return of_length(r, radius, norm) * share ** (1 / x.shape[1])


def ascend(
    logits_of, x, codes, *, eps, norm, n_steps, step_size, clip=None, generator=None
):
    """Rows that projected gradient ascent of the log-loss finds around `x`.

    Parameters
    ----------
    logits_of : callable
        The network: takes rows, returns logits of shape (n_rows, n_classes).
    x : Tensor of shape (n_rows, n_features)
    codes : Tensor of shape (n_rows,)
        Classes whose log-loss is raised.
    eps : float
        Radius of the ball around each row (ε).
    norm : {"l1", "l2", "linf"}
    n_steps : int
    step_size : float
        Length of a step. One step of length ε is the fast gradient attack.
    clip : pair of float, default=None
        Least and largest value of a feature.
    generator : torch.Generator, default=None
        Source of a random start; by default it is `x`.

    Returns
    -------
    Tensor of shape (n_rows, n_features)
    """

    def allowed(near):
        near = x + project(near - x, eps, norm)
        return near if clip is None else near.clamp(*clip)

    found = x
    if generator is not None:
        found = allowed(x + uniform_in_ball(x, eps, norm, generator))
    for _ in range(n_steps):
        direction = ascent_direction(logits_of, found, codes)
        found = allowed(found + steepest_ascent(direction, step_size, norm))
    return found
