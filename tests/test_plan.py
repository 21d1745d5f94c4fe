"""The plan: what "auto" becomes, values per layer, and checks."""

import pickle
import warnings
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from sklearn_ladder import LadderClassifier, VirtualAdversary
from sklearn_ladder._plan import name_per_layer, per_layer
from sklearn_ladder.architectures import Conv, Dense, MeanPool
from sklearn_ladder.network._combinators import COMBINATORS
from sklearn_ladder.objective._adversary import Adversary
from tests.plans import make_plan


def small_plan(**parameters):
    """A plan of layers 0 to 3."""
    return make_plan(**({"hidden_layer_sizes": (8, 6)} | parameters))


# ------------------------------------------------------------------ denoising costs


@pytest.mark.parametrize(
    "variant, expected",
    [
        ("full", (4, 3, 2, 1)),
        ("gamma", (0, 0, 0, 1)),
        ("bottom", (4, 0, 0, 0)),
        ("supervised", (0, 0, 0, 0)),
    ],
)
def test_variant_keeps_its_layers(variant, expected):
    cost = np.array([4.0, 3.0, 2.0, 1.0])
    assert small_plan(variant=variant, denoising_cost=cost).denoising_cost == expected
    assert cost.tolist() == [4, 3, 2, 1]  # the user's stays as it is


@pytest.mark.parametrize(
    "n_classes, class_layer", [(2, 0), (4, 0), (7, 0.5), (10, 1), (15, 1)]
)
@pytest.mark.parametrize(
    "variant, expected",
    [
        ("full", (1, 1, 1, None)),
        ("gamma", (0, 0, 0, 1)),
        ("bottom", (1, 0, 0, 0)),
        ("supervised", (0, 0, 0, 0)),
    ],
)
def test_automatic_costs(variant, expected, n_classes, class_layer):
    plan = small_plan(variant=variant, n_classes=n_classes, n_samples=100)
    assert plan.denoising_cost == tuple(
        class_layer if cost is None else cost for cost in expected
    )


def test_defaults_of_dense_layers_do_not_depend_on_how_they_are_given():
    named = small_plan(hidden_layer_sizes=(8, 4))
    listed = small_plan(architecture=[Dense(8), Dense(4), Dense()])
    assert repr(named) == repr(listed)


@pytest.mark.parametrize(
    "variant, denoising_cost, layers",
    [
        ("full", 0, r"layers \[0, 1, 2, 3\]"),
        ("gamma", [7, 7, 7, 0], r"layers \[3\]"),
        ("bottom", [0, 7, 7, 7], r"layers \[0\]"),
    ],
)
def test_variant_whose_costs_are_all_0_is_refused(variant, denoising_cost, layers):
    with pytest.raises(
        ValueError, match=f"{layers}, which variant='{variant}' denoises"
    ):
        small_plan(variant=variant, denoising_cost=denoising_cost)
    supervised = small_plan(variant="supervised", denoising_cost=denoising_cost)
    assert not any(supervised.denoising_cost)


# ---------------------------------------------------------------------- adversaries


@pytest.mark.parametrize(
    "kind, as_noise, expected",
    [
        ("cost", False, (4, 0, 0, 0)),
        ("cost-layerwise", False, (4, 3, 2, 0)),
        ("noise", True, (4, 0, 0, 0)),
        ("noise-layerwise", True, (4, 3, 2, 0)),
    ],
)
def test_which_layers_are_perturbed(kind, as_noise, expected):
    size = np.array([4.0, 3.0, 2.0, 1.0])
    settings = VirtualAdversary(
        kind, size=size, norm="linf", n_power_iterations=3, weight=0.5
    )
    plan = small_plan(virtual_adversarial=settings)
    assert plan.adversary == Adversary(expected, as_noise, "linf", 3, 0.5)
    assert size.tolist() == [4, 3, 2, 1]  # the user's stays as it is
    # a small integer of NumPy would overflow in products
    settings.set_params(weight=np.int8(100), n_power_iterations=np.int8(1))
    adversary = small_plan(virtual_adversarial=settings).adversary
    assert type(adversary.weight) is float and type(adversary.n_power_iterations) is int


@pytest.mark.parametrize("size", [0.0, [0, 0, 0, 1]])
def test_an_adversary_that_perturbs_nothing_is_refused(size):
    settings = VirtualAdversary("cost-layerwise", size=size)
    with pytest.raises(ValueError, match=r"size must be positive .*\(\[0, 1, 2\]\)"):
        small_plan(virtual_adversarial=settings, variant="supervised")


