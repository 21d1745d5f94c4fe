"""Published configurations by name, and quick ones, as parameters of the classifier.

Names are source, data, number of labels and network: ``rasmus2015-mnist-100-full``.
Without the name of a network, it is the MLP. A "baseline" learns from labeled samples
only.

Preprocessing is not part of a recipe. MNIST has pixels in [0, 1], 60,000 training
samples, and equally many labels of each class. CIFAR-10 goes through
:class:`~sklearn_ladder.preprocessing.GlobalContrastNormalizer` and
:class:`~sklearn_ladder.preprocessing.ZCAWhitener`, without augmentation.

Sources
-------
rasmus2015 : Rasmus, Berglund, Honkala, Valpola, Raiko, "Semi-Supervised Learning with
    Ladder Networks", NIPS 2015, arXiv:1507.02672. Two recipes are not in this paper:
    "rasmus2015-table-full" is its full MLP for any table, and the full Conv-Small has
    the denoising costs of its Conv-FC.
shinoda2017 : Shinoda, Worrall, Brostow, "Virtual Adversarial Ladder Networks for
    Semi-supervised Learning", 2017, arXiv:1711.07476. VAT, and the ladder with virtual
    adversarial costs (LVAC) or noise (LVAN), at the input or layer-wise (LW).
quick : This package, for fits of minutes. Chosen with 100 labels on the last 10,000
    training samples of MNIST.

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

import tomllib
from copy import deepcopy
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from ._similar_names import did_you_mean
from ._virtual_adversary import VirtualAdversary

if TYPE_CHECKING:
    from typing import Any

__all__ = ["get", "names", "table"]

RASMUS2015 = "arXiv:1507.02672"
SHINODA2017 = "arXiv:1711.07476"
SOURCES = {
    "rasmus2015": RASMUS2015,
    "shinoda2017": SHINODA2017,
    "quick": "sklearn_ladder",
}


class Recipe(NamedTuple):
    """A configuration and its published result."""

    data: str  # "mnist", "cifar10", or "table" for any
    n_labels: int | None  # None: of any number
    error: float | None  # published test error, %; None of what is not published
    std: float | None  # its standard deviation over seeds
    source: str
    parameters: dict  # of `LadderClassifier`


def _read():
    """All recipes of recipes.toml by name."""
    text = resources.files(__package__).joinpath("recipes.toml").read_text("utf-8")
    content = tomllib.loads(text)
    shared = content["training"] | {"feature_scaling": None, "class_prior": None}
    recipes = {}
    for prefix, source in SOURCES.items():
        for name, entry in content[prefix].items():
            network = content["networks"][entry.pop("network")]
            result = [entry.pop(key, None) for key in Recipe._fields[:4]]
            if "adversary" in entry:
                settings = entry.pop("adversary")
                entry["virtual_adversarial"] = VirtualAdversary(
                    **settings, n_power_iterations=3
                )
            recipes[f"{prefix}-{name}"] = Recipe(
                *result, source, shared | network | entry
            )
    return recipes


RECIPES = _read()


def names() -> list[str]:
    """Names of all recipes.

    Returns
    -------
    list of str
    """
    return list(RECIPES)


def get(name: str) -> dict[str, Any]:
    """Constructor parameters of a configuration.

    All but "rasmus2015-table-full" take features as they are: divide the pixels of
    MNIST by 255, and use the transformers of :mod:`sklearn_ladder.preprocessing` for
    CIFAR-10.

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
        raise ValueError(
            f"name must be one of recipes.names(); got {name!r}."
            f"{did_you_mean(name, RECIPES, cutoff=0.4)}"
        )
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
