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

from sklearn_ladder import LadderAutoencoder, LadderClassifier
from sklearn_ladder.architectures import Conv, Dense, MeanPool
from sklearn_ladder.displays import (
    DenoisingFunctionDisplay,
    EmbeddingDisplay,
    ReconstructionDisplay,
    ReliabilityDisplay,
    TableReconstructionDisplay,
    TrainingHistoryDisplay,
)
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


def test_layers_have_names(images, pyplot):
    clf = LadderClassifier(
        (8, 6), max_epochs=2, denoising_cost=1.0, early_stopping=True
    ).fit(*images)
    display = TrainingHistoryDisplay.from_estimator(clf)
    expected = {
        "denoising_0_cost": "denoising, input",
        "denoising_1_cost": "denoising, hidden 1",
        "denoising_2_cost": "denoising, hidden 2",
        "denoising_3_cost": "denoising, class layer",
        "supervised_cost": "supervised",
        "valid_loss": "valid loss",
    }
    labels = {name: line.get_label() for name, line in display.lines_.items()}
    assert expected.items() <= labels.items()
    autoencoder = LadderAutoencoder(3, hidden_layer_sizes=(8,), max_epochs=2)
    display = TrainingHistoryDisplay.from_estimator(autoencoder.fit(images[0]))
    assert display.lines_["denoising_2_cost"].get_label() == "denoising, code"
    plain = TrainingHistoryDisplay(epoch=[1, 2], costs={"my_cost": [3, 4]}).plot()
    assert plain.lines_["my_cost"].get_label() == "my_cost"


@pytest.mark.parametrize("layout", ["constrained", None])
@pytest.mark.parametrize("size", [(9, 4), (3.6, 4.5)])
def test_legend_is_clear_of_the_curves(clf, pyplot, layout, size):
    figure, ax = pyplot.subplots(figsize=size, layout=layout)
    TrainingHistoryDisplay.from_estimator(clf, ax=ax)
    figure.canvas.draw()
    legend = ax.get_legend().get_window_extent()
    curves = [line.get_window_extent() for line in ax.lines]
    assert not any(legend.overlaps(curve) for curve in curves)
    assert legend.x1 <= figure.bbox.x1 and legend.y1 <= figure.bbox.y1
    if layout is None:
        assert legend.y0 > max(curve.y1 for curve in curves)
    elif size[0] > size[1]:
        assert legend.x0 > ax.bbox.x1
    else:
        assert legend.y0 >= ax.bbox.y1


def test_limits_and_legends(clf, pyplot):
    _, ax = pyplot.subplots()
    display = TrainingHistoryDisplay.from_estimator(clf, names="train_loss", ax=ax)
    top = ax.get_ylim()[1]
    display.plot(ax=ax, label="_")  # room for a legend does not add up
    assert ax.get_ylim()[1] == pytest.approx(top)
    # those that a user has set are kept
    _, ax = pyplot.subplots()
    ax.set_ylim(0.1, 7)
    TrainingHistoryDisplay.from_estimator(clf, ax=ax)
    assert ax.get_ylim() == (0.1, 7)


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


@pytest.mark.parametrize("noise_std", [None, 0.5])
def test_hidden_parts(clf, images, pyplot, noise_std):
    X, missing = images[0][:2], np.eye(4, dtype=bool)
    display = ReconstructionDisplay.from_estimator(
        clf, X, missing=missing, noise_std=noise_std, random_state=0
    )
    hidden = np.isnan(display.corrupted)
    np.testing.assert_array_equal(hidden, [missing, missing])
    is_same = display.corrupted[~hidden] == display.original[~hidden]
    assert is_same.all() if noise_std is None else not is_same.any()
    given = display.corrupted.reshape(2, 16)
    np.testing.assert_array_equal(display.denoised.reshape(2, 16), clf.denoise(given))
    label = display.axes_[1, 0].get_ylabel()
    assert label == "missing parts" + ("" if noise_std is None else "\nand noise")
    one = np.zeros((2, 4, 4), bool)
    one[1, 0, 2] = True
    display = ReconstructionDisplay.from_estimator(clf, X, missing=one)
    np.testing.assert_array_equal(np.isnan(display.corrupted), one)
    (shown,) = display.axes_[1, 1].get_images()
    assert shown.get_cmap().get_bad().tolist()[0] == 1  # orange
    for wrong in np.eye(3, dtype=bool), np.eye(4), np.zeros((3, 4, 4), bool):
        with pytest.raises(ValueError, match=r"missing must be an array of bool of"):
            ReconstructionDisplay.from_estimator(clf, X, missing=wrong)


