"""
==================================
Two moons with four labels a class
==================================

Two half circles are two classes. Four samples of each have a label. A network that sees
only these draws its border wherever it likes between them. The ladder network sees the
unlabeled samples, too, and can move the border toward the gap.

Which samples have a label matters much, so three draws of labels are shown. The same
network is trained in both rows; only its unlabeled cost differs. Not every draw gains.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons
from sklearn.inspection import DecisionBoundaryDisplay

from sklearn_ladder import LadderClassifier
from sklearn_ladder.model_selection import hide_labels

X, y = make_moons(600, noise=0.1, random_state=0)

# %%
# These classes are clusters, so the cost that pays is the one at the class layer: noise
# must not change the prediction of a sample. ``variant="gamma"`` has this cost alone.
# For fewer than five classes it is off by default, because classes of tables are seldom
# clusters: see :ref:`sphx_glr_gallery_plot_unlabeled_hurt.py`.

settings = {
    "hidden_layer_sizes": (64, 32),
    "feature_scaling": "scaled",
    "label_smoothing": 0,
    "n_estimators": 1,
    "max_epochs": 80,
    "random_state": 0,
}
variants = {
    "labels only": LadderClassifier(variant="supervised", **settings),
    "ladder": LadderClassifier(variant="gamma", denoising_cost=3.0, **settings),
}

figure, axes = plt.subplots(
    2, 3, figsize=(9, 5.4), layout="constrained", sharex=True, sharey=True
)
accuracy = {name: [] for name in variants}
for seed, column in enumerate(axes.T):
    y_few = hide_labels(y, per_class=4, random_state=seed)
    labeled = y_few != -1
    for ax, (name, clf) in zip(column, variants.items(), strict=True):
        clf.fit(X, y_few)
        accuracy[name].append(clf.score(X, y))
        DecisionBoundaryDisplay.from_estimator(
            clf, X, response_method="predict", alpha=0.25, cmap="coolwarm", ax=ax
        )
        ax.scatter(*X.T, s=4, color="0.6")
        ax.scatter(
            *X[labeled].T, c=y[labeled], s=50, cmap="coolwarm", edgecolor="black"
        )
        ax.set_title(f"{name}: accuracy {accuracy[name][-1]:.2f}", fontsize=10)
        ax.set(xticks=[], yticks=[])

for name, values in accuracy.items():
    print(f"{name:12s} mean accuracy {np.mean(values):.3f}")
