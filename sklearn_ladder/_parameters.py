"""Allowed values of each parameter of the estimator."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import (
    Interval,
    InvalidParameterError,
    StrOptions,
)

from ._virtual_adversary import VirtualAdversary
from .architectures import ARCHITECTURES, Dense
from .network._combinators import COMBINATORS
from .network._layers import ACTIVATIONS

# Layers with a denoising cost, given the number of the class layer.
VARIANTS = {
    "full": lambda top: range(top + 1),
    "gamma": lambda top: [top],
    "bottom": lambda top: [0],
    "supervised": lambda top: [],
}

POSITIVE_INTEGER = Interval(Integral, 1, None, closed="left")
NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
PARAMETER_CONSTRAINTS = {
    "hidden_layer_sizes": [StrOptions({"auto"}), "array-like", POSITIVE_INTEGER],
    "architecture": [StrOptions({"mlp", *ARCHITECTURES}), list, tuple],
    "image_shape": ["array-like", None],
    "categorical_features": [StrOptions({"from_dtype"}), "array-like", None],
    "variant": [StrOptions(set(VARIANTS))],
    "denoising_cost": [StrOptions({"auto"}), NOT_NEGATIVE, "array-like"],
    "noise_std": [NOT_NEGATIVE, "array-like"],
    "combinator": [StrOptions(set(COMBINATORS)), "array-like"],
    "virtual_adversarial": [VirtualAdversary, None],
    "label_smoothing": [Interval(Real, 0, 1, closed="left")],
    "weight_normalization": ["boolean"],
    "activation": [StrOptions(set(ACTIVATIONS))],
    "feature_scaling": [
        StrOptions({"auto", "scaled", "binned", "projected", "shared"}),
        Interval(Integral, 1, 20, closed="both"),  # more bins would share knots
        None,
    ],
    # a single sample has no batch statistics
    "batch_size": [Interval(Integral, 2, None, closed="left")],
    "max_epochs": [POSITIVE_INTEGER, StrOptions({"auto"})],
    "max_time": [Interval(Real, 0, None, closed="neither"), None],
    "learning_rate": [Interval(Real, 0, None, closed="neither")],
    "decay_start": [Interval(Real, 0, 1, closed="both")],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_iter_no_change": [POSITIVE_INTEGER],
    "tol": [NOT_NEGATIVE],
    "class_weight": [dict, StrOptions({"balanced"}), None],
    "class_prior": [StrOptions({"auto", "em"}), "array-like", None],
    "linear_share": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="left")],
    "n_estimators": [StrOptions({"auto"}), POSITIVE_INTEGER],
    "warm_start": ["boolean"],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
    "callbacks": [list, None],
    "device": [str],
}

# What an autoencoder has in place of the parameters that need classes.
WITHOUT_CLASSES = {
    "variant": "full",
    "virtual_adversarial": None,
    "label_smoothing": 0.0,
    "early_stopping": False,
    "n_iter_no_change": 1,
    "tol": 0.0,
    "class_prior": None,
    "class_weight": None,
    "n_estimators": 1,
    "linear_share": 0.0,
}


def refuse_booleans(estimator):
    """Raise if a numeric parameter is a boolean, which Python counts as a number."""
    for name, constraints in estimator._parameter_constraints.items():
        if name == "categorical_features":  # may be a mask
            continue
        value = getattr(estimator, name)
        may_be = {"boolean", "verbose", "random_state"}.intersection(
            constraint for constraint in constraints if isinstance(constraint, str)
        )
        if isinstance(value, list | tuple) and "array-like" not in constraints:
            continue  # of objects
        numbers = list(value.values()) if isinstance(value, dict) else value
        entries = np.ravel(np.asarray(numbers, dtype=object))
        if not may_be and any(isinstance(e, bool | np.bool_) for e in entries):
            raise InvalidParameterError(
                f"The {name!r} parameter of {type(estimator).__name__} must not be a "
                f"boolean; got {value!r}."
            )


def refuse_for_stream(estimator):
    """Raise if a parameter needs all samples at once: `partial_fit` calls this."""
    needs_all = {
        "early_stopping": estimator.early_stopping,
        "class_weight": isinstance(estimator.class_weight, str),
        "class_prior": str(estimator.class_prior) not in ("auto", "None"),
    }
    for name, is_set in needs_all.items():
        if is_set:
            raise ValueError(
                f"partial_fit sees only some of the samples, so {name}="
                f"{getattr(estimator, name)!r} is for fit only."
            )


def is_dense(architecture):
    """Whether all layers are dense: defaults are then those for tables."""
    if isinstance(architecture, str):
        return architecture == "mlp"
    return all(isinstance(layer, Dense) for layer in architecture)


def per_layer(name, value, n_layers):
    """Expand a number to one per layer, or check one per layer, input first.

    Parameters
    ----------
    name : str
        Name of the parameter, for errors.
    value : float or array-like of shape (n_layers,)
    n_layers : int

    Returns
    -------
    tuple of float

    Raises
    ------
    ValueError
        If the length is wrong, or a value is negative or not finite.
    """
    values = [value] * n_layers if isinstance(value, Real) else value
    try:
        values = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be numbers; got {value}.") from error
    _check_length(name, "a number", values, n_layers)
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise ValueError(f"{name} must be finite and not negative; got {value}.")
    return tuple(values.tolist())


def name_per_layer(name, value, n_layers, known):
    """Expand a name to one per layer, or check one per layer, input first.

    Parameters
    ----------
    name : str
        Name of the parameter, for errors.
    value : str or array-like of str, shape (n_layers,)
    n_layers : int
    known : collection of str

    Returns
    -------
    tuple of str

    Raises
    ------
    ValueError
        If the length is wrong or a name is not known.
    """
    values = [value] * n_layers if isinstance(value, str) else value
    values = np.asarray(values, dtype=object)
    _check_length(name, "a string", values, n_layers)
    for entry in values:
        if entry not in list(known):
            raise ValueError(
                f"{name} must be, or have for each layer, one of {sorted(known)}; got "
                f"{entry!r}."
            )
    return tuple(values.tolist())


def _check_length(name, alternative, values, n_layers):
    if values.shape != (n_layers,):
        raise ValueError(
            f"{name} must be {alternative} or have one entry per layer ({n_layers}, "
            f"input first); got {len(values) if values.ndim else values}."
        )
