"""MNIST in minutes: the quick recipes, and what learning from own predictions adds.

``python -m benchmarks.quick --labels 100 --seeds 0 1 2`` trains
``recipes.get("quick-mnist-100-full")``, then in rounds goes on with the predictions
that it is sure of as labels. Some 8 minutes on one thread, and 3 for each round. Each
seed is written to ``benchmarks/results`` as soon as it is done. After each round the
classifier is kept in ``--checkpoint-dir``, from where a killed run goes on, and one
that is done where more ``--rounds`` are asked for.

Test rows are looked at after each round, and nothing depends on what is seen. With
``--validate`` the last 10,000 of the training rows stand in for them; on these, with
100 labels drawn by seed 0, all settings were chosen.
"""

import argparse
import pickle
import time
from pathlib import Path

import numpy as np

from benchmarks import _data, _results
from benchmarks.published import CHECKPOINTS, error_percent
from sklearn_ladder import LadderClassifier, recipes

# Probability above which a prediction is taken for a label.
THRESHOLD = 0.99
N_ROUNDS = 4
ROUND = {"max_epochs": 4, "learning_rate": 0.004, "decay_start": 0}


def with_own_labels(clf, X, y):
    """Labels, and the classifier's predictions for those unlabeled rows it is sure of.

    Parameters
    ----------
    clf : LadderClassifier
    X : array-like of shape (n_rows, n_features)
    y : ndarray of shape (n_rows,)
        Labels; -1 where there is none.

    Returns
    -------
    ndarray of shape (n_rows,)
    """
    proba = clf.predict_proba(X)
    is_sure = (y == -1) & (proba.max(axis=1) > THRESHOLD)
    return np.where(is_sure, clf.classes_[proba.argmax(axis=1)], y)


def train(clf, X, y_few, n_rounds):
    """Train by the recipe, then round by round; yields the classifier after each.

    A classifier that is fitted already has had the recipe, and goes on.
    """
    clf.set_params(warm_start=True)
    if not hasattr(clf, "net_"):
        yield clf.fit(X, y_few)
    clf.set_params(**ROUND)
    for _ in range(n_rounds):
        yield clf.fit(X, with_own_labels(clf, X, y_few))


def run(path, recipe, rows, y_few, seed, n_rounds):
    """Train one classifier, and test it after each round.

    Parameters
    ----------
    path : Path
        Where the classifier is kept, with its errors so far.
    recipe : str
    rows : X, X_test, y_test
    y_few : ndarray
    seed, n_rounds : int

    Returns
    -------
    dict
        Test error in % and minutes since the start, after the recipe and each round;
        and the device.
    """
    X, X_test, y_test = rows
    clf, errors, minutes = LadderClassifier(**recipes.get(recipe)), [], []
    clf.set_params(random_state=seed)
    if path.exists():
        clf, errors, minutes = pickle.loads(path.read_bytes())
    start = time.perf_counter() - 60 * (minutes[-1] if minutes else 0)
    rounds_left = n_rounds + 1 - max(len(errors), 1)
    for fitted in train(clf, X, y_few, rounds_left):
        minutes.append(round((time.perf_counter() - start) / 60, 2))
        errors.append(error_percent(fitted, X_test, y_test))
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_bytes(pickle.dumps((fitted, errors, minutes)))
        partial.replace(path)  # a kill leaves the previous file whole
        print(f"{path.stem}: {errors[-1]:.2f} % after {minutes[-1]} min", flush=True)
    return {"error_percent": errors, "minutes": minutes, "device": clf.device_}


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--labels", type=int, default=100, choices=[50, 100])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--rounds", type=int, default=N_ROUNDS)
    parser.add_argument("--validate", action="store_true")
    parser.add_argument("--data-dir")
    parser.add_argument("--checkpoint-dir", type=Path, default=CHECKPOINTS)
    arguments = parser.parse_args(arguments)
    X, y, X_test, y_test = _data.load_mnist(arguments.data_dir)
    if arguments.validate:
        X, y, X_test, y_test = _data.hold_out_last(X, y)
    recipe = f"quick-mnist-{arguments.labels}-full"
    for seed in arguments.seeds:
        name = f"quick-mnist-{arguments.labels}-{seed}"
        if arguments.validate:
            name += "-validation"
        done = _results.read(name)
        if done and len(done["error_percent"]) > arguments.rounds:
            continue
        result = run(
            arguments.checkpoint_dir / f"{name}.pickle",
            recipe,
            (X, X_test, y_test),
            _data.keep_labels(y, arguments.labels // 10, seed),
            seed,
            arguments.rounds,
        )
        settings = {
            "recipe": recipe,
            "seed": seed,
            "parameters": recipes.get(recipe),
            "round": ROUND,
            "threshold": THRESHOLD,
        }
        _results.write(name, settings | result | _results.provenance())


if __name__ == "__main__":
    main()
