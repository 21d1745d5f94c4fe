"""The linear member of an ensemble: a classifier of the scaled features."""

import torch
from torch import nn
from torch.nn import functional as F

from ._shapes import FLOAT32_ON_CPU


class LinearMember(nn.Module):
    """Multinomial logistic regression, which votes beside the ladder networks.

    NOTE[DIFF]: the paper has no such member. Ladder networks assume that classes are
    clusters. In tables they often are not. There, a linear classifier with strong
    regularization overfits few labels less than a network does.

    Its weights are no parameters, because the optimizer of the networks does not train
    them: `training._linear_member` sets them.

    Parameters
    ----------
    n_columns, n_classes : int
    """

    def __init__(self, n_columns, n_classes):
        super().__init__()
        # In the mean of the probabilities; the networks have the rest. It does not vote
        # before it has weights.
        self.register_buffer("share", torch.zeros((), **FLOAT32_ON_CPU))
        weight = torch.zeros(n_classes, n_columns, **FLOAT32_ON_CPU)
        self.register_buffer("weight", weight)
        self.register_buffer("bias", torch.zeros(n_classes, **FLOAT32_ON_CPU))

    @property
    def n_columns(self):
        return self.weight.shape[1]

    def set(self, weight, bias, share):
        """Set weights of shape (n_classes, n_columns), biases, and the share."""
        new_values = (self.weight, weight), (self.bias, bias), (self.share, share)
        for buffer, array in new_values:
            buffer.copy_(torch.as_tensor(array, **FLOAT32_ON_CPU))

    def logits(self, x):
        """Logits for columns of layer 0 of a single network.

        Parameters
        ----------
        x : Tensor of shape (n_samples, at least n_columns)
            Further columns are ignored: those of the other networks.
        """
        # In float64, so that rounding does not depend on the number of samples.
        x, weight, bias = x[:, : self.n_columns].double(), self.weight, self.bias
        return F.linear(x, weight.double(), bias.double()).float()

    def vote(self, proba, x):
        """Weighted mean of the networks' probabilities and its own."""
        own_proba = self.logits(x).softmax(dim=1)
        return (1 - self.share) * proba + self.share * own_proba
