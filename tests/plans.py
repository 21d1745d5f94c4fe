"""Plans and nets for tests that do not train."""

import numpy as np

from sklearn_ladder import LadderClassifier
from sklearn_ladder._plan import resolve_plan
from sklearn_ladder._random import spawn_seeds
from sklearn_ladder.data._training_data import encode_training_data
from sklearn_ladder.training._build import build_net


def make_plan(n_features=3, n_classes=2, n_samples=40, is_stream=False, **parameters):
    """The plan of a fit to samples of which half have a label."""
    clf = LadderClassifier(random_state=0, **parameters)
    clf._validate_params()
    X = np.random.RandomState(0).normal(size=(n_samples, n_features))
    y = np.where(np.arange(n_samples) % 2, np.arange(n_samples) // 2 % n_classes, -1)
    seeds = spawn_seeds(0)
    classes = range(n_classes) if is_stream else None
    data = encode_training_data(clf, X, y, None, seeds, classes, is_stream)
    return resolve_plan(clf.get_params(deep=False), data, None, seeds)


def make_net(*args, **parameters):
    """The untrained net of `make_plan`."""
    return build_net(make_plan(*args, **parameters))
