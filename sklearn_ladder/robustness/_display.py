"""Plot of the error under attack."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .._plots import require_matplotlib
from ._attacks import fast_gradient
from ._measures import adversarial_error

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self

    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.lines import Line2D

    from .._classifier import LadderClassifier
    from .._typing import LabelsLike, MatrixLike, Norm, NumbersLike

NORM_LABELS = {"l1": "L1", "l2": "L2", "linf": "L∞"}


@dataclass(kw_only=True, eq=False, repr=False)
class RobustnessCurveDisplay:
    """Error after an attack, plotted against the length ε of the changes.

    Use :meth:`from_estimator` to create a display. All parameters are stored as
    attributes.

    Parameters
    ----------
    eps : array-like of shape (n_eps,)
        Lengths of the changes.

    error : array-like of shape (n_eps,)
        Error at each length, between 0 and 1.

    norm : {"l1", "l2", "linf"}, default="linf"
        Norm in which `eps` is measured.

    name : str, default=None
        Name of the curve. If None, the plot has no legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the curve.

    figure_ : matplotlib Figure
        Figure with the curve.

    line_ : matplotlib Line2D
        The curve.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ladder import LadderClassifier
    >>> from sklearn_ladder.robustness import RobustnessCurveDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = LadderClassifier((16,), max_epochs=30, random_state=0).fit(X, y)
    >>> display = RobustnessCurveDisplay.from_estimator(clf, X, y, eps=[0, 0.5, 1])
    >>> display.error.shape
    (3,)
    """

    eps: NumbersLike
    error: NumbersLike
    norm: Norm = "linf"
    name: str | None = None

    # set by plot
    ax_: Axes = field(init=False)
    figure_: Figure | SubFigure = field(init=False)
    line_: Line2D = field(init=False)

    @classmethod
    def from_estimator(
        cls,
        estimator: LadderClassifier,
        X: MatrixLike,
        y: LabelsLike,
        *,
        eps: npt.ArrayLike = (0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3),
        norm: Norm = "linf",
        attack: Callable[..., npt.NDArray[np.floating]] = fast_gradient,
        ax: Axes | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> Self:
        """Attack a classifier at each ε and plot its error.

        Parameters
        ----------
        estimator, X, y, norm, attack
            Parameters of :func:`adversarial_error`.

        eps : array-like of shape (n_eps,), default=(0, 0.05, …, 0.3)
            Lengths of the changes, in units of `X`. The largest default is the
            published length for pixels in [0, 1].

        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure is created.

        name : str, default=None
            Name of the curve. If None, the name of the estimator's class is used.

        **kwargs
            Passed to :meth:`matplotlib.axes.Axes.plot`.

        Returns
        -------
        RobustnessCurveDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError, NotFittedError, ValueError
            Under the same conditions as in :func:`adversarial_error`.
        """
        require_matplotlib(cls)
        eps = np.atleast_1d(np.asarray(eps, dtype=float))
        errors = [
            adversarial_error(estimator, X, y, e, norm, attack=attack) for e in eps
        ]
        name = type(estimator).__name__ if name is None else name
        display = cls(eps=eps, error=np.array(errors), norm=norm, name=name)
        return display.plot(ax=ax, **kwargs)

    def plot(
        self, ax: Axes | None = None, *, name: str | None = None, **kwargs: Any
    ) -> Self:
        """Plot the curve.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure is created.

        name : str, default=None
            Name of the curve. If None, the display's `name` is used.

        **kwargs
            Passed to :meth:`matplotlib.axes.Axes.plot`.

        Returns
        -------
        self : RobustnessCurveDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        require_matplotlib(type(self))
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots()
        kwargs = {"label": self.name if name is None else name} | kwargs
        (self.line_,) = ax.plot(self.eps, self.error, **kwargs)
        ax.set(xlabel=f"ε ({NORM_LABELS[self.norm]})", ylabel="Error")
        if kwargs["label"] is not None:
            ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
