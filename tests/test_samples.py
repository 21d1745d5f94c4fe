import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklearn_ladder import LadderClassifier
from sklearn_ladder.data import _samples
from sklearn_ladder.data._samples import Samples, SampleSubset, chunk_size

RNG = np.random.RandomState(0)
TABLE = RNG.normal(5, 3, size=(60, 7)) * (RNG.uniform(size=(60, 7)) < 0.3)


@pytest.fixture
def mapped(tmp_path):
    """Function that puts an array into a file and maps it."""

    def mapped(array, mode="r"):
        path = tmp_path / "rows.npy"
        np.save(path, array)
        return np.load(path, mmap_mode=mode)

    return mapped


KINDS = {
    "float32": lambda table: table.astype(np.float32),
    "Fortran order": np.asfortranarray,
    "frame": pd.DataFrame,
    "list": lambda table: table.tolist(),
    "csr_array": sparse.csr_array,
    "csc_matrix": sparse.csc_matrix,
    "coo_array": sparse.coo_array,
}


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("index", [slice(3, 9), np.array([5, 0, 59])])
def test_parts_are_dense_float32(make, index):
    part = Samples(make(TABLE))[index]
    assert type(part) is np.ndarray and part.dtype == np.float32
    assert part.flags.c_contiguous
    np.testing.assert_array_equal(part, TABLE[index].astype(np.float32))


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64, bool])
def test_integers_and_booleans(dtype):
    table = TABLE.astype(dtype)
    np.testing.assert_array_equal(Samples(table)[:], table.astype(np.float32))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_memory_maps(mapped, dtype, mode):
    table = mapped(TABLE.astype(dtype), mode)
    for X in (table, table[4:], np.asarray(table)):
        rows = Samples(X)
        assert not rows.is_resident
        np.testing.assert_array_equal(rows[2:5], np.asarray(X)[2:5].astype(np.float32))
        np.testing.assert_array_equal(rows[:], np.asarray(X, dtype=np.float32))


def test_changes_to_a_copy_on_write_map_are_kept(mapped):
    table = mapped(TABLE, "c")
    table[0] = 17
    rows = Samples(table)
    for _ in range(2):
        assert (rows[:1] == 17).all()


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")  # scipy's
@pytest.mark.parametrize("value", [np.inf, -1e39])
@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("kind", ["dense", "sparse", "mapped"])
def test_infinite_values_are_noticed_before_training(value, standardize, kind, mapped):
    table = TABLE.copy()
    table[50, 3] = value
    make = {"dense": np.asarray, "sparse": sparse.csr_array, "mapped": mapped}[kind]
    clf = LadderClassifier((4,), max_epochs=1, standardize=standardize)
    y = np.arange(60) % 3 - 1
    message = "Input X contains infinity or a value too large"
    with pytest.raises(ValueError, match=message):
        clf.fit(make(table), y)
    clf.fit(TABLE, y)
    with pytest.raises(ValueError, match=message):
        clf.predict(make(table))


def test_missing_entries(mapped):
    table = TABLE.copy()
    table[50, 3] = np.nan
    assert Samples(table).survey().have_missing
    assert not Samples(TABLE).survey().have_missing
    assert np.isnan(Samples(mapped(table))[48:52]).sum() == 1
    with pytest.raises(ValueError, match=r"X must be dense .* sparse matrix with 1 of"):
        Samples(sparse.csr_array(table))


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array, sparse.csr_matrix])
def test_survey_of_all_rows(monkeypatch, make):
    monkeypatch.setattr(_samples, "LARGEST_CHUNK", 100)  # many parts
    survey = Samples(make(TABLE)).survey()
    np.testing.assert_array_equal(survey.lowest, TABLE.min(axis=0).astype(np.float32))
    np.testing.assert_array_equal(survey.highest, TABLE.max(axis=0).astype(np.float32))


@pytest.mark.parametrize("dtype", [float, np.int8])
def test_sparse_frames(dtype):
    table = (TABLE > 0).astype(dtype)
    frame = pd.DataFrame(table).astype(pd.SparseDtype(dtype, 0))
    rows = Samples(frame)
    assert rows.is_sparse
    np.testing.assert_array_equal(rows[:], table)
    partly = Samples(frame.assign(dense=1.0))
    assert not partly.is_sparse
    assert partly[:].shape == (60, 8)


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_some_rows(make):
    index = np.array([4, 0, 59, 7])
    some = SampleSubset(Samples(make(TABLE)), index)
    assert len(some) == 4
    np.testing.assert_array_equal(some[1:3], TABLE[[0, 59]].astype(np.float32))


def test_survey_passes_over_missing_entries():
    table = np.array([[1.0, np.nan], [np.nan, np.nan], [3.0, np.nan]])
    survey = Samples(table).survey()
    np.testing.assert_array_equal(survey.lowest, [1, np.nan])
    np.testing.assert_array_equal(survey.highest, [3, np.nan])


@pytest.mark.parametrize("width, n_rows", [(1, 8192), (784, 5344), (200_000, 20)])
def test_parts_are_no_larger_than_they_should_be(width, n_rows):
    assert chunk_size(width) == n_rows
    assert chunk_size(10**9) == 1


# ---------------------------------------------------------------- in the estimator


@pytest.mark.parametrize("kind", ["csr", "csc", "mapped float64", "mapped float32"])
def test_fit_and_predict_as_with_the_dense_table(kind, mapped, monkeypatch):
    monkeypatch.setattr(_samples, "LARGEST_CHUNK", 200)
    table = TABLE.astype(np.float32)
    y = np.where(np.arange(60) < 30, TABLE[:, 0] > 0, -1).astype(int)
    X = {
        "csr": sparse.csr_array,
        "csc": sparse.csc_array,
        "mapped float64": lambda table: mapped(table.astype(np.float64)),
        "mapped float32": mapped,
    }[kind](table)
    clf = LadderClassifier((8,), max_epochs=10, batch_size=20, random_state=0)
    dense = clf.fit(table, y)
    expected = [
        dense.predict_proba(table),
        dense.transform(table),
        dense.denoise(table),
        dense.transduction_,
        dense.score(table, y),
    ]
    clf = clf.fit(X, y)
    found = [
        clf.predict_proba(X),
        clf.transform(X),
        clf.denoise(X),
        clf.transduction_,
        clf.score(X, y),
    ]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(clf.predict_proba(table), found[0], atol=1e-5)
