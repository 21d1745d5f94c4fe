"""
================================
A data frame with missing labels
================================

Labels are strings, and most are missing. Nothing has to be encoded or filled in; what
comes back are the strings.

Takes a few seconds.
"""

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.datasets import load_wine

from sklearn_ladder import LadderClassifier
from sklearn_ladder.model_selection import labeled_train_test_split

wine = load_wine(as_frame=True)
table = wine.data.assign(grower=wine.target.map({0: "Ada", 1: "Ben", 2: "Cleo"}))

# every sixth bottle has a label
table["grower"] = table["grower"].where(table.index % 6 == 0)
print("labels given")
print(table["grower"].value_counts(dropna=False).to_string())

# %%
# The test set has labeled samples only. All others are for training.

X_train, X_test, y_train, y_test = labeled_train_test_split(
    table.drop(columns="grower"), table["grower"], test_size=0.3, random_state=0
)
print(f"\n{len(X_train)} samples to train, {y_train.notna().sum()} of them labeled")
print(f"{len(X_test)} samples to test, {y_test.notna().sum()} of them labeled")

# %%
# Predictions are strings, classes have no marker, and every training sample gets a
# label.

clf = LadderClassifier((32,), max_epochs=60, random_state=0).fit(X_train, y_train)
print(f"\nclasses: {clf.classes_.tolist()}")
print(f"accuracy on the test samples: {clf.score(X_test, y_test):.2f}")

filled = pd.Series(clf.transduction_, index=X_train.index, name="grower")
print("\nlabels of the training samples, given or predicted")
print(filled.value_counts().to_string())

figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
counts = pd.DataFrame({"given": y_train.value_counts(), "all": filled.value_counts()})
counts.plot.barh(ax=ax)
ax.set(xlabel="training samples", ylabel="")
