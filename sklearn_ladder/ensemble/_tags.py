"""Which estimators understand -1."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from sklearn.pipeline import Pipeline
from sklearn.semi_supervised import (
    LabelPropagation,
    LabelSpreading,
    SelfTrainingClassifier,
)
from sklearn.utils import Tags, get_tags

from .._classifier import LadderClassifier

if TYPE_CHECKING:
    from typing import Any, Self

_KNOWN = (LadderClassifier, SelfTrainingClassifier, LabelPropagation, LabelSpreading)


@dataclass(slots=True)
class SemiSupervisedTags(Tags):
    """scikit-learn's tags, and whether -1 in `y` marks an unlabeled sample.

    Parameters
    ----------
    semi_supervised : bool, default=True

    Examples
    --------
    An estimator of your own says that it understands -1:

    >>> from sklearn.base import BaseEstimator, ClassifierMixin
    >>> from sklearn_ladder.ensemble import SemiSupervisedTags, is_semi_supervised
    >>> class MyClassifier(ClassifierMixin, BaseEstimator):
    ...     def __sklearn_tags__(self):
    ...         return SemiSupervisedTags.of(super().__sklearn_tags__())
    >>> is_semi_supervised(MyClassifier())
    True
    """

    semi_supervised: bool = True

    @classmethod
    def of(cls, tags: Tags) -> Self:
        """The given tags, with `semi_supervised` true.

        Parameters
        ----------
        tags : sklearn.utils.Tags

        Returns
        -------
        SemiSupervisedTags
        """
        return cls(**{field.name: getattr(tags, field.name) for field in fields(Tags)})


def final_estimator(estimator):
    """The estimator that a pipeline, or a search, fits to `y`.

    Parameters
    ----------
    estimator : estimator object

    Returns
    -------
    estimator object
        The estimator itself if it is neither.
    """
    # late: it is slow to import
    from sklearn.model_selection._search import BaseSearchCV

    if isinstance(estimator, Pipeline):
        return final_estimator(estimator.steps[-1][1])
    if isinstance(estimator, BaseSearchCV):
        return final_estimator(estimator.estimator)
    return estimator


def is_semi_supervised(estimator: Any) -> bool:
    """Whether an estimator takes -1 in `y` as "no label".

    The first rule that applies decides:

    1. A pipeline, or a search such as GridSearchCV, is what its last step, or its
       estimator, is.
    2. The tag `semi_supervised` of the estimator, if it has this tag
       (:class:`SemiSupervisedTags`). All classes of this module have it.
    3. LadderClassifier and the classes of :mod:`sklearn.semi_supervised` are.
    4. Any other estimator is not.

    Parameters
    ----------
    estimator : estimator object

    Returns
    -------
    bool

    See Also
    --------
    LabeledOnlyClassifier : Says that an estimator does not take -1.
    SemiSupervisedClassifier : Says that an estimator of another package takes -1.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn.semi_supervised import LabelSpreading
    >>> from sklearn_ladder.ensemble import is_semi_supervised
    >>> is_semi_supervised(make_pipeline(StandardScaler(), LabelSpreading()))
    True
    >>> is_semi_supervised(LogisticRegression())
    False
    """
    estimator = final_estimator(estimator)
    own_tag = getattr(get_tags(estimator), "semi_supervised", None)
    return isinstance(estimator, _KNOWN) if own_tag is None else bool(own_tag)
