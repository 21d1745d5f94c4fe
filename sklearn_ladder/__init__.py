"""Ladder networks for scikit-learn: classifiers for many rows and few labels."""

from ._classifier import LadderClassifier

__all__ = ["LadderClassifier"]
__version__ = "0.1.0"
