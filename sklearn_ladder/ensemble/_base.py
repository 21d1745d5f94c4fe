"""What all meta-estimators of this package share."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing, get_tags, indexable
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
from .._class_prior import adjust, as_dict, find_class_prior, shares_of
from .._decorators import _fit_context
from .._plan import Plan
from .._user_warnings import warn_user
from ..data._labels import UNLABELED, class_names, encode_labels, warn_of_order
from ..data._precision import first_of
from ..data._weights import sample_weights
from ._tags import SemiSupervisedTags

if TYPE_CHECKING:
    from typing import Any, Self

    import numpy.typing as npt

    from .._typing import LabelsLike, MatrixLike

# Parameters that say how much classes matter, or how frequent they are.
OF_CLASSES = ("class_weight", "class_prior", "priors")
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
            then the mean weight of the labeled samples.
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


def name_codes(estimator, classes):
    """Let parameters by class, weights or priors, name codes in place of labels.

    Parameters
    ----------
    estimator : estimator object
        Gets codes in place of labels. Its parameters are changed.
    classes : ndarray of shape (n_classes,)

    Raises
    ------
    ValueError
        If a dict has a key that is no class, and lacks a class.
    """
    estimator.set_params(**with_codes(estimator.get_params(), classes))


def with_codes(params, classes):
    """Select the parameters that name classes, with codes in place of labels.

    Parameters
    ----------
    params : dict of str to object
        Parameters of estimators, by name.
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    dict of str to object
        Dicts of class weights and priors, and the `round_params` and search grids that
        contain such dicts.
    """
    found = {}
    for name, value in params.items():
        last = name.split("__")[-1]
        if last in ("class_weight", "class_prior"):
            if (by_class := as_dict(value)) is not None:
                found[name] = _by_code(name, by_class, classes)
        elif last == "round_params" and value:
            found[name] = value | with_codes(value, classes)
        elif last in ("param_grid", "param_distributions"):
            grids = [value] if isinstance(value, Mapping) else value
            found[name] = [_grid_with_codes(grid, classes) for grid in grids]
    return found


def _grid_with_codes(grid, classes):
    """Grid of a search: dict of parameter names to candidates."""
    with_changes = {}
    for name, candidates in grid.items():
        if name.split("__")[-1] in ("class_weight", "class_prior"):
            candidates = [
                with_codes({name: c}, classes).get(name, c) for c in candidates
            ]
        elif isinstance(candidates, (list, tuple)):  # may contain estimators
            candidates = [_candidate_with_codes(c, classes) for c in candidates]
        with_changes[name] = candidates
    return with_changes


def _candidate_with_codes(candidate, classes):
    if not _is_estimator(candidate):
        return candidate
    changes = with_codes(candidate.get_params(), classes)
    return clone(candidate).set_params(**changes) if changes else candidate


def _by_code(name, by_class, classes):
    """Values by code. Classes that these labels lack are left out."""
    code_of = {label: code for code, label in enumerate(class_names(classes))}
    unknown = [label for label in by_class if label not in code_of]
    if unknown and len(by_class) - len(unknown) < len(code_of):
        raise ValueError(
            f"{name} must name classes of y, {first_of(list(code_of))}; got "
            f"{first_of(unknown)}."
        )
    if unknown and name.split("__")[-1] == "class_prior":
        by_class = shares_of(code_of, by_class)
    return {code_of[each]: v for each, v in by_class.items() if each in code_of}


def leave_shares_to(class_prior, name, estimator):
    """Switch off what would change shares of classes beside a class prior.

    These are the class weights and class priors among an estimator's parameters. Beside
    a class prior they would count twice.

    Parameters
    ----------
    class_prior : array-like, dict, "auto", "em" or None
        With None, the estimator stays as it is. With "auto", only what is "auto" is
        switched off.
    name : str
        For the warning.
    estimator : estimator object
        Its parameters are changed.

    Returns
    -------
    bool
        Whether "auto" may estimate a class prior. It may not beside class weights or
        priors, which say how much classes matter, as in LadderClassifier.

    Warns
    -----
    UserWarning
        If anything but "auto" is switched off.
    """
    if class_prior is None:
        return False
    params, without = estimator.get_params(), _without_shares(estimator)
    automatic = [key for key in without if str(params[key]) == "auto"]
    given = [key for key in without if key not in automatic]
    if isinstance(class_prior, str) and class_prior == "auto":
        estimator.set_params(**dict.fromkeys(automatic))
        return not given
    if given:
        warn_user(
            f"{name} is fitted without its {', '.join(given)}: class_prior takes the "
            "place of class weights and other priors. class_prior=None keeps them."
        )
    estimator.set_params(**without)
    return True


def _without_shares(estimator):
    """Select an estimator's parameters of `OF_CLASSES`, with None in their place.

    Those of all nested estimators count whose probabilities it uses as they are. Of
    `round_params` and of search grids that contain such parameters, there are copies
    without them.
    """
    from sklearn.calibration import CalibratedClassifierCV  # late: it is slow to import

    if isinstance(estimator, CalibratedClassifierCV):
        return {}  # it brings probabilities to the shares of the labels
    params = estimator.get_params()
    own = {key: value for key, value in params.items() if "__" not in key}
    found = {key: None for key in OF_CLASSES if own.get(key) is not None}
    rounds = own.get("round_params") or {}
    if rounds.keys() & {*OF_CLASSES}:
        found["round_params"] = rounds | dict.fromkeys(rounds.keys() & {*OF_CLASSES})
    for key in ("param_grid", "param_distributions"):
        grids = own.get(key) or []
        grids = [grids] if isinstance(grids, Mapping) else grids
        without = [_grid_without_shares(grid) for grid in grids]
        if any(new is not old for new, old in zip(without, grids, strict=True)):
            found[key] = without
    if isinstance(estimator, Pipeline):  # other steps are transformers
        own = dict(estimator.steps[-1:])
    for key, inner in own.items():
        if _is_estimator(inner):
            found |= {f"{key}__{k}": v for k, v in _without_shares(inner).items()}
    return found


def _grid_without_shares(grid):
    """A grid of a search without what `_without_shares` selects; else the same one."""
    without = {}
    for key, candidates in grid.items():
        if key.split("__")[-1] in OF_CLASSES:
            continue
        if isinstance(candidates, (list, tuple)):
            stripped = [_estimator_without_shares(each) for each in candidates]
            is_new = any(a is not b for a, b in zip(stripped, candidates, strict=True))
            candidates = stripped if is_new else candidates
        without[key] = candidates
    is_same = without.keys() == grid.keys() and all(
        without[key] is grid[key] for key in grid
    )
    return grid if is_same else without


def _estimator_without_shares(candidate):
    changes = _without_shares(candidate) if _is_estimator(candidate) else {}
    return clone(candidate).set_params(**changes) if changes else candidate


def _is_estimator(value):
    return hasattr(value, "get_params") and not isinstance(value, type)


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


def smoothing_of(estimator):
    """Share of a uniform distribution in a fitted classifier's probabilities.

    It is that of smoothed labels, if the classifier is a ladder, or has ladders inside
    whose probabilities it uses as they are: a pipeline, a search, a vote, bagging, and
    the meta-estimators of this package.
    """
    plan = getattr(estimator, "plan_", None)
    if isinstance(plan, Plan):
        return plan.smoothing
    if isinstance(estimator, Pipeline):
        return smoothing_of(estimator.steps[-1][1])
    are_means = BaggingClassifier | VotingClassifier | SemiSupervisedMixin
    if isinstance(estimator, are_means) and hasattr(estimator, "estimators_"):
        # of the vote of this package, and of scikit-learn's
        weights = getattr(estimator, "_weights", None)
        weights = getattr(estimator, "_weights_not_none", weights)
        return mean_smoothing(estimator.estimators_, weights)
    for inside in ("estimator_", "best_estimator_"):
        if hasattr(estimator, inside):
            return smoothing_of(getattr(estimator, inside))
    return 0.0


def mean_smoothing(estimators, weights=None):
    """What `smoothing_of` says of the mean of fitted classifiers."""
    return float(
        np.average([smoothing_of(each) for each in estimators], weights=weights)
    )


def fit_class_prior(predict_proba, X, labels, rule, smoothing):
    """Attributes that `fit` sets after it has found the class prior.

    Parameters
    ----------
    predict_proba : callable
        Takes samples; returns probabilities that assume the shares of the labels.
    X : array-like of shape (n_samples, n_features)
    labels : EncodedLabels
    rule : ClassPriorRule
    smoothing : float
        Share of a uniform distribution in the probabilities.

    Returns
    -------
    dict
        `classes_`, `class_prior_`, `transduction_` and `_ratio`, the factors on
        probabilities.
    """
    unlabeled = np.flatnonzero(labels.codes == UNLABELED)
    proba = np.empty((0, len(labels.classes)))
    if len(unlabeled):
        proba = predict_proba(_safe_indexing(X, unlabeled))
    class_prior, ratio = find_class_prior(rule, labels.codes, proba, smoothing)
    return {
        "classes_": labels.classes,
        "class_prior_": class_prior,
        "_ratio": ratio,
        "transduction_": labels.transduce(adjust(proba, ratio)),
    }
