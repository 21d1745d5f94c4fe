"""Callbacks for long training: progress and errors of each epoch, CPU seconds.

What belongs to a process has names with an underscore in front: a checkpoint does not
keep it, and does not compare it.
"""

import time

from skorch.callbacks import Callback


class Progress(Callback):
    """Prints a line per epoch, with the time left for all fits.

    Parameters
    ----------
    n_epochs : int
        Of this fit.
    n_epochs_after : int, default=0
        Of fits still to come.
    """

    def __init__(self, n_epochs, n_epochs_after=0):
        self.n_epochs = n_epochs
        self._n_epochs_after = n_epochs_after

    def on_train_begin(self, net, **kwargs):
        self._start, self._n_resumed = time.monotonic(), None

    def on_epoch_begin(self, net, **kwargs):
        if self._n_resumed is None:
            self._n_resumed = len(net.history) - 1
            if self._n_resumed:
                print(f"  goes on after epoch {self._n_resumed}", flush=True)

    def on_epoch_end(self, net, **kwargs):
        epoch = len(net.history)
        seconds = (time.monotonic() - self._start) / (epoch - self._n_resumed)
        left = self.n_epochs - epoch + self._n_epochs_after
        print(
            f"  epoch {epoch}/{self.n_epochs}  cost {net.history[-1, 'train_loss']:.3f}"
            f"  {seconds * left / 60:.1f} min left",
            flush=True,
        )


class ErrorCurve(Callback):
    """Records an error after each epoch, in the history as "error_percent".

    It predicts with statistics of that moment, and draws no random numbers: training
    goes on as without it.

    Parameters
    ----------
    error_percent : callable
        Takes the net in training; returns a number.
    """

    def __init__(self, error_percent):
        self.error_percent = error_percent

    def on_epoch_end(self, net, **kwargs):
        net.history.record("error_percent", self.error_percent(net))


class CPUSeconds(Callback):
    """Records the CPU seconds of each epoch, over all threads, in the history.

    A checkpoint has them too: their sum counts the epochs before a kill.
    """

    def on_train_begin(self, net, **kwargs):
        self._before = time.process_time()

    def on_epoch_end(self, net, **kwargs):
        now = time.process_time()
        net.history.record("cpu_seconds", now - self._before)
        self._before = now