@pytest.mark.parametrize(
    "parameters",
    [
        {"hidden_layer_sizes": [True, 8]},
        {"noise_std": [True, 0, 0]},
        {"denoising_cost": np.array([True, False, True])},
        {"class_weight": {0: True, 1: 2}},
        {"virtual_adversarial": VirtualAdversary(size=[True, 1, 1])},
    ],
    ids=str,
)
def test_booleans_in_sequences_are_refused(blobs, parameters):
    X, _, y_few = blobs
    clf = LadderClassifier(**{"hidden_layer_sizes": (8,), **parameters})
    with pytest.raises(ValueError, match="must not be a boolean"):
        clf.fit(X, y_few)


def test_nearly_constant_weights_hardly_change_the_class_prior(blobs):
    X, _, y_few = blobs
    weight = 1 + 1e-3 * np.arange(60) / 60
    plain, weighted = (
        LadderClassifier((8,), max_epochs=5, random_state=0).fit(X, y_few, w)
        for w in (None, weight)
    )
    assert weighted.plan_.em_weight > 0.98
    np.testing.assert_allclose(weighted.class_prior_, plain.class_prior_, atol=0.01)
    different = LadderClassifier((8,), max_epochs=1, random_state=0)
    assert different.fit(X, y_few, 1 + np.arange(60)).plan_.em_weight == 0


@pytest.mark.parametrize("kind", ["noise", "noise-layerwise"])
def test_noise_without_a_denoising_cost_is_refused(kind):
    cost = small_plan(virtual_adversarial=VirtualAdversary(), variant="supervised")
    assert cost.adversary is not None and cost.uses_unlabeled
    with pytest.raises(ValueError, match=f"kind '{kind}' needs a denoising cost"):
        small_plan(virtual_adversarial=VirtualAdversary(kind), variant="supervised")


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"kind": "costs"}, "'kind' parameter of VirtualAdversary .*'costs'"),
        ({"kind": ["cost"]}, "'kind' parameter of VirtualAdversary"),
        ({"size": -1.0}, "'size' parameter of VirtualAdversary"),
        ({"size": "large"}, "'size' parameter of VirtualAdversary"),
        ({"size": [1, 1]}, r"size must .* one entry per layer \(4, input first\)"),
        ({"size": [1, 1, 1, np.nan]}, "virtual_adversarial__size must be finite"),
        ({"n_power_iterations": 0}, "n_power_iterations"),
        ({"n_power_iterations": True}, "n_power_iterations.* boolean"),
        ({"norm": "l3"}, "norm"),
        ({"weight": -1}, "weight"),
        ({"weight": True}, "weight.* boolean"),
    ],
    ids=str,
)
def test_bad_settings_of_an_adversary(settings, message):
    with pytest.raises(ValueError, match=message):
        small_plan(virtual_adversarial=VirtualAdversary(**settings))


# ------------------------------------------------------------------ values per layer


def test_one_number_for_all_layers():
    assert per_layer("noise_std", 0.3, 3) == (0.3, 0.3, 0.3)


@pytest.mark.parametrize(
    "value, message",
    [
        ([1, 2, 3], r"one entry per layer \(4, input first\); got 3"),
        ([1, 2, 3, -0.5], "not negative"),
        ([1, 2, 3, np.nan], "finite"),
    ],
)
def test_bad_values(value, message):
    with pytest.raises(ValueError, match=message):
        per_layer("denoising_cost", value, 4)


@pytest.mark.parametrize(
    "value, expected",
    [
        ("mlp", ("mlp",) * 3),
        (["gaussian", "mlp", "mlp"], ("gaussian", "mlp", "mlp")),
        (np.array(["mlp", "mlp", "gaussian"]), ("mlp", "mlp", "gaussian")),
    ],
)
def test_names(value, expected):
    assert name_per_layer("combinator", value, 3, COMBINATORS) == expected


@pytest.mark.parametrize(
    "value, message",
    [
        (
            ["mlp"] * 6,
            r"combinator must be a string or have one entry per layer "
            r"\(7, input first\); got 6\.",
        ),
        ([["mlp"] * 7], r"one entry per layer \(7, input first\); got 1\."),
        ("mpl", r"one of \['gaussian', 'mlp', .*'\]; got 'mpl'"),
        (["mlp"] * 6 + ["MLP"], r"one of \['gaussian', 'mlp', .*'\]; got 'MLP'"),
        (["mlp"] * 6 + [3], r"one of \['gaussian', 'mlp', .*'\]; got 3"),
    ],
    ids=str,
)
def test_bad_names(value, message):
    with pytest.raises(ValueError, match=message):
        name_per_layer("combinator", value, 7, COMBINATORS)


@pytest.mark.parametrize("boolean", [True, np.True_])
@pytest.mark.parametrize(
    "name",
    [
        "denoising_cost",
        "noise_std",
        "label_smoothing",
        "feature_scaling",
        "batch_size",
        "max_epochs",
        "learning_rate",
        "decay_start",
        "n_estimators",
        "tol",
    ],
)
def test_booleans_are_no_numbers(name, boolean):
    with pytest.raises(ValueError, match=f"'{name}' parameter"):
        small_plan(**{name: boolean})


