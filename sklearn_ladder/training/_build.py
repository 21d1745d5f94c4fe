"""Build the skorch net that a plan describes."""

from copy import deepcopy
from functools import partial

import numpy as np
from skorch.callbacks import Callback, LRScheduler
from skorch.dataset import Dataset
from skorch.helper import predefined_split

from .._class_prior import class_bias
from ..data._samples import chunk_size
from ..network import layer_shapes
from ..network._feature_scaling import PiecewiseLinear
from ..network._projection import Projection
from ._callbacks import LearningRateSchedule, callback_of, early_stopping
from ._checkpoint import Checkpoint
from ._net import LadderNet

# Number of earlier epochs of a stream that the history keeps.
N_EPOCHS_OF_STREAM = 100


def build_net(plan, validation_set=None, callbacks=None, previous=None):
    """Build the net of a plan.

    Parameters
    ----------
    plan : Plan
    validation_set : tuple of (SampleSubset, ndarray, ndarray or None), default=None
        Held-out samples, their class codes and weights, for early stopping.
    callbacks : list, default=None
        The user's skorch callbacks. The net has copies of them.
    previous : LadderNet, default=None
        Net to take weights and statistics from and, in a stream, the state of the
        optimizer and the history.

    Returns
    -------
    LadderNet

    Raises
    ------
    ValueError
        If `callbacks` are not as described, or change a rate that is settled, or if
        the previous net has other layers.
    """
    users = _copies(callbacks)
    if any(isinstance(callback_of(entry), LRScheduler) for entry in users):
        _check_may_change_rate(plan)
    all_callbacks = [*own_callbacks(plan), *users]
    train_split = None
    if plan.early_stopping:
        *samples, weight = validation_set
        held_out = Dataset(*samples)
        held_out.held_out_weight = weight  # see `SampleBatches`
        train_split = predefined_split(held_out)
    net = initialized_net(plan, all_callbacks, train_split)
    if previous is not None:
        _check_same_functions(plan, previous.plan)
        _load_weights(net.module_, previous.module_, plan.is_stream)
        if plan.is_stream:
            _continue_stream(net, previous)
    return net


def own_callbacks(plan):
    """Callbacks of this package that a plan needs, as pairs (name, callback)."""
    schedule = LearningRateSchedule(plan.n_updates, plan.decay_start, plan.max_time)
    callbacks = [("learning_rate_schedule", schedule)]
    if plan.early_stopping:
        callbacks += early_stopping(plan.n_iter_no_change, plan.tol)
    return callbacks


def initialized_net(plan, callbacks, train_split=None):
    """The net of a plan, with initial weights.

    Parameters
    ----------
    plan : Plan
    callbacks : list
        All callbacks but skorch's default ones. They are not copied.
    train_split : callable, default=None
        Gives skorch the held-out samples.

    Returns
    -------
    LadderNet
    """
    shapes = layer_shapes(plan.layers[0], plan.layers[1:])
    width_at_most = plan.n_estimators * max(shape.n_units for shape in shapes)
    if plan.projection is not None:
        width_at_most = max(width_at_most, len(plan.projection))
    return LadderNet(
        plan=plan,
        module__layers=plan.layers,
        module__denoised_layers=np.flatnonzero(plan.denoising_cost).tolist(),
        module__noise_std=plan.noise_std,
        module__activation=plan.activation,
        module__combinators=plan.combinator,
        module__feature_scaling=_feature_scaling(plan),
        module__input_range=plan.input_range,
        module__class_bias=(
            class_bias(np.array(plan.class_shares)) if plan.n_classes else None
        ),
        module__n_members=plan.n_estimators,
        module__n_denoising=plan.n_denoising,
        module__has_linear_member=plan.linear_share > 0,
        module__has_classes=plan.n_classes > 0,
        module__seed=plan.seeds.weights,
        criterion__denoising_costs=plan.denoising_cost,
        criterion__smoothing=plan.label_smoothing,
        criterion__adversarial_weight=plan.adversary.weight if plan.adversary else 0.0,
        iterator_train__with_unlabeled=plan.uses_unlabeled,
        iterator_train__seeds=(
            plan.seeds.labeled_order,
            plan.seeds.unlabeled_order,
        ),
        iterator_train__filler_share=(1 - plan.labeled_share) * plan.is_stream,
        iterator_valid__batch_size=chunk_size(width_at_most),
        train_split=train_split,
        batch_size=plan.batch_size,
        max_epochs=plan.max_epochs,
        lr=plan.learning_rate,
        callbacks=callbacks,
        # skorch's PrintLog formats a table in each epoch, even if it does not print
        **({} if plan.verbose > 1 else {"callbacks__print_log": None}),
        classes=np.arange(plan.n_classes),
        device=plan.device,
        verbose=max(plan.verbose - 1, 0),  # 1 is for `Progress`
    ).initialize()


