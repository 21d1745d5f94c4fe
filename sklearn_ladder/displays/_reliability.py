"""Reliability of probabilities: are predictions as often right as they say?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import binomtest
from sklearn.calibration import CalibrationDisplay, calibration_curve
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from .._plots import require_matplotlib
from ..data._labels import (
    UNLABELED,
    check_some_labeled,
    class_names,
    encode_known_labels,
    known_classes,
    labeled_part,
)
from ._layout import literal, place_legend

if TYPE_CHECKING:
    from typing import Any, Literal, Self

    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.lines import Line2D

    from .._typing import LabelsLike, MatrixLike


# Rounding: probabilities may lie this far outside 0 and 1.
ROUNDING = 1e-5


class ReliabilityDisplay(CalibrationDisplay):
    """Accuracy against the probability of the predicted class.

    Samples are divided into bins by their confidence, the probability of the predicted
    class. A point above the diagonal is a bin in which predictions are right more often
    than they say. Vertical lines are 95 % intervals of the accuracy, which are wide
    for few labels. This extends
    :class:`~sklearn.calibration.CalibrationDisplay` to unlabeled samples and to several
    classes.

    Use :meth:`from_estimator` or :meth:`from_predictions` to create a display. All
    parameters are stored as attributes.

    Parameters
    ----------
    prob_true : ndarray of shape (n_bins,)
        Accuracy in each bin; or the share of the class `pos_label`.

    prob_pred : ndarray of shape (n_bins,)
        Mean confidence in each bin; or the mean probability of `pos_label`.

    y_prob : ndarray of shape (n_labeled,)
        Confidence, or probability, of each sample.

    n_per_bin : ndarray of shape (n_bins,)
        Number of samples in each bin.

    estimator_name : str, default=None
        Name of the curve.

    pos_label : int, str or bool, default=None
        The class whose probability is plotted. If None, the predicted class.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the curve.

    figure_ : matplotlib Figure
        Figure with the curve.

    line_ : matplotlib Line2D
        The curve.

    intervals_ : matplotlib LineCollection
        Wilson's 95 % intervals.

    calibration_error : float
        Expected calibration error (ECE in the legend): mean distance of the bins from
        the diagonal, weighted by their numbers of samples.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn_ladder import LadderClassifier
    >>> from sklearn_ladder.displays import ReliabilityDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    >>> clf = LadderClassifier((16,), max_epochs=30, random_state=0).fit(X, y)
    >>> display = ReliabilityDisplay.from_estimator(clf, X_test, y_test, n_bins=3)
    >>> int(display.n_per_bin.sum())
    38
    """

    # set by plot
    ax_: Axes
    figure_: Figure | SubFigure
    line_: Line2D
    intervals_: LineCollection

    def __init__(
        self,
        prob_true: npt.NDArray[np.floating],
        prob_pred: npt.NDArray[np.floating],
        y_prob: npt.NDArray[np.floating],
        n_per_bin: npt.NDArray[np.integer],
        *,
        estimator_name: str | None = None,
        pos_label: int | str | bool | None = None,
    ) -> None:
        super().__init__(
            prob_true,
            prob_pred,
            y_prob,
            estimator_name=estimator_name,
            pos_label=pos_label,
        )
        self.n_per_bin = n_per_bin

    @property
    def calibration_error(self) -> float:
        """Expected calibration error."""
        distance = np.abs(np.subtract(self.prob_true, self.prob_pred))
        return float(np.average(distance, weights=self.n_per_bin))

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: MatrixLike,
        y: LabelsLike,
        *,
        n_bins: int = 5,
        strategy: Literal["quantile", "uniform"] = "quantile",
        pos_label: int | str | bool | None = None,
        name: str | None = None,
        ax: Axes | None = None,
        ref_line: bool = True,
        **kwargs: Any,
    ) -> Self:
        """Plot the reliability of a classifier's probabilities.

        Parameters
        ----------
        estimator : classifier
            Fitted classifier or pipeline with `predict_proba`, of this package or
            another.

        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples whose labels were not used in training.

        y : array-like of shape (n_samples,)
            Labels; samples with -1 or a missing value are ignored.

        n_bins : int, default=5
            Number of bins. More bins need more labels.

        strategy : {"quantile", "uniform"}, default="quantile"
            Bins with equally many samples, or of equal width. With "uniform", most
            samples are often in the last bin and the others tell little.

        pos_label : int, str or bool, default=None
            A class whose probability is plotted against its share. If None, the
            probability of the predicted class is plotted against the accuracy.

        name : str, default=None
            Name of the curve. If None, the name of the estimator's class.

        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure is created.

        ref_line : bool, default=True
            Whether to plot the diagonal.

        **kwargs
            Passed to :meth:`matplotlib.axes.Axes.plot`.

        Returns
        -------
        ReliabilityDisplay

        Raises
        ------
        AttributeError
            If the estimator has no `predict_proba`.
        ImportError
            If matplotlib is not installed.
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If no sample is labeled, if `y` has a label or `pos_label` is a class that
            the classifier does not know, or if another argument is not as described.
        """
        require_matplotlib(cls)
        check_is_fitted(estimator)
        proba = np.asarray(estimator.predict_proba(X))
        return cls.from_predictions(
            y,
            # label spreading has NaN where it says nothing
            np.nan_to_num(proba, nan=1 / proba.shape[1]),
            classes=estimator.classes_,
            n_bins=n_bins,
            strategy=strategy,
            pos_label=pos_label,
            name=type(estimator).__name__ if name is None else name,
            ax=ax,
            ref_line=ref_line,
            **kwargs,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: LabelsLike,
        y_proba: npt.ArrayLike,
        *,
        classes: npt.ArrayLike | None = None,
        n_bins: int = 5,
        strategy: Literal["quantile", "uniform"] = "quantile",
        pos_label: int | str | bool | None = None,
        name: str | None = None,
        ax: Axes | None = None,
        ref_line: bool = True,
        **kwargs: Any,
    ) -> Self:
        """Plot the reliability of probabilities.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            Labels; samples with -1 or a missing value are ignored.

        y_proba : array-like of shape (n_samples, n_classes)
            Probabilities of the classes.

        classes : array-like of shape (n_classes,), default=None
            The classes, in the order of the columns. If None, the sorted labels of
            `y_true`.

        n_bins, strategy, pos_label, name, ax, ref_line, **kwargs
            As in :meth:`from_estimator`. Without a name, the curve has no label.

        Returns
        -------
        ReliabilityDisplay

        Raises
        ------
        ImportError, ValueError
            As in :meth:`from_estimator`; a ValueError also if `classes` are not as
            many as columns, or if one is there twice or is -1.
        """
        require_matplotlib(cls)
        y_proba = np.asarray(y_proba)
        classes = np.unique(labeled_part(y_true)[1]) if classes is None else classes
        classes = np.asarray(classes)
        if y_proba.ndim != 2 or y_proba.shape[1] != len(classes):
            raise ValueError(
                f"y_proba must have shape (n_samples, {len(classes)}), one column per "
                f"class of {classes}; got {y_proba.shape}."
            )
        check_consistent_length(y_true, y_proba)
        if len(known_classes(classes)) != len(classes):
            raise ValueError(
                f"classes must be distinct, and -1 marks unlabeled samples; got "
                f"{classes}. A classifier that took -1 for a class needs a "
                "LabeledOnlyClassifier around it."
            )
        order = np.argsort(classes, kind="stable")  # as codes have it
        classes, y_proba = classes[order], y_proba[:, order]
        prob, is_true = _binary(y_true, y_proba, classes, pos_label)
        prob_true, prob_pred = calibration_curve(
            is_true, prob, pos_label=True, n_bins=n_bins, strategy=strategy
        )
        display = cls(
            prob_true,
            prob_pred,
            prob,
            _n_per_bin(prob, n_bins, strategy),
            estimator_name=name,
            pos_label=pos_label,
        )
        return display.plot(ax=ax, ref_line=ref_line, **kwargs)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        name: str | None = None,
        ref_line: bool = True,
        **kwargs: Any,
    ) -> Self:
        """Plot the curve.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure is created.

        name : str, default=None
            Name of the curve. If None, the display's `estimator_name`.

        ref_line : bool, default=True
            Whether to plot the diagonal.

        **kwargs
            Passed to :meth:`matplotlib.axes.Axes.plot`.

        Returns
        -------
        self : ReliabilityDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        require_matplotlib(type(self))
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(figsize=(5, 4.5), layout="constrained")
        name = self.estimator_name if name is None else name
        if name is not None:
            name = f"{name} (ECE {self.calibration_error:.2f})"
        super().plot(ax=ax, name=name, ref_line=ref_line, **kwargs)
        low, high = _wilson_intervals(self.prob_true, self.n_per_bin)
        self.intervals_ = ax.vlines(
            self.prob_pred, low, high, color=self.line_.get_color(), alpha=0.5
        )
        if self.pos_label is None:
            ax.set(xlabel="Confidence", ylabel="Accuracy")
        else:
            pos_label = literal(self.pos_label)
            ax.set(
                xlabel=f"Probability of class {pos_label}",
                ylabel=f"Share of class {pos_label}",
            )
        place_legend(ax)
        return self


