"""Pictures of a fitted classifier."""

import sys
import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback

from sklearn_ladder import LadderClassifier
from sklearn_ladder.architectures import Conv, Dense, MeanPool
from sklearn_ladder.displays import ReconstructionDisplay, TrainingHistoryDisplay
from sklearn_ladder.robustness import RobustnessCurveDisplay


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


# ---------------------------------------------------------------------- learning curve


def test_learning_curve_is_the_history(clf, pyplot):
    display = TrainingHistoryDisplay.from_estimator(clf, linewidth=3)
    assert {"train_loss", "supervised_cost", "denoising_0_cost"} <= set(display.lines_)
    assert not {"dur", "lr", "epoch"} & set(display.lines_)
    for name, line in display.lines_.items():
        expected = np.c_[[1, 2, 3, 4], clf.history_[name]]
        np.testing.assert_allclose(line.get_xydata(), expected)
        assert line.get_linewidth() == 3
    assert display.ax_.get_xlabel() == "Epoch"
    assert display.ax_.get_yscale() == "log"
    assert len(display.ax_.get_legend().get_texts()) == len(display.lines_)
    assert display.figure_ is display.ax_.figure


def test_learning_curve_of_some_costs(clf, pyplot):
    _, ax = pyplot.subplots()
    display = TrainingHistoryDisplay.from_estimator(clf, names=["train_loss"], ax=ax)
    assert list(display.lines_) == ["train_loss"]
    assert display.plot().ax_ is not ax
    assert len(ax.lines) == 1
    with pytest.raises(ValueError, match=r"names must be among .*; got \['dur'\]"):
        TrainingHistoryDisplay.from_estimator(clf, names=["train_loss", "dur"])


def test_learning_curve_leaves_scores_out(images, pyplot):
    class Score(Callback):
        def on_epoch_end(self, net, **kwargs):
            net.history.record("neg_log_loss", -1.0)

    clf = LadderClassifier((8,), max_epochs=1, callbacks=[Score()]).fit(*images)
    assert "neg_log_loss" in clf.history_
    display = TrainingHistoryDisplay.from_estimator(clf)
    assert "neg_log_loss" not in display.lines_
    # a single epoch is a point
    assert {line.get_marker() for line in display.lines_.values()} == {"o"}


# ---------------------------------------------------------------------- reconstruction


def test_reconstruction_of_noisy_images(clf, images, pyplot):
    X = images[0][:3]
    display = ReconstructionDisplay.from_estimator(
        clf, X, noise_std=0.5, random_state=0, cmap="viridis"
    )
    corrupted = X + np.random.RandomState(0).normal(scale=0.5, size=X.shape)
    rows = {"image": X, "with noise": corrupted, "denoised": clf.denoise(corrupted)}
    assert display.axes_.shape == (3, 3)
    for axes, (title, expected) in zip(display.axes_, rows.items(), strict=True):
        assert axes[0].get_ylabel() == title
        for ax, image in zip(axes, expected.reshape(3, 4, 4), strict=True):
            (shown,) = ax.get_images()
            np.testing.assert_allclose(shown.get_array(), image)
            assert shown.get_cmap().name == "viridis"
            assert shown.get_clim() == (X.min(), X.max())


@pytest.mark.parametrize("feature_scaling", ["scaled", None])
def test_size_of_the_noise(images, pyplot, feature_scaling):
    X, y = images
    clf = LadderClassifier(
        (8,), max_epochs=1, noise_std=[0.2, 0, 0], feature_scaling=feature_scaling
    ).fit(X, y)
    X = X[25:35]  # of both classes
    display = ReconstructionDisplay.from_estimator(clf, X, random_state=0)
    noise = display.corrupted - display.original
    expected = 0.2 * X.std() if feature_scaling else 0.2
    assert noise.std() == pytest.approx(expected, rel=0.15)


def test_missing_pixels_are_denoised(clf, images, pyplot):
    X = images[0][:2].copy()
    X[0, 3] = np.nan
    display = ReconstructionDisplay.from_estimator(clf, X)
    assert np.isnan(display.corrupted).sum() == 1
    assert np.isfinite(display.denoised).all()
    (shown,) = display.axes_[2, 0].get_images()
    assert shown.get_clim() == (np.nanmin(X), np.nanmax(X))
    nullable = pd.DataFrame(X).convert_dtypes()
    display = ReconstructionDisplay.from_estimator(clf, nullable)
    assert np.isnan(display.original).sum() == 1


