"""Callbacks for ``LadderClassifier(callbacks=[...])``, beside those of skorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from skorch.callbacks import Callback

from .fused._step import Hooks
from .training._checkpoint import Checkpoint
from .training._cuda_graph import GraphedStep
from .training._step import acts_on_gradients

if TYPE_CHECKING:
    from typing import Any

__all__ = ["CUDAGraph", "Checkpoint"]


class CUDAGraph(Callback):
    """Take training steps from a CUDA graph, one launch each.

    On a CUDA device, launching the kernels of a small network's step takes longer than
    running them. A graph is recorded once and launched as a whole. It does the same
    arithmetic on the same random numbers.

    It is not the default, because it has not been timed on a GPU yet. If a graph is
    impossible, training takes plain steps, and `reason_` says why.

    Attributes
    ----------
    reason_ : str or None
        Why there is no graph.

    Examples
    --------
    >>> from sklearn_ladder import LadderClassifier
    >>> from sklearn_ladder.callbacks import CUDAGraph
    >>> clf = LadderClassifier(callbacks=[CUDAGraph()], device="auto")
    """

    # set by training
    reason_: str | None

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Replace the net's training step."""
        self.reason_ = self._reason_against(net)
        if self.reason_ is None:
            self.step_before_ = net.train_step
            net.train_step = GraphedStep(
                *(net.train_step.plain, net.optimizer_, net.noise_generator_),
                # rates may change
                lambda: (net.settings() | {"lr": None}, id(net.criterion_)),
                Hooks(net.module_, net.criterion_, net.optimizer_),
            )

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Give the net its plain step back, and free the memory of the graph."""
        if "step_before_" in vars(self):  # a checkpoint may have brought `reason_`
            self.reason_ = net.train_step.reason
            net.train_step = self.__dict__.pop("step_before_")

    @staticmethod
    def _reason_against(net):
        if torch.device(net.device).type != "cuda":
            return "only CUDA has graphs"
        name = acts_on_gradients(net)
        return None if name is None else f"callback {name} acts on gradients"
