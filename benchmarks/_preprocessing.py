"""Tables as numbers, the same for every method."""

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def preprocessing(types):
    """Columns as numbers of mean 0 and variance 1: categories one-hot, others as is.

    Categories of less than 1 % of the rows are one. A missing category is a category.
    For a missing number stands the median, and a column says where.
    """
    categories = OneHotEncoder(
        handle_unknown="ignore", min_frequency=0.01, sparse_output=False
    )
    categorical = [name for name, kind in types.items() if kind == "categorical"]
    columns = make_column_transformer(
        (categories, categorical),
        remainder=SimpleImputer(strategy="median", add_indicator=True),
    )
    return make_pipeline(columns, StandardScaler())


def split(X, y, types, seed):
    """Training and test rows as every method gets them, classes as codes 0, 1, …."""
    _, codes = np.unique(y, return_inverse=True)
    X_train, X_test, y_train, y_test = train_test_split(
        X, codes, test_size=0.2, stratify=codes, random_state=seed
    )
    columns = preprocessing(types).fit(X_train)
    return columns.transform(X_train), columns.transform(X_test), y_train, y_test
