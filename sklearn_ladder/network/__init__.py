"""The ladder network in PyTorch."""

from ._ladder import Ladder, LadderPass

__all__ = ["Ladder", "LadderPass"]
