"""Checkpoints: a killed fit continues, with a bit-identical result."""

from __future__ import annotations

import hashlib
import time
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from skorch.callbacks import Callback, EpochTimer

from .._atomic_write import remove_left_overs
from .._random import Seeds
from .._version import __version__
from ..data._fingerprint import fingerprint
from ._callbacks import callback_of
from ._checkpoint_file import (
    FORMAT,
    plain,
    plain_entries,
    read,
    replace,
    signature,
)
from ._net import EpochSoFar

if TYPE_CHECKING:
    from typing import Any

    from .._typing import PathLike

# Fields of the plan that do not matter to training, or that are compared under another
# name. Arrays, which its repr does not show, follow from the data and the seeds.
NOT_COMPARED = {"verbose", "seeds"}
# Differences that an error names at most, and characters of their values.
N_NAMED, LONGEST_VALUE = 5, 60


class Checkpoint(Callback):
    """Keep the state of training in a file, from which a killed fit continues.

    If the process ends before `fit` does, call `fit` again with the same parameters and
    data. It continues from the file. The result is the same as without the
    interruption, bit for bit on the same machine with the same number of threads. With
    `max_time`, the seconds before the interruption count. With ``random_state=None``,
    the random numbers are those of the killed fit.

    The file of a finished fit stays, also if `max_time` or early stopping ended it.
    Calling `fit` again then gives the same model without training, so that a program
    that was killed later can simply be started again. Remove the file to train anew.

    A new file replaces the previous one in one step. So there is always a complete
    file, even if the disk is full or power is lost.

    Parameters
    ----------
    path : str or path-like
        File of a single fit. Missing folders are made. Searches and ensembles, which
        fit several times, need a path for each fit.

    every_n_seconds : float or None, default=60.0
        Write after this time, also in the middle of an epoch.

    every_n_epochs : int or None, default=None
        Write after this number of epochs. The end of training is always followed by a
        write, unless the user interrupted it (KeyboardInterrupt). Other callbacks come
        first: if one of them fails, this epoch is not kept.

    Raises
    ------
    ValueError
        In `fit`, if the file is of another fit (the error says what differs), if it is
        no checkpoint, or if a parameter is not as described; always in `partial_fit`.
        The file stays as it is.
    OSError
        In `fit`, if the file cannot be written or read. The previous file stays, and a
        later `fit` continues from it. A first file is written before training, so that
        missing rights show at once.
    RuntimeError
        In `fit`, if another process has written to the file since the fit began.

    Notes
    -----
    The state of other callbacks is kept, too: attributes whose names end with an
    underscore, if they are numbers, strings, tensors or collections of these, or have a
    ``state_dict``. Attributes whose names begin with an underscore are not kept. The
    file has tensors and plain data only, no code.

    The data are recognized by a hash of all labels, weights and values. Of more than
    2²⁸ values, it has the range of each feature and 64 evenly spaced chunks.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ladder import LadderClassifier
    >>> from sklearn_ladder.callbacks import Checkpoint
    >>> X, y = load_iris(return_X_y=True)
    >>> y[::2] = -1
    >>> path = Path(tempfile.mkdtemp()) / "iris.checkpoint"
    >>> clf = LadderClassifier((8,), max_epochs=5, callbacks=[Checkpoint(path)])
    >>> first = clf.fit(X, y).predict_proba(X)
    >>> bool((clf.fit(X, y).predict_proba(X) == first).all())  # no training
    True
    """

    knows_the_end = True  # see `LadderNet.notify`

    def __init__(
        self,
        path: PathLike,
        *,
        every_n_seconds: float | None = 60.0,
        every_n_epochs: int | None = None,
    ) -> None:
        self.path = path
        self.every_n_seconds = every_n_seconds
        self.every_n_epochs = every_n_epochs

    # ---------------------------------------------------------------- hooks of skorch

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Continue from the file, or write the first one."""
        self._check_parameters(net)
        path = Path(self.path)
        self.identity_ = _identity(net, self)
        self.epoch_ = None
        state = read(path)
        if state is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.file_ = None
            self._write(net)
            return
        _check_identity(path, state["identity"], self.identity_)
        self.file_, self.written_at_ = signature(path), time.monotonic()
        remove_left_overs(path)
        self._restore(net, state)

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Continue in the middle of an epoch."""
        if self.epoch_ is None:
            return
        epoch, self.epoch_ = self.epoch_, None
        net.change_settings(**epoch["settings"])
        for group, kept in zip(
            net.optimizer_.param_groups, epoch["param_groups"], strict=True
        ):
            group |= {name: kept[name] for name in kept if name != "params"}
        for name, value in epoch["row"].items():
            net.history.record(name, value)
        _load_callbacks(_others(net, self), epoch["callbacks"])
        for timer in _timers(net):
            timer.epoch_start_time_ -= epoch["seconds"]

    def on_batch_end(self, net: Any, training: bool = False, **kwargs: Any) -> None:
        """Write if it is time."""
        is_last = net.n_updates_ % net.plan.n_updates_per_epoch == 0
        if training and not is_last and self._is_time():
            self._write(net)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Write if it is time."""
        if net.is_ending_:  # from such a file, training would go on
            return
        n_epochs = net.n_updates_ // net.plan.n_updates_per_epoch
        is_one = self.every_n_epochs is not None and n_epochs % self.every_n_epochs == 0
        if is_one or self._is_time():
            self._write(net)

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Write the finished fit."""
        is_whole = net.epoch_so_far_ is None  # not if an epoch was interrupted
        if is_whole and not net.interrupts_ and not net.is_finished_:
            net.is_finished_ = True
            self._write(net)

    # ------------------------------------------------------------------ state of a fit

    def _check_parameters(self, net):
        if net.plan.is_stream:
            raise ValueError(
                "Checkpoint is for fit, not for partial_fit: pickle the estimator "
                "between the calls, or set_params(callbacks=None)."
            )
        for name, least in (("every_n_seconds", 0), ("every_n_epochs", 1)):
            value = getattr(self, name)
            if value is not None and not value >= least:
                raise ValueError(
                    f"{name} must be None or at least {least}; got {value!r}."
                )

    def _is_time(self):
        if self.every_n_seconds is None:
            return False
        return time.monotonic() - self.written_at_ >= self.every_n_seconds

    def _write(self, net):
        path = Path(self.path)
        if signature(path) not in (None, self.file_):
            raise RuntimeError(
                f"Another process has written to {path} since this fit began. Give "
                "each fit a path of its own."
            )
        replace(path, self._state(net))
        self.file_, self.written_at_ = signature(path), time.monotonic()

    def _state(self, net):
        others = _others(net, self)
        rows = [plain_entries(row | {"batches": []}) for row in net.history]
        epoch = None
        if net.epoch_so_far_ is not None:
            timer = _timers(net)[0]
            epoch = {
                **plain(vars(net.epoch_so_far_)),
                "row": rows.pop(),
                "seconds": time.time() - timer.epoch_start_time_,
            }
        return {
            "format": FORMAT,
            "identity": self.identity_,
            "seeds": list(net.plan.seeds),
            "module": net.module_.state_dict(),
            "requires_grad": [p.requires_grad for p in net.module_.parameters()],
            "optimizer": plain(net.optimizer_.state_dict()),
            "noise_generator": net.noise_generator_.get_state(),
            "n_updates": net.n_updates_,
            "is_finished": net.is_finished_,
            "settings": net.settings(),
            "seconds": _schedule(net).seconds(),
            "history": rows,
            "epoch": epoch,
            "callbacks": {name: _callback_state(cb) for name, cb in others.items()},
        }

    def _restore(self, net, state):
        net.module_.load_state_dict(state["module"])
        parameters = net.module_.parameters()
        for p, requires in zip(parameters, state["requires_grad"], strict=True):
            p.requires_grad_(requires)
        net.optimizer_.load_state_dict(state["optimizer"])
        net.noise_generator_.set_state(state["noise_generator"])
        net.n_updates_, net.is_finished_ = state["n_updates"], state["is_finished"]
        net.change_settings(**state["settings"])
        net.history.extend(state["history"])
        _load_callbacks(_others(net, self), state["callbacks"])
        _schedule(net).shift(state["seconds"])
        if (epoch := state["epoch"]) is not None:
            costs = {name: cost.to(net.device) for name, cost in epoch["costs"].items()}
            net.epoch_so_far_ = EpochSoFar(epoch["lr"], epoch["n_batches"], costs)
            # callbacks begin this epoch a second time
            self.epoch_ = epoch | {
                "callbacks": state["callbacks"],
                "settings": state["settings"],
                "param_groups": state["optimizer"]["param_groups"],
            }


