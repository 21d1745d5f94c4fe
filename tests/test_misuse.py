"""A wrong argument is named in an error before training, and changes nothing."""

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklearn_ladder import LadderClassifier, VirtualAdversary
from sklearn_ladder.architectures import Conv, Dense, MaxPool

from .generated.descriptions import CountsTrainings
from .generated.unchanged import state, untouched

NAN, INF = float("nan"), float("inf")
NUMBERS = [-1, NAN, INF, "1", None, True, [1], [], [1, -1, 1], [1, NAN, 1]]
COUNTS = [0, -1, 1.5, NAN, "8", True, np.True_, [3]]
WRONG_PARAMETERS = {
    "hidden_layer_sizes": [0, -1, "8", (8, 0), (8.5,), None, [[8]], NAN, True, [True]],
    "architecture": ["cnn", 3, [], ["Dense"], None, [Dense], [Dense(3), Conv(2, 3)]],
    "image_shape": [(1, 2), "abc", (1, 2, 0), 5, (1.5, 2, 2), (1, 2, 3), (-1, -3, 1)],
    "categorical_features": ["a", 3, True, [3], [-1], [1.5], [True], ["a"], [[0]], {}],
    "variant": ["Full", None, 1, ["full"]],
    "denoising_cost": [*NUMBERS, "Auto", ["a", "b", "c"], {}, 1j, [0, 0, 0]],
    "noise_std": [*NUMBERS, "auto", ["a", "b", "c"], 1j],
    "combinator": ["MLP", None, ["mlp"], 3, [], ["mlp", "mlp", None], [["mlp"] * 3]],
    "virtual_adversarial": [
        "cost",
        True,
        VirtualAdversary,
        VirtualAdversary("costs"),
        *[VirtualAdversary(size=size) for size in NUMBERS],
        VirtualAdversary(norm="l3"),
        *[VirtualAdversary(n_power_iterations=n) for n in COUNTS],
        *[VirtualAdversary(weight=weight) for weight in NUMBERS],
    ],
    "label_smoothing": [-0.1, 1.0, 1.5, NAN, "a", None, True, [0.1]],
    "weight_normalization": ["yes", None, 2, 0.0],
    "activation": ["ReLU", None, len, 1],
    "feature_scaling": ["off", "Auto", 0, -1, 21, True, False, 2.5, NAN, [1]],
    "batch_size": [1, None, *COUNTS],
    "max_epochs": ["all", None, *COUNTS],
    "learning_rate": [0, -1, NAN, INF, "0.1", None, True, [0.1]],
    "decay_start": [-0.1, 1.1, NAN, None, True, "0.5"],
    "early_stopping": ["yes", None, 2],
    "validation_fraction": [0, 1, -0.1, NAN, None, True, "0.1"],
    "n_iter_no_change": [None, *COUNTS],
    "tol": [-1, NAN, None, True, "0"],
    "class_weight": [
        *["balance", 3, [1, 2], True, {0: -1, 1: 1}, {0: NAN, 1: 1}, {0: INF, 1: 1}],
        *[{0: 0, 1: 0}, {0: "a", 1: 1}, {0: None, 1: 1}, {7: 1}],
    ],
    "class_prior": [
        *["EM", 3, 0.5, True, [1], [0.5, 0.6], [-1, 2], [NAN, 1], [[0.5, 0.5]], {}],
        *[["a", "b"], [0, 0], [1, 0, 0], [INF, 0]],
    ],
    "n_estimators": ["many", None, *COUNTS],
    "linear_share": ["half", None, -0.1, 1, True, NAN, [0.5]],
    "warm_start": ["yes", None],
    "random_state": ["a", -1, 1.5, NAN, 2**32, [0]],
    "callbacks": [3, ["a"], [CountsTrainings], CountsTrainings(), [None], [("a", 1)]],
    "device": ["tpu9", None, 0, "cuda:99", "meta", ""],
    "max_time": [0, -1, NAN, "a", True, [1]],
}
N = 24
X = np.random.RandomState(0).normal(size=(N, 3))
Y = np.where(np.arange(N) < 12, np.arange(N) % 2, -1)


def _parameters():
    known = LadderClassifier().get_params()
    for name, values in WRONG_PARAMETERS.items():
        if name in known:
            for value in values:
                yield pytest.param(name, value, id=f"{name}={value!r}"[:60])


