"""A small convolutional ladder against Algorithm 1 in NumPy, loop by loop, in float64.

Maps are (n_rows, channels, height, width) here, as in the paper, and each of the three
passes is on its own.
"""

import numpy as np
import pytest
import torch

from sklearn_ladder.network import Conv, Ladder, MaxPool, MeanPool
from sklearn_ladder.objective._costs import ladder_costs

N_LABELED, N_UNLABELED, N_CLASSES = 5, 6, 3
LAYERS = [(2, 4, 4), Conv(4, 3, "same"), MaxPool(2), Conv(3, 2, "full"), MeanPool()]
SHAPES = [(2, 4, 4), (4, 4, 4), (4, 2, 2), (3, 3, 3), (3, 1, 1)]
WEIGHTS = [7.0, 2.0, 0.5, 0.3, 1.5]
TOP = len(WEIGHTS) - 1


# ----------------------------------------------------------- the layers, by their sums


def convolve(maps, filters, zeros):
    padded = np.pad(maps, [(0, 0), (0, 0), (zeros, zeros), (zeros, zeros)])
    kernel = filters.shape[-1]
    height, width = (size - kernel + 1 for size in padded.shape[2:])
    out = np.empty((len(maps), len(filters), height, width))
    for i in range(height):
        for j in range(width):
            window = padded[:, :, i : i + kernel, j : j + kernel]
            out[:, :, i, j] = np.einsum("ncyx,fcyx->nf", window, filters)
    return out


def convolve_back(maps, filters, zeros, size):
    kernel = filters.shape[-1]
    out = np.zeros((len(maps), filters.shape[1], size + 2 * zeros, size + 2 * zeros))
    for i in range(maps.shape[2]):
        for j in range(maps.shape[3]):
            patch = np.einsum("nf,fcyx->ncyx", maps[:, :, i, j], filters)
            out[:, :, i : i + kernel, j : j + kernel] += patch
    return out[:, :, zeros : zeros + size, zeros : zeros + size]


def max_pool(maps):
    corners = [maps[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)]
    return np.max(corners, axis=0)


def ways_up(p):
    return [
        lambda h: convolve(h, p["W1"], zeros=1),
        max_pool,
        lambda h: convolve(h, p["W3"], zeros=1),
        lambda h: h.mean(axis=(2, 3), keepdims=True) * 3 * np.sqrt(3),
    ]


def ways_down(p):
    return [
        lambda u: convolve_back(u, p["V1"], zeros=1, size=4),
        lambda u: np.kron(u, np.ones((2, 2))),
        lambda u: convolve_back(u, p["V3"], zeros=1, size=2),
        lambda u: np.tile(u, (1, 1, 3, 3)) * 3 * np.sqrt(3) / 9,
    ]


# ----------------------------------------------------------------------- Algorithm 1


def per_channel(vector):
    return vector[:, None, None]


def statistics(z_pre):
    mean = z_pre.mean(axis=(0, 2, 3))
    variance = ((z_pre - per_channel(mean)) ** 2).mean(axis=(0, 2, 3))
    return per_channel(mean), per_channel(np.sqrt(variance + 1e-10))


def batch_norm(z_pre):
    mean, std = statistics(z_pre)
    return (z_pre - mean) / std


def encoder(p, x, noise):
    """Activations z by layer, statistics of layers from 1, logits."""
    z = [x + noise[0]]
    h, of_layers = z[0], [None]
    for layer, up in enumerate(ways_up(p), start=1):
        z_pre = up(h)
        of_layers.append(statistics(z_pre))
        z.append(batch_norm(z_pre) + noise[layer])
        if layer in (1, 3):
            h = np.maximum(z[-1] + per_channel(p[f"beta{layer}"]), 0)
        elif layer == 2:
            h = z[-1]
        else:
            h = per_channel(p["gamma4"]) * (z[-1] + per_channel(p["beta4"]))
    return z, of_layers, h[:, :, 0, 0]


def softmax(logits):
    exponentials = np.exp(logits)
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def combine(z, u, coefficients):
    a = [None, *(per_channel(row) for row in coefficients)]

    def function(first):
        a1, a2, a3, a4, a5 = a[first : first + 5]
        return a1 / (1 + np.exp(-(a2 * u + a3))) + a4 * u + a5

    prior_mean, gate = function(1), function(6)
    return (z - prior_mean) * gate + prior_mean


