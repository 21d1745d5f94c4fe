"""Types of arguments. Only type checkers import this module."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from .network import LayerSpecification


class Array(Protocol):
    """What NumPy makes an array of: arrays, tensors, series."""

    def __array__(self, *args: Any, **kwargs: Any) -> Any: ...

    def __iter__(self) -> Iterator[Any]: ...

    def __len__(self) -> int: ...


class SparseMatrix(Protocol):
    """A sparse matrix or array of SciPy."""

    def tocsr(self, *args: Any, **kwargs: Any) -> Any: ...


class Estimator(Protocol):
    """An estimator by its methods: scikit-learn asks for no base class."""

    def fit(self, *args: Any, **kwargs: Any) -> Any: ...

    def get_params(self, *args: Any, **kwargs: Any) -> Any: ...


# NumPy's ArrayLike has no lists of several types, or with None.
MatrixLike: TypeAlias = npt.ArrayLike | Sequence[Sequence[object]] | SparseMatrix
LabelsLike: TypeAlias = npt.ArrayLike | Sequence[object]
# Beside strings that mean something: ArrayLike has every string, misspelt ones, too.
NumbersLike: TypeAlias = Sequence[float] | Array
NamesLike: TypeAlias = list[str] | tuple[str, ...] | Array

# Parameters of the estimator:
Architecture: TypeAlias = (
    Literal["mlp", "conv-fc", "conv-small", "conv-large"] | Sequence[LayerSpecification]
)
CategoricalFeatures: TypeAlias = (
    Literal["from_dtype"] | Sequence[int] | NamesLike | None
)
ClassPrior: TypeAlias = Literal["auto", "em"] | Mapping[Any, float] | NumbersLike | None
CombinatorName: TypeAlias = Literal["gaussian", "mlp", "mlp-identity"]
Combinator: TypeAlias = CombinatorName | Sequence[CombinatorName] | Array
DenoisingCost: TypeAlias = (
    Literal["auto"] | float | NumbersLike | Sequence[Sequence[float]]
)
FeatureScaling: TypeAlias = (
    Literal["auto", "scaled", "binned", "projected", "shared"] | int | None
)

HiddenLayerSizes: TypeAlias = Literal["auto"] | int | Sequence[int] | Array

ImageShape: TypeAlias = Sequence[int] | Array
Norm: TypeAlias = Literal["l1", "l2", "linf"]
PathLike: TypeAlias = str | os.PathLike[str]
RandomState: TypeAlias = int | np.random.RandomState | None
Score: TypeAlias = Literal["accuracy", "balanced_accuracy", "log_loss"]
