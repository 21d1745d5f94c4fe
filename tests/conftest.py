import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from benchmarks import _data, _results
from sklearn_ladder import recipes


@pytest.fixture(scope="session", autouse=True)
def single_thread():
    """Small networks are as fast on one thread, and results do not depend on it."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def digits():
    """Digits with five labels per class: X, true y, y with -1."""
    X, y = load_digits(return_X_y=True)
    rng = np.random.RandomState(0)
    y_few = np.full_like(y, -1)
    for label in range(10):
        rows = rng.choice(np.flatnonzero(y == label), 5, replace=False)
        y_few[rows] = label
    return X, y, y_few


@pytest.fixture(scope="session")
def blobs():
    """Two overlapping classes in 3 features, 10 labels of 60: X, true y, y with -1."""
    rng = np.random.RandomState(0)
    y = np.arange(60) % 2
    X = rng.normal(size=(60, 3)) + 3 * y[:, None]
    y_few = np.where(np.arange(60) < 10, y, -1)
    return X, y, y_few


@pytest.fixture
def small_mnist(monkeypatch, tmp_path):
    """A stand-in for MNIST, and a folder for the results."""
    rng = np.random.RandomState(0)
    y = np.arange(301) % 10  # one class has a row more
    X = (rng.uniform(size=(301, 784)) * (0.1 + y[:, None] / 10)).astype(np.float32)
    monkeypatch.setattr(_data, "load_mnist", lambda _: (X, y, X, y))
    monkeypatch.setattr(_data, "N_VALIDATION", 50)
    monkeypatch.setattr(_results, "FOLDER", tmp_path / "results")
    return tmp_path


@pytest.fixture
def small_recipes(monkeypatch):
    """The quick recipes with a small network and little training."""
    small = {"hidden_layer_sizes": (8,), "max_epochs": 1, "noise_std": 0.3}
    for n_labels in 50, 100:
        name = f"quick-mnist-{n_labels}-full"
        recipe = recipes.RECIPES[name]
        small["denoising_cost"] = recipe.parameters["denoising_cost"][:3]
        recipe = recipe._replace(parameters=recipe.parameters | small)
        monkeypatch.setitem(recipes.RECIPES, name, recipe)


@pytest.fixture
def pyplot():
    """Module matplotlib.pyplot; its figures are closed afterwards."""
    pyplot = pytest.importorskip("matplotlib.pyplot")
    yield pyplot
    pyplot.close("all")
