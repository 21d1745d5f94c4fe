import numpy as np
import pytest

from sklearn_ladder import LadderClassifier, recipes
from tests.plans import make_net

N_FEATURES = {"mnist": 28 * 28, "cifar10": 3 * 32 * 32, "table": 13}


# Rasmus et al. 2015, tables 1 to 3: error and standard deviation in %
RASMUS2015 = {
    "mnist-50-full": (1.62, 0.65),
    "mnist-100-baseline": (21.74, 1.77),
    "mnist-100-gamma": (3.06, 1.44),
    "mnist-100-bottom": (1.09, 0.32),
    "mnist-100-full": (1.06, 0.37),
    "mnist-1000-baseline": (5.70, 0.20),
    "mnist-1000-gamma": (1.53, 0.10),
    "mnist-1000-bottom": (0.90, 0.05),
    "mnist-1000-full": (0.84, 0.08),
    "mnist-all-baseline": (0.80, 0.03),
    "mnist-all-gamma": (0.78, 0.03),
    "mnist-all-bottom": (0.59, 0.03),
    "mnist-all-full": (0.57, 0.02),
    "mnist-100-conv-small-baseline": (6.43, 0.84),
    "mnist-100-conv-small-gamma": (0.89, 0.50),
    "mnist-100-conv-fc-full": (0.99, 0.15),
    "cifar10-4000-conv-large-baseline": (23.33, 0.61),
    "cifar10-4000-conv-large-gamma": (20.40, 0.47),
}
# Shinoda et al. 2017, table 1: error and its standard deviation in %, by labels
SHINODA2017 = {
    "vat": [(5.38, 2.92), (2.14, 0.64), (1.11, 0.05)],
    "ladder": [(1.86, 0.43), (1.45, 0.36), (1.10, 0.05)],
    "lvac": [(2.42, 1.05), (1.65, 0.12), (1.28, 0.07)],
    "lvac-lw": [(4.08, 3.55), (1.39, 0.06), (1.11, 0.12)],
    "lvan": [(1.52, 0.20), (1.30, 0.09), (1.48, 0.03)],
    "lvan-lw": [(1.42, 0.12), (1.25, 0.06), (1.51, 0.06)],
}


# With settings of Rasmus et al. 2015, and no published error
UNPUBLISHED = ["rasmus2015-mnist-100-conv-small-full", "rasmus2015-table-full"]


def test_every_published_cell_has_a_recipe():
    published = {f"rasmus2015-{name}": row for name, row in RASMUS2015.items()} | {
        f"shinoda2017-mnist-{n_labels}-{model}": row
        for model, rows in SHINODA2017.items()
        for n_labels, row in zip([50, 100, 1000], rows, strict=True)
    }
    table = recipes.table()
    is_ours = table.index.str.startswith("quick-") | table.index.isin(UNPUBLISHED)
    assert sorted(table.index[~is_ours]) == sorted(published)
    assert table.loc[is_ours, ["error", "std"]].isna().all(axis=None)
    for name, row in published.items():
        assert tuple(table.loc[name, ["error", "std"]]) == row


@pytest.mark.parametrize("name", recipes.names())
def test_recipes_make_networks_of_their_data(name):
    """All that `fit` checks before training."""
    recipe = recipes.RECIPES[name]
    clf = LadderClassifier(**recipes.get(name))
    net = make_net(N_FEATURES[recipe.data], n_classes=10, **recipes.get(name))
    assert net.module_.n_members == 1
    costs = np.array(net.criterion_.denoising_costs)
    top = len(costs) - 1
    with_cost = {
        "full": range(top + 1),
        "gamma": [top],
        "bottom": [0],
        "supervised": [],
    }
    assert np.flatnonzero(costs).tolist() == list(with_cost[clf.variant])
    if recipe.source == recipes.RASMUS2015:
        assert name.endswith("baseline" if clf.variant == "supervised" else clf.variant)
    if recipe.n_labels is None:
        assert name == "rasmus2015-table-full"
        return
    assert f"-{recipe.n_labels}-" in name.replace("-all-", "-60000-")


