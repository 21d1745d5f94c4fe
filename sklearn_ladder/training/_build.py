"""From parameters of the estimator to the net that they describe."""

from copy import deepcopy
from functools import partial

import numpy as np
from skorch.callbacks import Callback

from .._class_prior import class_bias
from .._defaults import default_n_denoising, default_n_networks
from .._variants import (
    denoising_weights,
    name_per_layer,
    per_layer,
    virtual_adversary,
)
from ..architectures import network_layers
from ..network import Shape, layer_shapes
from ..network._combinators import COMBINATORS
from ..network._feature_scaling import PiecewiseLinear
from ._net import LadderNet, resolve_device


def make_net(
    clf,
    n_features,
    shares,
    seeds,
    *,
    image_shape=None,
    scale=None,
    n_updates=np.inf,
    previous=None,
    callbacks=(),
    **parameters,
):
    """The net that an estimator's parameters describe, initialized.

    Parameters
    ----------
    clf : LadderClassifier
        Need not be fitted.
    n_features : int
    shares : ndarray of shape (n_classes,)
        Of the classes among the labels.
    seeds : pair of int
        Of the initial weights, and of what is random in training.
    image_shape : tuple, default=None
        Shape of the images in the rows, if they are any.
    scale : Scale, default=None
        Of the standardization; by default there is none.
    n_updates : int, default=inf
        That training makes unless told otherwise, for the number of networks.
    previous : LadderNet, default=None
        Net to take weights, statistics and number of networks from.
    callbacks : sequence, default=()
        Before those of users.
    **parameters
        Of `LadderNet`.

    Returns
    -------
    LadderNet

    Raises
    ------
    ValueError
        If a parameter is not as described, a layer does not fit on the one below, or
        the previous net has other layers.
    """
    n_classes = len(shares)
    input_shape, specifications = network_layers(
        clf.architecture,
        clf.hidden_layer_sizes,
        n_features,
        image_shape,
        n_classes,
    )
    if scale is not None:
        input_shape = _shape_of_columns(input_shape, len(scale.feature))
    n_layers = 1 + len(specifications)
    n_networks = clf.n_ensemble
    if n_networks == "auto" and previous is not None:
        n_networks = previous.module_.n_networks
    elif n_networks == "auto":
        shapes = layer_shapes(input_shape, specifications)
        n_networks = default_n_networks(n_updates, shapes)
    n_denoising = n_networks
    if isinstance(clf.denoising_cost, str):
        n_denoising = default_n_denoising(n_networks, n_classes)
    weights = denoising_weights(clf.denoising_cost, clf.variant, n_layers, n_classes)
    noise_std = per_layer("noise_std", clf.noise_std, n_layers)
    has_unsupervised_cost = bool(weights.any()) or clf.entropy_cost > 0
    adversary = virtual_adversary(
        clf.virtual_adversarial,
        clf.epsilon,
        n_layers,
        clf.perturbation_norm,
        clf.n_power_iterations,
        has_unsupervised_cost,
    )
    net = LadderNet(
        module__layers=[input_shape, *specifications],
        module__denoised_layers=np.flatnonzero(weights).tolist(),
        module__noise_std=noise_std.tolist(),
        module__activation=clf.activation,
        module__combinators=name_per_layer(
            "combinator", clf.combinator, n_layers, COMBINATORS
        ),
        module__standardization=scale and partial(PiecewiseLinear, *scale),
        module__class_bias=class_bias(shares),
        module__adversary=adversary,
        module__n_networks=n_networks,
        module__n_denoising=n_denoising,
        module__seed=seeds[0],
        criterion__denoising_weights=weights.tolist(),
        criterion__entropy_weight=clf.entropy_cost,
        criterion__smoothing=clf.label_smoothing,
        iterator_train__with_unlabeled=(has_unsupervised_cost or adversary is not None),
        weight_normalization=clf.weight_normalization,
        batch_size=clf.batch_size,
        lr=clf.learning_rate,
        callbacks=[*callbacks, *_checked_callbacks(clf.callbacks)],
        classes=np.arange(n_classes),
        seed=seeds[1],
        device=resolve_device(clf.device),
        verbose=int(clf.verbose),
        **parameters,
    ).initialize()
    if previous is not None:
        _load_weights(net, previous)
    return net


def _shape_of_columns(input_shape, n_columns):
    """Shape of layer 0 where features have columns for their bins."""
    if n_columns == input_shape.n_units:
        return input_shape
    if input_shape.n_sites > 1:
        raise ValueError(
            "n_bins must be 1 (or 'auto') for an architecture whose first layer is no "
            f"Dense layer, since bins of pixels are no image; got {n_columns} columns "
            f"of {input_shape.n_units} pixels."
        )
    return Shape(n_columns)


def _checked_callbacks(callbacks):
    """Copies of the user's callbacks, each alone or with a name.

    Of all at once, since one may refer to another, as skorch's LoadInitState does.
    """
    for entry in callbacks or []:
        callback = entry[-1] if isinstance(entry, tuple) and len(entry) == 2 else entry
        if not isinstance(callback, Callback):
            raise ValueError(
                "callbacks must be skorch callbacks, or pairs (name, callback); got "
                f"{entry!r}."
            )
    try:
        return deepcopy(callbacks or [])
    except TypeError as error:
        raise ValueError(
            "callbacks must be such that they can be copied, since each fit trains "
            f"with copies; got {callbacks!r} ({error}). What holds a file or a thread "
            "should open it in on_train_begin."
        ) from error


def _load_weights(net, previous):
    """Copy weights and statistics of a trained net, but not its standardization."""
    try:
        net.load_weights(previous)
    except RuntimeError as error:
        raise ValueError(
            "warm_start and partial_fit need the same layers as in the previous "
            "fit: hidden_layer_sizes, architecture, image_shape, combinator, "
            "activation, n_ensemble, standardize, and which layers have a cost by "
            f"variant and denoising_cost. {str(error).splitlines()[-1].strip()}"
        ) from error
