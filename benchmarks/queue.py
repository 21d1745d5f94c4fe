"""Runs the published tables in full, one run after another, for days if need be.

``python -m benchmarks.queue`` trains whatever is next in `ORDER`, by
:mod:`benchmarks.published`: one thread, lowest priority, one JSON file per run.
``--status`` says what is done, running and next. A run that has its file is not started
again, and a second queue on the same folder ends at once.

``kill PID`` stops it at any time; the same command goes on after the last epoch, to the
bit. Files of unfinished runs and the lock are in ``--checkpoint-dir``; what it prints
goes where you send it::

    nohup python -m benchmarks.queue >> queue.log 2>&1 &

Run it from a clone of its own at a commit, so that work on the code does not change a
run in progress; ``--collect FOLDER`` then copies its results to another clone's
``benchmarks/results``. Move the clone to another commit only between runs: a run that
was begun by other code starts over.
"""

import argparse
import fcntl
import itertools
import json
import os
import shutil
import signal
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch

from benchmarks import _results, published
from sklearn_ladder import recipes
from sklearn_ladder.training import _checkpoint

CHECKPOINTS = published.CHECKPOINTS / "queue"


class Entry(NamedTuple):
    """A recipe in the queue."""

    recipe: str
    n_seeds: int  # seeds 0, 1, …
    core_hours: float  # of a seed, as expected
    options: tuple = ()  # of `benchmarks.published`


# One seed of every cell first, the short ones at the head, so that the table is full
# soon; then the other seeds, those of the published intervals first. What has its file
# is passed over.
ORDER = [
    Entry("rasmus2015-mnist-100-baseline", 1, 0.5),
    Entry("rasmus2015-mnist-1000-baseline", 1, 0.5),
    Entry("rasmus2015-mnist-all-baseline", 1, 0.5),
    Entry("rasmus2015-mnist-100-conv-small-baseline", 2, 0.6),
    Entry("rasmus2015-mnist-100-gamma", 1, 1.0),
    Entry("rasmus2015-mnist-100-full", 2, 1.6),
    Entry("rasmus2015-mnist-100-bottom", 1, 1.3),
    Entry("rasmus2015-mnist-50-full", 1, 1.6),
    Entry("rasmus2015-mnist-1000-full", 1, 1.6),
    Entry("rasmus2015-mnist-all-full", 1, 1.6),
    Entry("shinoda2017-mnist-50-ladder", 1, 2.7),
    Entry("shinoda2017-mnist-50-lvan-lw", 1, 7.8),
    Entry("rasmus2015-mnist-1000-gamma", 1, 1.0),
    Entry("rasmus2015-mnist-all-gamma", 1, 1.0),
    Entry("rasmus2015-mnist-1000-bottom", 1, 1.3),
    Entry("rasmus2015-mnist-all-bottom", 1, 1.3),
    Entry("rasmus2015-mnist-100-conv-small-baseline", 10, 0.6),
    Entry("rasmus2015-mnist-100-full", 10, 1.6),
    Entry("rasmus2015-mnist-100-baseline", 3, 0.5),
    Entry("rasmus2015-mnist-1000-baseline", 3, 0.5),
    Entry("rasmus2015-mnist-all-baseline", 3, 0.5),
    Entry("rasmus2015-mnist-100-gamma", 10, 1.0),
    Entry("rasmus2015-mnist-100-bottom", 3, 1.3),
    Entry("rasmus2015-mnist-50-full", 3, 1.6),
    Entry("rasmus2015-mnist-1000-full", 3, 1.6),
    Entry("rasmus2015-mnist-all-full", 3, 1.6),
    Entry("shinoda2017-mnist-50-ladder", 2, 2.7),
    Entry("shinoda2017-mnist-50-lvan-lw", 2, 7.8),
    Entry("rasmus2015-mnist-1000-gamma", 3, 1.0),
    Entry("rasmus2015-mnist-all-gamma", 3, 1.0),
    Entry("rasmus2015-mnist-1000-bottom", 3, 1.3),
    Entry("rasmus2015-mnist-all-bottom", 3, 1.3),
    Entry("rasmus2015-mnist-100-conv-small-gamma", 1, 21),
    Entry("rasmus2015-mnist-100-conv-fc-full", 1, 24),
    Entry("rasmus2015-mnist-100-conv-small-gamma", 3, 21),
    Entry("rasmus2015-mnist-100-conv-fc-full", 3, 24),
    Entry("rasmus2015-cifar10-4000-conv-large-baseline", 1, 11),
    # validation curves of both, to compare at equal updates
    Entry("rasmus2015-cifar10-4000-conv-large-baseline", 1, 10, ("--validate",)),
    Entry("rasmus2015-cifar10-4000-conv-large-gamma", 1, 90, ("--validate",)),
]


