"""The plan of a fit: every "auto", per-layer value and check, resolved once.

`resolve_plan` takes the parameters of the estimator and the surveyed training data.
All later steps read the plan, never the estimator.
"""

from dataclasses import dataclass, field

import numpy as np
import torch

from . import _defaults
from ._class_prior import ClassPriorRule, resolve_class_prior
from ._parameters import is_dense, name_per_layer, per_layer
from ._plan_costs import resolve_costs
from ._random import Seeds
from ._user_warnings import warn_user
from .architectures import (
    check_image_shape,
    network_layers,
    warn_of_channels_last,
)
from .data._batches import n_batches
from .data._categories import TableCategories
from .data._feature_scaling import Scale
from .data._first_samples import warn_unlike_first, warn_unlike_subset
from .data._labels import UNLABELED
from .network import Dense, Shape, layer_shapes
from .network._combinators import COMBINATORS
from .objective._adversary import Adversary

TAKEN_AS_GIVEN = (
    "activation",
    "batch_size",
    "early_stopping",
    "label_smoothing",
    "learning_rate",
    "max_time",
    "n_iter_no_change",
    "tol",
    "verbose",
    "weight_normalization",
)
# Values from this size on should be scaled.
LARGEST_UNSCALED = 100
# Numbers of bins that have a name.
SCALING_NAMES = {1: "scaled", _defaults.N_BINS: "binned"}


@dataclass(frozen=True)
class Plan:
    """All settings of a fit, resolved: what the fitted attribute ``plan_`` holds.

    Tuples with one entry per layer begin with the input, layer 0, and end with the
    class layer.
    """

    n_features: int
    n_classes: int  # 0 of an autoencoder
    image_shape: tuple[int, ...] | None
    categories: TableCategories | None = field(repr=False)  # of the features
    # dtype in which samples enter the network: float64 if float32 would lose values
    input_dtype: str
    n_bins: int | None  # per feature; None unless each feature has its own scale
    layers: tuple  # shape of the input, then the specification of each layer
    activation: str
    noise_std: tuple[float, ...]
    combinator: tuple[str, ...]
    denoising_cost: tuple[float, ...]  # 0 at layers without a cost
    adversary: Adversary | None
    label_smoothing: float
    weight_normalization: bool
    n_estimators: int
    linear_share: float  # of the linear member in the mean of the probabilities
    n_denoising: int  # members with denoising costs, if any has: the first ones
    uses_unlabeled: bool  # whether any cost needs unlabeled samples
    batch_size: int
    max_epochs: int
    n_updates: int
    max_time: float | None  # seconds
    learning_rate: float
    decay_start: float
    early_stopping: bool
    n_iter_no_change: int
    tol: float
    # weighted share of each class among the labels; equal shares for streams
    class_shares: tuple[float, ...]
    # given by the user; if None: shares of the labels, or the EM algorithm
    class_prior: tuple[float, ...] | None
    em_weight: float  # factor on the EM estimate, from 0 (not used) to 1
    # weight of labeled samples in the statistics for prediction; the rest: all samples
    labeled_share: float
    device: str
    verbose: int
    is_stream: bool  # whether `partial_fit` trains
    seeds: Seeds
    # Arrays. The input range is the lowest and highest value of each column, which
    # limit imputed values.
    scale: Scale | None = field(repr=False)
    input_range: np.ndarray | None = field(repr=False)
    projection: np.ndarray | None = field(repr=False)  # of sparse features
    # numbers of the columns that the first samples hide, as warnings have said
    columns_told: tuple[int, ...] = field(default=(), repr=False)
    is_flat: bool = True  # whether samples came as rows of a table, not as images

    @property
    def n_updates_per_epoch(self):
        return self.n_updates // self.max_epochs

    @property
    def smoothing(self):
        """Share of a uniform distribution in the learned probabilities."""
        # the linear member learns labels that are not smoothed
        return self.label_smoothing * (1 - self.linear_share)

    @property
    def hidden_layer_sizes(self):
        """Widths of the hidden layers of an MLP; None of another architecture."""
        hidden = self.layers[1:-1]
        are_dense = all(isinstance(layer, Dense) for layer in hidden)
        return tuple(layer.width for layer in hidden) if are_dense else None

    @property
    def denoising_cost_of_members(self):
        """Denoising costs as an array of shape (n_estimators, n_layers)."""
        costs = np.zeros((self.n_estimators, len(self.layers)))
        costs[: self.n_denoising] = self.denoising_cost
        return costs

    @property
    def feature_scaling(self):
        """Value of the parameter `feature_scaling` that means the same."""
        if self.projection is not None:
            return "projected"
        if self.scale is not None and self.n_bins is None:
            return "shared"
        return SCALING_NAMES.get(self.n_bins, self.n_bins)


