"""The network against what its parts promise; its values are in test_golden.py."""

import pytest
import torch

from sklearn_ladder.architectures import Conv, Dense, MaxPool, MeanPool
from sklearn_ladder.network import Ladder
from sklearn_ladder.network._combinators import (
    GaussianCombinator,
    MLPCombinator,
)
from sklearn_ladder.network._layers import IDENTITY
from sklearn_ladder.network._normalization import (
    BatchParts,
    NormalizeAndActivate,
    batch_norm,
    batch_statistics,
    pool_statistics,
)
from tests import plain
from tests.draws import normal


def test_batch_norm_and_statistics_agree():
    z_pre = 5 + 3 * normal(40, 4)
    statistics = batch_statistics(z_pre)
    torch.testing.assert_close(statistics.mean, z_pre.mean(dim=0))
    torch.testing.assert_close(statistics.std, z_pre.std(dim=0, correction=0))
    torch.testing.assert_close(statistics.normalize(z_pre), batch_norm(z_pre))


def test_parts_have_their_own_statistics():
    z_pre = normal(12, 4)
    z_pre[:3] += 100
    parts = BatchParts(3, 5, 4)
    h, z_corrupted, z_clean, mean, std = NormalizeAndActivate.apply(
        z_pre,
        torch.zeros(8, 4).double(),
        torch.zeros(4).double(),
        None,
        IDENTITY,
        parts,
    )
    torch.testing.assert_close(torch.cat([z_corrupted, z_clean]), h[3:])
    for part in h.split(parts):
        torch.testing.assert_close(part.mean(dim=0), torch.zeros(4).double())
    torch.testing.assert_close(mean, z_pre[8:].mean(dim=0))
    torch.testing.assert_close(std, z_pre[8:].std(dim=0, correction=0))


def test_pooled_statistics_of_chunks_equal_those_of_all_samples():
    z_pre = normal(40, 4)
    z_pre[:10] += 7
    first, second = (batch_statistics(part) for part in z_pre.split([10, 30]))
    pooled = pool_statistics(first, second, share=1 / 4)
    whole = batch_statistics(z_pre)
    torch.testing.assert_close(pooled.mean, whole.mean)
    torch.testing.assert_close(pooled.std, whole.std)


def test_gaussian_combinator_starts_as_published():
    # μ(u) = 0 and v(u) = 0 with all but a2 = a7 = 1 at 0
    combinator = GaussianCombinator(3).double()
    assert combinator(normal(5, 3), normal(5, 3)).eq(0).all()


def test_gaussian_combinator_by_hand():
    combinator = GaussianCombinator(1)
    with torch.no_grad():
        combinator.coefficients[:, 0] = torch.arange(1.0, 11.0) / 10
    sigmoid = torch.sigmoid
    z, u = torch.tensor([[2.0]]), torch.tensor([[-1.0]])
    mean = 0.1 * sigmoid(0.2 * u + 0.3) + 0.4 * u + 0.5
    gate = 0.6 * sigmoid(0.7 * u + 0.8) + 0.9 * u + 1.0
    torch.testing.assert_close(combinator(z, u), (z - mean) * gate + mean)


def random_mlp(width, hidden_sizes):
    """An AMLP in float64, far from its start."""
    combinator = MLPCombinator(width, torch.Generator(), hidden_sizes).double()
    for seed, parameter in enumerate(combinator.parameters()):
        parameter.data.copy_(normal(*parameter.shape, seed=seed))
    return combinator


HIDDEN_SIZES = [(4,), (2, 2), (2, 2, 2), ()]


@pytest.mark.parametrize("hidden_sizes", HIDDEN_SIZES, ids=str)
def test_mlp_combinator_unit_by_unit(hidden_sizes):
    combinator = random_mlp(3, hidden_sizes)
    z, u = normal(7, 3, seed=8), normal(7, 3, seed=9)
    torch.testing.assert_close(
        combinator(z, u),
        plain.amlp(z, u, combinator.weights, combinator.biases),
        rtol=1e-12,
        atol=1e-12,
    )


def test_mlp_combinator_by_hand():
    combinator = random_mlp(1, (1,))
    for parameter, values in zip(
        combinator.parameters(),
        [[0.5, -2.0, 0.25], [3.0], [1.0], [-0.125]],
        strict=True,
    ):
        parameter.data.copy_(torch.tensor(values).view_as(parameter))
    # weights first: (u, z̃, u z̃) = (2, 4, 8): 1 − 8 + 2 + 1 = −4, bent to −0.4
    z_denoised = combinator(*torch.tensor([[[4.0]], [[2.0]]]).double())
    assert z_denoised.item() == pytest.approx(3 * -0.4 - 0.125)


@pytest.mark.parametrize("hidden_sizes", HIDDEN_SIZES, ids=str)
def test_derivatives_of_the_mlp_combinator(hidden_sizes):
    combinator = random_mlp(2, hidden_sizes)
    names, parameters = zip(*combinator.named_parameters(), strict=True)

    def combine(z, u, *parameters):
        named = dict(zip(names, parameters, strict=True))
        return torch.func.functional_call(combinator, named, (z, u))

    z, u = (normal(5, 2, seed=seed).requires_grad_() for seed in (8, 9))
    assert torch.autograd.gradcheck(combine, (z, u, *parameters))


