"""Layers for your own networks, and the published networks.

An architecture is a sequence of layers from the first hidden layer to the class layer.
The ladder adds batch normalization and noise to each layer, and an activation function
to each layer except pools. Each layer also provides its counterpart in the decoder.

References
----------
The named architectures are published in Rasmus et al., "Semi-Supervised Learning with
Ladder Networks", 2015, arXiv:1507.02672.

Examples
--------
>>> from sklearn.datasets import load_digits
>>> from sklearn_ladder import LadderClassifier
>>> from sklearn_ladder.architectures import Conv, Dense, MaxPool
>>> X, y = load_digits(return_X_y=True)
>>> clf = LadderClassifier(
...     architecture=[Conv(16, 3, "same"), MaxPool(2), Dense(32), Dense()],
...     image_shape=(1, 8, 8),
...     max_epochs=3,
...     random_state=0,
... )
>>> clf.fit(X, y).predict_proba(X[:5]).shape
(5, 10)
"""

from math import prod

import numpy as np

from ._user_warnings import warn_user
from .network import (
    Conv,
    Dense,
    LayerSpecification,
    MaxPool,
    MeanPool,
    Shape,
    layer_shapes,
)

# Numbers of channels of color images. Images of fewer pixels may be maps of features.
N_COLORS, FEWEST_PIXELS = (3, 4), 5

__all__ = ["ARCHITECTURES", "Conv", "Dense", "MaxPool", "MeanPool"]

# The published networks. None stands for the number of classes.
ARCHITECTURES = {
    "conv-fc": (
        Conv(1000, 26),
        Conv(500, 1),
        Conv(250, 1),
        Conv(250, 1),
        Conv(250, 1),
        Conv(None, 1),
        MeanPool(),
    ),
    "conv-small": (
        Conv(32, 5, "full"),
        MaxPool(2),
        Conv(64, 3),
        Conv(64, 3, "full"),
        MaxPool(2),
        Conv(128, 3),
        Conv(None, 1),
        MeanPool(),
        Dense(),
    ),
    "conv-large": (
        Conv(96, 3),
        Conv(96, 3, "full"),
        Conv(96, 3, "full"),
        MaxPool(2),
        Conv(192, 3),
        Conv(192, 3, "full"),
        Conv(192, 3),
        # These maps are 15 × 15. The paper does not say what happens to the border; the
        # released code keeps it.
        MaxPool(2, keep_border=True),
        Conv(192, 3),
        Conv(192, 1),
        Conv(None, 1),
        MeanPool(has_gamma=False),
    ),
}


def network_layers(
    architecture, hidden_layer_sizes, n_features, image_shape, n_outputs
):
    """Resolve the architecture parameters to layers 0 … L.

    Parameters
    ----------
    architecture : "mlp", key of `ARCHITECTURES` or sequence of LayerSpecification
    hidden_layer_sizes : array-like of int or int
        Widths of the hidden layers. Only ``"mlp"`` uses them.
    n_features : int
    image_shape : tuple of int or None
        Channels, height and width of the images; None if samples are not images.
    n_outputs : int
        Number of classes, or of components of an autoencoder.

    Returns
    -------
    input_shape : Shape
        Layer 0.
    specifications : list of LayerSpecification
        Layers 1 … L.

    Raises
    ------
    ValueError
        If a layer does not fit on the layer below, if the first layer does not fit the
        features, or if the last layer does not have `n_outputs` units.
    """
    if architecture == "mlp":
        widths = _check_widths(hidden_layer_sizes)
        specifications = [*map(Dense, widths), Dense()]
    elif isinstance(architecture, str):
        specifications = ARCHITECTURES[architecture]
    else:
        specifications = architecture
        _check_layers(specifications)
    specifications = [layer.for_classes(n_outputs) for layer in specifications]

    if image_shape is not None and prod(image_shape) != n_features:
        raise ValueError(
            f"image_shape must have as many pixels as X has features ({n_features}); "
            f"got {image_shape}, that is {prod(image_shape)}."
        )
    if isinstance(specifications[0], Dense):
        input_shape = Shape(n_features)  # a dense layer reads pixels as features
    elif image_shape is None:
        raise ValueError(
            "image_shape=(channels, height, width) must be given, or X must have 4 "
            f"dimensions, if the architecture begins with {specifications[0]}; got X "
            f"with 2 dimensions ({n_features} features)."
        )
    else:
        input_shape = Shape(*image_shape)

    top = layer_shapes(input_shape, specifications)[-1]
    if top != Shape(n_outputs):
        raise ValueError(
            "the last layer must have one unit for each class or component "
            f"({n_outputs}), as Dense() has; got {top} from layer "
            f"{len(specifications)}, {specifications[-1]}."
        )
    return input_shape, specifications


def check_image_shape(image_shape, shape_in_X):
    """Check the parameter `image_shape` against the shape of the images in `X`.

    Parameters
    ----------
    image_shape : tuple of int or None
        The parameter: channels, height, width.
    shape_in_X : tuple of int or None
        Shape of each image if `X` has 4 dimensions; otherwise None.

    Returns
    -------
    tuple of int or None
        The shape that is given, if any.

    Raises
    ------
    ValueError
        If `image_shape` is not three positive integers, or if the two shapes differ.
    """
    if image_shape is None:
        return shape_in_X
    shape = _as_integers(image_shape)
    if shape.shape != (3,) or shape.dtype.kind not in "iu" or shape.min() < 1:
        raise ValueError(
            "image_shape must be (channels, height, width), all positive integers; got "
            f"{image_shape}."
        )
    shape = tuple(shape.tolist())
    if shape_in_X not in (None, shape):
        raise ValueError(
            f"image_shape must be that of the images in X, {shape_in_X}; got {shape}."
        )
    return shape


def warn_of_channels_last(image_shape):
    """Warn if a shape seems to have the channels last: height, width, channels."""
    if image_shape is None:
        return
    rows, columns, last = image_shape
    may_be_gray = last == 1 and rows == columns
    if (may_be_gray or last in N_COLORS) and min(rows, columns) >= FEWEST_PIXELS:
        warn_user(
            f"Images are taken for {rows} channels of {columns} × {last} pixels: the "
            "order is (n_samples, channels, height, width). If channels are last, pass "
            "images as X.transpose(0, 3, 1, 2)."
        )


def _as_integers(sizes):
    """Convert to an array. Nested lists of different lengths give an object array."""
    try:
        return np.asarray(sizes)
    except ValueError:
        return np.asarray(None)


def _check_widths(hidden_layer_sizes):
    """List of the widths, each a positive integer."""
    widths = np.atleast_1d(_as_integers(hidden_layer_sizes))
    if widths.ndim != 1 or (
        widths.size and (widths.dtype.kind not in "iu" or widths.min() < 1)
    ):
        raise ValueError(
            f"hidden_layer_sizes must be positive integers; got {hidden_layer_sizes}."
        )
    return widths.tolist()


def _check_layers(specifications):
    """Raise a ValueError unless these are layers, and at least one."""
    if not len(specifications):
        raise ValueError("architecture must have at least one layer; got none.")
    for number, layer in enumerate(specifications, start=1):
        if not isinstance(layer, LayerSpecification):
            raise ValueError(
                "architecture must be made of Conv, Dense, MaxPool and MeanPool "
                f"objects; got {layer!r} as layer {number}."
            )