def _binary(y_true, y_proba, classes, pos_label):
    """Probabilities of labeled samples, and whether their class is the true one."""
    codes = encode_known_labels(y_true, classes).codes
    labeled = codes != UNLABELED
    check_some_labeled(labeled)
    codes, y_proba = codes[labeled], y_proba[labeled].astype(float)
    # float32 probabilities may exceed 1 by rounding
    is_proba = (y_proba >= -ROUNDING) & (y_proba <= 1 + ROUNDING)
    if not is_proba.all():
        raise ValueError(
            f"y_proba must be between 0 and 1; got {y_proba[~is_proba][0]:g}."
        )
    if pos_label is None:
        predicted = y_proba.argmax(axis=1)
        return y_proba.max(axis=1).clip(0, 1), predicted == codes
    found = np.flatnonzero([label == pos_label for label in class_names(classes)])
    if len(found) == 0:
        raise ValueError(f"pos_label must be a class of {classes}; got {pos_label!r}.")
    return y_proba[:, found[0]].clip(0, 1), codes == found[0]


def _n_per_bin(prob, n_bins, strategy):
    """Numbers of samples in the bins of `calibration_curve` that are not empty."""
    edges = np.linspace(0, 1, n_bins + 1)
    if strategy == "quantile":
        edges = np.percentile(prob, 100 * edges)
    counts = np.bincount(np.searchsorted(edges[1:-1], prob), minlength=n_bins)
    return counts[counts > 0]


def _wilson_intervals(share, n):
    """Wilson's 95 % intervals of shares of `n` samples: low and high ends."""
    counts = np.rint(np.multiply(share, n)).astype(int)
    tests = map(binomtest, counts.tolist(), np.asarray(n).tolist())
    return zip(*(test.proportion_ci(method="wilson") for test in tests), strict=True)
