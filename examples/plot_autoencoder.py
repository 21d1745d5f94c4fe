"""
==============================
Features from unlabeled digits
==============================

:class:`~sklearn_ladder.LadderAutoencoder` is the ladder network without classes. It
learns from samples alone, once, and its code can then go into any estimator.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ladder import LadderAutoencoder
from sklearn_ladder.displays import ReconstructionDisplay
from sklearn_ladder.model_selection import hide_labels

X, y = load_digits(return_X_y=True)

autoencoder = LadderAutoencoder(
    32, hidden_layer_sizes=(128,), max_epochs=40, random_state=0
)
features = {
    "ladder code": autoencoder.fit_transform(X),
    "PCA": make_pipeline(StandardScaler(), PCA(32, random_state=0)).fit_transform(X),
    "standardized pixels": StandardScaler().fit_transform(X),
}

# %%
# Logistic regression of each, with few labels and with more. Points are means over ten
# draws of the labels. The fewer labels there are, the more the code helps.

numbers = [1, 2, 5, 10, 20]  # labels per class
accuracy = {}
for name, Z in features.items():
    accuracy[name] = np.zeros((len(numbers), 10))
    for row, per_class in enumerate(numbers):
        for seed in range(10):
            y_few = hide_labels(y, per_class=per_class, random_state=seed)
            labeled = y_few != -1
            clf = LogisticRegression(max_iter=1000).fit(Z[labeled], y[labeled])
            accuracy[name][row, seed] = clf.score(Z[~labeled], y[~labeled])

_, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for name, scores in accuracy.items():
    ax.plot(numbers, scores.mean(axis=1), "o-", label=name)
ax.set(
    xscale="log",
    xticks=numbers,
    xticklabels=numbers,
    xlabel="Labels per class",
    ylabel="Accuracy on the hidden labels",
)
ax.minorticks_off()
ax.legend(loc="lower right", frameon=False)

# %%
# The decoder removes noise, and fills in what is missing.

display = ReconstructionDisplay.from_estimator(
    autoencoder, X[:10], noise_std=3, random_state=0
)
