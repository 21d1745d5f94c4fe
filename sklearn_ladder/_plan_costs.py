"""Costs of the plan: denoising costs of layers and members, and the adversary."""

import numpy as np

from . import _defaults
from ._parameters import VARIANTS, is_dense, per_layer, refuse_booleans
from ._virtual_adversary import KINDS
from .objective._adversary import Adversary


def resolve_costs(parameters, n_layers, n_classes, n_estimators):
    """Resolve the fields of `Plan` that are about costs.

    Parameters
    ----------
    parameters : dict
        Constructor parameters of the estimator.
    n_layers : int
        Layers 0 … L.
    n_classes, n_estimators : int

    Returns
    -------
    dict of str to object

    Raises
    ------
    ValueError
        If a parameter is not as described.
    """
    denoising_cost, n_denoising = _denoising_cost(
        parameters, n_layers, n_classes, n_estimators
    )
    has_denoising_cost = any(denoising_cost)
    adversary = _adversary(
        parameters["virtual_adversarial"], n_layers, has_denoising_cost
    )
    return {
        "denoising_cost": denoising_cost,
        "n_denoising": n_denoising,
        "adversary": adversary,
        "uses_unlabeled": has_denoising_cost or adversary is not None,
    }


def _denoising_cost(parameters, n_layers, n_classes, n_estimators):
    """Denoising cost of each layer, and the number of members that have these costs.

    Layers that the variant does not denoise have a cost of 0.
    """
    variant, cost = parameters["variant"], parameters["denoising_cost"]
    n_denoising = n_estimators
    if isinstance(cost, str) and n_classes == 0:
        cost = _defaults.costs_of_autoencoder(n_layers)
    elif isinstance(cost, str):
        n_denoising = _defaults.n_denoising(n_estimators, n_classes)
        cost = [_defaults.lower_cost(is_dense(parameters["architecture"]))] * n_layers
        # Γ-model: its only cost stays 1
        is_gamma = variant == "gamma"
        cost[-1] = 1.0 if is_gamma else _defaults.class_layer_cost(n_classes)
    elif n_classes and (of_members := _as_table(cost)) is not None:
        cost, n_denoising = _cost_of_members(of_members, n_estimators)
    costs = per_layer("denoising_cost", cost, n_layers)
    denoised = VARIANTS[variant](n_layers - 1)
    kept = tuple(c if layer in denoised else 0.0 for layer, c in enumerate(costs))
    if n_classes == 0 and not kept[0]:
        raise ValueError(
            "denoising_cost must be positive at the input, since the other costs do "
            "not tie the code to the samples; got "
            f"denoising_cost={parameters['denoising_cost']!r}."
        )
    if variant != "supervised" and not any(kept):
        raise ValueError(
            f"denoising_cost must be positive at one of the layers {list(denoised)}, "
            f"which variant={variant!r} denoises, or the variant be 'supervised'; got "
            f"denoising_cost={parameters['denoising_cost']!r}."
        )
    return kept, n_denoising


def _as_table(values):
    """Convert to an array of floats with two axes; None if that is impossible."""
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):  # `per_layer` raises the error
        return None
    return array if array.ndim == 2 and len(array) else None


def _cost_of_members(costs, n_estimators):
    """Costs of the members that denoise, and the number of these members."""
    n_denoising = int((costs != 0).any(axis=1).sum())
    expected = np.zeros_like(costs)
    expected[: max(n_denoising, 1)] = costs[0]
    if len(costs) != n_estimators or not np.array_equal(costs, expected):
        raise ValueError(
            "denoising_cost with one row per member must have n_estimators="
            f"{n_estimators} rows: the first ones equal, the last ones may be 0; got "
            f"{costs.tolist()}."
        )
    return costs[0], max(n_denoising, 1)


def _adversary(settings, n_layers, has_denoising_cost):
    """Make the `Adversary` of these settings, or None."""
    if settings is None:
        return None
    settings._validate_params()
    refuse_booleans(settings)
    size = per_layer("virtual_adversarial__size", settings.size, n_layers)
    as_noise, layerwise = KINDS[settings.kind]
    if as_noise and not has_denoising_cost:
        raise ValueError(
            f"virtual_adversarial of kind {settings.kind!r} needs a denoising cost, "
            "since it perturbs unlabeled samples only; got variant='supervised'."
        )
    # NOTE[DIFF]: the paper perturbs every layer in LVAC-LW, and all but the class layer
    # in LVAN-LW. The released code leaves out the class layer in LVAC-LW, and the layer
    # below it, too, in LVAN-LW. Here both perturb all layers but the class layer: a
    # perturbation there would be one of the output itself.
    n_perturbed = n_layers - 1 if layerwise else 1
    size = tuple(s if layer < n_perturbed else 0.0 for layer, s in enumerate(size))
    if not any(size):
        raise ValueError(
            "virtual_adversarial__size must be positive at a layer that kind="
            f"{settings.kind!r} perturbs ({list(range(n_perturbed))}); got "
            f"{settings.size!r}. virtual_adversarial=None switches it off."
        )
    # small numbers of NumPy would overflow in products
    n_iterations, weight = int(settings.n_power_iterations), float(settings.weight)
    return Adversary(size, as_noise, settings.norm, n_iterations, weight)
