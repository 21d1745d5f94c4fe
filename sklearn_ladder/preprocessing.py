"""Preprocessing of natural images, as published for CIFAR-10."""

from numbers import Real

import numpy as np
from sklearn.base import (
    BaseEstimator,
    OneToOneFeatureMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils import check_array, gen_batches
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted, validate_data

# Rows of which the covariance is taken at once.
PART = 4096
FLOATS = [np.float64, np.float32]


class _PixelTransformer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Rows of floats in, rows of the same floats out."""

    def _checked(self, X, reset=False):
        return validate_data(self, X, dtype=FLOATS, reset=reset)

    def _checked_for_inverse(self, X):
        check_is_fitted(self)
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
    """Brings each row to mean 0 and to one Euclidean norm, its contrast.

    A row of equal pixels has no contrast to scale, and becomes 0.

    Parameters
    ----------
    norm : float, default=55.0
        Norm of each row. The default is the published one for CIFAR-10.

    Attributes
    ----------
    mean_ : float
        Average of the training rows' means.

    norm_ : float
        Average of the norms that training rows have around their means.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen during `fit`, where all are strings.

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

    def __init__(self, norm=55.0):
        self.norm = norm

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn what the inverse needs.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : None
            Not used.

        Returns
        -------
        self : object
        """
        _, mean, norm = _contrasts(self._checked(X, reset=True))
        self.mean_, self.norm_ = float(mean.mean()), float(norm.mean())
        return self

    def transform(self, X):
        """Normalise each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        contrasts, _, _ = _contrasts(self._checked(X))
        return float(self.norm) * contrasts

    def inverse_transform(self, X):
        """Give rows the average mean and contrast of the training rows.

        Their own were lost: of what comes out, `transform` makes `X` again.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        X = self._checked_for_inverse(X)
        return X * (self.norm_ / float(self.norm)) + self.mean_


class ZCAWhitener(_PixelTransformer):
    """Decorrelates features by the symmetric inverse root of their covariance.

    Of all maps that whiten, it changes rows least: whitened images look like images.

    Parameters
    ----------
    regularization : float, default=0.1
        Added to the diagonal of the covariance. The default is the published one for
        CIFAR-10, after contrast normalisation.

    Attributes
    ----------
    mean_ : ndarray of shape (n_features_in_,)
        Mean of each feature.

    whitening_ : ndarray of shape (n_features_in_, n_features_in_)
        The map, symmetric: (covariance + regularization · 1) to the power -1/2.

    coloring_ : ndarray of shape (n_features_in_, n_features_in_)
        Its inverse.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen during `fit`, where all are strings.

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

    def __init__(self, regularization=0.1):
        self.regularization = regularization

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the covariance of the features.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : None
            Not used.

        Returns
        -------
        self : object
        """
        X = self._checked(X, reset=True)
        self.mean_ = X.mean(axis=0, dtype=np.float64)
        covariance = np.zeros((X.shape[1], X.shape[1]))
        for part in gen_batches(len(X), PART):
            centred = X[part] - self.mean_
            covariance += centred.T @ centred / len(X)
        variances, axes = np.linalg.eigh(covariance)
        # of features that others determine, a variance may come out below 0
        std = np.sqrt(variances.clip(min=0) + self.regularization)
        self.whitening_ = axes / std @ axes.T
        self.coloring_ = axes * std @ axes.T
        return self

    def transform(self, X):
        """Whiten rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        X = self._checked(X)
        return (X - self.mean_.astype(X.dtype)) @ self.whitening_.astype(X.dtype)

    def inverse_transform(self, X):
        """Undo the whitening.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        X = self._checked_for_inverse(X)
        return X @ self.coloring_.astype(X.dtype) + self.mean_.astype(X.dtype)


def _contrasts(X):
    """Rows of mean 0 and norm 1, and their own means and norms, (n_rows, 1).

    A row of pixels that are equal, up to rounding, becomes 0, and has the norm 0.
    """
    largest = np.abs(X).max(axis=1, keepdims=True)
    largest[largest == 0] = 1
    X = X / largest  # so that no sum or square is too large or too small
    is_flat = np.ptp(X, axis=1, keepdims=True) <= np.finfo(X.dtype).eps
    mean = X.mean(axis=1, keepdims=True)
    deviations = np.where(is_flat, 0, X - mean)
    norm = np.linalg.norm(deviations, axis=1, keepdims=True)
    largest = largest.astype(np.float64)
    return deviations / np.where(is_flat, 1, norm), largest * mean, largest * norm
