"""Combinators g(z̃, u): what a unit makes of the lateral and the vertical signal."""

import torch
from torch import nn


class GaussianCombinator(nn.Module):
    """The published combinator, optimal for Gaussian z, unit by unit.

    ẑ = (z̃ − μ(u)) v(u) + μ(u), where both the prior mean μ and the gate v are
    a1 sigmoid(a2 u + a3) + a4 u + a5, with five coefficients each (a6 … a10 for v).

    Parameters
    ----------
    width : int
        Number of units.

    Attributes
    ----------
    coefficients : Parameter of shape (10, width)
        a1 … a10. Start: a2 = a7 = 1, the others 0.
    """

    def __init__(self, width):
        super().__init__()
        coefficients = torch.zeros(10, width)
        coefficients[1] = coefficients[6] = 1.0
        self.coefficients = nn.Parameter(coefficients)

    def forward(self, z_corrupted, u):
        a1, a2, a3, a4, a5, a6, a7, a8, a9, a10 = self.coefficients  # (width,) each
        prior_mean = a1 * torch.sigmoid(a2 * u + a3) + a4 * u + a5  # μ(u)
        gate = a6 * torch.sigmoid(a7 * u + a8) + a9 * u + a10  # v(u)
        # (z̃ − μ) v + μ is a step of size v from μ towards z̃
        return torch.lerp(prior_mean, z_corrupted, gate)  # (n_rows, width)
