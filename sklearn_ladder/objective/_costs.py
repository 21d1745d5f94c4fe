"""The costs of Algorithm 1: pure functions of activations.

Activations are tables with one column per unit. If a column is a channel of maps (see
`Shape`), a "sample" below is one spatial position of one sample.
"""

import torch
from torch.autograd.function import Function, once_differentiable
from torch.nn import functional as F

from ..network import _kernels
from ._adversary import kl_divergence

# Least standard deviation by which denoising costs are normalized.
LEAST_STD = 0.05


def supervised_cost(logits, y, weight=None, smoothing=0.0):
    """Cross entropy of the labeled samples, −log P(ỹ = t | x); 0 if there are none.

    Parameters
    ----------
    logits : Tensor of shape (n_samples, n_classes)
        Logits of the corrupted encoder.
    y : Tensor of shape (n_samples,)
        Class codes.
    weight : Tensor of shape (n_samples,), default=None
        Sample weights, with mean 1 over the labeled training samples.
    smoothing : float, default=0.0
        Share of each label that is spread evenly over all classes. NOTE[DIFF]: the
        published cost has none, and makes the network overconfident.

    Returns
    -------
    Tensor of shape ()
    """
    if len(y) == 0:
        return logits.sum()  # sum over no samples: 0, with a gradient of 0
    if weight is None:
        return F.cross_entropy(logits, y, label_smoothing=smoothing)
    cost = F.cross_entropy(logits, y, reduction="none", label_smoothing=smoothing)
    return (cost * weight).mean()


def denoising_error(z_denoised, z_clean, statistics):
    """Mean over samples and units of (ẑ_BN − z)², which is ((ẑ − z_pre)/σ)².

    Training minimizes it times λ, the estimator's parameter `denoising_cost`. As in the
    released code, the gradient also goes through the clean target and its statistics.

    NOTE[DIFF]: the divisor is at least 0.05. If most samples are equal, as with rare
    flags, all samples of a batch may be equal. Then σ is 10⁻⁵, and the cost of this
    batch would be 10¹⁰ times as high as usual.

    Parameters
    ----------
    z_denoised, z_clean : Tensor of shape (n_samples, width)
    statistics : pair of Tensor of shape (width,)
        Batch mean and standard deviation (μ, σ) of the clean pass, which normalize ẑ.

    Returns
    -------
    Tensor of shape ()
    """
    return NormalizedSquaredError.apply(z_denoised, z_clean, *statistics)


def denoising_error_at_input(z_denoised, x, observed=None):
    """Mean over samples and features of (ẑ − x)²: the input is not normalized.

    NOTE[DIFF]: with missing values, the mean is over those that are not missing. The
    paper has none.

    Parameters
    ----------
    z_denoised, x : Tensor of shape (n_samples, n_features)
    observed : bool Tensor of shape (n_samples, n_features), default=None
        Entries that count; by default all.

    Returns
    -------
    Tensor of shape ()
    """
    if observed is None and _kernels.take_rows(z_denoised, x):
        return NormalizedSquaredError.apply(z_denoised, x, None, None)
    if observed is None:
        return F.mse_loss(z_denoised, x)
    squared_error = (z_denoised - x).square() * observed
    return squared_error.sum() / observed.sum().clamp_min(1)


