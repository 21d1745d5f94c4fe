"""Features on one scale, as buffers of the network, so that a saved model has them."""

import torch
from torch import nn


class PiecewiseLinear(nn.Module):
    """Each feature by a rising function of its own, given at knots, or by several.

    Linear between knots, constant beyond them: see `fit_standardization`. Of several,
    each begins where the one before ends.

    NOTE[DIFF]: the paper feeds pixels in [0, 1] as they are. Features of tables have
    scales of their own, and tails: by mean and standard deviation, an outlier drowns
    the others in the denoising cost, and squeezes them to one value. And they have
    thresholds, which are easier to learn from a column for each part of the range.

    Parameters
    ----------
    values : array-like of shape (n_columns, n_knots)
        Not falling.
    heights : array-like of shape (n_columns, n_knots)
        What values become; rising where they are.
    feature : array-like of shape (n_columns,)
        Number of the feature whose values these are; not falling, and none left out.
    """

    def __init__(self, values, heights, feature):
        super().__init__()
        for name, knots in {"values": values, "heights": heights}.items():
            self.register_buffer(name, torch.tensor(knots, dtype=torch.float32))
        self.register_buffer("feature", torch.tensor(feature))

    def forward(self, x):
        """Rows of shape (n_rows, n_features) on one scale; NaN stays NaN.

        Returns
        -------
        Tensor of shape (n_rows, n_columns)
        """
        return _interpolate(x.T[self.feature], self.values, self.heights).T.contiguous()

    def inverse(self, x):
        """Back to the units of the input, within the range of the knots.

        Parameters
        ----------
        x : Tensor of shape (n_rows, n_columns)

        Returns
        -------
        Tensor of shape (n_rows, n_features)
        """
        values = _interpolate(x.T.contiguous(), self.heights, self.values)
        # a feature's value is where its first bin starts, and the way in each of them
        is_first = self.feature.diff(prepend=self.feature[:1] - 1) > 0
        values = values - torch.where(is_first, 0, self.values[:, 0])[:, None]
        n_features = self.feature[-1] + 1
        return values.new_zeros(n_features, len(x)).index_add(0, self.feature, values).T


def _interpolate(x, knots, heights):
    """Line by line: linear between knots, constant beyond.

    Parameters
    ----------
    x : Tensor of shape (n_columns, n_rows)
    knots, heights : Tensor of shape (n_columns, n_knots)

    Returns
    -------
    Tensor of shape (n_columns, n_rows)
    """
    right = torch.searchsorted(knots, x.detach()).clamp_(1, knots.shape[1] - 1)
    left = right - 1
    start = knots.gather(1, left)
    # a column of fewer knots repeats its last one
    length = (knots.gather(1, right) - start).clamp_min(torch.finfo(x.dtype).tiny)
    share = ((x - start) / length).clamp(0, 1)
    return torch.lerp(heights.gather(1, left), heights.gather(1, right), share)
