"""Combinators g(z̃, u): what a unit makes of the lateral and the vertical signal."""

import torch
from torch import nn
from torch.autograd.function import Function, once_differentiable


class GaussianCombinator(nn.Module):
    """The published combinator, optimal for Gaussian z, unit by unit.

    ẑ = (z̃ − μ(u)) v(u) + μ(u), where both the prior mean μ and the gate v are
    a1 sigmoid(a2 u + a3) + a4 u + a5, with five coefficients each (a6 … a10 for v).

    Parameters
    ----------
    width : int
        Number of units.

    Attributes
    ----------
    coefficients : Parameter of shape (10, width)
        a1 … a10. Start: a2 = a7 = 1, the others 0.
    """

    def __init__(self, width):
        super().__init__()
        coefficients = torch.zeros(10, width)
        coefficients[1] = coefficients[6] = 1.0
        self.coefficients = nn.Parameter(coefficients)

    def forward(self, z_corrupted, u):
        return Gaussian.apply(z_corrupted, u, self.coefficients)  # (n_rows, width)


class Gaussian(Function):
    """ẑ = (z̃ − μ(u)) v(u) + μ(u), with its derivative written by hand.

    For the reason see `NormalizeAndActivate`. μ and v are worked out together: leading
    dimension 2 below.
    """

    @staticmethod
    def forward(ctx, z_corrupted, u, coefficients):
        a1, a2, a3, a4, a5 = _by_function(coefficients)
        sigmoid = torch.addcmul(a3, a2, u).sigmoid_()  # (2, n_rows, width)
        values = torch.addcmul(a5, a4, u).addcmul_(a1, sigmoid)
        prior_mean, gate = values.unbind()
        ctx.save_for_backward(z_corrupted, u, sigmoid, prior_mean, gate, a1, a2, a4)
        # (z̃ − μ) v + μ is a step of size v from μ towards z̃
        return torch.lerp(prior_mean, z_corrupted, gate)

    @staticmethod
    @once_differentiable
    def backward(ctx, dz):
        z_corrupted, u, sigmoid, prior_mean, gate, a1, a2, a4 = ctx.saved_tensors
        dz_corrupted = dz * gate
        dvalues = torch.empty_like(sigmoid)
        dprior_mean, dgate = dvalues.unbind()
        torch.sub(dz, dz_corrupted, out=dprior_mean)
        torch.sub(z_corrupted, prior_mean, out=dgate).mul_(dz)
        # value = a1 sigmoid(a2 u + a3) + a4 u + a5; a1 is left out until sums are small
        dinner = torch.ops.aten.sigmoid_backward(dvalues, sigmoid)
        by_coefficient = [
            (dvalues * sigmoid).sum(dim=1),
            (dinner * u).sum(dim=1).mul_(a1.squeeze(1)),
            dinner.sum(dim=1).mul_(a1.squeeze(1)),
            (dvalues * u).sum(dim=1),
            dvalues.sum(dim=1),
        ]
        dcoefficients = torch.stack(by_coefficient, dim=1).view(10, -1)
        through_prior_mean, through_gate = dinner.mul_(a1 * a2).addcmul_(dvalues, a4)
        return dz_corrupted, through_prior_mean.add_(through_gate), dcoefficients


def _by_function(coefficients):
    """The five coefficients of μ and v, each of shape (2, 1, width)."""
    return coefficients.view(2, 5, 1, -1).unbind(dim=1)
