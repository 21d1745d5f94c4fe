"""
=================================
Digits with five labels per class
=================================

Of 1,347 training images only 50 have a label. The ladder network learns from all of
them; it stands beside label spreading, self-training, and the same network without its
decoder, which learns from the 50 alone. The picture shows the accuracies, and what the
ladder makes of images with added noise.

Run by ``make demo``.
"""

import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier

from sklearn_ladder import LadderClassifier
from sklearn_ladder.displays import ReconstructionDisplay
from sklearn_ladder.model_selection import hide_labels

N_SEEDS = 3
LABELS_PER_CLASS = 5
PICTURE = Path("digits.png")

METHODS = {
    "ladder network": lambda seed: LadderClassifier(random_state=seed),
    "same network, no decoder": lambda seed: LadderClassifier(
        variant="supervised", random_state=seed
    ),
    "label spreading": lambda seed: LabelSpreading(kernel="knn", n_neighbors=7),
    "self-training": lambda seed: SelfTrainingClassifier(
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    ),
    "logistic regression": lambda seed: make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=1000)
    ),
}

# %%
# Fit each method to the same samples and score it on the same test samples.

X, y = load_digits(return_X_y=True)
accuracy = {name: [] for name in METHODS}
seconds = {name: [] for name in METHODS}
for seed in range(N_SEEDS):
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.25, stratify=y, random_state=seed
    )
    y_few = hide_labels(y_train, per_class=LABELS_PER_CLASS, random_state=seed)
    for name, make in METHODS.items():
        labeled = y_few != -1
        rows = labeled if name == "logistic regression" else slice(None)
        start = time.perf_counter()
        clf = make(seed).fit(X_train[rows], y_few[rows])
        seconds[name].append(time.perf_counter() - start)
        accuracy[name].append(clf.score(X_test, y_test))
        if name == "ladder network":
            ladder, X_shown = clf, X_test[:10]

print(f"\n{N_SEEDS} seeds, {LABELS_PER_CLASS} labels per class")
print(f"{len(X_train)} training samples\n")
print(f"{'method':26s}{'accuracy':>10s}{'std':>8s}{'seconds a fit':>16s}")
for name in METHODS:
    std = np.std(accuracy[name], ddof=1)
    print(
        f"{name:26s}{np.mean(accuracy[name]):10.3f}{std:8.3f}"
        f"{np.mean(seconds[name]):16.1f}"
    )

# %%
# A picture: accuracies, and images denoised by the ladder's decoder.

figure = plt.figure(figsize=(10, 3.6), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=(1, 1.2))
ax = left.subplots()
names = list(METHODS)[::-1]
ax.barh(
    names,
    [np.mean(accuracy[name]) for name in names],
    xerr=[np.std(accuracy[name], ddof=1) for name in names],
    color=["C0" if name == "ladder network" else "0.7" for name in names],
)
ax.set(xlim=(0.7, 1), xlabel=f"test accuracy, {LABELS_PER_CLASS} labels per class")
ReconstructionDisplay.from_estimator(
    ladder, X_shown, noise_std=3, random_state=0, figure=right
)
figure.savefig(PICTURE, dpi=120)
print(f"\npicture: {PICTURE.resolve()}")
