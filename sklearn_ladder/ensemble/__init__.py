"""Meta-estimators for few labels, for any scikit-learn classifier with probabilities.

In each of them -1 or a missing label in `y` marks an unlabeled sample, as in
:class:`~sklearn_ladder.LadderClassifier`, and `score` ignores these samples. An
estimator that does not know this convention gets the labeled samples only:
:func:`is_semi_supervised` has the rule.
"""

from ._class_prior import ClassPriorClassifier
from ._labeled_only import LabeledOnlyClassifier, SemiSupervisedClassifier
from ._pseudo_labeling import PseudoLabelingClassifier
from ._tags import SemiSupervisedTags, is_semi_supervised
from ._voting import SemiSupervisedVotingClassifier, default_estimators

__all__ = [
    "ClassPriorClassifier",
    "LabeledOnlyClassifier",
    "PseudoLabelingClassifier",
    "SemiSupervisedClassifier",
    "SemiSupervisedTags",
    "SemiSupervisedVotingClassifier",
    "default_estimators",
    "is_semi_supervised",
]
