"""Published configurations by name, and quick ones, as parameters of the classifier.

Names are source, data, number of labels and network: ``rasmus2015-mnist-100-full``.
Where no network is named it is the MLP; a "baseline" learns from labeled rows alone.

What a recipe doesn't say is part of its data: pixels of MNIST are scaled to [0, 1], all
60,000 training rows are used, and as many labels of each class are kept; CIFAR-10 goes
through :class:`~sklearn_ladder.preprocessing.GlobalContrastNormalizer` and
:class:`~sklearn_ladder.preprocessing.ZCAWhitener`, without augmentation.

Sources
-------
rasmus2015 : Rasmus, Berglund, Honkala, Valpola, Raiko, "Semi-Supervised Learning with
    Ladder Networks", NIPS 2015, arXiv:1507.02672. Two have their settings and no
    published error: "rasmus2015-table-full", for any table, and the full Conv-Small.
shinoda2017 : Shinoda, Worrall, Brostow, "Virtual Adversarial Ladder Networks for
    Semi-supervised Learning", 2017, arXiv:1711.07476. VAT, and the ladder with virtual
    adversarial costs (LVAC) or noise (LVAN), at the input or layer-wise (LW).
quick : This package, for minutes. Chosen with 100 labels on the last 10,000 training
    rows of MNIST, trained on the others. Errors are in the README.

Examples
--------
>>> from sklearn_ladder import LadderClassifier, recipes
>>> clf = LadderClassifier(**recipes.get("rasmus2015-mnist-100-full"))
>>> clf.denoising_cost
[1000, 10, 0.1, 0.1, 0.1, 0.1, 0.1]
>>> recipes.table().loc["rasmus2015-mnist-100-full", ["error", "std"]].tolist()
[1.06, 0.37]
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from ._virtual_adversary import VirtualAdversary

if TYPE_CHECKING:
    from typing import Any

__all__ = ["get", "names", "table"]

MNIST, CIFAR10, TABLE = "mnist", "cifar10", "table"
ALL = 60_000  # labels: those of every training row of MNIST


class Recipe(NamedTuple):
    """A configuration and its published result."""

    data: str  # "mnist", "cifar10", or "table" for any
    n_labels: int | None  # None: of any number
    error: float | None  # published test error, %; None of what is not published
    std: float | None  # its standard deviation over seeds
    source: str
    parameters: dict  # of `LadderClassifier`


RASMUS2015 = "arXiv:1507.02672"
SHINODA2017 = "arXiv:1711.07476"
QUICK = "sklearn_ladder"

# 150 epochs, the first 100 with constant learning rate. It says what the classifier has
# other defaults for, or had; not what is off by default, as class weights.
_PUBLISHED_TRAINING = {
    "noise_std": 0.3,
    "combinator": "gaussian",
    "activation": "relu",
    "batch_size": 100,
    "max_epochs": 150,
    "learning_rate": 0.002,
    "decay_start": 2 / 3,
    "feature_scaling": None,
    "weight_normalization": False,
    "label_smoothing": 0,
    "class_prior": None,
    "linear_share": 0.0,
    "n_estimators": 1,
}
_MLP = _PUBLISHED_TRAINING | {"hidden_layer_sizes": (1000, 500, 250, 250, 250)}
_CONV_FC = _PUBLISHED_TRAINING | {
    "architecture": "conv-fc",
    "image_shape": (1, 28, 28),
}
_CONV_SMALL = _CONV_FC | {"architecture": "conv-small"}
# leaky ReLU, and no γ at the class layer, for both: the released commands
_CONV_LARGE = _PUBLISHED_TRAINING | {
    "architecture": "conv-large",
    "image_shape": (3, 32, 32),
    "activation": "leaky_relu",
}
_SHORT = {"max_epochs": 20, "decay_start": 0.5}


def _full(at_input, at_first, above, n_above=5):
    return {
        "variant": "full",
        "denoising_cost": [at_input, at_first, *[above] * n_above],
    }


def _gamma(cost):
    return {"variant": "gamma", "denoising_cost": cost}


def _bottom(cost):
    return {"variant": "bottom", "denoising_cost": cost}


def _noise_std(of_layers, n_layers):
    return {"noise_std": [0.3, *[of_layers] * n_layers]}


_MLP_BASELINE = _MLP | {"variant": "supervised"} | _noise_std(0.5, 6)

_RASMUS2015 = {
    f"rasmus2015-{name}": Recipe(data, n_labels, error, std, RASMUS2015, parameters)
    for name, data, n_labels, error, std, parameters in [
        # 784-1000-500-250-250-250-10, permutation-invariant
        ("mnist-50-full", MNIST, 50, 1.62, 0.65, _MLP | _full(2000, 20, 0.1)),
        ("mnist-100-baseline", MNIST, 100, 21.74, 1.77, _MLP_BASELINE),
        ("mnist-100-gamma", MNIST, 100, 3.06, 1.44, _MLP | _gamma(0.5)),
        ("mnist-100-bottom", MNIST, 100, 1.09, 0.32, _MLP | _bottom(5000)),
        ("mnist-100-full", MNIST, 100, 1.06, 0.37, _MLP | _full(1000, 10, 0.1)),
        ("mnist-1000-baseline", MNIST, 1000, 5.70, 0.20, _MLP_BASELINE),
        ("mnist-1000-gamma", MNIST, 1000, 1.53, 0.10, _MLP | _gamma(10)),
        ("mnist-1000-bottom", MNIST, 1000, 0.90, 0.05, _MLP | _bottom(2000)),
        (
            *("mnist-1000-full", MNIST, 1000, 0.84, 0.08),
            _MLP | _full(2000, 20, 0.1) | _noise_std(0.2, 6),
        ),
        ("mnist-all-baseline", MNIST, ALL, 0.80, 0.03, _MLP_BASELINE),
        ("mnist-all-gamma", MNIST, ALL, 0.78, 0.03, _MLP | _gamma(2)),
        ("mnist-all-bottom", MNIST, ALL, 0.59, 0.03, _MLP | _bottom(2000)),
        ("mnist-all-full", MNIST, ALL, 0.57, 0.02, _MLP | _full(1000, 1, 0.01)),
        # convolutional networks
        (
            *("mnist-100-conv-small-baseline", MNIST, 100, 6.43, 0.84),
            _CONV_SMALL | _SHORT | {"variant": "supervised"} | _noise_std(0.45, 9),
        ),
        (
            *("mnist-100-conv-fc-full", MNIST, 100, 0.99, 0.15),
            _CONV_FC | _full(1000, 10, 0.1, n_above=6),
        ),
        (
            *("mnist-100-conv-small-gamma", MNIST, 100, 0.89, 0.50),
            _CONV_SMALL | _gamma(1),
        ),
        (
            *("mnist-100-conv-small-full", MNIST, 100, None, None),
            _CONV_SMALL | _full(1000, 10, 0.1, n_above=8),
        ),
        # NOTE[DIFF]: features have scales of their own; pixels are taken as they are
        (
            *("table-full", TABLE, None, None, None),
            _MLP | _full(1000, 10, 0.1) | {"feature_scaling": "scaled"},
        ),
        (
            *("cifar10-4000-conv-large-baseline", CIFAR10, 4000, 23.33, 0.61),
            _CONV_LARGE | _SHORT | {"variant": "supervised"},
        ),
        (
            *("cifar10-4000-conv-large-gamma", CIFAR10, 4000, 20.40, 0.47),
            _CONV_LARGE | _gamma(4) | {"max_epochs": 70, "decay_start": 0.86},
        ),
    ]
}


def _adversarial(kind, at_input, at_first=0, above=0):
    return {
        "virtual_adversarial": VirtualAdversary(
            kind, size=[at_input, at_first, *[above] * 5], n_power_iterations=3
        ),
    }


# NOTE[DIFF]: in the released code of these models u at the class layer is made of the
# logits, not of the softmax, and ẑ is divided by σ², not by σ. Here they have the same
# ladder as all the others.
_ADVERSARIAL_TRAINING = _MLP | {
    "activation": "leaky_relu",
    "max_epochs": 250,
    "decay_start": 0.8,
}
# NOTE[DIFF]: in the released code VAT has noise of standard deviation 0.5 at hidden
# layers, too, and γ at every layer.
_VAT = _ADVERSARIAL_TRAINING | {"variant": "supervised", "noise_std": 0}
# by the number of labels: λ at the input, at the first layer and above
_LADDERS = {
    n_labels: _ADVERSARIAL_TRAINING | _full(*costs)
    for n_labels, costs in {
        50: (1504, 16.15, 0.0381),
        100: (1966, 14.20, 0.1563),
        1000: (3883, 12.35, 0.0539),
    }.items()
}
_LVAC_LW_50 = _ADVERSARIAL_TRAINING | _full(1000, 10.00, 0.1)
# NOTE[DIFF]: recipes are the paper's. In the released logs of the ladder and of LVAN-LW
# with 50 labels, unlabeled batches have 250 samples, training 60,000 updates, λ is
# 2860, 29.1 and above 0.053, and initial weights have std 1/√(fan_in + fan_out).

_SHINODA2017 = {
    f"shinoda2017-mnist-{n_labels}-{model}": Recipe(
        MNIST, n_labels, error, std, SHINODA2017, network | adversarial
    )
    for n_labels, model, error, std, network, adversarial in [
        (50, "vat", 5.38, 2.92, _VAT, _adversarial("cost", 5.0)),
        (50, "ladder", 1.86, 0.43, _LADDERS[50], {}),
        (50, "lvac", 2.42, 1.05, _LADDERS[50], _adversarial("cost", 0.0733)),
        (
            *(50, "lvac-lw", 4.08, 3.55, _LVAC_LW_50),
            _adversarial("cost-layerwise", 1.0, 0.1, 1e-3),
        ),
        (50, "lvan", 1.52, 0.20, _LADDERS[50], _adversarial("noise", 0.0733)),
        (
            *(50, "lvan-lw", 1.42, 0.12, _LADDERS[50]),
            _adversarial("noise-layerwise", 0.0733, 0.3897, 8.372e-2),
        ),
        (100, "vat", 2.14, 0.64, _VAT, _adversarial("cost", 5.0)),
        (100, "ladder", 1.45, 0.36, _LADDERS[100], {}),
        (100, "lvac", 1.65, 0.12, _LADDERS[100], _adversarial("cost", 0.0731)),
        (
            *(100, "lvac-lw", 1.39, 0.06, _LADDERS[100]),
            _adversarial("cost-layerwise", 0.0731, 0.4822, 1.402e-3),
        ),
        (100, "lvan", 1.30, 0.09, _LADDERS[100], _adversarial("noise", 0.0731)),
        (
            *(100, "lvan-lw", 1.25, 0.06, _LADDERS[100]),
            _adversarial("noise-layerwise", 0.0731, 0.4822, 1.402e-3),
        ),
        (1000, "vat", 1.11, 0.05, _VAT, _adversarial("cost", 2.5)),
        (1000, "ladder", 1.10, 0.05, _LADDERS[1000], {}),
        (1000, "lvac", 1.28, 0.07, _LADDERS[1000], _adversarial("cost", 2.5206)),
        (
            *(1000, "lvac-lw", 1.11, 0.12, _LADDERS[1000]),
            _adversarial("cost-layerwise", 2.5206, 0.0143, 6.002e-4),
        ),
        (1000, "lvan", 1.48, 0.03, _LADDERS[1000], _adversarial("noise", 2.5206)),
        (
            *(1000, "lvan-lw", 1.51, 0.06, _LADDERS[1000]),
            _adversarial("noise-layerwise", 2.5206, 0.0143, 6.002e-4),
        ),
    ]
}

# NOTE[DIFF]: weights of length 1, as Huang et al. 2017 have them; larger batches at a
# higher rate, which falls early, and few epochs; a cost at the class layer that counts,
# higher ones at the bottom, and less noise above the input.
_QUICK_MLP = (
    _MLP
    | _noise_std(0.2, 6)
    | {
        "variant": "full",
        "denoising_cost": [3000, 30, 0.1, 0.1, 0.1, 0.1, 1],
        "weight_normalization": True,
        "batch_size": 250,
        "max_epochs": 11,
        "learning_rate": 0.006,
        "decay_start": 0.25,
    }
)
_QUICK = {
    f"quick-mnist-{n_labels}-full": Recipe(
        MNIST, n_labels, None, None, QUICK, _QUICK_MLP
    )
    for n_labels in (50, 100)
}

RECIPES = _RASMUS2015 | _SHINODA2017 | _QUICK


def names() -> list[str]:
    """Names of all recipes.

    Returns
    -------
    list of str
    """
    return list(RECIPES)


def get(name: str) -> dict[str, Any]:
    """Constructor parameters of a configuration.

    Parameters
    ----------
    name : str
        One of `names`.

    Returns
    -------
    dict
        A copy, for ``LadderClassifier(**recipes.get(name))``.

    Raises
    ------
    ValueError
        If there is no such recipe.
    """
    if name not in RECIPES:
        raise ValueError(f"name must be one of {names()}; got {name!r}.")
    return deepcopy(RECIPES[name].parameters)


def table() -> pd.DataFrame:
    """All recipes, with their published results.

    Returns
    -------
    DataFrame
        Indexed by name. Columns: "data", "n_labels" (NA of a table), "error" (test
        error in %) and "std" (its standard deviation over seeds), both NaN where none
        is published, "source".
    """
    rows = {name: recipe._asdict() for name, recipe in RECIPES.items()}
    table = pd.DataFrame.from_dict(rows, orient="index").drop(columns="parameters")
    return table.astype({"n_labels": "Int64", "error": float, "std": float})
