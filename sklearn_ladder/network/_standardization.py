"""Features on one scale, as buffers of the network, so that a saved model has them."""

import torch
from torch import nn


class PiecewiseLinear(nn.Module):
    """Each feature by a rising function of its own, given at knots.

    Linear between knots, constant beyond them: see `fit_standardization`.

    NOTE[DIFF]: the paper feeds pixels in [0, 1] as they are. Features of tables have
    scales of their own, and tails: by mean and standard deviation, an outlier drowns
    the others in the denoising cost, and squeezes them to one value.

    Parameters
    ----------
    values : array-like of shape (n_features, n_knots)
        Not falling.
    heights : array-like of shape (n_features, n_knots)
        What values become; rising where they are.
    """

    def __init__(self, values, heights):
        super().__init__()
        for name, knots in {"values": values, "heights": heights}.items():
            self.register_buffer(name, torch.tensor(knots, dtype=torch.float32))

    def forward(self, x):
        """Rows of shape (n_rows, n_features) on one scale; NaN stays NaN."""
        return _interpolate(x, self.values, self.heights)

    def inverse(self, x):
        """Back to the units of the input, within the range of the knots."""
        return _interpolate(x, self.heights, self.values)


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
