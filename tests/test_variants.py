import numpy as np
import pytest

from sklearn_ladder._variants import denoising_weights, name_per_layer, per_layer
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