# ------------------------------------------------------------------- feature scaling


@pytest.mark.parametrize(
    "feature_scaling, n_classes, n_bins, resolved",
    [
        ("auto", 2, 6, "binned"),
        ("auto", 10, 1, "scaled"),
        ("scaled", 2, 1, "scaled"),
        ("binned", 10, 6, "binned"),
        (1, 2, 1, "scaled"),
        (4, 2, 4, 4),
        (None, 2, None, None),
    ],
)
def test_feature_scaling(feature_scaling, n_classes, n_bins, resolved):
    plan = small_plan(
        feature_scaling=feature_scaling, n_classes=n_classes, n_samples=100
    )
    assert (plan.n_bins, plan.feature_scaling) == (n_bins, resolved)
    assert (plan.scale is None) == (n_bins is None)


def test_automatic_feature_scaling_of_images_is_shared():
    plan = make_plan(
        n_features=16,
        architecture=[Conv(2, 3), MeanPool(), Dense()],
        image_shape=(1, 4, 4),
    )
    assert plan.feature_scaling == "shared"


# ------------------------------------------------------------------ the fitted plan


@pytest.fixture(scope="module")
def fitted(blobs):
    X, _, y_few = blobs
    clf = LadderClassifier((8, 6), max_epochs=3, batch_size=20, random_state=0)
    return clf.fit(X, y_few)


@pytest.mark.parametrize(
    "name, value",
    [
        ("n_estimators", lambda clf: clf.n_estimators_),
        ("denoising_cost", lambda clf: clf.denoising_cost_),
        ("max_epochs", lambda clf: clf.max_epochs_),
        ("feature_scaling", lambda clf: clf.feature_scaling_),
        ("class_prior", lambda clf: clf.class_prior_),
    ],
)
def test_value_that_auto_became_gives_the_same_bits(blobs, name, value):
    X, _, y_few = blobs
    few = y_few[10:].copy()  # a fit of a tenth of a second
    few[:10] = y_few[:10]
    parameters = {"max_epochs": 3} if name != "max_epochs" else {}
    clf = LadderClassifier((4,), batch_size=50, random_state=0, **parameters)
    auto = clf.fit(X[:50], few)
    assert clf.get_params()[name] == "auto"
    expected = auto.predict_proba(X)
    explicit = auto.set_params(**{name: value(auto)}).fit(X[:50], few)
    np.testing.assert_array_equal(explicit.predict_proba(X), expected)


def test_resolved_settings_are_attributes(fitted):
    plan = fitted.plan_
    assert fitted.n_estimators_ == plan.n_estimators == 5
    assert fitted.max_epochs_ == plan.max_epochs == 3
    assert fitted.feature_scaling_ == plan.feature_scaling == "binned"
    # of each member: the last two of five have none
    np.testing.assert_array_equal(
        fitted.denoising_cost_, 3 * [[1, 1, 1, 0]] + 2 * [[0, 0, 0, 0]]
    )
    assert plan.denoising_cost == (1, 1, 1, 0)
    assert plan.device == fitted.device_
    assert plan.n_updates == 3 * 3
    assert plan.class_shares == (0.5, 0.5)
    assert (plan.class_prior, plan.em_weight) == (None, 1)
    assert plan.labeled_share == 1
    assert (plan.n_features, plan.n_classes) == (3, 2)


def test_plan_is_frozen_and_pickles(fitted):
    with pytest.raises(FrozenInstanceError):
        fitted.plan_.max_epochs = 4
    again = pickle.loads(pickle.dumps(fitted.plan_))
    assert repr(again) == repr(fitted.plan_)
    np.testing.assert_array_equal(again.scale.values, fitted.plan_.scale.values)


def test_plan_of_a_stream():
    plan = small_plan(is_stream=True)
    assert plan.is_stream
    assert (plan.max_epochs, plan.decay_start, plan.n_estimators) == (1, 1.0, 1)
    assert (plan.class_prior, plan.em_weight) == (None, 0)


def test_pixels_that_a_recipe_takes_as_they_are():
    X = np.random.RandomState(0).randint(256, size=(40, 9)).astype(np.uint8)
    X[:, :3] = 0  # an edge
    clf = LadderClassifier((4,), max_epochs=1, feature_scaling=None)
    with pytest.warns(UserWarning, match=r"values up to 25.* X / 255"):
        clf.fit(X, np.arange(40) % 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clf.fit(X / 255, np.arange(40) % 2)
        outlier = X / 255
        outlier[0, 4] = 500
        clf.fit(outlier, np.arange(40) % 2)
        clf.set_params(feature_scaling="auto").fit(X, np.arange(40) % 2)