class Run(NamedTuple):
    """One seed of an entry."""

    recipe: str
    seed: int
    core_hours: float
    name: str  # of its files
    options: tuple

    @property
    def title(self):
        return " ".join([self.recipe, *self.options])

    @property
    def is_done(self):
        return published.is_done(self.name, recipes.get(self.recipe))


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--status", action="store_true", help="print it, and end")
    parser.add_argument(
        "--collect", type=Path, metavar="FOLDER", help="copy results there, and end"
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument("--data-dir")
    parser.add_argument("--checkpoint-dir", type=Path, default=CHECKPOINTS)
    return parser.parse_args(arguments)


def published_arguments(run, arguments):
    """What `benchmarks.published` is told of a run."""
    words = [run.recipe, "--seeds", str(run.seed), *run.options]
    words += ["--device", arguments.device]
    words += ["--checkpoint-dir", str(arguments.checkpoint_dir)]
    return words + (["--data-dir", arguments.data_dir] if arguments.data_dir else [])


def all_runs():
    """Every run once, in order.

    Returns
    -------
    list of Run
    """
    runs = {}
    for recipe, n_seeds, core_hours, options in ORDER:
        arguments = published.parse_arguments([recipe, *options])
        for seed in range(n_seeds):
            name = published.run_name(recipe, recipes.get(recipe), seed, arguments)
            runs.setdefault(name, Run(recipe, seed, core_hours, name, options))
    return list(runs.values())


# ------------------------------------------------------------------------------ running


def work(arguments):
    """Run what has no result yet, until nothing is left.

    Returns
    -------
    list of Run
        Those that failed; they are tried again by the next queue.
    """
    failed = []
    while todo := [run for run in all_runs() if not (run.is_done or run in failed)]:
        try:
            published.main(published_arguments(todo[0], arguments))
        except Exception:  # the runs behind it may well succeed
            traceback.print_exc()
            failed.append(todo[0])
    return failed


@contextmanager
def alone(folder):
    """Hold the lock of a folder, with this process's number in it.

    The system releases it when the process ends, however it ends.

    Raises
    ------
    SystemExit
        If another process has it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(
                f"one queue at a time: process {holder(folder)} has {lock.name}"
            ) from None
        lock.truncate(0)
        lock.write(json.dumps({"pid": os.getpid()}))
        lock.flush()
        yield


def holder(folder):
    """Number of the process that has a folder's lock, or None."""
    try:
        with open(folder / "lock") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return json.load(lock)["pid"]
    except FileNotFoundError:
        pass
    return None


# ------------------------------------------------------------------------------- status


def begun(run, folder):
    """Epochs and core-hours of a run that has a checkpoint; None if it has none."""
    if not (paths := published.checkpoints(run.name, folder)):
        return None
    history = _checkpoint.read(paths[0])["history"]
    return len(history), sum(epoch["cpu_seconds"] for epoch in history) / 3600


def status(folder):
    """What is done, running and next, with core-hours.

    Returns
    -------
    str
    """
    runs = all_runs()
    done = [(run, _results.read(run.name)) for run in runs if run.is_done]
    todo = [run for run in runs if not run.is_done]
    hours = sum(published.core_hours(result) for _, result in done)
    lines = [f"done: {len(done)} of {len(runs)} runs, {hours:.1f} core-hours"]
    for title, same in itertools.groupby(done, lambda pair: pair[0].title):
        results = [result for _, result in same]
        errors = " ".join(f"{result['error_percent']:.2f}" for result in results)
        spent = sum(map(published.core_hours, results))
        lines.append(f"  {title}: {errors} %, {spent:.1f} core-hours")
    pid = holder(folder)
    lines.append("nothing runs" if pid is None else f"running: process {pid}")
    waiting = []
    for number, run in enumerate(todo):
        words = f"{run.title} seed {run.seed}"
        if so_far := begun(run, folder):
            n_epochs = recipes.get(run.recipe)["max_epochs"]
            words += f", {so_far[0]} of {n_epochs} epochs, {so_far[1]:.2f} core-hours"
        if so_far or (number == 0 and pid is not None):
            lines.append(f"  {words}, {run.core_hours:g} expected")
        else:
            waiting.append(run)
    hours = sum(run.core_hours for run in waiting)
    lines.append(f"next: {len(waiting)} runs, {hours:.0f} core-hours expected")
    for title, same in itertools.groupby(waiting, lambda run: run.title):
        same = list(same)
        seeds = " ".join(str(run.seed) for run in same)
        lines.append(
            f"  {title} seed {seeds}: {same[0].core_hours:g} core-hours expected each"
        )
    return "\n".join(lines)


def collect(folder):
    """Copy results of the queue that another folder lacks.

    Returns
    -------
    list of Path
    """
    copied = []
    for run in all_runs():
        source = _results.FOLDER / f"{run.name}.json"
        target = folder / source.name
        if run.is_done and not target.exists():
            copied.append(Path(shutil.copyfile(source, target)))
    return copied


def main(arguments=None):
    arguments = parse_arguments(arguments)
    if arguments.status:
        print(status(arguments.checkpoint_dir))
        return
    if arguments.collect is not None:
        for path in collect(arguments.collect):
            print(path.name)
        return
    with alone(arguments.checkpoint_dir):
        os.nice(19)
        torch.set_num_threads(1)
        # ends at once, as by SIGTERM: skorch would take Ctrl-C for the end of training
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if failed := work(arguments):
            sys.exit(f"failed: {', '.join(run.name for run in failed)}")


if __name__ == "__main__":
    main()
