"""The autoencoder: the ladder network without classes."""

import pickle

import numpy as np
import pandas as pd
import pytest
import skops.io
import torch
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_ladder import LadderAutoencoder
from sklearn_ladder._parameters import WITHOUT_CLASSES
from sklearn_ladder._plan import resolve_plan
from sklearn_ladder._random import spawn_seeds
from sklearn_ladder.architectures import Conv, Dense, MeanPool
from sklearn_ladder.data._training_data import encode_unlabeled_data
from sklearn_ladder.displays import (
    DenoisingFunctionDisplay,
    ReconstructionDisplay,
    TableReconstructionDisplay,
    TrainingHistoryDisplay,
)
from sklearn_ladder.ensemble import LabeledOnlyClassifier
from sklearn_ladder.network import Ladder
from sklearn_ladder.robustness import fast_gradient

N = 90
SMALL = {"hidden_layer_sizes": (8,), "max_epochs": 2, "random_state": 0}


@pytest.fixture(scope="module")
def X():
    return np.random.RandomState(0).normal(size=(N, 5)) @ np.diag([1, 2, 3, 4, 5.0])


@pytest.fixture(scope="module")
def fitted(X):
    return LadderAutoencoder(3, **SMALL).fit(X)


@parametrize_with_checks([LadderAutoencoder(3, hidden_layer_sizes=(8,), max_epochs=2)])
def test_estimator(estimator, check):
    check(estimator)


def test_code(X, fitted):
    code = fitted.transform(X)
    assert code.shape == (N, 3)
    assert code.dtype == np.float32
    # the batch statistics of layer L, over all samples
    np.testing.assert_allclose(code.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(code.std(axis=0), 1, atol=1e-5)
    names = fitted.get_feature_names_out()
    assert names.tolist() == [f"ladderautoencoder{n}" for n in range(3)]
    frame = clone(fitted).set_output(transform="pandas").fit_transform(X)
    assert list(frame) == list(names)
    np.testing.assert_array_equal(frame, code)  # the same seed, and y is not needed


def test_is_no_classifier(fitted):
    assert not is_classifier(fitted)
    assert not hasattr(fitted, "predict")
    assert not hasattr(fitted, "classes_")
    assert not any("supervised" in name for name in fitted.history_)
    assert fitted.plan_.n_classes == 0


def test_labels_do_not_matter(X, fitted):
    y = np.random.RandomState(1).randint(-1, 2, N)
    code = clone(fitted).fit_transform(X, y)
    np.testing.assert_array_equal(code, fitted.transform(X))


def test_decoder_begins_with_the_code():
    """Signal u of the top layer: the normalized code, as in Algorithm 1."""
    module = Ladder([5, 4, 3], [0, 1, 2], [0.3] * 3, has_classes=False)
    x = torch.randn(20, 5, generator=torch.Generator().manual_seed(0))
    noise = module.draw_noise(20, torch.Generator().manual_seed(1))
    passed = module.training_pass(x[:0], x, noise)
    u, h = passed.decoded.u[2], passed.corrupted.z[2]
    expected = (h - h.mean(dim=0)) / h.std(dim=0, correction=0)
    torch.testing.assert_close(u, expected)
    top = module.encoder.layers[-1]
    assert top.beta is None  # batch normalization would cancel it
    assert top.gamma is None


def plan_of(X, **parameters):
    """The plan of a fit, without training."""
    model = LadderAutoencoder(3, **parameters)
    parameters, seeds = WITHOUT_CLASSES | model.get_params(), spawn_seeds(0)
    return resolve_plan(parameters, encode_unlabeled_data(model, X), None, seeds)


def test_automatic_settings(X):
    auto = plan_of(X)
    assert auto.max_epochs == auto.n_updates == 1000
    assert auto.denoising_cost == (1, 0.01, 1e-4, 1e-4)
    assert auto.noise_std == (0.5, 0.3, 0.3, 0.3)
    assert auto.feature_scaling == "scaled"
    assert auto.hidden_layer_sizes == (256, 128)
    explicit = plan_of(
        X,
        max_epochs=1000,
        denoising_cost=[1, 0.01, 1e-4, 1e-4],
        noise_std=[0.5, 0.3, 0.3, 0.3],
        feature_scaling="scaled",
    )
    assert repr(explicit) == repr(auto)
    assert plan_of(np.tile(X, (12, 1))).max_epochs == 91  # whole passes of 11 batches
    assert plan_of(X, hidden_layer_sizes=()).denoising_cost == (1, 0.01)


def test_denoises():
    """One factor behind all features: a feature's noise is seen from the others."""
    rng = np.random.RandomState(0)
    factor = rng.normal(size=(400, 1))
    clean = factor @ np.array([[1.0, -2.0, 3.0, 1.0, 2.0, -1.0]]) + 10
    noisy = clean + 0.5 * rng.normal(size=clean.shape) * clean.std(axis=0)
    model = LadderAutoencoder(
        2, hidden_layer_sizes=(16,), max_epochs=60, random_state=0
    ).fit(clean)
    denoised = model.denoise(noisy)
    assert denoised.shape == clean.shape
    before, after = (np.square(z - clean).mean() for z in (noisy, denoised))
    assert after < 0.6 * before
    missing = np.where(rng.uniform(size=clean.shape) < 0.2, np.nan, clean)
    imputed = model.denoise(missing)[np.isnan(missing)]
    error = np.abs(imputed - clean[np.isnan(missing)]).mean()
    of_means = np.abs((clean.mean(axis=0) - clean)[np.isnan(missing)]).mean()
    assert error < 0.6 * of_means


def test_code_beats_pca_before_a_classifier():
    X, y = load_digits(return_X_y=True)
    labeled = np.concatenate([np.flatnonzero(y == c)[:5] for c in range(10)])
    y_few = np.full_like(y, -1)
    y_few[labeled] = y[labeled]
    accuracy = {}
    for name, transformer in {
        "ladder": LadderAutoencoder(
            hidden_layer_sizes=(128,), max_epochs=12, random_state=0
        ),
        "pca": make_pipeline(StandardScaler(), PCA(32, random_state=0)),
    }.items():
        classifier = LabeledOnlyClassifier(LogisticRegression(max_iter=1000))
        model = make_pipeline(transformer, classifier).fit(X, y_few)
        accuracy[name] = (model.predict(X) == y)[y_few == -1].mean()
    assert accuracy["ladder"] > accuracy["pca"] + 0.01


def test_samples_of_all_kinds(X):
    rng = np.random.RandomState(0)
    with_nan = X.copy()
    with_nan[rng.uniform(size=X.shape) < 0.1] = np.nan
    frame = pd.DataFrame(with_nan, columns=list("abcde"))
    frame["color"] = rng.choice(["red", "blue", "green", None], N)
    model = LadderAutoencoder(3, **SMALL)
    filled = model.fit(frame).denoise(frame)
    assert model.feature_names_in_.tolist() == list(frame)
    assert model.categories_[-1].tolist() == ["blue", "green", "red"]
    assert not filled.isna().any().any()
    assert filled["color"].isin(["blue", "green", "red"]).all()
    dense = np.where(rng.uniform(size=(N, 6)) < 0.3, 1.0, 0.0)
    code = model.fit_transform(sparse.csr_matrix(dense))
    np.testing.assert_allclose(model.fit_transform(dense), code, atol=1e-4)
    images = rng.uniform(size=(N, 1, 6, 6))
    model.set_params(architecture=[Conv(4, 3), MeanPool(), Dense()])
    assert model.fit_transform(images).shape == (N, 3)
    assert model.denoise(images).shape == images.shape
    with pytest.raises(ValueError, match="images of the shape seen in fit"):
        model.transform(images.reshape(N, 1, 4, 9))


def test_texts(X):
    """Sparse matrices with many features are projected, like the classifier's."""
    texts = sparse.random(N, 600, 0.02, format="csr", random_state=0)
    model = LadderAutoencoder(3, **SMALL).fit(texts)
    assert model.feature_scaling_ == "projected"
    assert model.transform(texts).shape == (N, 3)


def test_saving(X, fitted):
    code = fitted.transform(X)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.transform(X), code)
    np.testing.assert_array_equal(again.denoise(X), fitted.denoise(X))
    saved = skops.io.dumps(fitted)
    types = set(skops.io.get_untrusted_types(data=saved))
    assert all(name.startswith("sklearn_ladder.") for name in types)
    np.testing.assert_array_equal(
        skops.io.loads(saved, trusted=sorted(types)).transform(X), code
    )


