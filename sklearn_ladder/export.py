"""Export of fitted classifiers to formats that need neither this package nor torch."""

from __future__ import annotations

import json
import logging
import warnings
from contextlib import contextmanager
from copy import deepcopy
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from ._atomic_write import write_atomically
from ._classifier import LadderClassifier
from ._isolation import isolated
from ._user_warnings import warn_user
from ._version import __version__
from .data._labels import class_names
from .data._precision import first_of

if TYPE_CHECKING:
    import onnx

    from ._typing import PathLike

__all__ = ["to_onnx"]

OPSET, ML_OPSET = 18, 3
# All names inside the model begin with this, so that features may have any other name.
INSIDE = "sklearn_ladder/"
TABLE, CODE, LABELS, NAN = (f"{INSIDE}{n}" for n in ("table", "code", "labels", "nan"))
OUTPUTS = LABEL, PROBABILITIES = "label", "probabilities"
N_EXAMPLES = 3  # any number but 0 and 1, which torch takes for constants


@isolated()
def to_onnx(clf: LadderClassifier, path: PathLike) -> onnx.ModelProto:
    """Write a fitted classifier to an ONNX file.

    The file has the whole of `predict_proba` and `predict`: feature scaling, imputation
    of missing values (NaN), all ensemble members, class prior and labels. The batch may
    have any number of samples. Probabilities agree with those of `predict_proba` to
    about 1e-6. Unlike `predict_proba`, the model takes infinite values.

    The input is ``X``, of shape (n_samples, n_features), or (n_samples, channels,
    height, width) if `fit` took images of that shape. Its dtype is float32, or float64
    where ``clf.plan_.input_dtype`` says so. If there are categories, each feature is an
    input of its own, of shape (n_samples, 1), with the feature's name (or ``X0``,
    ``X1``, …). Categories are strings, "" where one is missing, or float32 if they are
    numbers or booleans. There is a warning if "" is a category itself. The outputs have
    the names that skl2onnx gives them: ``label``, of shape (n_samples,), and
    ``probabilities``, of shape (n_samples, n_classes). The metadata have the version of
    this package, ``classes`` and, if there are any, ``feature_names``, both in JSON.

    An export takes from 5 to 30 seconds.

    Parameters
    ----------
    clf : LadderClassifier
        Fitted.

    path : str or path-like
        Where to write the file. It is replaced in one step, once all is done.

    Returns
    -------
    onnx.ModelProto
        The content of the file.

    Raises
    ------
    ImportError
        If onnx or onnxscript is not installed: the extra ``sklearn-ladder[export]``
        has them.
    TypeError
        If `clf` is not a LadderClassifier, if its classes are neither numbers, nor
        booleans, nor strings, or if the categories of a feature are neither strings,
        nor numbers that float32 holds.
    ValueError
        If features have categories, and one has a name that the model uses itself:
        "label", "probabilities", or one that begins with "sklearn_ladder/".
    sklearn.exceptions.NotFittedError
        If `clf` is not fitted.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ladder import LadderClassifier
    >>> from sklearn_ladder.export import to_onnx
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = LadderClassifier(max_epochs=5).fit(X, y)
    >>> model = to_onnx(clf, "iris.onnx")  # doctest: +SKIP
    >>> import onnxruntime  # doctest: +SKIP
    >>> session = onnxruntime.InferenceSession("iris.onnx")  # doctest: +SKIP
    >>> label, proba = session.run(None, {"X": X.astype("float32")})  # doctest: +SKIP
    """
    if not isinstance(clf, LadderClassifier):
        raise TypeError(
            "clf must be a LadderClassifier; got "
            f"{type(clf).__name__}. Export the LadderClassifier that is in it: the "
            "last step of a Pipeline, best_estimator_ of a search, or each member of "
            "an ensemble."
        )
    check_is_fitted(clf)
    onnx, onnx_ir = _import_onnx()
    # what may be an error comes before what takes long
    labels = _labels(clf.classes_)
    columns = None if clf.plan_.categories is None else _columns(clf, onnx)
    model = onnx_ir.to_proto(_with_names_inside(_stripped(_traced(clf))))
    _add_labels(model.graph, labels, onnx)
    if columns is not None:
        inputs, nodes = columns
        _add_columns(model, inputs, nodes, onnx)
    _describe(model, clf, onnx)
    onnx.checker.check_model(model, full_check=True)
    write_atomically(path, model.SerializeToString())
    return model


def _import_onnx():
    try:
        import onnx  # optional
        import onnx_ir  # comes with onnxscript
        import onnxscript  # noqa: F401, torch's exporter needs it
    except ImportError as error:
        raise ImportError(
            "to_onnx needs onnx and onnxscript, which the extra "
            "sklearn-ladder[export] installs."
        ) from error
    return onnx, onnx_ir


