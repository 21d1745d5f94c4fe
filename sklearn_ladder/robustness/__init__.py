"""Robustness of a fitted classifier against small changes of its samples.

Attacks change samples so that the log-loss of their labels rises. They follow the
gradient through the feature scaling and the clean encoder, so ε is in units of `X`.
"""

from ._attacks import fast_gradient, projected_gradient
from ._display import RobustnessCurveDisplay
from ._measures import adversarial_error, virtual_adversarial_cost

__all__ = [
    "RobustnessCurveDisplay",
    "adversarial_error",
    "fast_gradient",
    "projected_gradient",
    "virtual_adversarial_cost",
]
