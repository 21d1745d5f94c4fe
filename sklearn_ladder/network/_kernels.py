"""Compiled functions for a training step on CPU: see ``_kernels.c``.

They accept contiguous float32 tensors on CPU. Callers check this with `take`, and use
torch for other tensors. So the functions are optional: without a compiler at
installation, or with the environment variable ``SKLEARN_LADDER_KERNELS=0``, torch
computes everything.
"""

import ctypes
import os
from contextlib import contextmanager
from contextvars import ContextVar
from ctypes import POINTER, byref, c_int
from importlib.util import find_spec

import torch

from ._kernel_structures import STRUCTURES, Cost, Gaussian, Noise, Normalize, Product

VARIABLE = "SKLEARN_LADDER_KERNELS"
LIBRARY = f"{__package__}._kernels_compiled"
INSTRUCTION_SETS = ("default", "AVX2", "AVX-512")

_enabled = ContextVar("enabled", default=True)


def _load():
    """The library and its instruction set; None if there is none, or it fails."""
    spec = find_spec(LIBRARY)
    if spec is None or os.environ.get(VARIABLE) == "0":
        return None, None
    try:
        library = ctypes.CDLL(spec.origin)
    except OSError:
        return None, None
    for name, structure in STRUCTURES.items():
        try:
            function = getattr(library, f"ladder_{name}")
        except AttributeError:  # built in place, before the source changed
            raise ImportError(
                f"{spec.origin} is older than its source: it has no function "
                f"ladder_{name}. Build it again, by 'python setup.py build_ext "
                "--inplace', or delete it."
            ) from None
        function.argtypes, function.restype = [POINTER(structure), c_int], None
    library.ladder_product.restype = c_int
    for number in reversed(range(len(INSTRUCTION_SETS))):
        if library.ladder_select(number):
            return library, INSTRUCTION_SETS[number]


_library, _instruction_set = _load()


def is_available():
    """Whether the compiled functions are there and switched on."""
    return _library is not None and _enabled.get()


def has_fast_products():
    """Whether compiled matrix products are at least as fast as a library's.

    They were on a processor with AVX-512, also when they used AVX2. Nothing else was
    measured.
    """
    return is_available() and _instruction_set in ("AVX2", "AVX-512")


def has_openmp():
    """Whether the compiled functions use several threads."""
    return _library is not None and bool(_library.ladder_has_openmp())


def instruction_set():
    """Name of the instruction set of the compiled functions; None without them."""
    return _instruction_set


@contextmanager
def restricted_to(name):
    """Context that uses the functions for another instruction set. For tests.

    Raises
    ------
    ValueError
        If the processor does not have it.
    """
    if not (_library and _library.ladder_select(INSTRUCTION_SETS.index(name))):
        raise ValueError(f"This machine has no compiled functions for {name}.")
    try:
        yield
    finally:
        _library.ladder_select(INSTRUCTION_SETS.index(_instruction_set))


@contextmanager
def disabled():
    """Context in which torch computes everything."""
    token = _enabled.set(False)
    try:
        yield
    finally:
        _enabled.reset(token)


def take(*tensors):
    """Whether the compiled functions accept these tensors. None is accepted.

    They accept none while torch compiles or traces a model.
    """
    return (
        # first: torch's compiler does not know context variables
        not torch.compiler.is_compiling()
        and is_available()
        and all(
            tensor is None
            or (
                tensor.dtype == torch.float32
                and tensor.is_cpu
                and tensor.is_contiguous()
            )
            for tensor in tensors
        )
        and not torch.jit.is_tracing()
    )


def take_rows(*tensors):
    """As `take`, but tables may have gaps between their rows."""
    return all(
        take(tensor[:1]) and tensor.stride(1) == 1 and len(tensor) for tensor in tensors
    )


def _call(function, structure):
    return function(byref(structure), torch.get_num_threads())


def _pointer(tensor):
    return None if tensor is None else tensor.data_ptr()


def _contiguous(*tensors):
    """Make gradients contiguous: they may be expanded or transposed."""
    return [None if tensor is None else tensor.contiguous() for tensor in tensors]


def gaussian_forward(z_corrupted, u, coefficients):
    """Output of the Gaussian combinator.

    Parameters
    ----------
    z_corrupted, u : Tensor of shape (n_samples, width)
    coefficients : Tensor of shape (10, width)

    Returns
    -------
    Tensor of shape (n_samples, width)
    """
    out = torch.empty_like(z_corrupted)
    tensors = z_corrupted, u, coefficients, out
    structure = Gaussian(*u.shape, u.shape[1], *map(_pointer, tensors))
    _call(_library.ladder_gaussian_forward, structure)
    return out


def gaussian_backward(dout, z_corrupted, u, coefficients):
    """Derivatives with respect to the three inputs of `gaussian_forward`."""
    (dout,) = _contiguous(dout)
    inputs = z_corrupted, u, coefficients
    derivatives = [torch.empty_like(tensor) for tensor in inputs]
    tensors = *inputs, None, dout, *derivatives
    structure = Gaussian(*u.shape, u.shape[1], *map(_pointer, tensors))
    _call(_library.ladder_gaussian_backward, structure)
    return derivatives


