"""The steps of a fit, in their order.

Survey and encode the data → resolve the plan → build the net → train → infer the class
prior → change the estimator.
"""

from functools import partial

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.validation import (
    _check_feature_names,
    _check_n_features,
    _get_feature_names,
)

from ._callback_support import FitTasks, labeled_arguments
from ._class_prior import infer_class_prior
from ._isolation import isolated
from ._parameters import WITHOUT_CLASSES, refuse_for_stream
from ._plan import resolve_plan
from ._prediction import check_same_image_shape
from ._random import spawn_seeds
from .data._find_categories import check_categories_are_kept
from .data._samples import flatten_images, refuse_texts
from .data._training_data import encode_training_data, encode_unlabeled_data
from .training._build import build_net
from .training._checkpoint import seeds_in_checkpoint
from .training._epoch_tasks import EpochTasks
from .training._linear_member import fit_linear_member
from .training._train import history_table, train

# Earlier samples of a stream count as at most this many in the population statistics,
# since their statistics were measured with other network weights, and for the share of
# the linear member, which knows no other samples.
STREAM_MEMORY = 1000


@isolated()
def fit_ladder(
    estimator, X, y, sample_weight, continues, classes=None, is_stream=False
):
    """Fit a classifier or an autoencoder. If anything fails, it stays as it was.

    Parameters
    ----------
    estimator : LadderClassifier or LadderAutoencoder
        Its fitted attributes change in one step, at the end.
    X, y, sample_weight
        As given to its `fit` or `partial_fit`. An autoencoder ignores the latter two.
    continues : bool
        Whether training starts from the weights of the previous fit, if there is one.
    classes : array-like of shape (n_classes,), default=None
        All classes of a stream.
        None means those of the previous fit.
    is_stream : bool, default=False
        Whether `partial_fit` trains.

    Returns
    -------
    LadderClassifier or LadderAutoencoder
        The estimator.
    """
    if is_stream:
        refuse_for_stream(estimator)
        if classes is None and not hasattr(estimator, "classes_"):
            raise ValueError("classes must be passed on the first call to partial_fit.")
        classes = estimator.classes_ if classes is None else classes
    previous = estimator if continues and hasattr(estimator, "net_") else None
    previous_plan, previous_net = (
        (previous.plan_, previous.net_) if previous else (None, None)
    )
    n_seen = estimator.n_samples_seen_ if is_stream and previous else 0
    seeds = _seeds(estimator, is_stream, estimator.n_iter_ if n_seen else 0)
    refuse_texts(X)
    X, image_shape = flatten_images(X)
    if previous:
        _check_feature_names(estimator, X, reset=False)
    if is_classifier(estimator):
        data = encode_training_data(
            estimator, X, y, sample_weight, seeds, classes, is_stream, previous_plan
        )
    else:
        data = encode_unlabeled_data(estimator, X, previous_plan)
    if previous:
        check_same_image_shape(previous_plan, image_shape)
        _check_n_features(estimator, X, reset=False)
        check_categories_are_kept(estimator, previous_plan.categories)
        if is_classifier(estimator):
            _check_classes(data.classes, estimator.classes_)
    parameters = WITHOUT_CLASSES | {
        # small integers of NumPy would overflow in products
        name: value.item() if isinstance(value, np.number) else value
        for name, value in estimator.get_params(deep=False).items()
    }
    n_new, n_earlier = len(data.samples), min(n_seen, STREAM_MEMORY)
    earlier_share = n_earlier / (n_new + n_earlier)
    plan = resolve_plan(
        parameters, data, image_shape, seeds, previous_plan, earlier_share
    )
    net = build_net(plan, data.validation_set(), estimator.callbacks, previous_net)
    if is_stream and estimator.class_prior is None:
        net.module_.set_class_prior_ratio(np.ones(plan.n_classes))
    names = _get_feature_names(X)
    if previous:
        names = getattr(estimator, "feature_names_in_", None)
    n_iter = estimator.n_iter_ + 1 if n_seen else None
    attributes_of = partial(_fitted_attributes, data, names, n_seen, n_iter)
    tasks = FitTasks(
        estimator, plan.max_epochs, labeled_arguments(X, data, sample_weight)
    )
    train(
        net,
        data,
        earlier_share,
        [EpochTasks(tasks, attributes_of)] if tasks.has_callbacks else [],
    )
    state = vars(estimator) | attributes_of(net)
    if is_stream:  # a stream never sees all unlabeled samples
        state.pop("class_prior_", None)
    if names is None:
        state.pop("feature_names_in_", None)
    # one step: an interrupt leaves the old fit or the new one
    estimator.__dict__ = state
    tasks.end()
    return estimator


def _seeds(estimator, is_stream, n_epochs_before):
    """Seeds of this fit: those of the checkpoint that it continues, or new ones."""
    seeds = None
    if estimator.random_state is None and not is_stream:
        seeds = seeds_in_checkpoint(estimator.callbacks)
    return seeds or spawn_seeds(estimator.random_state, n_epochs_before)


def _check_classes(classes, previous_classes):
    if not np.array_equal(classes, previous_classes):
        raise ValueError(
            "warm_start and partial_fit need the same classes as in the previous "
            f"fit, {previous_classes}; got {classes}."
        )


def _fitted_attributes(data, names, n_seen, n_iter, net):
    """Finish a trained net, and return all attributes of its fitted estimator.

    Parameters
    ----------
    data : TrainingData
    names : ndarray of shape (n_features,) or None
        Feature names.
    n_seen : int
        Number of samples that a stream has seen before.
    n_iter : int or None
        Number of epochs of a stream; None for `fit`, whose epochs the history has.
    net : LadderNet
    """
    plan, history = net.plan, history_table(net.history)
    fitted = {
        "net_": net,
        "plan_": plan,
        "history_": history,
        "n_iter_": n_iter or len(history["train_loss"]),
        "n_samples_seen_": n_seen + len(data.samples),
        "n_features_in_": plan.n_features,
        "denoising_cost_": np.array(plan.denoising_cost),
        "feature_scaling_": plan.feature_scaling,
        "hidden_layer_sizes_": plan.hidden_layer_sizes,
        "max_epochs_": plan.max_epochs,
    }
    if plan.n_classes:
        fitted |= _finish_classifier(data, net)
    return fitted if names is None else fitted | {"feature_names_in_": names}


def _finish_classifier(data, net):
    """Fit the linear member, set the class prior, and return the attributes."""
    plan = net.plan
    fit_linear_member(net, data)
    class_prior, proba = infer_class_prior(net.module_, data, plan)
    of_fit = {} if data.is_stream else {"class_prior_": class_prior}
    return {
        "classes_": data.classes,
        **of_fit,
        "transduction_": data.transduce(proba),
        "n_estimators_": plan.n_estimators,
        "linear_share_": plan.linear_share,
        "denoising_cost_": plan.denoising_cost_of_members,
    }