class NormalizedSquaredError(Function):
    """Mean of ((ẑ − μ − σ z)/σ₊)², where σ₊ is σ, but at least `LEAST_STD`.

    If μ and σ are None, the compiled function uses 0 and 1.

    The derivative is written by hand: see `NormalizeAndActivate` for the reason.
    """

    @staticmethod
    def forward(ctx, z_denoised, z_clean, mean, std):
        inputs = z_denoised, z_clean, mean, std
        ctx.is_compiled = _kernels.take_rows(*inputs[:2]) and _kernels.take(mean, std)
        if ctx.is_compiled:
            ctx.save_for_backward(*inputs)
            return _kernels.cost_forward(*inputs, LEAST_STD)
        divisor = std.clamp_min(LEAST_STD)  # σ₊
        share = std / divisor  # 1 where σ is large enough
        error = (z_denoised - mean).div_(divisor).addcmul_(z_clean, share, value=-1)
        ctx.save_for_backward(error, z_clean, divisor, share)
        return torch.dot(error.view(-1), error.view(-1)) / error.numel()

    @staticmethod
    @once_differentiable
    def backward(ctx, dcost):
        if ctx.is_compiled:
            return _kernels.cost_backward(
                dcost, *ctx.saved_tensors, LEAST_STD, ctx.needs_input_grad[1]
            )
        error, z_clean, divisor, share = ctx.saved_tensors
        derror = error * (dcost * (2 / error.numel()))
        dz_denoised = derror / divisor
        dmean = dz_denoised.sum(dim=0).neg_()
        # d error / dσ = −(z + error)/σ₊, or −z/σ₊ where σ₊ is constant
        follows = (share == 1).to(error.dtype)
        dstd = torch.addcmul(z_clean, error, follows).mul_(dz_denoised)
        dstd = dstd.sum(dim=0).neg_()
        return dz_denoised, derror.mul_(-share), dmean, dstd


def virtual_adversarial_cost(logits, perturbed_logits):
    """KL(P(y | x) ‖ P(y | x, perturbed)), mean over samples.

    As published, the gradient goes through the perturbed output alone.

    Parameters
    ----------
    logits, perturbed_logits : Tensor of shape (n_samples, n_classes)

    Returns
    -------
    Tensor of shape ()
    """
    return kl_divergence(logits.detach(), perturbed_logits)


def ladder_costs(
    activations, y, weight, denoising_costs, smoothing=0.0, adversarial_weight=1.0
):
    """All costs of one training step, by name: means over the members.

    Denoising costs are means over the members that have them; the total is a mean over
    all members.

    Parameters
    ----------
    activations : LadderPass
    y, weight : Tensor of shape (n_labeled,)
        Class codes and sample weights (or None) of the labeled samples.
    denoising_costs : sequence of float
        Weights λ of the denoising errors at layers 0 … L. Layers with 0 are left out.
    smoothing : float, default=0.0
        Label smoothing: see `supervised_cost`.
    adversarial_weight : float, default=1.0
        Weight of each virtual adversarial cost.

    Returns
    -------
    dict of str to Tensor of shape ()
        "total", which training minimizes; and, before their weights, "supervised",
        "denoising_l" and "virtual_adversarial_l" of each layer l that has one.
    """
    n_members = activations.n_members
    labeled, unlabeled = activations.corrupted.logits.tensor_split(
        [n_members * activations.n_labeled]
    )
    if n_members > 1:  # logits have one row per sample and member
        y = y.repeat_interleave(n_members)
        weight = None if weight is None else weight.repeat_interleave(n_members)
    supervised = supervised_cost(labeled, y, weight, smoothing)
    costs = {"total": supervised, "supervised": supervised}
    of_denoising = activations.of_denoising
    share = activations.n_denoising / n_members
    for layer, weight_of_layer in enumerate(denoising_costs):
        if weight_of_layer == 0:
            continue
        z_denoised = of_denoising(activations.decoded.z_denoised[layer])
        z = of_denoising(activations.clean.z[layer])
        if layer == 0:
            observed = activations.observed
            observed = None if observed is None else of_denoising(observed)
            error = denoising_error_at_input(z_denoised, z, observed)
        else:
            statistics = map(of_denoising, activations.clean.statistics[layer - 1])
            error = denoising_error(z_denoised, z, tuple(statistics))
        costs[f"denoising_{layer}"] = error
        costs["total"] = costs["total"] + share * weight_of_layer * error
    for layer, perturbed in activations.perturbed_logits.items():
        cost = virtual_adversarial_cost(unlabeled, perturbed)
        costs[f"virtual_adversarial_{layer}"] = cost
        costs["total"] = costs["total"] + adversarial_weight * cost
    return costs