def test_settings_as_published():
    full = recipes.get("rasmus2015-mnist-1000-full")
    assert full["denoising_cost"] == [2000, 20, 0.1, 0.1, 0.1, 0.1, 0.1]
    assert full["noise_std"] == [0.3] + [0.2] * 6
    assert (full["max_epochs"], full["learning_rate"]) == (150, 0.002)
    assert full["decay_start"] * 150 == pytest.approx(100)
    gamma = recipes.get("rasmus2015-cifar10-4000-conv-large-gamma")
    assert (gamma["max_epochs"], gamma["decay_start"]) == (70, 0.86)
    assert gamma["activation"] == "leaky_relu"


# λ and size at the input, at the first layer and above, for 50, 100 and 1000 labels
LADDER_COSTS = [(1504, 16.15, 0.0381), (1966, 14.20, 0.1563), (3883, 12.35, 0.0539)]
LVAC_LW_COSTS = [(1000, 10.00, 0.1), *LADDER_COSTS[1:]]
AT_INPUT = [(0.0733, 0, 0), (0.0731, 0, 0), (2.5206, 0, 0)]
ABOVE = [(0.0731, 0.4822, 1.402e-3), (2.5206, 0.0143, 6.002e-4)]


@pytest.mark.parametrize(
    "model, kind, costs, size",
    [
        ("ladder", None, LADDER_COSTS, None),
        ("lvac", "cost", LADDER_COSTS, AT_INPUT),
        ("lvan", "noise", LADDER_COSTS, AT_INPUT),
        ("lvac-lw", "cost-layerwise", LVAC_LW_COSTS, [(1.0, 0.1, 1e-3), *ABOVE]),
        (
            *("lvan-lw", "noise-layerwise", LADDER_COSTS),
            [(0.0733, 0.3897, 8.372e-2), *ABOVE],
        ),
        ("vat", "cost", None, [(5.0, 0, 0), (5.0, 0, 0), (2.5, 0, 0)]),
    ],
)
def test_virtual_adversarial_settings(model, kind, costs, size):
    for place, n_labels in enumerate([50, 100, 1000]):
        recipe = recipes.get(f"shinoda2017-mnist-{n_labels}-{model}")
        settings = recipe.get("virtual_adversarial")
        assert (settings and settings.kind) == kind
        if costs is not None:
            at_input, at_first, above = costs[place]
            assert recipe["variant"] == "full"
            assert recipe["denoising_cost"] == [at_input, at_first] + [above] * 5
        else:
            assert (recipe["variant"], recipe["noise_std"]) == ("supervised", 0)
        if size is not None:
            at_input, at_first, above = size[place]
            assert settings.size == [at_input, at_first] + [above] * 5
            assert settings.n_power_iterations == 3
        assert (recipe["max_epochs"], recipe["decay_start"]) == (250, 200 / 250)
        assert (recipe["activation"], recipe["learning_rate"]) == ("leaky_relu", 0.002)


def test_units_of_a_table_do_not_matter(digits):
    X, _, y_few = digits
    parameters = recipes.get("rasmus2015-table-full") | {"max_epochs": 1}
    clf = LadderClassifier(**parameters, random_state=0)
    units = 2.0 ** (np.arange(64) % 9 - 4)  # exact in floating point
    proba, other = (clf.fit(Z, y_few).predict_proba(Z) for Z in (X, X * units))
    np.testing.assert_allclose(other, proba, atol=1e-4)
    assert recipes.table()["n_labels"].isna().sum() == 1


def test_what_is_given_is_a_copy():
    name = "rasmus2015-mnist-100-full"
    recipes.get(name)["denoising_cost"].append(5)
    assert len(recipes.get(name)["denoising_cost"]) == 7


def test_unknown_name():
    with pytest.raises(
        ValueError,
        match=r"must be one of .*; got 'rasmus2015-mnist-100-ful'\. "
        r"Did you mean 'rasmus2015-mnist-100-full'",
    ):
        recipes.get("rasmus2015-mnist-100-ful")
    with pytest.raises(ValueError, match=r"must be one of .*; got 'rasmus2015'"):
        recipes.get("rasmus2015")
