"""The denoising function of a unit: what the decoder makes of a corrupted value."""

from __future__ import annotations

from dataclasses import dataclass, field
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
import torch

from .._isolation import isolated
from .._plots import require_matplotlib
from .._prediction import check_samples
from .._random import private_random_state
from .._trained_net import TrainedNetMixin
from ..data._batches import as_tensor
from ..objective._costs import LEAST_STD
from ..robustness._attacks import fitted_net, private_generator
from ._layout import (
    choose_samples,
    layer_name,
    legend_marker,
    place_legend,
)

if TYPE_CHECKING:
    from typing import Any, Self

    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.lines import Line2D
    from matplotlib.quiver import Quiver

    from .._autoencoder import LadderAutoencoder
    from .._classifier import LadderClassifier
    from .._typing import MatrixLike, RandomState

# Number of points of a curve.
N_GRID = 101
# Quantiles between which curves are drawn: beyond them are few samples.
TAIL = 0.05
ARROW_COLOR = "tab:red"


@dataclass(kw_only=True, eq=False, repr=False)
class DenoisingFunctionDisplay:
    """Denoising function of a unit, for several signals from the layer above.

    The decoder estimates the clean value of a unit from the corrupted value and the
    signal u from the layer above, by the function ẑ = g(z̃, u). Each curve is this
    function for one u. Each point is a sample, with its corrupted and its clean value.
    Colors are values of u. Arrows go from the corrupted value, on the diagonal, to
    the estimate.

    Without a signal from above there would be a single curve, as in Figure 1 of [1]_,
    that moves values towards the nearest likely one. u tells which value is likely for
    this sample. The flatter the curves and the farther apart, the more the decoder
    relies on the layer above. A curve along the diagonal does not denoise at all.

    Use :meth:`from_estimator` to create a display. All parameters are stored as
    attributes.

    Parameters
    ----------
    z_corrupted, z_clean, z_denoised : ndarray of shape (n_points,)
        Corrupted (z̃), clean (z) and denoised values of the unit. The denoised ones are
        normalized by the mean and standard deviation of the clean pass (ẑ_BN in the
        paper), as in the denoising cost.

    u : ndarray of shape (n_points,)
        Signal from the layer above.

    curve_u : ndarray of shape (n_curves,)
        Signal of each curve.

    curve_z_corrupted : ndarray of shape (n_grid,)
        Corrupted values at which curves are computed.

    curve_z_denoised : ndarray of shape (n_curves, n_grid)
        The function's values.

    layer : str
        Name of the layer: "input", "hidden 1", …, or "class layer".

    unit : int
        Number of the unit, or of the channel, in its layer.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the curves.

    figure_ : matplotlib Figure
        Figure with the curves.

    lines_ : list of matplotlib Line2D
        The curves.

    points_ : matplotlib PathCollection
        The samples.

    arrows_ : matplotlib Quiver
        The arrows.

    References
    ----------
    .. [1] Rasmus, Berglund, Honkala, Valpola, Raiko, "Semi-Supervised Learning with
       Ladder Networks", NIPS 2015, arXiv:1507.02672.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ladder import LadderClassifier
    >>> from sklearn_ladder.displays import DenoisingFunctionDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = LadderClassifier((16,), max_epochs=30, random_state=0).fit(X, y)
    >>> display = DenoisingFunctionDisplay.from_estimator(clf, X, unit=2)
    >>> display.layer, len(display.lines_)
    ('hidden 1', 5)
    """

    z_corrupted: npt.NDArray[np.floating]
    z_clean: npt.NDArray[np.floating]
    z_denoised: npt.NDArray[np.floating]
    u: npt.NDArray[np.floating]
    curve_u: npt.NDArray[np.floating]
    curve_z_corrupted: npt.NDArray[np.floating]
    curve_z_denoised: npt.NDArray[np.floating]
    layer: str
    unit: int

    # set by plot
    ax_: Axes = field(init=False)
    figure_: Figure | SubFigure = field(init=False)
    lines_: list[Line2D] = field(init=False)
    points_: PathCollection = field(init=False)
    arrows_: Quiver = field(init=False)

    @classmethod
    def from_estimator(
        cls,
        estimator: LadderClassifier | LadderAutoencoder,
        X: MatrixLike,
        *,
        layer: int | None = None,
        unit: int = 0,
        n_curves: int = 5,
        max_samples: int = 500,
        random_state: RandomState = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Corrupt samples as in training, denoise them, and plot one unit.

        Parameters
        ----------
        estimator : LadderClassifier or LadderAutoencoder
            Fitted classifier with a denoising cost.

        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, such as those of training.

        layer : int, default=None
            Number of the layer; the input is 0. It must have a denoising cost. If None,
            it is the first hidden layer that has one, or else the first layer.

        unit : int, default=0
            Number of the unit, or of the channel of a convolutional layer, in the first
            ensemble member. At the input, units are the scaled columns.

        n_curves : int, default=5
            Number of curves. Their signals are equally spaced between the 5 % and 95 %
            quantiles of the samples' signals.

        max_samples : int, default=500
            Largest number of samples. If `X` has more, they are drawn at random. They
            make one batch, whose statistics are used as in training.

        random_state : int, RandomState instance or None, default=None
            Determines the noise and the draw of samples.

        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure is created.

        **kwargs
            Passed to :meth:`matplotlib.axes.Axes.plot` for each curve.

        Returns
        -------
        DenoisingFunctionDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        NotFittedError
            If the classifier is not fitted.
        TypeError
            If `estimator` is neither of the two.
        ValueError
            If the classifier has no denoising cost, if `layer` or `unit` is not as
            described, or if there are fewer than two samples.
        """
        require_matplotlib(cls)
        fitted_net(estimator, of=TrainedNetMixin)
        layer = _check_layer(layer, estimator.plan_.denoising_cost)
        values = _values_of_unit(
            estimator, X, layer, unit, n_curves, max_samples, random_state
        )
        name = layer_name(layer, estimator.plan_)
        return cls(**values, layer=name, unit=unit).plot(ax=ax, **kwargs)

    def plot(
        self, ax: Axes | None = None, *, n_arrows: int = 20, **kwargs: Any
    ) -> Self:
        """Plot the curves, the samples and the arrows.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure is created.

        n_arrows : int, default=20
            Number of samples with an arrow.

        **kwargs
            Passed to :meth:`matplotlib.axes.Axes.plot` for each curve.

        Returns
        -------
        self : DenoisingFunctionDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        require_matplotlib(type(self))
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(figsize=(6, 4.5), layout="constrained")
        ends = np.quantile(self.curve_u, [0, 1])
        norm, colors = plt.Normalize(*ends), plt.colormaps["viridis"]
        diagonal = ax.axline((0, 0), slope=1, color="gray", linestyle=":")
        self.points_ = ax.scatter(
            self.z_corrupted,
            self.z_clean,
            c=self.u,
            norm=norm,
            cmap=colors,
            s=9,
            alpha=0.5,
            linewidths=0,
        )
        self.lines_ = []
        for u, curve in zip(self.curve_u, self.curve_z_denoised, strict=True):
            style = {"color": colors(norm(u)), "linewidth": 2} | kwargs
            self.lines_ += ax.plot(self.curve_z_corrupted, curve, **style)
        self.arrows_ = self._plot_arrows(ax, n_arrows)
        self._set_limits(ax)
        bar = ax.figure.colorbar(
            plt.cm.ScalarMappable(norm, colors), ax=ax, extend="both"
        )
        bar.set_label("Signal from the layer above (u)")
        # no title, since a legend above narrow axes has its place
        unit = f"{self.layer}, unit {self.unit}"
        ax.set(xlabel="Corrupted value (z̃)", ylabel=f"Value in {unit}")
        legend = {
            "corrupted": diagonal,
            "clean": legend_marker("o", "gray"),
            "denoised, by u": self.lines_[len(self.lines_) // 2],
            "denoising": legend_marker(r"$\downarrow$", ARROW_COLOR),
        }
        place_legend(ax, handles=list(legend.values()), labels=list(legend))
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _plot_arrows(self, ax, n_arrows):
        """Draw arrows from the diagonal to the estimates, for some samples."""
        order = np.argsort(self.z_corrupted)
        n_arrows = min(n_arrows, len(order))
        chosen = order[np.linspace(0, len(order) - 1, n_arrows).round().astype(int)]
        x = self.z_corrupted[chosen]
        return ax.quiver(
            *(x, x, np.zeros(len(x)), self.z_denoised[chosen] - x),
            angles="xy",
            scale_units="xy",
            scale=1,
            units="inches",
            width=0.02,
            color=ARROW_COLOR,
            zorder=3,
        )

    def _set_limits(self, ax):
        """Limit the axes to samples and arrows; curves may leave them."""
        x, values = self.z_corrupted, [self.z_clean, self.z_denoised]
        for set_limits, shown in (
            (ax.set_xlim, [x]),
            (ax.set_ylim, [x, *values]),
        ):
            low, high = np.min(shown), np.max(shown)
            margin = 0.05 * (high - low) or 1
            set_limits(low - margin, high + margin, auto=True)


def _check_layer(layer, denoising_cost):
    """Number of a layer that has a denoising cost."""
    known = [number for number, cost in enumerate(denoising_cost) if cost > 0]
    if not known:
        raise ValueError(
            "The classifier must have a denoising cost, as all variants but "
            "'supervised' do; got none in its plan_."
        )
    if layer is None:
        hidden = [n for n in known if 0 < n < len(denoising_cost) - 1]
        return (hidden or known)[0]
    if layer not in known:
        raise ValueError(
            f"layer must have a denoising cost, as layers {known} have; got {layer!r}."
        )
    return layer


@isolated()
@torch.no_grad()
def _values_of_unit(estimator, X, layer, unit, n_curves, max_samples, random_state):
    """Parameters of the display from one training pass."""
    module, device = estimator.net_.module_, estimator.net_.device
    width = module.shapes[layer].channels // module.n_members
    if not isinstance(unit, Integral) or unit not in range(width):
        raise ValueError(f"unit must be from 0 to {width - 1}; got {unit!r}.")
    if n_curves < 1:
        raise ValueError(f"n_curves must be at least 1; got {n_curves!r}.")
    samples = check_samples(estimator, X)
    random_state = private_random_state(random_state)
    chosen = choose_samples(len(samples), max_samples, random_state)
    if len(chosen) < 2:
        raise ValueError(
            f"X must have at least 2 samples, which make a batch; got {len(chosen)}."
        )
    module.eval()
    x = module.scale(as_tensor(samples[chosen], device))
    noise = module.draw_noise(len(x), private_generator(estimator.net_, random_state))
    passed = module.training_pass(x[:0], x, noise, bool(x.isnan().any()))
    mean, std = 0.0, 1.0  # the input is not normalized
    z_clean = passed.clean.z[layer][:, unit]
    if layer > 0:
        statistics = passed.clean.statistics[layer - 1]
        mean, std = statistics.mean[unit], statistics.std[unit].clamp_min(LEAST_STD)
        z_clean = z_clean * statistics.std[unit] / std
    z_corrupted, u = passed.corrupted.z[layer], passed.decoded.u[layer]
    z_denoised, n_units = passed.decoded.z_denoised[layer], z_corrupted.shape[1]
    points = {
        "z_corrupted": z_corrupted[:, unit],
        "z_clean": z_clean,
        "z_denoised": (z_denoised[:, unit] - mean) / std,
        "u": u[:, unit],
    }
    if layer == 0 and passed.observed is not None:  # others have no clean value
        is_known = passed.observed[:, unit]
        if not is_known.any():
            raise ValueError(f"X must have values of unit {unit}; all are missing.")
        points = {name: values[is_known] for name, values in points.items()}
    points = {name: values.cpu().numpy() for name, values in points.items()}
    ends = np.quantile(points["u"], [TAIL, 1 - TAIL] if n_curves > 1 else 0.5)
    curve_u = np.linspace(*np.broadcast_to(ends, 2), n_curves)
    z = points["z_corrupted"]
    grid = np.linspace(float(z.min()), float(z.max()), N_GRID)
    # the combinator takes all units; the others get the same values
    pairs = torch.tensor(
        np.stack([np.tile(grid, len(curve_u)), np.repeat(curve_u, N_GRID)]),
        dtype=torch.float32,
        device=device,
    )
    table = [each[:, None].repeat(1, n_units) for each in pairs]
    combinator = module.decoder.layers[str(layer)].combinator
    curves = (combinator(*table)[:, unit] - mean) / std
    return points | {
        "curve_u": curve_u,
        "curve_z_corrupted": grid,
        "curve_z_denoised": curves.reshape(len(curve_u), N_GRID).cpu().numpy(),
    }
