"""Features on one scale, as buffers of the network, so that a saved model has them."""

import numpy as np
import torch
from torch import nn


class PiecewiseLinear(nn.Module):
    """Each feature by a rising function of its own, given at knots, in one bin or more.

    Linear between knots, constant beyond them: see `fit_knots`. A bin is a
    column, which changes within a part of the function's range: each where the one
    before ends.

    NOTE[DIFF]: the paper feeds pixels in [0, 1] as they are. Features of tables have
    scales of their own, and tails: by mean and standard deviation, an outlier drowns
    the others in the denoising cost, and squeezes them to one value. And they have
    thresholds, which are easier to learn from a column for each part of the range.

    Parameters
    ----------
    values : ndarray of shape (n_features, n_knots)
        Not falling. Their dtype, float32 or float64, is that in which samples are taken
        and given back.
    heights : array-like of shape (n_features, n_knots)
        What values become; rising where they are.
    feature : array-like of shape (n_columns,)
        Number of the feature that a column is of; not falling, and none left out.
    lowest, highest : array-like of shape (n_columns,)
        Heights at which the column's bin starts and ends.
    center, factor : array-like of shape (n_columns,)
        A column is `factor` times the difference of height and `center`.
    """

    def __init__(self, values, heights, feature, lowest, highest, center, factor):
        super().__init__()
        self.register_buffer("values", torch.tensor(np.asarray(values), device="cpu"))
        self.register_buffer("feature", torch.tensor(feature, device="cpu"))
        for name, array in [
            ("heights", heights),
            ("lowest", lowest),
            ("highest", highest),
            ("center", center),
            ("factor", factor),
        ]:
            of_float32 = torch.tensor(array, dtype=torch.float32, device="cpu")
            self.register_buffer(name, of_float32)

    def forward(self, x):
        """Samples on one scale; NaN stays NaN.

        Parameters
        ----------
        x : Tensor of shape (n_samples, n_features)

        Returns
        -------
        Tensor of shape (n_samples, n_columns), float32
        """
        x = x.to(self.values.dtype)
        heights = _interpolate(x.T.contiguous(), self.values, self.heights)
        within = heights.T[:, self.feature].clamp(self.lowest, self.highest)
        return (within - self.center) * self.factor

    def inverse(self, x):
        """Back to the units of the input, within the range of the knots.

        Parameters
        ----------
        x : Tensor of shape (n_samples, n_columns)

        Returns
        -------
        Tensor of shape (n_samples, n_features), in the dtype of the values
        """
        within = (x / self.factor + self.center).clamp(self.lowest, self.highest)
        # a feature's height is where its first bin starts, and the way in each of them
        start = self.heights[:, :1].expand(-1, len(x))
        heights = start.index_add(0, self.feature, (within - self.lowest).T)
        return _interpolate(heights, self.heights, self.values).T


def _interpolate(x, knots, heights):
    """Line by line: linear between knots, constant beyond.

    Parameters
    ----------
    x : Tensor of shape (n_features, n_samples)
    knots, heights : Tensor of shape (n_features, n_knots)

    Returns
    -------
    Tensor of shape (n_features, n_samples), in the dtype of the heights
    """
    right = torch.searchsorted(knots, x.detach()).clamp_(1, knots.shape[1] - 1)
    left = right - 1
    start = knots.gather(1, left)
    # a feature of fewer knots repeats its last one
    length = (knots.gather(1, right) - start).clamp_min(torch.finfo(x.dtype).tiny)
    share = ((x - start) / length).clamp(0, 1).to(heights.dtype)
    return torch.lerp(heights.gather(1, left), heights.gather(1, right), share)
