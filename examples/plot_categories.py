"""
==========================================
A table with categories and missing values
==========================================

A frame can be fitted as it is. Inside, columns of strings and categories become columns
of zeros and ones, and missing entries are imputed from the other columns. Everything is
learned from all training samples, labeled or not.

Takes a few seconds.
"""

import numpy as np
import pandas as pd
from sklearn.datasets import load_wine
from sklearn.model_selection import cross_validate

from sklearn_ladder import LadderClassifier
from sklearn_ladder.displays import TableReconstructionDisplay
from sklearn_ladder.model_selection import LabeledStratifiedKFold

# %%
# Wines of three growers: four measurements, and two that became categories. A tenth of
# the entries is missing, and four of five labels.

X, y = load_wine(return_X_y=True, as_frame=True)
table = X[["alcohol", "flavanoids", "total_phenols", "proline"]].assign(
    color=pd.cut(X["color_intensity"], 3, labels=["pale", "medium", "deep"]),
    hue=np.where(X["hue"] > 0.85, "purple", "brick"),
)
rng = np.random.RandomState(0)
table = table.mask(rng.uniform(size=table.shape) < 0.1)
answer = y.map({0: "Anna", 1: "Bruno", 2: "Carla"})
answer = answer.where(rng.uniform(size=len(y)) < 0.2)
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

# %%
# The decoder fills in what is missing, categories included.

clf.fit(table, answer)
gaps = table["color"].isna()
print()
print(table[gaps].head(3).round(2).to_string())
print(clf.denoise(table[gaps]).head(3).round(2).to_string())

# %%
# How good is that? A fifth of the entries is hidden, and compared with what the decoder
# makes of the others. An R² of 0 is that of the mean, and the most frequent color and
# hue have the shares below.

display = TableReconstructionDisplay.from_estimator(clf, table, random_state=0)
for name in ("color", "hue"):
    print(f"most frequent {name}: {table[name].value_counts(normalize=True).max():.2f}")
