"""Fit the linear member of a trained network to the labeled samples."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._prediction import run
from ..data._labels import UNLABELED
from ..data._samples import SampleSubset

# Inverse of the regularization strength, as in scikit-learn.
C = 0.3
# With more labeled samples the member hardly changes, so a random subset is used.
MOST_LABELS = 5000
MOST_ITERATIONS = 100
# Log-odds against a class whose labels all have weight 0.
NO_CLASS = -20.0


def fit_linear_member(net, data):
    """Set the weights of the linear member, if the network has one.

    It is a logistic regression of scikit-learn, of the columns of layer 0. It needs all
    labels at once, so in a stream only its share changes.

    Parameters
    ----------
    net : LadderNet
        Trained: if entries are missing, the decoder imputes them.
    data : TrainingData
    """
    linear, plan = net.module_.linear, net.plan
    if linear is None:
        return
    if plan.is_stream:
        linear.set(linear.weight, linear.bias, plan.linear_share)
        return
    from sklearn.linear_model import LogisticRegression  # late: it is slow to import

    labeled = np.flatnonzero(data.codes != UNLABELED)
    if len(labeled) > MOST_LABELS:
        generator = np.random.default_rng(plan.seeds.statistics)
        _, of_each_class = np.unique(data.codes[labeled], return_index=True)
        drawn = generator.choice(labeled, MOST_LABELS, replace=False)
        labeled = np.union1d(drawn, labeled[of_each_class])
    codes = data.codes[labeled]
    coef = np.zeros((plan.n_classes, linear.n_columns))
    intercept = np.full(plan.n_classes, NO_CLASS)
    known = np.unique(codes)
    if len(known) == 1:
        intercept[known] = 0
    else:
        samples = SampleSubset(data.samples, labeled)
        weight = None if data.weight is None else data.weight[labeled]
        if weight is not None:
            weight = weight / weight.mean()
        columns = run(net.module_, "columns", samples, plan.device)
        with warnings.catch_warnings():
            # an approximate optimum is as good
            warnings.simplefilter("ignore", ConvergenceWarning)
            fitted = LogisticRegression(C=C, max_iter=MOST_ITERATIONS).fit(
                columns, codes, weight
            )
        # of two classes, scikit-learn has the logit of the second one
        has_logit = known if len(known) > 2 else known[1:]
        intercept[known] = 0
        coef[has_logit], intercept[has_logit] = fitted.coef_, fitted.intercept_
    linear.set(coef, intercept, plan.linear_share)
