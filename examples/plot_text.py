"""
======================
Text with a few labels
======================

Which package is a docstring from? The corpus is the documentation of four packages that
scikit-learn and pandas need anyway. Ten docstrings of each package have a label.

:class:`~sklearn.feature_extraction.text.TfidfVectorizer` makes a sparse matrix, which
the classifier takes as it is: only a batch at a time becomes dense.
"""

import importlib
import inspect
import re

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_ladder import LadderClassifier

MODULES = {
    "numpy": ["numpy", "numpy.linalg", "numpy.ma", "numpy.random"],
    "pandas": ["pandas", "pandas.api.types", "pandas.tseries.offsets"],
    "scipy": ["scipy.stats", "scipy.signal", "scipy.optimize"],
    "sklearn": ["sklearn.metrics", "sklearn.datasets", "sklearn.linear_model"],
}


def docstrings(package):
    """Long docstrings of a package's functions and classes, without its name."""
    found = []
    for module in map(importlib.import_module, MODULES[package]):
        for value in vars(module).values():
            own = str(getattr(value, "__module__", "")).startswith(package)
            text = inspect.getdoc(value) if own and callable(value) else None
            if text and len(text) > 200:
                found.append(text.partition("Examples\n---")[0])
    # the names would give the answer away
    names = re.compile(r"\b(numpy|np|pandas|pd|scipy|sklearn|scikit)\b")
    return sorted({names.sub(" ", text) for text in found})[:200]


texts, y = [], []
for package in MODULES:
    found = docstrings(package)
    texts += found
    y += [package] * len(found)
y = np.array(y)
print({str(package): int((y == package).sum()) for package in MODULES})

# %%
# Labels are strings, so unlabeled samples have ``None``. (-1 works, too.)

rng = np.random.RandomState(0)
y_few = np.full(len(y), None, dtype=object)
for package in MODULES:
    kept = rng.choice(np.flatnonzero(y == package), 10, replace=False)
    y_few[kept] = package
hidden = np.array([label is None for label in y_few])

# %%
# The ladder network beside two models that learn from the labeled docstrings alone.

vectorizer = TfidfVectorizer(max_features=1000, sublinear_tf=True, stop_words="english")
X = vectorizer.fit_transform(texts)
settings = {"n_estimators": 1, "max_epochs": 40, "random_state": 0}
models = {
    "logistic regression": LogisticRegression(C=10),
    "ladder, labels only": LadderClassifier((64,), variant="supervised", **settings),
    "ladder": LadderClassifier((64,), **settings),
}
accuracy = {}
for name, model in models.items():
    if name == "logistic regression":
        model.fit(X[~hidden], y[~hidden])
    else:
        model.fit(X, y_few)
    accuracy[name] = model.score(X[hidden], y[hidden])
    print(f"{name:20s} {accuracy[name]:.3f}")

# %%
# A thousand sparse columns are many for forty labels. Fifty components of a truncated
# SVD are learned from all texts as well, and often serve better.

pipeline = make_pipeline(
    TruncatedSVD(50, random_state=0), LadderClassifier((64,), **settings)
).fit(X, y_few)
accuracy["SVD, ladder"] = pipeline.score(X[hidden], y[hidden])
print(f"{'SVD, ladder':20s} {accuracy['SVD, ladder']:.3f}")
