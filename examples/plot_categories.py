"""
==========================================
A table with categories and missing values
==========================================

A frame can be fitted as it is. Inside, columns of strings and categories become columns
of zeros and ones, and missing entries are imputed from the other columns. Everything is
learned from all training samples, labeled or not.

Takes a few seconds.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import make_classification
from sklearn.model_selection import cross_validate

from sklearn_ladder import LadderClassifier
from sklearn_ladder.model_selection import LabeledStratifiedKFold

# %%
# A made-up table: six numbers, two of which became categories. A tenth of the entries
# is missing, and nine of ten labels.

X, y = make_classification(
    600, 6, n_informative=5, n_redundant=0, class_sep=1.5, random_state=0
)
rng = np.random.RandomState(0)
table = pd.DataFrame(X, columns=["age", "height", "weight", "pulse", "size", "colour"])
table["size"] = pd.cut(
    X[:, 4], [-np.inf, -1, 1, np.inf], labels=["small", "medium", "large"]
)
table["colour"] = np.where(X[:, 5] > 0, "red", "blue")
table = table.mask(rng.uniform(size=table.shape) < 0.1)
answer = pd.Series(np.where(y == 1, "yes", "no"))
answer = answer.where(rng.uniform(size=len(y)) < 0.1)
print(table.head().round(2).to_string())

# %%
# No scaler, encoder or imputer is needed.

clf = LadderClassifier((32,), max_epochs=15, random_state=0)
scores = cross_validate(
    clf,
    table,
    answer,
    cv=LabeledStratifiedKFold(5),
    scoring=["accuracy", "balanced_accuracy"],
)
print(f"\n{answer.notna().sum()} labels for {len(table)} samples")
for name in ("accuracy", "balanced_accuracy"):
    values = scores[f"test_{name}"]
    print(f"{name}: {values.mean():.2f} ± {values.std():.2f} over {len(values)} folds")

figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
ax.plot(1 + np.arange(5), scores["test_accuracy"], "o", label="accuracy")
ax.plot(1 + np.arange(5), scores["test_balanced_accuracy"], "x", label="balanced")
ax.set(xlabel="Fold", ylabel="Score", ylim=(0, 1.05), xticks=range(1, 6))
ax.legend(loc="lower right")

# %%
# The decoder fills in what is missing, categories included.

clf.fit(table, answer)
gaps = table["size"].isna()
print()
print(table[gaps].head(3).round(2).to_string())
print(clf.denoise(table[gaps]).head(3).round(2).to_string())
