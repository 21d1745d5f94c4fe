"""Networks of any layers, and images, through the estimator."""

import pickle
import re

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sklearn_ladder import LadderClassifier
from sklearn_ladder.architectures import (
    ARCHITECTURES,
    Conv,
    Dense,
    MaxPool,
    MeanPool,
    network_layers,
    warn_of_channels_last,
)
from sklearn_ladder.data._samples import Samples, flatten_images
from sklearn_ladder.model_selection import LabeledStratifiedKFold
from sklearn_ladder.network import Shape, layer_shapes

SMALL = [Conv(6, 3, "same"), MaxPool(2), Conv(8, 3), MeanPool(), Dense()]


def small(**parameters):
    defaults = dict(
        architecture=SMALL, image_shape=(1, 8, 8), max_epochs=2, random_state=0
    )
    return LadderClassifier(**(defaults | parameters))


def test_small_integers_of_numpy():
    """Their products would overflow."""
    assert type(Dense(np.int8(50)).width) is int
    assert type(MaxPool(np.uint8(2)).size) is int
    layer = Conv(np.int8(100), np.int8(3), stride=np.int8(2))
    assert {type(n) for n in (layer.channels, layer.kernel, layer.stride)} == {int}
    assert layer.out_shape(Shape(1, 28, 28)).n_units == 16900


@pytest.mark.parametrize(
    "layer, other",
    [
        (Conv(6, 3, "same"), Conv(6, 3, "valid")),
        (Conv(6, 3), Conv(6, 3, stride=2)),
        (MaxPool(2), MaxPool(4)),
    ],
)
def test_what_goes_on_keeps_layers_without_other_weights(images, layer, other):
    """The weights would fit, and mean something else."""
    X, _, y_few = images
    before, now = ([each, MeanPool(), Dense()] for each in (layer, other))
    clf = small(architecture=before, n_estimators=1, feature_scaling=None)
    clf.fit(X, y_few).set_params(architecture=now)
    with pytest.raises(ValueError, match=r"same layers .* layer 1: .* before, .* now"):
        clf.partial_fit(X, y_few)


@pytest.fixture(scope="module")
def images(digits):
    X, y, _ = digits
    return X[:300] / 16, y[:300], np.where(np.arange(300) < 100, y[:300], -1)


# ------------------------------------------------------------------ published networks


@pytest.mark.parametrize(
    "name, image_shape, sizes, widths",
    [
        (
            "conv-fc",
            (1, 28, 28),
            [28, 3, 3, 3, 3, 3, 3, 1],
            [1, 1000, 500, 250, 250, 250, 10, 10],
        ),
        (
            "conv-small",
            (1, 28, 28),
            [28, 32, 16, 14, 16, 8, 6, 6, 1, 1],
            [1, 32, 32, 64, 64, 64, 128, 10, 10, 10],
        ),
        (
            "conv-large",
            (3, 32, 32),
            [32, 30, 32, 34, 17, 15, 17, 15, 8, 6, 6, 6, 1],
            [3, 96, 96, 96, 96, 192, 192, 192, 192, 192, 192, 10, 10],
        ),
    ],
)
def test_published_networks(name, image_shape, sizes, widths):
    n_features = np.prod(image_shape)
    shapes = layer_shapes(*network_layers(name, None, n_features, image_shape, 10))
    assert [shape.height for shape in shapes] == sizes
    assert [shape.width for shape in shapes] == sizes
    assert [shape.channels for shape in shapes] == widths


def test_mlp_takes_images_as_features():
    shape, layers = network_layers("mlp", (5, 4), 64, (1, 8, 8), 10)
    assert shape == Shape(64)
    assert layers == [Dense(5), Dense(4), Dense(10)]


# ------------------------------------------------------------------------ the estimator


@pytest.mark.parametrize("variant", ["full", "gamma", "bottom", "supervised"])
def test_variants(images, variant):
    X, y, y_few = images
    clf = small(variant=variant, max_epochs=20).fit(X, y_few)
    assert clf.score(X, y) > 0.5
    decoder = clf.net_.module_.decoder
    layers = {"full": 6, "gamma": 1, "bottom": 6, "supervised": 0}[variant]
    assert (0 if decoder is None else len(decoder.layers)) == layers
    costs = [name for name in clf.history_ if name.startswith("denoising")]
    of_layers = {"full": range(6), "gamma": [5], "bottom": [0], "supervised": []}
    assert costs == [f"denoising_{layer}_cost" for layer in of_layers[variant]]