def resolve_plan(
    parameters, data, image_shape, seeds, previous=None, earlier_share=0.0
):
    """Resolve the settings of a fit.

    Parameters
    ----------
    parameters : dict
        Constructor parameters of the estimator.
    data : TrainingData
    image_shape : tuple of int or None
        Shape of the images in `X`, if it has four dimensions.
    seeds : Seeds
    previous : Plan, default=None
        Plan of the fit whose weights training starts from. Its categories and feature
        scaling are kept, and its number of members where `n_estimators` is "auto".
    earlier_share : float, default=0.0
        Weight of the earlier samples of a stream.

    Returns
    -------
    Plan

    Raises
    ------
    ValueError
        If a parameter is not as described, or parameters contradict each other or the
        data.
    """
    network = _resolve_network(parameters, data, image_shape, seeds, previous)
    n_layers, n_classes = len(network["layers"]), len(data.classes)
    training = _resolve_training(parameters, data, network, previous, earlier_share)
    costs = resolve_costs(parameters, n_layers, n_classes, training["n_estimators"])
    return Plan(
        **network,
        **training,
        **costs,
        **_class_prior_rule(parameters, data, costs["uses_unlabeled"])._asdict(),
        **{name: parameters[name] for name in TAKEN_AS_GIVEN},
        device=resolve_device(parameters["device"]),
        is_stream=data.is_stream,
        seeds=seeds,
    )


def _resolve_network(parameters, data, image_shape, seeds, previous):
    """Resolve the fields of the network: input, layers, noise and combinators."""
    n_classes, n_columns = len(data.classes), data.samples.shape[1]
    is_flat = image_shape is None
    image_shape = check_image_shape(
        parameters["image_shape"], image_shape or (previous and previous.image_shape)
    )
    if previous is None:
        warn_of_channels_last(image_shape)
    if image_shape is not None and data.samples.categories is not None:
        raise ValueError(
            "categorical_features must be None for images; got "
            f"{parameters['categorical_features']!r} and pixels with categories."
        )
    scaling = _resolve_feature_scaling(parameters, data, n_classes, seeds, previous)
    scale, projection = scaling["scale"], scaling["projection"]
    sizes = parameters["hidden_layer_sizes"]
    if isinstance(sizes, str):
        sizes = _defaults.hidden_layer_sizes(n_classes)
    input_shape, specifications = network_layers(
        parameters["architecture"],
        sizes,
        n_columns,
        image_shape,
        n_classes or parameters["n_components"],
    )
    if scale is not None:
        input_shape = _shape_of_columns(input_shape, len(scale.feature))
    if projection is not None:
        input_shape = _shape_of_columns(input_shape, projection.shape[1], True)
    n_layers = 1 + len(specifications)
    return {
        "n_features": data.samples.n_features,
        "n_classes": n_classes,
        "image_shape": image_shape,
        "is_flat": is_flat,
        "categories": data.samples.categories,
        "input_dtype": data.samples.dtype.name,
        **scaling,
        "layers": (input_shape, *specifications),
        "noise_std": _noise_std(parameters["noise_std"], n_layers),
        "combinator": name_per_layer(
            "combinator", parameters["combinator"], n_layers, COMBINATORS
        ),
    }


