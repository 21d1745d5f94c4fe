"""What a comparison says: scores, their intervals, and advice."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ._display import ComparisonDisplay
from ._methods import GUESS, LADDER, SUPERVISED, VOTE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from matplotlib.axes import Axes

    from .._typing import Array, Score

SCORES = {"accuracy": 1, "balanced_accuracy": 1, "log_loss": -1}  # and what is better
# With fewer labels there are scores, but no method is recommended: the interval of an
# accuracy is as wide as differences between methods ever are.
FEWEST_LABELS = 20
CONFIDENCE = 0.95
# Probabilities from which on unlabeled samples help, or probably help. Below one minus
# these, they harm or probably harm. At the first one, the interval ends at 0.
SURE, PROBABLE = (1 + CONFIDENCE) / 2, 0.8
MOST_CLASSES_SHOWN = 10
FEATURES = "Look for features that say more about the classes, or label more samples"


class Comparison:
    """Scores of methods on the same folds of labeled samples.

    :func:`compare` makes it.

    Parameters
    ----------
    folds : DataFrame
        One row per method and fold, with scores.
    n_splits : int
        Number of folds of a repetition.
    n_labels : dict of class to int
        Number of labeled samples of each class.
    n_unlabeled : int
        Number of unlabeled samples.

    Attributes
    ----------
    table : DataFrame of shape (n_methods, n_scores)
        Means over folds and, with "low" and "high", their 95 % intervals; best log-loss
        first. "difference" is the log-loss minus that of the first method.

    recommended : str or None
        The method to use: the vote, unless another method is surely better. Without a
        method named "vote", that of the lowest log-loss. None with fewer than 20
        labels, or if the probability that it is better than "majority class" is below
        0.8.

    verdict : {"help", "probably help", "unclear", "probably harm", "harm"} or None
        What unlabeled samples do to the ladder network. None with fewer than 20 labels,
        without unlabeled samples, or without the methods "ladder" and "ladder, labels
        only".

    advice : str
        Both in sentences, and how sure they are.

    Notes
    -----
    Folds share training samples, so their scores vary less than those of independent
    samples would. Therefore all intervals are those of the corrected resampled t-test
    [1]_. Small folds may agree by chance. Therefore intervals of accuracies are at
    least as wide as for equally many independent samples, with two successes and two
    failures added [2]_.

    References
    ----------
    .. [1] Nadeau, Bengio, "Inference for the Generalization Error", Machine Learning
           52, 2003, :doi:`10.1023/A:1024068626366`.
    .. [2] Agresti, Coull, "Approximate is Better than 'Exact' for Interval Estimation
           of Binomial Proportions", The American Statistician 52, 1998,
           :doi:`10.1080/00031305.1998.10480550`.

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
    >>> mean, low, high = found.difference("spreading", "Bayes")
    >>> mean < 0  # spreading has the lower log-loss
    True
    """

    def __init__(
        self,
        folds: pd.DataFrame,
        n_splits: int,
        n_labels: dict[Any, int],
        n_unlabeled: int,
    ) -> None:
        self.folds = folds
        self.n_splits = n_splits
        self.n_labels = n_labels
        self.n_unlabeled = n_unlabeled

    # ----------------------------------------------------------------- scores

    @property
    def table(self) -> pd.DataFrame:
        """Means of the scores, with their intervals."""
        return self._table.copy()

    @cached_property
    def _table(self):
        best = self._by_fold("log_loss").mean().idxmin()
        rows = {}
        for name in self._by_fold("log_loss"):
            row: dict[str, float] = {}
            for score in SCORES:
                found = self._interval(self._by_fold(score)[name], score)
                row |= zip((score, f"{score} low", f"{score} high"), found, strict=True)
            names = ("difference", "difference low", "difference high")
            row |= zip(names, self.difference(name, best), strict=True)
            rows[name] = row | {"seconds": self._by_fold("seconds")[name].mean()}
        table = pd.DataFrame.from_dict(rows, orient="index")
        return table.sort_values("log_loss", kind="stable")

    def difference(
        self, method: str, other: str, score: Score = "log_loss"
    ) -> tuple[float, float, float]:
        """Mean difference of two methods over the folds, with its 95 % interval.

        Parameters
        ----------
        method, other : str
        score : {"accuracy", "balanced_accuracy", "log_loss"}, default="log_loss"

        Returns
        -------
        mean, low, high : float
            Of `method` minus `other`.

        Raises
        ------
        ValueError
            If there is no such method or score.
        """
        return self._interval(self._gaps(method, other, score), score, least=-np.inf)

    def probability(self, method: str, other: str, score: Score = "log_loss") -> float:
        """Probability that a method is better than another, given these folds.

        From the t-distribution of the difference. It is 0.975 if the 95 % interval of
        :meth:`difference` ends at 0.

        Parameters
        ----------
        method, other : str
        score : {"accuracy", "balanced_accuracy", "log_loss"}, default="log_loss"

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If there is no such method or score.
        """
        from scipy import stats  # late: it is slow to import

        gaps = self._gaps(method, other, score)
        width = self._half_width(gaps, score)
        if width == 0:
            return 0.5 + 0.5 * float(np.sign(SCORES[score] * gaps.mean()))
        quantile = stats.t.ppf(SURE, len(gaps) - 1)
        t = SCORES[score] * gaps.mean() / width * quantile
        return float(stats.t.cdf(t, len(gaps) - 1))

    # ----------------------------------------------------------------- advice

    @property
    def _tested(self):
        """Numbers of labels of the classes with several. A single one is not tested."""
        return np.array([n for n in self.n_labels.values() if n > 1], dtype=int)

    @property
    def _n_tested(self):
        return int(self._tested.sum())

    @property
    def recommended(self) -> str | None:
        """The method to use: the vote, unless another method is surely better."""
        if self._n_tested < FEWEST_LABELS:
            return None
        chosen = self._chosen()
        return None if self._beats_guess(chosen) < PROBABLE else chosen

    def _chosen(self):
        """The vote, unless another method is surely better."""
        best = self._table.index[0]
        has_vote = VOTE in self._table.index
        return VOTE if has_vote and self.probability(best, VOTE) < SURE else best

    def _beats_guess(self, method):
        """Probability that a method is better than the one that looks at labels only.

        It is 1 if that one was not compared.
        """
        if method == GUESS:
            return 0.0
        if GUESS not in self._table.index:
            return 1.0
        return self.probability(method, GUESS)

    @property
    def verdict(self) -> str | None:
        """What unlabeled samples do to the ladder network."""
        probability = self._probability_of_help()
        if probability is None or self._n_tested < FEWEST_LABELS:
            return None
        for least, verdict in [
            (SURE, "help"),
            (PROBABLE, "probably help"),
            (1 - PROBABLE, "unclear"),
            (1 - SURE, "probably harm"),
        ]:
            if probability >= least:
                return verdict
        return "harm"

    @property
    def advice(self) -> str:
        """Whether unlabeled samples help, what to use, and how sure that is."""
        n_labels = sum(self.n_labels.values())
        if self._n_tested >= FEWEST_LABELS:
            on_unlabeled = self._on_unlabeled()
            advice = f"With {n_labels} labels, {on_unlabeled}. " if on_unlabeled else ""
            advice += self._on_method()
        else:
            has_vote = VOTE in self._table.index
            of_classes = " of classes with several" * (n_labels > self._n_tested)
            use = " without evidence, use the vote;" if has_vote else ""
            advice = (
                f"{self._n_tested} labels{of_classes} are too few to tell methods "
                f"apart, or whether unlabeled samples help:{use} label at least "
                f"{FEWEST_LABELS} samples and compare again."
            )
        n_folds = len(self._by_fold("seconds"))
        if n_folds < self.n_splits:
            advice += (
                f" Only {n_folds} of {self.n_splits} folds were done, so not all "
                "labels were tested: raise max_time."
            )
        return advice

    def _probability_of_help(self):
        if self.n_unlabeled and {LADDER, SUPERVISED} <= set(self.folds["method"]):
            return self.probability(LADDER, SUPERVISED)
        return None

    def _on_unlabeled(self):
        if self.n_unlabeled == 0:
            return "there are no unlabeled samples to learn from"
        if self.verdict is None:
            return ""
        mean, low, high = self.difference(LADDER, SUPERVISED)
        does = f"the {self.n_unlabeled} unlabeled samples {self.verdict}"
        if self.verdict == "unclear":
            does = (
                f"it is unclear whether the {self.n_unlabeled} unlabeled samples help"
            )
        probability = _rounded(self._probability_of_help())
        return (
            f"{does} (probability of help {probability}: they "
            f"change the ladder's log-loss by {mean:+.2f}, 95 % interval {low:+.2f} to "
            f"{high:+.2f})"
        )

    def _on_method(self):
        table, chosen = self._table, self._chosen()
        best, *others = table.index
        beats_guess = self._beats_guess(chosen)
        if chosen == GUESS:
            return (
                "No method is recommended: none has a lower log-loss than the shares "
                f"of the classes alone ({GUESS}). {FEATURES}"
            )
        if self.recommended is None:
            return (
                f"No method is recommended: {best} has the lowest log-loss, but the "
                f"probability that {chosen} is better than the shares of the classes "
                f"alone ({GUESS}) is only {_rounded(beats_guess)}. {FEATURES}"
            )
        if chosen != best:
            reason = (
                "It is the default unless another method is better with probability "
                f"{SURE}. The method with the lowest log-loss is {best}, better with "
                f"probability {_rounded(self.probability(best, chosen))}."
            )
        elif others:
            reason = (
                f"It has the lowest log-loss, and is better than {others[0]} with "
                f"probability {_rounded(self.probability(best, others[0]))}."
            )
        else:
            reason = "No other method was compared."
        if chosen == VOTE and self.verdict in ("probably harm", "harm"):
            reason += f" The {LADDER} is one of its members."
        compared = best if chosen != best else next(iter(others), None)
        if beats_guess < SURE and compared != GUESS:
            reason += (
                f" It is better than the class shares alone ({GUESS}) with "
                f"probability {_rounded(beats_guess)}."
            )
        accuracy, low, high = table.loc[chosen].iloc[:3]
        return (
            f"Use {chosen}: accuracy {accuracy:.2f}, 95 % interval {low:.2f} to "
            f"{high:.2f}. {reason}"
        )

    # ----------------------------------------------------------------- output

    def to_markdown(self) -> str:
        """The samples, the table and the advice as Markdown.

        Returns
        -------
        str
        """
        table = self._table
        lines = [
            "| method | accuracy | balanced accuracy | log-loss | log-loss minus that "
            f"of {table.index[0]} | seconds |",
            "|---|---|---|---|---|---|",
        ]
        for name, row in table.iterrows():
            cells = [_cell(row, score, ".2f") for score in SCORES]
            is_best = name == table.index[0]
            cells.append("" if is_best else _cell(row, "difference", "+.2f"))
            lines.append(f"| {name} | {' | '.join(cells)} | {row['seconds']:.1f} |")
        note = (
            f"Means over {len(self._by_fold('seconds'))} folds with 95 % intervals. "
            "Scores are of labeled samples that were held out."
        )
        return "\n".join([self._samples(), "", *lines, "", note, "", self.advice])

    def _samples(self):
        classes = [f"{name}: {n}" for name, n in self.n_labels.items()]
        if len(classes) > MOST_CLASSES_SHOWN:
            n_more = len(classes) - MOST_CLASSES_SHOWN
            classes[MOST_CLASSES_SHOWN:] = [f"{n_more} more classes"]
        return (
            f"{sum(self.n_labels.values())} labels ({', '.join(classes)}), "
            f"{self.n_unlabeled} unlabeled samples"
        )

    def to_json(self) -> str:
        """Folds, table and advice as JSON.

        Returns
        -------
        str
        """
        probability = self._probability_of_help()
        return json.dumps(
            {
                "n_labels": {str(name): n for name, n in self.n_labels.items()},
                "n_unlabeled": self.n_unlabeled,
                "advice": self.advice,
                "recommended": self.recommended,
                "verdict": self.verdict,
                "probability_of_help": probability and round(probability, 4),
                "table": self._table.round(4).to_dict("index"),
                "folds": self.folds.round(4).to_dict("records"),
            },
            indent=1,
            ensure_ascii=False,
        )

    def plot(
        self,
        score: Score = "log_loss",
        *,
        axes: Sequence[Axes] | Array | None = None,
    ) -> ComparisonDisplay:
        """Plot each method's score, and its difference from the best one.

        Parameters
        ----------
        score : {"accuracy", "balanced_accuracy", "log_loss"}, default="log_loss"
        axes : array-like of two matplotlib Axes, default=None
            Axes of the scores and of the differences. By default those of a new figure.

        Returns
        -------
        ComparisonDisplay

        Raises
        ------
        ImportError
            Without matplotlib: the extra "plots" has it.
        ValueError
            If there is no such score.
        """
        return ComparisonDisplay.from_comparison(self, score, axes=axes)

    # -------------------------------------------------------------- intervals

    def _by_fold(self, score):
        """Scores of shape (n_folds, n_methods), methods in the order they came in."""
        return self._by_fold_of_all[score]

    @cached_property
    def _by_fold_of_all(self):
        methods = pd.unique(self.folds["method"])
        by_fold = self.folds.pivot(index=["repeat", "fold"], columns="method")
        return {score: by_fold[score][methods] for score in (*SCORES, "seconds")}

    def _gaps(self, method, other, score):
        if score not in SCORES:
            raise ValueError(f"score must be one of {list(SCORES)}; got {score!r}.")
        by_fold = self._by_fold(score)
        for name in method, other:
            if name not in by_fold:
                raise ValueError(
                    f"Methods must be among {by_fold.columns.tolist()}; got {name!r}."
                )
        return by_fold[method] - by_fold[other]

    def _interval(self, values, score, least=0.0):
        """Mean of a score or difference over folds, and its interval.

        Bounds of scores are those that scores can have.
        """
        mean, width = float(values.mean()), self._half_width(values, score)
        low, high = max(least, mean - width), mean + width
        if score != "log_loss":
            low, high = max(low, -1.0), min(high, 1.0)
        return mean, low, high

    def _half_width(self, values, score):
        """Half the width of the interval of a mean score, or difference, over folds."""
        from scipy import stats  # late: it is slow to import

        # n_test / n_train of the labeled samples is 1 / (n_splits - 1)
        scale = np.sqrt(1 / len(values) + 1 / (self.n_splits - 1))
        quantile = stats.t.ppf(SURE, len(values) - 1)
        width = float(quantile * values.std(ddof=1) * scale)
        if score == "log_loss":
            return width
        return max(width, self._least_half_width(score, values))

    def _least_half_width(self, score, values):
        """Half the width for independent samples, plus two right and two wrong ones.

        For a difference, the two methods disagree as rarely as their accuracies allow.
        """
        from scipy import stats  # late: it is slow to import

        n = self._n_tested
        if score == "balanced_accuracy":  # a mean over classes, some of few labels
            n = len(self._tested) ** 2 / (1 / self._tested).sum()
        n *= min(1, len(values) / self.n_splits)  # fewer if time was short
        share = (abs(values.mean()) * n + 2) / (n + 4)
        return float(stats.norm.ppf(SURE) * np.sqrt(share * (1 - share) / (n + 4)))


def _rounded(probability):
    """Two digits; nothing is certain."""
    if probability > 0.99:
        return "> 0.99"
    return "< 0.01" if probability < 0.01 else f"{probability:.2f}"


def _cell(row, name, form):
    mean, low, high = (
        format(row[key], form) for key in (name, f"{name} low", f"{name} high")
    )
    return f"{mean} [{low}, {high}]"
