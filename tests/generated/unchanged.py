"""What must not change: arguments, global generators, a fitted classifier."""

import random
from contextlib import contextmanager

import numpy as np
import pandas as pd
import torch
from scipy import sparse


def fingerprint(data):
    """The content of an argument, for comparison."""
    if data is None or isinstance(data, list | tuple):
        return repr(data)
    if sparse.issparse(data):
        parts = ["data", "indices", "indptr", "row", "col", "rows", "coords"]
        return [repr(np.asarray(vars(data).get(p)).tolist()) for p in parts]
    if isinstance(data, np.ma.MaskedArray):
        return data.data.tobytes(), np.ma.getmaskarray(data).tobytes()
    if isinstance(data, np.ndarray):
        content = repr(data.tolist()) if data.dtype.kind == "O" else data.tobytes()
        return content, data.dtype, data.shape, data.strides, data.flags.writeable
    if isinstance(data, pd.DataFrame):
        return data.dtypes.to_dict(), data.astype(object).to_csv(), list(data.columns)
    content = data.to_pylist() if hasattr(data, "to_pylist") else list(data)
    return str(getattr(data, "dtype", type(data))), repr(content)


def global_generators():
    return (
        repr(np.random.get_state()),
        torch.get_rng_state().numpy().tobytes(),
        repr(random.getstate()),
    )


@contextmanager
def untouched(*arguments):
    """Checks that arguments and global generators stay as they are."""
    before = [fingerprint(a) for a in arguments], global_generators()
    yield
    assert [fingerprint(a) for a in arguments] == before[0], "an argument has changed"
    assert global_generators() == before[1], "a global generator was used"


def state(clf, X):
    """All that a user sees of a fitted classifier."""
    return (
        clf.predict_proba(X).tobytes(),
        repr(clf.classes_.tolist()),
        repr(clf.transduction_.tolist()),
        clf.n_iter_,
        repr({k: v.tolist() for k, v in clf.history_.items() if k != "dur"}),
        repr(getattr(clf, "class_prior_", None)),
        sorted(vars(clf)),
    )
