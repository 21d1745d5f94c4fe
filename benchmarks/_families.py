"""What is compared on: tables, texts and images, and how their labels are drawn."""

import ast
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import train_test_split

from benchmarks import _data
from benchmarks._methods import CHEAP, DEAR
from benchmarks._preprocessing import split
from sklearn_ladder.model_selection import hide_labels

# Packages that the benchmark needs anyway. Their docstrings are the texts.
PACKAGES = ["matplotlib", "numpy", "pandas", "scipy", "sklearn"]
TEXTS_PER_PACKAGE, LEAST_CHARACTERS, MOST_TERMS = 800, 200, 5000


@dataclass(frozen=True)
class Family:
    """Data sets of one kind.

    `load` gives the rows of a data set in a split: training rows, test rows and their
    classes, as numbers 0, 1, ….
    """

    names: callable  # of data_dir
    load: callable  # of name, data_dir, seed
    settings: tuple  # names of `DRAWS`
    cheap: tuple
    dear: tuple = ()
    most_draws: int = 10
    n_splits: int = 10


def _per_class(n):
    return lambda y, seed: hide_labels(y, per_class=n, random_state=seed)


DRAWS = {
    "5 per class": _per_class(5),
    "10 per class": _per_class(10),
    "25 per class": _per_class(25),
    # as many labels as 10 per class; a rare class may be left without a label
    "10 on average": lambda y, seed: _data.keep_labels_anywhere(y, 10, seed),
    # at least one of each class
    "30 at random": lambda y, seed: hide_labels(y, n=30, random_state=seed),
}


def load_open(name, data_dir, seed):
    """Of an open table, numbers from `split`."""
    return split(*_data.load_table(name, data_dir), seed)


def load_everyday(name, data_dir, seed):
    """Of an everyday table, numbers from `split`."""
    X, y = _data.everyday_table(name)
    types = {
        column: "categorical" if kind == "category" else "continuous"
        for column, kind in X.dtypes.items()
    }
    return split(X, y, types, seed)


def load_text(name, data_dir, seed):
    """TF-IDF of docstrings; the class is the package. Terms are those of training."""
    texts, y = docstrings()
    texts_train, texts_test, y_train, y_test = train_test_split(
        texts, y, test_size=0.2, stratify=y, random_state=seed
    )
    terms = TfidfVectorizer(max_features=MOST_TERMS, stop_words="english")
    X_train = terms.fit_transform(texts_train)
    return X_train, terms.transform(texts_test), y_train, y_test


@lru_cache
def docstrings():
    """Docstrings of functions and classes, and the package of each.

    Returns
    -------
    texts : list of str
        Without examples, and without the names of the packages.
    y : ndarray of shape (n_texts,)
    """
    texts, y = [], []
    for code, package in enumerate(PACKAGES):
        root = Path(find_spec(package).origin).parent
        found = sorted({text for path in root.rglob("*.py") for text in _texts(path)})
        rows = np.random.RandomState(0).permutation(len(found))[:TEXTS_PER_PACKAGE]
        texts += [found[row] for row in rows]
        y += [code] * len(rows)
    return texts, np.array(y)


def _texts(path):
    if {"tests", "testing", "_vendor"} & set(path.parts):
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            text = _without_names(ast.get_docstring(node) or "")
            if len(text) >= LEAST_CHARACTERS:
                yield text


def _without_names(docstring):
    """The prose: lines of examples name the package, and so do links."""
    text = "\n".join(
        line for line in docstring.lower().splitlines() if not line.strip()[:3] == ">>>"
    )
    for name in [*PACKAGES, "scikit-learn", "np.", "pd.", "plt.", "mpl"]:
        text = text.replace(name, " ")
    return text


def load_images(name, data_dir, seed):
    """Digits of 8 × 8 pixels, from 0 to 1."""
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        X / 16, y, test_size=0.25, stratify=y, random_state=seed
    )
    return X_train, X_test, y_train, y_test


# These take no sparse matrix, or take minutes for one
_NOT_FOR_TEXT = {"linear discriminant", "boosting"}
_EVERYDAY = {
    "load": load_everyday,
    "settings": ("30 at random", "10 per class"),
    "cheap": tuple(CHEAP),
    "dear": tuple(DEAR),
}
FAMILIES = {
    "open": Family(
        names=_data.table_names,
        load=load_open,
        settings=("5 per class", "10 per class", "25 per class", "10 on average"),
        cheap=tuple(CHEAP),
        dear=tuple(DEAR),
        # other rows are those on which defaults are chosen: `benchmarks.ablation`
        n_splits=3,
    ),
    "everyday": Family(names=lambda data_dir: _data.EVERYDAY_TEST, **_EVERYDAY),
    "text": Family(
        names=lambda data_dir: ["docstrings"],
        load=load_text,
        settings=("10 per class",),
        cheap=tuple(name for name in CHEAP if name not in _NOT_FOR_TEXT),
        most_draws=3,
    ),
    "images": Family(
        names=lambda data_dir: ["digits"],
        load=load_images,
        settings=("5 per class",),
        cheap=(*CHEAP, "ladder, convolutional"),
        most_draws=5,
    ),
    "everyday-development": Family(
        names=lambda data_dir: _data.EVERYDAY_DEVELOPMENT, **_EVERYDAY
    ),
}
