"""Do my unlabeled samples help, and what should I use?

:func:`compare` answers by cross-validation of the labeled samples of a table.
``python -m sklearn_ladder compare FILE --target COLUMN`` does so for a file.
"""

import json
import time
import warnings

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.ensemble._base import _set_random_states
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.utils import _safe_indexing, get_tags, indexable
from sklearn.utils._optional_dependencies import check_matplotlib_support

from ._classifier import LadderClassifier
from ._one_hot import OneHotColumns
from .data._labels import UNLABELED, encode_labels
from .ensemble import LabeledOnlyClassifier, SemiSupervisedVotingClassifier
from .model_selection import LabeledStratifiedKFold
from .robustness._display import EXTRA

__all__ = ["Comparison", "compare", "default_methods"]

LADDER, SUPERVISED, VOTE = "ladder", "ladder, labels only", "vote"
SCORES = {"accuracy": 1, "balanced_accuracy": 1, "log_loss": -1}  # and what is better
# In the log-loss: some methods are sure, and wrong.
SMALLEST_PROBABILITY = 1e-3
# With fewer labels there is a score, but no advice: the interval of an accuracy is as
# wide as differences between methods ever are.
FEWEST_LABELS = 20
MOST_FOLDS, MOST_REPEATS = 5, 10
CONFIDENCE = 0.95


def default_methods():
    """The methods that are compared.

    Returns
    -------
    dict of str to classifier
        None has a class prior of its own: held-out labels are as frequent as the labels
        that methods learn from, whatever the unlabeled samples are.
    """
    regression = make_pipeline(
        SimpleImputer(keep_empty_features=True),
        StandardScaler(),
        LabeledOnlyClassifier(LogisticRegression(C=0.1, max_iter=1000)),
    )
    return {
        LADDER: LadderClassifier(class_prior=None),
        SUPERVISED: LadderClassifier(class_prior=None, variant="supervised"),
        "random forest": LabeledOnlyClassifier(RandomForestClassifier()),
        "linear model": regression,
        "self-training, forest": SelfTrainingClassifier(RandomForestClassifier()),
        VOTE: SemiSupervisedVotingClassifier(class_prior=None),
    }


def compare(X, y, *, methods=None, budget=None, random_state=0, progress=None):
    """Compare methods on the labeled samples of a table.

    Labels are held out fold by fold; all unlabeled samples are for training. So each
    score is of labeled samples only.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_samples, n_features)
        Categories of a frame may stay: methods that do not take them get the one-hot
        columns that `LadderClassifier` makes. Missing values may stay.

    y : array-like of shape (n_samples,)
        Class labels; -1 or a missing value marks an unlabeled sample.

    methods : dict of str to classifier, default=None
        They take -1, and missing values if there are any. None is
        :func:`default_methods`.

    budget : float, default=None
        Seconds. Folds are repeated, in another way each time, until they are spent, at
        most ten times. At least all folds are done once. None is one repetition.

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
        If a class has only one label, or `y` looks like numbers to be regressed on.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn.semi_supervised import LabelSpreading
    >>> from sklearn_ladder.comparison import compare
    >>> from sklearn_ladder.ensemble import LabeledOnlyClassifier
    >>> from sklearn_ladder.model_selection import hide_labels
    >>> X, y = load_iris(return_X_y=True)
    >>> methods = {
    ...     "spreading": LabelSpreading(),
    ...     "Bayes": LabeledOnlyClassifier(GaussianNB()),
    ... }
    >>> found = compare(X, hide_labels(y, n=40, random_state=0), methods=methods)
    >>> found.table.index.tolist(), len(found.folds)
    (['spreading', 'Bayes'], 10)
    """
    if not hasattr(X, "columns"):
        X, _ = indexable(X, None)
    labels = encode_labels(y)
    codes, n_classes = labels.codes, len(labels.classes)
    n_splits = _n_splits(labels)
    methods = default_methods() if methods is None else methods
    start, lines = time.perf_counter(), []
    for repeat in range(1 if budget is None else MOST_REPEATS):
        seconds_of_one = (time.perf_counter() - start) / max(repeat, 1)
        if repeat and time.perf_counter() - start + seconds_of_one > budget:
            break
        folds = LabeledStratifiedKFold(
            n_splits, shuffle=True, random_state=random_state + repeat
        )
        for fold, (train, test) in enumerate(folds.split(X, codes)):
            for name, method in methods.items():
                scores = _score(
                    method,
                    (_safe_indexing(X, train), codes[train]),
                    (_safe_indexing(X, test), codes[test]),
                    n_classes,
                    random_state + repeat,
                )
                lines.append({"repeat": repeat, "fold": fold, "method": name} | scores)
            if progress is not None:
                seconds = time.perf_counter() - start
                progress(
                    f"repetition {repeat + 1}, fold {fold + 1} of {n_splits}: "
                    f"{seconds:.0f} s"
                )
    n_labels = np.bincount(codes[codes != UNLABELED])
    return Comparison(
        pd.DataFrame(lines),
        n_splits,
        dict(zip(labels.classes.tolist(), n_labels.tolist(), strict=True)),
        int(np.count_nonzero(codes == UNLABELED)),
    )


