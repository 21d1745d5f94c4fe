"""Export of fitted classifiers to formats that need neither this package nor torch."""

import json
import logging
import warnings
from contextlib import contextmanager
from copy import deepcopy

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from ._atomic_write import write_atomically
from ._classifier import LadderClassifier
from ._isolation import isolated
from ._version import __version__

__all__ = ["onnx_input", "to_onnx"]

OPSET = 18
N_EXAMPLES = 3  # any number but 0 and 1, which torch takes for constants


@isolated()
def to_onnx(clf, path):
    """Write a fitted classifier to an ONNX file.

    The file has the whole of `predict_proba` and `predict`: feature scaling, imputation
    of missing values (NaN), all ensemble members, class prior and labels. The batch may
    have any number of samples. Probabilities agree with those of `predict_proba` to
    about 1e-6. Infinite values are not refused, as `predict_proba` does.

    Categories are no part of the file: the input has their codes, which
    :func:`onnx_input` makes of a frame. A code is the place of the category in
    ``clf.categories_``. Other categories have the next number if some were infrequent
    in `fit`; otherwise they are missing, NaN.

    The input is ``X``, of shape (n_samples, n_features), or (n_samples, channels,
    height, width) if `fit` took images of that shape. Its dtype is float32, or float64
    where ``clf.plan_.input_dtype`` says so. The outputs have the names that skl2onnx
    gives them: ``label``, of shape (n_samples,), and ``probabilities``, of shape
    (n_samples, n_classes). The metadata have the version of this package, ``classes``
    and, if there are any, ``feature_names`` and ``categories``, all in JSON: for each
    feature null if it is a number, or its categories, whose places are their codes, and
    whether there are ``infrequent`` ones, which have the next code.

    An export takes several seconds.

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
        If `clf` is not a LadderClassifier, or if its classes are neither numbers, nor
        booleans, nor strings.
    sklearn.exceptions.NotFittedError
        If `clf` is not fitted.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ladder import LadderClassifier
    >>> from sklearn_ladder.export import to_onnx
    >>> clf = LadderClassifier(max_epochs=5).fit(*load_iris(return_X_y=True))
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
    labels = _labels(clf.classes_)
    model = onnx_ir.to_proto(_stripped(_traced(clf)))
    _add_labels(model.graph, labels, onnx)
    _describe(model, clf, onnx)
    onnx.checker.check_model(model, full_check=True)
    write_atomically(path, model.SerializeToString())
    return model


def onnx_input(clf, X):
    """Samples as the input of the file that `to_onnx` wrote: numbers and codes.

    Parameters
    ----------
    clf : LadderClassifier
        The classifier that was exported.

    X : {array-like, frame, sparse matrix} of shape (n_samples, n_features)
        Samples, or images of the shape that `fit` got.

    Returns
    -------
    ndarray of the shape of `X`
        Features with categories are their codes, NaN if missing. The dtype is
        ``clf.plan_.input_dtype``.

    Raises
    ------
    ValueError or TypeError
        If `X` is not as in `predict`.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_ladder import LadderClassifier
    >>> from sklearn_ladder.export import onnx_input
    >>> X = pd.DataFrame({"a": [1.5, 2.5, 3.5] * 4, "color": ["red", None, "blue"] * 4})
    >>> clf = LadderClassifier((4,), max_epochs=1).fit(X, [0, 1, -1] * 4)
    >>> onnx_input(clf, X.head(3))
    array([[1.5, 1. ],
           [2.5, nan],
           [3.5, 0. ]], dtype=float32)
    """
    return clf._check_samples(X).table().reshape(np.shape(X))


def _import_onnx():
    try:
        import onnx  # optional
        import onnx_ir  # comes with onnxscript, which torch's exporter needs
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "to_onnx needs onnx and onnxscript, which the extra "
            "sklearn-ladder[export] installs."
        ) from error
    return onnx, onnx_ir


def _labels(classes):
    """Class labels in one of the dtypes that ONNX has: a number, bool or string."""
    values = classes.tolist()
    kinds = {type(value) for value in values}
    if len(kinds) > 1 or not kinds <= {bool, int, float, str}:
        raise TypeError(
            "classes must be numbers, booleans or strings, all of one type, to be "
            f"labels in ONNX; got {values}."
        )
    return np.array(values, dtype=object if kinds == {str} else None)


class _OneHot(torch.nn.Module):
    """`TableCategories.expand` of tensors."""

    def __init__(self, categories):
        super().__init__()
        code = torch.tensor(categories.code, device="cpu")
        self.register_buffer("feature", torch.tensor(categories.feature, device="cpu"))
        self.register_buffer("code", code)
        self.register_buffer("is_number", code < 0)

    def forward(self, table):
        matrix = table[:, self.feature]
        one_hot = (matrix == self.code).to(matrix.dtype)
        return torch.where(self.is_number | matrix.isnan(), matrix, one_hot)


class _Classifier(torch.nn.Module):
    """Codes of the predicted classes, and probabilities."""

    def __init__(self, network, categories):
        super().__init__()
        self.network = network
        has_categories = categories is not None
        self.one_hot = _OneHot(categories) if has_categories else torch.nn.Identity()

    def forward(self, X):
        proba = self.network(self.one_hot(X.flatten(1)))
        return proba.argmax(dim=1), proba


def _traced(clf):
    """Model of `_Classifier`; its first output is named "code"."""
    network = deepcopy(clf.net_.module_).cpu().eval().requires_grad_(False)
    plan = clf.plan_
    # Images as they were in fit: flat if the parameter gave their shape.
    are_flat = plan.image_shape is None or clf.image_shape is not None
    shape = (plan.n_features,) if are_flat else plan.image_shape
    dtype = getattr(torch, plan.input_dtype)
    example = torch.zeros(N_EXAMPLES, *shape, dtype=dtype, device="cpu")
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            _Classifier(network, plan.categories),
            (example,),
            dynamo=True,
            verbose=False,
            input_names=["X"],
            output_names=["code", "probabilities"],
            dynamic_shapes=({0: torch.export.Dim("n_samples")},),
            opset_version=OPSET,
            custom_translation_table=_translations(),
        )
    return program.model


@contextmanager
def _quiet():
    """Without warnings of torch about its own code, and about torchvision."""
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
    """Without unused tensors, and torch's notes about its source.

    These are 6 KB for each node, and have the names of folders.
    """
    from onnx_ir.passes import Sequential, common

    passes = [
        common.ClearMetadataAndDocStringPass(),
        common.RemoveUnusedNodesPass(),
        common.DeduplicateInitializersPass(),
    ]
    Sequential(*passes)(model)
    return model


def _add_labels(graph, labels, onnx):
    """Replace the output "code" by "label"."""
    tensor = onnx.numpy_helper.from_array(labels, "classes")
    graph.initializer.append(tensor)
    graph.node.append(onnx.helper.make_node("Gather", ["classes", "code"], ["label"]))
    graph.output[0].CopyFrom(
        onnx.helper.make_tensor_value_info("label", tensor.data_type, ["n_samples"])
    )


def _describe(model, clf, onnx):
    """Say where the model is from, and what its numbers mean."""
    model.producer_name, model.producer_version = "sklearn_ladder", __version__
    model.graph.name = type(clf).__name__
    metadata = {
        "sklearn_ladder_version": __version__,
        "classes": json.dumps(clf.classes_.tolist()),
    }
    if hasattr(clf, "feature_names_in_"):
        metadata["feature_names"] = json.dumps(clf.feature_names_in_.tolist())
    if clf.plan_.categories is not None:
        metadata["categories"] = json.dumps(
            [
                each
                and {
                    "categories": each.values.tolist(),
                    "infrequent": each.infrequent is not None,
                }
                for each in clf.plan_.categories.features
            ],
            default=str,
        )
    onnx.helper.set_model_props(model, metadata)
