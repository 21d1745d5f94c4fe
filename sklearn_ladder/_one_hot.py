"""One-hot columns of a frame's categories, for methods that take numbers only."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from .data._categories import find_categories
from .data._samples import Samples


class OneHotColumns(TransformerMixin, BaseEstimator):
    """Encodes the categories of a frame as `LadderClassifier` does.

    Since many methods take no missing values, all columns of a missing category are 0,
    and the single column of two categories is 0.5. Missing numbers stay NaN.

    Attributes
    ----------
    categories_ : TableCategories or None
        None if no column has categories. Then samples stay as they are.
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
        self.categories_ = find_categories(X, "from_dtype")
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
        if self.categories_ is None:
            return X
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


def takes_categories(estimator):
    """Whether an estimator gets a frame with categories as it is.

    The others get one-hot columns in place of the categories.

    Parameters
    ----------
    estimator : estimator object

    Returns
    -------
    bool
        True of pipelines, and by the tag `string` of others. A meta-estimator that
        passes samples on is what it wraps.
    """
    # late: they are slow to import
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.ensemble._base import _BaseHeterogeneousEnsemble
    from sklearn.frozen import FrozenEstimator
    from sklearn.model_selection._search import BaseSearchCV

    pass_on = (BaseSearchCV, CalibratedClassifierCV, FrozenEstimator)
    if isinstance(estimator, Pipeline):
        return True
    if isinstance(estimator, pass_on) or hasattr(estimator, "_estimators_for_fit"):
        if hasattr(inner := getattr(estimator, "estimator", None), "fit"):
            return takes_categories(inner)
    if isinstance(estimator, _BaseHeterogeneousEnsemble):
        members = [m for _, m in estimator.estimators if hasattr(m, "fit")]
        return any(map(takes_categories, members))
    return get_tags(estimator).input_tags.string
