"""Images beside their reconstructions."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._plots import require_matplotlib
from .._random import private_random_state
from .._trained_net import TrainedNetMixin
from ..architectures import check_image_shape
from ..data._samples import Samples, flatten_images
from ..robustness._attacks import net_of_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Self

    import numpy.typing as npt
    from matplotlib.figure import Figure, SubFigure

    from .._autoencoder import LadderAutoencoder
    from .._classifier import LadderClassifier
    from .._typing import Array, ImageShape, MatrixLike, RandomState

MOST_IMAGES = 100
# Color of missing pixels: no shade of gray.
MISSING_COLOR = "tab:orange"


@dataclass(kw_only=True, eq=False, repr=False)
class ReconstructionDisplay:
    """Original images, corrupted images, and the decoder's reconstructions.

    Corrupted images have noise, or missing parts, which are orange.
    :class:`TableReconstructionDisplay` is for tables.

    Use :meth:`from_estimator` to create a display. All parameters are stored as
    attributes.

    Parameters
    ----------
    original, corrupted, denoised : array-like of shape (n_images, height, width) or \
            (n_images, height, width, 3)
        The original images, the corrupted images, and their reconstructions. Missing
        pixels are NaN.

    corruption : str, default="with noise"
        Label of the corrupted images.

    Attributes
    ----------
    axes_ : ndarray of shape (3, n_images) of matplotlib Axes
        Axes of the original images (first row), the corrupted images (second row) and
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

    original: Sequence[npt.NDArray[Any]] | Array
    corrupted: Sequence[npt.NDArray[Any]] | Array
    denoised: Sequence[npt.NDArray[Any]] | Array
    corruption: str = "with noise"

    # set by plot
    axes_: npt.NDArray[Any] = field(init=False)
    figure_: Figure | SubFigure = field(init=False)

    @classmethod
    def from_estimator(
        cls,
        estimator: LadderClassifier | LadderAutoencoder,
        X: MatrixLike,
        *,
        image_shape: ImageShape | None = None,
        noise_std: float | None = None,
        missing: npt.ArrayLike | None = None,
        random_state: RandomState = None,
        figure: Figure | SubFigure | None = None,
        **kwargs: Any,
    ) -> Self:
        """Corrupt images, denoise them with a classifier, and plot all three.

        Parameters
        ----------
        estimator : LadderClassifier or LadderAutoencoder
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
            multiplied by the standard deviation of all pixels in `X`. With `missing`,
            there is no noise by default.

        missing : array-like of bool, default=None
            Pixels to hide from the classifier, which reconstructs them from the others.
            The shape is that of an image, (height, width), or of all: (n_images,
            height, width). All channels of a pixel are hidden.

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
            If `estimator` is neither of the two.
        ValueError
            If `image_shape` does not fit `X`, `missing` does not fit the images,
            `noise_std` is negative, or there are more than 100 images.
        """
        require_matplotlib(cls)
        net_of_numbers(estimator, of=TrainedNetMixin)
        denoise = estimator.denoise
        X, shape_in_X = flatten_images(X)
        samples = Samples(X, estimator, np.float64)
        if len(samples) > MOST_IMAGES:
            raise ValueError(
                f"X must have at most {MOST_IMAGES} images, a column for each; got "
                f"{len(samples)}. Pass a few, such as X[:10]."
            )
        pixels = samples[:]
        image_shape = check_image_shape(
            image_shape, shape_in_X or estimator.plan_.image_shape
        )
        image_shape = _displayed_shape(image_shape, pixels.shape[1])
        hidden = _hidden_pixels(missing, len(pixels), image_shape)
        corruption = "with noise" if hidden is None else "missing parts"
        if noise_std is None:
            noise_std = 0.0 if hidden is not None else _noise_std(estimator, pixels)
        elif not isinstance(noise_std, Real) or not 0 <= float(noise_std) < np.inf:
            raise ValueError(
                f"noise_std must be a number of at least 0; got {noise_std!r}."
            )
        rng = private_random_state(random_state)
        corrupted = pixels + rng.normal(scale=noise_std, size=pixels.shape)
        if hidden is not None:
            corrupted[hidden] = np.nan
            corruption += "\nand noise" if noise_std > 0 else ""
        X_corrupted = corrupted
        if samples.names is not None:  # scikit-learn warns if feature names are missing
            X_corrupted = pd.DataFrame(corrupted, columns=samples.names)
        display = cls(
            original=_as_images(pixels, image_shape),
            corrupted=_as_images(corrupted, image_shape),
            denoised=_as_images(denoise(X_corrupted), image_shape),
            corruption=corruption,
        )
        return display.plot(figure=figure, **kwargs)

    def plot(self, figure: Figure | SubFigure | None = None, **kwargs: Any) -> Self:
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
        require_matplotlib(type(self))
        import matplotlib.pyplot as plt

        rows = {
            "image": self.original,
            self.corruption: self.corrupted,
            "denoised": self.denoised,
        }
        n_images = len(self.original)
        if figure is None:
            size = (1 + 0.6 * n_images, 2.4)
            figure = plt.figure(figsize=size, layout="compressed")
        low, high = np.nanmin(self.original), np.nanmax(self.original)
        scale = {"vmin": low, "vmax": high if high > low else low + 1} | kwargs
        low, high = scale["vmin"], scale["vmax"]
        kwargs = {"cmap": "gray_r"} | (kwargs if "norm" in kwargs else scale)
        colormap = plt.get_cmap(kwargs["cmap"])
        kwargs["cmap"] = colormap.with_extremes(bad=MISSING_COLOR)
        axes = figure.subplots(len(rows), n_images, squeeze=False)
        for row, (title, images) in zip(axes, rows.items(), strict=True):
            row[0].set_ylabel(title, rotation=0, ha="right", va="center")
            for ax, image in zip(row, images, strict=True):
                if np.ndim(image) == 3:  # imshow does not scale color images
                    is_missing = np.isnan(image).any(axis=2)
                    image = np.clip((image - low) / (high - low), 0, 1)
                    image[is_missing] = plt.matplotlib.colors.to_rgb(MISSING_COLOR)
                ax.imshow(image, **kwargs)
                ax.set(xticks=[], yticks=[])
        self.axes_, self.figure_ = axes, figure
        return self


