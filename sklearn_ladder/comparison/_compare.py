"""Cross-validation of methods on the labeled samples of a table."""

from __future__ import annotations

import time
import warnings
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import clone
from sklearn.ensemble._base import _set_random_states
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, recall_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import (
    _safe_indexing,
    check_consistent_length,
    check_scalar,
    indexable,
)

from .._one_hot import OneHotColumns, all_declared, takes_categories
from .._user_warnings import warn_user
from ..data._labels import UNLABELED, class_names, encode_labels, warn_of_order
from ..data._missing import table_columns
from ..data._precision import first_of
from ..ensemble._base import class_proba
from ..ensemble._codes import name_codes
from ..model_selection import LabeledStratifiedKFold
from . import _methods
from ._result import Comparison

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .._typing import Estimator, LabelsLike, MatrixLike

# Smallest in the log-loss, because some methods are sure and wrong.
SMALLEST_PROBABILITY = 1e-3
MOST_FOLDS, MOST_REPEATS = 5, 10
# An interval needs two folds, but with two it is too wide to be of use.
FEWEST_FOLDS = 3


def compare(
    X: MatrixLike,
    y: LabelsLike,
    *,
    methods: Mapping[str, Estimator] | None = None,
    max_time: float | None = None,
    random_state: int = 0,
    progress: Callable[[str], object] | None = None,
) -> Comparison:
    """Compare methods on the labeled samples of a table.

    Each fold holds out some of the labels. Methods train on the other labels and on all
    unlabeled samples, and are scored on the held-out samples.

    Parameters
    ----------
    X : DataFrame, array-like or sparse matrix of shape (n_samples, n_features)
        Categories and missing values may stay. Pipelines, and methods that take
        categories, get a frame as it is; other methods get one-hot columns.

    y : array-like of shape (n_samples,)
        Class labels; -1 or a missing value marks an unlabeled sample.

    methods : dict of str to classifier, default=None
        Classifiers with `predict_proba`. A method that does not take -1
        (:func:`~sklearn_ladder.ensemble.is_semi_supervised`) gets the labeled samples
        only. All get class codes 0, 1, … in place of labels; parameters that name
        classes still name labels, as in
        :class:`~sklearn_ladder.ensemble.SemiSupervisedVotingClassifier`. To keep the
        default methods, write ``{**default_methods(), "mine": …}``. A
        :class:`~sklearn_ladder.ensemble.SemiSupervisedVotingClassifier` is not
        fitted if its members are other methods (the same objects) and its `class_prior`
        is None, since it follows from their probabilities. The advice is about the
        methods named "ladder", "ladder, labels only", "vote" and "majority class". None
        is
        :func:`default_methods`.

    max_time : float, default=None
        Seconds for repetitions of the five folds, at most ten, with other folds each
        time. After the first three, a fold begins only if it will probably end in time.
        None is one repetition without a limit.

    random_state : int, default=0
        Determines folds and all that is random in the methods.

    progress : callable, default=None
        Called with a line of text after each fold.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If no sample is labeled, fewer than two classes have two labels, `y` looks like
        the target of a regression, or a parameter is not as described.
    TypeError
        If `methods` is no dict, or a parameter has another type.

    Warns
    -----
    UserWarning
        If a class has a single label, which is then for training and is not tested; if
        a column is a running number; and what the methods warn of in the first fold,
        except convergence.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn.semi_supervised import LabelSpreading
    >>> from sklearn_ladder.comparison import compare
    >>> from sklearn_ladder.model_selection import hide_labels
    >>> X, y = load_iris(return_X_y=True)
    >>> methods = {"spreading": LabelSpreading(), "Bayes": GaussianNB()}
    >>> found = compare(X, hide_labels(y, n=40, random_state=0), methods=methods)
    >>> found.table.index.tolist(), len(found.folds)
    (['spreading', 'Bayes'], 10)
    """
    n_repeats, limit = 1, np.inf
    if max_time is not None:
        check_scalar(max_time, "max_time", Real, min_val=0)
        n_repeats, limit = MOST_REPEATS, max_time
    check_scalar(random_state, "random_state", Integral, min_val=0)
    if not hasattr(X, "columns"):
        X, _ = indexable(X, None)
    labels = encode_labels(y)
    codes = labels.codes
    check_consistent_length(X, codes)
    warn_of_order(X, y)
    n_splits, tested = _n_splits(labels), _tested(labels)
    _warn_of_row_numbers(X)
    if methods is None:
        methods = _methods.default_methods(sparse.issparse(X))
    checked, means = _methods.checked_methods(methods), _methods.means_of(methods)

    start = time.perf_counter()
    scores: list[dict[str, object]] = []
    folds = _folds(X, tested, n_splits, n_repeats, random_state)
    for repeat, fold, train, test in _within_time(limit, folds):
        probas = _probas(
            *(checked, means, random_state + repeat, labels.classes),
            *(_safe_indexing(X, train), codes[train], _safe_indexing(X, test)),
            warns=not scores,
        )
        for name, (proba, seconds) in probas.items():
            row = {"repeat": repeat, "fold": fold, "method": name}
            scores.append(row | _scores(codes[test], proba) | {"seconds": seconds})
        if progress is not None:
            seconds = time.perf_counter() - start
            of = f"{seconds / (fold + 1) * n_splits:.0f}" if max_time is None else limit
            progress(
                f"repetition {repeat + 1}, fold {fold + 1} of {n_splits}: "
                f"{seconds:.0f} of about {of} s"
            )
    n_labels = np.bincount(codes[codes != UNLABELED])
    return Comparison(
        pd.DataFrame(scores),
        n_splits,
        dict(zip(class_names(labels.classes), n_labels.tolist(), strict=True)),
        int(np.count_nonzero(codes == UNLABELED)),
    )


