"""Default fits and a search, of this code and of others.

What is timed:

- fits of three tables: iris, digits and ``make_classification(10000, 50)``, with ten
  labels per class (`TABLES`);
- a search of 12 settings by 5 folds on digits (`search`).

``benchmarks.speed`` times the fits beside other classifiers (`beside_others`), and
``benchmarks.against`` both beside another commit. So this file imports nothing of the
package by itself, and takes only what each commit has.
"""

import json
import sys
import time

import numpy as np
from sklearn.datasets import load_digits, load_iris, make_classification

SEED = 0
GRID = {
    "denoising_cost": [0.1, 1.0, 10.0],
    "noise_std": [0.2, 0.4],
    "learning_rate": [0.001, 0.002],
}


def _keep_labels(X, y):
    """Ten labels per class: X, true y, y with -1."""
    rng, kept = np.random.RandomState(SEED), np.full_like(y, -1)
    for label in np.unique(y):
        rows = rng.choice(np.flatnonzero(y == label), 10, replace=False)
        kept[rows] = label
    return X, y, kept


TABLES = {
    "iris": lambda: _keep_labels(*load_iris(return_X_y=True)),
    "digits": lambda: _keep_labels(*load_digits(return_X_y=True)),
    "10,000 × 50": lambda: _keep_labels(
        *make_classification(10_000, 50, random_state=SEED)
    ),
}


def ladder():
    """A ladder with defaults."""
    from sklearn_ladder import LadderClassifier

    return LadderClassifier(random_state=SEED)


def fit(make, name):
    """Fit a classifier to a table.

    Parameters
    ----------
    make : callable
    name : str
        Key of `TABLES`.

    Returns
    -------
    dict
        "seconds", and "accuracy" on the samples whose labels were hidden.
    """
    X, y, y_few = TABLES[name]()
    start = time.perf_counter()
    clf = make().fit(X, y_few)
    seconds = time.perf_counter() - start
    hidden = y_few == -1
    return {
        "seconds": seconds,
        "accuracy": float(np.mean(clf.predict(X[hidden]) == y[hidden])),
    }


def search(n_jobs=1):
    """Grid search on digits: "seconds" of the 60 fits, and the best mean "accuracy"."""
    from sklearn.model_selection import GridSearchCV

    from sklearn_ladder.model_selection import LabeledStratifiedKFold

    X, _, y_few = TABLES["digits"]()
    found = GridSearchCV(
        ladder(), GRID, cv=LabeledStratifiedKFold(5), refit=False, n_jobs=n_jobs
    )
    start = time.perf_counter()
    found.fit(X, y_few)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "accuracy": float(found.best_score_)}


def _other_methods():
    """Classifiers that the default fits stand beside, by name."""
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier

    from sklearn_ladder.ensemble import LabeledOnlyClassifier

    forest = ExtraTreesClassifier(random_state=SEED)
    return {
        "extra trees": lambda: LabeledOnlyClassifier(forest),
        "label spreading": lambda: make_pipeline(
            StandardScaler(), LabelSpreading("knn", n_neighbors=7)
        ),
        "self-training of extra trees": lambda: SelfTrainingClassifier(forest),
    }


def beside_others(n_repeats):
    """Median seconds, and accuracy, of default fits: by table, then by method."""
    methods = {"ladder": ladder} | _other_methods()
    results = {}
    for table in TABLES:
        runs = {name: [] for name in methods}
        for _ in range(1 + n_repeats):  # the first one warms up
            for name, make in methods.items():
                runs[name].append(fit(make, table))
        results[table] = {
            name: {
                "seconds": float(np.median([run["seconds"] for run in fits[1:]])),
                "accuracy": fits[-1]["accuracy"],
            }
            for name, fits in runs.items()
        }
    return results


# By name, for ``benchmarks.against``.
TASKS = {name: lambda name=name: fit(ladder, name) for name in TABLES} | {
    f"search, {n_jobs} jobs": lambda n_jobs=n_jobs: search(n_jobs) for n_jobs in (1, 2)
}


def work():
    """Run the tasks that come as lines, and answer with a line of JSON each."""
    for line in sys.stdin:
        print(json.dumps(TASKS[line.strip()]()), flush=True)


if __name__ == "__main__":
    work()
