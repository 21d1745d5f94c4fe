"""Costs worked out by hand."""

import math

import pytest
import torch

from sklearn_ladder._costs import (
    denoising_cost,
    denoising_cost_at_input,
    supervised_cost,
)
from sklearn_ladder.network._normalization import Statistics


def test_supervised_cost():
    logits = torch.tensor([[0.0, 0.0], [0.0, math.log(3.0)]])
    y = torch.tensor([0, 1])  # probabilities 1/2 and 3/4
    expected = -(math.log(1 / 2) + math.log(3 / 4)) / 2
    assert supervised_cost(logits, y).item() == pytest.approx(expected)


def test_weighted_supervised_cost():
    logits = torch.tensor([[0.0, 0.0], [0.0, math.log(3.0)]])
    weight = torch.tensor([2.0, 0.0])
    cost = supervised_cost(logits, torch.tensor([0, 1]), weight)
    assert cost.item() == pytest.approx(math.log(2))


def test_denoising_cost_at_the_input():
    z_denoised, x = torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 4.0]])
    assert denoising_cost_at_input(z_denoised, x).item() == pytest.approx((1 + 4) / 2)
    observed = torch.tensor([[False, True]])
    assert denoising_cost_at_input(z_denoised, x, observed).item() == pytest.approx(4)


def test_no_labeled_rows_cost_nothing():
    logits = torch.zeros(0, 3, requires_grad=True)
    cost = supervised_cost(logits, torch.zeros(0, dtype=torch.long))
    cost.backward()
    assert cost.item() == 0


def test_denoising_cost_normalizes_by_the_standard_deviation():
    statistics = Statistics(mean=torch.tensor([1.0]), std=torch.tensor([2.0]))
    # (5 - 1) / 2 = 2 and (1 - 1) / 2 = 0
    cost = denoising_cost(
        torch.tensor([[5.0], [1.0]]), torch.tensor([[1.0], [1.0]]), statistics
    )
    assert cost.item() == pytest.approx(1.0)


def test_gradient_goes_through_target_and_statistics():
    leaves = [torch.tensor([[2.0]]), torch.tensor([1.0]), torch.tensor([2.0])]
    z_clean, mean, std = (leaf.requires_grad_() for leaf in leaves)
    denoising_cost(torch.tensor([[5.0]]), z_clean, Statistics(mean, std)).backward()
    # (ẑ_BN − z)² at ẑ_BN = 2, z = 2 is flat: move z away
    assert z_clean.grad.item() == 0.0
    for leaf in leaves:
        leaf.grad = None
    with torch.no_grad():
        z_clean.fill_(1.0)
    denoising_cost(torch.tensor([[5.0]]), z_clean, Statistics(mean, std)).backward()
    assert z_clean.grad.item() == pytest.approx(-2.0)
    assert mean.grad.item() == pytest.approx(2 * -1 / 2)
    assert std.grad.item() == pytest.approx(2 * -2 / 2)
