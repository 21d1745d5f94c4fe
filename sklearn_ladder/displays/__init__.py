"""Plots of a fitted classifier, in the style of scikit-learn's displays.

Module `sklearn_ladder.robustness` has the plot of the error under attack.
"""

from ._denoising import DenoisingFunctionDisplay
from ._embedding import EmbeddingDisplay
from ._history import TrainingHistoryDisplay
from ._reconstruction import ReconstructionDisplay
from ._reliability import ReliabilityDisplay
from ._table_reconstruction import TableReconstructionDisplay

__all__ = [
    "DenoisingFunctionDisplay",
    "EmbeddingDisplay",
    "ReconstructionDisplay",
    "ReliabilityDisplay",
    "TableReconstructionDisplay",
    "TrainingHistoryDisplay",
]
