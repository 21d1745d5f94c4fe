"""Compiled functions and torch's, both against plain formulas in float64."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy import stats

from sklearn_ladder.network import _kernels
from sklearn_ladder.network._combinators import Gaussian
from sklearn_ladder.network._layers import ACTIVATIONS, IDENTITY
from sklearn_ladder.network._normalization import (
    BatchParts,
    NormalizeAndActivate,
    Statistics,
    batch_norm,
    batch_statistics,
)
from sklearn_ladder.network._products import product_by_member
from sklearn_ladder.objective._costs import denoising_error, denoising_error_at_input
from tests import plain

TORCH = "torch"
# Of float32, whose rounding is 6e-8, after sums over samples and differences.
TOLERANCE = 1e-5

needs_kernels = pytest.mark.skipif(
    not _kernels.is_available(), reason="installed without compiled functions"
)


@pytest.fixture(params=[TORCH, *_kernels.INSTRUCTION_SETS])
def path(request):
    """Each way to compute: by torch, and by each instruction set of this machine."""
    if request.param == TORCH:
        with _kernels.disabled():
            yield request.param
        return
    if not _kernels.is_available():
        pytest.skip("installed without compiled functions")
    try:
        with _kernels.restricted_to(request.param):
            yield request.param
    except ValueError as error:
        pytest.skip(str(error))


def normal(*shape, seed=0, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    return (scale * torch.randn(shape, generator=generator)).requires_grad_()


def assert_as_plain(function, reference, inputs, compiled=None):
    """Outputs and derivatives, in float32 as those of the reference in float64.

    Relative to the largest entry of each. `compiled` says which path must be taken.
    """
    results = []
    for f, dtype in (function, torch.float32), (reference, torch.float64):
        leaves = [x.detach().to(dtype).requires_grad_(x.requires_grad) for x in inputs]
        outputs = f(*leaves)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        if f is function and compiled is not None:
            node = outputs[0].grad_fn
            assert getattr(node, "is_compiled", True) == compiled
        total = sum(
            (output * normal(*output.shape, seed=1).detach()).sum()
            for output in outputs
        )
        learned = [leaf for leaf in leaves if leaf.requires_grad]
        results.append([*outputs, *torch.autograd.grad(total, learned)])
    for actual, expected in zip(*results, strict=True):
        assert actual.dtype == torch.float32
        if expected.numel():
            largest = max(expected.abs().max().item(), 1e-3)
            error = (actual.double() - expected).abs().max().item()
            assert error < TOLERANCE * largest


@pytest.mark.parametrize("n_samples, width", [(1, 1), (7, 5), (130, 64), (65, 200)])
def test_gaussian(path, n_samples, width):
    inputs = [normal(n_samples, width, seed=s) for s in (0, 1)]
    inputs.append(normal(10, width, seed=2))
    assert_as_plain(Gaussian.apply, plain.gaussian, inputs, path != TORCH)


def test_gaussian_where_sigmoids_saturate(path):
    """From e^-1000 to e^1000, and without overflow."""
    u = torch.tensor([[-1e3, -90.0, -50.0, 0.0, 50.0, 90.0, 1e3]]).requires_grad_()
    coefficients = torch.zeros(10, 7)
    coefficients[[0, 1, 5, 6]] = 1.0
    inputs = [normal(1, 7), u, coefficients.requires_grad_()]
    assert_as_plain(Gaussian.apply, plain.gaussian, inputs)


def test_nan_is_not_hidden(path):
    z, u = torch.zeros(20, 40), torch.zeros(20, 40)
    u[3, 5] = torch.nan
    coefficients = torch.ones(10, 40)
    z_denoised = Gaussian.apply(z, u, coefficients)
    assert z_denoised.isnan().nonzero().tolist() == [[3, 5]]


@pytest.mark.filterwarnings("ignore:var_mean")  # of no clean samples
@pytest.mark.parametrize("parts", [(3, 6, 6), (0, 6, 6), (3, 6, 0), (200, 130, 130)])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "class layer", "tanh"])
@pytest.mark.parametrize("width", [1, 5, 70])
def test_normalize_and_activate(path, parts, activation, width):
    parts = BatchParts(*parts)
    activation = ACTIVATIONS.get(activation, IDENTITY)
    vectors = [normal(width, seed=2)]
    if not activation.is_homogeneous:
        vectors.append(normal(width, seed=3))
    z_pre, noise = normal(sum(parts), width), normal(parts.n_corrupted, width, seed=1)
    with torch.no_grad():
        z_pre += 10.0  # a mean far from 0, which must not cost digits

    def arguments(noise, vectors):
        beta, gamma = (*vectors, None)[:2]
        return noise.detach(), beta, gamma, activation, parts

    def function(z_pre, *vectors):
        outputs = NormalizeAndActivate.apply(z_pre, *arguments(noise, vectors))
        return outputs if parts.n_clean else outputs[:2]

    def reference(z_pre, *vectors):
        outputs = plain.normalize_and_activate(
            z_pre, *arguments(noise.double(), vectors)
        )
        return outputs if parts.n_clean else outputs[:2]

    compiled = path != TORCH and activation.slope is not None
    assert_as_plain(function, reference, [z_pre, *vectors], compiled)


@pytest.mark.parametrize("n_samples, width", [(5, 1), (6, 5), (300, 130)])
def test_batch_norm(path, n_samples, width):
    def reference(z_pre):
        return batch_statistics(z_pre).normalize(z_pre)

    z_pre = normal(n_samples, width, scale=3.0)
    assert_as_plain(batch_norm, reference, [z_pre])


@pytest.mark.parametrize("n_samples, width", [(1, 1), (7, 5), (200, 130)])
@pytest.mark.parametrize("n_others", [0, 3])
def test_denoising_cost(path, n_samples, width, n_others):
    """Of columns of a table, as those of networks with denoising costs are."""
    z_denoised, z = (normal(n_samples, width + n_others, seed=s) for s in (0, 1))
    mean, std = normal(width, seed=2), normal(width, seed=3)
    with torch.no_grad():
        std.abs_().add_(0.1)
        std[::2] = 0.01  # below what is divided by

    def of_columns(cost):
        def of_tables(z_denoised, z, mean, std):
            return cost(z_denoised[:, :width], z[:, :width], (mean, std))

        return of_tables

    def reference(z_denoised, z, statistics):
        return plain.normalized_squared_error(z_denoised, z, *statistics)

    inputs = [z_denoised, z, mean, std]
    assert_as_plain(
        *map(of_columns, (denoising_error, reference)), inputs, path != TORCH
    )


@pytest.mark.parametrize("n_others", [0, 3])
def test_denoising_cost_at_input(path, n_others):
    x, z_denoised = normal(50, 9 + n_others).detach(), normal(50, 9 + n_others, seed=1)

    def cost(z_denoised, x):
        return denoising_error_at_input(z_denoised[:, :9], x[:, :9])

    def reference(z_denoised, x):
        return (z_denoised - x)[:, :9].square().mean()

    assert_as_plain(cost, reference, [z_denoised, x])


@pytest.mark.parametrize(
    "n_samples, n_in, n_out", [(1, 1, 1), (7, 4, 3), (300, 300, 33), (121, 40, 530)]
)
@pytest.mark.parametrize("n_members", [2, 3])
def test_product_by_network(path, n_samples, n_in, n_out, n_members):
    def of(product):
        return lambda h, weight: product(h, weight, n_members)

    inputs = [
        normal(n_samples, n_members * n_in),
        normal(n_members * n_out, n_in, seed=1),
    ]
    assert_as_plain(of(product_by_member), of(plain.product_by_member), inputs)


@needs_kernels
@pytest.mark.parametrize("instruction_set", _kernels.INSTRUCTION_SETS)
@pytest.mark.parametrize("k", [0, 1, 600])
def test_products_with_any_strides(instruction_set, k):
    a, b = normal(2, 50, 2 * k)[:, ::2, ::2].detach(), normal(2, 40, k).detach().mT
    out = torch.full((2, 25, 43), torch.nan)
    try:
        with _kernels.restricted_to(instruction_set):
            _kernels.bmm(a, b, out[:, :, :40])
    except ValueError as error:
        pytest.skip(str(error))
    torch.testing.assert_close(out[:, :, :40], a @ b, rtol=1e-5, atol=1e-4)
    assert out[:, :, 40:].isnan().all()


@needs_kernels
def test_same_bits_for_any_number_of_threads():
    """Tables are large enough for several threads."""
    parts = BatchParts(300, 300, 300)
    z_pre, noise = normal(900, 700), normal(600, 700, seed=1).detach()
    beta, coefficients = normal(700, seed=2), normal(10, 700, seed=3)
    z, u, weight = normal(900, 700), normal(900, 700, seed=1), normal(1500, 350)
    statistics = Statistics(normal(700), normal(700, seed=1).detach().abs() + 1)

    def results():
        drawn = torch.empty(50_000)
        _kernels.fill_normal([drawn], [1.0], torch.Generator().manual_seed(0))
        outputs = [
            *NormalizeAndActivate.apply(
                z_pre, noise, beta, None, ACTIVATIONS["relu"], parts
            ),
            Gaussian.apply(z, u, coefficients),
            denoising_error(z, u, statistics),
            product_by_member(z, weight, 2),
        ]
        total = sum(output.sum() for output in outputs)
        leaves = z_pre, beta, z, u, coefficients, weight
        return [drawn, *outputs, *torch.autograd.grad(total, leaves)]

    n_before = torch.get_num_threads()
    try:
        by_threads = []
        for n_threads in (1, 1, 2, 5):
            torch.set_num_threads(n_threads)
            by_threads.append(results())
    finally:
        torch.set_num_threads(n_before)
    for others in by_threads[1:]:
        for one, other in zip(by_threads[0], others, strict=True):
            assert torch.equal(one, other)


def draw(n, seed=0, std=1.0):
    out = torch.empty(n)
    _kernels.fill_normal([out], [std], torch.Generator().manual_seed(seed))
    return out.numpy()


@needs_kernels
class TestNoise:
    def test_is_normal(self):
        drawn = draw(1_000_000)
        assert stats.kstest(drawn, "norm").pvalue > 1e-3
        assert abs(drawn.mean()) < 4e-3
        assert abs(drawn.std() - 1) < 4e-3
        assert abs(stats.kurtosis(drawn)) < 0.02
        # 63 of a million are expected beyond 4
        assert 30 < (np.abs(drawn) > 4).sum() < 110

    def test_neighbors_are_independent(self):
        """Also those of one pair, one generator, and neighboring generators."""
        drawn = draw(1_000_000)
        for shift in (1, 2, 15, 16, 17, 32, 64, 8192, 8192 + 16):
            for power in (1, 2):
                x = drawn.astype(float) ** power
                assert abs(np.corrcoef(x[:-shift], x[shift:])[0, 1]) < 5e-3

    def test_angles_are_uniform(self):
        drawn = draw(320_000).reshape(-1, 2, 16)
        angles = np.arctan2(drawn[:, 1], drawn[:, 0]).ravel()
        assert stats.kstest(angles, "uniform", (-np.pi, 2 * np.pi)).pvalue > 1e-3

    def test_is_determined_by_the_generator(self):
        generator = torch.Generator().manual_seed(5)
        drawn = [torch.empty(100) for _ in range(3)]
        _kernels.fill_normal(drawn[:2], [1.0, 1.0], generator)
        state = generator.get_state()
        _kernels.fill_normal(drawn[2:], [1.0], generator)
        repeated = torch.empty(100)
        generator.set_state(state)
        _kernels.fill_normal([repeated], [1.0], generator)
        assert torch.equal(repeated, drawn[2])
        assert len({tuple(of_layer.tolist()) for of_layer in drawn}) == 3
        np.testing.assert_array_equal(draw(100, seed=5), drawn[0])

    @pytest.mark.parametrize("n", [0, 1, 31, 33, 8191, 8193])
    def test_any_number(self, n):
        np.testing.assert_array_equal(draw(n), draw(20_000)[:n])

    def test_standard_deviation(self):
        np.testing.assert_allclose(draw(99, std=0.3), 0.3 * draw(99), rtol=1e-6)
        assert (draw(99, std=0.0) == 0).all()


@needs_kernels
def test_what_is_taken():
    table = torch.zeros(4, 6)
    assert _kernels.take(table, None)
    assert _kernels.take(table[:2])
    assert not _kernels.take(table, table.double())
    assert not _kernels.take(table.T)
    assert not _kernels.take(table[:, :3])
    assert not _kernels.take(table.to("meta"))
    assert _kernels.take_rows(table[:, :3])
    assert not _kernels.take_rows(table[:, ::2])
    assert not _kernels.take_rows(table[:0])
    with _kernels.disabled():
        assert not _kernels.is_available()
        assert not _kernels.take(table)
    assert _kernels.is_available()


@needs_kernels
@pytest.mark.filterwarnings(
    "ignore:`torch.jit.trace` is deprecated", "ignore::torch.jit.TracerWarning"
)
def test_recorded_operations_are_those_of_torch():
    """A compiled function's result would be a constant of the record."""
    z, others = normal(4, 3).detach(), normal(4, 3, seed=1).detach()
    traced = torch.jit.trace(batch_norm, z)
    torch.testing.assert_close(traced(others), batch_norm(others))


def test_environment_variable():
    code = "from sklearn_ladder.network import _kernels; print(_kernels.is_available())"
    environment = os.environ | {_kernels.VARIABLE: "0"}
    printed = subprocess.check_output(
        [sys.executable, "-c", code], env=environment, text=True
    )
    assert printed.strip() == "False"


def test_without_a_library_that_loads(monkeypatch):
    monkeypatch.setattr(_kernels, "find_spec", lambda name: None)
    assert _kernels._load() == (None, None)
    broken = type("Spec", (), {"origin": "no such library"})
    monkeypatch.setattr(_kernels, "find_spec", lambda name: broken)
    assert _kernels._load() == (None, None)


@needs_kernels
def test_a_library_older_than_its_source(monkeypatch):
    monkeypatch.setitem(
        _kernels.STRUCTURES, "new_function", _kernels.STRUCTURES["adam"]
    )
    with pytest.raises(ImportError, match="has no function ladder_new_function"):
        _kernels._load()


def test_unknown_instruction_set():
    with pytest.raises(ValueError):
        with _kernels.restricted_to("MMX"):
            pass