def _noise_std(estimator, pixels):
    """Noise as strong as in training, in units of the pixels."""
    noise_std = estimator.plan_.noise_std[0]
    if estimator.feature_scaling_ is None:
        return noise_std
    return noise_std * float(np.nanstd(pixels))


def _displayed_shape(image_shape, n_features):
    """Shape of the images on the plot: the given one, or a square if it is None."""
    side = math.isqrt(n_features)
    shape = (1, side, side) if image_shape is None else image_shape
    if image_shape is None and side**2 != n_features:
        raise ValueError(
            f"image_shape must be given, since {n_features} features are no square "
            "image. If they are no image at all, use TableReconstructionDisplay."
        )
    if math.prod(shape) != n_features or shape[0] not in (1, 3):
        raise ValueError(
            "image_shape must be (channels, height, width) with 1 or 3 channels and "
            f"{n_features} pixels in total; got {shape}."
        )
    return shape


def _hidden_pixels(missing, n_images, image_shape):
    """Mask of the samples' entries to hide, or None. See `missing`."""
    if missing is None:
        return None
    missing = np.asarray(missing)
    size = image_shape[1:]
    if missing.dtype != bool or missing.shape not in (size, (n_images, *size)):
        raise ValueError(
            f"missing must be an array of bool of shape {size} or {(n_images, *size)}; "
            f"got {missing.dtype} of shape {missing.shape}."
        )
    shape = (n_images, *image_shape)
    # the same in all channels
    hidden = np.broadcast_to(missing.reshape(-1, 1, *size), shape)
    return hidden.reshape(n_images, -1)


def _as_images(samples, image_shape):
    """Reshape samples for `imshow`: channels last, or no channel axis for one."""
    images = samples.reshape(-1, *image_shape).transpose(0, 2, 3, 1)
    return images[..., 0] if image_shape[0] == 1 else images
