"""Preprocessing of natural images, as published for CIFAR-10."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import (
    BaseEstimator,
    OneToOneFeatureMixin,
    TransformerMixin,
)
from sklearn.utils import check_array, gen_batches
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import (
    _get_feature_names,
    check_is_fitted,
    validate_data,
)

from ._decorators import _fit_context
from ._documentation import DocumentationMixin

if TYPE_CHECKING:
    from typing import Any, Self

    import numpy.typing as npt

__all__ = ["GlobalContrastNormalizer", "ZCAWhitener"]

# Number of samples that are added to the covariance at once.
CHUNK_SIZE = 4096
FLOATS = [np.float64, np.float32]


class _PixelTransformer(
    DocumentationMixin, OneToOneFeatureMixin, TransformerMixin, BaseEstimator
):
    """Base class: checks samples, and keeps the dtype of floats."""

    def _checked_in_fit(self, X):
        """Samples. Nothing is set yet: a failed fit must not change attributes."""
        _get_feature_names(X)  # raises if they are not right
        _refuse_masked(X)
        return check_array(X, dtype=FLOATS, estimator=self, input_name="X")

    def _checked(self, X):
        _refuse_masked(X)
        return validate_data(self, X, dtype=FLOATS, reset=False)

    def _checked_for_inverse(self, X):
        check_is_fitted(self)
        _refuse_masked(X)
        X = check_array(X, dtype=FLOATS)
        if X.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X must have the {self.n_features_in_} features seen in fit; got "
                f"{X.shape[1]}."
            )
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class GlobalContrastNormalizer(_PixelTransformer):
    """Scale each sample to mean 0 and a given Euclidean norm (its contrast).

    A sample whose pixels are all equal has no contrast. It becomes 0.

    Parameters
    ----------
    norm : float, default=55.0
        Euclidean norm of each transformed sample. The default is the published value
        for CIFAR-10.

    Attributes
    ----------
    mean_ : float
        Average over the training samples of the mean of a sample.

    norm_ : float
        Average over the training samples of the norm of a sample minus its mean.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen during `fit`. Defined only when `X` has feature names
        that are all strings.

    References
    ----------
    Rasmus et al., "Semi-Supervised Learning with Ladder Networks", 2015,
    arXiv:1507.02672.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ladder.preprocessing import GlobalContrastNormalizer
    >>> X = np.array([[1.0, 2.0, 3.0], [40.0, 50.0, 60.0]])
    >>> GlobalContrastNormalizer(norm=2**0.5).fit_transform(X).round(6)
    array([[-1.,  0.,  1.],
           [-1.,  0.,  1.]])
    """

    _parameter_constraints: dict = {"norm": [Interval(Real, 0, None, closed="neither")]}

    # set by fit
    mean_: float
    norm_: float
    n_features_in_: int
    feature_names_in_: npt.NDArray[np.object_]

    def __init__(self, norm: float = 55.0) -> None:
        self.norm = norm

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: npt.ArrayLike, y: object = None) -> Self:
        """Compute the average mean and norm, which `inverse_transform` needs.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training samples.
        y : None
            Ignored.

        Returns
        -------
        self : object
        """
        with np.errstate(over="ignore", invalid="ignore"):
            _, means, norms = _contrasts(self._checked_in_fit(X))
            mean, norm = float(means.mean()), float(norms.mean())
        _check_finite(mean, norm)
        validate_data(self, X, skip_check_array=True)
        self.mean_, self.norm_ = mean, norm
        return self

    def transform(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Normalize each sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            Normalized samples.
        """
        check_is_fitted(self)
        contrasts, _, _ = _contrasts(self._checked(X))
        return float(self.norm) * contrasts

    def inverse_transform(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Give each sample the average mean and norm of the training samples.

        The mean and norm that each sample had are not known any more. Transforming the
        result gives `X` again.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Normalized samples.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            Samples with mean `mean_` and contrast `norm_`.
        """
        samples = self._checked_for_inverse(X)
        return samples * (self.norm_ / float(self.norm)) + self.mean_


class ZCAWhitener(_PixelTransformer):
    """Decorrelate features with zero-phase component analysis (ZCA).

    Multiplies samples by the symmetric inverse square root of the covariance matrix.
    Among all whitening transformations, this one changes samples least, so whitened
    images still look like images.

    Parameters
    ----------
    regularization : float, default=0.1
        Added to the diagonal of the covariance matrix. The default is the published
        value for CIFAR-10 after contrast normalization.

    Attributes
    ----------
    mean_ : ndarray of shape (n_features_in_,)
        Mean of each feature.

    whitening_ : ndarray of shape (n_features_in_, n_features_in_)
        Symmetric whitening matrix: (covariance + regularization · I)^(-1/2).

    coloring_ : ndarray of shape (n_features_in_, n_features_in_)
        Inverse of `whitening_`.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen during `fit`. Defined only when `X` has feature names
        that are all strings.

    References
    ----------
    Rasmus et al., "Semi-Supervised Learning with Ladder Networks", 2015,
    arXiv:1507.02672.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ladder.preprocessing import ZCAWhitener
    >>> X = np.random.RandomState(0).normal(size=(500, 2)) @ [[2.0, 1.0], [0.0, 1.0]]
    >>> whitener = ZCAWhitener(regularization=1e-6).fit(X)
    >>> np.allclose(np.cov(whitener.transform(X).T, bias=True), np.eye(2), atol=1e-4)
    True
    >>> np.allclose(whitener.inverse_transform(whitener.transform(X)), X)
    True
    """

    _parameter_constraints: dict = {
        "regularization": [Interval(Real, 0, None, closed="neither")]
    }

    # set by fit
    mean_: npt.NDArray[np.float64]
    whitening_: npt.NDArray[np.float64]
    coloring_: npt.NDArray[np.float64]
    n_features_in_: int
    feature_names_in_: npt.NDArray[np.object_]

    def __init__(self, regularization: float = 0.1) -> None:
        self.regularization = regularization

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: npt.ArrayLike, y: object = None) -> Self:
        """Compute the covariance of the features, and the matrices that whiten them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training samples.
        y : None
            Ignored.

        Returns
        -------
        self : object
        """
        with np.errstate(over="ignore", invalid="ignore"):
            samples = self._checked_in_fit(X)
            n_samples, n_features = samples.shape
            covariance = np.zeros((n_features, n_features))
            mean = samples.mean(axis=0, dtype=np.float64)
            for chunk in gen_batches(n_samples, CHUNK_SIZE):
                centered = samples[chunk] - mean
                covariance += centered.T @ centered / n_samples
            _check_finite(covariance)
            variances, axes = np.linalg.eigh(covariance)
            # Rounding can make a variance negative if features are linearly dependent.
            std = np.sqrt(variances.clip(min=0) + self.regularization)
            whitening, coloring = axes / std @ axes.T, axes * std @ axes.T
            _check_finite(whitening, coloring)
        validate_data(self, X, skip_check_array=True)
        self.mean_, self.whitening_, self.coloring_ = mean, whitening, coloring
        return self

    def transform(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Whiten samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            Whitened samples.
        """
        check_is_fitted(self)
        samples = self._checked(X)
        centered = samples - self.mean_.astype(samples.dtype)
        return centered @ self.whitening_.astype(samples.dtype)

    def inverse_transform(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Undo the whitening.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Whitened samples.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            Samples in the units of the training samples.
        """
        samples = self._checked_for_inverse(X)
        colored = samples @ self.coloring_.astype(samples.dtype)
        return colored + self.mean_.astype(samples.dtype)


def _refuse_masked(X):
    """scikit-learn would take the values under a mask."""
    if isinstance(X, np.ma.MaskedArray) and np.ma.is_masked(X):
        raise ValueError("X must have no masked entries; got an array with some.")


def _check_finite(*arrays):
    """Raise if values are so large that sums or products overflowed."""
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError("X has too large values. Divide it first, such as by 255.")


def _contrasts(X):
    """Scale each sample to mean 0 and norm 1.

    A sample whose pixels are equal up to rounding becomes 0, and its norm is 0.

    Returns
    -------
    contrasts : ndarray of shape (n_samples, n_features)
        The scaled samples.
    mean, norm : ndarray of shape (n_samples, 1)
        Mean of each sample, and norm of the sample minus its mean.
    """
    # Prevents overflow and underflow of sums and squares. By a power of 2, since other
    # quotients are rounded, which would change faint contrasts.
    _, exponent = np.frexp(np.abs(X).max(axis=1, keepdims=True))
    X = np.ldexp(X, -exponent)
    is_flat = np.ptp(X, axis=1, keepdims=True) <= np.finfo(X.dtype).eps
    mean = X.mean(axis=1, keepdims=True)
    deviations = np.where(is_flat, 0, X - mean)
    # what rounding of the mean left over, of faint contrasts
    deviations -= deviations.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(deviations, axis=1, keepdims=True)
    contrasts = deviations / np.where(is_flat, 1, norm)
    mean, norm = (np.ldexp(each.astype(float), exponent) for each in (mean, norm))
    return contrasts, mean, norm
