"""Entries of a table that were hidden, against their reconstructions."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.metrics import r2_score
from sklearn.utils import _safe_indexing, indexable
from sklearn.utils.validation import _check_feature_names_in, _num_samples

from .._plots import require_matplotlib
from .._prediction import check_samples
from .._random import private_random_state
from .._trained_net import TrainedNetMixin
from ..data._missing import table_columns
from ..data._precision import short
from ..data._samples import flatten_images
from ..robustness._attacks import fitted_net
from ._layout import choose_samples, literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Self

    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    from .._autoencoder import LadderAutoencoder
    from .._classifier import LadderClassifier
    from .._typing import MatrixLike, RandomState

# Number of features that are plotted by default.
MOST_FEATURES = 12
# Number of plots in a row, and width of one in inches.
MOST_COLUMNS, WIDTH = 4, 2.3
# Numbers of categories up to which cells and axes have texts, and length of a text.
MOST_CELLS, MOST_TICKS, LONGEST = 5, 8, 10


@dataclass(kw_only=True, eq=False, repr=False)
class TableReconstructionDisplay:
    """Hidden entries of a table against their reconstructions, one plot per feature.

    A share of the entries is hidden, and the classifier reconstructs them from the
    others. Numbers are a scatter plot: on the diagonal, the reconstruction is the
    value. Its title has the share of the variance that is explained (R²), which is 0 if
    each entry is replaced by the mean. Categories are a heat map of the shares of
    reconstructed categories for each true one, and the title has the accuracy.

    A feature that cannot be reconstructed is not related to the others, or was not
    learned.

    Use :meth:`from_estimator` to create a display. All parameters are stored as
    attributes.

    Parameters
    ----------
    original, reconstructed : dict of str to ndarray of shape (n_hidden,)
        Hidden entries of each feature, and their reconstructions. For a feature with
        categories, the numbers of the categories.

    categories : dict of str to list
        Categories of the features that have them.

    Attributes
    ----------
    axes_ : dict of str to matplotlib Axes
        Axes of each feature.

    figure_ : matplotlib Figure or SubFigure
        Figure with the plots.

    scores_ : dict of str to float
        R² of each feature of numbers, and accuracy of each feature of categories. An R²
        is NaN if fewer than two entries were hidden, and an accuracy if none was.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ladder import LadderClassifier
    >>> from sklearn_ladder.displays import TableReconstructionDisplay
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> clf = LadderClassifier((16,), max_epochs=30, random_state=0).fit(X, y)
    >>> display = TableReconstructionDisplay.from_estimator(clf, X, random_state=0)
    >>> display.scores_["petal length (cm)"] > 0.7
    True
    """

    original: dict[str, npt.NDArray[Any]]
    reconstructed: dict[str, npt.NDArray[Any]]
    categories: dict[str, list[Any]]

    # set by plot
    axes_: dict[str, Axes] = field(init=False)
    figure_: Figure | SubFigure = field(init=False)
    scores_: dict[str, float] = field(init=False)

    @classmethod
    def from_estimator(
        cls,
        estimator: LadderClassifier | LadderAutoencoder,
        X: MatrixLike,
        *,
        features: Sequence[str | int] | None = None,
        missing_share: float = 0.2,
        max_samples: int = 2000,
        random_state: RandomState = None,
        figure: Figure | SubFigure | None = None,
        **kwargs: Any,
    ) -> Self:
        """Hide entries of a table, reconstruct them with a classifier, and plot.

        Parameters
        ----------
        estimator : LadderClassifier or LadderAutoencoder
            Fitted classifier with a denoising cost at the input (`variant` "full" or
            "bottom").

        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        features : list of str or int, default=None
            Names or numbers of the features to plot. Entries of all features are
            hidden. If None, the first 12 features are plotted.

        missing_share : float, default=0.2
            Share of the entries to hide, between 0 and 1.

        max_samples : int, default=2000
            Largest number of samples. If `X` has more, they are drawn at random.

        random_state : int, RandomState instance or None, default=None
            Determines which entries are hidden.

        figure : matplotlib Figure or SubFigure, default=None
            Figure to plot on. If None, a new figure is created.

        **kwargs
            Passed to :meth:`matplotlib.axes.Axes.scatter`.

        Returns
        -------
        TableReconstructionDisplay

        Raises
        ------
        AttributeError
            If the classifier has no `denoise`, since it has no denoising cost at the
            input.
        ImportError
            If matplotlib is not installed.
        NotFittedError
            If the classifier is not fitted.
        TypeError
            If `estimator` is neither of the two.
        ValueError
            If `features` has an unknown one, or `missing_share` is not between 0 and 1.
        """
        require_matplotlib(cls)
        fitted_net(estimator, of=TrainedNetMixin)
        denoise = estimator.denoise
        if not isinstance(missing_share, Real) or not 0 < missing_share < 1:
            raise ValueError(
                f"missing_share must be between 0 and 1; got {missing_share!r}."
            )
        names = list(_check_feature_names_in(estimator))  # or x0, x1, …
        numbers = _feature_numbers(features, names)
        random_state = private_random_state(random_state)
        X, _ = flatten_images(X)
        (X,) = indexable(X)  # some sparse formats have no rows
        chosen = choose_samples(_num_samples(X), max_samples, random_state)
        X = _safe_indexing(X, chosen)
        of_features = estimator.plan_.categories
        of_features = (
            [None] * len(names) if of_features is None else of_features.features
        )
        table = _table(estimator, X)
        hidden = random_state.uniform(size=table.shape) < missing_share
        reconstruction = _reconstruct(estimator, denoise, table, hidden)
        original, reconstructed, categories = {}, {}, {}
        for number in numbers:
            name, of_feature = names[number], of_features[number]
            pair = []
            for source in (table, reconstruction):
                column = source.iloc[hidden[:, number], number]
                if of_feature is None:
                    pair.append(column.to_numpy(dtype=float))
                else:
                    pair.append(of_feature.encode(column, name))
            is_known = np.isfinite(pair[0])  # not of a category unseen in training
            original[name], reconstructed[name] = (each[is_known] for each in pair)
            if of_feature is not None:
                others = [] if of_feature.infrequent is None else ["(other)"]
                categories[name] = [*of_feature.values.tolist(), *others]
        display = cls(
            original=original, reconstructed=reconstructed, categories=categories
        )
        return display.plot(figure=figure, **kwargs)

    def plot(self, figure: Figure | SubFigure | None = None, **kwargs: Any) -> Self:
        """Plot each feature.

        Parameters
        ----------
        figure : matplotlib Figure or SubFigure, default=None
            Figure to plot on. If None, a new figure is created.

        **kwargs
            Passed to :meth:`matplotlib.axes.Axes.scatter`.

        Returns
        -------
        self : TableReconstructionDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        require_matplotlib(type(self))
        import matplotlib.pyplot as plt

        n_plots = len(self.original)
        if figure is None:
            n_rows = math.ceil(n_plots / MOST_COLUMNS)
            n_columns = math.ceil(n_plots / n_rows)
            size = (WIDTH * n_columns + 0.4, WIDTH * n_rows + 0.4)
            figure = plt.figure(figsize=size, layout="constrained")
        grid = _grid(n_plots, *figure.bbox.size)
        all_axes = figure.subplots(*grid, squeeze=False).ravel()
        for ax in all_axes[n_plots:]:
            ax.remove()
        self.axes_ = dict(zip(self.original, all_axes, strict=False))
        self.scores_ = {}
        for name, ax in self.axes_.items():
            pair = self.original[name], self.reconstructed[name]
            if name in self.categories:
                score = float(np.mean(np.equal(*pair))) if len(pair[0]) else np.nan
                _plot_categories(ax, *pair, self.categories[name])
                text = f"accuracy {score:.2f}"
            else:
                score = r2_score(*pair) if len(pair[0]) > 1 else np.nan
                _plot_numbers(ax, *pair, kwargs)
                text = f"R² {score:.2f}"
            self.scores_[name] = score
            ax.set_title(f"{literal(short(name, 24))}\n{text}", fontsize="small")
            ax.tick_params(labelsize="small")
        figure.supxlabel("Hidden value", fontsize="medium")
        figure.supylabel("Reconstruction", fontsize="medium")
        self.figure_ = figure
        return self


