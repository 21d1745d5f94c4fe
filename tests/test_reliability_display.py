"""Pictures of the reliability of probabilities."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.calibration import CalibrationDisplay
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import LabelSpreading

from sklearn_ladder import LadderClassifier
from sklearn_ladder.displays import ReliabilityDisplay

from_predictions = ReliabilityDisplay.from_predictions


def test_worked_example(pyplot):
    """Four samples in the bin up to 0.75, two above; the last has no label."""
    proba = [
        *([0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.1, 0.2, 0.7], [0.6, 0.2, 0.2]),
        *([0.9, 0.1, 0.0], [0.0, 0.2, 0.8], [1.0, 0.0, 0.0]),
    ]
    y = ["a", "b", "a", "b", "a", "c", None]
    display = from_predictions(y, proba, n_bins=4, strategy="uniform", color="red")
    np.testing.assert_allclose(display.prob_pred, [0.65, 0.85])
    np.testing.assert_allclose(display.prob_true, [0.5, 1])
    np.testing.assert_array_equal(display.n_per_bin, [4, 2])
    assert display.calibration_error == pytest.approx((4 * 0.15 + 2 * 0.15) / 6)
    np.testing.assert_allclose(display.line_.get_xydata(), [[0.65, 0.5], [0.85, 1]])
    assert display.line_.get_color() == "red"
    for segment, (right, n) in zip(
        display.intervals_.get_segments(), [(2, 4), (2, 2)], strict=True
    ):
        interval = binomtest(right, n).proportion_ci(method="wilson")
        np.testing.assert_allclose(segment[:, 1], interval, atol=1e-4)
    assert display.ax_.get_xlabel() == "Confidence"
    assert display.ax_.get_ylabel() == "Accuracy"


@pytest.mark.parametrize("strategy", ["quantile", "uniform"])
def test_one_class_is_the_curve_of_scikit_learn(pyplot, strategy):
    rng = np.random.RandomState(0)
    proba, y = rng.uniform(size=(200, 1)), rng.randint(2, size=200)
    display = from_predictions(
        y, np.hstack([1 - proba, proba]), pos_label=1, strategy=strategy, n_bins=7
    )
    expected = CalibrationDisplay.from_predictions(
        y, proba[:, 0], strategy=strategy, n_bins=7
    )
    np.testing.assert_allclose(display.prob_true, expected.prob_true)
    np.testing.assert_allclose(display.prob_pred, expected.prob_pred)
    assert display.n_per_bin.sum() == 200
    overall = np.average(display.prob_true, weights=display.n_per_bin)
    assert overall == pytest.approx(y.mean())
    assert display.ax_.get_ylabel() == "Share of class 1"
    assert isinstance(display, CalibrationDisplay)


def test_of_a_classifier(pyplot):
    X, y = load_iris(return_X_y=True)
    few = np.where(np.arange(150) % 5 == 0, y, -1)
    clf = LadderClassifier((8,), max_epochs=10, random_state=0).fit(X, few)
    display = ReliabilityDisplay.from_estimator(clf, X, few, n_bins=3)
    labeled = few != -1
    np.testing.assert_allclose(display.y_prob, clf.predict_proba(X)[labeled].max(1))
    accuracy = np.average(display.prob_true, weights=display.n_per_bin)
    assert accuracy == pytest.approx(clf.score(X, few))
    label = f"LadderClassifier (ECE {display.calibration_error:.2f})"
    assert display.line_.get_label() == label
    # another classifier in the same axes
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    other = ReliabilityDisplay.from_estimator(
        pipeline, X, y, ax=display.ax_, name="plain"
    )
    texts = [text.get_text() for text in other.ax_.get_legend().get_texts()]
    assert len(texts) == 3  # one diagonal
    assert texts[2].startswith("plain (ECE ")
    pos = ReliabilityDisplay.from_estimator(clf, X, y, pos_label=2, ref_line=False)
    np.testing.assert_allclose(pos.y_prob, clf.predict_proba(X)[:, 2])
    assert len(pos.ax_.lines) == 1


def test_errors(pyplot):
    proba = np.full((4, 2), 0.5)
    with pytest.raises(ValueError, match=r"shape \(n_samples, 3\).*got \(4, 2\)"):
        from_predictions([0, 1, 2, 0], proba)
    with pytest.raises(ValueError, match="all unlabeled"):
        from_predictions([-1] * 4, proba, classes=[0, 1])
    with pytest.raises(ValueError, match="y must have labels of"):
        from_predictions([0, 1, 2, 0], proba, classes=[0, 1])
    with pytest.raises(ValueError, match=r"pos_label must be a class of .* got 'x'"):
        from_predictions([0, 1, 1, 0], proba, pos_label="x")
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        from_predictions([0, 1], proba)
    with pytest.raises(NotFittedError):
        ReliabilityDisplay.from_estimator(LogisticRegression(), [[0]], [0])


@pytest.mark.parametrize("wrong", [np.nan, 1.1, -0.5])
def test_what_is_no_probability(wrong):
    y, proba = [0, 1, -1], np.eye(2)[[0, 1, 0]]
    proba[2] = wrong  # of an unlabeled sample
    from_predictions(y, proba)
    proba[1, 1] = wrong
    with pytest.raises(ValueError, match=f"between 0 and 1; got {wrong:g}"):
        from_predictions(y, proba)


def test_where_label_spreading_says_nothing():
    X = np.array([[0.0], [0.1], [1.0], [1.1], [500.0]])
    clf = LabelSpreading(gamma=20).fit(X[:4], [0, -1, 1, -1])
    display = ReliabilityDisplay.from_estimator(clf, X, [0, 0, 1, 1, 0], n_bins=2)
    np.testing.assert_allclose(display.y_prob[-1], 0.5)


def test_classes_in_another_order_than_sorted(pyplot):
    """Columns belong to the classes as they are given."""
    y, proba = ["b", "a"] * 10, np.tile([[0.9, 0.1], [0.2, 0.8]], (10, 1))
    own, expected = (
        from_predictions(y, proba[:, order], classes=classes, pos_label="b", n_bins=2)
        for order, classes in (([0, 1], ["b", "a"]), ([1, 0], ["a", "b"]))
    )
    np.testing.assert_array_equal(own.y_prob, expected.y_prob)
    np.testing.assert_array_equal(own.prob_true, [0, 1])
    np.testing.assert_array_equal(expected.prob_true, [0, 1])


@pytest.mark.parametrize("classes", [[-1, 0, 1], [0, 1, 1]])
def test_columns_that_are_no_classes(classes):
    with pytest.raises(ValueError, match="classes must be distinct, and -1 marks"):
        from_predictions([0, 1], np.eye(3)[:2], classes=classes)


def test_a_time_as_the_class(pyplot):
    days = np.array(["2020-01-01", "2021-01-01"], dtype="M8[ns]")
    display = from_predictions(days[[0, 1]], np.eye(2), pos_label=days[1])
    np.testing.assert_array_equal(display.y_prob, [0, 1])
