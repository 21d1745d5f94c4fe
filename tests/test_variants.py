import numpy as np
import pytest

from sklearn_ladder._variants import denoising_weights, per_layer, virtual_adversary


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
    weights = denoising_weights([4, 3, 2, 1], variant, n_layers=4)
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
    adversary = virtual_adversary(virtual_adversarial, [4, 3, 2, 1], 4, "linf", 3)
    assert adversary == (expected, as_noise, "linf", 3)


def test_epsilon_is_checked_though_nothing_is_perturbed():
    assert virtual_adversary(None, 1.0, 4, "l2", 1) is None
    with pytest.raises(ValueError, match=r"epsilon must .* \(4, input first\); got 2"):
        virtual_adversary(None, [1.0, 1.0], 4, "l2", 1)


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
