"""Whatever goes in: an error that names the rule before training, or a sound model.

100 generated cases by default. 2,000 others, each time:
``HYPOTHESIS_PROFILE=full pytest tests/test_properties.py``
"""

import inspect
import os
import pickle
import random
import re
import warnings
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, event, given, note, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone
from skorch.callbacks import Callback

from sklearn_ladder import LadderClassifier
from sklearn_ladder.architectures import Conv, Dense, MaxPool

from . import cases

OURS = dict(deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
settings.register_profile("gate", max_examples=100, derandomize=True, **OURS)
settings.register_profile("full", max_examples=2000, **OURS)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))

# --------------------------------------------------------------- adapter, to be deleted

IS_NEW = "n_estimators" in inspect.signature(LadderClassifier).parameters


def classifier(**parameters):
    """`LadderClassifier` by its parameters in the design, whatever today's are."""
    adversary = parameters.pop("virtual_adversarial", None)
    scaling = parameters.pop("feature_scaling", None)
    if IS_NEW:
        from sklearn_ladder import VirtualAdversary

        if adversary is not None:
            parameters["virtual_adversarial"] = VirtualAdversary(**adversary)
        if scaling is not None:
            parameters["feature_scaling"] = None if scaling == "off" else scaling
        return LadderClassifier(**parameters)
    if adversary is not None:
        today = {"size": "epsilon", "norm": "perturbation_norm"}
        parameters["virtual_adversarial"] = adversary["kind"]
        parameters |= {
            today.get(k, k): v
            for k, v in adversary.items()
            if k not in ("kind", "weight")
        }
    if scaling is not None:
        parameters["standardize"] = scaling != "off"
        parameters["n_bins"] = {"binned": 6, "auto": "auto"}.get(scaling, 1)
    if "n_estimators" in parameters:
        parameters["n_ensemble"] = parameters.pop("n_estimators")
    return LadderClassifier(**parameters)


# ------------------------------------------------------------------ generated cases


class Case(NamedTuple):
    """What is fitted, and what happens then."""

    n_samples: int
    n_features: int
    seed: int
    values: str
    gaps: str
    dtype: str
    container: str
    labels: str
    n_classes: int
    labeled: str
    weights: str
    class_weight: str | None
    options: dict
    first: str
    then: tuple


ADVERSARIES = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["cost", "noise", "cost-layerwise", "noise-layerwise"]),
        "size": st.sampled_from([1.0, 0.1, 0.0, 5.0]),
        "norm": st.sampled_from(["l2", "l1", "linf"]),
        "n_power_iterations": st.sampled_from([1, 2]),
        "weight": st.sampled_from([1.0, 0.5]),
    }
)
OPTIONS = {
    "hidden_layer_sizes": st.sampled_from([(8,), (), (6, 4), 3, (1,)]),
    "variant": st.sampled_from(["full", "gamma", "bottom", "supervised"]),
    "denoising_cost": st.sampled_from([1.0, 0.0, 1000.0, [1, 0], [5.0, 1.0, 0.1]]),
    "noise_std": st.sampled_from([0.0, 1.0, [0.3, 0.3], [0.5, 0, 0.2]]),
    "combinator": st.sampled_from(["mlp", "gaussian", ["mlp", "gaussian", "mlp"]]),
    "virtual_adversarial": ADVERSARIES,
    "label_smoothing": st.sampled_from([0.0, 0.5]),
    "weight_normalization": st.just(True),
    "activation": st.sampled_from(["leaky_relu", "tanh"]),
    "feature_scaling": st.sampled_from(["scaled", "off", "binned", "auto"]),
    "batch_size": st.sampled_from([16, 2, 3, 32]),
    "max_epochs": st.sampled_from([1, 3]),
    "learning_rate": st.sampled_from([0.001, 0.1, 10.0]),
    "decay_start": st.sampled_from([0.0, 1.0]),
    "early_stopping": st.just(True),
    "validation_fraction": st.sampled_from([0.5, 0.25]),
    "n_iter_no_change": st.just(1),
    "class_prior": st.sampled_from(["em", None, "array"]),
    "n_estimators": st.sampled_from([2, 3, "auto"]),
}
THEN = ["predict", "pickle", "fit", "warm start", "partial_fit", "failing fit"]


