"""The ladder network in PyTorch."""

from ._convolution import Conv
from ._dense import Dense
from ._ladder import Ladder
from ._ladder_pass import LadderPass
from ._pooling import MaxPool, MeanPool
from ._shapes import LayerSpecification, Shape, layer_shapes

__all__ = [
    "Conv",
    "Dense",
    "Ladder",
    "LadderPass",
    "LayerSpecification",
    "MaxPool",
    "MeanPool",
    "Shape",
    "layer_shapes",
]
