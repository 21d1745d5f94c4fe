"""The classifiers that are compared on tables, the same for every table.

Defaults, but for what few labels need: boosting may have leaves of fewer than 20 rows,
what is trained by iterations may have more of them, and tri-training is of forests, not
of single trees.
"""

from importlib.util import find_spec

from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier

from sklearn_ladder import LadderClassifier


def _logistic_regression(seed):
    return LogisticRegression(max_iter=1000)


def _forest(seed):
    return RandomForestClassifier(random_state=seed)


def _boosting(seed):
    return HistGradientBoostingClassifier(min_samples_leaf=2, random_state=seed)


def _tri_training(seed):
    from sslearn.wrapper import TriTraining

    # three that differ, which those of one seed would hardly do
    forests = [_forest(3 * seed + number) for number in range(3)]
    return TriTraining(forests, random_state=seed)


# Given the labeled rows alone
SUPERVISED = {
    "logistic regression": _logistic_regression,
    "random forest": _forest,
    "extra trees": lambda seed: ExtraTreesClassifier(random_state=seed),
    "boosting": _boosting,
    "MLP": lambda seed: MLPClassifier(max_iter=1000, random_state=seed),
}
# Given all rows, with -1 for "no label"
SEMI_SUPERVISED = {
    "ladder": lambda seed: LadderClassifier(random_state=seed),
    "ladder, supervised": lambda seed: LadderClassifier(
        variant="supervised", random_state=seed
    ),
    "self-training, logistic regression": lambda seed: SelfTrainingClassifier(
        _logistic_regression(seed)
    ),
    "self-training, forest": lambda seed: SelfTrainingClassifier(_forest(seed)),
    "self-training, boosting": lambda seed: SelfTrainingClassifier(_boosting(seed)),
    "label spreading": lambda seed: LabelSpreading(kernel="knn", max_iter=100),
}
if find_spec("sslearn"):
    SEMI_SUPERVISED["tri-training, forest"] = _tri_training

METHODS = SEMI_SUPERVISED | SUPERVISED


def fit(method, X, y_few, seed):
    """The method, fitted to all rows or, if it takes no others, to the labeled ones."""
    rows = y_few != -1 if method in SUPERVISED else slice(None)
    return METHODS[method](seed).fit(X[rows], y_few[rows])
