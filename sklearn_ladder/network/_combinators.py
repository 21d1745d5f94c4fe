"""Combinators g(z̃, u): how a unit combines the lateral and the vertical signal."""

from functools import partial
from itertools import pairwise

import torch
from torch import nn
from torch.autograd.function import Function, once_differentiable
from torch.nn import functional as F

from . import _kernels
from ._layers import LEAKY_SLOPE
from ._shapes import FLOAT32_ON_CPU

# Standard deviation of an AMLP's initial weights.
WEIGHT_STD = 0.025


class GaussianCombinator(nn.Module):
    """The published combinator, optimal for Gaussian z, unit by unit.

    ẑ = (z̃ − μ(u)) v(u) + μ(u), where both the prior mean μ and the gate v are
    a1 sigmoid(a2 u + a3) + a4 u + a5, with five coefficients each (a6 … a10 for v).

    Parameters
    ----------
    width : int
        Number of units.
    generator : torch.Generator, default=None
        Not used: initial coefficients are not random.

    Attributes
    ----------
    coefficients : Parameter of shape (10, width)
        a1 … a10. Start: a2 = a7 = 1, the others 0.
    """

    def __init__(self, width, generator=None):
        super().__init__()
        coefficients = torch.zeros(10, width, **FLOAT32_ON_CPU)
        coefficients[1] = coefficients[6] = 1.0
        self.coefficients = nn.Parameter(coefficients)

    def forward(self, z_corrupted, u):
        return Gaussian.apply(z_corrupted, u, self.coefficients)  # (n_samples, width)


class Gaussian(Function):
    """ẑ = (z̃ − μ(u)) v(u) + μ(u), with its derivative written by hand.

    `NormalizeAndActivate` gives the reason. μ and v are computed together: they are the
    leading dimension of size 2 below.
    """

    @staticmethod
    def forward(ctx, z_corrupted, u, coefficients):
        ctx.is_compiled = _kernels.take(z_corrupted, u, coefficients)
        if ctx.is_compiled:
            ctx.save_for_backward(z_corrupted, u, coefficients)
            return _kernels.gaussian_forward(z_corrupted, u, coefficients)
        a1, a2, a3, a4, a5 = _by_function(coefficients)
        sigmoid = torch.addcmul(a3, a2, u).sigmoid_()  # (2, n_samples, width)
        values = torch.addcmul(a5, a4, u).addcmul_(a1, sigmoid)
        prior_mean, gate = values.unbind()
        ctx.save_for_backward(z_corrupted, u, sigmoid, prior_mean, gate, a1, a2, a4)
        # (z̃ − μ) v + μ is a step of size v from μ towards z̃
        return torch.lerp(prior_mean, z_corrupted, gate)

    @staticmethod
    @once_differentiable
    def backward(ctx, dz):
        if ctx.is_compiled:
            return tuple(_kernels.gaussian_backward(dz, *ctx.saved_tensors))
        z_corrupted, u, sigmoid, prior_mean, gate, a1, a2, a4 = ctx.saved_tensors
        dz_corrupted = dz * gate
        dvalues = torch.empty_like(sigmoid)
        dprior_mean, dgate = dvalues.unbind()
        torch.sub(dz, dz_corrupted, out=dprior_mean)
        torch.sub(z_corrupted, prior_mean, out=dgate).mul_(dz)
        # value = a1 sigmoid(a2 u + a3) + a4 u + a5; a1 multiplies the sums later
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


