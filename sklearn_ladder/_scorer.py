"""Scores of the labeled samples only."""

from __future__ import annotations

from copy import copy, deepcopy
from inspect import signature
from typing import TYPE_CHECKING, overload

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.metrics._scorer import _check_multimetric_scoring
from sklearn.utils import _safe_indexing, indexable
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import _check_method_params

from .data._labels import labeled_part

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# Scores of probabilities that have to know the classes of all columns, as `labels`.
NEED_ALL_CLASSES = {
    *("log_loss", "d2_log_loss_score", "brier_score_loss", "d2_brier_score"),
    "top_k_accuracy_score",
}


@overload
def labeled_scorer(scoring: str | Callable[..., Any]) -> Callable[..., Any]: ...


@overload
def labeled_scorer(
    scoring: list[str] | tuple[str, ...] | set[str] | dict[str, Any],
) -> dict[str, Callable[..., Any]]: ...


def labeled_scorer(scoring: Any) -> Any:
    """Make a scorer that leaves unlabeled samples out.

    The wrapped scorer gets samples, labels and metadata such as `sample_weight` of the
    labeled samples only. Labels that are objects only because some are missing get the
    dtype of the others. Scores of probabilities for which test labels
    must not lack a class, such as "neg_log_loss", "neg_brier_score" and
    "top_k_accuracy", get the classes of the estimator. ROC AUC is undefined there.

    Parameters
    ----------
    scoring : str, callable, list, tuple, set or dict
        Name of a scorer, a scorer ``scorer(estimator, X, y)``, or several of them as in
        :func:`~sklearn.model_selection.cross_validate`.

    Returns
    -------
    callable or dict of str to callable
        A scorer, or a dict of scorers if `scoring` has several. The wrapped scorers are
        copies. The new ones request the same metadata.

    Raises
    ------
    ValueError
        If `scoring` is not as described. The scorer itself raises one if no sample is
        labeled.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.metrics import get_scorer
    >>> from sklearn.semi_supervised import LabelSpreading
    >>> from sklearn_ladder.model_selection import labeled_scorer
    >>> X, y = load_iris(return_X_y=True)
    >>> y_few = np.full_like(y, -1)
    >>> y_few[::5] = y[::5]  # 30 labels for 150 samples
    >>> clf = LabelSpreading().fit(X, y_few)
    >>> labeled_scorer("accuracy")(clf, X, y_few)
    1.0
    >>> get_scorer("accuracy")(clf, X, y_few)  # as if -1 were the truth
    0.2
    """
    if isinstance(scoring, (list, tuple, set, dict)):
        scorers = _check_multimetric_scoring(None, scoring)
        return {name: _LabeledScorer(scorer) for name, scorer in scorers.items()}
    if scoring is None:
        raise ValueError(
            "scoring must be a name, a scorer, or several of them; got None."
        )
    return _LabeledScorer(check_scoring(scoring=scoring))


def _with_all_classes(scorer, estimator):
    """Let a scorer know the classes that are absent from a test fold."""
    function = getattr(scorer, "_score_func", None)
    needs_classes = getattr(function, "__name__", None) in NEED_ALL_CLASSES
    if not (needs_classes and hasattr(estimator, "classes_")):
        return scorer
    known, taken = {}, signature(function).parameters
    if "labels" in taken:
        known["labels"] = estimator.classes_
    if "pos_label" in taken and len(estimator.classes_) == 2:
        known["pos_label"] = estimator.classes_[1]
    scorer = copy(scorer)
    scorer._kwargs = known | scorer._kwargs
    return scorer


class WrappedScorer:
    """A scorer that changes what another one gets.

    It does not derive from scikit-learn's scorers. Several of these share their
    predictions, but this one may predict other samples, or other labels.
    """

    def __init__(self, scorer):
        self._scorer = deepcopy(scorer)

    def get_metadata_routing(self):
        """Requests of the wrapped scorer."""
        return get_routing_for_object(self._scorer)

    def set_score_request(self, **kwargs):
        """Set which metadata the wrapped scorer requests.

        Parameters
        ----------
        **kwargs : bool, None or str
            As in scikit-learn's scorers.

        Returns
        -------
        self : object
        """
        self._scorer.set_score_request(**kwargs)
        return self

    def _accept_sample_weight(self):
        # asked by scikit-learn >= 1.8 while metadata routing is off
        if hasattr(self._scorer, "_accept_sample_weight"):
            return self._scorer._accept_sample_weight()
        return "sample_weight" in signature(self._scorer).parameters


class _LabeledScorer(WrappedScorer):
    """What `labeled_scorer` returns."""

    def __call__(self, estimator, X, y, **kwargs):
        X, y = indexable(X, y)
        labeled, labels = labeled_part(y)
        rows = np.flatnonzero(labeled)
        kwargs = _check_method_params(X, kwargs, indices=rows)
        scorer = _with_all_classes(self._scorer, estimator)
        return scorer(estimator, _safe_indexing(X, rows), labels, **kwargs)

    def __repr__(self):
        return f"labeled_scorer({self._scorer!r})"
