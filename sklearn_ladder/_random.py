"""Random streams of a fit, independent of each other and of global generators."""

from typing import NamedTuple

import numpy as np
from sklearn.utils import check_random_state


class Seeds(NamedTuple):
    """One seed for each thing that is random in a fit."""

    weights: int
    noise: int
    labeled_order: int
    unlabeled_order: int
    statistics: int
    feature_scaling: int
    validation: int


def private_random_state(random_state):
    """Like scikit-learn's `check_random_state`, but None is not the global generator.

    Parameters
    ----------
    random_state : int, RandomState instance or None

    Returns
    -------
    RandomState
    """
    if random_state is None:
        return np.random.RandomState()
    return check_random_state(random_state)


def spawn_seeds(random_state, n_epochs_before=0):
    """Seeds of a fit, spawned from one source of entropy.

    Parameters
    ----------
    random_state : int, RandomState instance or None
    n_epochs_before : int, default=0
        Number of epochs of a stream before. Each call of `partial_fit` gets streams of
        its own.

    Returns
    -------
    Seeds
    """
    drawn = private_random_state(random_state).randint(2**32, size=4, dtype=np.uint32)
    sequence = np.random.SeedSequence(drawn.tolist(), spawn_key=(n_epochs_before,))
    children = sequence.spawn(len(Seeds._fields))
    # 32 bits, since scikit-learn's splitters take no more
    return Seeds(*(int(child.generate_state(1)[0]) for child in children))
