"""Epochs as tasks that scikit-learn's callbacks follow."""

from copy import deepcopy

from skorch.callbacks import Callback
from skorch.history import History

from ._train import OF_TRAINING


class EpochTasks(Callback):
    """Tells scikit-learn's callbacks of each epoch.

    Parameters
    ----------
    tasks : FitTasks
    fitted : callable
        Takes a trained net, which it may change, and returns the attributes of an
        estimator that was fitted with it. It is called only if a callback asks for a
        fitted estimator.
    """

    def __init__(self, tasks, fitted):
        self.tasks = tasks
        self.fitted = fitted
        self.context = None  # of the current epoch

    def on_train_begin(self, net, **kwargs):
        # epochs that a checkpoint brought
        for _ in range(net.n_updates_ // net.plan.n_updates_per_epoch):
            self.tasks.end_epoch(self.tasks.begin_epoch())

    def on_epoch_begin(self, net, **kwargs):
        self.context = self.tasks.begin_epoch()

    def on_epoch_end(self, net, **kwargs):
        if self._end(net):
            raise KeyboardInterrupt  # skorch's way to end training

    def on_train_end(self, net, **kwargs):
        if self.context is not None:  # another callback ended training
            self._end(net)

    def _end(self, net):
        context, self.context = self.context, None
        return self.tasks.end_epoch(context, lambda: self.fitted(_snapshot(net)))


def _snapshot(net):
    """The net as if training had stopped here. Training is not changed."""
    net.update_population()
    snapshot = object.__new__(type(net))
    # past skorch's checks of what may be set, and past what is saved of a net
    vars(snapshot).update(vars(net))
    vars(snapshot)["module_"] = deepcopy(net.module_)
    is_whole = "train_loss" in net.history[-1]  # not if it was interrupted
    vars(snapshot)["history_"] = History(
        net.history[:] if is_whole else net.history[:-1]
    )
    vars(snapshot)["callbacks_"] = []
    for name in OF_TRAINING:
        vars(snapshot).pop(name, None)
    return snapshot
