"""The top hidden representation in two dimensions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.utils import _safe_indexing, check_consistent_length, indexable
from sklearn.utils.validation import _num_samples

from .._plots import require_matplotlib
from .._random import private_random_state
from ..data._labels import UNLABELED, encode_known_labels, known_classes
from ..robustness._attacks import fitted_net
from ._layout import choose_samples, legend_marker, literal

if TYPE_CHECKING:
    from typing import Any, Literal, Self

    import numpy.typing as npt
    from matplotlib.collections import PathCollection
    from matplotlib.figure import Figure, SubFigure

    from .._classifier import LadderClassifier
    from .._typing import Estimator, LabelsLike, MatrixLike, RandomState

# Classes up to this number have distinct colors; more have colors of a continuous map.
MOST_DISTINCT = 20
UNLABELED_COLOR = "0.75"


@dataclass(kw_only=True, eq=False, repr=False)
class EmbeddingDisplay:
    """Top hidden representation in two dimensions, by label and by prediction.

    Samples of a class should lie together, and clusters should not have labels of
    several classes. In the left plot, unlabeled samples are gray. Samples whose labels
    were used in training are marked in both.

    Use :meth:`from_estimator` or :meth:`from_predictions` to create a display. All
    parameters are stored as attributes.

    Parameters
    ----------
    embedding : ndarray of shape (n_samples, 2)
        Samples in two dimensions.

    y_pred : ndarray of shape (n_samples,)
        Predicted labels.

    y : ndarray of shape (n_samples,), default=None
        Labels; -1 or missing if unlabeled. If None, only predictions are plotted.

    labeled : ndarray of shape (n_samples,), bool, default=None
        Samples to mark. If None, none is.

    classes : ndarray of shape (n_classes,), default=None
        All classes. If None, those of `y_pred` and `y`.

    axis_labels : pair of str, default=("Dimension 1", "Dimension 2")
        Labels of the axes.

    Attributes
    ----------
    axes_ : ndarray of shape (n_plots,) of matplotlib Axes
        Axes of the plot by label, if there is one, and of the plot by prediction.

    figure_ : matplotlib Figure or SubFigure
        Figure with the plots.

    points_ : list of dict of label to matplotlib PathCollection
        Points of each class, for each of `axes_`. Unlabeled samples have the key -1.

    marks_ : list of matplotlib PathCollection
        Marks of the labeled samples, for each of `axes_`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ladder import LadderClassifier
    >>> from sklearn_ladder.displays import EmbeddingDisplay
    >>> from sklearn_ladder.model_selection import hide_labels
    >>> X, y = load_iris(return_X_y=True)
    >>> y_few = hide_labels(y, per_class=5, random_state=0)
    >>> clf = LadderClassifier((16,), max_epochs=30, random_state=0).fit(X, y_few)
    >>> display = EmbeddingDisplay.from_estimator(clf, X, y_few)
    >>> display.embedding.shape
    (150, 2)
    """

    embedding: npt.NDArray[Any]
    y_pred: npt.ArrayLike
    y: LabelsLike | None = None
    labeled: npt.ArrayLike | None = None
    classes: npt.NDArray[Any] | None = None
    axis_labels: tuple[str, str] = ("Dimension 1", "Dimension 2")

    # set by plot
    axes_: npt.NDArray[Any] = field(init=False)
    figure_: Figure | SubFigure = field(init=False)
    points_: list[dict[Any, PathCollection]] = field(init=False)
    marks_: list[PathCollection] = field(init=False)

    @classmethod
    def from_estimator(
        cls,
        estimator: LadderClassifier,
        X: MatrixLike,
        y: LabelsLike | None = None,
        *,
        labeled: npt.ArrayLike | None = None,
        reducer: Literal["pca", "tsne"] | Estimator = "pca",
        max_samples: int = 2000,
        random_state: RandomState = None,
        figure: Figure | SubFigure | None = None,
        **kwargs: Any,
    ) -> Self:
        """Transform samples by a classifier, reduce to two dimensions, and plot.

        Parameters
        ----------
        estimator : LadderClassifier
            Fitted classifier.

        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        y : array-like of shape (n_samples,), default=None
            Labels; -1 or missing if unlabeled. If None, only predictions are plotted.

        labeled : array-like of shape (n_samples,), bool, default=None
            Samples to mark. If None, those with a label in `y`, unless all have one. In
            a benchmark, `y` may have all labels, and `labeled` mark those of training.

        reducer : {"pca", "tsne"} or transformer, default="pca"
            Brings the representation to two dimensions. "pca" is scikit-learn's
            :class:`~sklearn.decomposition.PCA`; labels of the axes have the shares of
            the variance. "tsne" is :class:`~sklearn.manifold.TSNE`, which separates
            clusters more and takes longer. A transformer is cloned, and fitted by
            ``fit_transform``.

        max_samples : int, default=2000
            Largest number of samples. If `X` has more, the marked ones are taken first,
            and the others are drawn at random.

        random_state : int, RandomState instance or None, default=None
            Determines the draw of samples, and t-SNE.

        figure : matplotlib Figure or SubFigure, default=None
            Figure to plot on. If None, a new figure is created.

        **kwargs
            Passed to :meth:`matplotlib.axes.Axes.scatter`.

        Returns
        -------
        EmbeddingDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        NotFittedError
            If the classifier is not fitted.
        TypeError
            If `estimator` is not a LadderClassifier.
        ValueError
            If `y` has a label that is no class of the classifier, if lengths differ, if
            `labeled` is not boolean, or if there are no two dimensions.
        """
        require_matplotlib(cls)
        fitted_net(estimator)
        if y is not None:
            codes = encode_known_labels(y, estimator.classes_).codes
            check_consistent_length(X, codes)
            if labeled is None and (codes == UNLABELED).any():
                labeled = codes != UNLABELED
        marked = None if labeled is None else _as_booleans(labeled)
        check_consistent_length(X, marked)
        random_state = private_random_state(random_state)
        (X,) = indexable(X)  # some sparse formats have no rows
        chosen = choose_samples(_num_samples(X), max_samples, random_state, marked)
        X = _safe_indexing(X, chosen)
        embedding, axis_labels = _reduce(estimator.transform(X), reducer, random_state)
        display = cls(
            embedding=embedding,
            y_pred=estimator.predict(X),
            y=None if y is None else _safe_indexing(y, chosen),
            labeled=None if marked is None else marked[chosen],
            classes=estimator.classes_,
            axis_labels=axis_labels,
        )
        return display.plot(figure=figure, **kwargs)

    @classmethod
    def from_predictions(
        cls,
        embedding: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        y: LabelsLike | None = None,
        *,
        labeled: npt.ArrayLike | None = None,
        figure: Figure | SubFigure | None = None,
        **kwargs: Any,
    ) -> Self:
        """Plot an embedding that was computed before.

        Parameters
        ----------
        embedding : array-like of shape (n_samples, 2)
            Samples in two dimensions.

        y_pred : array-like of shape (n_samples,)
            Predicted labels.

        y, labeled, figure, **kwargs
            As in :meth:`from_estimator`; all labels of `y` are classes.

        Returns
        -------
        EmbeddingDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `embedding` does not have two columns, lengths differ, or `labeled` is
            not boolean.
        """
        require_matplotlib(cls)
        points = _check_embedding(embedding)
        if labeled is not None:
            labeled = _as_booleans(labeled)
        check_consistent_length(points, y_pred, y, labeled)
        display = cls(embedding=points, y_pred=y_pred, y=y, labeled=labeled)
        if y is not None and labeled is None:
            codes = _codes(y, display._all_classes())
            if (codes == UNLABELED).any():
                display.labeled = codes != UNLABELED
        return display.plot(figure=figure, **kwargs)

    def plot(self, figure: Figure | SubFigure | None = None, **kwargs: Any) -> Self:
        """Plot the samples.

        The two plots are side by side, or one above the other in a figure that is
        higher than wide.

        Parameters
        ----------
        figure : matplotlib Figure or SubFigure, default=None
            Figure to plot on. If None, a new figure is created.

        **kwargs
            Passed to :meth:`matplotlib.axes.Axes.scatter`.

        Returns
        -------
        self : EmbeddingDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        require_matplotlib(type(self))
        import matplotlib.pyplot as plt

        by: dict[str, LabelsLike] = {"By prediction": self.y_pred}
        if self.y is not None:
            by = {"By label": self.y} | by
        if figure is None:
            figure = plt.figure(figsize=(4 * len(by) + 1, 4), layout="constrained")
        size = figure.bbox.size
        grid = (1, len(by)) if size[0] >= size[1] else (len(by), 1)
        axes = figure.subplots(*grid, squeeze=False, sharex=True, sharey=True).ravel()
        classes = self._all_classes()
        colors = _class_colors(plt, len(classes))
        self.points_, self.marks_ = [], []
        for ax, (title, labels) in zip(axes, by.items(), strict=True):
            codes = _codes(labels, classes)
            self.points_.append(self._scatter(ax, codes, classes, colors, kwargs))
            if self.labeled is not None:
                self.marks_.append(self._mark(ax, codes, colors))
            ax.set_title(title)
            ax.label_outer()
        for ax in axes if grid[0] == 1 else axes[-1:]:
            ax.set_xlabel(self.axis_labels[0])
        for ax in axes if grid[1] == 1 else axes[:1]:
            ax.set_ylabel(self.axis_labels[1])
        self.axes_, self.figure_ = axes, figure
        self._add_legend(classes, colors)
        return self

    def _all_classes(self):
        sources = [self.y_pred, self.y] if self.classes is None else [self.classes]
        classes = [known_classes(each) for each in sources if each is not None]
        classes = [each for each in classes if len(each)]
        if not classes:
            raise ValueError("y_pred must have classes; all of its labels are -1.")
        return np.unique(np.concatenate(classes))

    def _scatter(self, ax, codes, classes, colors, kwargs):
        """Points of each class. Unlabeled samples are behind the others."""
        points = {}
        kwargs = {"s": 10, "linewidths": 0} | kwargs
        for code in np.unique(codes):  # -1 of the unlabeled ones first
            of_class = codes == code
            is_unlabeled = code == UNLABELED
            points[-1 if is_unlabeled else classes[code]] = ax.scatter(
                *self.embedding[of_class].T,
                **{"color": UNLABELED_COLOR if is_unlabeled else colors[code]} | kwargs,
            )
        return points

    def _mark(self, ax, codes, colors):
        """Larger points with a black edge at the labeled samples."""
        labeled = _as_booleans(self.labeled)
        faces = np.vstack([colors, [0.75, 0.75, 0.75, 1]])[codes[labeled]]
        return ax.scatter(
            *self.embedding[labeled].T,
            c=faces,
            s=24,
            edgecolors="black",
            linewidths=0.8,
            zorder=3,
        )

    def _add_legend(self, classes, colors):
        """One legend of classes and marks, beside the axes if there is a layout."""

        def dot(color, label, markeredgecolor="none", **kwargs):
            kwargs |= {"label": literal(label), "markeredgecolor": markeredgecolor}
            return legend_marker("o", color, **kwargs)

        entries = []
        if len(classes) <= MOST_DISTINCT:
            entries = [dot(*pair) for pair in zip(colors, classes, strict=True)]
        if any(-1 in points for points in self.points_):
            entries.append(dot(UNLABELED_COLOR, "unlabeled"))
        if self.marks_:
            entries.append(dot("none", "labeled", "black", markersize=6))
        if not entries:
            return
        if self.figure_.get_layout_engine() is None:
            self.axes_[-1].legend(handles=entries, fontsize="small")
        elif len(entries) > 6 and self.figure_.bbox.width < self.figure_.bbox.height:
            self.figure_.legend(
                handles=entries, fontsize="small", loc="outside lower center", ncols=5
            )
        else:
            self.figure_.legend(
                handles=entries, fontsize="small", loc="outside right upper"
            )


