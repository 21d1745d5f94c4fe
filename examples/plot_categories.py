"""
==========================================
A table with categories and missing values
==========================================

A network wants numbers. A ColumnTransformer makes them: categories become columns of
zeros and ones, missing numbers the mean of their column with a column that says so.
Everything is learned from all training rows, labeled or not.

Takes a few seconds.
"""

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import make_classification
from sklearn.impute import SimpleImputer
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sklearn_ladder import LadderClassifier
from sklearn_ladder.model_selection import LabeledStratifiedKFold

# %%
# A made-up table: six numbers, two of which became categories. A tenth of the numbers
# is missing, and nine of ten labels.

X, y = make_classification(
    600, 6, n_informative=5, n_redundant=0, class_sep=1.5, random_state=0
)
rng = np.random.RandomState(0)
table = pd.DataFrame(X, columns=["age", "height", "weight", "pulse", "size", "colour"])
table = table.mask(rng.uniform(size=table.shape) < 0.1)
table["size"] = pd.cut(
    X[:, 4], [-np.inf, -1, 1, np.inf], labels=["small", "medium", "large"]
)
table["colour"] = np.where(X[:, 5] > 0, "red", "blue")
answer = pd.Series(np.where(y == 1, "yes", "no"))
answer = answer.where(rng.uniform(size=len(y)) < 0.1)
print(table.head().round(2).to_string())

# %%
# The network standardizes features itself, so that no scaler is needed.

numbers = make_column_selector(dtype_include="number")
categories = make_column_selector(dtype_exclude="number")
pipeline = make_pipeline(
    make_column_transformer(
        (SimpleImputer(add_indicator=True), numbers),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), categories),
    ),
    LadderClassifier((32,), max_epochs=15, random_state=0),
)
scores = cross_validate(
    pipeline,
    table,
    answer,
    cv=LabeledStratifiedKFold(5),
    scoring=["accuracy", "balanced_accuracy"],
)
print(f"\n{answer.notna().sum()} labels for {len(table)} rows")
for name in ("accuracy", "balanced_accuracy"):
    values = scores[f"test_{name}"]
    print(f"{name}: {values.mean():.2f} ± {values.std():.2f} over {len(values)} folds")
