"""MNIST in minutes: the quick recipes, and what self-training adds to them.

``python -m benchmarks.self_training --labels 100 --seeds 0 1 2`` trains
``recipes.get("quick-mnist-100-full")``, then in rounds goes on with pseudo-labels: the
predictions it is sure of (Lee, "Pseudo-Label", 2013). Some 8 minutes on one thread, and
3 for each round. Each seed is written to ``benchmarks/results`` as soon as it is done.
After each round the classifier is kept in ``--checkpoint-dir``, from where a killed run
goes on, and one that is done where more ``--rounds`` are asked for.

Test labels are looked at when all rounds are done. With ``--validate`` the last 10,000
of the training rows stand in for test rows. On these, with 100 labels drawn by seed 0,
all settings were chosen.
"""

import argparse
import pickle
import time
from pathlib import Path

import numpy as np

from benchmarks import _data, _results
from benchmarks.published import CHECKPOINTS
from sklearn_ladder import LadderClassifier, recipes

# Probability above which a prediction is taken for a label.
THRESHOLD = 0.99
# As many as half an hour on two cores has room for, at 30 seconds an epoch.
N_ROUNDS = 11
ROUND = {"max_epochs": 4, "learning_rate": 0.004, "decay_start": 0}


def with_pseudo_labels(y, proba):
    """Labels, and the predictions for those unlabeled rows that are sure.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        Class codes; -1 where there is no label.
    proba : ndarray of shape (n_rows, n_classes)

    Returns
    -------
    ndarray of shape (n_rows,)
    """
    is_sure = (y == -1) & (proba.max(axis=1) > THRESHOLD)
    return np.where(is_sure, proba.argmax(axis=1), y)


def train(clf, X, y_few, n_rounds):
    """Train by the recipe, then round by round; yields the classifier after each.

    One that is fitted already has had the recipe, and goes on.
    """
    clf.set_params(warm_start=True)
    if not hasattr(clf, "net_"):
        yield clf.fit(X, y_few)
    clf.set_params(**ROUND)
    for _ in range(n_rounds):
        yield clf.fit(X, with_pseudo_labels(y_few, clf.predict_proba(X)))


def run(path, settings, X, y_few, X_test, n_rounds):
    """Train one classifier, and predict test rows after each round.

    Parameters
    ----------
    path : Path
        Where the classifier is kept, with its predictions so far.
    settings : dict
        Of the run. A file that is of another one is not taken.
    X, X_test : ndarray of shape (n_rows, n_features)
    y_few : ndarray of shape (n_rows,)
    n_rounds : int

    Returns
    -------
    clf : LadderClassifier
    predictions : list of ndarray
        Classes of the test rows, after the recipe and after each round.
    minutes : list of float
        Since the start.
    """
    parameters = settings["parameters"]
    # not the number itself, by which each round would draw the same noise again
    random_state = np.random.RandomState(settings["seed"])
    clf = LadderClassifier(**parameters, random_state=random_state)
    predictions, minutes = [], []
    if path.exists():
        kept = pickle.loads(path.read_bytes())
        if kept["settings"] == settings:
            clf, predictions, minutes = (
                kept[name] for name in ("clf", "predictions", "minutes")
            )
    start = time.perf_counter() - 60 * max(minutes, default=0)
    n_left = n_rounds + 1 - max(len(predictions), 1)
    for fitted in train(clf, X, y_few, n_left):
        minutes.append(round((time.perf_counter() - start) / 60, 2))
        predictions.append(fitted.predict(X_test))
        state = {"clf": fitted, "predictions": predictions, "minutes": minutes}
        with _results.replacing(path) as partial:
            partial.write_bytes(pickle.dumps({"settings": settings} | state))
        print(f"{path.stem}: {len(minutes) - 1} rounds, {minutes[-1]} min", flush=True)
    return clf, predictions, minutes


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
        name = f"self-training-mnist-{arguments.labels}-{seed}"
        if arguments.validate:
            name += "-validation"
        settings = _results.as_json(
            {
                "recipe": recipe,
                "seed": seed,
                "parameters": recipes.get(recipe),
                "round": ROUND,
                "noise_of_each_round": "its own",
                "threshold": THRESHOLD,
            }
        )
        done = _results.read(name)
        if (
            done is not None
            and settings.items() <= done.items()
            and len(done["minutes"]) > arguments.rounds
        ):
            continue
        clf, predictions, minutes = run(
            arguments.checkpoint_dir / f"{name}.pickle",
            settings,
            X,
            _data.keep_labels(y, arguments.labels // 10, seed),
            X_test,
            arguments.rounds,
        )
        errors = [
            round(100 * float(np.mean(found != y_test)), 3) for found in predictions
        ]
        print(f"{name}: {errors} %", flush=True)
        result = {
            "error_percent": errors,
            "minutes": minutes,
            "device": clf.device_,
        }
        _results.write(name, settings | result | _results.provenance())


if __name__ == "__main__":
    main()
