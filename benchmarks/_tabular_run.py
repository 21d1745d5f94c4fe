"""One run of ``benchmarks.tabular``: rows, a draw of labels, fits and their scores.

Apart from the program, because other processes import it.
"""

import time
import warnings
from functools import lru_cache

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from benchmarks import _methods
from benchmarks._families import DRAWS, FAMILIES
from benchmarks._scores import scores
from sklearn_ladder._class_prior import (
    adjust,
    class_shares,
    find_class_prior,
    resolve_class_prior,
)


@lru_cache(maxsize=1)
def rows_of(family, name, data_dir, split_seed):
    """What `load` of the family gives; several settings take the same rows."""
    return FAMILIES[family].load(name, data_dir, split_seed)


def with_class_prior(proba, proba_unlabeled, codes):
    """Probabilities with the class prior that the ladder's default would assume.

    Parameters
    ----------
    proba, proba_unlabeled : ndarray of shape (n_rows, n_classes)
        Of the rows that are scored, and of the unlabeled training rows.
    codes : ndarray of shape (n_training_rows,)
        Classes, -1 for unlabeled rows. Each class has a label.
    """
    rule = resolve_class_prior("auto", codes, np.arange(proba.shape[1]))
    _, ratio = find_class_prior(rule, codes, proba_unlabeled)
    return adjust(proba, ratio)


def fit_all(X_train, X_test, codes, methods, seed):
    """Probabilities of unlabeled and of test rows, and seconds of the fit, by method.

    Methods that are means take the probabilities of their members. A method that fails
    has an error in their place.
    """
    needed = dict.fromkeys(
        name for method in methods for name in _methods.members(method)
    )
    fitted = {name: _fit(X_train, X_test, codes, name, seed) for name in needed}
    return {method: _mean(fitted, _methods.members(method)) for method in methods}


def _fit(X_train, X_test, codes, method, seed):
    unlabeled = X_train[np.flatnonzero(codes == -1)]
    shares = class_shares(codes, codes.max() + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of convergence
        start = time.process_time()
        try:
            clf = _methods.fit(method, X_train, codes, seed)
            seconds = time.process_time() - start
            probas = [
                _reached(clf.predict_proba(X), shares) for X in (unlabeled, X_test)
            ]
        except Exception as error:  # any: the other runs must go on
            return {"error": f"{type(error).__name__}: {error}"[:200]}
    return {"probas": probas, "seconds": seconds}


def _reached(proba, shares):
    """With the shares of the labels where label spreading has reached no label."""
    return np.where(np.isnan(proba).any(axis=1, keepdims=True), shares, proba)


def _mean(fitted, weights):
    errors = [fitted[name] for name in weights if "error" in fitted[name]]
    if errors:
        return errors[0]
    if len(weights) == 1:
        return fitted[next(iter(weights))]
    probas = [
        np.average(of_members, axis=0, weights=list(weights.values()))
        for of_members in zip(
            *(fitted[name]["probas"] for name in weights), strict=True
        )
    ]
    seconds = sum(fitted[name]["seconds"] for name in weights)
    return {"probas": probas, "seconds": seconds}


def fit_and_score(rows, setting, methods, seed):
    """Scores on the test rows by method: with the label shares, and with EM.

    Returns
    -------
    dict
        Of each method "seconds" of the fit, and scores by class prior, "none" and
        "em"; or the "error" that it raised.
    """
    X_train, X_test, y_train, y_test = rows
    y_few = DRAWS[setting](y_train, seed)
    # a class without labels has probability 0
    known, codes = np.unique(y_few[y_few != -1], return_inverse=True)
    y_codes = np.full(len(y_few), -1)
    y_codes[y_few != -1] = codes
    found = {}
    for method, fit in fit_all(X_train, X_test, y_codes, methods, seed).items():
        if "error" in fit:
            found[method] = fit
            continue
        unlabeled, proba = fit["probas"]
        by_prior = {
            "em": with_class_prior(proba, unlabeled, y_codes),
            "none": proba,
        }
        found[method] = {"seconds": round(fit["seconds"], 3)} | {
            prior: _scores(y_test, proba, known, y_train.max() + 1)
            for prior, proba in by_prior.items()
        }
    return found


def _scores(y_test, proba, known, n_classes):
    all_classes = np.zeros((len(y_test), n_classes))
    all_classes[:, known] = proba
    return {
        name: round(value, 4) for name, value in scores(y_test, all_classes).items()
    }


def one_run(family, data_dir, name, setting, seed, methods):
    """A line of the results."""
    rows = rows_of(family, name, data_dir, seed % FAMILIES[family].n_splits)
    torch.set_num_threads(1)
    with threadpool_limits(1):
        found = fit_and_score(rows, setting, methods, seed)
    return {"table": name, "setting": setting, "seed": seed, "methods": found}