def estimator(**parameters):
    small = dict(hidden_layer_sizes=(4,), max_epochs=1, batch_size=16, n_estimators=1)
    ours = dict(random_state=0, callbacks=[CountsTrainings()])
    return LadderClassifier(**small | ours | parameters)


def refusal(call):
    """Message of the error of a call, which must come before training begins."""
    begun = CountsTrainings.begun
    with untouched():
        try:
            call()
        except (ValueError, TypeError) as error:
            message = f"{type(error).__name__}: {error}"
        else:
            pytest.fail("no error")
    assert CountsTrainings.begun == begun, f"training had begun: {message}"
    return message


@pytest.mark.parametrize("name, value", list(_parameters()))
def test_parameter(name, value):
    clf = estimator().fit(X, Y)
    before = state(clf, X)
    extra = {"early_stopping": True} if name == "validation_fraction" else {}
    if name == "image_shape":
        extra["architecture"] = [Conv(2, 1), MaxPool(1), Dense()]
    old = clf.get_params()
    clf.set_params(**{name: value} | extra)
    message = refusal(lambda: clf.fit(X, Y))
    names = [name, "VirtualAdversary", "layer 2, Conv"]
    assert any(each in message for each in names), message
    clf.set_params(**{key: old[key] for key in (name, *extra)})
    assert state(clf, X) == before


