"""Pictures of a fitted classifier, in the style of scikit-learn's displays.

That of the error under attack is in `robustness`.
"""

import math

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.validation import _get_feature_names

from ._random import private_random_state
from .architectures import check_image_shape
from .robustness._attacks import fitted_net

EXTRA = "extra sklearn-ladder[plots]"


class TrainingHistoryDisplay:
    """Costs per epoch, as `LadderClassifier` keeps them in `history_`.

    Of the last `fit`, and of each `partial_fit` since. "train_loss" is the weighted sum
    of the others, which are not weighted.

    Not to be taken for scikit-learn's display of this name: scores by number of rows.

    Use `from_estimator` to make one. All parameters are stored as attributes.

    Parameters
    ----------
    epoch : array-like of shape (n_epochs,)
        Numbers of the epochs.

    costs : dict of str to array-like of shape (n_epochs,)
        What each cost was in these epochs, by its name.

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
            Fitted.

        names : str or list of str, default=None
            Costs and losses of `history_`; by default all.

        ax : matplotlib Axes, default=None
            Where to plot; by default a new figure.

        **kwargs
            Passed to :meth:`matplotlib.axes.Axes.plot`, for each curve.

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
            If it is another estimator.
        ValueError
            If there is no cost of a name.
        """
        check_matplotlib_support(f"{cls.__name__} ({EXTRA})")
        fitted_net(estimator)
        history = estimator.history_
        known = [
            name
            for name in history  # which may have scores of callbacks, too
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

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to plot; by default a new figure.

        **kwargs
            Passed to :meth:`matplotlib.axes.Axes.plot`, for each curve.

        Returns
        -------
        self : TrainingHistoryDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        check_matplotlib_support(f"{type(self).__name__} ({EXTRA})")
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots()
        if len(self.epoch) == 1:  # which makes no line
            kwargs = {"marker": "o"} | kwargs
        self.lines_ = {}
        for name, values in self.costs.items():
            label = {"label": name.replace("_", " ")}
            (self.lines_[name],) = ax.plot(self.epoch, values, **label | kwargs)
        # layers' costs are of different sizes; that of labels is 0 where there are none
        ax.set_yscale("log", nonpositive="mask")
        ax.set(xlabel="Epoch", ylabel="Cost")
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self


class ReconstructionDisplay:
    """Images as they are, with noise, and as the decoder restores them.

    Use `from_estimator` to make one. All parameters are stored as attributes.

    Parameters
    ----------
    original, corrupted, denoised : array-like of shape (n_images, height, width) or \
            (n_images, height, width, 3)
        The images; these with noise; and what the decoder makes of the latter.

    Attributes
    ----------
    axes_ : ndarray of shape (3, n_images) of matplotlib Axes
        A row each of the images as they are, with noise, and denoised.

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
        """Add noise to images, let a classifier denoise them, and show all.

        Parameters
        ----------
        estimator : LadderClassifier
            Fitted, with a denoising cost at the input (`variant` "full" or "bottom").

        X : {array-like, sparse matrix} of shape (n_images, n_features) or array-like \
                of shape (n_images, n_channels, height, width)
            Images, one a column of the figure.

        image_shape : tuple (n_channels, height, width), default=None
            Of rows of pixels, in 1 or 3 channels. By default that of the images in
            `fit` or, if these were rows, too, a square of one channel.

        noise_std : float, default=None
            Standard deviation of the noise, in units of `X`. By default `noise_std` of
            the classifier at the input, times the standard deviation of all pixels in
            `X` if the network standardises features.

        random_state : int, RandomState instance or None, default=None
            Determines the noise.

        figure : matplotlib Figure or SubFigure, default=None
            Where to plot; by default a new figure.

        **kwargs
            Passed to :meth:`matplotlib.axes.Axes.imshow`.

        Returns
        -------
        ReconstructionDisplay

        Raises
        ------
        AttributeError
            If the classifier has no `denoise`, for lack of that cost.
        ImportError
            If matplotlib is not installed.
        NotFittedError
            If the classifier is not fitted.
        TypeError
            If it is another estimator.
        ValueError
            If rows are not of `image_shape`.
        """
        check_matplotlib_support(f"{cls.__name__} ({EXTRA})")
        fitted_net(estimator)
        denoise = estimator.denoise
        if sparse.issparse(X):
            pixels = X.toarray()
        elif hasattr(X, "iloc"):  # pandas, whose missing values NumPy does not know
            pixels = X.to_numpy(dtype=float, na_value=np.nan)
        else:
            pixels = np.asarray(X, dtype=float)
        of_rows = pixels.shape[1:] if pixels.ndim == 4 else estimator.plan_.image_shape
        image_shape = _image_shape(
            check_image_shape(image_shape, of_rows), math.prod(pixels.shape[1:])
        )
        if noise_std is None:
            noise_std = np.ravel(estimator.noise_std)[0]
            if estimator.feature_scaling_ is not None:
                noise_std = noise_std * np.nanstd(pixels)
        random_state = private_random_state(random_state)
        corrupted = pixels + random_state.normal(scale=noise_std, size=pixels.shape)
        names = _get_feature_names(X)
        denoised = denoise(
            corrupted if names is None else pd.DataFrame(corrupted, columns=names)
        )
        display = cls(
            original=_as_images(pixels, image_shape),
            corrupted=_as_images(corrupted, image_shape),
            denoised=_as_images(denoised, image_shape),
        )
        return display.plot(figure=figure, **kwargs)

    def plot(self, figure=None, **kwargs):
        """Show the images.

        Parameters
        ----------
        figure : matplotlib Figure or SubFigure, default=None
            Where to plot; by default a new figure.

        **kwargs
            Passed to :meth:`matplotlib.axes.Axes.imshow`. By default, grey and colours
            are from the least to the largest value of the original images.

        Returns
        -------
        self : ReconstructionDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        check_matplotlib_support(f"{type(self).__name__} ({EXTRA})")
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
        for axes_of_row, (title, images) in zip(axes, rows.items(), strict=True):
            axes_of_row[0].set_ylabel(title, rotation=0, ha="right", va="center")
            for ax, image in zip(axes_of_row, images, strict=True):
                if np.ndim(image) == 3:  # imshow scales grey alone
                    image = np.clip((image - low) / (high - low), 0, 1)
                ax.imshow(image, **kwargs)
                ax.set(xticks=[], yticks=[])
        self.axes_, self.figure_ = axes, figure
        return self


def _image_shape(known, n_features):
    """Shape of images that can be shown: the known one, or a square."""
    side = math.isqrt(n_features)
    shape = (1, side, side) if known is None else known
    if math.prod(shape) != n_features or shape[0] not in (1, 3):
        raise ValueError(
            f"image_shape must be 1 or 3 channels, height and width of {n_features} "
            f"features together; got {shape}."
        )
    return shape


def _as_images(rows, image_shape):
    """Rows as pictures, channels last; a single channel has no axis."""
    images = rows.reshape(-1, *image_shape).transpose(0, 2, 3, 1)
    return images[..., 0] if image_shape[0] == 1 else images