def _n_splits(labels):
    """Number of folds, after checks of the labels.

    A class with fewer labels is missing from some test folds.
    """
    classes = labels.classes
    counts = np.bincount(labels.codes[labels.codes != UNLABELED])
    if classes.dtype.kind in "iuf" and len(counts) > max(10, counts.sum() / 3):
        raise ValueError(
            f"y must have classes that repeat; got {len(counts)} different numbers in "
            f"{counts.sum()} labels, which looks like regression."
        )
    if np.count_nonzero(counts > 1) < 2:
        raise ValueError(
            "y must have at least 2 classes with at least 2 labels each, one to learn "
            f"from and one to test on; got {counts.tolist()} labels of the classes "
            f"{first_of(class_names(classes))}. Label more samples."
        )
    return int(min(MOST_FOLDS, counts.max()))


def _tested(labels):
    """Class codes, without the only label of a class, which stays in training."""
    counts = np.bincount(labels.codes[labels.codes != UNLABELED])
    only = np.flatnonzero(counts == 1)
    if len(only):
        warn_user(
            f"The classes {first_of(class_names(labels.classes[only]))} have a single "
            "label, which is for training: they are not tested."
        )
    return np.where(np.isin(labels.codes, only), UNLABELED, labels.codes)


def _warn_of_row_numbers(X):
    """Warn of columns that count the samples: order may tell the class."""
    if not hasattr(X, "columns"):
        return
    for name, column in zip(X.columns, table_columns(X)[0], strict=True):
        numbers = np.asarray(column)
        if numbers.dtype.kind not in "iu" or len(numbers) < 2:
            continue
        steps = np.diff(numbers.astype(np.int64))
        if abs(steps[0]) == 1 and (steps == steps[0]).all():
            warn_user(
                f"Column {name!r} of X is a running number. If samples are sorted by "
                "class, this column tells the class, and all scores are too good: drop "
                "it."
            )


def _folds(X, tested, n_splits, n_repeats, random_state):
    """Numbers of repetition and fold, and training and test samples."""
    for repeat in range(n_repeats):
        folds = LabeledStratifiedKFold(
            n_splits, shuffle=True, random_state=random_state + repeat
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of classes that some test folds lack
            splits = list(folds.split(X, tested))
        for fold, (train, test) in enumerate(splits):
            yield repeat, fold, train, test


def _within_time(limit, folds):
    """Yield folds until the next one would probably end after `limit` seconds."""
    start = time.perf_counter()
    for n_done, fold in enumerate(folds):
        seconds = time.perf_counter() - start
        seconds_after_next = seconds * (n_done + 1) / max(n_done, 1)
        if n_done >= FEWEST_FOLDS and seconds_after_next > limit:
            return
        yield fold


def _probas(methods, means, seed, classes, X, codes, X_test, warns=False):
    """Class probabilities of the test samples and seconds, by method.

    Seconds are those of fit and prediction; of a mean, the sum of its members'.
    """
    found, seen, are_declared = {}, {}, all_declared(X)
    for name, method in methods.items():
        if name not in means:
            start = time.perf_counter()
            proba, messages = _fit_and_predict(
                *(name, method, are_declared, seed, classes, X, codes, X_test)
            )
            found[name] = proba, time.perf_counter() - start
            seen = dict.fromkeys([*seen, *messages])
    if warns:
        for message in seen:
            warn_user(message)
    for name, weights in means.items():
        members = [found[member] for member in weights]
        probas, seconds = zip(*members, strict=True)
        proba = np.average(probas, axis=0, weights=list(weights.values()))
        found[name] = proba, sum(seconds)
    return {name: found[name] for name in methods}


def _fit_and_predict(name, method, are_declared, seed, classes, X, codes, X_test):
    """Class probabilities of the test samples, and the warnings of `fit`."""
    fitted = clone(method)
    if not takes_categories(method, are_declared):
        fitted = make_pipeline(OneHotColumns(), fitted)
    _set_random_states(fitted, seed)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            name_codes(fitted, classes)
            fitted.fit(X, codes)
            messages = [
                str(each.message)
                for each in caught
                if not issubclass(each.category, ConvergenceWarning)
            ]
            # its warnings are of categories that only the held-out samples have
            proba = class_proba(f"methods: {name!r}", fitted, X_test, len(classes))
            return proba, messages
        except Exception as error:
            error.add_note(f"This was raised by methods: {name!r}.")
            if isinstance(method, Pipeline) and hasattr(X, "columns"):
                error.add_note(
                    "A pipeline gets the frame as it is: let its first step encode "
                    "categories."
                )
            raise


def _scores(codes, proba):
    """Scores of labeled samples."""
    predicted = proba.argmax(axis=1)
    # float64: otherwise a float32 method differs by rounding from a mean of itself
    of_truth = proba[np.arange(len(codes)), codes].astype(np.float64)
    recall = recall_score(codes, predicted, labels=np.unique(codes), average="macro")
    return {
        "accuracy": float(accuracy_score(codes, predicted)),
        "balanced_accuracy": float(recall),
        "log_loss": float(-np.log(of_truth.clip(SMALLEST_PROBABILITY)).mean()),
    }
