"""
===============================================
Samples larger than memory, on a Dask cluster
===============================================

A Parquet data set has more samples than memory can hold. ``partial_fit`` learns from
its partitions one after another, and ``map_partitions`` predicts them side by side.
Only one partition per worker is in memory at a time.

``python examples/dask_parquet.py`` makes a small data set and starts two workers on
this machine; with an address, such as ``tcp://scheduler:8786``, it uses the cluster
that runs there, whose workers need the same packages and the same folder. Wants
``pip install 'sklearn-ladder[distributed]'``.

Takes about 20 seconds.
"""

import sys
import tempfile
from copy import deepcopy
from pathlib import Path

import dask.dataframe as dd
import numpy as np
import pandas as pd
from dask import delayed
from distributed import Client

from sklearn_ladder import LadderClassifier

N_PARTITIONS, N_SAMPLES, N_FEATURES = 8, 5000, 20
CLASSES = ["no", "yes"]
# 1% of the samples have a label.
SHARE_OF_LABELS = 0.01


def make_partition(number):
    """Samples of two overlapping classes; None marks an unlabeled sample."""
    rng = np.random.RandomState(number)
    answer = rng.randint(2, size=N_SAMPLES)
    X = rng.normal(size=(N_SAMPLES, N_FEATURES)) + 0.5 * answer[:, None]
    part = pd.DataFrame(X, columns=[f"x{i}" for i in range(N_FEATURES)])
    part["answer"] = np.array(CLASSES)[answer]  # kept to see how good predictions are
    part["label"] = part["answer"].where(rng.rand(N_SAMPLES) < SHARE_OF_LABELS)
    return part


def features(part):
    return part.drop(columns=["answer", "label"])


@delayed
def train_on(clf, part):
    """One pass over a partition, on a worker."""
    clf = deepcopy(clf)  # a task must not change what it is given
    return clf.partial_fit(features(part), part["label"], classes=CLASSES)


def predict(part, clf):
    """Predictions of a partition, beside the true classes."""
    proba = clf.predict_proba(features(part))
    predicted = clf.classes_[proba.argmax(axis=1)]
    return part[["answer"]].assign(predicted=predicted, probability=proba[:, 1])


def n_tasks(dask_worker):
    """Number of tasks that a worker has done."""
    return dask_worker.state.executed_count


def write(folder):
    """The data set, in one file per partition."""
    for number in range(N_PARTITIONS):
        path = folder / "samples" / f"part{number}.parquet"
        path.parent.mkdir(exist_ok=True)
        make_partition(number).to_parquet(path)


def train(folder):
    """Learning is a sequence: each task reads a partition and goes on from the last."""
    clf = LadderClassifier((32,), learning_rate=0.005, random_state=0)
    for part in dd.read_parquet(folder / "samples").partitions:
        clf = train_on(clf, part.to_delayed()[0]).compute()
    return clf


def predict_all(clf, folder):
    """Workers read a partition, predict it and write the result; nothing comes here."""
    columns = {"answer": "str", "predicted": "str", "probability": "float32"}
    samples = dd.read_parquet(folder / "samples")
    predicted = samples.map_partitions(predict, delayed(clf), meta=columns)
    predicted.to_parquet(folder / "predicted")
    return dd.read_parquet(folder / "predicted")


def main(client, folder):
    write(folder)
    clf = train(folder)
    print(f"{clf.n_samples_seen_} samples seen")
    result = predict_all(clf, folder)
    accuracy = (result["predicted"] == result["answer"]).mean().compute()
    tasks = list(client.run(n_tasks).values())
    print(f"tasks of each worker: {tasks}")
    print(f"accuracy: {accuracy:.3f}")
    return clf, tasks, result.compute()


# Workers of this machine start by importing this file: only the main program may start
# them. A task takes one core, since torch's own threads would be in each other's way.
if __name__ == "__main__":
    address = sys.argv[1:]
    local = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with (
        tempfile.TemporaryDirectory() as folder,
        Client(*address) if address else Client(**local) as client,
    ):
        clf, tasks, result = main(client, Path(folder))
