"""Ladder networks for scikit-learn: classifiers for many rows and few labels."""

from ._classifier import LadderClassifier
from ._version import __version__

__all__ = ["LadderClassifier", "__version__"]
