"""Virtual adversarial perturbations."""

import pytest
import torch

from sklearn_ladder.architectures import Conv, Dense, MaxPool
from sklearn_ladder.network import Ladder
from sklearn_ladder.objective._adversary import (
    Adversary,
    _noisy_logits,
    kl_divergence,
    of_length,
    virtual_adversarial_perturbation,
)
from sklearn_ladder.objective._costs import virtual_adversarial_cost
from tests.draws import normal

NORM_ORDER = {"l1": 1, "l2": 2, "linf": torch.inf}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def linear():
    """A linear network with its weights, and rows."""
    weight, z = normal(4, 6, seed=1), normal(5, 6, seed=2)
    return lambda z: z @ weight.T, weight, z


def dense_ladder():
    return Ladder([5, 7, 6, 3], range(4), [0.3] * 4).double()


def convolutional_ladder():
    layers = [(2, 6, 6), Conv(4, 3, "same"), MaxPool(2), Dense(3)]
    return Ladder(layers, [3], [0.3] * 4).double()


def test_kl_divergence():
    p, q = (
        torch.tensor([[0.5, 0.5], [0.2, 0.8]]),
        torch.tensor([[0.9, 0.1], [0.2, 0.8]]),
    )
    expected = (0.5 * torch.log(torch.tensor([0.5 / 0.9, 0.5 / 0.1]))).sum() / 2
    assert kl_divergence(p.log(), q.log()).item() == pytest.approx(expected.item())


@pytest.mark.parametrize("norm", NORM_ORDER)
def test_perturbation_has_the_stated_norm(linear, norm):
    network, _, z = linear
    r = virtual_adversarial_perturbation(
        network, z, network(z), 0.7, norm, 2, generator()
    )
    assert r.shape == z.shape
    lengths = r.norm(p=NORM_ORDER[norm], dim=1)
    torch.testing.assert_close(lengths, torch.full((5,), 0.7, dtype=torch.float64))


def test_length_of_rows_whose_squares_are_too_small():
    d = of_length(torch.tensor([[3e-30, 4e-30]]), 10.0, "l2")
    torch.testing.assert_close(d, torch.tensor([[6.0, 8.0]]))


def test_perturbation_is_the_dominant_eigenvector_of_the_hessian(linear):
    network, weight, z = linear
    r = virtual_adversarial_perturbation(
        network, z, network(z), 1.0, "l2", 50, generator()
    )
    for direction, p in zip(r, network(z).softmax(dim=1), strict=True):
        # of KL(p ‖ softmax(weight (z + r))) by r, at r = 0
        hessian = weight.T @ (torch.diag(p) - torch.outer(p, p)) @ weight
        dominant = torch.linalg.eigh(hessian).eigenvectors[:, -1]
        sign = torch.sign(dominant @ direction)
        assert (sign * direction - dominant).abs().max() < 1e-3


def test_perturbation_is_found_in_single_precision(linear):
    network, weight, z = linear
    single = virtual_adversarial_perturbation(
        lambda z: z @ weight.T.float(),
        *(z.float(), network(z).float(), 1.0, "l2", 50, generator()),
    )
    double = virtual_adversarial_perturbation(
        network, z, network(z), 1.0, "l2", 50, generator()
    )
    along = (single.double() * double).sum(dim=1).abs()
    torch.testing.assert_close(along, torch.ones_like(along), atol=1e-3, rtol=0)


def test_rows_without_gradient_keep_their_random_direction(linear):
    network, _, z = linear
    certain = torch.tensor([[1e4, 0.0, 0.0, 0.0]], dtype=torch.float64).expand(5, 4)
    r = virtual_adversarial_perturbation(
        lambda z: certain + 0 * network(z), z, certain, 2.0, "l2", 3, generator()
    )
    first = torch.empty_like(z).normal_(generator=generator())
    torch.testing.assert_close(r, of_length(first, 2.0, "l2"))


def test_finding_it_leaves_nothing_behind():
    ladder, x = dense_ladder(), normal(8, 5)
    global_state = torch.get_rng_state()
    adversary = Adversary((0.5, 0.5, 0.5, 0.0), as_noise=False)
    clean = ladder.encoder.clean(x)
    for number in range(3):
        r = adversary._perturbation(
            ladder.encoder, number, clean.z[number], clean.logits, generator()
        )
        assert not r.requires_grad
    assert all(parameter.grad is None for parameter in ladder.parameters())
    assert torch.equal(torch.get_rng_state(), global_state)


