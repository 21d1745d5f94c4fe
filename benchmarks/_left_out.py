"""What was tried and is not in the package, as callbacks: see `benchmarks.ablation`."""

import numpy as np
import torch
from skorch.callbacks import Callback

from sklearn_ladder.data._batches import n_batches


class WeightAverage(Callback):
    """In the end takes an exponential moving average of the weights (EMA).

    Parameters
    ----------
    rate : float
        Share of the newest weights in the average.
    """

    def __init__(self, rate=0.01):
        self.rate = rate

    def on_train_begin(self, net, **kwargs):
        self.average_ = [p.detach().clone() for p in net.module_.parameters()]
        self.n_updates_ = 0

    def on_batch_end(self, net, training=False, **kwargs):
        if not training:
            return
        self.n_updates_ += 1
        # the first ones count alike, so that initial weights do not
        share = max(self.rate, 1 / self.n_updates_)
        weights = [p.detach() for p in net.module_.parameters()]
        torch._foreach_lerp_(self.average_, weights, share)

    def on_train_end(self, net, **kwargs):
        with torch.no_grad():
            for weight, average in zip(
                net.module_.parameters(), self.average_, strict=True
            ):
                weight.copy_(average)


class StatisticsOfAllRows(Callback):
    """Predicts by statistics of all training samples, not of the labeled ones."""

    def on_train_end(self, net, X=None, **kwargs):
        X.labeled = torch.arange(len(X), device=X.labeled.device)


class _ByUpdate(Callback):
    """Changes something before each update."""

    def on_train_begin(self, net, X=None, **kwargs):
        self.n_updates_ = 0
        self.n_all_updates_ = net.max_epochs * n_batches(len(X), net.batch_size)

    def on_batch_begin(self, net, training=False, **kwargs):
        if training:
            self.change(net)
            self.n_updates_ += 1

    def progress(self, part):
        """From 0 to 1 in the first part of the updates."""
        return min(1, (self.n_updates_ + 1) / (part * self.n_all_updates_))


class LearningRateWarmUp(_ByUpdate):
    """The rate rises linearly for the first part of the updates.

    For classifiers that have a schedule (``decay_start`` below 1), which sets the rate
    anew after each update.

    Parameters
    ----------
    part : float
    """

    def __init__(self, part=0.1):
        self.part = part

    def change(self, net):
        for group in net.optimizer_.param_groups:
            group["lr"] *= self.progress(self.part)


class _ChangedCosts(_ByUpdate):
    """Other denoising costs for each update."""

    def on_train_begin(self, net, **kwargs):
        super().on_train_begin(net, **kwargs)
        self.costs_ = list(net.criterion_.denoising_costs)
        self.random_state_ = np.random.RandomState(net.plan.seeds.noise)

    def change(self, net):
        net.criterion_.denoising_costs = self.changed(self.costs_)


class CostWarmUp(_ChangedCosts):
    """Denoising costs rise linearly for the first part of the updates.

    Parameters
    ----------
    part : float
    """

    def __init__(self, part=0.3):
        self.part = part

    def changed(self, costs):
        return [self.progress(self.part) * cost for cost in costs]


class NoiseLater(_ByUpdate):
    """No noise in the first part of the updates.

    Parameters
    ----------
    part : float
    """

    def __init__(self, part=0.2):
        self.part = part

    def on_train_begin(self, net, **kwargs):
        super().on_train_begin(net, **kwargs)
        self.noise_std_ = net.module_.noise_std

    def change(self, net):
        is_later = self.progress(self.part) == 1
        noise_std = self.noise_std_ if is_later else (0.0,) * len(self.noise_std_)
        net.module_.noise_std = noise_std


class ClassLayerCostDropout(_ChangedCosts):
    """No denoising cost at the class layer in half of the updates."""

    def changed(self, costs):
        return [*costs[:-1], costs[-1] * self.random_state_.randint(2)]
