"""The blocks of a training step in plain operations, for autograd to derive."""

import numpy as np
import torch

from sklearn_ladder.network._normalization import batch_norm, batch_statistics
from sklearn_ladder.objective._costs import LEAST_STD


def normalize_and_activate(z_pre, noise, beta, gamma, activation, parts):
    labeled, unlabeled, clean = z_pre.split(parts)
    noise_labeled, noise_unlabeled = noise.split(parts[:2])
    z_labeled = batch_norm(labeled) + noise_labeled if len(labeled) else labeled
    z_corrupted = batch_norm(unlabeled) + noise_unlabeled
    statistics = batch_statistics(clean)
    z_clean = statistics.normalize(clean)
    z = torch.cat([z_labeled, z_corrupted, z_clean])
    h = activation.function((1 if gamma is None else gamma) * (z + beta))
    return h, z_corrupted, z_clean, *statistics


def product_by_member(h, weight, n_members):
    parts = zip(h.chunk(n_members, dim=1), weight.chunk(n_members), strict=True)
    return torch.cat([of_network @ own.T for of_network, own in parts], dim=1)


def gaussian(z_corrupted, u, coefficients):
    a1, a2, a3, a4, a5, a6, a7, a8, a9, a10 = coefficients
    prior_mean = a1 * torch.sigmoid(a2 * u + a3) + a4 * u + a5
    gate = a6 * torch.sigmoid(a7 * u + a8) + a9 * u + a10
    return (z_corrupted - prior_mean) * gate + prior_mean


def unitwise_linear(x, weight, bias):
    return torch.einsum("kjw,jnw->knw", weight, x) + bias[:, None]


def amlp(z_corrupted, u, weights, biases):
    """Samples and units one by one."""
    z_denoised = torch.empty_like(z_corrupted)
    for row, unit in np.ndindex(*z_corrupted.shape):
        z, u_of_unit = z_corrupted[row, unit], u[row, unit]
        h = torch.stack([u_of_unit, z, u_of_unit * z])
        for weight, bias in zip(weights, biases, strict=True):
            a = weight[:, :, unit] @ h + bias[:, unit]
            h = torch.where(a > 0, a, 0.1 * a)
        z_denoised[row, unit] = a  # no activation at the output
    return z_denoised


def normalized_squared_error(z_denoised, z_clean, mean, std):
    error = (z_denoised - mean) / std - z_clean
    return torch.where(std < LEAST_STD, error * std / LEAST_STD, error).square().mean()
