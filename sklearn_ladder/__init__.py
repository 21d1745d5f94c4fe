"""Ladder networks for scikit-learn: classifiers for many rows and few labels."""

import importlib

from ._classifier import LadderClassifier
from ._version import __version__

# Imported when they are first asked for, as scikit-learn does: they would take nearly
# as long as all the rest.
_SUBMODULES = [
    "architectures",
    "model_selection",
    "preprocessing",
    "recipes",
    "robustness",
]
__all__ = ["LadderClassifier", "__version__", *_SUBMODULES]


def __dir__():
    return __all__


def __getattr__(name):
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