def test_logits_above_a_layer_are_those_of_the_corrupted_encoder():
    ladder, x = dense_ladder(), normal(8, 5)
    noise = [n.double() for n in ladder.draw_noise(8, generator())]
    corrupted, _ = ladder.encoder.corrupted_and_clean(x, 0, noise, top=-1)
    for number in range(4):
        before_noise = corrupted.z[number] - noise[number]
        logits = ladder.encoder.logits_above(number, before_noise, noise[number:])
        torch.testing.assert_close(logits, corrupted.logits)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_perturbation_changes_the_output_more_than_others_do(number):
    """Of a network with noise: the mean over what is drawn."""
    ladder, x, length = dense_ladder(), normal(200, 5), 0.5
    encoder, clean = ladder.encoder, ladder.encoder.clean(x)
    adversary = Adversary((length,) * 4, as_noise=False, n_power_iterations=3)
    z, random_state = clean.z[number], generator(1)

    def divergence(r):
        perturbed = _noisy_logits(encoder, number, random_state, z + r)
        return kl_divergence(clean.logits, perturbed)

    arguments = encoder, number, z, clean.logits, random_state
    found = sum(divergence(adversary._perturbation(*arguments)) for _ in range(20))
    directions = [normal(*z.shape, seed=seed) for seed in range(20)]
    others = sum(divergence(of_length(d, length, "l2")) for d in directions)
    assert found > 1.2 * others


@pytest.mark.parametrize("make_ladder", [dense_ladder, convolutional_ladder])
def test_noise_of_unlabeled_samples_is_perturbed(make_ladder):
    size = (0.5, 0.25, 0.0, 0.0)
    ladder, adversary = make_ladder(), Adversary(size, as_noise=True)
    x = normal(10, ladder.shapes[0].n_units)
    noise = [n.double() for n in ladder.draw_noise(10, generator())]
    with_r = adversary.add_noise(ladder.encoder, x[4:], noise, generator(1))
    for of_layer, before, length, shape in zip(
        with_r, noise, size, ladder.shapes, strict=True
    ):
        r = (of_layer - before).reshape(10, -1)
        assert (r[:4] == 0).all()
        lengths = r[4:].norm(dim=1)
        torch.testing.assert_close(lengths, torch.full_like(lengths, length))
        assert before.shape == (10 * shape.n_positions, shape.channels)


def test_noise_perturbs_what_the_corrupted_encoder_has():
    """The second layer's perturbation is found with the first one's in place."""
    ladder = dense_ladder()
    x, seen = normal(8, 5), []

    class Watched(Adversary):
        def _perturbation(self, encoder, number, z, logits, generator):
            seen.append(z)
            return super()._perturbation(encoder, number, z, logits, generator)

    noise = [n.double() for n in ladder.draw_noise(8, generator())]
    adversary = Watched((5.0, 1e-6, 0.0, 0.0), as_noise=True)
    with_r = adversary.add_noise(ladder.encoder, x, noise, generator(1))
    corrupted, _ = ladder.encoder.corrupted_and_clean(x, 0, with_r, top=-1)
    torch.testing.assert_close(seen[1], corrupted.z[1] - with_r[1])


@pytest.mark.parametrize("make_ladder", [dense_ladder, convolutional_ladder])
def test_training_pass_with_costs(make_ladder):
    adversary = Adversary((0.5, 0.25, 0.0, 0.0), as_noise=False)
    ladder = make_ladder()
    x = normal(10, ladder.shapes[0].n_units)
    noise = [n.double() for n in ladder.draw_noise(10, generator())]
    activations = ladder.training_pass(
        x[:4], x[4:], noise, adversary=adversary, generator=generator(1)
    )
    assert list(activations.perturbed_logits) == [0, 1]
    logits = activations.corrupted.logits[4:]
    for perturbed in activations.perturbed_logits.values():
        assert perturbed.shape == logits.shape
        assert virtual_adversarial_cost(logits, perturbed) > 0
    plain = make_ladder().training_pass(x[:4], x[4:], noise)
    assert torch.equal(plain.corrupted.logits, activations.corrupted.logits)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_gradient_of_the_cost_against_finite_differences(number):
    ladder, x = dense_ladder(), normal(8, 5)
    encoder = ladder.encoder
    noise = [n.double() for n in ladder.draw_noise(8, generator())]
    adversary = Adversary((0.5, 0.5, 0.5, 0.0), as_noise=False)
    clean = encoder.clean(x)
    logits, z = clean.logits.detach(), clean.z[number].detach().requires_grad_()
    r = adversary._perturbation(encoder, number, z, logits, generator())

    def cost(z, *parameters):  # which are the encoder's own, varied in place
        perturbed = encoder.logits_above(number, z + r, noise[number:])
        return virtual_adversarial_cost(logits, perturbed)

    above = [p for layer in encoder.layers[number:] for p in layer.parameters()]
    assert torch.autograd.gradcheck(cost, (z, *above))
