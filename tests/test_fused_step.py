"""A step as a list of compiled calls against autograd and torch's Adam."""

import copy

import pytest
import torch

from sklearn_ladder.data._batches import LadderBatch
from sklearn_ladder.fused._step import FusedStep
from sklearn_ladder.network import Ladder, _kernels
from sklearn_ladder.network._convolution import Conv
from sklearn_ladder.objective._adversary import Adversary
from sklearn_ladder.objective._costs import ladder_costs
from sklearn_ladder.training._net import LadderCosts
from sklearn_ladder.training._step import why_not

pytestmark = pytest.mark.skipif(
    not _kernels.has_fast_products(), reason="installed without compiled functions"
)

N_FEATURES, N_CLASSES = 7, 3


def make(
    hidden=(20, 9),
    denoised=range(4),
    weights=(1.0, 0.5, 0.1, 0.2),
    smoothing=0.0,
    **kwargs,
):
    """A network, its costs and optimizer."""
    layers = [N_FEATURES, *hidden, N_CLASSES]
    module = Ladder(layers, denoised, [0.3] * len(layers), **kwargs)
    with torch.no_grad():  # all parameters matter
        generator = torch.Generator().manual_seed(1)
        for parameter in module.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
    costs = LadderCosts(weights, smoothing, adversarial_weight=0.7)
    return module, costs, torch.optim.Adam(module.parameters(), lr=0.01, fused=True)


def batch_of(n_labeled=12, n_unlabeled=17, weight=None, seed=0, missing=0.0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n_labeled + n_unlabeled, N_FEATURES, generator=generator)
    if missing:
        x[torch.rand(x.shape, generator=generator) < missing] = torch.nan
    y = torch.arange(n_labeled) % N_CLASSES
    return LadderBatch(x[:n_labeled], y, weight, x[n_labeled:])


def step_of(module, costs, optimizer, batch, have_missing=False, adversary=None):
    generator = torch.Generator().manual_seed(0)
    return FusedStep(
        module, costs, optimizer, generator, batch, have_missing, adversary
    )


def by_autograd(module, costs, batch, have_missing=False, adversary=None):
    """Costs, logits and gradients, as a step without compiled lists has them."""
    n_samples = len(batch.x_labeled) + len(batch.x_unlabeled)
    generator = torch.Generator().manual_seed(0)
    noise = module.draw_noise(n_samples, generator)
    passed = module.training_pass(
        *(batch.x_labeled, batch.x_unlabeled, noise, have_missing),
        *(adversary, generator),
    )
    values = ladder_costs(
        passed,
        batch.y,
        batch.weight,
        costs.denoising_costs,
        smoothing=costs.smoothing,
        adversarial_weight=costs.adversarial_weight,
    )
    module.zero_grad()
    values["total"].backward(torch.tensor(float(module.n_members)))
    gradients = {
        parameter: torch.zeros_like(parameter) if p is None else p
        for parameter, p in ((q, q.grad) for q in module.parameters())
    }
    return values, passed.corrupted.logits, gradients


SETTINGS = {
    "one network": {},
    "three networks": {"n_members": 3},
    "two of three denoise": {"n_members": 3, "n_denoising": 2},
    "leaky": {"activation": "leaky_relu", "n_members": 2},
    "smoothing": {"smoothing": 0.2},
    "class layer has no cost": {"denoised": (0, 1, 2), "weights": (1.0, 1.0, 1.0, 0.0)},
    "hidden layer has no cost": {"denoised": (0, 3), "weights": (1.0, 0.0, 0.0, 0.3)},
    "gamma": {"denoised": (3,), "weights": (0.0, 0.0, 0.0, 1.0)},
    "not down to the input": {"denoised": (1, 2), "weights": (0.0, 1.0, 1.0, 0.0)},
    "supervised": {"denoised": (), "weights": (0.0,) * 4},
    "no hidden layer": {"hidden": (), "denoised": (0, 1), "weights": (1.0, 1.0)},
    "width 1": {"hidden": (1, 1), "n_members": 2},
}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("has_weight", [False, True])
def test_gradients_are_those_of_autograd(setting, has_weight):
    module, costs, optimizer = make(**SETTINGS[setting])
    weight = torch.linspace(0.1, 1.9, 12) if has_weight else None
    batch = batch_of(12, 0 if setting == "supervised" else 17, weight)
    assert why_not(module, costs, optimizer, batch) is None
    assert_same_gradients(module, costs, optimizer, batch)