def test_warm_start(X):
    model = LadderAutoencoder(3, **SMALL, warm_start=True).fit(X)
    first = model.history_["train_loss"][0]
    for _ in range(10):
        model.fit(X)
    assert model.history_["train_loss"][0] < first
    with pytest.raises(ValueError, match=r"same layers .*, n_components, "):
        model.set_params(n_components=4).fit(X)
    assert model.transform(X).shape == (N, 3)  # the fit before stays


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"denoising_cost": [0, 1, 1]}, "must be positive at the input"),
        ({"denoising_cost": [1, 1]}, "one entry per layer"),
        ({"denoising_cost": [[1, 1, 1]]}, "one entry per layer"),
        ({"n_components": 0}, "'n_components' parameter"),
        ({"n_components": True}, "must not be a boolean"),
        ({"architecture": [Dense(4)]}, r"each class or component \(3\)"),
    ],
)
def test_wrong_parameters(X, parameters, message):
    with pytest.raises(ValueError, match=message):
        LadderAutoencoder(**{"n_components": 3} | SMALL | parameters).fit(X)


def test_progress(X, capsys):
    LadderAutoencoder(3, **SMALL, verbose=1).fit(X)
    text = capsys.readouterr().err
    assert text.startswith("LadderAutoencoder: 2 of 2 updates")
    assert "supervised" not in text


def test_displays(X, fitted):
    plt = pytest.importorskip("matplotlib.pyplot")
    history = TrainingHistoryDisplay.from_estimator(fitted)
    assert {"denoising_0_cost", "train_loss"} <= set(history.lines_)
    functions = DenoisingFunctionDisplay.from_estimator(fitted, X, layer=2)
    assert len(functions.lines_) > 0
    images = ReconstructionDisplay.from_estimator(fitted, X[:5], image_shape=(1, 5, 1))
    assert np.isfinite(images.denoised).all()
    table = TableReconstructionDisplay.from_estimator(fitted, X, random_state=0)
    assert len(table.scores_) > 0
    plt.close("all")


def test_only_classifiers_are_attacked(X, fitted):
    with pytest.raises(TypeError, match="LadderClassifier; got LadderAutoencoder"):
        fast_gradient(fitted, X, eps=0.1)
