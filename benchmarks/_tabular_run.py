"""One run of ``benchmarks.tabular``: rows, a draw of labels, a fit and its scores.

Apart from the program, because other processes import it.
"""

import time
import warnings
from functools import lru_cache

import numpy as np
import torch
from sklearn.compose import make_column_transformer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from benchmarks._data import keep_labels, keep_labels_anywhere, load_table
from benchmarks._methods import fit
from benchmarks._scores import scores

DRAWS = {"per-class": keep_labels, "uniform": keep_labels_anywhere}
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
    with warnings.catch_warnings():
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
    torch.set_num_threads(1)
    with threadpool_limits(1):
        found = fit_and_score(rows, setting, labels, method, seed)
    return dict(zip(KEY, (table, seed, labels, method), strict=True)) | found
