"""Progress of training: a bar in a terminal or a notebook, lines elsewhere."""

import multiprocessing
import os
import sys
import time

from skorch.callbacks import Callback
from tqdm import tqdm
from tqdm.std import EMA

# Seconds between two looks at the costs. Only then does a GPU have to wait.
INTERVAL = 0.1
# Seconds until the first line, and between lines: then there are at most 20 in all, or
# one every ten seconds.
FIRST_LINE, NEXT_LINE, SHARE_OF_LINE = 2.0, 10.0, 1 / 20


class Progress(Callback):
    """Shows the updates of a fit, its costs, its learning rate and the time it takes.

    Costs are moving averages over the last moments: the total and the supervised one.
    The time is that of training so far, and of all training as estimated.

    Parameters
    ----------
    schedule : LearningRateSchedule
        Knows how much of training is done.
    """

    def __init__(self, schedule):
        self.schedule = schedule
        self.view = None

    def on_train_begin(self, net, **kwargs):
        takes_bars = _takes_bars(sys.stderr)
        name = "LadderClassifier" if net.plan.n_classes else "LadderAutoencoder"
        self.view = _Bar(self.schedule.n_updates) if takes_bars else _Lines(name)
        self.averages = {"total": EMA(), "supervised": EMA()}
        self.costs = None  # of the last update
        self.shown_at = time.monotonic()

    def on_batch_end(self, net, training=False, costs=None, **kwargs):
        if not training:
            return
        self.costs = costs
        now = time.monotonic()
        if now - self.shown_at >= INTERVAL:
            self.shown_at = now
            self._show(net)

    def on_train_end(self, net, **kwargs):
        if self.costs is not None:  # otherwise a checkpoint brought all epochs
            self._show(net, is_end=True)

    def close(self):
        """Leave the terminal in order, also if training failed."""
        if self.view is not None:
            self.view.close()

    def _show(self, net, is_end=False):
        for name, average in self.averages.items():
            average(float(self.costs[name]))
        done = self.schedule.progress(net)
        seconds = self.schedule.seconds()
        # With a time limit there may be fewer updates than planned.
        n_updates = max(net.n_updates_, round(net.n_updates_ / done))
        cost, supervised = (average() for average in self.averages.values())
        numbers = f"cost {cost:#.3g}"
        if net.plan.n_classes:
            numbers += f" (supervised {supervised:#.3g})"
        numbers += f", lr {net.optimizer_.param_groups[0]['lr']:.2g}"
        times = seconds, (seconds if is_end else seconds / done)
        self.view.show(net.n_updates_, n_updates, times, numbers, is_end)


def _takes_bars(stream):
    """Whether a stream can show a bar that only this process writes to."""
    is_notebook = type(stream).__module__.startswith("ipykernel")
    is_worker = multiprocessing.parent_process() is not None
    is_terminal = getattr(stream, "isatty", bool)()
    return (is_terminal or is_notebook) and not is_worker


class _Bar:
    """A bar of tqdm, not too long for a terminal of 80 columns."""

    FORMAT = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{time}{postfix}]"

    def __init__(self, n_updates):
        self.bar = _TimedBar(
            total=n_updates, bar_format=self.FORMAT, mininterval=0, file=sys.stderr
        )

    def show(self, n, n_updates, times, numbers, is_end):
        self.bar.n, self.bar.total = n, n_updates
        self.bar.time = _time(*times)
        self.bar.set_postfix_str(numbers)

    def close(self):
        self.bar.close()


class _TimedBar(tqdm):
    """tqdm's own estimate of the time knows no time limit and no checkpoint."""

    time = "?"

    @property
    def format_dict(self):
        return super().format_dict | {"time": self.time}


class _Lines:
    """A line now and then."""

    def __init__(self, name):
        self.next = time.monotonic() + FIRST_LINE
        self.name = name
        if multiprocessing.parent_process() is not None:
            self.name += f" in process {os.getpid()}"

    def show(self, n, n_updates, times, numbers, is_end):
        now = time.monotonic()
        if now < self.next and not is_end:
            return
        self.next = now + max(NEXT_LINE, SHARE_OF_LINE * times[1])
        line = f"{self.name}: {n} of {n_updates} updates, {_time(*times)}, {numbers}"
        print(line, file=sys.stderr, flush=True)

    def close(self):
        pass


def _time(seconds, all_seconds):
    """Time so far, and of all training if that is not the same."""
    so_far, in_all = map(tqdm.format_interval, (seconds, all_seconds))
    return so_far if seconds == all_seconds else f"{so_far} of {in_all}"