def assert_same_gradients(module, costs, optimizer, batch, *settings, tolerance=2e-5):
    step = step_of(module, costs, optimizer, batch, *settings)
    for _ in range(2):  # nothing is left over from the step before
        step.generator.manual_seed(0)
        actual = step.forward_and_backward(batch)
    values, logits, gradients = by_autograd(module, costs, batch, *settings)
    torch.testing.assert_close(
        actual["y_pred"], logits, rtol=5 * tolerance, atol=tolerance / 10
    )
    assert actual["costs"].keys() == values.keys()
    for name, value in values.items():
        torch.testing.assert_close(
            actual["costs"][name], value.detach(), rtol=tolerance, atol=tolerance / 2
        )
    torch.testing.assert_close(
        actual["loss"], values["total"].detach(), rtol=tolerance, atol=tolerance / 2
    )
    for parameter, gradient in gradients.items():
        # where the length of weights does not matter, gradients are 0 but for rounding
        scale = max(gradient.abs().max().item(), 0.05)
        error = (step.gradients[parameter] - gradient).abs().max().item()
        assert error < tolerance * scale


@pytest.mark.parametrize(
    "setting", ["one network", "two of three denoise", "gamma", "supervised"]
)
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_missing_entries(setting, missing):
    """In this batch none, or some, and a whole column and row."""
    module, costs, optimizer = make(
        **SETTINGS[setting], input_range=[[-0.5] * N_FEATURES, [0.7] * N_FEATURES]
    )
    n_unlabeled = 0 if setting == "supervised" else 17
    batch = batch_of(12, n_unlabeled, missing=missing)
    if missing:
        batch.x_unlabeled[:, 2] = batch.x_labeled[3] = torch.nan
    assert_same_gradients(module, costs, optimizer, batch, True)


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_autoencoder(missing):
    """The decoder begins with the code, and no sample is labeled."""
    module, costs, optimizer = make(has_classes=False, weights=(1.0, 0.5, 0.1, 0.0))
    batch = batch_of(0, 17, missing=missing)
    assert why_not(module, costs, optimizer, batch) is None
    assert_same_gradients(module, costs, optimizer, batch, missing > 0)
    with_classes = make()[0]
    assert "no sample" in why_not(with_classes, costs, optimizer, batch)


@pytest.mark.parametrize("as_noise", [True, False])
@pytest.mark.parametrize(
    "setting, size, norm, n_iterations, missing",
    [
        ("one network", (0.5, 0, 0, 0), "l2", 1, 0.0),
        ("one network", (0.5, 0.3, 0.2, 0), "l1", 2, 0.2),
        ("two of three denoise", (0.5, 0.3, 0.2, 0), "linf", 2, 0.2),
        ("hidden layer has no cost", (0, 0, 0.4, 0.1), "l2", 2, 0.0),
        ("gamma", (0.5, 0.3, 0.2, 0), "l2", 3, 0.0),
        ("not down to the input", (0, 0.3, 0, 0), "l2", 1, 0.0),
        ("supervised", (0.5, 0.3, 0.2, 0.1), "l2", 1, 0.0),
        ("leaky", (0.5, 0.3, 0.2, 0), "l2", 1, 0.0),
    ],
)
def test_virtual_adversary(as_noise, setting, size, norm, n_iterations, missing):
    module, costs, optimizer = make(**SETTINGS[setting])
    batch = batch_of(missing=missing)
    adversary = Adversary(size, as_noise, norm, n_iterations)
    assert why_not(module, costs, optimizer, batch, adversary) is None
    settings = missing > 0, adversary
    # directions are quotients of small differences, which rounding errors change more
    assert_same_gradients(module, costs, optimizer, batch, *settings, tolerance=2e-4)


def test_sample_without_gradient_keeps_its_random_direction():
    """Where the network is certain, the adversary has nothing to follow."""
    module, costs, optimizer = make()
    with torch.no_grad():
        module.encoder.layers[-1].beta[0] = 1e4
    adversary = Adversary((0.5, 0, 0, 0), as_noise=False)
    assert_same_gradients(module, costs, optimizer, batch_of(), False, adversary)


def test_other_inputs_of_the_same_size():
    """Inputs, labels and weights are those of the batch at hand."""
    module, costs, optimizer = make()
    step = step_of(module, costs, optimizer, batch_of())
    batch = batch_of(seed=5)._replace(y=torch.arange(12) % 2)
    assert step.fits(batch)
    actual = step.forward_and_backward(batch)
    values, _, _ = by_autograd(module, costs, batch)
    torch.testing.assert_close(actual["loss"], values["total"].detach())


