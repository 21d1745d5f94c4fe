"""Parameters of estimators that name classes.

Meta-estimators fit their estimators to codes 0, 1, ... in place of class labels. What a
user has written about labels must say the same about codes.
"""

from collections.abc import Mapping
from copy import copy
from inspect import Parameter, signature

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegressionCV, RidgeClassifierCV
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.multiclass import (
    OneVsOneClassifier,
    OneVsRestClassifier,
    OutputCodeClassifier,
)
from sklearn.utils.validation import check_is_fitted

from .._class_prior import as_dict, shares_of
from .._scorer import WrappedScorer
from .._user_warnings import warn_user
from ..data._labels import UNLABELED, class_names, decoded
from ..data._precision import first_of

# Parameters with a value for each class, and those that name one class.
BY_CLASS = ("class_weight", "class_weights", "class_prior")
ONE_CLASS = ("outlier_label", "constant", "pos_label")
GRIDS = ("param_grid", "param_distributions")
# They encode labels themselves, so that parameters inside do not name those of `y`.
ENCODING = (
    VotingClassifier,
    StackingClassifier,
    BaggingClassifier,
    OneVsRestClassifier,
    OneVsOneClassifier,
    OutputCodeClassifier,
)
# Their `scoring` is left as it is: they say themselves which class it is of.
SCORE_CODES = (LogisticRegressionCV, RidgeClassifierCV)


def name_codes(estimator, classes):
    """Let parameters name codes in place of labels.

    Parameters
    ----------
    estimator : estimator object
        Gets codes in place of labels. Its parameters are changed.
    classes : ndarray of shape (n_classes,)

    Raises
    ------
    ValueError
        If a dict has a key that is no class, and lacks a class, or if one class is
        named that does not exist.

    Warns
    -----
    UserWarning
        If a user's function tunes a threshold: it gets codes.
    """
    estimator.set_params(**with_codes(estimator.get_params(), classes, estimator))


def with_codes(params, classes, estimator=None):
    """Select the parameters that name classes, with codes in place of labels.

    Parameters
    ----------
    params : dict of str to object
        Parameters of estimators, by name.
    classes : ndarray of shape (n_classes,)
    estimator : estimator object, default=None
        Whose parameters they are.

    Returns
    -------
    dict of str to object
        Dicts of class weights and priors, single classes, scorers, and the
        `round_params` and search grids that contain such.
    """
    found, nested = {}, _nested(estimator)
    known = nested | params
    for name, value in params.items():
        prefix, _, last = name.rpartition("__")
        owners = _owners(name, nested)
        if any(isinstance(owner, ENCODING) for owner in owners):
            continue
        inner = known.get(f"{prefix}__estimator" if prefix else "estimator")
        if last == "round_params" and value:
            found[name] = value | with_codes(value, classes, inner)
        elif last in GRIDS:
            grids = [value] if isinstance(value, Mapping) else value
            found[name] = [_grid_with_codes(grid, classes, inner) for grid in grids]
        else:
            changed = _value_with_codes(name, value, classes, owners[-1])
            if changed is not value:
                found[name] = changed
    return found


def _nested(estimator):
    """An estimator by the name "", and its parameters by their names."""
    params = estimator.get_params() if is_estimator(estimator) else {}
    return params | {"": estimator}


def _owners(name, nested):
    """The estimator that has a parameter, after those that it is inside of."""
    parts = name.split("__")[:-1]
    return [nested.get("__".join(parts[:n])) for n in range(len(parts) + 1)]


def _value_with_codes(name, value, classes, owner):
    """A parameter with codes in place of labels; the same object if it has none."""
    last = name.split("__")[-1]
    if last in BY_CLASS and (by_class := as_dict(value)) is not None:
        return _by_code(name, by_class, classes)
    if class_names(classes) == list(range(len(classes))):
        return value
    if last in ONE_CLASS and (owner is None or is_classifier(owner)):
        return _code(name, value, classes)
    if last == "scoring" and not isinstance(owner, SCORE_CODES):
        if isinstance(owner, TunedThresholdClassifierCV):
            return _scorer_of_codes(name, value, classes)
        return _scoring_of_labels(value, classes)
    return value


def _grid_with_codes(grid, classes, estimator):
    """Grid of a search for `estimator`: dict of parameter names to candidates."""
    with_changes, nested = {}, _nested(estimator)
    for name, candidates in grid.items():
        owners = _owners(name, nested)
        if any(isinstance(owner, ENCODING) for owner in owners):
            pass
        elif name.split("__")[-1] in (*BY_CLASS, *ONE_CLASS, "scoring"):
            candidates = [
                _value_with_codes(name, each, classes, owners[-1])
                for each in candidates
            ]
        elif isinstance(candidates, (list, tuple)):  # may contain estimators
            candidates = [_candidate_with_codes(each, classes) for each in candidates]
        with_changes[name] = candidates
    return with_changes