def _noise_std(noise_std, n_layers):
    if isinstance(noise_std, str):  # "auto", of an autoencoder
        noise_std = _defaults.noise_of_autoencoder(n_layers)
    return per_layer("noise_std", noise_std, n_layers)


def _resolve_feature_scaling(parameters, data, n_classes, seeds, previous):
    """Resolve the fields of the feature scaling; those of a previous fit are kept."""
    n_bins = scale = projection = None
    kind, told = parameters["feature_scaling"], ()
    if kind == "auto":
        kind = _defaults.feature_scaling(
            is_dense(parameters["architecture"]),
            data.samples.is_sparse,
            data.samples.shape[1],
        )
    if previous is not None:
        _check_scaling_is_kept(parameters["feature_scaling"], previous)
        n_bins, scale = previous.n_bins, previous.scale
        projection = previous.projection
        told = warn_unlike_first(data.samples, scale, projection, previous.columns_told)
    elif kind is None:
        _warn_of_large_values(data.survey)
    elif kind == "projected":
        projection = data.projection(seeds.feature_scaling)
        if data.samples.is_sparse:
            warn_unlike_subset(data.samples, projection)
    elif kind == "shared":
        scale = data.shared_scale(seeds.feature_scaling)
    else:
        knots = data.feature_knots(seeds.feature_scaling)
        n_bins = _n_bins(kind, knots.n_values, n_classes)
        scale = knots.scale(n_bins)
    return {
        "n_bins": n_bins,
        "scale": scale,
        "projection": projection,
        "columns_told": told,
        "input_range": (
            _input_range(data.survey, scale, previous) if projection is None else None
        ),
    }


def _warn_of_large_values(survey):
    """Warn of pixels from 0 to 255 and the like, if they are not scaled."""
    largest = np.fmax(np.abs(survey.lowest), np.abs(survey.highest))
    largest = largest[survey.lowest < survey.highest]  # not of constant features
    if len(largest) and (largest := np.median(largest)) >= LARGEST_UNSCALED:
        warn_user(
            "feature_scaling=None takes features as they are, and half of them have "
            f"values up to {largest:g} or more in size. Bring them to a size of about "
            "1 first, such as pixels by X / 255, or let the network scale them "
            "(feature_scaling='auto')."
        )


def _check_scaling_is_kept(feature_scaling, previous):
    """Raise a ValueError if the parameter asks for another one than that of the fit."""
    named = SCALING_NAMES.get(feature_scaling, feature_scaling)
    if named not in ("auto", previous.feature_scaling):
        raise ValueError(
            "feature_scaling must stay as it is where training goes on: it is "
            f"{previous.feature_scaling!r} in the fitted network; got "
            f"{feature_scaling!r}."
        )


