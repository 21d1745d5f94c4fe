"""MNIST in minutes: the quick recipes, and what learning from own predictions adds.

``python -m benchmarks.quick --labels 100 --seeds 0 1 2`` trains
``recipes.get("quick-mnist-100-full")``, then in four rounds goes on with the
predictions that it is sure of as labels. Each seed is written to ``benchmarks/results``
as soon as it is done, and not run again. A fit takes some 15 minutes on one thread.

Test rows are looked at when all is done: the errors after each round are of networks
that were kept. With ``--validate`` the last 10,000 of the training rows stand in for
them; on these, with 100 labels drawn by seed 0, all settings were chosen.
"""

import argparse
import time
from copy import deepcopy

import numpy as np

from benchmarks import _data, _results
from benchmarks.published import error_percent
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


def train(n_labels, X, y_few, seed):
    """The classifiers after the recipe and after each round, and all minutes so far."""
    start = time.perf_counter()
    recipe = recipes.get(f"quick-mnist-{n_labels}-full")
    clf = LadderClassifier(**recipe, warm_start=True, random_state=seed)
    clf.fit(X, y_few)
    stages, minutes = [deepcopy(clf)], [(time.perf_counter() - start) / 60]
    clf.set_params(**ROUND)
    for _ in range(N_ROUNDS):
        clf.fit(X, with_own_labels(clf, X, y_few))
        stages.append(deepcopy(clf))
        minutes.append((time.perf_counter() - start) / 60)
    return stages, minutes


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--labels", type=int, default=100, choices=[50, 100])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--validate", action="store_true")
    parser.add_argument("--data-dir")
    arguments = parser.parse_args(arguments)
    X, y, X_test, y_test = _data.load_mnist(arguments.data_dir)
    if arguments.validate:
        X, y, X_test, y_test = _data.hold_out_last(X, y)
    for seed in arguments.seeds:
        name = f"quick-mnist-{arguments.labels}-{seed}"
        if arguments.validate:
            name += "-validation"
        if _results.read(name):
            continue
        y_few = _data.keep_labels(y, arguments.labels // 10, seed)
        stages, minutes = train(arguments.labels, X, y_few, seed)
        errors = [error_percent(clf, X_test, y_test) for clf in stages]
        print(name, errors, "%", np.round(minutes, 1), "min", flush=True)
        result = {
            "labels": arguments.labels,
            "seed": seed,
            "error_percent": errors,
            "minutes": np.round(minutes, 2).tolist(),
            "device": stages[-1].device_,
            "recipe": recipes.get(f"quick-mnist-{arguments.labels}-full"),
            "rounds": N_ROUNDS,
            "round": ROUND,
            "threshold": THRESHOLD,
        }
        _results.write(name, result | _results.provenance())


if __name__ == "__main__":
    main()
