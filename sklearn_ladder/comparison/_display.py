"""Plot of a comparison."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .._plots import require_matplotlib
from ..displays._layout import literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Self

    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.container import ErrorbarContainer
    from matplotlib.figure import Figure, SubFigure

    from .._typing import Array, Score
    from ._result import Comparison

TITLES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "log_loss": "log-loss",
}


@dataclass(kw_only=True, eq=False, repr=False)
class ComparisonDisplay:
    """Scores of methods and their differences from the best one, with 95 % intervals.

    Intervals of the scores overlap even if one method is surely better, because a fold
    that is hard is hard for all. Differences in the same folds tell methods apart.

    Use :meth:`Comparison.plot` or :meth:`from_comparison` to create a display. All
    parameters are stored as attributes.

    Parameters
    ----------
    methods : list of str
        Best first.

    score : {"accuracy", "balanced_accuracy", "log_loss"}

    scores, differences : array-like of shape (n_methods, 3)
        Means, and both ends of their intervals.

    Attributes
    ----------
    axes_ : ndarray of two matplotlib Axes
        Scores, and differences.

    figure_ : matplotlib Figure

    errorbars_ : list of two ErrorbarContainer
    """

    methods: list[str]
    score: Score
    scores: npt.ArrayLike
    differences: npt.ArrayLike

    # set by plot
    axes_: npt.NDArray[Any] = field(init=False)
    figure_: Figure | SubFigure = field(init=False)
    errorbars_: list[ErrorbarContainer] = field(init=False)

    @classmethod
    def from_comparison(
        cls,
        comparison: Comparison,
        score: Score = "log_loss",
        *,
        axes: Sequence[Axes] | Array | None = None,
    ) -> Self:
        """Plot a comparison.

        Parameters
        ----------
        comparison : Comparison
        score : {"accuracy", "balanced_accuracy", "log_loss"}, default="log_loss"
        axes : array-like of two matplotlib Axes, default=None
            By default those of a new figure.

        Returns
        -------
        ComparisonDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If there is no such score.
        """
        require_matplotlib(cls)
        if score not in TITLES:
            raise ValueError(f"score must be one of {list(TITLES)}; got {score!r}.")
        table = comparison.table.sort_values(
            score, ascending=score == "log_loss", kind="stable"
        )
        methods = table.index.tolist()
        differences = [
            comparison.difference(method, methods[0], score) for method in methods
        ]
        differences[0] = (0.0, 0.0, 0.0)  # of the best method from itself
        display = cls(
            methods=methods,
            score=score,
            scores=table[[score, f"{score} low", f"{score} high"]].to_numpy(),
            differences=np.array(differences),
        )
        return display.plot(axes=axes)

    def plot(self, *, axes: Sequence[Axes] | Array | None = None) -> Self:
        """Plot scores and differences.

        Parameters
        ----------
        axes : array-like of two matplotlib Axes, default=None
            By default those of a new figure.

        Returns
        -------
        self : ComparisonDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        require_matplotlib(type(self))
        import matplotlib.pyplot as plt

        if axes is None:
            height = 1.2 + 0.3 * len(self.methods)
            _, axes = plt.subplots(
                1, 2, figsize=(9, height), layout="constrained", sharey=True
            )
        self.axes_ = np.asarray(axes)
        self.figure_ = self.axes_[0].figure
        title = TITLES[self.score]
        methods = [literal(method) for method in self.methods]
        labels = [title, f"{title}, difference from {methods[0]}"]
        self.errorbars_ = []
        for ax, values, label in zip(
            self.axes_, (self.scores, self.differences), labels, strict=True
        ):
            mean, low, high = np.transpose(values)
            bars = ax.errorbar(
                mean, methods, xerr=[mean - low, high - mean], fmt="o", capsize=3
            )
            self.errorbars_.append(bars)
            ax.set_xlabel(label)
            ax.grid(axis="x", alpha=0.3)
        self.axes_[1].axvline(0, color="gray", linewidth=0.8)
        top, bottom = self.axes_[0].get_ylim()
        if top < bottom:  # the best on top, whether the axes are shared or not
            self.axes_[0].invert_yaxis()
        top, bottom = self.axes_[1].get_ylim()
        if top < bottom:
            self.axes_[1].invert_yaxis()
        return self