def all_costs(p, x_labeled, y, x_unlabeled, noise):
    of_labeled = [part[:N_LABELED] for part in noise]
    of_unlabeled = [part[N_LABELED:] for part in noise]
    _, _, logits = encoder(p, x_labeled, of_labeled)
    proba = softmax(logits)
    costs = {"supervised": -np.log(proba[np.arange(N_LABELED), y]).mean()}
    z_corrupted, _, logits = encoder(p, x_unlabeled, of_unlabeled)
    z_clean, of_layers, _ = encoder(p, x_unlabeled, [0.0] * len(noise))
    signal = softmax(logits)[:, :, None, None]
    for layer in range(TOP, -1, -1):
        if layer < TOP:
            signal = ways_down(p)[layer](signal)
        signal = combine(z_corrupted[layer], batch_norm(signal), p[f"a{layer}"])
        mean, std = (0, 1) if layer == 0 else of_layers[layer]
        error = (signal - mean) / std - z_clean[layer]
        costs[f"denoising_{layer}"] = (error**2).mean()
    denoising = [costs[f"denoising_{layer}"] for layer in range(TOP + 1)]
    costs["total"] = costs["supervised"] + np.dot(WEIGHTS, denoising)
    return costs


# ------------------------------------------------------------------------- the network


@pytest.fixture(scope="module")
def example():
    """Network with random parameters, its parameters by name, and inputs as maps."""
    network = Ladder(LAYERS, range(TOP + 1), [0.3] * (TOP + 1)).double()
    encoder_layers, decoder_layers = network.encoder.layers, network.decoder.layers
    named = {
        "W1": encoder_layers[0].projection.weight,
        "W3": encoder_layers[2].projection.weight,
        "V1": decoder_layers["0"].way_down.weight,
        "V3": decoder_layers["2"].way_down.weight,
        "beta1": encoder_layers[0].beta,
        "beta3": encoder_layers[2].beta,
        "beta4": encoder_layers[3].beta,
        "gamma4": encoder_layers[3].gamma,
    } | {
        f"a{layer}": decoder_layers[str(layer)].combinator.coefficients
        for layer in range(TOP + 1)
    }
    assert len(named) == len(list(network.parameters()))
    rng = np.random.RandomState(0)
    with torch.no_grad():
        for parameter in named.values():
            parameter.copy_(torch.from_numpy(0.5 * rng.normal(size=parameter.shape)))
    inputs = (
        rng.normal(size=(N_LABELED, *SHAPES[0])),
        rng.randint(N_CLASSES, size=N_LABELED),
        rng.normal(size=(N_UNLABELED, *SHAPES[0])),
        [0.3 * rng.normal(size=(N_LABELED + N_UNLABELED, *shape)) for shape in SHAPES],
    )
    return network, named, inputs


def network_costs(network, x_labeled, y, x_unlabeled, noise):
    def flat(array):
        return torch.from_numpy(array).flatten(1)

    activations = network.training_pass(
        flat(x_labeled),
        flat(x_unlabeled),
        [
            shape.table(flat(part))
            for shape, part in zip(network.shapes, noise, strict=True)
        ],
    )
    return ladder_costs(activations, torch.from_numpy(y), None, WEIGHTS)


def as_numpy(named):
    return {name: value.detach().numpy().copy() for name, value in named.items()}


def test_costs(example):
    network, named, inputs = example
    costs = network_costs(network, *inputs)
    expected = all_costs(as_numpy(named), *inputs)
    assert costs.keys() == expected.keys()
    for name, cost in costs.items():
        assert cost.item() == pytest.approx(expected[name], rel=1e-10), name


def test_derivatives_by_central_differences(example):
    network, named, inputs = example
    network.zero_grad()
    network_costs(network, *inputs)["total"].backward()
    for name, parameter in named.items():
        index = parameter.numel() // 2
        totals = []
        for step in (1e-6, -1e-6):
            moved = as_numpy(named)
            moved[name].reshape(-1)[index] += step
            totals.append(all_costs(moved, *inputs)["total"])
        expected = (totals[0] - totals[1]) / 2e-6
        actual = parameter.grad.flatten()[index].item()
        assert actual == pytest.approx(expected, rel=1e-5, abs=1e-6), name