def _n_splits(labels):
    """Number of folds, after checks of the labels."""
    counts = np.bincount(labels.codes[labels.codes != UNLABELED])
    if labels.classes.dtype.kind in "iuf" and len(counts) > max(10, counts.sum() / 3):
        raise ValueError(
            f"y must have classes that repeat; got {len(counts)} different numbers in "
            f"{counts.sum()} labels, which looks like regression."
        )
    if counts.min() < 2:
        rare = labels.classes[counts < 2].tolist()
        raise ValueError(
            "y must have at least 2 labels of each class, one to learn from and one to "
            f"test on; too few labels of {rare}. Label more samples, or leave these "
            "classes out."
        )
    return int(min(MOST_FOLDS, counts.min()))


def _score(method, training, test, n_classes, seed):
    """Scores of a fold, and seconds of fit and prediction."""
    (X, codes), (X_test, codes_test) = training, test
    fitted = clone(method)
    if not get_tags(method).input_tags.string:
        fitted = make_pipeline(OneHotColumns(), fitted)
    _set_random_states(fitted, seed)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of convergence, and unknown categories
        fitted.fit(X, codes)
        proba = fitted.predict_proba(X_test)
    seconds = time.perf_counter() - start
    proba = np.nan_to_num(proba, nan=1 / n_classes)
    of_truth = proba[np.arange(len(codes_test)), codes_test]
    predicted = proba.argmax(axis=1)
    return {
        "accuracy": float(accuracy_score(codes_test, predicted)),
        "balanced_accuracy": float(balanced_accuracy_score(codes_test, predicted)),
        "log_loss": float(-np.log(of_truth.clip(SMALLEST_PROBABILITY)).mean()),
        "seconds": seconds,
    }