def test_costs_per_layer(images):
    X, _, y_few = images
    clf = small(denoising_cost=[0, 0, 3, 0, 0, 1]).fit(X, y_few)
    assert list(clf.net_.module_.decoder.layers) == ["5", "4", "3", "2"]
    with pytest.raises(ValueError, match=r"one entry per layer \(6, input first\)"):
        small(denoising_cost=[1, 2, 3]).fit(X, y_few)


def test_flat_rows_and_images_are_the_same(images):
    X, _, y_few = images
    flat = small().fit(X, y_few)
    maps = X.reshape(-1, 1, 8, 8)
    for image_shape in (None, (1, 8, 8)):
        by_maps = small(image_shape=image_shape).fit(maps, y_few)
        assert by_maps.n_features_in_ == 64
        np.testing.assert_array_equal(by_maps.predict_proba(X), flat.predict_proba(X))
    np.testing.assert_array_equal(flat.predict_proba(maps), flat.predict_proba(X))
    assert flat.score(maps, y_few) == flat.score(X, y_few)
    assert flat.transform(maps).shape == (300, 8)
    assert flat.denoise(maps).shape == maps.shape
    np.testing.assert_array_equal(flat.denoise(maps).reshape(300, 64), flat.denoise(X))


def test_a_prediction_does_not_depend_on_the_rows_beside_it(images):
    X, _, y_few = images
    clf = small(architecture="conv-small").fit(X, y_few)
    proba = clf.predict_proba(X)
    for n_rows in (1, 33, 100):
        np.testing.assert_array_equal(clf.predict_proba(X[:n_rows]), proba[:n_rows])


def test_mapped_images_are_not_copied(images, tmp_path):
    X, _, y_few = images
    np.save(tmp_path / "images.npy", X.reshape(-1, 1, 8, 8))
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    rows, image_shape = flatten_images(mapped)
    assert image_shape == (1, 8, 8)
    assert not Samples(rows).is_resident
    clf, by_map = small().fit(X, y_few), small().fit(mapped, y_few)
    np.testing.assert_array_equal(by_map.predict_proba(mapped), clf.predict_proba(X))


def test_reconstruction_has_its_pixels_in_place(images):
    X, _, y_few = images
    colours = np.concatenate([X, 1 - X], axis=1)
    clf = small(image_shape=(2, 8, 8), feature_scaling=None, max_epochs=30)
    reconstruction = clf.fit(colours, y_few).denoise(colours)
    assert np.mean((reconstruction - colours) ** 2) < 0.2 * colours.var()


def test_clone_and_pickle(images):
    X, _, y_few = images
    clf = small()
    assert clone(clf).get_params() == clf.get_params()
    clf.fit(X, y_few)
    again = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))


def test_pipeline_and_search(images):
    X, _, y_few = images
    search = GridSearchCV(
        make_pipeline(MinMaxScaler(), small(feature_scaling=None)),
        {"ladderclassifier__architecture": [SMALL, "conv-small", "mlp"]},
        cv=LabeledStratifiedKFold(2),
    ).fit(X, y_few)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    with_maps = GridSearchCV(
        small(image_shape=None),
        {"variant": ["gamma", "supervised"]},
        cv=LabeledStratifiedKFold(2),
    ).fit(X.reshape(-1, 1, 8, 8), y_few)
    assert np.isfinite(with_maps.cv_results_["mean_test_score"]).all()


def test_missing_pixels(images):
    X, _, y_few = images
    gaps = np.where(np.random.RandomState(0).uniform(size=X.shape) < 0.1, np.nan, X)
    clf = small().fit(gaps, y_few)
    assert np.isfinite(clf.predict_proba(gaps)).all()
    assert np.isfinite(clf.denoise(gaps)).all()