def _candidate_with_codes(candidate, classes):
    if not is_estimator(candidate):
        return candidate
    changes = with_codes(candidate.get_params(), classes, candidate)
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


def _code(name, value, classes):
    """Code of one class, in a list if it was in one."""
    if value is None:
        return None
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_code(name, each, classes) for each in value]
    names = class_names(classes)
    if value in names:
        return names.index(value)
    if isinstance(value, str) and value == "most_frequent":
        return value
    if name.split("__")[-1] == "constant":  # of no effect with another `strategy`
        return len(names)  # no code: with this one it is an error
    raise ValueError(
        f"{name} must name a class of y, one of {first_of(names)}; got {value!r}."
    )


def _scorer_of_codes(name, scoring, classes):
    """Scorer for codes.

    TunedThresholdClassifierCV uses the function and the keyword arguments of a scorer
    directly, so that a `ScorerOfLabels` would not do.
    """
    scorer = check_scoring(scoring=scoring)
    function, changes = getattr(scorer, "_score_func", None), {}
    if function is not None:
        names, taken = class_names(classes), signature(function).parameters
        if scorer._kwargs.get("labels") is not None:
            all_names = list(dict.fromkeys([*names, *scorer._kwargs["labels"]]))
            labels = [all_names.index(label) for label in scorer._kwargs["labels"]]
            changes["labels"] = labels
        default = taken["pos_label"].default if "pos_label" in taken else None
        label = scorer._kwargs.get("pos_label", default)
        if label not in (None, Parameter.empty):
            changes["pos_label"] = _code(f"pos_label of {name}", label, classes)
    is_of_users = not str(getattr(function, "__module__", "")).startswith("sklearn.")
    if is_of_users and "pos_label" not in changes:
        warn_user(
            f"{name} of a TunedThresholdClassifierCV gets the codes "
            f"{list(range(len(classes)))} in place of the classes "
            f"{first_of(class_names(classes))}."
        )
    if not changes:
        return scoring
    scorer = copy(scorer)
    scorer._kwargs = scorer._kwargs | changes
    return scorer


def _scoring_of_labels(scoring, classes):
    """What a search maximizes, as scorers that get labels."""
    if isinstance(scoring, (list, tuple, set)):
        scoring = {each: each for each in scoring}
    if isinstance(scoring, Mapping):
        return {key: _scoring_of_labels(each, classes) for key, each in scoring.items()}
    is_name = isinstance(scoring, str) and scoring in get_scorer_names()
    if is_name or callable(scoring):
        return ScorerOfLabels(check_scoring(scoring=scoring), classes)
    return scoring  # None, or "loss" of gradient boosting


class ScorerOfLabels(WrappedScorer):
    """Let a scorer have labels where an estimator has codes.

    Parameters
    ----------
    scorer : callable
    classes : ndarray of shape (n_classes,)
    """

    def __init__(self, scorer, classes):
        super().__init__(scorer)
        self._classes = classes

    def __call__(self, estimator, X, y, **kwargs):
        of_labels = OfLabels(estimator, self._classes)
        return self._scorer(of_labels, X, _labels(self._classes, y), **kwargs)

    def __repr__(self):
        return repr(self._scorer)


class OfLabels:
    """An estimator that was fitted to codes, as if it had been to labels."""

    def __init__(self, estimator, classes):
        self._estimator = estimator
        self._classes = classes

    def __getattr__(self, name):
        if name == "_estimator":  # of a copy that has nothing yet
            raise AttributeError(name)
        return getattr(self._estimator, name)

    @property
    def classes_(self):
        return _labels(self._classes, self._estimator.classes_)

    def predict(self, X):
        return _labels(self._classes, self._estimator.predict(X))

    def score(self, X, y, **kwargs):
        classes = self._classes
        places = np.searchsorted(classes, y).clip(max=len(classes) - 1)
        codes = np.where(classes[places] == y, places, UNLABELED)
        unknown = (codes == UNLABELED) & ~np.isin(y, [UNLABELED, str(UNLABELED)])
        if unknown.any() and classes.dtype.kind not in "mM":
            raise ValueError(
                f"y must have labels of the classes {first_of(class_names(classes))}; "
                f"got {np.asarray(y)[unknown][0]!r}."
            )
        return self._estimator.score(X, codes, **kwargs)

    def __sklearn_is_fitted__(self):
        check_is_fitted(self._estimator)
        return True


def _labels(classes, codes):
    """Labels of codes, of one type, as scorers of scikit-learn need them."""
    codes = np.asarray(codes).astype(int)
    is_unlabeled = codes == UNLABELED
    if not is_unlabeled.any():
        return classes[codes]
    labels = decoded(classes, codes)
    if classes.dtype.kind in "UO":
        labels[is_unlabeled] = str(UNLABELED)
    return labels


def is_estimator(value):
    """Whether a parameter is an estimator, not a class of them."""
    return hasattr(value, "get_params") and not isinstance(value, type)