def seeds_in_checkpoint(callbacks):
    """Seeds of the fit that a `Checkpoint` among callbacks would go on with, or None.

    Parameters
    ----------
    callbacks : list of callbacks or of pairs (name, callback), or None
    """
    for entry in callbacks or []:
        callback = callback_of(entry)
        if isinstance(callback, Checkpoint):
            state = read(callback.path)
            if state is not None:
                return Seeds(*state["seeds"])
    return None


def _schedule(net):
    return dict(net.callbacks_)["learning_rate_schedule"]


def _timers(net):
    return [cb for _, cb in net.callbacks_ if isinstance(cb, EpochTimer)]


def _others(net, checkpoint):
    """Callbacks before a checkpoint, by name. Those after it are not to be kept."""
    others = {}
    for name, callback in net.callbacks_:
        if callback is checkpoint:
            break
        if not isinstance(callback, EpochTimer):
            others[name] = callback
    del others["learning_rate_schedule"]  # its time belongs to the process
    return others


# ------------------------------------------------------------------ state of callbacks


def _callback_state(callback):
    """Attributes of a callback that are plain, or the state of those that have one."""
    state = {}
    for name, value in vars(callback).items():
        if name.endswith("_") and not name.startswith("_"):
            if hasattr(value, "state_dict") and not isinstance(value, type):
                state[name] = {"state_dict": plain_entries(value.state_dict())}
            else:
                state |= plain_entries({name: value})
    return state