def _grid(n_plots, width, height):
    """Numbers of rows and columns with which square plots are largest."""

    def side(grid):
        return min(height / grid[0], width / grid[1])

    grids = [(math.ceil(n_plots / n), n) for n in range(1, n_plots + 1)]
    return max(grids, key=side)


def _plot_numbers(ax, original, reconstructed, kwargs):
    """Scatter plot with equal limits of both axes, and the diagonal."""
    ax.axline((0, 0), slope=1, color="gray", linestyle=":")
    kwargs = {"s": 12, "alpha": 0.6, "linewidths": 0} | kwargs
    ax.scatter(original, reconstructed, **kwargs)
    if len(original):
        values = np.concatenate([original, reconstructed])
        low, high = values.min(), values.max()
        margin = 0.05 * (high - low) or 1
        ax.set(xlim=(low - margin, high + margin), ylim=(low - margin, high + margin))
    ax.locator_params(nbins=3)
    ax.set_box_aspect(1)


def _plot_categories(ax, original, reconstructed, categories):
    """Heat map: for each true category (x), shares of the reconstructed ones (y)."""
    n = len(categories)
    counts = np.zeros((n, n))
    np.add.at(counts, (reconstructed.astype(int), original.astype(int)), 1)
    shares = counts / counts.sum(axis=0).clip(1)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1, origin="lower", aspect="auto")
    ax.set_box_aspect(1)
    if n <= MOST_CELLS:
        for (row, column), share in np.ndenumerate(shares):
            color = "white" if share > 0.6 else "black"
            ax.text(
                *(column, row, f"{share:.2f}".removeprefix("0").removesuffix(".00")),
                color=color,
                ha="center",
                va="center",
                fontsize="x-small",
            )
    if n <= MOST_TICKS:
        texts = [literal(short(category, LONGEST)) for category in categories]
        ax.set_xticks(range(n), texts, rotation=45, ha="right", rotation_mode="anchor")
        ax.set_yticks(range(n), texts)


