"""Sources of random numbers that are nobody else's."""

import numpy as np
from sklearn.utils import check_random_state


def private_random_state(random_state):
    """As scikit-learn's `check_random_state`, but None is not the global generator.

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
