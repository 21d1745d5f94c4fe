"""The classifiers that are compared, the same for every table.

Defaults, but for what few labels need: boosting may have leaves of fewer than 20 rows,
and what is trained by iterations may have more of them. Tri-training is of forests, not
of single trees; the three have as many trees as one forest has elsewhere, or it would
take most of the time of the benchmark. Virtual adversarial training is that of modssc,
with its own network and settings, except that one epoch, its default, would be no more
than a few updates on a small table. Label spreading is on nearest neighbors.

No classifier adjusts its own class prior: `_tabular_run` does that for all alike.
"""

from functools import partial
from importlib.util import find_spec

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier

from benchmarks._modssc import VirtualAdversarialTraining
from sklearn_ladder import LadderClassifier
from sklearn_ladder.architectures import Conv, Dense, MaxPool, MeanPool
from sklearn_ladder.ensemble._voting import DEFAULT_WEIGHTS, default_estimators

# Of tri-training: three forests with as many trees as one of the others.
TREES_OF_THREE = 34


def _ladder(seed, **parameters):
    return LadderClassifier(
        class_prior=None, random_state=seed, device="cpu", **parameters
    )


def _logistic_regression(seed):
    return LogisticRegression(max_iter=1000)


def _linear_discriminant(seed):
    # without shrinkage it needs more labels than features
    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")


def _forest(seed, **parameters):
    return RandomForestClassifier(random_state=seed, **parameters)


def _boosting(seed):
    return HistGradientBoostingClassifier(min_samples_leaf=2, random_state=seed)


def _tri_training(seed):
    from sslearn.wrapper import TriTraining

    # three that differ, which those of one seed would hardly do
    forests = [_forest(3 * seed + n, n_estimators=TREES_OF_THREE) for n in range(3)]
    return TriTraining(forests, random_state=seed)


def _setred(seed):
    from sslearn.wrapper import Setred

    return Setred(random_state=seed)


# Given the labeled rows alone
SUPERVISED = {
    "majority class": lambda seed: DummyClassifier(strategy="prior"),
    "logistic regression": _logistic_regression,
    "linear discriminant": _linear_discriminant,
    "random forest": _forest,
    "extra trees": lambda seed: ExtraTreesClassifier(random_state=seed),
    "boosting": _boosting,
    "MLP": lambda seed: MLPClassifier(max_iter=1000, random_state=seed),
}
# Given all rows, with -1 for "no label"
SEMI_SUPERVISED = {
    "ladder": _ladder,
    "ladder, supervised": partial(_ladder, variant="supervised"),
    "self-training, logistic regression": lambda seed: SelfTrainingClassifier(
        _logistic_regression(seed)
    ),
    "label spreading": lambda seed: LabelSpreading(kernel="knn", max_iter=100),
    "self-training, forest": lambda seed: SelfTrainingClassifier(_forest(seed)),
}
if find_spec("sslearn"):
    SEMI_SUPERVISED["tri-training, forest"] = _tri_training
    SEMI_SUPERVISED["Setred"] = _setred
if find_spec("modssc"):
    SEMI_SUPERVISED["virtual adversarial training"] = VirtualAdversarialTraining
# Of images of 8 × 8 pixels: the layers of README.
SEMI_SUPERVISED["ladder, convolutional"] = partial(
    _ladder,
    image_shape=(1, 8, 8),
    architecture=[Conv(16, 3, "same"), MaxPool(2), Conv(32, 3), MeanPool(), Dense()],
)
# Members of the default vote, by their names in it
VOTERS = {
    "ladder": "ladder",
    "rf": "random forest",
    "et": "extra trees",
    "lr": "logistic regression",
}
# Means of probabilities of the methods above, with their weights
MEANS = {
    "both forests": {"random forest": 1, "extra trees": 1},
    "ladder and logistic regression": {"ladder": 1, "logistic regression": 1},
    # the default of SemiSupervisedVotingClassifier
    "vote": {
        VOTERS[name]: weight
        for (name, _), weight in zip(default_estimators(), DEFAULT_WEIGHTS, strict=True)
    },
}
METHODS = SEMI_SUPERVISED | SUPERVISED
# On most tables a fit of these takes several seconds. Fewer draws of them are made.
# Some need packages that are not always installed.
DEAR = [
    "Setred",
    "virtual adversarial training",
    "self-training, forest",
    "tri-training, forest",
]
CHEAP = [
    name
    for name in [*METHODS, *MEANS]
    if name not in DEAR and name != "ladder, convolutional"
]


def members(method):
    """Names of the methods that are fitted for `method`, with their weights."""
    return MEANS.get(method, {method: 1})


def fit(method, X, y_few, seed):
    """The method, fitted to all rows or, if it takes no others, to the labeled ones."""
    rows = np.flatnonzero(y_few != -1) if method in SUPERVISED else slice(None)
    return METHODS[method](seed).fit(X[rows], y_few[rows])