def test_partial_fit_and_warm_start(images):
    X, _, y_few = images
    clf = small().fit(X, y_few)
    clf.partial_fit(X.reshape(-1, 1, 8, 8), y_few)
    clf.set_params(warm_start=True).fit(X, y_few)
    clf.set_params(architecture=[MeanPool(), Dense()])
    with pytest.raises(ValueError, match="architecture"):
        clf.fit(X, y_few)


# -------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    "parameters, message",
    [
        (
            {"image_shape": (1, 28, 28)},
            "as many pixels as X has features (64); got (1, 28, 28), that is 784",
        ),
        ({"image_shape": (8, 8)}, "(channels, height, width), all positive"),
        ({"image_shape": (1, -8, -8)}, "(channels, height, width), all positive"),
        ({"image_shape": None}, "image_shape=(channels, height, width) must be given"),
        (
            {"architecture": "conv-fc"},
            "layer 1, Conv(channels=1000, kernel=26, padding='valid', stride=1): the "
            "map must be at least as large as the kernel (26); got 8 × 8",
        ),
        (
            {"architecture": [Conv(4, 2), MaxPool(2), Dense()]},
            "layer 2, MaxPool(size=2, keep_border=False): the map must divide into "
            "windows of 2 × 2, unless keep_border=True; got 7 × 7",
        ),
        (
            {"architecture": [Conv(4, 3)]},
            "one unit for each class or component (10), as Dense() has; got 4 maps of "
            "6 × 6 from layer 1, Conv(",
        ),
        ({"architecture": []}, "at least one layer"),
        ({"architecture": [Dense(5), 10]}, "got 10 as layer 2"),
        ({"architecture": "conv-medium"}, "'architecture' parameter"),
    ],
)
def test_bad_parameters(images, parameters, message):
    X, _, y_few = images
    with pytest.raises(ValueError, match=re.escape(message)):
        small(**parameters).fit(X, y_few)


def test_images_of_another_shape(images):
    X, _, y_few = images
    maps = X.reshape(-1, 1, 8, 8)
    with pytest.raises(ValueError, match=r"in X, \(1, 4, 16\); got \(1, 8, 8\)"):
        small().fit(X.reshape(-1, 1, 4, 16), y_few)
    clf = small().fit(maps, y_few)
    with pytest.raises(ValueError, match=r"seen in fit, \(1, 8, 8\); got \(4, 4, 4\)"):
        clf.predict(X.reshape(-1, 4, 4, 4))


@pytest.mark.parametrize("go_on", ["partial_fit", "fit"])
def test_going_on_with_images_of_another_shape(images, go_on):
    X, _, y_few = images
    maps = X.reshape(-1, 1, 8, 8)
    clf = small(image_shape=None, max_epochs=1, warm_start=True).fit(maps, y_few)
    with pytest.raises(ValueError, match=r"seen in fit, \(1, 8, 8\); got \(1, 4, 16\)"):
        getattr(clf, go_on)(X.reshape(-1, 1, 4, 16), y_few)
    getattr(clf, go_on)(X, y_few)  # flat rows are the same images
    assert clf.predict(maps).shape == (300,)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_named_architectures(name):
    assert type(ARCHITECTURES[name]) is tuple  # constant
    layers = network_layers(name, None, 3 * 32 * 32, (3, 32, 32), 10)
    assert layer_shapes(*layers)[-1] == Shape(10)


def test_channels_last_are_told(recwarn):
    ordinary = (1, 8, 8), (3, 8, 8), (8, 3, 3), (512, 7, 7), (8, 4, 3)
    for shape in (*ordinary, None):
        warn_of_channels_last(shape)
    assert not recwarn
    for shape in ((8, 8, 1), (8, 8, 3), (8, 12, 3)):
        with pytest.warns(UserWarning, match="taken for 8 channels of"):
            warn_of_channels_last(shape)
    X = np.random.RandomState(0).rand(20, 64)
    clf = LadderClassifier(architecture=[MeanPool(), Dense()], image_shape=(8, 8, 1))
    with pytest.warns(UserWarning, match="8 channels of 8 × 1"):
        clf.set_params(max_epochs=1).fit(X, np.arange(20) % 2)
