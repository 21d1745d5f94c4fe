"""The methods that are compared, and which of them are means of others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sklearn.dummy import DummyClassifier
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from .._classifier import LadderClassifier
from .._one_hot import OneHotColumns
from ..ensemble import LabeledOnlyClassifier, SemiSupervisedVotingClassifier
from ..ensemble._base import check_has_proba, check_is_classifier
from ..ensemble._labeled_only import semi_supervised
from ..ensemble._voting import DEFAULT_WEIGHTS, default_estimators

if TYPE_CHECKING:
    from typing import Any

LADDER, SUPERVISED, VOTE = "ladder", "ladder, labels only", "vote"
GUESS = "majority class"
# Members of the default vote, by their names in it.
VOTERS = {
    "ladder": LADDER,
    "rf": "random forest",
    "et": "extra trees",
}


def default_methods(is_sparse: bool = False) -> dict[str, Any]:
    """The methods that are compared.

    Parameters
    ----------
    is_sparse : bool, default=False
        Whether samples are a sparse matrix, whose columns are not centered.

    Returns
    -------
    dict of str to classifier
        "ladder", "ladder, labels only" (the same network without unlabeled samples),
        "random forest", "extra trees", "linear model", "self-training, forest",
        "majority class" (which looks at labels only), and "vote". The last one is the
        mean of others, as in
        :class:`~sklearn_ladder.ensemble.SemiSupervisedVotingClassifier`. All take
        categories of a frame. No method adjusts the class prior, because held-out
        labels have the class shares of the other labels, not those of the unlabeled
        samples.
    """
    regression = make_pipeline(
        OneHotColumns(),
        SimpleImputer(keep_empty_features=True),
        StandardScaler(with_mean=not is_sparse),
        LabeledOnlyClassifier(LogisticRegression(C=0.1, max_iter=1000)),
    )
    methods = {
        LADDER: LadderClassifier(class_prior=None),
        SUPERVISED: LadderClassifier(class_prior=None, variant="supervised"),
        "random forest": _of_numbers(LabeledOnlyClassifier(RandomForestClassifier())),
        "extra trees": _of_numbers(LabeledOnlyClassifier(ExtraTreesClassifier())),
        "linear model": regression,
        "self-training, forest": _of_numbers(
            SelfTrainingClassifier(RandomForestClassifier())
        ),
        GUESS: _of_numbers(LabeledOnlyClassifier(DummyClassifier())),
    }
    methods[VOTE] = SemiSupervisedVotingClassifier(
        [(name, methods[VOTERS[name]]) for name, _ in default_estimators()],
        weights=DEFAULT_WEIGHTS,
        class_prior=None,
    )
    return methods


def _of_numbers(classifier):
    return make_pipeline(OneHotColumns(), classifier)


def means_of(methods):
    """Votes whose members are other methods, the same objects, without a class prior.

    Their probabilities follow from those of the members, so they are not fitted.

    Parameters
    ----------
    methods : dict of str to classifier

    Returns
    -------
    dict of str to dict of str to float
        Weight of each member, by the name that the member has among the methods.
    """
    names = {
        id(method): name
        for name, method in methods.items()
        if not isinstance(method, SemiSupervisedVotingClassifier)
    }
    found = {}
    for name, vote in methods.items():
        if not isinstance(vote, SemiSupervisedVotingClassifier):
            continue
        members = [names.get(id(member)) for _, member in vote.estimators or []]
        if vote.class_prior is None and members and None not in members:
            found[name] = dict.fromkeys(members, 0)
            for member, weight in zip(members, vote._kept_weights(), strict=True):
                found[name][member] += weight  # one may be there under two names
    return found


def checked_methods(methods):
    """Methods that take -1: supervised ones get the labeled samples only.

    Raises
    ------
    ValueError
        If there is none, or one is no classifier with `predict_proba`.
    TypeError
        If they are no mapping.
    """
    if not isinstance(methods, Mapping):
        raise TypeError(
            "methods must be a dict of classifiers by name; got a "
            f"{type(methods).__name__}."
        )
    if not methods:
        raise ValueError("methods must have at least one classifier.")
    for name, method in methods.items():
        check_is_classifier(f"methods: {name!r}", method)
        check_has_proba(f"methods: {name!r}", method)
    return {name: semi_supervised(method) for name, method in methods.items()}
