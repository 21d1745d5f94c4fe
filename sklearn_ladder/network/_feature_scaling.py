"""Feature scaling as a module of the network, so that a saved model has it."""

import numpy as np
import torch
from torch import nn


class PiecewiseLinear(nn.Module):
    """Maps each feature to a scaled value, its height, and this to one column per bin.

    The height is a function of the feature that rises between knots and is constant
    beyond them: see `fit_knots`. Bins divide the range of heights. A bin's column
    follows the height within the bin, and is constant outside of it.

    NOTE[DIFF]: the paper feeds pixels in [0, 1] as they are. Features of tables have
    different scales, and outliers. Scaled by mean and standard deviation, an outlier
    would dominate the denoising cost, and the other values would be almost equal.
    Tables also have thresholds, which are easier to learn from one column per bin.

    Parameters
    ----------
    values : ndarray of shape (n_features, n_knots)
        Values of each feature at its knots, in ascending order. Samples are converted
        to their dtype, float32 or float64.
    heights : array-like of shape (n_features, n_knots)
        Heights at the knots, in ascending order.
    feature : array-like of shape (n_columns,)
        Number of the feature of each column, in ascending order. Each feature has a
        column.
    lowest, highest : array-like of shape (n_columns,)
        Heights at which the column's bin starts and ends.
    center, factor : array-like of shape (n_columns,)
        A column is (height − center) · factor, with the height clipped to the bin.
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
        """Scale samples; NaN stays NaN.

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
        """Values of the features from columns, within the range of the knots.

        Parameters
        ----------
        x : Tensor of shape (n_samples, n_columns)

        Returns
        -------
        Tensor of shape (n_samples, n_features), in the dtype of the values
        """
        within = (x / self.factor + self.center).clamp(self.lowest, self.highest)
        # a height is where the first bin starts, plus the distance within each bin
        start = self.heights[:, :1].expand(-1, len(x))
        heights = start.index_add(0, self.feature, (within - self.lowest).T)
        return _interpolate(heights, self.heights, self.values).T


def _interpolate(x, knots, heights):
    """Interpolate each row linearly between knots; constant beyond them.

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
    # a feature with fewer knots than others repeats its last one
    length = (knots.gather(1, right) - start).clamp_min(torch.finfo(x.dtype).tiny)
    share = ((x - start) / length).clamp(0, 1).to(heights.dtype)
    return torch.lerp(heights.gather(1, left), heights.gather(1, right), share)
