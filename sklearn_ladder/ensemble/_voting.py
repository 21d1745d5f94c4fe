"""The vote of semi-supervised and supervised classifiers."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import MetaEstimatorMixin, clone
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.ensemble._base import _set_random_states
from sklearn.utils import Bunch
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metadata_routing import _routing_enabled
from sklearn.utils.metaestimators import _BaseComposition
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from .._class_prior import adjust, resolve_class_prior
from .._classifier import LadderClassifier
from .._one_hot import OneHotColumns, takes_categories
from .._random import private_random_state
from ..data._weights import counted_codes
from ._base import (
    SemiSupervisedMixin,
    check_has_proba,
    check_is_classifier,
    class_proba,
    copy_input_tags,
)
from ._codes import name_codes
from ._labeled_only import semi_supervised
from ._shares import fit_class_prior, leave_shares_to, mean_smoothing

if TYPE_CHECKING:
    from typing import Any, Self

    import numpy.typing as npt

    from .._typing import ClassPrior, MatrixLike, RandomState

# Of the default members, in their order. The two forests make similar errors, so they
# count half each. On development tables this lowers the log-loss by 1.4 %, at the same
# accuracy: benchmarks/results/vote-ablation.json.
DEFAULT_WEIGHTS = [2, 1, 1]


def default_estimators() -> list[tuple[str, Any]]:
    """The members of a vote that is given none.

    Returns
    -------
    list of (str, classifier) tuples
        The ladder network and two forests. With metadata routing they request
        `sample_weight`.
    """
    members = [
        ("ladder", LadderClassifier()),
        ("rf", RandomForestClassifier()),
        ("et", ExtraTreesClassifier()),
    ]
    if _routing_enabled():
        for _, estimator in members:
            estimator.set_fit_request(sample_weight=True)
    return members


class SemiSupervisedVotingClassifier(
    SemiSupervisedMixin, MetaEstimatorMixin, _BaseComposition
):
    """Average the probabilities of semi-supervised and supervised classifiers.

    No single method wins on every table with few labels, and their errors differ. The
    class prior is that of the mean.

    Parameters
    ----------
    estimators : list of (str, classifier) tuples, default=None
        Members with their names, all with `predict_proba`. Those that do not take -1
        (:func:`is_semi_supervised`) get the labeled samples only. "drop" leaves a
        member out. None is :func:`default_estimators`, whose parameters can be set by
        name, such as ``ladder__n_estimators``.

    weights : array-like of shape (n_estimators,), default=None
        Weights of all members in the mean, those that are dropped included. None is
        equal weights; by default the ladder counts as much as both forests together.

    class_prior : "auto", "em", dict, array-like of shape (n_classes,) or None, \
            default="auto"
        Class prior that `predict_proba` assumes, as in :class:`ClassPriorClassifier`.
        Unless it is None, a member whose own `class_prior` is "auto" is fitted with
        None, so that only the mean is adjusted. Beside class weights or priors of a
        member, "auto" is None.

    n_jobs : int, default=None
        Number of members that are fitted at the same time. None is 1.

    random_state : int, RandomState instance or None, default=None
        Determines the seed of each `random_state` among the members' parameters. None
        leaves these as they are.

    Attributes
    ----------
    estimators_ : list of classifiers
        The fitted members that are not dropped. Their classes are codes.
    named_estimators_ : Bunch
        The fitted members by name.
    classes_ : ndarray of shape (n_classes,)
        Class labels, without -1.
    class_prior_ : ndarray of shape (n_classes,)
        Class prior that `predict_proba` assumes; if that is left to the members, the
        shares of the labels.
    transduction_ : ndarray of shape (n_samples,)
        Label of each training sample: the given one or, if unlabeled, the prediction.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if all feature names are strings.

    Notes
    -----
    **Classes.** Members get class codes 0, 1, … in place of labels. Parameters that
    name classes still name labels: dicts of class weights and priors, `outlier_label`
    and `pos_label`. Scorers get labels, too ("f1" is of the class 1). In estimators
    that encode labels themselves, such as scikit-learn's VotingClassifier, parameters
    name codes.

    **Categories.** In place of a frame's categories, members that do not take them,
    such as forests, get one-hot columns. Pipelines get the frame as it is.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.semi_supervised import LabelSpreading
    >>> from sklearn_ladder.ensemble import SemiSupervisedVotingClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> y_few = np.full_like(y, -1)
    >>> y_few[::5] = y[::5]  # 30 labels for 150 samples
    >>> vote = SemiSupervisedVotingClassifier(
    ...     [("spreading", LabelSpreading()), ("rf", RandomForestClassifier())],
    ...     random_state=0,
    ... ).fit(X, y_few)
    >>> bool(vote.score(X, y) > 0.9)
    True
    """

    _parameter_constraints: dict = {
        "estimators": [list, None],
        "weights": ["array-like", None],
        "class_prior": [StrOptions({"auto", "em"}), "array-like", None],
        "n_jobs": [None, Integral],
        "random_state": ["random_state"],
    }

    # set by fit
    estimators_: list[Any]
    named_estimators_: Bunch
    classes_: npt.NDArray[Any]
    class_prior_: npt.NDArray[np.floating]
    transduction_: npt.NDArray[Any]
    n_features_in_: int
    feature_names_in_: npt.NDArray[np.object_]

    def __init__(
        self,
        estimators: list[tuple[str, Any]] | None = None,
        *,
        weights: npt.ArrayLike | None = None,
        class_prior: ClassPrior = "auto",
        n_jobs: int | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.estimators = estimators
        self.weights = weights
        self.class_prior = class_prior
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _fitted_attributes(self, X, labels, weight, params):
        weights, members = self._kept_weights(), self._estimators_for_fit()
        codes, n_classes = labels.codes, len(labels.classes)
        prepared, may_estimate = self._prepared(members, labels.classes)
        counted = counted_codes(codes, weight)
        rule = resolve_class_prior(
            self.class_prior, counted, labels.classes, weight, may_estimate
        )
        one_hot = None
        if not all(map(takes_categories, members.values())):
            one_hot = OneHotColumns().fit(X)
        X_of_members = _inputs(members, one_hot, X)
        # without memory maps, from which the ladder would read batch by batch
        fitted = Parallel(n_jobs=self.n_jobs, max_nbytes=None)(
            delayed(_fit)(member, X_of_members[name], codes, params[name])
            for name, member in prepared.items()
        )
        named = Bunch(**dict(zip(members, fitted, strict=True)))

        def proba(X):
            return _mean_proba(named, weights, one_hot, X, n_classes)

        smoothing = mean_smoothing(fitted, weights)
        return fit_class_prior(proba, X, labels, counted, rule, smoothing) | {
            "estimators_": fitted,
            "named_estimators_": named,
            "_weights": weights,
            "_one_hot": one_hot,
        }

    def predict_proba(self, X: MatrixLike) -> npt.NDArray[Any]:
        """Predict class probabilities: the members' mean, with the class prior.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`.
        """
        check_is_fitted(self)
        members, n_classes = self.named_estimators_, len(self.classes_)
        proba = _mean_proba(members, self._weights, self._one_hot, X, n_classes)
        return adjust(proba, self._ratio)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters, with `deep` those of the members, too.

        Parameters
        ----------
        deep : bool, default=True

        Returns
        -------
        dict of str to object
        """
        return self._get_params("_members", deep=deep)

    def set_params(self, **params: Any) -> Self:
        """Set parameters, members by name, and parameters of members.

        Parameters
        ----------
        **params : dict of str to object
            A parameter of a default member makes `estimators` a list of the default
            members first, and `weights` a list of their weights.

        Returns
        -------
        self : object
        """
        if "estimators" in params:
            self.estimators = params.pop("estimators")
        if self.estimators is None:
            members = default_estimators()
            if {key.split("__")[0] for key in params} & dict(members).keys():
                self.estimators = members
                weights = params.pop("weights", self.weights)
                self.weights = list(DEFAULT_WEIGHTS) if weights is None else weights
        self._set_params("estimators", **params)
        return self

    @property
    def _members(self):
        return default_estimators() if self.estimators is None else self.estimators

    @property
    def _kept(self):
        """Members by name that are not dropped."""
        return {
            name: estimator
            for name, estimator in self._members
            if not (isinstance(estimator, str) and estimator == "drop")
        }

    def _check_estimators(self):
        members = self._members
        is_pair = [isinstance(m, tuple | list) and len(m) == 2 for m in members]
        if (
            not all(is_pair)
            or not members
            or not all(isinstance(n, str) for n, _ in members)
        ):
            raise ValueError(
                "estimators must be a list of (name, classifier) tuples, and not "
                f"empty; got {members!r}."
            )
        self._validate_names([name for name, _ in members])
        for name, estimator in self._kept.items():
            check_is_classifier(f"estimators: {name!r}", estimator)
            check_has_proba(f"estimators: {name!r}", estimator)
        if not self._kept:
            raise ValueError("estimators must not all be 'drop'.")
        self._kept_weights()

    def _kept_weights(self):
        """Check `weights`; return those of the members that are not dropped."""
        members = self._members
        if self.weights is None:
            is_default = self.estimators is None
            weights = np.asarray(DEFAULT_WEIGHTS if is_default else [1] * len(members))
        else:
            weights = np.asarray(self.weights, dtype=float)
        if weights.shape != (len(members),):
            raise ValueError(
                f"weights must be {len(members)} numbers, one for each of estimators; "
                f"got {self.weights!r}."
            )
        kept = weights[[name in self._kept for name, _ in members]]
        if not (np.isfinite(kept).all() and (kept >= 0).all() and kept.any()):
            raise ValueError(
                "weights must be finite and not negative, and not all zero; "
                f"got {self.weights!r}."
            )
        return kept

    def _estimators_for_fit(self):
        """Members by name; those that do not take -1 get labeled samples only."""
        return {name: semi_supervised(member) for name, member in self._kept.items()}

    def _prepared(self, members, classes):
        """Clones with seeds; and whether "auto" may estimate their class prior."""
        random_state = private_random_state(self.random_state)
        prepared = {name: clone(member) for name, member in members.items()}
        may_estimate = True
        for name, member in prepared.items():
            name_codes(member, classes)
            own_name = f"estimators: {name!r}"
            may_estimate &= leave_shares_to(self.class_prior, own_name, member)
            if self.random_state is not None:
                _set_random_states(member, random_state)
        return prepared, may_estimate

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        try:
            members = list(self._kept.values())
            tags = copy_input_tags(tags, members)
            # those that do not take categories get one-hot columns
            tags.input_tags.categorical = tags.input_tags.string = True
            return tags
        except (AttributeError, IndexError, TypeError, ValueError):
            return tags  # estimators are not as they should be, and fit says so


def _fit(estimator, X, codes, params):
    return estimator.fit(X, codes, **params)


def _inputs(members, one_hot, X):
    """Samples for each member: some get one-hot columns of categories."""
    if one_hot is None:
        return dict.fromkeys(members, X)
    X_one_hot = one_hot.transform(X)
    return {
        name: X if takes_categories(member, one_hot.are_declared_) else X_one_hot
        for name, member in members.items()
    }


def _mean_proba(members, weights, one_hot, X, n_classes):
    """Weighted mean of the members' class probabilities."""
    X_of_members = _inputs(members, one_hot, X)
    proba = [
        class_proba(f"estimators: {name!r}", member, X_of_members[name], n_classes)
        for name, member in members.items()
    ]
    return np.average(proba, axis=0, weights=weights)