def test_kinds_of_rows(clf, images, pyplot):
    X = images[0][:2].round()
    from_estimator = partial(
        ReconstructionDisplay.from_estimator, clf, noise_std=0.1, random_state=0
    )
    expected = from_estimator(X).denoised
    for rows in X.tolist(), csr_matrix(X):
        np.testing.assert_array_equal(from_estimator(rows).denoised, expected)


def test_images_that_are_blank(clf, pyplot):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        display = ReconstructionDisplay.from_estimator(clf, np.ones((1, 16)))
        display.plot(norm=pyplot.Normalize(1, 2))
    (shown,) = display.axes_[0, 0].get_images()
    assert shown.get_clim() == (1, 2)


def test_images_of_a_frame_in_three_channels(images, pyplot):
    pixels = np.random.RandomState(0).uniform(size=(60, 3, 2, 4)).astype(np.float32)
    frame = pd.DataFrame(pixels.reshape(60, -1)).add_prefix("pixel")
    clf = LadderClassifier((8,), max_epochs=1).fit(frame, images[1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of features without names
        display = ReconstructionDisplay.from_estimator(
            clf, frame[:2], image_shape=(3, 2, 4), vmin=0, vmax=2
        )
    np.testing.assert_array_equal(display.original, pixels[:2].transpose(0, 2, 3, 1))
    (shown,) = display.axes_[0, 1].get_images()
    np.testing.assert_allclose(shown.get_array(), display.original[1] / 2)
    display.plot(norm=pyplot.Normalize(0, 1))  # of grey alone
    (shown,) = display.axes_[1, 1].get_images()
    assert 0 <= shown.get_array().min() <= shown.get_array().max() <= 1


def test_images_of_a_convolutional_network(images, pyplot):
    X = images[0].reshape(60, 1, 2, 8)
    layers = [Conv(2, 3, "same"), MeanPool(), Dense()]
    clf = LadderClassifier(architecture=layers, max_epochs=1).fit(X, images[1])
    for rows in X[:2], images[0][:2]:
        display = ReconstructionDisplay.from_estimator(clf, rows)
        assert display.denoised.shape == (2, 2, 8)
    with pytest.raises(ValueError, match=r"that of the images in X, \(1, 2, 8\)"):
        ReconstructionDisplay.from_estimator(clf, X[:2], image_shape=(1, 4, 4))


def test_plot_into_a_part_of_a_figure(clf, images, pyplot):
    left, right = pyplot.figure().subfigures(1, 2)
    display = ReconstructionDisplay.from_estimator(clf, images[0][:2], figure=right)
    assert display.figure_ is right
    assert len(right.axes) == 6
    assert not left.axes


@pytest.mark.parametrize("image_shape", [None, (2, 3, 4), (1, 4, 4), (1, -4, -6)])
def test_rows_that_are_no_images(image_shape, images, pyplot):
    X = np.tile(images[0], 2)[:, :24]
    clf = LadderClassifier((8,), max_epochs=1).fit(X, images[1])
    with pytest.raises(ValueError, match=r"image_shape must be "):
        ReconstructionDisplay.from_estimator(clf, X[:2], image_shape=image_shape)


def test_network_without_decoder(images, pyplot):
    clf = LadderClassifier((8,), max_epochs=1, variant="gamma").fit(*images)
    with pytest.raises(AttributeError, match="has no attribute 'denoise'"):
        ReconstructionDisplay.from_estimator(clf, images[0][:2])


# ------------------------------------------------------------------------------- errors

X_OF_ZEROS = np.zeros((2, 16))
DISPLAYS = [
    TrainingHistoryDisplay.from_estimator,
    lambda clf: ReconstructionDisplay.from_estimator(clf, X_OF_ZEROS),
    lambda clf: RobustnessCurveDisplay.from_estimator(clf, X_OF_ZEROS, [0, 1]),
]


@pytest.mark.parametrize("from_estimator", DISPLAYS)
def test_what_is_no_fitted_classifier(from_estimator, pyplot):
    with pytest.raises(NotFittedError):
        from_estimator(LadderClassifier())
    with pytest.raises(TypeError, match="for a LadderClassifier; got Pipeline"):
        from_estimator(make_pipeline(LadderClassifier()))


@pytest.mark.parametrize("from_estimator", DISPLAYS)
def test_without_matplotlib(from_estimator, monkeypatch):
    """Said at once: what is no estimator is not even looked at."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"extra sklearn-ladder\[plots\]"):
        from_estimator(None)
