"""Wrappers that say whether an estimator takes -1."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.validation import (
    _check_method_params,
    _estimator_has,
    check_is_fitted,
)

from .._decorators import available_if
from ..data._labels import UNLABELED
from ._base import (
    SemiSupervisedMixin,
    check_is_classifier,
    check_knows_codes,
    copy_input_tags,
)
from ._codes import name_codes
from ._tags import is_semi_supervised

if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt

    from .._typing import Estimator, MatrixLike


class LabeledOnlyClassifier(SemiSupervisedMixin, MetaEstimatorMixin, BaseEstimator):
    """Give a supervised classifier the labeled samples only.

    With it, forests, boosting, calibration, and meta-estimators such as
    BaggingClassifier and StackingClassifier can be fitted to a `y` with -1.

    Parameters
    ----------
    estimator : classifier
        It gets the labels as they are, without -1. If its parameter `warm_start` is
        true, a second call of `fit` continues from the first.

    Attributes
    ----------
    estimator_ : classifier
        The fitted classifier.
    classes_ : ndarray of shape (n_classes,)
        Class labels, without -1.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if all feature names are strings.

    See Also
    --------
    SemiSupervisedClassifier : For an estimator of another package that takes -1.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import BaggingClassifier
    >>> from sklearn_ladder.ensemble import LabeledOnlyClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> y_few = np.full_like(y, -1)
    >>> y_few[::5] = y[::5]  # 30 labels for 150 samples
    >>> clf = LabeledOnlyClassifier(BaggingClassifier(random_state=0)).fit(X, y_few)
    >>> clf.classes_
    array([0, 1, 2])
    >>> bool(clf.score(X, y) > 0.9)
    True
    """

    _parameter_constraints: dict = {"estimator": [HasMethods(["fit"])]}

    # set by fit
    estimator_: Any
    classes_: npt.NDArray[Any]
    n_features_in_: int
    feature_names_in_: npt.NDArray[np.object_]

    def __init__(self, estimator: Estimator) -> None:
        self.estimator = estimator

    def _check_estimators(self):  # it need not have probabilities
        check_is_classifier("estimator", self.estimator)

    def _fitted_attributes(self, X, labels, weight, params):
        labeled = np.flatnonzero(labels.codes != UNLABELED)
        params = _check_method_params(X, params["estimator"], labeled)
        y = labels.classes[labels.codes[labeled]]
        fitted = self._estimator_to_fit().fit(_safe_indexing(X, labeled), y, **params)
        return {"estimator_": fitted, "classes_": fitted.classes_}

    def _estimator_to_fit(self):
        if getattr(self.estimator, "warm_start", False) and hasattr(self, "estimator_"):
            parameters = self.estimator.get_params()
            return deepcopy(self.estimator_).set_params(**parameters)
        return clone(self.estimator)

    def predict(self, X: MatrixLike) -> npt.NDArray[Any]:
        """Predict class labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        return self.estimator_.predict(X)

    @available_if(_estimator_has("predict_proba"))
    def predict_proba(self, X: MatrixLike) -> npt.NDArray[Any]:
        """Predict class probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`.
        """
        check_is_fitted(self)
        return self.estimator_.predict_proba(X)

    @available_if(_estimator_has("decision_function"))
    def decision_function(self, X: MatrixLike) -> npt.NDArray[Any]:
        """Decision function of the classifier.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray
            As the classifier returns it.
        """
        check_is_fitted(self)
        return self.estimator_.decision_function(X)

    def _estimators_for_fit(self):
        return {"estimator": self.estimator}

    def __sklearn_tags__(self):
        tags = copy_input_tags(super().__sklearn_tags__(), [self.estimator])
        tags.input_tags.pairwise = False  # columns would have to be chosen, too
        return tags


class SemiSupervisedClassifier(LabeledOnlyClassifier):
    """Say that a classifier of another package takes -1 for an unlabeled sample.

    The classifier gets class codes 0, 1, … and -1 in place of any labels, also missing
    ones and strings. Its predictions become labels again. Parameters that name classes
    still name labels, as in :class:`SemiSupervisedVotingClassifier`.

    Parameters
    ----------
    estimator : classifier
        With `fit(X, y)`, where `y` is -1 for unlabeled samples.

    Attributes
    ----------
    estimator_ : classifier
        The fitted classifier. Its classes are codes.
    classes_ : ndarray of shape (n_classes,)
        Class labels, without -1.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if all feature names are strings.

    Examples
    --------
    >>> from sklearn.semi_supervised import LabelSpreading
    >>> from sklearn_ladder.ensemble import SemiSupervisedClassifier
    >>> X, y = [[0], [1], [4], [5]], ["a", None, None, "b"]
    >>> SemiSupervisedClassifier(LabelSpreading()).fit(X, y).predict(X)
    array(['a', 'a', 'b', 'b'], dtype=object)
    """

    def _fitted_attributes(self, X, labels, weight, params):
        estimator = self._estimator_to_fit()
        name_codes(estimator, labels.classes)
        fitted = estimator.fit(X, labels.codes, **params["estimator"])
        check_knows_codes("estimator", fitted, len(labels.classes))
        return {"estimator_": fitted, "classes_": labels.classes}

    def predict(self, X: MatrixLike) -> npt.NDArray[Any]:
        """Predict class labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)

        Raises
        ------
        ValueError
            If the estimator predicts what is not the code of a class, such as -1.
        """
        codes = np.asarray(super().predict(X))
        is_code = np.isin(codes, np.arange(len(self.classes_)))
        if not is_code.all():
            raise ValueError(
                f"estimator must predict the codes 0 to {len(self.classes_) - 1} of "
                f"the classes; got {codes[~is_code][0]!r}."
            )
        return self.classes_[codes.astype(int)]


def semi_supervised(estimator):
    """The estimator, if it takes -1, or else in a LabeledOnlyClassifier."""
    if is_semi_supervised(estimator):
        return estimator
    return LabeledOnlyClassifier(estimator)
