"""Callbacks for long training: progress, and going on after a kill."""

import time
from pathlib import Path

import torch
from skorch.callbacks import Callback

from benchmarks._results import replacing
from sklearn_ladder.data._batches import n_batches


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
        self.n_epochs_after = n_epochs_after

    def on_train_begin(self, net, **kwargs):
        self.start_ = time.monotonic()
        self.n_resumed_ = len(net.history)

    def on_epoch_end(self, net, **kwargs):
        epoch = len(net.history)
        seconds = (time.monotonic() - self.start_) / (epoch - self.n_resumed_)
        left = self.n_epochs - epoch + self.n_epochs_after
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

    It comes before `Checkpoint`, whose file then has them too: their sum counts the
    epochs before a kill.
    """

    def on_train_begin(self, net, **kwargs):
        self.before_ = time.process_time()

    def on_epoch_end(self, net, **kwargs):
        now = time.process_time()
        net.history.record("cpu_seconds", now - self.before_)
        self.before_ = now


class Checkpoint(Callback):
    """Keeps the state of training after each epoch; a killed fit goes on from there.

    The result is the same as without interruption. The file is for a single fit: it is
    of no use to others, and may go when the fit has ended.

    Parameters
    ----------
    path : path-like
    identity : str
        What the fit is of. A file of another one is not taken.
    """

    def __init__(self, path, identity):
        self.path = path
        self.identity = identity

    def on_train_begin(self, net, X=None, **kwargs):
        path = Path(self.path)
        if not path.exists():
            return
        state = torch.load(path, map_location="cpu", weights_only=True)
        if state["identity"] != self.identity:
            return
        net.module_.load_state_dict(state["module"])
        net.optimizer_.load_state_dict(state["optimizer"])
        dict(net.callbacks_)["learning_rate_schedule"].n_done_ = state["n_updates"]
        net.noise_generator_.set_state(state["noise_generator"])
        net.history.extend(state["history"])
        n_done = len(state["history"])
        # what training has yet to look at
        net.max_epochs -= n_done
        net.iterator_train__skip = n_done * n_batches(len(X), net.batch_size)
        print(f"  goes on after epoch {n_done}", flush=True)

    def on_epoch_end(self, net, **kwargs):
        state = {
            "identity": self.identity,
            "module": net.module_.state_dict(),
            "optimizer": net.optimizer_.state_dict(),
            "n_updates": dict(net.callbacks_)["learning_rate_schedule"].n_done_,
            "noise_generator": net.noise_generator_.get_state(),
            "history": list(net.history),
        }
        with replacing(Path(self.path)) as partial:
            torch.save(state, partial)