WRONG_SAMPLES = {
    "None": None,
    "number": 3.0,
    "text": "abc",
    "one dimension": X[:, 0],
    "three dimensions": X[:, :, None],
    "five dimensions": X[:, :, None, None, None],
    "no samples": X[:0],
    "no features": X[:, :0],
    "one sample": X[:1],
    "too few": X[:-1],
    "ragged": [[1.0, 2.0, 3.0]] * (N - 1) + [[1.0]],
    "complex": X + 1j,
    "words": np.full((N, 3), "a"),
    "objects with words": np.full((N, 3), "a", dtype=object),
    "objects with lists": np.array([[[1], 2, 3]] * N, dtype=object),
    "objects with dates": np.full((N, 3), datetime.date(2020, 1, 1), dtype=object),
    "dates": np.full((N, 3), np.datetime64("2020-01-01")),
    "durations": np.full((N, 3), np.timedelta64(1, "D")),
    "bytes": np.full((N, 3), b"a"),
    "infinite": np.where(np.arange(N)[:, None] == 20, INF, X),
    "minus infinite": np.where(np.arange(N)[:, None] == 20, -INF, X),
    "infinite, sparse": sparse.csr_matrix(
        np.where(np.arange(N)[:, None] == 20, INF, X)
    ),
    "NaN, sparse": sparse.csr_matrix(np.where(X > 1, NAN, X)),
    "complex, sparse": sparse.csr_matrix(X + 1j),
    "Series": pd.Series(X[:, 0]),
    "frame of words": pd.DataFrame({"a": ["b", "c"] * (N // 2), "f": X[:, 0]}),
    "frame of dates": pd.DataFrame({"a": pd.date_range("2020", periods=N)}),
    "frame of periods": pd.DataFrame({"a": pd.period_range("2020", periods=N)}),
    "frame of intervals": pd.DataFrame({"a": pd.interval_range(0, N)}),
    "frame of mixed names": pd.DataFrame({"a": X[:, 0], 1: X[:, 1]}),
    "dict": {"a": X[:, 0]},
    "generator": (row for row in X),
    "structured": np.zeros(N, dtype=[("a", float), ("b", float)]),
}


@pytest.mark.parametrize("kind", WRONG_SAMPLES)
def test_samples(kind):
    if kind in ("frame of words", "frame of intervals"):
        return  # which are categories
    message = refusal(lambda: estimator().fit(WRONG_SAMPLES[kind], Y))
    words = ["X", "sample", "feature", "array", "dtype", "Complex", "column", "sparse"]
    assert any(word in message for word in words), message


@pytest.mark.parametrize("kind", WRONG_SAMPLES)
def test_samples_to_predict(kind):
    if kind in ("one sample", "too few"):
        return  # which are right
    clf = estimator().fit(X, Y)
    before = state(clf, X)
    message = refusal(lambda: clf.predict(WRONG_SAMPLES[kind]))
    words = ["X", "sample", "feature", "array", "dtype", "Complex", "column", "sparse"]
    assert any(word in message for word in words), message
    assert state(clf, X) == before


CLASS = np.array(["a", "b"])
WRONG_LABELS = {
    "None": None,
    "number": 1,
    "text": "abab",
    "too few": Y[:-1],
    "too many": np.r_[Y, 1],
    "two columns": np.c_[Y, Y],
    "one-hot": np.eye(2)[np.abs(Y)],
    "three dimensions": Y[:, None, None],
    "none labeled": np.full(N, -1),
    "none labeled, NaN": np.full(N, NAN),
    "none labeled, NaT": np.full(N, np.datetime64("NaT")),
    "one class": np.where(Y == 0, 0, -1),
    "two values, one the marker": np.where(np.arange(N) % 2, 1, -1),
    "continuous": np.where(Y < 0, -1, X[:, 0] + 10),
    "infinite": np.where(Y == 1, INF, Y),
    "complex": Y + 0j,
    "complex, not real": Y * 1j,
    "words and numbers": np.where(Y == 0, "a", Y.astype(object)),
    "lists": [[v] if v < 0 else [v, v] for v in Y],
    "tuples": pd.Series([(v,) for v in Y]),
    "sets": pd.Series([{v} for v in Y]),
    "dicts": [{"a": v} for v in Y.tolist()],
    "frame of two columns": pd.DataFrame({"a": Y, "b": Y}),
    "sparse": sparse.csr_matrix(Y),
    "bytes": Y.astype("S2"),
    "void": np.zeros(N, dtype="V4"),
    "dict": dict(enumerate(Y.tolist())),
    "generator": (v for v in Y),
}


@pytest.mark.parametrize("kind", WRONG_LABELS)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_labels(kind, method):
    y = WRONG_LABELS[kind]
    if method == "partial_fit" and kind in (
        *["none labeled", "none labeled, NaN", "none labeled, NaT", "one class"],
        "two values, one the marker",
    ):
        return  # which are right for a part of a stream
    classes = {} if method == "fit" else {"classes": [0, 1]}
    message = refusal(lambda: getattr(estimator(), method)(X, y, **classes))
    words = ["y ", "label", "Label", "class", "sample", "target"]
    assert any(word in message for word in words), message


ODD_LABELS = {
    "dates": np.datetime64("2020-01-01") + np.arange(2),
    "durations": np.arange(2).astype("m8[D]"),
    "Decimal": [Decimal(0), Decimal(1)],
    "date objects": [datetime.date(2020, 1, 1), datetime.date(2020, 1, 2)],
    "periods": pd.period_range("2020", periods=2),
    "intervals": pd.interval_range(0, 2),
}


@pytest.mark.parametrize("kind", ODD_LABELS)
def test_odd_labels(kind):
    """Refused by name, or right."""
    classes = list(ODD_LABELS[kind])
    y = pd.Series([None if v < 0 else classes[v] for v in Y])
    begun = CountsTrainings.begun
    try:
        clf = estimator().fit(X, y)
    except (ValueError, TypeError) as error:
        assert CountsTrainings.begun == begun
        assert any(w in str(error) for w in ["label", "Label", "class"]), error
        return
    assert list(clf.classes_) == classes
    assert [v for v in clf.transduction_[Y >= 0]] == list(y[Y >= 0])


WRONG_WEIGHTS = {
    "too few": np.ones(N - 1),
    "two columns": np.ones((N, 2)),
    "negative": -np.ones(N),
    "one negative": np.where(np.arange(N) == 3, -1, 1),
    "NaN": np.where(np.arange(N) == 3, NAN, 1),
    "infinite": np.where(np.arange(N) == 3, INF, 1),
    "all zero": np.zeros(N),
    "zero if labeled": np.where(Y < 0, 1, 0),
    "words": np.full(N, "a"),
    "None": [None] * N,
    "complex": np.ones(N) * 1j,
    "dates": np.full(N, np.datetime64("2020")),
    "masked if labeled": np.ma.masked_array(np.ones(N), Y == 1),
    "text": "balanced",
}


@pytest.mark.parametrize("kind", WRONG_WEIGHTS)
def test_weights(kind):
    weight = WRONG_WEIGHTS[kind]
    message = refusal(lambda: estimator().fit(X, Y, sample_weight=weight))
    assert any(word in message for word in ["weight", "Weight"]), message
