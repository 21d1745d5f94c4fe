"""What all meta-estimators of this package share."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags, indexable
from sklearn.utils.metadata_routing import (
    UNUSED,
    MetadataRouter,
    MethodMapping,
    _raise_for_params,
    _routing_enabled,
    process_routing,
)
from sklearn.utils.validation import (
    _get_feature_names,
    has_fit_parameter,
    validate_data,
)

from .._base import LabeledScoreMixin
from .._decorators import _fit_context
from ..data._labels import UNLABELED, encode_labels, warn_of_order
from ..data._weights import sample_weights
from ._tags import SemiSupervisedTags

if TYPE_CHECKING:
    from typing import Any, Self

    import numpy.typing as npt

    from .._typing import LabelsLike, MatrixLike

FIT_TO_FIT = MethodMapping().add(caller="fit", callee="fit")


class SemiSupervisedMixin(LabeledScoreMixin):
    """What `fit` has in common, metadata routing, and the tag `semi_supervised`.

    A subclass has

    - ``_estimators_for_fit()``: a dict of the estimators that are fitted, by name;
    - ``_check_estimators()``: raises if a parameter is wrong, and warns if one has no
      effect;
    - ``_fitted_attributes(X, labels, weight, params)``: fits them, and returns all
      fitted attributes; `params` has the keyword arguments for each estimator's fit.
    """

    # `fit` passes weights on, to the estimators that request them
    __metadata_request__fit = {"sample_weight": UNUSED}

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: MatrixLike,
        y: LabelsLike,
        sample_weight: npt.ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Fit to labeled and unlabeled samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Class labels; -1 or a missing value marks an unlabeled sample.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, passed on to the estimators. Those of unlabeled samples count only
            where these have pseudo-labels; one that is missing, negative or infinite is
            then the mean weight of the labeled samples. A class prior leaves labels of
            weight 0 out; to a ladder, such samples are unlabeled ones.
        **fit_params : dict
            Metadata for the estimators, with metadata routing only. An estimator that
            gets labeled samples only gets the entries of these.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If a parameter is not as described, if fewer than two classes have labels,
            or if a fitted estimator does not know all of them.
        TypeError
            If there are weights, and an estimator takes none.
        """
        self._check_estimators()
        X_checked, labels, weight = self._checked(X, y, sample_weight)
        params = self._params_of_fits(weight, fit_params)
        fitted = self._fitted_attributes(X_checked, labels, weight, params)
        # set only after training succeeded
        self.__dict__.update(fitted)
        validate_data(self, X, skip_check_array=True)
        return self

    def _check_estimators(self):
        check_is_classifier("estimator", self.estimator)
        check_has_proba("estimator", self.estimator)

    def get_metadata_routing(self) -> MetadataRouter:
        """Metadata routing: `fit` passes metadata to the estimators.

        Returns
        -------
        MetadataRouter
        """
        router = MetadataRouter(owner=self).add_self_request(self)
        return router.add(**self._estimators_for_fit(), method_mapping=FIT_TO_FIT)

    def __sklearn_tags__(self):
        return SemiSupervisedTags.of(super().__sklearn_tags__())

    def _checked(self, X, y, sample_weight):
        """Indexable `X` with right feature names, encoded labels, and weights."""
        _get_feature_names(X)  # raises if they are not right
        labels = encode_labels(y)
        warn_of_order(X, y)
        X, _ = indexable(X, labels.codes)
        weight = sample_weights(sample_weight, None, labels, keep_unlabeled=True)
        if weight is not None and not weight[labels.codes != UNLABELED].any():
            raise ValueError("sample_weight must not be zero for all labeled samples.")
        return X, labels, weight

    def _params_of_fits(self, sample_weight, fit_params):
        """Keyword arguments for `fit` of each estimator, by its name.

        Raises
        ------
        ValueError
            If there is more than `sample_weight`, and metadata routing is off.
        TypeError
            If an estimator takes no weights.
        """
        if _routing_enabled():
            if sample_weight is not None:
                fit_params = fit_params | {"sample_weight": sample_weight}
            routed = process_routing(self, "fit", **fit_params)
            return {name: routed[name].fit for name in self._estimators_for_fit()}
        _raise_for_params(fit_params, self, "fit")
        return {
            name: {}
            if sample_weight is None
            else {weight_argument(estimator): sample_weight}
            for name, estimator in self._estimators_for_fit().items()
        }