def _feature_scaling(plan):
    """Callable that makes the module of the feature scaling, or None."""
    if plan.projection is not None:
        return partial(Projection, plan.projection)
    return plan.scale and partial(PiecewiseLinear, *plan.scale)


def _check_may_change_rate(plan):
    """Raise if the rate of a user's scheduler would be replaced, or be a stream's."""
    if plan.is_stream:
        raise ValueError(
            "partial_fit trains at a constant rate, so an LRScheduler among callbacks "
            "is for fit only. Remove it by set_params(callbacks=...), and change the "
            "rate by set_params(learning_rate=...)."
        )
    if plan.decay_start < 1:
        raise ValueError(
            "An LRScheduler among callbacks needs decay_start=1, which leaves out the "
            f"decay that would replace its rates; got decay_start={plan.decay_start}."
        )


def _copies(callbacks):
    """Check and copy the user's callbacks. Pairs (name, callback) are accepted.

    They are copied together, because one may refer to another, as LoadInitState does.
    """
    for entry in callbacks or []:
        if not isinstance(callback_of(entry), Callback):
            raise ValueError(
                "callbacks must be skorch callbacks, or pairs (name, callback); got "
                f"{entry!r}."
            )
    is_checkpoint = [isinstance(callback_of(e), Checkpoint) for e in callbacks or []]
    if sum(is_checkpoint) > 1:
        raise ValueError("callbacks must have at most one Checkpoint.")
    try:
        copies = deepcopy(callbacks or [])
    except TypeError as error:
        raise ValueError(
            "callbacks must be copyable, because each fit trains with copies; got "
            f"{callbacks!r} ({error}). A callback that needs a file or a thread should "
            "open it in on_train_begin."
        ) from error
    # a checkpoint comes last, because it keeps the state of the others
    return [copies[n] for n in np.argsort(is_checkpoint, kind="stable")]


def _load_weights(module, previous, is_stream):
    """Copy weights and statistics, except buffers that depend on the data of a fit.

    The linear member is fitted at the end of a fit, and before that must not vote on
    the samples that stop training. In a stream it goes on.
    """
    initial, state = module.state_dict(), previous.state_dict()
    of_data = ["feature_scaling.", "input_range"]
    if not is_stream:
        of_data.append("class_prior_ratio")
    state |= {
        name: value
        for name, value in initial.items()
        if name.startswith(tuple(of_data)) and name in state
    }
    own = {n: value for n, value in initial.items() if n.startswith("linear.")}
    earlier = {n: state.pop(n) for n in list(state) if n.startswith("linear.")}
    # one of the two may have no linear member
    state |= {n: earlier.get(n, own[n]) if is_stream else own[n] for n in own}
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        difference = str(error).splitlines()[-1].strip()
        raise _other_layers(module.has_classes, difference) from error


def _check_same_functions(plan, previous):
    """Raise if layers differ where their weights have the same shapes."""
    names = [f"layer {number}" for number in range(1, len(plan.layers))]
    for name, before, now in [
        ("number of layers", len(previous.layers) - 1, len(plan.layers) - 1),
        *zip(names, previous.layers[1:], plan.layers[1:], strict=False),
        ("activation", previous.activation, plan.activation),
    ]:
        if before != now:
            difference = f"{name}: {before!r} before, {now!r} now."
            raise _other_layers(plan.n_classes > 0, difference)


def _other_layers(has_classes, difference):
    needing, own, costs = "warm_start needs", "n_components", ""
    if has_classes:
        needing, own = "warm_start and partial_fit need", "n_estimators"
        costs = "variant and "
    return ValueError(
        f"{needing} the same layers as in the previous fit: hidden_layer_sizes, "
        f"architecture, image_shape, combinator, activation, {own}, "
        f"feature_scaling, and which layers have a cost by {costs}denoising_cost. "
        f"{difference}"
    )


def _continue_stream(net, previous):
    """Take over the state of the optimizer, and the end of the history."""
    if hasattr(previous, "optimizer_"):
        net.optimizer_.load_state_dict(deepcopy(previous.optimizer_.state_dict()))
        for group in net.optimizer_.param_groups:
            group["lr"] = net.lr
    # bounded, so that neither calls nor pickles grow with the stream
    net.history.extend(previous.history[-(N_EPOCHS_OF_STREAM - 1) :])
