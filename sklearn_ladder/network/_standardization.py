"""Features on one scale, as buffers of the network, so that a saved model has them."""

import torch
from torch import nn


class NormalScores(nn.Module):
    """Each feature by a monotone function of its own, given at knots.

    Knots are quantiles, and what they become are the scores that a normal distribution
    has there: see `fit_normal_scores`. Linear between knots, constant beyond them.

    NOTE[DIFF]: the paper feeds pixels in [0, 1] as they are. Features of tables have
    scales of their own, and tails: by mean and standard deviation, an outlier drowns
    the others in the denoising cost, and squeezes them to one value.

    Parameters
    ----------
    values : array-like of shape (n_features, n_knots)
        Not falling.
    scores : array-like of shape (n_features, n_knots)
        Rising where values are.
    """

    def __init__(self, values, scores):
        super().__init__()
        for name, knots in {"values": values, "scores": scores}.items():
            self.register_buffer(name, torch.as_tensor(knots, dtype=torch.float32))

    def forward(self, x):
        """Scores of rows, shape (n_rows, n_features); NaN stays NaN."""
        return _interpolate(x, self.values, self.scores)

    def inverse(self, x):
        """Back to the units of the input, within the range of the knots."""
        return _interpolate(x, self.scores, self.values)


def _interpolate(x, knots, heights):
    """Column by column: linear between knots, constant beyond.

    Parameters
    ----------
    x : Tensor of shape (n_rows, n_columns)
    knots, heights : Tensor of shape (n_columns, n_knots)

    Returns
    -------
    Tensor of shape (n_rows, n_columns)
    """
    x = x.T.contiguous()
    right = torch.searchsorted(knots, x.detach()).clamp_(1, knots.shape[1] - 1)
    left = right - 1
    start = knots.gather(1, left)
    # a column of fewer knots repeats its last one
    length = (knots.gather(1, right) - start).clamp_min(torch.finfo(x.dtype).tiny)
    share = ((x - start) / length).clamp(0, 1)
    heights = torch.lerp(heights.gather(1, left), heights.gather(1, right), share)
    return heights.T.contiguous()
