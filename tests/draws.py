"""Random numbers for tests."""

import torch


def normal(*shape, seed=0):
    """Draws from the standard normal distribution, float64."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)
