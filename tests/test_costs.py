"""Costs worked out by hand."""

import math

import pytest
import torch

from sklearn_ladder.network import Ladder
from sklearn_ladder.network._normalization import Statistics
from sklearn_ladder.objective._adversary import Adversary
from sklearn_ladder.objective._costs import (
    denoising_error,
    denoising_error_at_input,
    ladder_costs,
    supervised_cost,
    virtual_adversarial_cost,
)


def test_supervised_cost():
    logits = torch.tensor([[0.0, 0.0], [0.0, math.log(3.0)]])
    y = torch.tensor([0, 1])  # probabilities 1/2 and 3/4
    expected = -(math.log(1 / 2) + math.log(3 / 4)) / 2
    assert supervised_cost(logits, y).item() == pytest.approx(expected)


def test_smoothed_labels():
    logits = torch.tensor([[2.0, 0.0, 1.0], [0.0, 3.0, 0.0]])
    target = torch.tensor([[0.1, 0.1, 0.8], [0.1, 0.8, 0.1]])  # 0.3 to all alike
    expected = -(target * logits.log_softmax(dim=1)).sum(dim=1)
    y = torch.tensor([2, 1])
    cost = supervised_cost(logits, y, smoothing=0.3)
    torch.testing.assert_close(cost, expected.mean())
    weight = torch.tensor([0.5, 1.5])
    cost = supervised_cost(logits, y, weight, smoothing=0.3)
    torch.testing.assert_close(cost, (weight * expected).mean())


def test_weighted_supervised_cost():
    logits = torch.tensor([[0.0, 0.0], [0.0, math.log(3.0)]])
    weight = torch.tensor([2.0, 0.0])
    cost = supervised_cost(logits, torch.tensor([0, 1]), weight)
    assert cost.item() == pytest.approx(math.log(2))


def test_denoising_cost_at_the_input():
    z_denoised, x = torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 4.0]])
    assert denoising_error_at_input(z_denoised, x).item() == pytest.approx((1 + 4) / 2)
    observed = torch.tensor([[False, True]])
    assert denoising_error_at_input(z_denoised, x, observed).item() == pytest.approx(4)


def test_no_labeled_rows_cost_nothing():
    logits = torch.zeros(0, 3, requires_grad=True)
    cost = supervised_cost(logits, torch.zeros(0, dtype=torch.long))
    cost.backward()
    assert cost.item() == 0


def test_denoising_cost_normalizes_by_the_standard_deviation():
    statistics = Statistics(mean=torch.tensor([1.0]), std=torch.tensor([2.0]))
    # (5 - 1) / 2 = 2 and (1 - 1) / 2 = 0
    cost = denoising_error(
        torch.tensor([[5.0], [1.0]]), torch.tensor([[1.0], [1.0]]), statistics
    )
    assert cost.item() == pytest.approx(1.0)


def test_denoising_cost_of_units_without_variance():
    """As of a batch of equal rows: 1 away from 0.05 is 20², not 10¹⁰."""
    statistics = Statistics(mean=torch.tensor([1.0]), std=torch.tensor([1e-5]))
    z_denoised, z_clean = torch.tensor([[2.0], [1.0]]), torch.zeros(2, 1)
    cost = denoising_error(z_denoised, z_clean, statistics)
    assert cost.item() == pytest.approx(20**2 / 2)


def test_gradient_goes_through_target_and_statistics():
    leaves = [torch.tensor([[2.0]]), torch.tensor([1.0]), torch.tensor([2.0])]
    z_clean, mean, std = (leaf.requires_grad_() for leaf in leaves)
    denoising_error(torch.tensor([[5.0]]), z_clean, Statistics(mean, std)).backward()
    # (ẑ_BN − z)² at ẑ_BN = 2, z = 2 is flat: move z away
    assert z_clean.grad.item() == 0.0
    for leaf in leaves:
        leaf.grad = None
    with torch.no_grad():
        z_clean.fill_(1.0)
    denoising_error(torch.tensor([[5.0]]), z_clean, Statistics(mean, std)).backward()
    assert z_clean.grad.item() == pytest.approx(-2.0)
    assert mean.grad.item() == pytest.approx(2 * -1 / 2)
    assert std.grad.item() == pytest.approx(2 * -2 / 2)


def test_virtual_adversarial_cost_moves_the_perturbed_output_alone():
    logits = torch.tensor([[0.0, math.log(3.0)]], requires_grad=True)  # 1/4, 3/4
    perturbed = torch.zeros(1, 2, requires_grad=True)  # 1/2, 1/2
    cost = virtual_adversarial_cost(logits, perturbed)
    assert cost.item() == pytest.approx(math.log(1 / 2) / 4 + math.log(3 / 2) * 3 / 4)
    cost.backward()
    assert logits.grad is None
    torch.testing.assert_close(perturbed.grad, torch.tensor([[1 / 4, -1 / 4]]))


def test_all_costs_add_up():
    adversary = Adversary((0.5, 0.5, 0.0), as_noise=False)
    ladder = Ladder([4, 5, 3], [0, 2], [0.3] * 3)
    x, generator = torch.randn(9, 4), torch.Generator().manual_seed(0)
    noise = ladder.draw_noise(9, generator)
    activations = ladder.training_pass(
        x[:4], x[4:], noise, adversary=adversary, generator=generator
    )
    y = torch.tensor([0, 1, 2, 0])
    costs = ladder_costs(activations, y, None, [2.0, 0.0, 3.0], adversarial_weight=0.5)
    assert list(costs) == [
        *("total", "supervised", "denoising_0", "denoising_2"),
        *("virtual_adversarial_0", "virtual_adversarial_1"),
    ]
    expected = (
        costs["supervised"]
        + 2 * costs["denoising_0"]
        + 3 * costs["denoising_2"]
        + costs["virtual_adversarial_0"] / 2
        + costs["virtual_adversarial_1"] / 2
    )
    torch.testing.assert_close(costs["total"], expected)
