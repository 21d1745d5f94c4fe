"""Layers to make networks of, and the published networks.

A network is the sequence of its layers above the input, the class layer last. Each is a
ladder layer: batch normalisation and noise follow it and, unless it is a pool, the
activation; and each knows its own way back down for the decoder.

References
----------
Rasmus et al., "Semi-Supervised Learning with Ladder Networks", 2015, arXiv:1507.02672:
the named architectures.

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

from .network import (
    Conv,
    Dense,
    LayerSpecification,
    MaxPool,
    MeanPool,
    Shape,
    layer_shapes,
)

__all__ = ["ARCHITECTURES", "Conv", "Dense", "MaxPool", "MeanPool"]

# By name, as published; None stands for the number of classes.
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
        # of 15 × 15 maps; the paper is silent on the border, the released code keeps it
        MaxPool(2, keep_border=True),
        Conv(192, 3),
        Conv(192, 1),
        Conv(None, 1),
        MeanPool(has_gamma=False),
    ),
}


def network_layers(
    architecture, hidden_layer_sizes, n_features, image_shape, n_classes
):
    """Layers 0 … L of the network that the parameters describe.

    Parameters
    ----------
    architecture : "mlp", key of `ARCHITECTURES` or sequence of LayerSpecification
    hidden_layer_sizes : array-like of int or int
        Used by ``"mlp"`` alone.
    n_features : int
    image_shape : tuple of int or None
        Channels, height, width.
    n_classes : int

    Returns
    -------
    input_shape : Shape
    specifications : list of LayerSpecification

    Raises
    ------
    ValueError
        If a layer does not fit on the one below, or the network on rows and classes.
    """
    if architecture == "mlp":
        specifications = [Dense(width) for width in _widths(hidden_layer_sizes)]
        specifications.append(Dense())
    else:
        named = isinstance(architecture, str)
        specifications = ARCHITECTURES[architecture] if named else architecture
        _check_layers(specifications)
    specifications = [layer.for_classes(n_classes) for layer in specifications]

    if image_shape is not None and prod(image_shape) != n_features:
        raise ValueError(
            f"image_shape must have as many pixels as X has features ({n_features}); "
            f"got {image_shape}, that is {prod(image_shape)}."
        )
    if isinstance(specifications[0], Dense):
        input_shape = Shape(n_features)  # to a dense layer, pixels are features
    elif image_shape is None:
        raise ValueError(
            "image_shape=(channels, height, width) must be given, or X have 4 "
            f"dimensions, for an architecture that begins with {specifications[0]}; "
            f"got flat rows of {n_features} features."
        )
    else:
        input_shape = Shape(*image_shape)

    top = layer_shapes(input_shape, specifications)[-1]
    if top != Shape(n_classes):
        raise ValueError(
            f"the last layer must have one unit for each class ({n_classes}), as "
            f"Dense() has; got {top} from layer {len(specifications)}, "
            f"{specifications[-1]}."
        )
    return input_shape, specifications


def check_image_shape(image_shape, of_rows):
    """Shape of images by parameter and by 4-D rows, either of which may be None."""
    if image_shape is None:
        return of_rows
    shape = _as_integers(image_shape)
    if shape.shape != (3,) or shape.dtype.kind not in "iu" or shape.min() < 1:
        raise ValueError(
            "image_shape must be (channels, height, width), all positive integers; got "
            f"{image_shape}."
        )
    shape = tuple(shape.tolist())
    if of_rows not in (None, shape):
        raise ValueError(
            f"image_shape must be that of the images in X, {of_rows}; got {shape}."
        )
    return shape


def _as_integers(sizes):
    """An array, of dtype object if these are no table of numbers."""
    try:
        return np.asarray(sizes)
    except ValueError:  # lists of different lengths
        return np.asarray(None)


def _widths(hidden_layer_sizes):
    widths = np.atleast_1d(_as_integers(hidden_layer_sizes))
    if widths.ndim != 1 or (
        widths.size and (widths.dtype.kind not in "iu" or widths.min() < 1)
    ):
        raise ValueError(
            f"hidden_layer_sizes must be positive integers; got {hidden_layer_sizes}."
        )
    return widths.tolist()


def _check_layers(specifications):
    if not len(specifications):
        raise ValueError("architecture must have at least one layer; got none.")
    for number, layer in enumerate(specifications, start=1):
        if not isinstance(layer, LayerSpecification):
            raise ValueError(
                "architecture must be made of Conv, Dense, MaxPool and MeanPool "
                f"objects; got {layer!r} as layer {number}."
            )
