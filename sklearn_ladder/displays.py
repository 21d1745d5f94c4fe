"""Plots of a fitted classifier, in the style of scikit-learn's displays.

Module `sklearn_ladder.robustness` has the plot of the error under attack.
"""

import math

import numpy as np
import pandas as pd
from sklearn.utils._optional_dependencies import check_matplotlib_support

from ._random import private_random_state
from .architectures import check_image_shape
from .data._samples import Samples, flatten_images
from .robustness._attacks import fitted_net, net_of_numbers
from .robustness._display import EXTRA

__all__ = ["ReconstructionDisplay", "TrainingHistoryDisplay"]

# Place of a legend that is clear of the curves. A layout engine makes room for it.
BESIDE_AXES = {"loc": "upper left", "bbox_to_anchor": (1, 1)}


class TrainingHistoryDisplay:
    """Costs per epoch, from the `history_` of a `LadderClassifier`.

    The history covers the last `fit` and each `partial_fit` since then. "train_loss" is
    the weighted sum of the costs. The costs themselves are plotted without weights.

    Use :meth:`from_estimator` to create a display. All parameters are stored as
    attributes.

    Parameters
    ----------
    epoch : array-like of shape (n_epochs,)
        Numbers of the epochs.

    costs : dict of str to array-like of shape (n_epochs,)
        Value of each cost in each epoch. Keys are the names in `history_`.

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

    def __init__(self, *, epoch, costs):
        self.epoch = epoch
        self.costs = costs

    @classmethod
    def from_estimator(cls, estimator, *, names=None, ax=None, **kwargs):
        """Plot the costs of a classifier's training.

        Parameters
        ----------
        estimator : LadderClassifier
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
            If `estimator` is not a LadderClassifier.
        ValueError
            If `names` contains a name that is not a cost or loss in `history_`.
        """
        check_matplotlib_support(f"{cls.__name__} ({EXTRA})")
        fitted_net(estimator)
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
            epoch=history["epoch"], costs={name: history[name] for name in names}
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax=None, **kwargs):
        """Plot the curves.

        If the figure has a layout engine, such as ``layout="constrained"``, the legend
        is beside the axes. Otherwise it is inside them.

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
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(figsize=(7.5, 4.5), layout="constrained")
            # Colors repeat after ten curves, with dashed lines.
            colors = plt.cycler(color=plt.colormaps["tab10"].colors)
            ax.set_prop_cycle(plt.cycler(linestyle=["-", "--"]) * colors)
        if len(self.epoch) == 1:  # a single point is invisible without a marker
            kwargs = {"marker": "o"} | kwargs
        self.lines_ = {}
        for name, values in self.costs.items():
            label = {"label": _curve_label(name)}
            (self.lines_[name],) = ax.plot(self.epoch, values, **label | kwargs)
        # The costs of the layers differ by orders of magnitude. The supervised cost can
        # be 0, in epochs without labeled samples.
        ax.set_yscale("log", nonpositive="mask")
        ax.set(xlabel="Epoch", ylabel="Cost")
        is_beside = ax.figure.get_layout_engine() is not None
        ax.legend(fontsize="small", **BESIDE_AXES if is_beside else {})
        self.ax_, self.figure_ = ax, ax.figure
        return self


