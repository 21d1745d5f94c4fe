"""Products of activations with weights.

On CPU, oneDNN computes them in float32; torch has it for convolutions. ``torch.mm``
uses Intel's MKL, which leaves half of the width of AVX-512 unused on other processors.
There, oneDNN needs half the time (AMD EPYC, family 26). Without AVX-512, MKL was 1.0 to
1.3 times as fast (AMD EPYC, family 25). MKL may also round by a sample's place in its
batch. So one library serves all processors, and no measurement decides what a seed
gives.

Compiled training steps and members side by side have products of their own, in
``_kernels.c``.
"""

from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch.autograd.function import Function, once_differentiable
from torch.nn import functional as F

from . import _kernels

_weights_are_constant = ContextVar("weights_are_constant", default=False)


@contextmanager
def constant_weights():
    """Context in which products have no derivatives with respect to weights.

    Custom Functions cannot see that weight gradients are not requested. Without this
    context, they would compute them.
    """
    token = _weights_are_constant.set(True)
    try:
        yield
    finally:
        _weights_are_constant.reset(token)


def product_by_member(h, weight, n_members, bias=None):
    """Products of each network's units with its own weights.

    Parameters
    ----------
    h : Tensor of shape (n_samples, n_members · n_in)
    weight : Tensor of shape (n_members · n_out, n_in)
    n_members : int
    bias : Tensor of shape (n_members · n_out,), default=None

    Returns
    -------
    Tensor of shape (n_samples, n_members · n_out)
    """
    if torch.compiler.is_compiling():
        return _traced_product(h, weight, n_members, bias)
    if _weights_are_constant.get():
        weight = weight.detach()
    if n_members == 1:
        return linear(h, weight, bias)
    product = ProductByMember.apply(h, weight, n_members)
    return product if bias is None else product + bias


def _traced_product(h, weight, n_members, bias):
    """`product_by_member` in operations that ONNX has, too."""
    if n_members == 1:
        return F.linear(h, weight, bias)
    by_member = h.unflatten(1, (n_members, -1)).transpose(0, 1)
    product = by_member @ weight.unflatten(0, (n_members, -1)).mT
    product = product.transpose(0, 1).flatten(1)
    return product if bias is None else product + bias


class ProductByMember(Function):
    """`product_by_member`: writes the product of each member directly into one table.

    The derivative is written by hand, because autograd would copy gradients into the
    table, and each copy takes as long as a pass over the activations.
    """

    @staticmethod
    def forward(ctx, h, weight, n_members):
        ctx.save_for_backward(h, weight)
        ctx.n_members = n_members
        out = h.new_empty(len(h), len(weight))
        _bmm(
            split_columns(h, n_members),
            weight.unflatten(0, (n_members, -1)).mT,
            split_columns(out, n_members),
        )
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, dout):
        h, weight = ctx.saved_tensors
        dout_by_member = split_columns(dout, ctx.n_members)
        weight_by_network = weight.unflatten(0, (ctx.n_members, -1))
        dh = dweight = None
        if ctx.needs_input_grad[0]:
            dh = torch.empty_like(h)
            dh_by_member = split_columns(dh, ctx.n_members)
            _bmm(dout_by_member, weight_by_network, dh_by_member)
        if ctx.needs_input_grad[1]:
            dweight = torch.empty_like(weight)
            _bmm(
                dout_by_member.mT,
                split_columns(h, ctx.n_members),
                dweight.unflatten(0, (ctx.n_members, -1)),
            )
        return dh, dweight, None


def _bmm(a, b, out):
    """``torch.bmm(a, b, out=out)``, by compiled functions if these are fast."""
    if _kernels.has_fast_products() and _kernels.take(out[0, :1]):
        _kernels.bmm(a, b, out)
    else:
        torch.bmm(a, b, out=out)


def split_columns(table, n_members):
    """View of a table as (n_members, n_samples, width)."""
    return table.unflatten(1, (n_members, -1)).transpose(0, 1)


def linear(h, weight, bias=None):
    """Linear map h Wᵀ + bias; differentiable once.

    With ``torch.backends.mkldnn.flags(enabled=False)``, torch computes it.

    Parameters
    ----------
    h : Tensor of shape (n_samples, n_in)
    weight : Tensor of shape (n_out, n_in)
    bias : Tensor of shape (n_out,), default=None

    Returns
    -------
    Tensor of shape (n_samples, n_out)
    """
    if (
        h.device.type == "cpu"
        and h.dtype == torch.float32
        and len(h)  # oneDNN refuses empty tensors
        and has_onednn()
    ):
        return OneDNNLinear.apply(h, weight, bias)
    return F.linear(h, weight, bias)


def has_onednn():
    """Whether torch has oneDNN, and it is not switched off."""
    return torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled


class OneDNNLinear(Function):
    """`linear` and its derivatives by oneDNN."""

    @staticmethod
    def forward(ctx, h, weight, bias):
        ctx.save_for_backward(h, weight)
        return onednn_product(h, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx, dout):
        h, weight = ctx.saved_tensors
        needs_h, needs_weight, needs_bias = ctx.needs_input_grad
        return (
            onednn_product(dout, weight.T) if needs_h else None,
            # oneDNN does not copy a transposed view of a contiguous tensor
            onednn_product(dout.T, h.contiguous().T) if needs_weight else None,
            dout.sum(dim=0) if needs_bias else None,
        )


def onednn_product(rows, weight, bias=None):
    """Linear map by oneDNN. torch's compiler uses this operator; it is private."""
    return torch.ops.mkldnn._linear_pointwise(rows, weight, bias, "none", [], "")
