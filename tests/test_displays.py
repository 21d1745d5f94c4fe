"""Pictures of a fitted classifier."""

import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from sklearn_ladder import LadderClassifier
from sklearn_ladder.architectures import Conv, Dense, MeanPool
from sklearn_ladder.displays import LearningCurveDisplay, ReconstructionDisplay
from sklearn_ladder.robustness import RobustnessCurveDisplay

DISPLAYS = [
    LearningCurveDisplay.from_estimator,
    lambda clf: ReconstructionDisplay.from_estimator(clf, np.zeros((2, 16))),
]


@pytest.fixture(scope="module")
def images():
    """Images of 4 by 4 pixels, in two classes."""
    rng = np.random.RandomState(0)
    X = rng.uniform(size=(60, 16)) + np.repeat([[0], [1]], 30, axis=0)
    return X, np.repeat([0, 1], 30)


@pytest.fixture(scope="module")
def clf(images):
    return LadderClassifier((8,), max_epochs=4, random_state=0).fit(*images)


@pytest.fixture
def pyplot():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    yield pyplot
    pyplot.close("all")


# ----------------------------------------------------------------------- learning curve


def test_learning_curve_is_the_history(clf, pyplot):
    display = LearningCurveDisplay.from_estimator(clf, linewidth=3)
    assert {"train_loss", "supervised_cost", "denoising_0_cost"} <= set(display.lines_)
    assert not {"dur", "lr", "epoch"} & set(display.lines_)
    for name, line in display.lines_.items():
        expected = np.c_[[1, 2, 3, 4], clf.history_[name]]
        np.testing.assert_allclose(line.get_xydata(), expected)
        assert line.get_linewidth() == 3
    assert display.ax_.get_xlabel() == "Epoch"
    assert len(display.ax_.get_legend().get_texts()) == len(display.lines_)
    assert display.figure_ is display.ax_.figure


def test_learning_curve_of_some_costs(clf, pyplot):
    _, ax = pyplot.subplots()
    display = LearningCurveDisplay.from_estimator(clf, costs=["train_loss"], ax=ax)
    assert list(display.lines_) == ["train_loss"]
    assert display.ax_ is ax
    with pytest.raises(ValueError, match=r"costs must be among .*; got \['dur'\]"):
        LearningCurveDisplay.from_estimator(clf, costs=["train_loss", "dur"])


# ----------------------------------------------------------------------- reconstruction


def test_reconstruction_of_noisy_images(clf, images, pyplot):
    X = images[0][:3]
    display = ReconstructionDisplay.from_estimator(
        clf, X, noise_std=0.5, random_state=0, cmap="viridis"
    )
    corrupted = X + np.random.RandomState(0).normal(scale=0.5, size=X.shape)
    for shown, expected in [
        (display.original, X),
        (display.corrupted, corrupted),
        (display.denoised, clf.denoise(corrupted)),
    ]:
        np.testing.assert_allclose(shown, expected.reshape(3, 4, 4))
    assert display.axes_.shape == (3, 3)
    (shown,) = display.axes_[1, 2].get_images()
    np.testing.assert_allclose(shown.get_array(), display.corrupted[2])
    assert shown.get_cmap().name == "viridis"
    assert shown.get_clim() == (X.min(), X.max())
    titles = [axes_of_row[0].get_ylabel() for axes_of_row in display.axes_]
    assert titles == ["image", "with noise", "denoised"]


@pytest.mark.parametrize("standardize", [True, False])
def test_noise_is_that_of_the_classifier(images, pyplot, standardize):
    X, y = images
    clf = LadderClassifier(
        (8,), max_epochs=1, noise_std=[0.2, 0, 0], standardize=standardize
    ).fit(X, y)
    display = ReconstructionDisplay.from_estimator(clf, X, random_state=0)
    noise = display.corrupted - display.original
    expected = 0.2 * X.std() if standardize else 0.2
    assert noise.std() == pytest.approx(expected, rel=0.1)


def test_images_of_a_frame_in_three_channels(images, pyplot):
    pixels = np.random.RandomState(0).uniform(size=(60, 3, 2, 4)).astype(np.float32)
    frame = pd.DataFrame(pixels.reshape(60, -1)).add_prefix("pixel")
    clf = LadderClassifier((8,), max_epochs=1).fit(frame, images[1])
    display = ReconstructionDisplay.from_estimator(
        clf, frame[:2], image_shape=(3, 2, 4), random_state=0
    )
    np.testing.assert_array_equal(display.original, pixels[:2].transpose(0, 2, 3, 1))
    (shown,) = display.axes_[2, 1].get_images()
    assert shown.get_array().shape == (2, 4, 3)
    assert 0 <= shown.get_array().min() <= shown.get_array().max() <= 1


def test_images_of_a_convolutional_network(images, pyplot):
    X = images[0].reshape(60, 1, 4, 4)
    layers = [Conv(2, 3, "same"), MeanPool(), Dense()]
    clf = LadderClassifier(architecture=layers, max_epochs=1).fit(X, images[1])
    display = ReconstructionDisplay.from_estimator(clf, X[:2], random_state=0)
    assert display.denoised.shape == (2, 4, 4)


def test_plot_into_a_part_of_a_figure(clf, images, pyplot):
    left, right = pyplot.figure().subfigures(1, 2)
    display = ReconstructionDisplay.from_estimator(clf, images[0][:2], figure=right)
    assert display.figure_ is right
    assert len(right.axes) == 6
    assert not left.axes


@pytest.mark.parametrize("image_shape", [None, (2, 3, 4), (1, 4, 4)])
def test_rows_that_are_no_images(image_shape, images, pyplot):
    X = np.tile(images[0], 2)[:, :24]
    clf = LadderClassifier((8,), max_epochs=1).fit(X, images[1])
    with pytest.raises(ValueError, match=r"image_shape must be .* of 24 features"):
        ReconstructionDisplay.from_estimator(clf, X[:2], image_shape=image_shape)


# ------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("from_estimator", DISPLAYS)
def test_not_fitted(from_estimator, pyplot):
    with pytest.raises(NotFittedError):
        from_estimator(LadderClassifier())


@pytest.mark.parametrize(
    "from_estimator",
    [
        *DISPLAYS,
        lambda clf: RobustnessCurveDisplay.from_estimator(
            clf, np.zeros((2, 16)), [0, 1]
        ),
    ],
)
def test_without_matplotlib(from_estimator, clf, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install 'sklearn-ladder\[plots\]'"):
        from_estimator(clf)