def _labels(classes):
    """Class labels in one of the dtypes that ONNX has: a number, bool or string."""
    values = class_names(classes)
    kinds = {type(value) for value in values}
    if len(kinds) > 1 or not kinds <= {bool, int, float, str}:
        raise TypeError(
            "classes must be numbers, booleans or strings, all of one type, to be "
            f"labels in ONNX; got {values}."
        )
    return np.array(values, dtype=object if kinds == {str} else None)


class _Classifier(torch.nn.Module):
    """Codes of the predicted classes, and probabilities."""

    def __init__(self, network, categories):
        super().__init__()
        self.network = network
        self.has_categories = categories is not None
        if self.has_categories:
            # of each column; the name "code" is torch's
            for name in ("feature", "code"):
                numbers = torch.tensor(getattr(categories, name), device="cpu")
                self.register_buffer(f"{name}_of_column", numbers)

    def forward(self, X):
        X = X.flatten(1)
        if self.has_categories:
            X = self.expand(X)
        proba = self.network(X)
        return proba.argmax(dim=1), proba

    def expand(self, table):
        """As `TableCategories.expand`."""
        matrix = table[:, self.feature_of_column]
        is_code = (matrix == self.code_of_column).to(matrix.dtype)
        one_hot = torch.where(matrix.isnan(), matrix, is_code)
        return torch.where(self.code_of_column >= 0, one_hot, matrix)


def _traced(clf):
    """ONNX model of `_Classifier`. Its inputs and outputs have temporary names."""
    network = deepcopy(clf.net_.module_).cpu().eval().requires_grad_(False)
    plan = clf.plan_
    # images as they were in fit
    shape = (plan.n_features,) if plan.is_flat else plan.image_shape
    dtype = getattr(torch, plan.input_dtype)
    example = torch.zeros(N_EXAMPLES, *shape, dtype=dtype, device="cpu")
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            _Classifier(network, plan.categories),
            (example,),
            dynamo=True,
            verbose=False,
            input_names=["X" if plan.categories is None else TABLE],
            output_names=[CODE, PROBABILITIES],
            dynamic_shapes=({0: torch.export.Dim("n_samples")},),
            opset_version=OPSET,
            custom_translation_table=_translations(),
        )
    return program.model


@contextmanager
def _quiet():
    """Silence torch's warnings about its own code and about torchvision."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _translations():
    """How torch's exporter writes operations that it does not know, or not exactly."""
    from onnxscript import opset18 as op

    def searchsorted(sorted_sequence, self, **options):
        """Number of knots below each value, by binary search."""
        n_knots = sorted_sequence.shape[-1]
        found = op.Expand(op.Constant(value_ints=[0]), op.Shape(self))
        for power in reversed(range(int(n_knots).bit_length())):
            more = op.Add(found, op.Constant(value_int=2**power))
            is_knot = op.LessOrEqual(more, op.Constant(value_int=n_knots))
            last = op.Sub(
                op.Min(more, op.Constant(value_int=n_knots)), op.Constant(value_int=1)
            )
            knot = op.GatherElements(sorted_sequence, last, axis=1)
            found = op.Where(op.And(is_knot, op.Less(knot, self)), more, found)
        return found

    def clamp(self, min=None, max=None):
        """ONNX does not say what Clip makes of NaN, which must stay NaN here."""
        for bound, is_beyond in ((min, op.Less), (max, op.Greater)):
            if bound is not None:
                bound = op.CastLike(bound, self)
                self = op.Where(is_beyond(self, bound), bound, self)
        return self

    return {
        torch.ops.aten.searchsorted.Tensor: searchsorted,
        torch.ops.aten.clamp.default: clamp,
        torch.ops.aten.clamp.Tensor: clamp,
    }


def _stripped(model):
    """Remove unused tensors, and torch's notes about its source.

    The notes take 6 KB per node and contain names of folders.
    """
    from onnx_ir.passes import Sequential, common

    passes = [
        common.ClearMetadataAndDocStringPass(),
        common.RemoveUnusedNodesPass(),
        common.DeduplicateInitializersPass(),
    ]
    Sequential(*passes)(model)
    return model


def _with_names_inside(model):
    """Let the names of all but the inputs and outputs begin with `INSIDE`."""
    from onnx_ir.traversal import RecursiveGraphIterator

    graph = model.graph
    values = list(graph.initializers.values())
    for node in RecursiveGraphIterator(graph):
        values += node.outputs
    for value in values:
        if value not in graph.outputs:
            value.name = INSIDE + value.name
    return model