class ReconstructionDisplay:
    """Original images, noisy images, and the decoder's reconstructions.

    Use :meth:`from_estimator` to create a display. All parameters are stored as
    attributes.

    Parameters
    ----------
    original, corrupted, denoised : array-like of shape (n_images, height, width) or \
            (n_images, height, width, 3)
        The original images, the images with noise, and their reconstructions.

    Attributes
    ----------
    axes_ : ndarray of shape (3, n_images) of matplotlib Axes
        Axes of the original images (first row), the images with noise (second row) and
        the reconstructions (third row).

    figure_ : matplotlib Figure or SubFigure
        Figure with the images.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ladder import LadderClassifier
    >>> from sklearn_ladder.displays import ReconstructionDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = LadderClassifier((16,), max_epochs=3, random_state=0).fit(X, y)
    >>> display = ReconstructionDisplay.from_estimator(clf, X[:5], random_state=0)
    >>> display.denoised.shape
    (5, 8, 8)
    """

    def __init__(self, *, original, corrupted, denoised):
        self.original = original
        self.corrupted = corrupted
        self.denoised = denoised

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        image_shape=None,
        noise_std=None,
        random_state=None,
        figure=None,
        **kwargs,
    ):
        """Add noise to images, denoise them with a classifier, and plot all three.

        Parameters
        ----------
        estimator : LadderClassifier
            Fitted classifier with a denoising cost at the input (`variant` "full" or
            "bottom").

        X : {array-like, sparse matrix} of shape (n_images, n_features) or ndarray \
                of shape (n_images, n_channels, height, width)
            Images. Each is plotted in a column of its own.

        image_shape : tuple (n_channels, height, width), default=None
            Shape of each image. There must be 1 or 3 channels. If None, it is the shape
            of the images in `X` or in `fit`. If both had two dimensions, images are
            taken as squares with one channel.

        noise_std : float, default=None
            Standard deviation of the noise, in units of `X`. If None, it is the
            classifier's `noise_std` at the input. With feature scaling, that value is
            multiplied by the standard deviation of all pixels in `X`.

        random_state : int, RandomState instance or None, default=None
            Determines the noise.

        figure : matplotlib Figure or SubFigure, default=None
            Figure to plot on. If None, a new figure is created.

        **kwargs
            Passed to :meth:`matplotlib.axes.Axes.imshow`.

        Returns
        -------
        ReconstructionDisplay

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
            If `estimator` is not a LadderClassifier.
        ValueError
            If `image_shape` does not fit `X`.
        """
        check_matplotlib_support(f"{cls.__name__} ({EXTRA})")
        net_of_numbers(estimator)
        denoise = estimator.denoise
        X, shape_in_X = flatten_images(X)
        samples = Samples(X, estimator, np.float64)
        pixels = samples[:]
        image_shape = check_image_shape(
            image_shape, shape_in_X or estimator.plan_.image_shape
        )
        image_shape = _displayed_shape(image_shape, pixels.shape[1])
        if noise_std is None:
            noise_std = np.ravel(estimator.noise_std)[0]
            if estimator.feature_scaling_ is not None:
                noise_std = noise_std * np.nanstd(pixels)
        random_state = private_random_state(random_state)
        corrupted = pixels + random_state.normal(scale=noise_std, size=pixels.shape)
        X_corrupted = corrupted
        if samples.names is not None:  # scikit-learn warns if feature names are missing
            X_corrupted = pd.DataFrame(corrupted, columns=samples.names)
        display = cls(
            original=_as_images(pixels, image_shape),
            corrupted=_as_images(corrupted, image_shape),
            denoised=_as_images(denoise(X_corrupted), image_shape),
        )
        return display.plot(figure=figure, **kwargs)

    def plot(self, figure=None, **kwargs):
        """Show the images.

        Parameters
        ----------
        figure : matplotlib Figure or SubFigure, default=None
            Figure to plot on. If None, a new figure is created.

        **kwargs
            Passed to :meth:`matplotlib.axes.Axes.imshow`. By default, the color scale
            covers the range of the original images.

        Returns
        -------
        self : ReconstructionDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        import matplotlib.pyplot as plt

        rows = {
            "image": self.original,
            "with noise": self.corrupted,
            "denoised": self.denoised,
        }
        n_images = len(self.original)
        if figure is None:
            size = (1 + 0.6 * n_images, 2.4)
            figure = plt.figure(figsize=size, layout="constrained")
        low, high = np.nanmin(self.original), np.nanmax(self.original)
        scale = {"vmin": low, "vmax": high if high > low else low + 1} | kwargs
        low, high = scale["vmin"], scale["vmax"]
        kwargs = {"cmap": "gray_r"} | (kwargs if "norm" in kwargs else scale)
        axes = figure.subplots(len(rows), n_images, squeeze=False)
        for row, (title, images) in zip(axes, rows.items(), strict=True):
            row[0].set_ylabel(title, rotation=0, ha="right", va="center")
            for ax, image in zip(row, images, strict=True):
                if np.ndim(image) == 3:  # imshow does not scale color images
                    image = np.clip((image - low) / (high - low), 0, 1)
                ax.imshow(image, **kwargs)
                ax.set(xticks=[], yticks=[])
        self.axes_, self.figure_ = axes, figure
        return self


def _curve_label(name):
    """Label of a cost: "denoising, layer 0 (input)" for "denoising_0_cost"."""
    *words, last = name.removesuffix("_cost").split("_")
    if not last.isdigit():
        return " ".join([*words, last])
    return f"{' '.join(words)}, layer {last}{' (input)' if last == '0' else ''}"


def _displayed_shape(image_shape, n_features):
    """Shape of the images on the plot: the given one, or a square if it is None."""
    side = math.isqrt(n_features)
    shape = (1, side, side) if image_shape is None else image_shape
    if math.prod(shape) != n_features or shape[0] not in (1, 3):
        raise ValueError(
            "image_shape must be (channels, height, width) with 1 or 3 channels and "
            f"{n_features} pixels in total; got {shape}."
        )
    return shape


def _as_images(samples, image_shape):
    """Reshape samples for `imshow`: channels last, or no channel axis for one."""
    images = samples.reshape(-1, *image_shape).transpose(0, 2, 3, 1)
    return images[..., 0] if image_shape[0] == 1 else images
