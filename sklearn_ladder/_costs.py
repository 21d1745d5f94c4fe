"""The costs of Algorithm 1: pure functions of activations."""

import torch
from torch.autograd.function import Function, once_differentiable
from torch.nn import functional as F


def supervised_cost(logits, y, weight=None):
    """Cross entropy of the labelled rows: −log P(ỹ = t | x). Without any it is 0.

    Parameters
    ----------
    logits : Tensor of shape (n_rows, n_classes)
        Of the corrupted encoder.
    y : Tensor of shape (n_rows,)
        Class codes.
    weight : Tensor of shape (n_rows,), default=None
        Row weights, of mean 1 over the labelled training rows.

    Returns
    -------
    Tensor of shape ()
    """
    if len(y) == 0:
        return logits.sum()  # of nothing: 0, with a gradient of 0
    if weight is None:
        return F.cross_entropy(logits, y)
    return (F.cross_entropy(logits, y, reduction="none") * weight).mean()


def denoising_cost(z_denoised, z_clean, statistics=None):
    """Mean over rows and units of (ẑ_BN − z)².

    As in the released code, the gradient goes through the clean target and through its
    statistics, too.

    Parameters
    ----------
    z_denoised, z_clean : Tensor of shape (n_rows, width)
    statistics : Statistics, default=None
        Batch mean and standard deviation (μ, σ) of the clean pass, by which ẑ is
        normalised; None at the input, which is not.

    Returns
    -------
    Tensor of shape ()
    """
    if statistics is None:
        return F.mse_loss(z_denoised, z_clean)
    return NormalizedSquaredError.apply(z_denoised, z_clean, *statistics)


class NormalizedSquaredError(Function):
    """Mean of ((ẑ − μ)/σ − z)², with its derivative written by hand.

    For the reason see `NormalizeAndActivate`.
    """

    @staticmethod
    def forward(ctx, z_denoised, z_clean, mean, std):
        error = (z_denoised - mean).div_(std).sub_(z_clean)  # ẑ_BN − z
        ctx.save_for_backward(error, z_clean, std)
        return torch.dot(error.view(-1), error.view(-1)) / error.numel()

    @staticmethod
    @once_differentiable
    def backward(ctx, dcost):
        error, z_clean, std = ctx.saved_tensors
        derror = error * (dcost * (2 / error.numel()))
        dz_denoised = derror / std
        dmean = dz_denoised.sum(dim=0).neg_()
        # d ẑ_BN / dσ = −ẑ_BN / σ, and ẑ_BN = error + z
        dstd = (error + z_clean).mul_(dz_denoised).sum(dim=0).neg_()
        return dz_denoised, derror.neg_(), dmean, dstd


def ladder_costs(activations, y, weight, denoising_weights):
    """All costs of one training step, by name.

    Parameters
    ----------
    activations : LadderPass
    y, weight : Tensor of shape (n_labeled,)
        Class codes and row weights (or None) of the labelled rows.
    denoising_weights : sequence of float
        λ of layers 0 … L; a layer with 0 is passed over.

    Returns
    -------
    dict of str to Tensor of shape ()
        ``"total"``, what training minimises; ``"supervised"``; and the unweighted
        ``"denoising_l"`` of each layer l that has a weight.
    """
    logits = activations.corrupted.logits[: activations.n_labeled]
    supervised = supervised_cost(logits, y, weight)
    costs = {"total": supervised, "supervised": supervised}
    for layer, denoising_weight in enumerate(denoising_weights):
        if denoising_weight == 0:
            continue
        cost = denoising_cost(
            activations.decoded.z_denoised[layer],
            activations.clean.z[layer],
            activations.clean.statistics[layer - 1] if layer > 0 else None,
        )
        costs[f"denoising_{layer}"] = cost
        costs["total"] = costs["total"] + denoising_weight * cost
    return costs
