"""Categories of a frame as numbers, for methods that take numbers only."""

from sklearn.compose import make_column_transformer
from sklearn.preprocessing import OneHotEncoder


def one_hot_encoder(X):
    """One-hot encoding of the columns of a frame that are no numbers.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_samples, n_features)

    Returns
    -------
    transformer or "passthrough"
        Categories of less than 1 % of the samples are one.
    """
    if not hasattr(X, "select_dtypes"):
        return "passthrough"
    categorical = list(
        X.select_dtypes(include=["object", "string", "category", "bool"]).columns
    )
    if not categorical:
        return "passthrough"
    categories = OneHotEncoder(
        handle_unknown="infrequent_if_exist", min_frequency=0.01, sparse_output=False
    )
    return make_column_transformer(
        (categories, categorical), remainder="passthrough", sparse_threshold=0
    )
