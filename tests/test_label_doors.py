"""Every function that takes labels accepts, refuses and warns alike."""

import warnings

import numpy as np
import pytest

from sklearn_ladder import LadderClassifier
from sklearn_ladder.model_selection import (
    LabeledStratifiedKFold,
    labeled_scorer,
    labeled_train_test_split,
)
from sklearn_ladder.robustness import adversarial_error

from .generated import labels as cases

SMALL = dict(hidden_layer_sizes=(4,), max_epochs=1, batch_size=16, random_state=0)
N = 24
X = np.random.RandomState(0).normal(size=(N, 2))
WHICH = {"half labeled": np.arange(N) % 5 < 3, "all labeled": np.ones(N, bool)}


def _kinds():
    for name, kind in cases.LABELS.items():
        for which in WHICH:
            if which == "all labeled" or not kind.needs_all:
                yield pytest.param(kind, WHICH[which], id=f"{name}, {which}")


class Doors:
    """Functions that take labels. Each checks what it returns."""

    def __init__(self, kind, labeled):
        self.classes = kind.classes[:3]
        codes = np.arange(N) % len(self.classes)
        self.labels = [
            self.classes[c] if has else None
            for c, has in zip(codes, labeled, strict=True)
        ]
        self.labeled, self.codes = labeled, np.where(labeled, codes, -1)
        self.y = kind.make(self.labels)
        # fitted to integers; then it is told of the classes
        self.fitted = LadderClassifier(**SMALL).fit(X, self.codes)
        predicted = self.fitted.predict(X)
        self.fitted.classes_ = np.array(
            self.classes, None if type(self.classes[0]) is not bytes else object
        )
        self.accuracy = np.mean((predicted == self.codes)[labeled])

    def fit(self):
        clf = LadderClassifier(**SMALL).fit(X, self.y)
        assert clf.classes_.tolist() == self.classes
        self.check_given(clf.transduction_.tolist(), self.labeled)

    def partial_fit(self):
        clf = LadderClassifier(**SMALL).partial_fit(X, self.y, classes=self.classes)
        assert clf.classes_.tolist() == self.classes
        self.check_given(clf.transduction_.tolist(), self.labeled)

    def partial_fit_classes(self):
        """The labels themselves, marker included, tell of the classes."""
        seen = self.y
        clf = LadderClassifier(**SMALL).partial_fit(X, self.y, classes=seen)
        assert clf.classes_.tolist() == self.classes

    def score(self):
        assert np.isclose(self.fitted.score(X, self.y), self.accuracy)

    def scorer(self):
        score = labeled_scorer("accuracy")(self.fitted, X, self.y)
        assert np.isclose(score, self.accuracy)

    def adversarial(self):
        error = adversarial_error(self.fitted, X, self.y, eps=0)
        assert np.isclose(error, 1 - self.accuracy)

    def split(self):
        tests = [test for _, test in LabeledStratifiedKFold(2).split(X, self.y)]
        tested = np.sort(np.concatenate(tests))
        assert tested.tolist() == np.flatnonzero(self.labeled).tolist()

    def split_transductive(self):
        for y_train, test in LabeledStratifiedKFold(2).split_transductive(X, self.y):
            kept = self.labeled.copy()
            kept[test] = False
            self.check_given(list(y_train), kept)
            if type(self.classes[0]) is not float:
                is_float = [isinstance(v, float | np.floating) for v in y_train]
                assert not any(is_float), "a float carries an integer label"
            clf = LadderClassifier(**SMALL).fit(X, y_train)
            assert clf.classes_.tolist() == self.classes

    def train_test_split(self):
        numbers = np.arange(N)
        *_, y_test, train, test = labeled_train_test_split(
            X, self.y, numbers, random_state=0
        )
        assert self.labeled[test].all()
        assert (~self.labeled).sum() == (~self.labeled[train]).sum()
        y_test = np.ravel(y_test) if np.ndim(y_test) == 2 else y_test
        given = y_test.to_pylist() if hasattr(y_test, "to_pylist") else list(y_test)
        assert given == [self.labels[i] for i in test]

    def check_given(self, found, labeled):
        for i in np.flatnonzero(labeled):
            assert found[i] == self.labels[i], "not the given label"

    def outcomes(self):
        """Of each function: accepted, refused, or what went wrong."""
        outcomes = {}
        for name, door in vars(Doors).items():
            if name.startswith(("_", "check", "outcomes")):
                continue
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                try:
                    door(self)
                    outcomes[name] = "accepted"
                except (ValueError, TypeError) as error:
                    outcomes[name] = f"refused: {type(error).__name__}: {error}"
                except Exception as error:
                    outcomes[name] = f"WRONG: {type(error).__name__}: {error}"
            told = [w for w in caught if issubclass(w.category, UserWarning)]
            if any("missing" in str(w.message) for w in told):
                outcomes[name] = "warning, " + outcomes[name]
        return {name: outcome[:150] for name, outcome in outcomes.items()}


@pytest.mark.parametrize("kind, labeled", list(_kinds()))
def test_alike(kind, labeled):
    outcomes = Doors(kind, labeled).outcomes()
    refused = {name for name, outcome in outcomes.items() if "refused" in outcome}
    if refused and kind.refusal:
        assert refused == set(outcomes), outcomes
        assert all("bytes" in o or kind.refusal in o for o in outcomes.values())
    else:
        assert set(outcomes.values()) == {"accepted"}, outcomes


LOOK_MISSING = [
    "nan",
    "NaN",
    "NaT",
    "None",
    "<NA>",
    "-1.0",
    "",
    " -1",
    "null",
    "NA",
    "N/A",
]


@pytest.mark.parametrize("marker", [*LOOK_MISSING, "-1"])
@pytest.mark.parametrize("dtype", ["array", "objects", "StringDType", "Series"])
def test_strings_that_look_missing(marker, dtype):
    """Unlabeled, or a class with a warning, or refused; but the same everywhere."""
    make = {
        "array": cases._array(str, marker),
        "objects": cases._marked(marker),
        "StringDType": cases._array(np.dtypes.StringDType(), marker),
        "Series": lambda y: cases.pd.Series(cases._array(str, marker)(y), dtype="str"),
    }[dtype]
    kind = cases.LabelKind(cases.WORDS, make)
    outcomes = Doors(kind, WHICH["half labeled"]).outcomes().values()
    if set(outcomes) != {"accepted"}:
        told = ["warning" in outcome or "refused" in outcome for outcome in outcomes]
        assert all(told), outcomes