def normalize_forward(z_pre, noise, beta, gamma, slope, parts, epsilon):
    """Batch normalization, noise and activation: see `NormalizeAndActivate`.

    Parameters
    ----------
    slope : float or None
        Slope of the activation for negative arguments. None if there is no activation;
        then `beta` and `gamma` are None, too.

    Returns
    -------
    z, h : Tensor of shape (n_samples, width)
        `h` is None if `slope` is.
    means, inverse_stds : Tensor of shape (3, width)
        One for each part; not set if the part is empty.
    """
    width = z_pre.shape[1]
    z = torch.empty_like(z_pre)
    h = None if slope is None else torch.empty_like(z_pre)
    means, inverse_stds = z_pre.new_empty(2, 3, width)
    structure = Normalize(
        *(*parts, width, width, epsilon, slope or 0.0),
        *map(_pointer, (z_pre, noise, beta, gamma, z, h, means, inverse_stds)),
    )
    _call(_library.ladder_normalize_forward, structure)
    return z, h, means, inverse_stds


def normalize_backward(
    gradients, z_pre, z, h, beta, gamma, means, inverse_stds, slope, parts
):
    """Derivatives of `normalize_forward` with respect to `z_pre`, `beta`, `gamma`.

    Parameters
    ----------
    gradients : sequence of Tensor or None
        Derivatives by h, z of unlabeled and of clean samples, and the mean and standard
        deviation of clean samples.

    Returns
    -------
    dz_pre, dbeta, dgamma : Tensor or None
    """
    gradients = _contiguous(*gradients)
    dz_pre = torch.empty_like(z_pre)
    dbeta = None if beta is None else torch.empty_like(beta)
    dgamma = None if gamma is None else torch.empty_like(gamma)
    tensors = z_pre, None, beta, gamma, z, h, means, inverse_stds, None, *gradients
    structure = Normalize(
        *(*parts, *(2 * z_pre.shape[1:]), 0.0, slope or 0.0),
        *map(_pointer, (*tensors, dz_pre, dbeta, dgamma)),
    )
    _call(_library.ladder_normalize_backward, structure)
    return dz_pre, dbeta, dgamma


def cost_forward(z_denoised, z_clean, mean, std, least_std):
    """Mean of ((ẑ − μ − σ z)/max(σ, least_std))².

    Without `mean` and `std`, μ is 0 and σ is 1. There may be gaps between
    rows of `z_denoised` and `z_clean`.
    """
    sums, cost = z_denoised.new_empty(z_denoised.shape[1]), z_denoised.new_empty(())
    structure = _cost(z_denoised, z_clean, mean, std, least_std, 0.0, sums, cost)
    _call(_library.ladder_cost_forward, structure)
    return cost


def cost_backward(dcost, z_denoised, z_clean, mean, std, least_std, needs_clean):
    """Derivatives of `cost_forward` with respect to its tensors; None if not needed."""
    dz_denoised = z_denoised.new_empty(z_denoised.shape)
    dz_clean = z_clean.new_empty(z_clean.shape) if needs_clean else None
    dmean, dstd = (None if t is None else torch.empty_like(t) for t in (mean, std))
    derivatives = dz_denoised, dz_clean, dmean, dstd
    scale = 2 * float(dcost) / z_denoised.numel()
    inputs = z_denoised, z_clean, mean, std
    structure = _cost(*inputs, least_std, scale, None, None, *derivatives)
    _call(_library.ladder_cost_backward, structure)
    return derivatives


def _cost(z_denoised, z_clean, mean, std, least_std, scale, *results):
    return Cost(
        *(*z_denoised.shape, z_denoised.stride(0), z_clean.stride(0)),
        *(2 * z_denoised.shape[1:]),
        *(least_std, scale),
        *map(_pointer, (z_denoised, z_clean, mean, std, *results)),
    )


def fill_normal(tensors, stds, generator):
    """Fill each tensor with normal numbers of its own standard deviation.

    NOTE[DIFF]: the state of torch's generator determines the numbers, but torch would
    draw others. So the same seed gives another model with and without the compiled
    functions, of the same distribution.
    """
    if not take(*tensors):
        for tensor, std in zip(tensors, stds, strict=True):
            tensor.normal_(std=std, generator=generator)
        return
    seeds = draw_seeds(len(tensors), generator)
    for tensor, std, seed in zip(tensors, stds, seeds, strict=True):
        structure = Noise(tensor.numel(), seed, std, tensor.data_ptr())
        _call(_library.ladder_noise, structure)


def draw_seeds(n, generator):
    """Seeds of compiled random numbers: ints from a generator on CPU."""
    seeds = torch.empty(n, dtype=torch.int64, device="cpu")
    return seeds.random_(generator=generator).tolist()


def bmm(a, b, out):
    """``torch.bmm(a, b, out=out)``; `a` and `b` may have any strides."""
    structure = Product(
        *(*out.shape, a.shape[2], a.data_ptr(), b.data_ptr()),
        *(*a.stride(), *b.stride(), out.data_ptr(), *out.stride()[:2]),
    )
    if not _call(_library.ladder_product, structure):
        raise MemoryError("No memory for a product of matrices.")


def prepare(function, **fields):
    """Prepare a call, to be run often by ``call(structure, n_threads)``.

    Parameters
    ----------
    function : str
        Name without ``ladder_``.
    **fields
        Fields of its structure in ``_kernels.c``. A tensor becomes the address of its
        memory, which must not move. Fields that are not given are 0.

    Returns
    -------
    call : callable
    structure : ctypes.Structure
        Its fields may be changed between runs.
    """
    structure = STRUCTURES[function]()
    for name, value in fields.items():
        is_tensor = isinstance(value, torch.Tensor)
        setattr(structure, name, value.data_ptr() if is_tensor else value)
    return getattr(_library, f"ladder_{function}"), structure
