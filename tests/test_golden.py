"""One step of the full ladder against an independent NumPy program, in float64."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sklearn_ladder.network import Ladder
from sklearn_ladder.objective._costs import ladder_costs

GOLDEN = dict(np.load(Path(__file__).parent / "data" / "golden_mlp.npz"))
TOP = len(GOLDEN["sizes"]) - 1
LAYERS = range(TOP + 1)


@pytest.fixture(scope="module")
def parameters():
    """The golden network and its parameters by golden name, as (in, out) views."""
    network = Ladder(
        GOLDEN["sizes"].tolist(), LAYERS, [float(GOLDEN["noise_std"])] * (TOP + 1)
    ).double()
    named = {}
    for number, layer in enumerate(network.encoder.layers, start=1):
        named[f"W{number}"] = layer.projection.weight
        named[f"V{number}"] = network.decoder.layers[str(number - 1)].way_down.weight
        named[f"beta{number}"] = layer.beta
        if layer.gamma is not None:
            named[f"gamma{number}"] = layer.gamma
    for number in LAYERS:
        named[f"a{number}"] = network.decoder.layers[
            str(number)
        ].combinator.coefficients
    assert {f"param_{name}" for name in named} == {
        key for key in GOLDEN if key.startswith("param_")
    }
    with torch.no_grad():
        for name, parameter in named.items():
            value = torch.from_numpy(GOLDEN[f"param_{name}"])
            parameter.copy_(value.T if name[0] in "WV" else value)
    return network, named


@pytest.fixture(scope="module")
def step(parameters):
    network, _ = parameters
    activations = network.training_pass(
        torch.from_numpy(GOLDEN["input_x_labeled"]),
        torch.from_numpy(GOLDEN["input_x_unlabeled"]),
        [torch.from_numpy(GOLDEN[f"input_noise{number}"]) for number in LAYERS],
    )
    costs = ladder_costs(
        activations,
        torch.from_numpy(GOLDEN["input_y"]),
        None,
        GOLDEN["denoising_weights"].tolist(),
    )
    costs["total"].backward()
    return activations, costs


def close(actual, expected, tolerance=1e-9):
    np.testing.assert_allclose(
        actual.detach().numpy(), expected, rtol=tolerance, atol=tolerance
    )


@pytest.mark.parametrize("layer", LAYERS)
def test_activations(step, layer):
    activations, _ = step
    close(activations.corrupted.z[layer], GOLDEN[f"expect_z_corrupted{layer}"])
    close(activations.clean.z[layer], GOLDEN[f"expect_z_clean{layer}"])
    close(activations.decoded.u[layer], GOLDEN[f"expect_u{layer}"])
    close(activations.decoded.z_denoised[layer], GOLDEN[f"expect_z_denoised{layer}"])


def test_clean_probabilities(step):
    activations, _ = step
    proba = activations.clean.logits.softmax(dim=1)
    close(proba, GOLDEN["expect_proba_clean_unlabeled"])


def test_costs(step):
    _, costs = step
    close(costs["supervised"], GOLDEN["expect_supervised_cost"])
    close(costs["total"], GOLDEN["expect_total_cost"])
    for layer in LAYERS:
        close(costs[f"denoising_{layer}"], GOLDEN[f"expect_denoising_cost{layer}"])


@pytest.mark.parametrize(
    "name", [key.removeprefix("grad_value_") for key in GOLDEN if "grad_value_" in key]
)
def test_gradients(parameters, step, name):
    gradient = parameters[1][name].grad
    if name[0] in "WV":
        gradient = gradient.T  # torch keeps weights as (out, in)
    index = GOLDEN[f"grad_index_{name}"]
    close(gradient.flatten()[index], GOLDEN[f"grad_value_{name}"], tolerance=1e-6)