@pytest.mark.parametrize("hidden_sizes", HIDDEN_SIZES, ids=str)
def test_mlp_combinator_starts_with_small_weights(hidden_sizes):
    generator = torch.Generator().manual_seed(0)
    combinator = MLPCombinator(500, generator, hidden_sizes)
    assert [len(bias) for bias in combinator.biases] == [*hidden_sizes, 1]
    for weight in combinator.weights:
        assert weight.std().item() == pytest.approx(0.025, rel=0.1)


@pytest.mark.parametrize("hidden_sizes", HIDDEN_SIZES, ids=str)
def test_mlp_combinator_may_start_at_the_identity(hidden_sizes):
    generator = torch.Generator().manual_seed(0)
    combinator = MLPCombinator(500, generator, hidden_sizes, starts_at_identity=True)
    z, u = normal(40, 500, seed=1).float(), normal(40, 500, seed=2).float()
    z_denoised = combinator(z, u)
    assert (z_denoised - z).square().mean() < 0.1
    other = MLPCombinator(500, torch.Generator().manual_seed(0), hidden_sizes)
    with torch.no_grad():  # without what is random, nothing changes
        for weight, random in zip(combinator.weights, other.weights, strict=True):
            weight -= random
    torch.testing.assert_close(combinator(z, u), z)


def test_combinators_by_layer():
    combinators = ["mlp", "gaussian", "mlp", "gaussian"]
    network = Ladder([5, 4, 3, 2], [1], [0.3] * 4, combinators=combinators)
    types = {
        number: type(layer.combinator)
        for number, layer in network.decoder.layers.items()
    }
    assert types == {
        "3": GaussianCombinator,
        "2": MLPCombinator,
        "1": GaussianCombinator,
    }


@pytest.mark.parametrize(
    "denoised, decoder_layers, clean_layers",
    [
        ([0, 1, 2, 3], ["3", "2", "1", "0"], 3),
        ([3], ["3"], 3),
        ([0], ["3", "2", "1", "0"], 0),
        ([], None, 0),
    ],
)
def test_nothing_is_computed_for_layers_without_a_cost(
    denoised, decoder_layers, clean_layers
):
    network = Ladder([5, 4, 3, 2], denoised, [0.3] * 4)
    noise = network.draw_noise(13, torch.Generator().manual_seed(0))
    x = normal(13, 5).float()
    activations = network.training_pass(x[:6], x[6:], noise)
    assert len(activations.clean.statistics) == clean_layers
    if decoder_layers is None:
        assert network.decoder is None
        assert activations.decoded is None
    else:
        assert list(network.decoder.layers) == decoder_layers


def test_noise_has_its_standard_deviation():
    network = Ladder([50, 40, 2], [], [0.1, 0.5, 0.0])
    noise = network.draw_noise(2000, torch.Generator().manual_seed(0))
    assert [values.std().item() for values in noise] == pytest.approx(
        [0.1, 0.5, 0.0], rel=0.02
    )
    assert [values.shape[1] for values in noise] == [50, 40, 2]


def test_population_of_one_chunk_makes_prediction_equal_the_clean_pass():
    network = Ladder([5, 4, 3], [0, 1, 2], [0.3] * 3).double()
    x = normal(30, 5)
    network.measure_population([x])
    torch.testing.assert_close(
        network(x), network.encoder.clean(x).logits.softmax(dim=1)
    )


def test_same_seed_same_weights():
    first, second, other = (
        Ladder([5, 4, 3], [0], [0.3] * 3, seed=seed).state_dict() for seed in (1, 1, 2)
    )
    name = "encoder.layers.0.projection.weight"
    torch.testing.assert_close(first, second)
    assert not torch.equal(first[name], other[name])


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "tanh"])
@pytest.mark.parametrize(
    "layers",
    [
        [5, 7, 6, 3],
        [(2, 8, 8), Conv(4, 3, "same"), MaxPool(2), Conv(3, 2), MeanPool()],
        [(1, 14, 14), Conv(6, 12), MaxPool(3), Dense(3)],
    ],
    ids=["dense", "mean_pool", "large_kernel"],
)
def test_folding_statistics_into_the_maps_changes_nothing(layers, activation):
    ladder = Ladder(layers, [], [0.3] * len(layers), activation=activation).double()
    generator = torch.Generator().manual_seed(0)
    for layer in ladder.encoder.layers:
        for parameter in (layer.beta, layer.gamma):
            if parameter is not None:
                parameter.data.normal_(generator=generator)
        layer.population.mean.normal_(generator=generator)
        layer.population.std.uniform_(0.5, 2, generator=generator)
    x = torch.randn(6, ladder.shapes[0].n_units, generator=generator).double()
    expected = ladder.encoder.with_population_statistics(x)
    torch.testing.assert_close(ladder.encoder(x), expected.logits)
    below = len(ladder.encoder.layers) - 1
    torch.testing.assert_close(
        ladder.hidden(x),
        ladder.shapes[below].samples(ladder.encoder.activate(below, expected.z[below])),
    )