def _load_callbacks(callbacks, states):
    for name, callback in callbacks.items():
        for attribute, value in states[name].items():
            current = getattr(callback, attribute, None)
            if hasattr(current, "load_state_dict"):
                current.load_state_dict(current.state_dict() | value["state_dict"])
            else:
                setattr(callback, attribute, value)


# ------------------------------------------------------------------- identity of a fit


def _identity(net, checkpoint):
    """What makes two fits the same, by name, as text. Called before training."""
    shown = [field.name for field in fields(net.plan) if field.repr]
    compared = [name for name in shown if name not in NOT_COMPARED]
    return {
        "the version of sklearn_ladder": __version__,
        "the version of torch": str(torch.__version__),
        "the data": fingerprint(net.training_data_),
        "random_state": " ".join(map(str, net.plan.seeds)),
        **{name: _text(getattr(net.plan, name)) for name in compared},
        "callbacks": repr(
            [
                (name, type(cb).__name__, _parameters(cb))
                for name, cb in _others(net, checkpoint).items()
            ]
        ),
        # these differ by themselves with warm_start only
        "the weights at the start": _hash_of(net.module_.state_dict()),
    }


def _text(value):
    return repr(value.item() if isinstance(value, np.generic) else value)


def _parameters(callback):
    """Parameters of a callback that are plain, sorted."""
    names = [name for name in vars(callback) if "_" not in (name[0], name[-1])]
    return sorted(plain_entries({n: getattr(callback, n) for n in names}).items())


def _hash_of(tensors):
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in tensors.items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy())
    return digest.hexdigest()


def _check_identity(path, of_file, of_fit):
    """Raise if a checkpoint is of another fit, and say what differs."""
    names = [name for name in of_fit | of_file if of_file.get(name) != of_fit.get(name)]
    if not names:
        return
    if len(names) > 1:  # then the weights do not differ by themselves
        names = [name for name in names if name != "the weights at the start"]
    differences = []
    for name in names[:N_NAMED]:
        before, now = of_file.get(name), of_fit.get(name)
        is_short = before and now and max(len(before), len(now)) <= LONGEST_VALUE
        is_hash = name in ("the data", "random_state", "the weights at the start")
        if is_short and not is_hash:
            differences.append(f"{name} ({before} in the file, {now} in this fit)")
        else:
            differences.append(name)
    if len(names) > N_NAMED:
        differences.append("…")
    raise ValueError(
        f"{path} is the checkpoint of another fit. They differ in "
        f"{', '.join(differences)}. Give each fit a path of its own, or remove the "
        "file to train anew."
    )
