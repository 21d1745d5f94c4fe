"""One-hot columns of a frame's categories, for methods that take numbers only."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import (
    _check_feature_names,
    _check_n_features,
    check_is_fitted,
)

from .data._find_categories import find_categories, has_categories, is_declared
from .data._missing import table_columns
from .data._samples import Samples


class OneHotColumns(TransformerMixin, BaseEstimator):
    """Encodes the categories of a frame as `LadderClassifier` does.

    Since many methods take no missing values, all columns of a missing category are 0,
    and the single column of two categories is 0.5. Missing numbers stay NaN.

    Attributes
    ----------
    categories_ : TableCategories or None
        None if no column has categories. Then samples stay as they are.
    are_declared_ : bool
        Whether all columns with categories have a dtype that is made for them.
    """

    def fit(self, X, y=None):
        """Find the categories.

        Parameters
        ----------
        X : frame or array-like of shape (n_samples, n_features)
        y : None
            Ignored.

        Returns
        -------
        self : object
        """
        _check_feature_names(self, X, reset=True)
        self.categories_ = find_categories(X, "from_dtype")
        if self.categories_ is not None:
            _check_n_features(self, X, reset=True)
        self.are_declared_ = all_declared(X)
        return self

    def transform(self, X):
        """Encode categories.

        Parameters
        ----------
        X : frame or array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_columns), float64
            `X` itself if there are no categories.
        """
        check_is_fitted(self)
        _check_feature_names(self, X, reset=False)
        if self.categories_ is None:  # the next step checks the samples
            return X
        _check_n_features(self, X, reset=False)
        categories = self.categories_
        matrix = Samples(X, dtype=np.float64, categories=categories)[:]
        is_number = [categories.features[f] is None for f in categories.feature]
        fill = np.where(categories.code < 0, 0.5, 0.0)
        fill[is_number] = np.nan
        return np.where(np.isnan(matrix), fill, matrix)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = tags.input_tags.string = True
        tags.input_tags.sparse = tags.input_tags.allow_nan = True
        return tags


def all_declared(X):
    """Whether the columns of a frame with categories all have a dtype made for them."""
    columns = table_columns(X)[0] if hasattr(X, "columns") else None
    return columns is not None and all(
        is_declared(column) for column in columns if has_categories(column)
    )


def takes_categories(estimator, are_declared=False):
    """Whether an estimator gets a frame with categories as it is.

    The others get one-hot columns in place of the categories.

    Parameters
    ----------
    estimator : estimator object
    are_declared : bool, default=False
        Whether all columns with categories have a dtype that is made for them.

    Returns
    -------
    bool
        True of pipelines, of estimators with the tag `string`, and of those whose
        parameter `categorical_features` names columns, or is "from_dtype" if they are
        declared. A meta-estimator is what it wraps, if it passes samples on as they
        are.
    """
    # late: they are slow to import
    from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier
    from sklearn.ensemble._base import _BaseHeterogeneousEnsemble
    from sklearn.semi_supervised import SelfTrainingClassifier

    make_arrays = (AdaBoostClassifier, BaggingClassifier, SelfTrainingClassifier)
    if isinstance(estimator, Pipeline):
        return True
    if isinstance(estimator, make_arrays):
        return False
    if isinstance(estimator, _BaseHeterogeneousEnsemble):
        return all(
            takes_categories(each, are_declared)
            for _, each in estimator.estimators
            if hasattr(each, "fit")
        )
    if hasattr(inner := getattr(estimator, "estimator", None), "fit"):
        return takes_categories(inner, are_declared)
    named = getattr(estimator, "categorical_features", None)
    is_own = named is not None and (are_declared or not isinstance(named, str))
    return is_own or get_tags(estimator).input_tags.string