def _reduce(hidden, reducer, random_state):
    """Representation in two dimensions, and labels of the axes."""
    names = {"pca": "PC", "tsne": "t-SNE"}
    if isinstance(reducer, str) and reducer not in names:
        raise ValueError(
            f"reducer must be 'pca', 'tsne' or a transformer; got {reducer!r}."
        )
    name = names.get(reducer) if isinstance(reducer, str) else "Dimension"
    if reducer == "pca" and min(hidden.shape) < 2:
        raise ValueError(
            "reducer='pca' needs at least 2 samples, and 2 units in the top hidden "
            f"layer; got {hidden.shape[0]} and {hidden.shape[1]}."
        )
    if reducer == "pca":
        reducer = PCA(2, svd_solver="full")
    elif reducer == "tsne":
        from sklearn.manifold import TSNE  # late: it is seldom needed

        perplexity = min(30, (len(hidden) - 1) / 3)
        reducer = TSNE(perplexity=perplexity, random_state=random_state)
    else:
        reducer = clone(reducer)
    embedding = _check_embedding(reducer.fit_transform(hidden))
    labels = [f"{name} 1", f"{name} 2"]
    if isinstance(reducer, PCA):
        shares = reducer.explained_variance_ratio_
        labels = [
            f"{label} ({share:.0%})"
            for label, share in zip(labels, shares, strict=True)
        ]
    return embedding, tuple(labels)


def _as_booleans(labeled):
    labeled = np.asarray(labeled)
    if labeled.dtype == object and all(
        isinstance(each, (bool, np.bool_)) for each in labeled
    ):
        labeled = labeled.astype(bool)
    if labeled.dtype != bool:
        raise ValueError(
            f"labeled must be booleans, True for samples to mark; got {labeled.dtype}."
        )
    return labeled


def _check_embedding(embedding):
    embedding = np.asarray(embedding)
    if embedding.ndim != 2 or embedding.shape[1] != 2:
        raise ValueError(
            f"The embedding must have shape (n_samples, 2); got {embedding.shape}."
        )
    return embedding


def _class_colors(plt, n_classes):
    """Colors of the classes, shape (n_classes, 4)."""
    if n_classes > MOST_DISTINCT:
        return plt.colormaps["turbo"](np.linspace(0, 1, n_classes))
    colormap = plt.colormaps["tab10" if n_classes <= 10 else "tab20"]
    return colormap(np.arange(n_classes))


def _codes(labels, classes):
    """Place of each label among the classes, -1 of an unlabeled sample."""
    return encode_known_labels(labels, classes, may_be_one=True).codes
