"""Few labels on many tables: the ladder network beside what else there is.

``python -m benchmarks.tabular``: 5, 10 and 25 labels per class, all other training rows
unlabeled, 20 % of the rows to test on. With ``--setting uniform`` as many labels as 10
per class, drawn uniformly from the training rows. Every method gets the same rows,
columns and labels; nothing is tuned. Each run is a line in ``benchmarks/results``; runs
that are there already are skipped, so that it may be stopped at any time. Many hours.

``--summary`` makes ``tabular.json`` and ``docs/tabular.png`` of the runs there are.
"""

import argparse
import json
import time
import warnings
from functools import lru_cache

import numpy as np
import torch
from joblib import Parallel, delayed
from sklearn.compose import make_column_transformer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from benchmarks import _results, tabular_summary
from benchmarks._data import keep_labels, keep_labels_anywhere, load_table, table_names
from benchmarks._methods import METHODS, fit
from benchmarks._scores import scores

DRAWS = {"per class": keep_labels, "uniform": keep_labels_anywhere}
LABELS = {"per class": [5, 10, 25], "uniform": [10]}
KEY = ["table", "seed", "labels", "method"]


def preprocessing(types):
    """Columns as numbers of mean 0 and variance 1: categories one-hot, others as is.

    Categories of less than 1 % of the rows are one.
    """
    categories = OneHotEncoder(
        handle_unknown="ignore", min_frequency=0.01, sparse_output=False
    )
    categorical = [name for name, kind in types.items() if kind == "categorical"]
    columns = make_column_transformer(
        (categories, categorical), remainder="passthrough"
    )
    return make_pipeline(columns, StandardScaler())


def split(X, y, types, seed):
    """Training and test rows as every method gets them, classes as codes 0, 1, …."""
    _, codes = np.unique(y, return_inverse=True)
    X_train, X_test, y_train, y_test = train_test_split(
        X, codes, test_size=0.2, stratify=codes, random_state=seed
    )
    columns = preprocessing(types).fit(X_train)
    return columns.transform(X_train), columns.transform(X_test), y_train, y_test


@lru_cache(maxsize=1)
def split_table(table, data_dir, seed):
    return split(*load_table(table, data_dir), seed)


def fit_and_score(rows, setting, labels, method, seed):
    """Scores on the test rows, and seconds of the fit; or the error that it raised."""
    X_train, X_test, y_train, y_test = rows
    y_few = DRAWS[setting](y_train, labels, seed)
    n_classes = y_train.max() + 1
    torch.set_num_threads(1)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of convergence
        start = time.perf_counter()
        try:
            clf = fit(method, X_train, y_few, seed)
            seconds = time.perf_counter() - start
            # a class without labels has probability 0
            probabilities = np.zeros((len(y_test), n_classes))
            probabilities[:, clf.classes_] = clf.predict_proba(X_test)
        except Exception as error:  # any: the other runs must go on
            return {"error": f"{type(error).__name__}: {error}"[:300]}
    # label spreading knows nothing of rows that it does not reach
    probabilities = np.nan_to_num(probabilities, nan=1 / n_classes)
    found = scores(y_test, probabilities) | {"fit_seconds": seconds}
    return {name: round(value, 5) for name, value in found.items()}


def one_run(setting, data_dir, table, seed, labels, method):
    """A line of the results."""
    rows = split_table(table, data_dir, seed)
    found = fit_and_score(rows, setting, labels, method, seed)
    return dict(zip(KEY, (table, seed, labels, method), strict=True)) | found


def missing_runs(path, arguments, tables):
    """Runs that are not in the file yet; all tables with the first seed come first."""
    done = {tuple(run[key] for key in KEY) for run in _results.read_lines(path)}
    runs = [
        (table, seed, labels, method)
        for seed in range(arguments.seeds)
        for table in tables
        for labels in arguments.labels or LABELS[arguments.setting]
        for method in arguments.methods
    ]
    return [run for run in runs if run not in done]


def forget(path, methods):
    """Take the runs of these methods out of the file."""
    kept = [run for run in _results.read_lines(path) if run["method"] not in methods]
    partial = path.with_suffix(".partial")
    partial.write_text("".join(json.dumps(run) + "\n" for run in kept))
    partial.replace(path)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--setting", choices=DRAWS, default="per class", help="how labels are drawn")
    add("--tables", nargs="+", metavar="TABLE", help="default: all")
    add("--methods", nargs="+", choices=METHODS, default=list(METHODS), metavar="NAME")
    add("--labels", nargs="+", type=int, metavar="N", help="per class, on average")
    add("--seeds", type=int, default=3, help="number of splits and draws")
    add("--jobs", type=int, default=2, help="processes of one thread each")
    add("--data-dir")
    add("--again", nargs="+", choices=METHODS, default=[], metavar="NAME",
        help="drop the runs of these methods first")  # fmt: skip
    add("--summary", action="store_true", help="of the runs there are")
    arguments = parser.parse_args()
    if arguments.summary:
        tabular_summary.main()
        return
    if "tri-training" not in METHODS:
        print("tri-training is left out: sslearn is not installed")
    path = _results.FOLDER / f"tabular-{arguments.setting.replace(' ', '-')}.jsonl"
    if arguments.again:
        forget(path, arguments.again)
    tables = arguments.tables or table_names(arguments.data_dir)
    runs = missing_runs(path, arguments, tables)
    print(f"{len(runs)} runs to do")
    parallel = Parallel(arguments.jobs, return_as="generator_unordered")
    found = parallel(
        delayed(one_run)(arguments.setting, arguments.data_dir, *run) for run in runs
    )
    with path.open("a") as file:
        for run in found:
            print(json.dumps(run), file=file, flush=True)
            print(*run.values(), flush=True)


if __name__ == "__main__":
    main()
