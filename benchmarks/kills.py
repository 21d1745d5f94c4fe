"""Kills fits at random moments and goes on from their checkpoints.

``python -m benchmarks.kills`` fits the digits with 100 labels once without a kill.
Twenty other fits are killed by SIGKILL at a random moment and then started again. It
says how many of the twenty results are the same, bit for bit.
"""

import argparse
import multiprocessing
import os
import signal
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits

from sklearn_ladder import LadderClassifier
from sklearn_ladder.callbacks import Checkpoint
from sklearn_ladder.training import _checkpoint

N_KILLS, N_LABELS = 20, 100
PARAMETERS = dict(max_epochs=10, random_state=0)


def kill_and_go_on(parameters, X, y, path, moments):
    """Fit, kill that as many times as there are moments, and let the last fit end.

    Parameters
    ----------
    parameters : dict
        Of `LadderClassifier`.
    X, y
        Training data.
    path : path-like
        Of the checkpoint.
    moments : list of float
        Seconds from the first file to each kill.

    Returns
    -------
    dict
        "proba": probabilities of the samples; "n_killed": number of fits that were
        killed before their end; "n_updates": after how many updates each fit began.
    """
    path, began_after, n_killed = Path(path), [], 0
    for moment in [*moments, None]:
        state = _checkpoint.read(path)
        began_after.append(state["n_updates"] if state else 0)
        receiving, sending = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context("fork").Process(
            target=_fit, args=(parameters, X, y, path, sending)
        )
        process.start()
        if moment is None:
            proba = receiving.recv()
            process.join()
            return {"proba": proba, "n_killed": n_killed, "n_updates": began_after}
        while not path.exists():
            time.sleep(0.001)
        time.sleep(moment)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        n_killed += process.exitcode == -signal.SIGKILL


def _fit(parameters, X, y, path, sending):
    # as often as possible, so that many kills hit a write
    checkpoint = Checkpoint(path, every_n_seconds=0)
    clf = LadderClassifier(**parameters, callbacks=[checkpoint]).fit(X, y)
    sending.send(clf.predict_proba(X))


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    torch.set_num_threads(1)
    X, y = load_digits(return_X_y=True)
    y = np.where(np.arange(len(y)) < N_LABELS, y, -1)
    whole = LadderClassifier(**PARAMETERS).fit(X, y)
    expected = whole.predict_proba(X)
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        kill_and_go_on(PARAMETERS, X, y, Path(folder) / "fit.checkpoint", [])
        seconds = time.monotonic() - start
    n_updates = whole.plan_.n_updates
    print(f"{n_updates} updates, {seconds:.1f} s with a write after each")
    rng, n_same = np.random.RandomState(0), 0
    for number in range(N_KILLS):
        with tempfile.TemporaryDirectory() as folder:
            moment = rng.uniform(0, seconds)
            path = Path(folder) / "fit.checkpoint"
            found = kill_and_go_on(PARAMETERS, X, y, path, [moment])
            is_same = np.array_equal(found["proba"], expected)
            n_same += is_same
            print(
                f"{number + 1}: killed after {moment:.2f} s, went on after "
                f"{found['n_updates'][-1]} updates, "
                f"{'the same' if is_same else 'ANOTHER RESULT'}; "
                f"{len(os.listdir(folder))} file left",
                flush=True,
            )
    print(f"{n_same} of {N_KILLS} results are the same, bit for bit")


if __name__ == "__main__":
    main()
