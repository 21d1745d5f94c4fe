"""Rounds of self-training, with several estimators side by side."""

from __future__ import annotations

import re
import time
from copy import deepcopy
from numbers import Integral, Real
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sklearn import config_context
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.ensemble._base import _set_random_states
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from .._one_hot import OneHotColumns, takes_categories
from .._random import private_random_state
from .._user_warnings import warn_user
from ..data._labels import UNLABELED
from . import _pseudo_labels
from ._base import SemiSupervisedMixin, class_proba, copy_input_tags
from ._codes import name_codes, with_codes
from ._labeled_only import semi_supervised
from ._tags import final_estimator, is_semi_supervised

if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt

    from .._typing import Estimator, MatrixLike, RandomState

LARGEST_SEED = np.iinfo(np.int32).max
# Samples that a continued fit compares with those it had.
MOST_COMPARED = 1000
# Parameters that change no result but for chance, as far as two fits may be compared.
DO_NOT_MATTER = {"random_state", "n_jobs", "verbose", "device", "memory"}
LONGEST_DESCRIPTION = 10**5


class PseudoLabelingClassifier(SemiSupervisedMixin, MetaEstimatorMixin, BaseEstimator):
    """Train in rounds, each with the sure predictions of the previous one as labels.

    First `estimator` is fitted to the labels. In each round it is fitted again, with
    pseudo-labels: the predictions for unlabeled samples whose probability is above
    `threshold`. Each round chooses all pseudo-labels anew, whereas
    :class:`~sklearn.semi_supervised.SelfTrainingClassifier` keeps them. An estimator
    with ``warm_start=True`` continues from its previous weights.

    A single estimator that confuses two classes reinforces the error through its own
    pseudo-labels. With `n_estimators` above 1, several estimators with different seeds
    learn from the sure predictions of their mean. With an `arbiter`, a different kind
    of classifier decides where they disagree.

    Parameters
    ----------
    estimator : classifier with `predict_proba`
        If it does not take -1 (:func:`is_semi_supervised`), it gets the samples with a
        label or pseudo-label only. It gets class codes 0, 1, … in place of labels;
        parameters that name classes still name labels, as in
        :class:`SemiSupervisedVotingClassifier`.

    n_rounds : int, default=5
        Number of rounds after the first fit.

    threshold : float, default=0.75
        Probability above which a prediction becomes a pseudo-label. Smoothed labels
        keep probabilities low: the default LadderClassifier seldom passes 0.9.

    n_estimators : int, default=1
        Number of estimators that are trained. `predict_proba` is their mean.

    n_candidates : int, default=None
        Number of estimators that are trained first. Those `n_estimators` of them that
        agree most often with the mean of all are kept. None is `n_estimators`.

    round_params : dict, default=None
        Parameters of `estimator` that have another value in the rounds, such as fewer
        epochs.

    arbiter : classifier with `predict_proba`, default=None
        Decides about samples on which the estimators disagree. It is fitted to labels
        and pseudo-labels, without sample weights. Its prediction becomes the
        pseudo-label if its probability is above `arbiter_threshold` and one of the
        estimators agrees. With more candidates than estimators, it decides from the
        second round on. With one estimator, it decides nothing, and a warning says so.
        In place of a frame's categories it gets one-hot columns,
        unless it takes them or is a pipeline.

    arbiter_threshold : float, default=0.9
        Probability above which the arbiter's prediction may become a pseudo-label.

    warm_start : bool, default=False
        If True, a call of `fit` with the same samples and a greater `n_rounds` adds the
        missing rounds. The parameters of `estimator` must be as before; those of rounds
        are in `round_params`.

    n_jobs : int, default=None
        Number of estimators that are trained at the same time. None is 1.

    random_state : int, RandomState instance or None, default=None
        Determines each `random_state` among the parameters of the estimators and of the
        arbiter, another one in each round. None leaves those of a single estimator as
        they are, and draws seeds for several.

    Attributes
    ----------
    estimators_ : list of classifiers
        The estimators of the last round. Their classes are codes.
    classes_ : ndarray of shape (n_classes,)
        Class labels, without -1.
    transduction_ : ndarray of shape (n_samples,)
        Label of each training sample: the given one or, if unlabeled, the prediction.
    history_ : list of dict
        For the first fit and each round: "n_pseudo_labels", "n_changed" (pseudo-labels
        added, dropped or changed in this round), "n_arbitrated" (pseudo-labels by the
        arbiter), "disagreement" (share of samples for which the estimators predict
        different classes) and "duration" (seconds).
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if all feature names are strings.

    References
    ----------
    Lee, "Pseudo-Label: The Simple and Efficient Semi-Supervised Learning Method for
    Deep Neural Networks", ICML Workshop, 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ladder import LadderClassifier
    >>> from sklearn_ladder.ensemble import PseudoLabelingClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> y_few = np.full_like(y, -1)
    >>> y_few[::6] = y[::6]  # 25 labels for 150 samples
    >>> ladder = LadderClassifier(max_epochs=50, warm_start=True)
    >>> clf = PseudoLabelingClassifier(
    ...     ladder, n_rounds=2, round_params={"max_epochs": 10}, random_state=0
    ... ).fit(X, y_few)
    >>> bool(clf.score(X, y) > 0.9)
    True
    >>> [0 < stage["n_pseudo_labels"] <= 125 for stage in clf.history_]
    [False, True, True]
    """

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit"])],
        "n_rounds": [Interval(Integral, 0, None, closed="left")],
        "threshold": [Interval(Real, 0, 1, closed="left")],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "n_candidates": [Interval(Integral, 1, None, closed="left"), None],
        "round_params": [dict, None],
        "arbiter": [HasMethods(["fit", "predict_proba"]), None],
        "arbiter_threshold": [Interval(Real, 0, 1, closed="left")],
        "warm_start": ["boolean"],
        "n_jobs": [None, Integral],
        "random_state": ["random_state"],
    }

    # set by fit
    estimators_: list[Any]
    classes_: npt.NDArray[Any]
    transduction_: npt.NDArray[Any]
    history_: list[dict[str, float]]
    n_features_in_: int
    feature_names_in_: npt.NDArray[np.object_]

    def __init__(
        self,
        estimator: Estimator,
        n_rounds: int = 5,
        threshold: float = 0.75,
        *,
        n_estimators: int = 1,
        n_candidates: int | None = None,
        round_params: dict[str, Any] | None = None,
        arbiter: Estimator | None = None,
        arbiter_threshold: float = 0.9,
        warm_start: bool = False,
        n_jobs: int | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.estimator = estimator
        self.n_rounds = n_rounds
        self.threshold = threshold
        self.n_estimators = n_estimators
        self.n_candidates = n_candidates
        self.round_params = round_params
        self.arbiter = arbiter
        self.arbiter_threshold = arbiter_threshold
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _fitted_attributes(self, X, labels, weight, params):
        codes, n_classes = labels.codes, len(labels.classes)
        params = params["estimator"]
        stage, history = self._previous(X, labels)
        if stage is None:
            estimators, seeds = self._candidates(labels.classes)
            stage, record = self._train(estimators, seeds, X, codes, n_classes, params)
            history = [_record(codes, codes, codes, codes) | record]
        while len(history) <= self.n_rounds:
            sure = _pseudo_labels.with_sure_predictions(
                codes, stage.probas.mean(axis=0), self.threshold
            )
            n_round = len(history)
            pseudo_codes = self._arbitrate(X, sure, stage, n_round, labels.classes)
            history.append(_record(codes, stage.codes, pseudo_codes, sure))
            estimators, seeds = self._for_a_round(stage, n_round, labels.classes)
            stage, record = self._train(
                *(estimators, seeds, X, pseudo_codes, n_classes, params)
            )
            history[-1] |= record
        kept = stage.kept(self.n_estimators)  # of candidates, if there is no round
        proba = stage.probas[kept].mean(axis=0)
        return {
            "estimators_": [stage.estimators[number] for number in kept],
            "classes_": labels.classes,
            "history_": history,
            "transduction_": labels.transduce(proba[codes == UNLABELED]),
            "_codes": codes,
            # large, and only for `warm_start`
            "_stage": stage if self.warm_start else None,
            "_description": _description(self.estimator) if self.warm_start else None,
        }

    def predict_proba(self, X: MatrixLike) -> npt.NDArray[Any]:
        """Predict class probabilities: the mean of the estimators.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`.
        """
        check_is_fitted(self)
        n_classes = len(self.classes_)
        return np.mean(
            [class_proba("estimator", each, X, n_classes) for each in self.estimators_],
            axis=0,
        )

    def _check_estimators(self):
        super()._check_estimators()
        if self.n_candidates is not None and self.n_candidates < self.n_estimators:
            raise ValueError(
                f"n_candidates must be at least n_estimators, {self.n_estimators}; "
                f"got {self.n_candidates}."
            )
        if self.arbiter is not None and self.n_estimators == 1:
            warn_user(
                "The arbiter decides nothing with n_estimators=1: it is asked where "
                "estimators disagree."
            )

    def _candidates(self, classes):
        """Unfitted estimators, and the seed of each; None if it keeps its own."""
        n_candidates = self.n_candidates or self.n_estimators
        estimator = semi_supervised(self.estimator)
        candidates = [clone(estimator) for _ in range(n_candidates)]
        for candidate in candidates:
            name_codes(candidate, classes)
        seeds = [None] * n_candidates
        if self.random_state is not None or n_candidates > 1:
            seed = self.random_state
            if not isinstance(seed, Integral):
                seed = private_random_state(seed).randint(LARGEST_SEED)
            seeds = [(int(seed), number) for number in range(n_candidates)]
            _set_seeds(candidates, seeds, 0)
        return candidates, seeds

    def _train(self, estimators, seeds, X, codes, n_classes, params):
        """Fit estimators to labels and pseudo-labels; also seconds and disagreement."""
        start = time.perf_counter()
        # without memory maps, from which the ladder would read batch by batch
        fitted = Parallel(n_jobs=self.n_jobs, max_nbytes=None)(
            delayed(_fit_and_predict)(each, X, codes, n_classes, params)
            for each in estimators
        )
        estimators, probas = zip(*fitted, strict=True)
        stage = _Stage(list(estimators), seeds, np.array(probas), codes)
        return stage, {
            "disagreement": float(_pseudo_labels.disputed(stage.probas).mean()),
            "duration": time.perf_counter() - start,
        }

    def _arbitrate(self, X, codes, stage, n_round, classes):
        """Labels and pseudo-labels, and more of them by the arbiter."""
        # candidates still disagree on too many samples
        if self.arbiter is None or len(stage.probas) > self.n_estimators:
            return codes
        is_disputed = _pseudo_labels.disputed(stage.probas)
        rows = np.flatnonzero(is_disputed & (codes == UNLABELED))
        if len(rows) == 0:
            return codes
        arbiter = clone(semi_supervised(self.arbiter))
        name_codes(arbiter, classes)
        if self.random_state is not None:
            # one number more than the estimators have
            _set_seeds([arbiter], [(*stage.seeds[0], n_round)], 0)
        if not takes_categories(arbiter):
            X = OneHotColumns().fit_transform(X)
        arbiter.fit(X, codes)
        # label spreading labels its training samples better than it predicts them
        proba = getattr(final_estimator(arbiter), "label_distributions_", None)
        if proba is None:
            n_classes = stage.probas.shape[2]
            proba = class_proba("arbiter", arbiter, _safe_indexing(X, rows), n_classes)
        else:
            proba = proba[rows]
        arbitrated = codes.copy()
        arbitrated[rows] = _pseudo_labels.arbitrated_labels(
            proba, stage.probas[:, rows], self.arbiter_threshold
        )
        return arbitrated

    def _for_a_round(self, stage, n_round, classes):
        """The estimators that go on, with the parameters of the rounds; their seeds."""
        kept = stage.kept(self.n_estimators)
        estimators = [stage.estimators[number] for number in kept]
        seeds = [stage.seeds[number] for number in kept]
        _set_seeds(estimators, seeds, n_round)
        changes = self.round_params or {}
        changes = changes | with_codes(changes, classes, self.estimator)
        for estimator in estimators:
            if not is_semi_supervised(self.estimator):
                estimator = estimator.estimator  # in a LabeledOnlyClassifier
            estimator.set_params(**changes)
        return estimators, seeds

    def _previous(self, X, labels):
        """Stage and history that `warm_start` continues, or None and None."""
        stage = getattr(self, "_stage", None)
        if not self.warm_start or stage is None:
            return None, None
        if not (
            np.array_equal(labels.classes, self.classes_)
            and np.array_equal(labels.codes, self._codes)
        ):
            raise ValueError("warm_start=True needs the labels of the previous fit.")
        self._check_same_estimator()
        self._check_same_samples(X, stage)
        if self.n_estimators > len(stage.estimators):
            raise ValueError(
                "n_estimators must be at most that of the previous fit, "
                f"{len(stage.estimators)}, with warm_start=True; got "
                f"{self.n_estimators}."
            )
        if self.n_rounds < len(self.history_) - 1:
            raise ValueError(
                "n_rounds must be at least that of the previous fit, "
                f"{len(self.history_) - 1}, with warm_start=True; got {self.n_rounds}."
            )
        if self.n_rounds == len(self.history_) - 1:
            warn_user(
                f"fit adds no round: with warm_start=True, n_rounds is {self.n_rounds} "
                "as before."
            )
        # copies, so that a failing fit leaves what there is
        stage = stage._replace(estimators=deepcopy(stage.estimators))
        return stage, list(self.history_)

    def _check_same_estimator(self):
        given = _description(self.estimator)
        if given != self._description:
            raise ValueError(
                "warm_start=True continues with the estimators of the previous fit, "
                f"{self._description}; got {given}. Parameters of the rounds are in "
                "round_params."
            )

    def _check_same_samples(self, X, stage):
        """Raise if an estimator predicts otherwise than for the samples it had."""
        n_samples, n_classes = stage.probas.shape[1:]
        some = np.linspace(0, n_samples - 1, min(n_samples, MOST_COMPARED)).astype(int)
        proba = class_proba(
            "estimator", stage.estimators[0], _safe_indexing(X, some), n_classes
        )
        if not np.allclose(proba, stage.probas[0, some], atol=1e-3):
            raise ValueError(
                "warm_start=True needs the samples of the previous fit; for these, an "
                "estimator has other predictions."
            )

    def _estimators_for_fit(self):
        return {"estimator": semi_supervised(self.estimator)}

    def __sklearn_tags__(self):
        return copy_input_tags(super().__sklearn_tags__(), [self.estimator])


class _Stage(NamedTuple):
    """What there is after the first fit, and after each round."""

    estimators: list
    seeds: list  # for `_set_seeds`
    probas: np.ndarray  # (n_estimators, n_samples, n_classes)
    codes: np.ndarray  # (n_samples,), labels and pseudo-labels they were trained on

    def kept(self, n_estimators):
        """Numbers of the estimators that agree most often with the mean of all."""
        return _pseudo_labels.most_agreeing(self.probas, n_estimators)


def _description(estimator):
    """Text that names an estimator and its parameters, if they change results."""
    estimator = clone(estimator)
    names = [n for n in estimator.get_params() if n.split("__")[-1] in DO_NOT_MATTER]
    estimator.set_params(**dict.fromkeys(names))
    with config_context(print_changed_only=True):
        text = BaseEstimator.__repr__(estimator, N_CHAR_MAX=LONGEST_DESCRIPTION)
    # of objects without a text of their own
    return re.sub(" at 0x[0-9a-fA-F]+", "", text)


def _set_seeds(estimators, seeds, n_round):
    """Set each `random_state` of estimators, so that each round draws other noise."""
    for estimator, seed in zip(estimators, seeds, strict=True):
        if seed is not None:
            _set_random_states(estimator, np.random.RandomState([*seed, n_round]))


def _fit_and_predict(estimator, X, codes, n_classes, params):
    estimator.fit(X, codes, **params)
    return estimator, class_proba("estimator", estimator, X, n_classes)


def _record(codes, before, after, sure):
    """History entry of a round, without what `_train` adds to it."""
    return {
        "n_pseudo_labels": int(np.count_nonzero(after != codes)),
        "n_changed": int(np.count_nonzero(after != before)),
        "n_arbitrated": int(np.count_nonzero(after != sure)),
    }
