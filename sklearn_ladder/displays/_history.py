"""Costs per epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .._plots import require_matplotlib
from .._trained_net import TrainedNetMixin
from ..robustness._attacks import fitted_net
from ._layout import layer_name, place_legend

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Self

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.lines import Line2D

    from .._autoencoder import LadderAutoencoder
    from .._classifier import LadderClassifier
    from .._typing import NumbersLike


@dataclass(kw_only=True, eq=False, repr=False)
class TrainingHistoryDisplay:
    """Costs per epoch, from the `history_` of a `LadderClassifier`.

    The history covers the last `fit`. After `partial_fit`, it has the last 100 epochs:
    one per call, and before them those of `fit`. "train_loss" is the weighted sum of
    the costs. The costs themselves are plotted without weights.

    Use :meth:`from_estimator` to create a display. All parameters are stored as
    attributes.

    Parameters
    ----------
    epoch : array-like of shape (n_epochs,)
        Numbers of the epochs.

    costs : dict of str to array-like of shape (n_epochs,)
        Value of each cost in each epoch. Keys are the names in `history_`.

    labels : dict of str to str, default=None
        Label of each cost in the legend. Costs without one have their name.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the curves.

    figure_ : matplotlib Figure
        Figure with the curves.

    lines_ : dict of str to matplotlib Line2D
        The curve of each cost.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ladder import LadderClassifier
    >>> from sklearn_ladder.displays import TrainingHistoryDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = LadderClassifier((16,), max_epochs=30, random_state=0).fit(X, y)
    >>> display = TrainingHistoryDisplay.from_estimator(clf, names=["supervised_cost"])
    >>> display.lines_["supervised_cost"].get_xdata().shape
    (30,)
    """

    epoch: NumbersLike
    costs: Mapping[str, NumbersLike]
    labels: Mapping[str, str] | None = None

    # set by plot
    ax_: Axes = field(init=False)
    figure_: Figure | SubFigure = field(init=False)
    lines_: dict[str, Line2D] = field(init=False)

    @classmethod
    def from_estimator(
        cls,
        estimator: LadderClassifier | LadderAutoencoder,
        *,
        names: str | Sequence[str] | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Plot the costs of a classifier's training.

        Parameters
        ----------
        estimator : LadderClassifier or LadderAutoencoder
            Fitted classifier.

        names : str or list of str, default=None
            Names of costs and losses in `history_`. If None, all are plotted.

        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure is created.

        **kwargs
            Passed to :meth:`matplotlib.axes.Axes.plot` for each curve.

        Returns
        -------
        TrainingHistoryDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        NotFittedError
            If the classifier is not fitted.
        TypeError
            If `estimator` is neither of the two.
        ValueError
            If `names` contains a name that is not a cost or loss in `history_`.
        """
        require_matplotlib(cls)
        fitted_net(estimator, of=TrainedNetMixin)
        history = estimator.history_
        known = [
            name
            for name in history  # callbacks may have recorded scores there
            if name in ("train_loss", "valid_loss") or name.endswith("_cost")
        ]
        names = known if names is None else np.atleast_1d(names).tolist()
        if unknown := [name for name in names if name not in known]:
            raise ValueError(f"names must be among {known}; got {unknown}.")
        display = cls(
            epoch=history["epoch"],
            costs={name: history[name] for name in names},
            labels={name: _curve_label(name, estimator.plan_) for name in names},
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Axes | None = None, **kwargs: Any) -> Self:
        """Plot the curves.

        If the figure has a layout engine, such as ``layout="constrained"``, the legend
        is beside the axes, or above them if they are narrow. Otherwise it is inside
        them, above the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure is created.

        **kwargs
            Passed to :meth:`matplotlib.axes.Axes.plot` for each curve.

        Returns
        -------
        self : TrainingHistoryDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        require_matplotlib(type(self))
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(figsize=(7.5, 4.5), layout="constrained")
            # Colors repeat after ten curves, with dashed lines.
            # (A listed colormap has `colors`, which the type of the registry omits.)
            colors = plt.cycler(color=plt.colormaps["tab10"].colors)  # type: ignore[attr-defined]
            ax.set_prop_cycle(plt.cycler(linestyle=["-", "--"]) * colors)
        if len(self.epoch) == 1:  # a single point is invisible without a marker
            kwargs = {"marker": "o"} | kwargs
        self.lines_, labels = {}, self.labels or {}
        for name, values in self.costs.items():
            label = {"label": labels.get(name, name)}
            (self.lines_[name],) = ax.plot(self.epoch, values, **label | kwargs)
        # The costs of the layers differ by orders of magnitude. The supervised cost can
        # be 0, in epochs without labeled samples.
        ax.set_yscale("log", nonpositive="mask")
        ax.set(xlabel="Epoch", ylabel="Cost")
        place_legend(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _curve_label(name, plan):
    """Label of a cost: "denoising, input" for "denoising_0_cost"."""
    *words, last = name.removesuffix("_cost").split("_")
    if not last.isdigit():
        return " ".join([*words, last])
    return f"{' '.join(words)}, {layer_name(int(last), plan)}"
