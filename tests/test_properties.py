"""Whatever goes in: an error that names the rule before training, or a sound model.

80 generated cases by default. 2,000 others, each time:
``HYPOTHESIS_PROFILE=full pytest tests/test_properties.py``
"""

import os
import pickle
import re
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, note, settings
from hypothesis import strategies as st
from sklearn.base import clone

from sklearn_ladder import LadderClassifier

from .generated.descriptions import (
    DIVERGED,
    SURROUNDINGS,
    CountsTrainings,
    Fails,
    can_diverge,
    descriptions,
    estimator,
    refusals,
)
from .generated.labels import make_labels, make_weights
from .generated.samples import CONTAINERS, IMAGE_SHAPE, make_samples
from .generated.unchanged import state, untouched

OURS = dict(deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
settings.register_profile("gate", max_examples=60, derandomize=True, **OURS)
settings.register_profile("full", max_examples=2000, **OURS)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))
# ------------------------------------------------------------------------- the oracle


class Run:
    """A case, carried out."""

    def __init__(self, case):
        self.case = case
        self.samples = make_samples(case)
        self.labels = make_labels(case)
        self.weight = make_weights(case, self.labels.labeled)
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
                self.check_same_data()
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
        if CONTAINERS[self.case.container].refusal is None:
            as_array = self.as_rows(meaning)
            _close(self.proba(as_array), proba, "container")
        gaps = np.where(
            np.random.RandomState(1).uniform(size=meaning.shape) < 0.4, np.nan, meaning
        )
        self.proba(self.as_rows(gaps), "samples with gaps")
        if self.case.options.get("feature_scaling", "auto") is not None:
            far = np.clip(np.nan_to_num(meaning) * 1e3, -1e38, 1e38)
            self.proba(self.as_rows(far), "samples far away")

    def as_rows(self, values):
        if self.case.container == "images":
            return values.reshape(len(values), *IMAGE_SHAPE)
        return values

    def check_same_again(self):
        """Equal seeds, equal results, whatever surrounds the estimator."""
        again, surroundings = clone(self.clf), self.case.surroundings
        with SURROUNDINGS[surroundings]():
            assert self.train(again, self.case.first, weight=self.weight)
            found = state(again, self.X)
        assert found == state(self.clf, self.X), f"equal seeds, {surroundings}"

    def check_same_data(self):
        """Data of another form and labels of other names make the same model."""
        if CONTAINERS[self.case.container].refusal:
            return
        numbers = {label: i for i, label in enumerate(self.all_classes)}
        y = np.array([numbers.get(label, -1) for label in self.labels.labels])
        other = estimator(self.case, list(numbers.values()))
        more = {}
        if self.case.first == "partial_fit":
            more["classes"] = list(numbers.values())
        X = self.as_rows(self.samples.meaning)
        getattr(other, self.case.first)(X, y, sample_weight=self.weight, **more)
        difference = np.abs(other.predict_proba(X) - self.proba(self.X)).max()
        assert difference < 1e-4, f"another model of the same data: {difference:.2g}"

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
        fresh = clone(self.clf)
        assert self.train(self.clf, "fit", weight=self.weight)
        self.train(fresh, "fit", weight=self.weight)
        assert state(self.clf, self.X) == state(fresh, self.X), "fit again"

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
        must = self.must
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
        before = state(self.clf, self.X)
        failures = {
            "no label": (dict(), self.X, np.full(len(self.labels.labels), -1)),
            "infinite": (dict(), np.full((9, 2), np.inf), np.arange(9) % 2),
            "parameter": (dict(learning_rate=-1), self.X, self.y),
            "callback": (dict(callbacks=[Fails()]), self.X, self.y),
        }
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


@given(
    st.sampled_from(["full", "gamma", "bottom", "supervised"]),
    st.sampled_from([2, 3, 5, 10]),
    st.sampled_from([20, 13, 60]),
    st.integers(0, 1000),
)
@settings(max_examples=20)
def test_resolved_values_make_the_same_model(variant, n_classes, n_labeled, seed):
    """An explicit value that equals what "auto" resolves to changes nothing."""
    X = np.random.RandomState(seed).normal(size=(60, 3))
    y = np.where(np.arange(60) < n_labeled, np.arange(60) % n_classes, -1)
    small = dict(hidden_layer_sizes=(8,), max_epochs=2, random_state=seed)
    clf = LadderClassifier(variant=variant, **small).fit(X, y)
    names = ["n_estimators", "feature_scaling", "denoising_cost", "class_prior"]
    resolved = {name: getattr(clf, name + "_") for name in names}
    for explicit in [{name: resolved[name]} for name in names] + [resolved]:
        other = clone(clf).set_params(**explicit).fit(X, y)
        same = np.array_equal(other.predict_proba(X), clf.predict_proba(X))
        assert same, f"another model with {explicit}"