def _resolve_training(parameters, data, network, previous, earlier_share):
    """Resolve the fields of training: its length and the number of members."""
    layers = network["layers"]
    n_labels = np.count_nonzero(data.codes != UNLABELED)
    n_batches_per_epoch = n_batches(len(data.samples), parameters["batch_size"])
    max_epochs = parameters["max_epochs"]
    if data.is_stream:
        max_epochs = 1
    elif max_epochs == "auto":
        n_updates = _defaults.n_updates(
            n_labels, len(data.classes), is_dense(parameters["architecture"])
        )
        max_epochs = max(1, round(n_updates / n_batches_per_epoch))
    if parameters["early_stopping"] and max_epochs == 1:
        is_auto = ' ("auto" gives 1)' * (parameters["max_epochs"] == "auto")
        warn_user(
            "early_stopping=True compares the weights of several epochs, but training "
            f"has only one: raise max_epochs{is_auto}.",
        )
    n_estimators = parameters["n_estimators"]
    if n_estimators == "auto":
        if previous is not None:
            n_estimators = previous.n_estimators
        elif data.is_stream:
            n_estimators = 1
        else:
            shapes = layer_shapes(layers[0], layers[1:])
            n_estimators = _defaults.n_estimators(shapes, len(data.classes))
    if data.is_stream:  # the linear member is of the samples before the stream
        linear_share = earlier_share * previous.linear_share if previous else 0.0
    else:
        linear_share = _linear_share(parameters, data, n_labels, network)
    return {
        "linear_share": linear_share,
        "max_epochs": max_epochs,
        "n_updates": max_epochs * n_batches_per_epoch,
        # the learning rate of a stream stays constant
        "decay_start": 1.0 if data.is_stream else float(parameters["decay_start"]),
        "n_estimators": n_estimators,
        "labeled_share": _defaults.labeled_share(n_labels),
    }


def _linear_share(parameters, data, n_labels, network):
    share = parameters["linear_share"]
    if share == "auto":
        is_projected = network["projection"] is not None
        return _defaults.linear_share(
            *(n_labels, len(data.classes)),
            *(is_dense(parameters["architecture"]), is_projected),
        )
    return float(share)


def _class_prior_rule(parameters, data, uses_unlabeled):
    """Resolve the class prior: given, label shares, or by the EM algorithm."""
    n_classes = len(data.classes)
    if n_classes == 0:
        return ClassPriorRule((), None, 0.0)
    if data.is_stream:  # a stream never sees all labels
        return ClassPriorRule((1 / n_classes,) * n_classes, None, 0.0)
    # Weights already say how much classes matter. Without a cost of unlabeled samples,
    # only labels should matter.
    may_estimate = uses_unlabeled and parameters["class_weight"] is None
    return resolve_class_prior(
        parameters["class_prior"], data.codes, data.classes, data.weight, may_estimate
    )


def _n_bins(feature_scaling, n_values, n_classes):
    if feature_scaling == "scaled":
        return 1
    if feature_scaling == "binned":
        return _defaults.N_BINS
    if feature_scaling == "auto":
        return _defaults.n_bins(n_values, n_classes)
    return feature_scaling


def _shape_of_columns(input_shape, n_columns, is_projected=False):
    """Shape of the input if it has these columns in place of features."""
    if n_columns == input_shape.n_units and not is_projected:
        return input_shape
    if input_shape.n_positions > 1:
        raise ValueError(
            "feature_scaling must be 'shared', 'scaled', 'auto' or None for an "
            "architecture whose first layer is not Dense, since binned or projected "
            f"pixels are no image; got {n_columns} columns for {input_shape.n_units} "
            "pixels."
        )
    return Shape(n_columns)


def _input_range(survey, scale, previous):
    """Lowest and highest value of each input column, shape (2, n_columns)."""
    if scale is not None:
        ends = np.stack([scale.lowest, scale.highest])
        return np.float32((ends - scale.center) * scale.factor)
    ends = np.stack([survey.lowest, survey.highest])
    if previous is not None and previous.feature_scaling is None:
        low, high = previous.input_range
        ends = np.stack([np.fmin(low, ends[0]), np.fmax(high, ends[1])])
    return np.float32(np.nan_to_num(ends))  # 0 if all entries are missing


def resolve_device(device):
    """The torch device that a `device` parameter means.

    Parameters
    ----------
    device : str
        "auto" takes CUDA if there is a CUDA device, else the CPU.

    Raises
    ------
    ValueError
        If torch does not know the device or the machine does not have it.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device, dtype=torch.float64)  # some have no such numbers
        torch.Generator(device)
    except (RuntimeError, AssertionError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            "device must be 'auto' or a device that torch finds on this machine; got "
            f"{device!r} ({reason})"
        ) from error
    return device