def test_adam_is_that_of_torch():
    """Step by step, with a learning rate that changes."""
    module, costs, optimizer = make(n_members=2)
    other = copy.deepcopy(module)
    reference = torch.optim.Adam(other.parameters(), lr=0.01, fused=True)
    step = step_of(module, costs, optimizer, batch_of())
    for n_before in range(4):
        batch = batch_of(seed=n_before)
        for either in optimizer, reference:
            either.param_groups[0]["lr"] = 0.01 / (1 + n_before)
        step(batch)
        for parameter, gradient in zip(
            other.parameters(), step.gradients.values(), strict=True
        ):
            parameter.grad = gradient.clone()
        reference.step()
        for one, two in zip(module.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(one, two, rtol=1e-5, atol=1e-6)
    states = optimizer.state_dict()["state"], reference.state_dict()["state"]
    for number, state in states[1].items():
        assert states[0][number]["step"] == state["step"] == 4
        for name in "exp_avg", "exp_avg_sq":
            torch.testing.assert_close(states[0][number][name], state[name])


def test_goes_on_with_the_state_of_an_optimizer():
    module, costs, optimizer = make()
    batch = batch_of()
    step = step_of(module, costs, optimizer, batch)
    other = copy.deepcopy(module)
    for _ in range(2):
        step(batch)
    first = step_of(other, costs, torch.optim.Adam(other.parameters(), lr=0.01), batch)
    first(batch)
    loaded = torch.optim.Adam(other.parameters(), lr=0.5)
    loaded.load_state_dict(first.optimizer.state_dict())
    second = step_of(other, costs, loaded, batch)
    second.generator = first.generator
    second(batch)
    assert loaded.state_dict()["state"][0]["step"] == 2
    for one, two in zip(module.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, two)


def test_same_seed_same_bits():
    results = []
    n_before = torch.get_num_threads()
    try:
        for n_threads in (1, 1, 2):
            torch.set_num_threads(n_threads)
            module, costs, optimizer = make((300, 200), n_members=3)
            batch = batch_of(100, 100)
            step = step_of(module, costs, optimizer, batch)
            losses = [step(batch)["loss"] for _ in range(3)]
            results.append([*losses, *module.parameters()])
    finally:
        torch.set_num_threads(n_before)
    for other in results[1:]:
        assert all(map(torch.equal, results[0], other))


def test_a_batch_of_another_size_or_moved_parameters_do_not_fit():
    module, costs, optimizer = make()
    step = step_of(module, costs, optimizer, batch_of())
    assert not step.fits(batch_of(11))
    assert not step.fits(batch_of(weight=torch.ones(12)))
    assert step.fits(batch_of())
    costs.denoising_costs = (0.5, 0.5, 0.1, 0.2)  # as a callback may change them
    assert not step.fits(batch_of())
    costs.denoising_costs = (1.0, 0.5, 0.1, 0.2)
    assert step.fits(batch_of())
    module.decoder.layers["0"].combinator.coefficients.data = torch.ones(10, N_FEATURES)
    assert not step.fits(batch_of())


def test_a_callback_may_change_the_noise():
    module, costs, optimizer = make()
    batch = batch_of()
    step = step_of(module, costs, optimizer, batch)
    module.noise_std = (0.0, 0.5, 0.1, 0.0)
    assert step.fits(batch)
    logits = step.forward_and_backward(batch)["y_pred"]
    _, expected, _ = by_autograd(module, costs, batch)
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=2e-6)


def test_why_not():
    def reason(changed=None, batch=None, adversary=None, **kwargs):
        module, costs, optimizer = make(**kwargs)
        optimizer = (changed or (lambda module: optimizer))(module)
        batch = batch_of() if batch is None else batch
        return why_not(module, costs, optimizer, batch, adversary)

    assert reason() is None
    assert "labeled" in reason(batch=batch_of(n_labeled=0))
    assert "unlabeled" in reason(batch=batch_of(n_unlabeled=0))
    assert "piecewise linear" in reason(activation="tanh")
    assert "Gaussian" in reason(combinators=["mlp"] * 4)
    assert "float32" in reason(lambda m: torch.optim.Adam(m.double().parameters()))
    assert "Adam" in reason(lambda m: torch.optim.SGD(m.parameters(), lr=1.0))
    assert "Adam" in reason(lambda m: torch.optim.Adam(m.parameters(), amsgrad=True))
    assert "input" in reason(denoised=(0,), weights=(1.0, 0.0, 0.0, 0.0))
    without = dict(batch=batch_of(n_unlabeled=0), denoised=(), weights=(0.0,) * 4)
    assert reason(**without) is None
    assert "adversary" in reason(adversary=Adversary((1.0,), False), **without)
    module = Ladder([(1, 4, 4), Conv(2, 3), N_CLASSES], (), [0.3] * 3)
    costs, optimizer = LadderCosts(()), torch.optim.Adam(module.parameters())
    assert "dense" in why_not(module, costs, optimizer, batch_of())
    with _kernels.disabled():
        assert "not available" in reason()
