"""From parameters of the estimator to a value for each layer."""

from numbers import Real
from typing import NamedTuple

import numpy as np

from ._defaults import class_layer_cost
from .objective._adversary import VirtualAdversary

# Which layers have a denoising cost, given the number of the class layer.
VARIANTS = {
    "full": lambda top: range(top + 1),
    "gamma": lambda top: [top],
    "bottom": lambda top: [0],
    "supervised": lambda top: [],
}


class Fusion(NamedTuple):
    """How virtual adversarial perturbations become part of the ladder."""

    as_noise: bool  # or in a cost
    layerwise: bool  # or at the input only


VIRTUAL_ADVERSARIAL = {
    "cost": Fusion(as_noise=False, layerwise=False),
    "cost-layerwise": Fusion(as_noise=False, layerwise=True),
    "noise": Fusion(as_noise=True, layerwise=False),
    "noise-layerwise": Fusion(as_noise=True, layerwise=True),
}


def per_layer(name, value, n_layers):
    """A value for each layer, from a number or one per layer, input first.

    Parameters
    ----------
    name : str
        Of the parameter, for errors.
    value : float or array-like of shape (n_layers,)
    n_layers : int

    Returns
    -------
    ndarray of shape (n_layers,)

    Raises
    ------
    ValueError
        If the length is wrong or a value negative or not finite.
    """
    values = [value] * n_layers if isinstance(value, Real) else value
    try:
        values = np.array(values, dtype=float)  # a copy, for callers to write to
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be numbers; got {value}.") from error
    _check_length(name, "a number", values, n_layers)
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise ValueError(f"{name} must be finite and not negative; got {value}.")
    return values


def name_per_layer(name, value, n_layers, known):
    """One of the known names for each layer, from a name or one per layer, input first.

    Parameters
    ----------
    name : str
        Of the parameter, for errors.
    value : str or array-like of str, shape (n_layers,)
    n_layers : int
    known : collection of str

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        If the length is wrong or a name not known.
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
    return values.tolist()


def _check_length(name, alternative, values, n_layers):
    if values.shape != (n_layers,):
        raise ValueError(
            f"{name} must be {alternative} or have one entry per layer ({n_layers}, "
            f"input first); got {len(values) if values.ndim else values}."
        )


def denoising_weights(denoising_cost, variant, n_layers, n_classes):
    """λ of each layer, 0 where the variant has no cost.

    Parameters
    ----------
    denoising_cost : "auto", float or array-like of shape (n_layers,)
    variant : str
        Key of `VARIANTS`.
    n_layers : int
        Layers 0 … L: input, hidden layers, classes.
    n_classes : int

    Returns
    -------
    ndarray of shape (n_layers,)
    """
    if isinstance(denoising_cost, str):
        denoising_cost = np.ones(n_layers)
        if variant != "gamma":  # which has no other
            denoising_cost[-1] = class_layer_cost(n_classes)
    weights = per_layer("denoising_cost", denoising_cost, n_layers)
    kept = np.zeros(n_layers, dtype=bool)
    kept[list(VARIANTS[variant](n_layers - 1))] = True
    return np.where(kept, weights, 0.0)


def virtual_adversary(
    virtual_adversarial,
    epsilon,
    n_layers,
    norm,
    n_power_iterations,
    has_unsupervised_cost,
):
    """What perturbs the layers in training.

    Parameters
    ----------
    virtual_adversarial : str or None
        Key of `VIRTUAL_ADVERSARIAL`.
    epsilon : float or array-like of shape (n_layers,)
        Lengths. That of the class layer is not used: it is never perturbed.
    n_layers : int
        Layers 0 … L: input, hidden layers, classes.
    norm : str
    n_power_iterations : int
    has_unsupervised_cost : bool
        Whether unlabelled rows have a cost without it.

    Returns
    -------
    VirtualAdversary or None
        None, too, if all lengths are 0.

    Raises
    ------
    ValueError
        If the lengths are not as described, or noise of unlabelled rows, which alone
        are perturbed, would be without effect.
    """
    epsilon = per_layer("epsilon", epsilon, n_layers)
    if virtual_adversarial is None:
        return None
    fusion = VIRTUAL_ADVERSARIAL[virtual_adversarial]
    if fusion.as_noise and not has_unsupervised_cost:
        raise ValueError(
            f"virtual_adversarial={virtual_adversarial!r} needs a cost of unlabeled "
            "rows, which alone are perturbed; got denoising_cost and entropy_cost 0, "
            "or variant='supervised'."
        )
    # NOTE[DIFF]: the paper has LVAC-LW perturb every layer, LVAN-LW all but the class
    # layer; released code perturbs neither that one nor the one below it. Here both
    # perturb all but the class layer.
    epsilon[-1 if fusion.layerwise else 1 :] = 0
    if not epsilon.any():
        return None
    return VirtualAdversary(
        tuple(epsilon.tolist()), fusion.as_noise, norm, n_power_iterations
    )
