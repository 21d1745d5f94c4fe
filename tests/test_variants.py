import numpy as np
import pytest

from sklearn_ladder._variants import (
    VARIANTS,
    denoising_weights,
    name_per_layer,
    per_layer,
    virtual_adversary,
)
from sklearn_ladder.network._combinators import COMBINATORS


@pytest.mark.parametrize(
    "variant, expected",
    [
        ("full", [4, 3, 2, 1]),
        ("gamma", [0, 0, 0, 1]),
        ("bottom", [4, 0, 0, 0]),
        ("supervised", [0, 0, 0, 0]),
    ],
)
def test_variant_keeps_its_layers(variant, expected):
    weights = denoising_weights([4, 3, 2, 1], variant, n_layers=4, n_classes=2)
    np.testing.assert_array_equal(weights, expected)


@pytest.mark.parametrize(
    "virtual_adversarial, as_noise, expected",
    [
        ("cost", False, (4, 0, 0, 0)),
        ("cost-layerwise", False, (4, 3, 2, 0)),
        ("noise", True, (4, 0, 0, 0)),
        ("noise-layerwise", True, (4, 3, 2, 0)),
    ],
)
def test_which_layers_are_perturbed(virtual_adversarial, as_noise, expected):
    epsilon = np.array([4.0, 3.0, 2.0, 1.0])
    adversary = virtual_adversary(virtual_adversarial, epsilon, 4, "linf", 3, True)
    assert adversary == (expected, as_noise, "linf", 3)
    assert epsilon.tolist() == [4, 3, 2, 1]  # which is the user's


def test_epsilon_is_checked_though_nothing_is_perturbed():
    assert virtual_adversary(None, 1.0, 4, "l2", 1, True) is None
    with pytest.raises(ValueError, match=r"epsilon must .* \(4, input first\); got 2"):
        virtual_adversary(None, [1.0, 1.0], 4, "l2", 1, True)


@pytest.mark.parametrize("epsilon", [0.0, [0, 0, 0, 1]])
def test_no_adversary_where_nothing_is_perturbed(epsilon):
    assert virtual_adversary("cost-layerwise", epsilon, 4, "l2", 1, True) is None


def test_noise_without_a_cost_is_refused():
    assert virtual_adversary("cost", 1.0, 4, "l2", 1, False) is not None
    with pytest.raises(ValueError, match=r"'noise' needs a cost of unlabeled rows"):
        virtual_adversary("noise", 1.0, 4, "l2", 1, False)


def test_one_number_for_all_layers():
    np.testing.assert_array_equal(per_layer("noise_std", 0.3, 3), [0.3] * 3)


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
        ("mlp", ["mlp"] * 3),
        (["gaussian", "mlp", "mlp"], ["gaussian", "mlp", "mlp"]),
        (np.array(["mlp", "mlp", "gaussian"]), ["mlp", "mlp", "gaussian"]),
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
        ("mpl", r"one of \['gaussian', 'mlp'\]; got 'mpl'"),
        (["mlp"] * 6 + ["MLP"], r"one of \['gaussian', 'mlp'\]; got 'MLP'"),
        (["mlp"] * 6 + [3], r"one of \['gaussian', 'mlp'\]; got 3"),
    ],
    ids=str,
)
def test_bad_names(value, message):
    with pytest.raises(ValueError, match=message):
        name_per_layer("combinator", value, 7, COMBINATORS)


@pytest.mark.parametrize(
    "n_classes, class_layer", [(2, 0), (4, 0), (7, 0.5), (10, 1), (1000, 1)]
)
def test_automatic_denoising_weights(n_classes, class_layer):
    weights = {
        variant: denoising_weights("auto", variant, 4, n_classes).tolist()
        for variant in VARIANTS
    }
    assert weights == {
        "full": [1, 1, 1, class_layer],
        "gamma": [0, 0, 0, 1],
        "bottom": [1, 0, 0, 0],
        "supervised": [0, 0, 0, 0],
    }