def copy_input_tags(tags, estimators):
    """Let the input tags say what all of the estimators can take."""
    all_tags = [get_tags(estimator).input_tags for estimator in estimators]
    tags.input_tags = deepcopy(all_tags[0])
    tags.input_tags.sparse = all(each.sparse for each in all_tags)
    tags.input_tags.allow_nan = all(each.allow_nan for each in all_tags)
    tags.input_tags.categorical = all(each.categorical for each in all_tags)
    tags.input_tags.string = all(each.string for each in all_tags)
    return tags


def check_is_classifier(name, estimator):
    """Raise unless the estimator is a classifier."""
    if isinstance(estimator, type) or not is_classifier(estimator):
        raise ValueError(f"{name} must be a classifier; got {estimator!r}.")


def check_has_proba(name, estimator):
    """Raise unless the estimator has `predict_proba`.

    That of a class may depend on parameters, and of stacking on what was fitted.
    """
    owner = estimator if hasattr(estimator, "classes_") else type(estimator)
    if not hasattr(owner, "predict_proba"):
        raise ValueError(
            f"{name} must have predict_proba; got {estimator!r}. A classifier without "
            "probabilities gets them by CalibratedClassifierCV."
        )


def weight_argument(estimator):
    """Name by which `fit` of an estimator takes sample weights without routing.

    Raises
    ------
    TypeError
        If it takes none.
    """
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        return f"{name}__{weight_argument(last)}"
    # late: it is slow to import
    from sklearn.model_selection._search import BaseSearchCV

    if isinstance(estimator, BaseSearchCV):
        return weight_argument(estimator.estimator)
    if has_fit_parameter(estimator, "sample_weight") or (
        hasattr(estimator, "get_metadata_routing")
        and isinstance(estimator.get_metadata_routing(), MetadataRouter)
    ):
        return "sample_weight"
    raise TypeError(
        f"sample_weight must be None unless all estimators take it; {estimator!r} "
        "does not."
    )


def check_knows_codes(name, estimator, n_classes):
    """Raise unless a fitted estimator knows each class, by its code, and no other."""
    known = np.asarray(estimator.classes_).tolist()
    if known != list(range(n_classes)):
        advice = (
            " It took -1 for a class: wrap it in LabeledOnlyClassifier."
            if UNLABELED in known
            else ""
        )
        raise ValueError(
            f"{name} must know all {n_classes} classes of y, by the codes 0 to "
            f"{n_classes - 1}; it knows {known}.{advice}"
        )


def class_proba(name, estimator, X, n_classes):
    """Class probabilities by a fitted estimator.

    Parameters
    ----------
    name : str
        For the error message.
    estimator : estimator object
    X : array-like of shape (n_samples, n_features)
    n_classes : int
        The estimator was fitted to the codes of this number of classes.

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
        Equal probabilities for a sample of which the estimator says nothing: NaN, as
        label spreading does of what it does not reach, or zeros, as neighbors within a
        radius do if there are none.

    Raises
    ------
    ValueError
        If the estimator has no probabilities, or knows other classes.
    """
    check_has_proba(name, estimator)
    check_knows_codes(name, estimator, n_classes)
    proba = np.asarray(estimator.predict_proba(X))
    if proba.dtype.kind != "f":
        proba = proba.astype(float)
    proba = np.nan_to_num(proba, nan=1 / n_classes)
    proba[~proba.any(axis=1)] = 1 / n_classes
    return proba
