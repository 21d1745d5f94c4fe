"""What a bug report should have: versions, and how this machine computes."""

import importlib.metadata
import platform
import sys

import torch

from ._version import __version__
from .network import _kernels
from .network._products import has_onednn

DEPENDENCIES = ("torch", "skorch", "scikit-learn", "numpy", "scipy", "pandas")


def _dependencies():
    """Version of each package that this one needs; None if it is not installed."""
    versions = {"sklearn_ladder": __version__}
    for name in DEPENDENCIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = None
    return versions


def _computation():
    """How a training step is computed on CPU, and whether there is a GPU."""
    if _kernels.is_available():
        path = f"compiled ({_kernels.instruction_set()})"
        openmp = _kernels.has_openmp()
    else:
        path, openmp = "torch", "not used"
    return {
        "training step on CPU": path,
        "OpenMP in compiled functions": openmp,
        "products of one network": "oneDNN" if has_onednn() else "torch",
        "products of several networks": (
            path if _kernels.has_fast_products() else "torch"
        ),
        "threads": torch.get_num_threads(),
        "CUDA": torch.version.cuda if torch.cuda.is_available() else None,
    }


def show_versions() -> None:
    """Print versions of the dependencies, and how this machine computes.

    A training step on CPU uses compiled functions if the package was installed with a C
    compiler, or from a wheel that has them. Otherwise torch computes it, more slowly.
    The result is the same up to rounding, except that other noise is drawn.

    Examples
    --------
    >>> from sklearn_ladder import show_versions
    >>> show_versions()  # doctest: +SKIP
    """
    sections = {
        "System": {
            "python": sys.version.replace("\n", " "),
            "executable": sys.executable,
            "machine": platform.platform(),
        },
        "Python dependencies": _dependencies(),
        "Computation": _computation(),
    }
    for title, entries in sections.items():
        print(f"\n{title}:")
        width = max(map(len, entries))
        for name, value in entries.items():
            print(f"{name:>{width}}: {value}")
