"""Parameters of estimators that name classes.

Meta-estimators fit their estimators to codes 0, 1, ... in place of class labels. What a
user has written about labels must say the same about codes.
"""

from collections.abc import Mapping
from copy import copy
from functools import partial, update_wrapper
from inspect import Parameter, signature

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.metrics import average_precision_score, get_scorer, get_scorer_names

from .._class_prior import as_dict, shares_of
from .._user_warnings import warn_user
from ..data._labels import EncodedLabels, class_names, without_labels
from ..data._precision import first_of

# Parameters with a value for each class, and those that name one class.
BY_CLASS = ("class_weight", "class_weights", "class_prior")
ONE_CLASS = ("outlier_label", "constant", "pos_label")
GRIDS = ("param_grid", "param_distributions")


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
        If a dict has a key that is no class, and lacks a class; if one class is named
        that does not exist; or if a score of one class does not say which.

    Warns
    -----
    UserWarning
        If a scorer is a function that gets codes.
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
    found = {}
    for name, value in params.items():
        prefix, _, last = name.rpartition("__")
        if last == "round_params" and value:
            found[name] = value | with_codes(value, classes)
        elif last in GRIDS:
            grids = [value] if isinstance(value, Mapping) else value
            found[name] = [_grid_with_codes(grid, classes) for grid in grids]
        else:
            owner = params.get(prefix) if prefix else estimator
            if last not in ONE_CLASS or owner is None or is_classifier(owner):
                changed = _with_codes(name, value, classes)
                if changed is not value:
                    found[name] = changed
    return found


def _with_codes(name, value, classes):
    """One parameter with codes in place of labels; the same object if it has none."""
    last = name.split("__")[-1]
    if last in BY_CLASS and (by_class := as_dict(value)) is not None:
        return _by_code(name, by_class, classes)
    if class_names(classes) == list(range(len(classes))):
        return value
    if last in ONE_CLASS:
        return _one_code(name, value, classes)
    if last == "scoring":
        return _scoring_with_codes(name, value, classes)
    return value


def _grid_with_codes(grid, classes):
    """Grid of a search: dict of parameter names to candidates."""
    with_changes = {}
    for name, candidates in grid.items():
        if name.split("__")[-1] in (*BY_CLASS, *ONE_CLASS, "scoring"):
            candidates = [_with_codes(name, each, classes) for each in candidates]
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


def _one_code(name, value, classes):
    """Code of one class, in a list if it was in one."""
    if value is None:
        return None
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_one_code(name, each, classes) for each in value]
    names = class_names(classes)
    if value in names:
        return names.index(value)
    if isinstance(value, str) and value == "most_frequent":
        return value
    raise ValueError(
        f"{name} must name a class of y, one of {first_of(names)}; got {value!r}."
    )


def _scoring_with_codes(name, scoring, classes):
    """What a search maximizes: the same object if it is the same for codes."""
    if isinstance(scoring, (list, tuple, set)):
        scoring = {each: each for each in scoring}
    if isinstance(scoring, Mapping):
        return {
            key: _scoring_with_codes(name, each, classes)
            for key, each in scoring.items()
        }
    if isinstance(scoring, str) and scoring in get_scorer_names():
        scorer = get_scorer(scoring)
        changed = _scorer_with_codes(name, scorer, classes)
        return scoring if changed is scorer else changed
    return _scorer_with_codes(name, scoring, classes) if callable(scoring) else scoring


def _scorer_with_codes(name, scorer, classes):
    inner = getattr(scorer, "_scorer", None)
    if inner is not None:  # of `labeled_scorer`
        changed = _scorer_with_codes(name, inner, classes)
        if changed is not inner:
            scorer = copy(scorer)
            scorer._scorer = changed
        return scorer
    if not hasattr(scorer, "_score_func"):
        warn_user(
            f"{name} is a function that gets the codes {list(range(len(classes)))} in "
            f"place of the classes {first_of(class_names(classes))}. Functions that "
            "make_scorer wraps get the classes."
        )
        return scorer
    function, kwargs = scorer._score_func, scorer._kwargs
    if isinstance(function, partial):
        function, kwargs = function.func, function.keywords | kwargs
    taken = signature(function).parameters
    codes = {}
    if kwargs.get("labels") is not None:
        codes["labels"] = _one_code(f"labels of {name}", kwargs["labels"], classes)
    if kwargs.get("pos_label") is not None:
        label = kwargs["pos_label"]
        codes["pos_label"] = _one_code(f"pos_label of {name}", label, classes)
    elif len(classes) == 2 and _scores_one_class(function, taken, kwargs):
        codes["pos_label"] = _code_by_default(name, function, taken, classes)
    takes_names = "pos_label" in taken or "labels" in taken
    if not takes_names and not function.__module__.startswith("sklearn."):
        function = OfLabels(function, classes, scorer._response_method == "predict")
    elif not codes:
        return scorer
    scorer = copy(scorer)
    scorer._score_func, scorer._kwargs = function, kwargs | codes
    return scorer


def _scores_one_class(function, taken, kwargs):
    """Whether a score is of one class, and the function's default says which."""
    if "pos_label" in kwargs or "pos_label" not in taken:
        return False
    if taken["pos_label"].default in (None, Parameter.empty):
        return False
    # scores of all classes have the parameter, but do not use it
    average = kwargs.get("average", getattr(taken.get("average"), "default", "binary"))
    return average == "binary" or function is average_precision_score


def _code_by_default(name, function, taken, classes):
    label, names = taken["pos_label"].default, class_names(classes)
    if label in names:
        return names.index(label)
    raise ValueError(
        f"{name} scores one of two classes, by default {label!r}, but the classes of y "
        f"are {first_of(names)}. Say which one: make_scorer({function.__name__}, "
        f"pos_label={names[1]!r})."
    )


class OfLabels:
    """A user's score function that gets labels where a scorer has codes.

    Parameters
    ----------
    function : callable
    classes : ndarray of shape (n_classes,)
    of_predictions : bool
        Whether its second argument has codes, too, and not probabilities.
    """

    def __init__(self, function, classes, of_predictions):
        update_wrapper(self, function)
        self.function = function
        self.classes = classes
        self.of_predictions = of_predictions

    def __call__(self, y_true, y_pred, **kwargs):
        if self.of_predictions:
            y_pred = self._labels(y_pred)
        return self.function(self._labels(y_true), y_pred, **kwargs)

    def _labels(self, codes):
        return without_labels(EncodedLabels(self.classes, np.asarray(codes)), [])


def is_estimator(value):
    """Whether a parameter is an estimator, not a class of them."""
    return hasattr(value, "get_params") and not isinstance(value, type)
