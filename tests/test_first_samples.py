"""Later samples beside those that settled the feature scaling."""

import pickle
import re

import numpy as np
import pytest
from scipy import sparse

from sklearn_ladder import LadderClassifier
from sklearn_ladder.data import _first_samples
from sklearn_ladder.data._first_samples import warn_unlike_first
from sklearn_ladder.data._projection import fit_projection
from sklearn_ladder.data._samples import Samples


def stream(*chunks, **parameters):
    """A classifier after these chunks; half of the samples have a label."""
    clf = LadderClassifier((8,), random_state=0, **parameters)
    for X in chunks:
        clf.partial_fit(X, np.resize([0, 1, -1, -1], X.shape[0]), classes=[0, 1])
    return clf


def first_chunk(kind):
    X = np.random.RandomState(0).normal(size=(100, 3))
    if kind == "constant":
        X[:, 1] = 2
    elif kind == "missing":
        X[:, 1] = np.nan
    elif kind == "narrow":
        X[:, 1] = 10 + X[:, 1] / 100
    return X


IGNORED = "[1] of X were constant or missing in the first"


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("constant", IGNORED),
        ("missing", IGNORED),
        ("narrow", "values in columns [1] of X lie beyond the range of the first"),
    ],
)
def test_later_chunks_that_the_first_one_hides(kind, message):
    later = first_chunk("typical")
    with pytest.warns(UserWarning, match=re.escape(message)):
        stream(first_chunk(kind), later)
    clf = LadderClassifier((8,), max_epochs=1, warm_start=True, random_state=0)
    clf.fit(first_chunk(kind), np.arange(100) % 2)
    with pytest.warns(UserWarning, match=re.escape(message)):
        clf.fit(later, np.arange(100) % 2)


def test_words_that_the_first_chunk_does_not_have():
    words = sparse.random(200, 3000, 0.01, "csr", random_state=0)
    some = words[:100].copy()
    some.data[some.indices >= 1500] = 0
    some.eliminate_zeros()
    ignored = r"\d\d% of the entries of X are in columns that had none"
    with pytest.warns(UserWarning, match=ignored) as told:
        clf = stream(some, words[100:], words[100:])
    assert len(told) == 1
    assert clf.feature_scaling_ == "projected"


def test_hidden_columns_are_told_once(recwarn):
    later = first_chunk("typical")
    clf = stream(first_chunk("constant"), *[later] * 3, later + np.array([100, 0, 0]))
    told = [str(w.message) for w in recwarn]
    assert [message.partition(" of X")[0] for message in told] == [
        "Columns [1]",
        "More than half of the values in columns [0]",
    ]
    assert pickle.loads(pickle.dumps(clf)).plan_.columns_told == (1, 0)


def test_all_of_a_chunk_is_looked_at(monkeypatch, recwarn):
    monkeypatch.setattr(_first_samples, "MOST_SAMPLES", 40)
    later = np.tile(first_chunk("typical"), (3, 1))
    stream(later, np.concatenate([later[:100] + 100, later]))
    assert not recwarn
    with pytest.warns(UserWarning, match="More than half"):
        stream(later, np.concatenate([later[:100], later + 100]))


def test_very_wide_sparse_chunks():
    def words(n_different):
        places = np.random.RandomState(0).randint(n_different, size=2000)
        rows = np.repeat(np.arange(100), 20)
        return Samples(sparse.csr_matrix((np.ones(2000), (rows, places)), (100, 2**20)))

    projection = fit_projection(words(1000), 0)
    assert warn_unlike_first(words(1000), None, projection) == ()
    with pytest.warns(UserWarning, match="entries of X are in columns that had none"):
        warn_unlike_first(words(2**20), None, projection)


def test_ordinary_chunks_are_like_the_first(recwarn):
    rng = np.random.RandomState(1)
    X = np.column_stack([rng.normal(size=(400, 3)), rng.rand(400) < 0.02])
    stream(*np.split(X, 4))
    stream(X[:100], X[:5] + 100)  # too few to tell
    stream(*(sparse.random(200, 3000, 0.02, "csr", random_state=s) for s in (0, 1)))
    assert not recwarn


def test_feature_scaling_is_settled():
    clf = stream(first_chunk("typical"), feature_scaling="scaled")
    for same in ("auto", 1):
        clf.set_params(feature_scaling=same)
        clf.partial_fit(first_chunk("typical"), np.arange(100) % 2)
    for other in ("binned", None, "shared"):
        clf.set_params(feature_scaling=other)
        with pytest.raises(ValueError, match=rf"it is 'scaled' .* got {other!r}"):
            clf.partial_fit(first_chunk("typical"), np.arange(100) % 2)
    clf = stream(first_chunk("typical"), feature_scaling=None)
    clf.set_params(feature_scaling="auto")
    clf.partial_fit(first_chunk("typical"), np.arange(100) % 2)
    assert clf.feature_scaling_ is None
    clf.set_params(feature_scaling="scaled")
    with pytest.raises(ValueError, match=r"it is None .* got 'scaled'"):
        clf.partial_fit(first_chunk("typical"), np.arange(100) % 2)
