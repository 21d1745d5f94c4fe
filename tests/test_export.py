"""Exports give what `predict_proba` and `predict` give."""

import json
import os
import sys
import warnings
from functools import cache

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from sklearn_ladder import LadderClassifier, VirtualAdversary, __version__
from sklearn_ladder._atomic_write import write_atomically
from sklearn_ladder.architectures import Conv, Dense, MaxPool, MeanPool
from sklearn_ladder.ensemble import SemiSupervisedVotingClassifier
from sklearn_ladder.export import to_onnx
from sklearn_ladder.network import _ladder

# torch's exporter takes seconds: most for a decoder down to the input, which imputes
pytestmark = pytest.mark.slow

LAYERS = [
    Conv(3, 3, "same", stride=2),
    MaxPool(3, keep_border=True),
    Conv(4, 13, "same"),  # a kernel that is computed by patches otherwise
    MeanPool(),
    Dense(),
]


def iris(missing=0.0):
    X, y = load_iris(return_X_y=True)
    X[np.random.RandomState(0).uniform(size=X.shape) < missing] = np.nan
    return X, np.where(np.arange(150) % 4, -1, y)


def names(y):
    return np.array([None, "setosa", "virginica", "ärgerlich"], dtype=object)[y + 1]


def images(missing=0.0):
    rng = np.random.RandomState(0)
    X = rng.uniform(size=(150, 2, 8, 8)).astype(np.float32)
    X[rng.uniform(size=X.shape) < missing] = np.nan
    return X, np.where(np.arange(150) % 2, -1, np.arange(150) // 2 % 2)


def binned_with_missing_values():
    X, y = iris(0.2)
    return X, y, {"n_estimators": 3, "feature_scaling": "binned"}


def scaled_frame():
    X, y = iris()
    parameters = {"feature_scaling": "scaled", "variant": "supervised"}
    return pd.DataFrame(X, columns=list("abcd")), names(y), parameters


def unscaled_with_missing_values():
    X, y = iris(0.2)
    network = {"combinator": "mlp", "activation": "leaky_relu"}
    training = {"virtual_adversarial": VirtualAdversary("noise")}
    return (
        X,
        y == 0,
        {"feature_scaling": None, "early_stopping": True} | network | training,
    )


def float64():
    X, y = iris()
    X[:, 1] += 1e9  # float32 has steps of 64 there
    return X, y, {"variant": "supervised", "class_prior": [0.7, 0.2, 0.1]}


def categories():
    """Texts, numbers, two and many categories, with missing and rare ones."""
    X, y = iris(0.1)
    rng = np.random.RandomState(0)
    frame = pd.DataFrame(X[:, :2], columns=["length", "width"])
    frame["color"] = rng.choice(["red", "blau", "grün", None], 150)
    frame["side"] = rng.choice(["left", "right"], 150)
    levels = rng.choice([1.0, 2.0, 5.0, np.nan], 150)
    frame["X"] = pd.Series(levels).astype("category")
    rare = [f"rare {n}" for n in range(30)]
    frame["code"] = np.where(np.arange(150) < 30, [rare * 5], ["common"])[0]
    return frame, y, {"variant": "supervised"}


def sparse_text():
    X = sparse.random(150, 520, 0.05, format="lil", random_state=0)
    y = np.arange(150) % 3
    X[np.arange(150), y] = 1
    return X.tocsr(), np.where(np.arange(150) % 4, -1, y), {"variant": "supervised"}


def four_dimensions():
    return *images(0.1), {"architecture": LAYERS, "n_estimators": 1}


def flat_images():
    X, y = images()
    more = {"architecture": LAYERS, "image_shape": (2, 8, 8), "n_estimators": 2}
    return X.reshape(150, -1), y, more | {"variant": "supervised"}


def gamma():
    return *iris(), {"variant": "gamma", "combinator": "mlp", "activation": "tanh"}


KINDS = [
    binned_with_missing_values,
    scaled_frame,
    unscaled_with_missing_values,
    float64,
    categories,
    sparse_text,
    four_dimensions,
    flat_images,
    gamma,
]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Of a kind: samples, classifier, model and its file; each is exported once."""

    @cache
    def export(kind):
        X, y, parameters = kind()
        path = tmp_path_factory.mktemp("models") / "model.onnx"
        path.write_bytes(b"before")
        clf = fit(X, y, **parameters)
        clf.set_params(image_shape=None)  # what was fitted counts
        return X, clf, to_onnx(clf, path), path

    return export


@pytest.fixture(autouse=True)
def few_imputation_passes(request, monkeypatch):
    """One pass in place of two, but for one kind: tracing a pass takes seconds."""
    if "binned_with_missing_values" not in request.node.name:
        monkeypatch.setattr(_ladder, "IMPUTATION_PASSES", 1)


def fit(X, y, **parameters):
    parameters = {"max_epochs": 3, "random_state": 0, "n_estimators": 2} | parameters
    return LadderClassifier((6,), **parameters).fit(X, y)


def inputs(session, samples, dtype):
    """What the session takes for samples."""
    if not isinstance(samples, pd.DataFrame) or len(session.get_inputs()) == 1:
        dense = samples.toarray() if sparse.issparse(samples) else samples
        return {"X": np.asarray(dense, dtype=dtype)}
    columns = {
        put.name: samples[[put.name]].astype(object).fillna("").to_numpy()
        if put.type == "tensor(string)"
        else samples[[put.name]].to_numpy(dtype)
        for put in session.get_inputs()
    }
    assert list(columns) == list(samples.columns)
    return columns


@pytest.mark.parametrize("kind", KINDS)
def test_onnx_gives_what_the_classifier_gives(kind, exported):
    X, clf, model, path = exported(kind)
    assert (clf.plan_.input_dtype == "float64") == (kind is float64)
    assert model == onnx.load(path)
    session = onnxruntime.InferenceSession(path)
    if kind is not categories:
        assert [put.name for put in session.get_inputs()] == ["X"]
    assert [put.name for put in session.get_outputs()] == ["label", "probabilities"]
    rng = np.random.RandomState(1)
    for n_samples in (1, 1000):
        rows = rng.randint(X.shape[0], size=n_samples)
        samples = X.iloc[rows] if isinstance(X, pd.DataFrame) else X[rows]
        expected = clf.predict_proba(samples)
        given = inputs(session, samples, clf.plan_.input_dtype)
        label, probabilities = session.run(None, given)
        assert probabilities.dtype == np.float32
        np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-5)
        # a label may differ only where two classes are equally probable
        is_clear = np.diff(np.sort(expected, axis=1)[:, -2:]).ravel() > 1e-5
        np.testing.assert_array_equal(
            label[is_clear], clf.predict(samples)[is_clear].tolist()
        )
    # predictions are not all the same, and imputation has a part in them
    assert np.ptp(expected, axis=0).max() > 0.01
    if kind is not categories and np.isnan(given["X"]).any():
        _, as_zeros = session.run(None, {"X": np.nan_to_num(given["X"])})
        assert np.abs(as_zeros - probabilities).max() > 1e-3


def test_new_categories_are_those_of_predict_proba(exported):
    X, clf, _, path = exported(categories)
    assert clf.plan_.projection is None and clf.linear_share_ == 0.5
    session = onnxruntime.InferenceSession(path)
    for column in ("color", "side", "code"):  # "code" has infrequent ones
        others = X.assign(**{column: "new"})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # none of its categories is known
            expected = clf.predict_proba(others)
        assert np.abs(expected - clf.predict_proba(X)).max() > 1e-3
        _, probabilities = session.run(None, inputs(session, others, np.float32))
        np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-5)


def test_metadata_and_size(exported):
    _, clf, model, path = exported(scaled_frame)
    assert list(path.parent.iterdir()) == [path]
    assert {entry.key: entry.value for entry in model.metadata_props} == {
        "sklearn_ladder_version": __version__,
        "classes": json.dumps(["setosa", "virginica", "ärgerlich"]),
        "feature_names": '["a", "b", "c", "d"]',
    }
    assert (model.producer_name, model.producer_version) == (
        "sklearn_ladder",
        __version__,
    )
    content = path.read_bytes()
    # neither torch's notes nor names of this machine's folders
    assert b".py" not in content and b"/" + b"sklearn_ladder" not in content
    n_weights = sum(weight.numel() for weight in clf.net_.module_.parameters())
    assert len(content) < 100_000 + 8 * n_weights


def test_torch_export():
    X, y = iris(0.2)
    clf = fit(X, y)
    n_samples = torch.export.Dim("n_samples")
    samples = torch.tensor(X[:5], dtype=torch.float32)
    program = torch.export.export(
        clf.net_.module_, (samples,), dynamic_shapes=({0: n_samples},)
    )
    for samples in (X, X[:7], np.nan_to_num(X)):
        proba = program.module()(torch.tensor(samples, dtype=torch.float32))
        np.testing.assert_allclose(
            proba.detach(), clf.predict_proba(samples), rtol=0, atol=1e-5
        )


# ---------------------------------------------------------------------- errors


def test_what_cannot_be_exported(tmp_path):
    X, y = iris()
    path = tmp_path / "model.onnx"
    with pytest.raises(NotFittedError):
        to_onnx(LadderClassifier(), path)
    clf = fit(X, y, variant="supervised")
    for other in (make_pipeline(clf), SemiSupervisedVotingClassifier()):
        with pytest.raises(TypeError, match=r"must be a LadderClassifier; got .*last"):
            to_onnx(other, path)
    clf.classes_ = np.array(["a", 1, 2.5], dtype=object)
    with pytest.raises(TypeError, match="classes must be numbers, booleans or strings"):
        to_onnx(clf, path)
    X, y, parameters = categories()
    for name in ("label", "", "sklearn_ladder/code of color"):
        clf = fit(X.rename(columns={"side": name}), y, **parameters)
        with pytest.raises(ValueError, match=f"the model uses itself; got .'{name}'."):
            to_onnx(clf, path)
    X["color"] = pd.Series([0.1, 0.7] * 75).astype("category")
    clf = fit(X, y, **parameters)
    with pytest.raises(TypeError, match=r"float32 holds.* got .0\.1, 0\.7. of .*color"):
        to_onnx(clf, path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("missing", ["onnx", "onnxscript"])
def test_error_names_the_extra(missing, monkeypatch, tmp_path):
    clf = fit(*iris(), variant="supervised")
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=r"sklearn-ladder\[export\]"):
        to_onnx(clf, tmp_path / "model.onnx")


def test_failed_write_leaves_the_earlier_file(monkeypatch, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"before")

    def fail(handle):
        raise OSError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="no space"):
            write_atomically(path, b"after")
    assert path.read_bytes() == b"before" and list(tmp_path.iterdir()) == [path]
    write_atomically(path, b"after")
    assert path.read_bytes() == b"after" and list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "missing" / "model.onnx", b"after")


@pytest.mark.parametrize("n_empty", [20, 1])
def test_an_empty_text_as_a_category_is_told(n_empty, tmp_path):
    texts = ["a", "b", None] * 20
    texts[: 3 * n_empty : 3] = [""] * n_empty
    texts[-2] = "rare, too"
    frame = pd.DataFrame({"c": texts})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of `fit`
        clf = LadderClassifier((4,), max_epochs=1, variant="supervised")
        clf.fit(frame, ["p", "q", "p"] * 20)
    with pytest.warns(UserWarning, match="Feature 'c' has the category ''"):
        to_onnx(clf, tmp_path / "model.onnx")


def test_a_feature_whose_categories_are_all_infrequent(tmp_path):
    X, y = iris(0.1)
    X[:, 0] = np.arange(150)  # of a number each
    clf = fit(X, y, categorical_features=[0], variant="supervised")
    assert len(clf.plan_.categories.features[0].values) == 0
    to_onnx(clf, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    (first, *_) = session.get_inputs()
    assert first.type == "tensor(float)"
    columns = {
        put.name: X[:, [number]].astype(np.float32)
        for number, put in enumerate(session.get_inputs())
    }
    _, proba = session.run(None, columns)
    np.testing.assert_allclose(proba, clf.predict_proba(X), atol=1e-5)


def test_times_are_no_labels_of_onnx(tmp_path):
    X, _ = iris()
    y = np.array(["2020-01-01", "2021-01-01"], dtype="M8[ns]")[np.arange(150) % 2]
    clf = fit(X, y, max_epochs=1)
    with pytest.raises(TypeError, match="classes must be numbers, booleans or strings"):
        to_onnx(clf, tmp_path / "model.onnx")