class MLPCombinator(nn.Module):
    """Augmented multilayer perceptron (AMLP): each unit has a small network of its own.

    Its input is (u, z̃, u z̃), its hidden activation leaky ReLU, its output ẑ.

    NOTE[DIFF]: with the published initial weights ẑ is near z̃. By default it is near 0,
    as with the Gaussian combinator. `python -m benchmarks.ablation` finds no
    difference on tables.

    Parameters
    ----------
    width : int
        Number of units.
    generator : torch.Generator
        Source of the initial weights, on the CPU.
    hidden_sizes : sequence of int, default=(4,)
        Sizes of the hidden layers. (2, 2) and (2, 2, 2) are published, too.
    starts_at_identity : bool, default=False
        Whether ẑ is near z̃ at first, as published. This needs hidden layers of at least
        two units.

    Attributes
    ----------
    weights : ParameterList of shapes (n_out, n_in, width)
        Start: normal with standard deviation 0.025, around 0 or around weights that
        give ẑ = z̃.
    biases : ParameterList of shapes (n_out, width)
        Start: 0.

    References
    ----------
    Pezeshki, Fan, Brakel, Courville, Bengio, "Deconstructing the Ladder Network
    Architecture", ICML 2016, arXiv:1511.06430.
    """

    def __init__(self, width, generator, hidden_sizes=(4,), starts_at_identity=False):
        super().__init__()
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for n_in, n_out in pairwise([3, *hidden_sizes, 1]):
            weight = torch.randn(
                n_out, n_in, width, generator=generator, **FLOAT32_ON_CPU
            )
            weight *= WEIGHT_STD
            if starts_at_identity:
                weight += _identity(n_in, n_out, is_first=not self.weights)
            self.weights.append(nn.Parameter(weight))
            self.biases.append(
                nn.Parameter(torch.zeros(n_out, width, **FLOAT32_ON_CPU))
            )

    def forward(self, z_corrupted, u):
        h = torch.stack([u, z_corrupted, u * z_corrupted])  # (3, n_samples, width)
        *hidden, output = zip(self.weights, self.biases, strict=True)
        for weight, bias in hidden:
            h = UnitwiseLinear.apply(h, weight, bias)  # (n_out, n_samples, width)
            h = F.leaky_relu(h, LEAKY_SLOPE, inplace=True)
        return UnitwiseLinear.apply(h, *output).squeeze(0)  # (n_samples, width)


def _identity(n_in, n_out, is_first):
    """Weights of a layer that passes z̃ on, shape (n_out, n_in, 1).

    Two units have the leaky ReLU of z̃ and of −z̃, whose difference is (1 + slope) z̃.
    """
    weight = torch.zeros(n_out, n_in, **FLOAT32_ON_CPU)
    if is_first:
        passed_on = {1: 1.0}  # inputs are u, z̃, u z̃
    else:
        passed_on = {0: 1 / (1 + LEAKY_SLOPE), 1: -1 / (1 + LEAKY_SLOPE)}
    for unit, sign in zip(range(n_out), (1, -1), strict=False):
        for number, factor in passed_on.items():
            weight[unit, number] = sign * factor
    return weight.unsqueeze(2)


class UnitwiseLinear(Function):
    """Linear layer of all units' networks: out = W x + b; each unit has its own W, b.

    Its derivative is written by hand, because autograd would store every product of a
    weight and an input, which takes up to twice the time. One small matrix product per
    unit would take even longer in dense layers.

    Shapes: x (n_in, n_samples, width), weight (n_out, n_in, width), bias
    (n_out, width), out (n_out, n_samples, width).
    """

    @staticmethod
    def forward(ctx, x, weight, bias):
        ctx.save_for_backward(x, weight)
        first, *others = zip(x, weight.unsqueeze(2).unbind(dim=1), strict=True)
        out = torch.addcmul(bias.unsqueeze(1), *first)
        for x_k, weight_k in others:
            out.addcmul_(x_k, weight_k)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, dout):
        x, weight = ctx.saved_tensors
        dx, dweight = torch.zeros_like(x), torch.empty_like(weight)
        for dout_k, weight_k, dweight_k in zip(dout, weight, dweight, strict=True):
            dx.addcmul_(dout_k, weight_k.unsqueeze(1))
            torch.sum(x * dout_k, dim=1, out=dweight_k)
        return dx, dweight, dout.sum(dim=1)


COMBINATORS = {
    "gaussian": GaussianCombinator,
    "mlp": MLPCombinator,
    "mlp-identity": partial(MLPCombinator, starts_at_identity=True),
}
