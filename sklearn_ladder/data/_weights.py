"""temporary until the data branch is merged"""

import numpy as np
from sklearn.utils.validation import _check_sample_weight

from ._labels import UNLABELED, row_weights
from ._labels import with_mean_1 as normalize_weights  # noqa: F401


def sample_weights(sample_weight, class_weight, labels):
    if sample_weight is None and class_weight is None:
        return None
    labeled = labels.codes != UNLABELED
    if sample_weight is not None:
        weight = np.asarray(sample_weight)
        if weight.shape == labeled.shape:
            sample_weight = np.where(labeled, weight, 1)
        weight = _check_sample_weight(sample_weight, labeled, ensure_non_negative=True)
    else:
        weight = np.ones(len(labels.codes))
    return row_weights(labels, weight, class_weight)


def labeled_weights(sample_weight, labeled):
    if sample_weight is None:
        return None
    weight = np.asarray(sample_weight)
    if weight.shape == labeled.shape:
        sample_weight = np.where(labeled, weight, 1)
    return _check_sample_weight(sample_weight, labeled, ensure_non_negative=True)[
        labeled
    ]