class Comparison:
    """Scores of methods on the same folds of labeled samples.

    :func:`compare` makes it.

    Parameters
    ----------
    folds : DataFrame
        A line for each method and fold, with scores.
    n_splits : int
    n_labels : dict of class to int
    n_unlabeled : int

    Attributes
    ----------
    table : DataFrame of shape (n_methods, n_scores)
        Means over folds and, with ±, half the width of their 95 % intervals; best
        log-loss first.
    """

    def __init__(self, folds, n_splits, n_labels, n_unlabeled):
        self.folds = folds
        self.n_splits = n_splits
        self.n_labels = n_labels
        self.n_unlabeled = n_unlabeled

    @property
    def table(self):
        """Means of the scores, with half the width of their intervals."""
        columns = {}
        for score in SCORES:
            by_fold = self._by_fold(score)
            columns[score] = by_fold.mean()
            columns[f"{score} ±"] = by_fold.apply(self._half_width)
        columns["seconds"] = self._by_fold("seconds").mean()
        return pd.DataFrame(columns).sort_values("log_loss")

    def difference(self, method, other, score="log_loss"):
        """Mean difference of two methods over the folds, with its 95 % interval.

        Folds share training samples, so that their scores vary less than those of
        independent samples would. The interval is that of the corrected resampled
        t-test.

        Parameters
        ----------
        method, other : str
        score : {"accuracy", "balanced_accuracy", "log_loss"}, default="log_loss"

        Returns
        -------
        mean, low, high : float
            Of `method` minus `other`.

        References
        ----------
        Nadeau, Bengio, "Inference for the Generalization Error", Machine Learning 52,
        2003, :doi:`10.1023/A:1024068626366`.
        """
        by_fold = self._by_fold(score)
        gap = by_fold[method] - by_fold[other]
        width = self._half_width(gap)
        return float(gap.mean()), float(gap.mean() - width), float(gap.mean() + width)

    @property
    def advice(self):
        """One paragraph: whether unlabeled samples help, and what to use."""
        n_labels = sum(self.n_labels.values())
        if n_labels < FEWEST_LABELS:
            return (
                f"{n_labels} labels are too few to tell methods apart. Without any "
                f"evidence, use the vote; label at least {FEWEST_LABELS} samples, some "
                "of each class, and compare again."
            )
        return " ".join([self._on_unlabeled(), self._what_to_use(n_labels)])

    def _on_unlabeled(self):
        names = set(self.folds["method"])
        if not {LADDER, SUPERVISED} <= names:
            return ""
        mean, low, high = self.difference(LADDER, SUPERVISED)
        accuracy, *_ = self.difference(LADDER, SUPERVISED, "accuracy")
        effect = (
            f"with them the ladder's log-loss changes by {mean:+.3f} "
            f"(95 % interval {low:+.3f} to {high:+.3f}), its accuracy by "
            f"{100 * accuracy:+.1f} points"
        )
        if high < 0:
            return f"The {self.n_unlabeled} unlabeled samples help: {effect}."
        if low > 0:
            return f"The {self.n_unlabeled} unlabeled samples harm: {effect}."
        return (
            f"The labels cannot tell whether the {self.n_unlabeled} unlabeled samples "
            f"help: {effect}."
        )

    def _what_to_use(self, n_labels):
        best = self.table.index[0]
        chosen, reason = best, "it has the least log-loss"
        if VOTE in self.table.index and best != VOTE:
            _, low, _ = self.difference(VOTE, best)
            if low <= 0:
                chosen = VOTE
                reason = f"{best} has less log-loss, but not surely so"
        sure = [
            name
            for name in self.table.index
            if name != chosen and self.difference(name, chosen)[1] > 0
        ]
        others = ", ".join(sure) if sure else "none of the others"
        return (
            f"Use: {chosen} ({reason}). {n_labels} labels show that it is better than "
            f"{others}."
        )

    def to_markdown(self):
        """The table and the advice as Markdown.

        Returns
        -------
        str
        """
        table = self.table
        lines = [
            "| method | accuracy | balanced accuracy | log-loss | seconds |",
            "|---|---|---|---|---|",
        ]
        for name, row in table.iterrows():
            cells = [f"{row[score]:.3f} ± {row[f'{score} ±']:.3f}" for score in SCORES]
            lines.append(f"| {name} | {' | '.join(cells)} | {row['seconds']:.1f} |")
        n_folds = self.folds.groupby("method").size().iloc[0]
        note = f"Mean over {n_folds} folds and half the width of its 95 % interval."
        return "\n".join([*lines, "", note, "", self.advice])

    def to_json(self):
        """Folds, table and advice as JSON.

        Returns
        -------
        str
        """
        return json.dumps(
            {
                "n_labels": {str(name): n for name, n in self.n_labels.items()},
                "n_unlabeled": self.n_unlabeled,
                "table": self.table.round(4).to_dict("index"),
                "advice": self.advice,
                "folds": self.folds.round(4).to_dict("records"),
            },
            indent=1,
        )

    def plot(self, score="log_loss", ax=None):
        """Plot the score of each method with its interval.

        Parameters
        ----------
        score : {"accuracy", "balanced_accuracy", "log_loss"}, default="log_loss"
        ax : matplotlib Axes, default=None
            By default a new figure's.

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        ImportError
            Without matplotlib: the extra "plots" has it.
        """
        check_matplotlib_support(f"Comparison.plot ({EXTRA})")
        import matplotlib.pyplot as plt  # an optional extra

        if ax is None:
            _, ax = plt.subplots(figsize=(7, 3), layout="constrained")
        table = self.table.sort_values(score, ascending=SCORES[score] > 0)
        ax.errorbar(table[score], table.index, xerr=table[f"{score} ±"], fmt="o")
        ax.set_xlabel(f"{score.replace('_', ' ')} (mean, 95 % interval)")
        return ax

    def _by_fold(self, score):
        return self.folds.pivot(
            index=["repeat", "fold"], columns="method", values=score
        )

    def _half_width(self, values):
        from scipy import stats  # late: see LadderClassifier.fit

        # n_test / n_train of the labeled samples is 1 / (n_splits - 1)
        scale = np.sqrt(1 / len(values) + 1 / (self.n_splits - 1))
        quantile = stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)
        return quantile * values.std(ddof=1) * scale