def _seldom(names, seldom):
    """One of the names, some of them seldom."""
    often = [name for name in names if name not in seldom]
    return st.sampled_from([*often * (1 + 9 * len(seldom) // len(often)), *seldom])


@st.composite
def descriptions(draw):
    """Any case: all is as plain as can be but for some of it."""
    is_convolutional = draw(st.integers(0, 9)) == 9
    container = draw(st.sampled_from(list(cases.CONTAINERS)))
    options = draw(
        st.lists(st.sampled_from(list(OPTIONS)), max_size=5, unique=True).flatmap(
            lambda names: st.fixed_dictionaries({name: OPTIONS[name] for name in names})
        )
    )
    if is_convolutional:
        options |= {"architecture": "small", "image_shape": cases.IMAGE_SHAPE}
    is_image = is_convolutional or container == "images"
    is_plain = draw(st.booleans())  # labels and samples are seldom odd at once
    return Case(
        n_samples=draw(st.sampled_from([24, 2, 3, 5, 9, 33, 40, 70])),
        n_features=16 if is_image else draw(st.integers(1, 6)),
        seed=draw(st.integers(0, 1000)),
        values=draw(st.sampled_from(list(cases.VALUES))),
        gaps=draw(st.sampled_from(list(cases.GAPS))) if draw(st.booleans()) else "none",
        dtype=draw(st.sampled_from(cases.CONTAINERS[container].dtypes)),
        container=container,
        labels="int64" if is_plain else draw(st.sampled_from(list(cases.LABELS))),
        n_classes=draw(st.integers(2, 4)),
        labeled=draw(_seldom(cases.LABELED, ["one class", "none"])),
        weights=draw(_seldom(cases.WEIGHTS, cases.WRONG_WEIGHTS))
        if draw(st.booleans())
        else "none",
        class_weight=draw(st.sampled_from([None, None, "balanced", "dict"])),
        options=options,
        first=draw(st.sampled_from(["fit", "fit", "fit", "partial_fit"])),
        then=tuple(draw(st.lists(st.sampled_from(THEN), max_size=3))),
    )


# ------------------------------------------------------------------------- the rules


class CountsTrainings(Callback):
    """Tells whether training began. The net has copies of it, hence of the class."""

    begun = 0

    def __repr__(self):
        return "CountsTrainings()"

    def on_train_begin(self, net, **kwargs):
        CountsTrainings.begun += 1


class Fails(Callback):
    def on_epoch_end(self, net, **kwargs):
        raise RuntimeError("a callback's own error")


# What an error may say that is right only after training has begun.
DIVERGED = "diverged|not finite|finite"


def estimator(case, classes):
    """The classifier of a case, tiny."""
    options = dict(case.options)
    if options.pop("architecture", None):
        options["architecture"] = [Conv(2, 3, "same"), MaxPool(2), Dense()]
    if options.get("class_prior") == "array":
        options["class_prior"] = np.arange(1, len(classes) + 1) / sum(
            range(1, len(classes) + 1)
        )
    class_weight = case.class_weight
    if class_weight == "dict":
        class_weight = {label: 1 + i for i, label in enumerate(classes)}
    small = dict(hidden_layer_sizes=(8,), batch_size=8, max_epochs=2, n_estimators=1)
    return classifier(
        **small
        | dict(class_weight=class_weight, random_state=case.seed)
        | dict(callbacks=[CountsTrainings()])
        | options
    )


def refusals(case, samples, labels):
    """What errors must say, of which one is right (must) or may be (may)."""
    must, may = [], []
    container, kind = cases.CONTAINERS[case.container], labels.kind
    meaning = samples.meaning
    if np.isinf(meaning).any():
        must.append("infinity|too large")
    elif np.abs(np.nan_to_num(meaning)).max() > 1e37:
        may.append("too large|infinity|float32")
    if container.refusal:
        may.append(container.refusal)
    if container.refuses_gaps and np.isnan(meaning).any():
        may.append(container.refuses_gaps)
    if kind.refusal:
        may.append(kind.refusal)
    if case.labels == "fractions":
        must.append("[Uu]nknown label type|continuous")
    n_counts = np.unique([str(v) for v in labels.labels if v is not None]).size
    if n_counts < 2 and case.first == "fit":
        must.append("class|label")
    n_labeled = labels.labeled.sum()
    if case.weights in cases.WRONG_WEIGHTS:
        (may if case.first == "partial_fit" else must).append("weight|samples|shape")
    if case.weights == "zero but one":
        may.append("weight|early_stopping")
    options = case.options
    may += _refusals_of_options(case, n_labeled)
    if case.first == "partial_fit":
        for name in "early_stopping", "class_prior":
            if options.get(name) not in (None, "auto"):
                may.append(name)
        if case.class_weight == "balanced":
            must.append("class_weight")
    return must, may


def _refusals_of_options(case, n_labeled):
    options, may = case.options, []
    n_layers = (
        4
        if "architecture" in options
        else 2 + np.size(options.get("hidden_layer_sizes", (8,)))
    )
    for name in "denoising_cost", "noise_std", "combinator":
        value = options.get(name)
        if isinstance(value, list) and len(value) != n_layers:
            may.append(name)
    variant, cost = options.get("variant", "full"), options.get("denoising_cost", 1.0)
    if isinstance(cost, list | float) and not np.all(
        cost
    ):  # kinds of costs switched off
        may.append("denoising_cost")
    if "virtual_adversarial" in options:
        may.append("virtual_adversarial|epsilon|size")
    if options.get("early_stopping"):
        may.append("early_stopping|validation_fraction")
    if "architecture" in options and options.get("feature_scaling") == "binned":
        may.append("n_bins|feature_scaling")
    if variant == "supervised" and "denoising_cost" in options:
        may.append("denoising_cost")
    return may


def can_diverge(case, samples):
    """Whether training may fail, which then must say so."""
    options = case.options
    return (
        options.get("learning_rate", 0) >= 1
        or np.max(options.get("denoising_cost", 1)) > 100
        # which fit makes 1 on average
        or (
            "partial_fit" in (case.first, *case.then)
            and case.weights in ("huge", "very different")
        )
        or (
            options.get("feature_scaling") == "off"
            and np.abs(np.nan_to_num(samples.meaning)).max() > 1e3
        )
    )


# ----------------------------------------------------------------- what must not change


def fingerprint(data):
    """The content of an argument, for comparison."""
    if data is None or isinstance(data, list | tuple):
        return repr(data)
    if sparse.issparse(data):
        parts = ["data", "indices", "indptr", "row", "col", "rows", "coords"]
        return [repr(np.asarray(vars(data).get(p)).tolist()) for p in parts]
    if isinstance(data, np.ma.MaskedArray):
        return data.data.tobytes(), np.ma.getmaskarray(data).tobytes()
    if isinstance(data, np.ndarray):
        content = repr(data.tolist()) if data.dtype.kind == "O" else data.tobytes()
        return content, data.dtype, data.shape, data.strides, data.flags.writeable
    if isinstance(data, pd.DataFrame):
        return data.dtypes.to_dict(), data.astype(object).to_csv(), list(data.columns)
    content = data.to_pylist() if hasattr(data, "to_pylist") else list(data)
    return str(getattr(data, "dtype", type(data))), repr(content)


def global_generators():
    return (
        repr(np.random.get_state()),
        torch.get_rng_state().numpy().tobytes(),
        repr(random.getstate()),
    )


@contextmanager
def untouched(*arguments):
    """Checks that arguments and global generators stay as they are."""
    before = [fingerprint(a) for a in arguments], global_generators()
    yield
    assert [fingerprint(a) for a in arguments] == before[0], "an argument has changed"
    assert global_generators() == before[1], "a global generator was used"


def state(clf, X):
    """All that a user sees of a fitted classifier."""
    return (
        clf.predict_proba(X).tobytes(),
        repr(clf.classes_.tolist()),
        repr(clf.transduction_.tolist()),
        clf.n_iter_,
        repr({k: v.tolist() for k, v in clf.history_.items() if k != "dur"}),
        repr(getattr(clf, "class_prior_", None)),
        sorted(vars(clf)),
    )


# ------------------------------------------------------------------------- the oracle


class Run:
    """A case, carried out."""

    def __init__(self, case):
        self.case = case
        self.samples = cases.samples(case)
        self.labels = cases.labels(case)
        self.weight = cases.weights(case, self.labels.labeled)
        self.X, self.y = self.samples.X, self.labels.y
        self.must, self.may = refusals(case, self.samples, self.labels)
        self.all_classes = self.labels.classes
        if case.first == "partial_fit":
            kind = self.labels.kind
            self.all_classes = kind.classes[: max(2, case.n_classes)]
        self.clf = estimator(case, self.all_classes)

    def check(self):
        parameters = repr(self.clf.get_params())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with untouched(self.X, self.y, self.weight):
                if not self.begin():
                    return
                self.check_model()
                self.check_same_again()
                for step in self.case.then:
                    getattr(self, step.replace(" ", "_"))()
                    self.check_model()
        assert repr(self.clf.get_params()) == parameters, "a parameter has changed"
        assert repr(clone(self.clf).get_params()) == parameters

    def train(self, clf, method, samples=None, labels=None, weight=None):
        """Call fit or partial_fit; whether it was not refused, by a rule."""
        samples, labels = samples or self.samples, labels or self.labels
        begun = CountsTrainings.begun
        more = {}
        if method == "partial_fit":
            more["classes"] = self.all_classes
        try:
            getattr(clf, method)(samples.X, labels.y, sample_weight=weight, **more)
        except (ValueError, TypeError) as error:
            message = f"{type(error).__name__}: {error}"
            note(message)
            if CountsTrainings.begun > begun:
                assert re.search(DIVERGED, message), f"after training began: {message}"
                assert can_diverge(self.case, samples), f"no reason for {message}"
                event("diverged")
            else:
                known = any(re.search(rule, message) for rule in self.must + self.may)
                assert known, f"no reason for {message}"
                event("refused")
            return False
        assert not self.must, f"no error, which must say {self.must}"
        return True

    def begin(self):
        if not self.train(self.clf, self.case.first, weight=self.weight):
            assert not hasattr(self.clf, "classes_"), "fitted in spite of an error"
            return False
        event("fitted")
        return True

    # ---------------------------------------------------------------- of one model

    def check_model(self):
        clf, meaning = self.clf, self.samples.meaning
        assert clf.classes_.tolist() == self.all_classes, "classes_"
        proba = self.proba(self.X)
        assert proba.shape == (len(meaning), len(self.all_classes))
        predicted = clf.predict(self.X)
        best = clf.classes_[proba.argmax(axis=1)]
        assert predicted.tolist() == best.tolist(), "predict is not the most probable"
        assert predicted.dtype == clf.classes_.dtype
        self.check_transduction(proba, predicted)
        self.check_independence(proba)
        self.check_other_samples(proba)
        assert np.isfinite(clf.transform(self.X)).all(), "transform"
        if hasattr(clf, "denoise"):
            assert np.isfinite(clf.denoise(self.X)).all(), "denoise"
        if hasattr(clf, "class_prior_"):
            assert np.isclose(sum(clf.class_prior_), 1) and min(clf.class_prior_) >= 0
        if self.labels.labeled.any():
            hits = predicted[self.labels.labeled].tolist()
            true = [label for label in self.labels.labels if label is not None]
            accuracy = np.mean([a == b for a, b in zip(hits, true, strict=True)])
            assert np.isclose(clf.score(self.X, self.y), accuracy), "score"

    def proba(self, X, whose="training samples"):
        proba = self.clf.predict_proba(X)
        assert np.isfinite(proba).all(), f"probabilities of {whose} are not finite"
        assert (proba >= 0).all(), f"probabilities of {whose} below 0"
        wrong = np.abs(proba.sum(axis=1) - 1).max()
        assert wrong < 1e-5, (
            f"probabilities of {whose} sum to 1 within {wrong:.2g} only"
        )
        return proba

    def check_transduction(self, proba, predicted):
        given, found = self.labels.labels, self.clf.transduction_.tolist()
        if len(found) != len(given):  # of the last part of a stream
            return
        top = np.sort(proba, axis=1)
        clear = top[:, -1] - top[:, -2] > 1e-4
        for i, label in enumerate(given):
            if label is not None:
                assert found[i] == label, "transduction_ is not the given label"
            elif clear[i]:
                assert found[i] == predicted.tolist()[i], "transduction_, unlabeled"

    def check_independence(self, proba):
        """Predictions do not depend on other samples, nor on their order."""
        make, values = self.samples
        order = np.random.RandomState(0).permutation(len(values))
        _close(self.proba(make(values[order])), proba[order], "order of samples")
        half = order[: max(1, len(order) // 2)]
        _close(self.proba(make(values[half])), proba[half], "other samples")
        _close(self.proba(make(values[:1])), proba[:1], "one sample alone")
        equal = np.r_[np.zeros(5, int), order, np.zeros(3, int)]
        same = self.proba(make(values[equal]))[equal == 0]
        _close(same, np.broadcast_to(same[:1], same.shape), "equal samples")

    def check_other_samples(self, proba):
        """Those of another container, with gaps, and far away."""
        meaning = self.samples.meaning
        if cases.CONTAINERS[self.case.container].refusal is None:
            as_array = self.as_rows(meaning)
            _close(self.proba(as_array), proba, "container")
        gaps = np.where(
            np.random.RandomState(1).uniform(size=meaning.shape) < 0.4, np.nan, meaning
        )
        self.proba(self.as_rows(gaps), "samples with gaps")
        if self.case.options.get("feature_scaling") != "off":
            far = np.clip(np.nan_to_num(meaning) * 1e3, -1e38, 1e38)
            self.proba(self.as_rows(far), "samples far away")

    def as_rows(self, values):
        if self.case.container == "images":
            return values.reshape(len(values), *cases.IMAGE_SHAPE)
        return values

    def check_same_again(self):
        again = clone(self.clf)
        assert self.train(again, self.case.first, weight=self.weight)
        assert state(again, self.X) == state(self.clf, self.X), "equal seeds"

    # -------------------------------------------------------------- what comes then

    def predict(self):
        self.clf.predict(self.X)

    def pickle(self):
        loaded = pickle.loads(pickle.dumps(self.clf))
        assert state(loaded, self.X) == state(self.clf, self.X), "pickle"
        self.clf = loaded

    def fit(self):
        """A fit knows nothing of the one before."""
        if self.case.first == "partial_fit":
            return
        before = state(self.clf, self.X)
        fresh = clone(self.clf)
        assert self.train(self.clf, "fit", weight=self.weight)
        self.train(fresh, "fit", weight=self.weight)
        assert state(self.clf, self.X) == state(fresh, self.X), "fit again"
        del before

    def warm_start(self):
        if self.case.first == "partial_fit":
            return
        self.clf.set_params(warm_start=True)
        before = state(self.clf, self.X)
        if not self.train(self.clf, "fit", weight=self.weight):
            assert state(self.clf, self.X) == before, "failed warm start"
        self.clf.set_params(warm_start=False)

    def partial_fit(self):
        before = state(self.clf, self.X)
        options = self.case.options
        refused = (
            options.get("early_stopping")
            or options.get("class_prior") is not None
            or self.case.class_weight == "balanced"
        )
        first = np.arange(max(2, len(self.labels.labels) // 2))
        part = self.samples._replace(values=self.samples.values[first])
        self.must_, must = self.must, self.must
        if refused:
            self.must = [*must, "early_stopping|class_prior|class_weight"]
        weight = None if self.weight is None else self.weight[: len(first)]
        done = self.train(
            self.clf, "partial_fit", part, self.labels.take(first), weight
        )
        self.must = must
        if not done:
            assert state(self.clf, self.X) == before, "failed partial_fit"

    def failing_fit(self):
        """After any error the model is what it was."""
        before, none = state(self.clf, self.X), self.labels.take([])
        failures = {
            "no label": (dict(), self.X, np.full(len(self.labels.labels), -1)),
            "infinite": (dict(), np.full((9, 2), np.inf), np.arange(9) % 2),
            "parameter": (dict(learning_rate=-1), self.X, self.y),
            "callback": (dict(callbacks=[Fails()]), self.X, self.y),
        }
        del none
        for name, (changes, X, y) in failures.items():
            old = {key: self.clf.get_params()[key] for key in changes}
            self.clf.set_params(**changes)
            with pytest.raises((ValueError, TypeError, RuntimeError)):
                self.clf.fit(X, y)
            self.clf.set_params(**old)
            assert state(self.clf, self.X) == before, f"after a failed fit: {name}"


def _close(a, b, what):
    difference = np.abs(a - b).max()
    assert difference < 1e-5, f"predictions depend on {what}: {difference:.2g}"


# -------------------------------------------------------------------------- the tests


@given(descriptions())
def test_error_or_sound_model(case):
    Run(case).check()
