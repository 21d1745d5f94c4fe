"""Settings of virtual adversarial perturbations."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING

from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions

from ._documentation import DocumentationMixin
from .objective._adversary import NORMS

if TYPE_CHECKING:
    from typing import Literal

    from ._typing import Norm, NumbersLike

# kind: (whether perturbations are added as noise, whether all layers have them)
KINDS = {
    "cost": (False, False),
    "cost-layerwise": (False, True),
    "noise": (True, False),
    "noise-layerwise": (True, True),
}


class VirtualAdversary(DocumentationMixin, BaseEstimator):
    """Virtual adversarial perturbations of the unlabeled samples of each batch.

    A perturbation is the small change of a sample that changes the network's output
    most. It needs no label. Pass an instance as ``virtual_adversarial`` of
    :class:`LadderClassifier`; a search reaches its parameters as
    ``virtual_adversarial__size`` and so on. With three power
    iterations, a training step takes up to three times as long.

    Parameters
    ----------
    kind : {"cost", "cost-layerwise", "noise", "noise-layerwise"}, default="cost"
        How perturbations are used. "cost" (LVAC): the input is perturbed, and the
        change of the output is a cost. "noise" (LVAN): the perturbation is added to the
        noise at the input, and the decoder learns to undo it. "cost-layerwise"
        (LVAC-LW) and "noise-layerwise" (LVAN-LW) do the same at each layer but the
        class layer. "cost" with ``variant="supervised"`` and ``noise_std=0`` is virtual
        adversarial training (VAT).

    size : float or array-like of shape (n_layers,), default=1.0
        Length of the perturbations (ε in the papers), for all layers or for each layer,
        input first. At the input it is in units of the scaled features. Entries of
        layers that are not perturbed are ignored. Published values for pixels in [0, 1]
        are 0.07 to 5 at the input, and 0.5 to 0.0006 above it, so give layer-wise kinds
        a value for each layer.

    norm : {"l1", "l2", "linf"}, default="l2"
        Norm in which `size` is measured. The published code uses "l2".

    n_power_iterations : int, default=1
        Number of passes that search for the direction of a perturbation. The published
        number is 3; with noise in the perturbed encoder the first finds most of it.

    weight : float, default=1.0
        Weight of the virtual adversarial costs. Used by the two kinds of cost.

    References
    ----------
    Miyato, Maeda, Koyama, Ishii, "Virtual Adversarial Training", TPAMI 2019,
    arXiv:1704.03976.

    Shinoda, Worrall, Brostow, "Virtual Adversarial Ladder Networks for Semi-supervised
    Learning", 2017, arXiv:1711.07476.

    Examples
    --------
    >>> from sklearn_ladder import LadderClassifier, VirtualAdversary
    >>> clf = LadderClassifier(virtual_adversarial=VirtualAdversary("noise", size=0.5))
    >>> clf.set_params(virtual_adversarial__size=0.2).virtual_adversarial.size
    0.2
    """

    _parameter_constraints: dict = {
        "kind": [StrOptions(set(KINDS))],
        "size": [Interval(Real, 0, None, closed="left"), "array-like"],
        "norm": [StrOptions(set(NORMS))],
        "n_power_iterations": [Interval(Integral, 1, None, closed="left")],
        "weight": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        kind: Literal["cost", "cost-layerwise", "noise", "noise-layerwise"] = "cost",
        *,
        size: float | NumbersLike = 1.0,
        norm: Norm = "l2",
        n_power_iterations: int = 1,
        weight: float = 1.0,
    ) -> None:
        self.kind = kind
        self.size = size
        self.norm = norm
        self.n_power_iterations = n_power_iterations
        self.weight = weight
