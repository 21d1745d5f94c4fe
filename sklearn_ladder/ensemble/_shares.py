"""Shares of classes that the probabilities of nested estimators assume."""

from collections.abc import Mapping

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.naive_bayes import ComplementNB
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing

from .._class_prior import adjust, find_class_prior
from .._plan import Plan
from .._user_warnings import warn_user
from ..data._labels import UNLABELED
from ._base import SemiSupervisedMixin
from ._codes import GRIDS, is_estimator

# Parameters that say how much classes matter, or how frequent they are, with the value
# for which the probabilities are those of the labels' shares. The last four are of
# LightGBM, XGBoost and CatBoost.
NEUTRAL = {
    "class_weight": None,
    "class_prior": None,
    "priors": None,
    "fit_prior": True,
    "class_weights": None,
    "auto_class_weights": None,
    "is_unbalance": False,
    "scale_pos_weight": 1,
}


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
    """Select an estimator's parameters of `NEUTRAL` that are not, and make them so.

    Those of all nested estimators count whose probabilities it uses as they are. Of
    `round_params` and of search grids that contain such parameters, there are copies
    without them.
    """
    from sklearn.calibration import CalibratedClassifierCV  # late: it is slow to import

    if isinstance(estimator, CalibratedClassifierCV):
        return {}  # it brings probabilities to the shares of the labels
    params = estimator.get_params()
    own = {key: value for key, value in params.items() if "__" not in key}
    found = _made_neutral(own, estimator)
    rounds = own.get("round_params") or {}
    if changes := _made_neutral(rounds, own.get("estimator")):
        found["round_params"] = rounds | changes
    for key in GRIDS:
        grids = own.get(key) or []
        grids = [grids] if isinstance(grids, Mapping) else grids
        without = [_grid_without_shares(grid) for grid in grids]
        if any(new is not old for new, old in zip(without, grids, strict=True)):
            found[key] = without
    if isinstance(estimator, Pipeline):  # other steps are transformers
        own = dict(estimator.steps[-1:])
    for key, inner in own.items():
        if is_estimator(inner):
            found |= {f"{key}__{k}": v for k, v in _without_shares(inner).items()}
    return found


def _made_neutral(params, estimator):
    """The parameters of `NEUTRAL` that are not neutral, with values that are."""
    neutral = NEUTRAL
    if isinstance(estimator, NearestCentroid):
        neutral = NEUTRAL | {"priors": "empirical"}
    elif isinstance(estimator, ComplementNB):  # of no effect with several classes
        neutral = NEUTRAL | {"fit_prior": params.get("fit_prior")}
    last = {key: key.split("__")[-1] for key in params}
    return {
        key: neutral[last[key]]
        for key, value in params.items()
        if last[key] in neutral and not _is_neutral(last[key], value, neutral)
    }


def _is_neutral(key, value, neutral=NEUTRAL):
    if value is None or (isinstance(value, str) and value == "empirical"):
        return True
    return np.ndim(value) == 0 and value == neutral[key]


def _grid_without_shares(grid):
    """A grid of a search without what `_without_shares` selects; else the same one."""
    without = {}
    for key, candidates in grid.items():
        last = key.split("__")[-1]
        are_listed = isinstance(candidates, (list, tuple))
        if last in NEUTRAL:
            if not are_listed or not all(_is_neutral(last, c) for c in candidates):
                continue
        elif are_listed:
            stripped = [_estimator_without_shares(each) for each in candidates]
            is_new = any(a is not b for a, b in zip(stripped, candidates, strict=True))
            candidates = stripped if is_new else candidates
        without[key] = candidates
    is_same = without.keys() == grid.keys() and all(
        without[key] is grid[key] for key in grid
    )
    return grid if is_same else without


def _estimator_without_shares(candidate):
    changes = _without_shares(candidate) if is_estimator(candidate) else {}
    return clone(candidate).set_params(**changes) if changes else candidate


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


def fit_class_prior(predict_proba, X, labels, counted, rule, smoothing):
    """Attributes that `fit` sets after it has found the class prior.

    Parameters
    ----------
    predict_proba : callable
        Takes samples; returns probabilities that assume the shares of the labels.
    X : array-like of shape (n_samples, n_features)
    labels : EncodedLabels
        As given: samples without a label tell how frequent classes are.
    counted : ndarray of shape (n_samples,)
        See `counted_codes`.
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
    class_prior, ratio = find_class_prior(rule, counted, proba, smoothing)
    return {
        "classes_": labels.classes,
        "class_prior_": class_prior,
        "_ratio": ratio,
        "transduction_": labels.transduce(adjust(proba, ratio)),
    }