def _add_labels(graph, labels, onnx):
    """Replace the codes of the predicted classes by their labels."""
    tensor = onnx.numpy_helper.from_array(labels, LABELS)
    graph.initializer.append(tensor)
    graph.node.append(onnx.helper.make_node("Gather", [LABELS, CODE], [LABEL]))
    graph.output[0].CopyFrom(
        onnx.helper.make_tensor_value_info(LABEL, tensor.data_type, ["n_samples"])
    )


def _columns(clf, onnx):
    """Inputs, one per feature, and nodes that make a table of numbers and codes."""
    dtype = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(clf.plan_.input_dtype))
    features = clf.plan_.categories.features
    names = getattr(clf, "feature_names_in_", [f"X{n}" for n in range(len(features))])
    _check_names(names)
    nan = onnx.helper.make_tensor(NAN, dtype, [], [np.nan])
    nodes = [onnx.helper.make_node("Constant", [], [NAN], value=nan)]
    inputs, columns = [], []
    for name, categories in zip(map(str, names), features, strict=True):
        kind, column = dtype, name
        if categories is not None:
            kind, encoding = _encoding(name, categories, dtype, onnx)
            nodes += encoding
            column = encoding[-1].output[0]
        inputs.append(onnx.helper.make_tensor_value_info(name, kind, ["n_samples", 1]))
        columns.append(column)
    nodes.append(onnx.helper.make_node("Concat", columns, [TABLE], axis=1))
    return inputs, nodes


def _check_names(names):
    taken = [n for n in map(str, names) if n in {*OUTPUTS, ""} or n.startswith(INSIDE)]
    if taken:
        raise ValueError(
            "features must have names, and none that the model uses itself; got "
            f"{taken}. Rename them and fit again."
        )


def _encoding(name, categories, dtype, onnx):
    """Type of the input of a feature with categories, and nodes that give its codes."""
    node, types = onnx.helper.make_node, onnx.TensorProto
    values, missing = categories.values.tolist(), [np.nan]
    examples = values or [categories.infrequent]  # if all categories are infrequent
    codes = [float(code) for code in range(len(values))]
    # those of categories.encode
    other = np.nan if categories.infrequent is None else float(len(values))
    options = {"domain": "ai.onnx.ml", "default_float": other}
    encoded, present, result, is_missing = (
        f"{INSIDE}{step} of {name}" for step in ("code", "known", "codes", "missing")
    )
    if all(isinstance(value, str | None) for value in examples):
        if categories.has_empty_text:
            warn_user(
                f"Feature {name!r} has the category '', by which the ONNX model cannot "
                "know that a category is missing. Name it otherwise, or replace it by "
                "None, and fit again."
            )
        if "" not in values:
            values, codes = [*values, ""], codes + missing
        options |= {"keys_strings": values, "values_floats": codes}
        return types.STRING, [
            node("LabelEncoder", [name], [encoded], **options),
            node("Cast", [encoded], [result], to=dtype),
        ]
    are_numbers = all(isinstance(value, Real) for value in examples)
    if not are_numbers or not np.array_equal(np.float32(values), values):
        raise TypeError(
            "categories must be strings, or numbers that float32 holds, to be inputs "
            f"in ONNX; got {first_of(values)} of feature {name!r}."
        )
    keys = [float(value) for value in values] or [0.0]  # LabelEncoder needs one
    options |= {"keys_floats": keys, "values_floats": codes or [other]}
    return types.FLOAT, [
        node("LabelEncoder", [name], [encoded], **options),
        node("Cast", [encoded], [present], to=dtype),
        # NaN is no key, so it has the code of other categories
        node("IsNaN", [name], [is_missing]),
        node("Where", [is_missing, NAN, present], [result]),
    ]


def _add_columns(model, inputs, nodes, onnx):
    """Replace the input, a table of numbers and codes, by one input per feature."""
    graph = model.graph
    nodes = [*nodes, *graph.node]
    for field, items in ((graph.input, inputs), (graph.node, nodes)):
        del field[:]
        field.extend(items)
    model.opset_import.append(onnx.helper.make_opsetid("ai.onnx.ml", ML_OPSET))


def _describe(model, clf, onnx):
    """Add the package's version, the classes and the feature names."""
    model.producer_name, model.producer_version = "sklearn_ladder", __version__
    model.graph.name = type(clf).__name__
    metadata = {
        "sklearn_ladder_version": __version__,
        "classes": json.dumps(clf.classes_.tolist()),
    }
    if hasattr(clf, "feature_names_in_"):
        metadata["feature_names"] = json.dumps(clf.feature_names_in_.tolist())
    onnx.helper.set_model_props(model, metadata)
