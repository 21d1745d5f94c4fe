"""Ladder networks for scikit-learn: classifiers for many rows and few labels."""

from . import architectures, model_selection, preprocessing, recipes, robustness
from ._classifier import LadderClassifier
from ._version import __version__

__all__ = [
    "LadderClassifier",
    "__version__",
    "architectures",
    "model_selection",
    "preprocessing",
    "recipes",
    "robustness",
]
