"""
======================
Text with a few labels
======================

Which module of SciPy is a docstring from? Ten docstrings of each module have a label.

:class:`~sklearn.feature_extraction.text.TfidfVectorizer` makes a sparse matrix. The
classifier takes it as it is: only a batch at a time becomes dense.
"""

import importlib
import inspect

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from sklearn_ladder import LadderClassifier
from sklearn_ladder.model_selection import hide_labels

MODULES = ["linalg", "ndimage", "optimize", "signal", "special", "stats"]


def docstrings(module):
    """Docstrings of a module's functions and classes, without their examples."""
    found = set()
    for value in vars(importlib.import_module(f"scipy.{module}")).values():
        is_own = str(getattr(value, "__module__", "")).startswith("scipy")
        text = inspect.getdoc(value) if is_own and callable(value) else None
        if text and len(text) > 200:
            found.add(text.partition("Examples\n---")[0])
    return sorted(found)[:200]


texts, y = [], []
for module in MODULES:
    found = docstrings(module)
    texts += found
    y += [module] * len(found)
y = np.array(y)
print(f"{len(texts)} docstrings")

# %%
# Ten labels of each module are kept. All other samples get -1 in their place.

y_few = hide_labels(y, per_class=10, random_state=0)
hidden = y_few == -1

# %%
# A thousand sparse columns are many for sixty labels. The classifier projects them to a
# hundred by a truncated SVD, which learns from all texts, labeled or not, as the ladder
# network does. Logistic regression learns from the labeled docstrings alone.

vectorizer = TfidfVectorizer(max_features=1000, sublinear_tf=True, stop_words="english")
X = vectorizer.fit_transform(texts)

models = {
    "logistic regression": LogisticRegression(C=10),
    "ladder, labels only": LadderClassifier(variant="supervised", random_state=0),
    "ladder": LadderClassifier(random_state=0),
}
accuracy = {}
for name, model in models.items():
    if name == "logistic regression":
        model.fit(X[~hidden], y[~hidden])
    else:
        model.fit(X, y_few)
    accuracy[name] = model.score(X[hidden], y[hidden])
    print(f"{name:20s} {accuracy[name]:.3f}")

figure, ax = plt.subplots(figsize=(6, 2), layout="constrained")
ax.barh(list(accuracy)[::-1], list(accuracy.values())[::-1], color=["C0", "0.7", "0.7"])
ax.set(xlim=(0.7, 1), xlabel="accuracy on the hidden labels")
