"""Blocks with hand-written derivatives against the same in plain operations."""

import pytest
import torch
from torch.nn import functional as F

from sklearn_ladder.network._combinators import Gaussian, UnitwiseLinear
from sklearn_ladder.network._layers import ACTIVATIONS, IDENTITY, LINEAR
from sklearn_ladder.network._normalization import BatchParts, NormalizeAndActivate
from sklearn_ladder.network._products import (
    OneDNNLinear,
    constant_weights,
    product_by_member,
)
from sklearn_ladder.objective._costs import NormalizedSquaredError
from tests import plain

WIDTH = 5

needs_onednn = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(), reason="torch was built without oneDNN"
)


def leaves(*shapes, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randn(shape, generator=generator, dtype=dtype).requires_grad_()
        for shape in shapes
    ]


def assert_same(block, reference, inputs, constants, tolerance):
    """Equal outputs, and equal derivatives of a random function of all of them."""
    results = []
    for function in (block, reference):
        outputs = function(*inputs, *constants)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        generator = torch.Generator().manual_seed(1)
        total = sum(
            (output * torch.randn(output.shape, generator=generator)).sum()
            for output in outputs
        )
        results.append([*outputs, *torch.autograd.grad(total, inputs)])
    for actual, expected in zip(*results, strict=True):
        torch.testing.assert_close(actual, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("n_labeled", [0, 2, 7])
@pytest.mark.parametrize("activation", [*ACTIVATIONS.values(), IDENTITY])
@pytest.mark.parametrize(
    "dtype, tolerance", [(torch.float64, 1e-10), (torch.float32, 2e-5)]
)
def test_normalize_and_activate(activation, n_labeled, dtype, tolerance):
    parts = BatchParts(n_labeled, 6, 6)
    shapes = [(sum(parts), WIDTH), (parts.n_corrupted, WIDTH), (WIDTH,)]
    z_pre, noise, *vectors = leaves(
        *shapes, *[(WIDTH,)] * (not activation.is_homogeneous), dtype=dtype
    )
    noise = noise.detach()

    def with_noise(function):
        return lambda z_pre, beta, gamma=None: function(
            z_pre, noise, beta, gamma, activation, parts
        )

    assert_same(
        with_noise(NormalizeAndActivate.apply),
        with_noise(plain.normalize_and_activate),
        [z_pre, *vectors],
        [],
        tolerance,
    )


def test_normalize_without_shift_or_activation():
    """As of pools."""
    parts = BatchParts(2, 3, 3)
    z_pre, noise = leaves((8, WIDTH), (5, WIDTH))

    def without_shift(z_pre):
        arguments = (noise.detach(), None, None, LINEAR, parts)
        return NormalizeAndActivate.apply(z_pre, *arguments)

    def zero_shift(z_pre):
        arguments = (noise.detach(), torch.zeros(WIDTH), None, LINEAR, parts)
        return plain.normalize_and_activate(z_pre, *arguments)

    assert_same(without_shift, zero_shift, [z_pre], [], 1e-10)


def test_parts_without_use_get_no_derivative():
    """As in the Γ-model, where nothing but the class layer's z has a cost."""
    z_pre, noise, beta = leaves((9, WIDTH), (6, WIDTH), (WIDTH,))
    arguments = (noise.detach(), beta, None, ACTIVATIONS["relu"], BatchParts(3, 3, 3))
    for output in range(5):
        gradients = []
        for function in (NormalizeAndActivate.apply, plain.normalize_and_activate):
            value = function(z_pre, *arguments)[output]
            weights = torch.arange(value.numel()).view_as(value)
            (gradient,) = torch.autograd.grad((value * weights).sum(), z_pre)
            gradients.append(gradient)
        torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("n_rows", [0, 1, 7])
@pytest.mark.parametrize("n_members", [1, 2, 3])
def test_product_by_network(n_rows, n_members):
    inputs = leaves((n_rows, n_members * 4), (n_members * 2, 4))
    constants = [n_members]
    assert_same(product_by_member, plain.product_by_member, inputs, constants, 1e-10)


@needs_onednn
@pytest.mark.parametrize("n_rows", [1, 7, 300])
@pytest.mark.parametrize("n_in, n_out", [(1, 1), (64, 10), (50, 130)])
@pytest.mark.parametrize("has_bias", [False, True])
def test_onednn_linear(n_rows, n_in, n_out, has_bias):
    """On every processor, also where `linear` would not choose it."""
    shapes = [(n_rows, n_in), (n_out, n_in)] + [(n_out,)] * has_bias
    inputs = leaves(*shapes, dtype=torch.float32)
    constants = [] if has_bias else [None]
    assert_same(OneDNNLinear.apply, F.linear, inputs, constants, 5e-5)


@needs_onednn
def test_onednn_linear_of_views():
    """Of rows with gaps between them, and of gradients that are not contiguous."""
    table, weight, dproduct = leaves((7, 9), (6, 4), (6, 7), dtype=torch.float32)
    gradients = []
    for function in OneDNNLinear.apply, F.linear:
        product = function(table[:, 3:7], weight, None)
        gradients += torch.autograd.grad(product, (table, weight), dproduct.detach().T)
    torch.testing.assert_close(gradients[:2], gradients[2:])


@needs_onednn
@pytest.mark.filterwarnings("ignore:TF32")  # by torch, of any of its flags
def test_onednn_computes_what_it_can_unless_it_is_switched_off():
    def takes_onednn(n_rows, dtype=torch.float32):
        product = product_by_member(*leaves((n_rows, 4), (3, 4), dtype=dtype), 1)
        return "OneDNN" in product.grad_fn.name()

    assert takes_onednn(2)
    assert not takes_onednn(0)
    assert not takes_onednn(2, torch.float64)
    with torch.backends.mkldnn.flags(enabled=False):
        assert not takes_onednn(2)


@pytest.mark.parametrize("n_members", [1, 2])
def test_constant_weights(n_members):
    h, weight = leaves((7, 4 * n_members), (3 * n_members, 4))
    with constant_weights():
        (dh,) = torch.autograd.grad(product_by_member(h, weight, n_members).sum(), h)
        assert not product_by_member(h.detach(), weight, n_members).requires_grad
    product = product_by_member(h, weight, n_members)
    gradients = torch.autograd.grad(product.sum(), (h, weight))
    torch.testing.assert_close(dh, gradients[0])


def test_product_by_network_of_rows_without_derivative():
    """As of the input, and of gradients that are not contiguous."""
    h, weight, dproduct = leaves((7, 6), (6, 2), (6, 7))
    gradients = []
    for function in product_by_member, plain.product_by_member:
        product = function(h.detach(), weight, 3)
        gradients += torch.autograd.grad(product, weight, dproduct.detach().T)
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize(
    "dtype, tolerance", [(torch.float64, 1e-10), (torch.float32, 1e-5)]
)
def test_gaussian(dtype, tolerance):
    inputs = leaves((7, WIDTH), (7, WIDTH), (10, WIDTH), dtype=dtype)
    assert_same(Gaussian.apply, plain.gaussian, inputs, [], tolerance)


@pytest.mark.parametrize(
    "dtype, tolerance", [(torch.float64, 1e-12), (torch.float32, 1e-5)]
)
@pytest.mark.parametrize("n_in, n_out", [(3, 4), (4, 1), (1, 2)])
def test_unitwise_linear(n_in, n_out, dtype, tolerance):
    shapes = [(n_in, 7, WIDTH), (n_out, n_in, WIDTH), (n_out, WIDTH)]
    inputs = leaves(*shapes, dtype=dtype)
    assert_same(UnitwiseLinear.apply, plain.unitwise_linear, inputs, [], tolerance)


@pytest.mark.parametrize("n_without_variance", [0, 2, WIDTH])
@pytest.mark.parametrize(
    "dtype, tolerance", [(torch.float64, 1e-10), (torch.float32, 1e-5)]
)
def test_normalized_squared_error(dtype, tolerance, n_without_variance):
    inputs = leaves((7, WIDTH), (7, WIDTH), (WIDTH,), (WIDTH,), dtype=dtype)
    with torch.no_grad():
        inputs[3].abs_().add_(0.5)
        inputs[3][:n_without_variance] = 0.02
    assert_same(
        NormalizedSquaredError.apply,
        plain.normalized_squared_error,
        inputs,
        [],
        tolerance,
    )


def test_against_finite_differences():
    z_pre, noise, beta, gamma = leaves((9, 3), (6, 3), (3,), (3,))
    parts = BatchParts(3, 3, 3)
    assert torch.autograd.gradcheck(
        lambda z_pre, beta, gamma: NormalizeAndActivate.apply(
            z_pre, noise.detach(), beta, gamma, ACTIVATIONS["tanh"], parts
        ),
        (z_pre, beta, gamma),
    )
    assert torch.autograd.gradcheck(Gaussian.apply, leaves((4, 3), (4, 3), (10, 3)))
    assert torch.autograd.gradcheck(
        UnitwiseLinear.apply, leaves((2, 4, 3), (5, 2, 3), (5, 3))
    )