def test_hidden_parts_of_color_images(images, pyplot):
    X = np.random.RandomState(0).uniform(size=(60, 3, 2, 4))
    clf = LadderClassifier((8,), max_epochs=1).fit(X, images[1])
    missing = np.array([[True, False, False, False], [False] * 4])
    display = ReconstructionDisplay.from_estimator(clf, X[:2], missing=missing)
    (shown,) = display.axes_[1, 1].get_images()
    orange = pyplot.matplotlib.colors.to_rgb("tab:orange")
    np.testing.assert_allclose(shown.get_array()[0, 0], orange)
    np.testing.assert_array_equal(np.isnan(display.corrupted[0]).all(axis=2), missing)
    low, high = display.original.min(), display.original.max()
    expected = (display.original[1, 1, 3] - low) / (high - low)
    np.testing.assert_allclose(shown.get_array()[1, 3], expected)


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


def test_not_all_images(clf, images, pyplot):
    with pytest.raises(ValueError, match="at most 100 images"):
        ReconstructionDisplay.from_estimator(clf, np.tile(images[0][:1], (101, 1)))


def test_network_without_decoder(images, pyplot):
    clf = LadderClassifier((8,), max_epochs=1, variant="gamma").fit(*images)
    with pytest.raises(AttributeError, match="has no attribute 'denoise'"):
        ReconstructionDisplay.from_estimator(clf, images[0][:2])


# ------------------------------------------------------------------------------- errors

X_OF_ZEROS = np.zeros((2, 16))
DISPLAYS = [
    TrainingHistoryDisplay.from_estimator,
    lambda clf: DenoisingFunctionDisplay.from_estimator(clf, X_OF_ZEROS),
    lambda clf: EmbeddingDisplay.from_estimator(clf, X_OF_ZEROS),
    lambda clf: TableReconstructionDisplay.from_estimator(clf, X_OF_ZEROS),
    lambda clf: ReconstructionDisplay.from_estimator(clf, X_OF_ZEROS),
    lambda clf: RobustnessCurveDisplay.from_estimator(clf, X_OF_ZEROS, [0, 1]),
]


@pytest.mark.parametrize("from_estimator", DISPLAYS)
def test_what_is_no_fitted_classifier(from_estimator, pyplot):
    with pytest.raises(NotFittedError):
        from_estimator(LadderClassifier())
    with pytest.raises(TypeError, match="for a LadderClassifier; got Pipeline"):
        from_estimator(make_pipeline(LadderClassifier()))


OTHER_DOORS = [
    lambda none: ReliabilityDisplay.from_estimator(none, X_OF_ZEROS, [0, 1]),
    lambda none: ReliabilityDisplay.from_predictions([0, 1], none),
    lambda none: EmbeddingDisplay.from_predictions(none, [0, 1]),
    lambda none: TrainingHistoryDisplay(epoch=none, costs=none).plot(),
]


@pytest.mark.parametrize("from_estimator", [*DISPLAYS, *OTHER_DOORS])
def test_without_matplotlib(from_estimator, monkeypatch):
    """Said at once: what is no estimator is not even looked at."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"extra sklearn-ladder\[plots\]"):
        from_estimator(None)


@pytest.mark.parametrize("noise_std", [-1, "a", np.inf])
def test_noise_that_is_none(clf, images, noise_std):
    with pytest.raises(ValueError, match="noise_std must be a number of at least 0"):
        ReconstructionDisplay.from_estimator(clf, images[0][:3], noise_std=noise_std)
