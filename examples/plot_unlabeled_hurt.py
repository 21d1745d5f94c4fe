"""
===========================
When unlabeled samples hurt
===========================

Unlabeled samples help if they say something about the classes. Here they mislead: the
samples form a left and a right cluster, but the classes are above and below.

A cost at the class layer asks for predictions that noise does not change. Its cheapest
solution is a border through the empty gap, which is wrong here. By default this cost is
0 for up to four classes, because classes of tables are seldom clusters.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.inspection import DecisionBoundaryDisplay

from sklearn_ladder import LadderClassifier
from sklearn_ladder.model_selection import hide_labels

rng = np.random.RandomState(0)
is_right = rng.randint(2, size=600)
X = np.c_[
    rng.normal(scale=0.5, size=600) + np.where(is_right, 2, -2), rng.normal(size=600)
]
y = (X[:, 1] > 0).astype(int)
y_few = hide_labels(y, per_class=5, random_state=rng)
labeled = y_few != -1

# %%
# The baseline is ``variant="supervised"``: the same network without unlabeled costs.
# Always compare with it before you trust unlabeled samples.

settings = {
    "feature_scaling": "scaled",
    "n_estimators": 1,
    "max_epochs": 60,
    "random_state": 0,
}
models = {
    "labels only": LadderClassifier((64, 32), variant="supervised", **settings),
    "default costs": LadderClassifier((64, 32), **settings),
    "class layer's cost 10": LadderClassifier(
        (64, 32), variant="gamma", denoising_cost=10.0, **settings
    ),
}
figure, axes = plt.subplots(1, 3, figsize=(9, 3.2), layout="constrained", sharey=True)
accuracy = {}
for ax, (name, clf) in zip(axes, models.items(), strict=True):
    accuracy[name] = clf.fit(X, y_few).score(X, y)
    DecisionBoundaryDisplay.from_estimator(
        clf, X, response_method="predict", alpha=0.25, cmap="coolwarm", ax=ax
    )
    ax.scatter(*X.T, s=4, color="0.6")
    ax.scatter(*X[labeled].T, c=y[labeled], s=50, cmap="coolwarm", edgecolor="black")
    ax.set_title(f"{name}: {accuracy[name]:.2f}", fontsize=10)
    ax.set(xticks=[], yticks=[])
    print(f"{name:22s} {accuracy[name]:.3f}")

# %%
# What to do when unlabeled samples hurt:
#
# - lower ``denoising_cost`` at the class layer, or set it to 0 there;
# - keep ``denoising_cost="auto"`` with fewer than ten classes: then two of five members
#   have no denoising cost at all, which limits the harm;
# - use ``variant="supervised"``.
