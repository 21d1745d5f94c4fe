import numpy as np
import pytest

from sklearn_ladder._variants import denoising_weights, per_layer


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