def _feature_numbers(features, names):
    """Numbers of features that are given by name or by number."""
    if features is None:
        return range(min(len(names), MOST_FEATURES))
    numbers = []
    for feature in np.atleast_1d(np.asarray(features, dtype=object)).tolist():
        number = names.index(feature) if feature in names else feature
        if not isinstance(number, Integral) or number not in range(len(names)):
            raise ValueError(
                f"features must be names or numbers of features; got {feature!r}, and "
                f"there are {names}."
            )
        numbers.append(number)
    if not numbers:
        raise ValueError("features must name at least one feature; got none.")
    return numbers


def _table(estimator, X):
    """Samples as a pandas frame: numbers as float, categories as objects."""
    samples = check_samples(estimator, X)
    categories = estimator.plan_.categories
    if categories is None:
        return pd.DataFrame(samples.astype(np.float64)[:])
    matrix, (columns, _) = samples.astype(np.float64)[:], table_columns(X)
    table = {}
    for number, of_feature in enumerate(categories.features):
        if of_feature is None:
            first = np.searchsorted(categories.feature, number)
            table[number] = pd.Series(matrix[:, first])
        else:
            # a list of its entries: of any frame, and with its own missing values
            table[number] = pd.Series(list(columns[number]), dtype=object)
    return pd.DataFrame(table)


def _reconstruct(estimator, denoise, table, hidden):
    """Reconstruction of a frame in which entries are hidden, as a frame."""
    table = table.mask(hidden)
    if hasattr(estimator, "feature_names_in_"):
        table.columns = estimator.feature_names_in_
        return pd.DataFrame(denoise(table))
    return pd.DataFrame(denoise(table.to_numpy()))
