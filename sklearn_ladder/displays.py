"""Pictures of a fitted classifier, in the style of scikit-learn's displays.

That of the error under attack is in `robustness`.
"""

import math

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ._pyplot import import_pyplot
from ._random import private_random_state


class LearningCurveDisplay:
    """Costs per epoch, as `LadderClassifier` keeps them in `history_`.

    Scikit-learn's display of the same name is of scores by number of rows.

    Use `from_estimator` to make one. All parameters are stored as attributes.

    Parameters
    ----------
    epoch : array-like of shape (n_epochs,)

    costs : dict of str to array-like of shape (n_epochs,)
        By name.

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
    >>> from sklearn_ladder.displays import LearningCurveDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = LadderClassifier((16,), max_epochs=30, random_state=0).fit(X, y)
    >>> display = LearningCurveDisplay.from_estimator(clf, costs=["supervised_cost"])
    >>> display.lines_["supervised_cost"].get_xdata().shape
    (30,)
    """

    def __init__(self, *, epoch, costs):
        self.epoch = epoch
        self.costs = costs

    @classmethod
    def from_estimator(cls, clf, *, costs=None, ax=None, **kwargs):
        """Plot the costs of a classifier's training.

        Parameters
        ----------
        clf : LadderClassifier
            Fitted.

        costs : list of str, default=None
            Names of `history_`; by default all costs and losses.

        ax : matplotlib Axes, default=None
            Where to plot; by default a new figure.

        **kwargs
            Passed to :meth:`matplotlib.axes.Axes.plot`, for each curve.

        Returns
        -------
        LearningCurveDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If there is no cost of a name.
        """
        import_pyplot(cls)
        check_is_fitted(clf)
        history = clf.history_
        names = [name for name in history if name.endswith(("loss", "cost"))]
        costs = names if costs is None else costs
        if unknown := [name for name in costs if name not in names]:
            raise ValueError(f"costs must be among {names}; got {unknown}.")
        display = cls(
            epoch=history["epoch"], costs={name: history[name] for name in costs}
        )
        return display.plot(ax, **kwargs)

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
        self : LearningCurveDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        pyplot = import_pyplot(type(self))
        if ax is None:
            _, ax = pyplot.subplots()
        self.lines_ = {}
        for name, values in self.costs.items():
            label = name.replace("_", " ")
            (self.lines_[name],) = ax.plot(
                self.epoch, values, **{"label": label} | kwargs
            )
        # layers' costs are of different sizes
        ax.set(xlabel="Epoch", ylabel="Cost", yscale="log")
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
        clf,
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
        clf : LadderClassifier
            Fitted, with a denoising cost at the input (`variant` "full" or "bottom").

        X : array-like of shape (n_images, n_features) or \
                (n_images, n_channels, height, width)
            Images, one a column of the figure.

        image_shape : tuple (n_channels, height, width), default=None
            Of rows of pixels, in 1 or 3 channels. By default that of the classifier
            or, if it has none, a square of one channel.

        noise_std : float, default=None
            Standard deviation of the noise, in units of `X`. By default that of the
            classifier at the input, times the standard deviation of `X` if features
            are standardised.

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
        ImportError
            If matplotlib is not installed.
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If rows are not of `image_shape`, or the network has no denoised input.
        """
        import_pyplot(cls)
        check_is_fitted(clf)
        X = X if hasattr(X, "iloc") else np.asarray(X)  # a frame keeps its names
        image_shape = _image_shape(X, image_shape or clf.image_shape)
        if noise_std is None:
            noise_std = np.ravel(clf.noise_std)[0]
            if clf.standardize:
                noise_std = noise_std * np.std(np.asarray(X, dtype=float))
        noise = private_random_state(random_state).normal(
            scale=noise_std, size=np.shape(X)
        )
        corrupted = X + noise
        display = cls(
            original=_as_images(X, image_shape),
            corrupted=_as_images(corrupted, image_shape),
            denoised=_as_images(clf.denoise(corrupted), image_shape),
        )
        return display.plot(figure, **kwargs)

    def plot(self, figure=None, **kwargs):
        """Show the images.

        Parameters
        ----------
        figure : matplotlib Figure or SubFigure, default=None
            Where to plot; by default a new figure.

        **kwargs
            Passed to :meth:`matplotlib.axes.Axes.imshow`. By default, grey is from the
            least to the largest value of the original images.

        Returns
        -------
        self : ReconstructionDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        pyplot = import_pyplot(type(self))
        rows = {
            "image": self.original,
            "with noise": self.corrupted,
            "denoised": self.denoised,
        }
        n_images = len(self.original)
        if figure is None:
            figure = pyplot.figure(figsize=(1 + 0.6 * n_images, 2.4))
        low, high = np.min(self.original), np.max(self.original)
        kwargs = {"cmap": "gray_r", "vmin": low, "vmax": high} | kwargs
        axes = figure.subplots(len(rows), n_images, squeeze=False)
        for axes_of_row, (title, images) in zip(axes, rows.items(), strict=True):
            axes_of_row[0].set_ylabel(title, rotation=0, ha="right", va="center")
            for ax, image in zip(axes_of_row, images, strict=True):
                if np.ndim(image) == 3:  # colours are not scaled by imshow
                    image = np.clip((image - low) / (high - low), 0, 1)
                ax.imshow(image, **kwargs)
                ax.set(xticks=[], yticks=[])
        self.axes_, self.figure_ = axes, figure
        return self


def _image_shape(X, given):
    """Channels, height and width of the images in X; an error if they are no images."""
    if np.ndim(X) == 4:
        given = np.shape(X)[1:]
    n_features = math.prod(np.shape(X)[1:])
    if given is None:
        side = math.isqrt(n_features)
        given = (1, side, side)
    if math.prod(given) != n_features or given[0] not in (1, 3):
        raise ValueError(
            f"image_shape must be 1 or 3 channels, height and width of {n_features} "
            f"features together; got {tuple(given)}."
        )
    return tuple(given)


def _as_images(X, image_shape):
    """Rows as pictures, channels last; one channel is none."""
    images = np.asarray(X).reshape(-1, *image_shape).transpose(0, 2, 3, 1)
    return images[..., 0] if image_shape[0] == 1 else images
