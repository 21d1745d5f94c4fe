"""Callbacks of the ladder's training: learning rate, time limit, early stopping."""

import time

from skorch.callbacks import Callback, EarlyStopping, PassthroughScoring
from skorch.utils import noop


def callback_of(entry):
    """The callback of an entry of `callbacks`: itself, or the last of a pair."""
    is_pair = isinstance(entry, tuple) and len(entry) == 2
    return entry[-1] if is_pair else entry


class LearningRateSchedule(Callback):
    """Constant learning rate, then falling linearly to 0, and a limit on the time.

    NOTE[DIFF]: the released code computes this decay by epochs, but does not pass it to
    the optimizer; the paper describes it.

    Parameters
    ----------
    n_updates : int
        Length of training.
    decay_start : float
        Fraction of training after which the rate falls; 1 if it never does.
    max_time : float, default=None
        Seconds after which training ends. If these are too few for all updates, the
        rate falls by time instead, so that it still reaches 0.
    """

    def __init__(self, n_updates, decay_start, max_time=None):
        self.n_updates = n_updates
        self.decay_start = decay_start
        self.max_time = max_time

    def factor(self, progress):
        """Factor on the learning rate after a fraction of training."""
        if self.decay_start == 1:
            return 1.0
        return min(1.0, max(0.0, 1 - progress) / (1 - self.decay_start))

    def progress(self, net):
        """Fraction of training that is done, by updates or by time."""
        by_updates = net.n_updates_ / self.n_updates
        if self.max_time is None:
            return by_updates
        return max(by_updates, self.seconds() / self.max_time)

    def seconds(self):
        """Seconds of training so far."""
        return time.monotonic() - self.start_

    def shift(self, seconds):
        """Count the seconds of training before a checkpoint."""
        self.start_ -= seconds

    def on_train_begin(self, net, **kwargs):
        self.start_ = time.monotonic()

    def on_epoch_begin(self, net, **kwargs):
        if net.n_updates_ == 0:  # callbacks may take time before training
            self.start_ = time.monotonic()
        self._set_rate(net)

    def on_batch_begin(self, net, training=False, **kwargs):
        if training:
            self._set_rate(net)

    def on_batch_end(self, net, training=False, **kwargs):
        if training:
            net.time_is_up_ = self.max_time is not None and self.progress(net) >= 1

    def on_epoch_end(self, net, **kwargs):
        if net.time_is_up_:
            raise KeyboardInterrupt  # skorch's way to end training

    def _set_rate(self, net):
        if self.decay_start < 1:  # otherwise the user's scheduler may set it
            for group in net.optimizer_.param_groups:
                group["lr"] = net.lr * self.factor(self.progress(net))


def early_stopping(patience, tol):
    """Callbacks that stop training, and restore the weights that were best.

    Parameters
    ----------
    patience : int
        Number of epochs without improvement before training stops.
    tol : float
        Smallest improvement of the log-loss of held-out samples.

    Returns
    -------
    list of (name, callback)
    """
    stopping = EarlyStopping(
        "valid_loss",
        patience=patience,
        threshold=tol,
        threshold_mode="abs",
        load_best=True,
        sink=noop,
    )
    return [
        ("validation_of_ladder", PassthroughScoring("valid_loss")),
        ("early_stopping_of_ladder", stopping),
    ]
