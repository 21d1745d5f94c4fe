import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklearn_ladder import LadderClassifier
from sklearn_ladder.data import _samples
from sklearn_ladder.data._precision import warn_imprecise
from sklearn_ladder.data._samples import (
    Samples,
    SampleSubset,
    chunk_size,
    flatten_images,
)

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
@pytest.mark.parametrize("feature_scaling", ["auto", None])
@pytest.mark.parametrize("kind", ["dense", "sparse", "mapped"])
def test_infinite_values_are_noticed_before_training(
    value, feature_scaling, kind, mapped
):
    table = TABLE.copy()
    table[50, 3] = value
    make = {"dense": np.asarray, "sparse": sparse.csr_array, "mapped": mapped}[kind]
    clf = LadderClassifier((4,), max_epochs=1, feature_scaling=feature_scaling)
    y = np.arange(60) % 3 - 1
    message = "Input X contains infinity or a value too large"
    if np.isfinite(value) and feature_scaling == "auto":  # float64 holds it
        assert clf.fit(make(table), y).plan_.input_dtype == "float64"
        assert np.isfinite(clf.predict_proba(make(table))).all()
    else:
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
    np.testing.assert_array_equal(survey.lowest, TABLE.min(axis=0))
    np.testing.assert_array_equal(survey.highest, TABLE.max(axis=0))


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


# -------------------------------------------------------------- missing, and refused

GAPS = np.array([[1.0, np.nan], [np.nan, 4.0], [5.0, 6.0]])
IS_GAP = np.isnan(GAPS)
OBJECTS = np.where(IS_GAP, None, GAPS)


def arrow_table():
    pyarrow = pytest.importorskip("pyarrow")
    columns = [pyarrow.array(column.tolist()) for column in OBJECTS.T]
    # NumPy takes a null of this kind for the entry before it
    chunked = pyarrow.chunked_array([columns[0].dictionary_encode()])
    return pyarrow.table({"a": chunked, "b": columns[1]})


WITH_GAPS = {
    "masked": lambda: np.ma.masked_array(np.where(IS_GAP, -9999, GAPS), IS_GAP),
    "masked integers": lambda: np.ma.masked_array(
        np.where(IS_GAP, -9, GAPS).astype(int), IS_GAP
    ),
    "masked objects": lambda: np.ma.masked_array(
        np.where(IS_GAP, "junk", OBJECTS), IS_GAP
    ),
    "list of masked": lambda: [
        np.ma.masked_array(
            [7 if gap else v for v, gap in zip(*row, strict=True)], row[1]
        )
        for row in zip(GAPS, IS_GAP, strict=True)
    ],
    "objects with NA": lambda: np.where(IS_GAP, pd.NA, GAPS),
    "list with NA and NaT": lambda: [[1, pd.NA], [pd.NaT, 4], [5, 6]],
    "frame of objects": lambda: pd.DataFrame(np.where(IS_GAP, pd.NA, GAPS)),
    "nullable": lambda: pd.DataFrame(GAPS).astype("Int64"),
    "nullable beside objects": lambda: pd.DataFrame(
        {"a": pd.array([1, None, 5], "UInt8"), "b": [pd.NA, 4, 6]}
    ),
    "sparse beside dense": lambda: pd.DataFrame(
        {"a": pd.arrays.SparseArray(GAPS[:, 0]), "b": GAPS[:, 1]}
    ),
    "category": lambda: pd.DataFrame(GAPS).astype("category"),
    "polars": lambda: pytest.importorskip("polars").DataFrame(
        dict(zip("ab", OBJECTS.T.tolist(), strict=True))
    ),
    "Arrow": arrow_table,
    "pandas of Arrow": lambda: (
        pytest.importorskip("pyarrow")
        and pd.DataFrame(
            {
                name: pd.Series(c).astype("double[pyarrow]")
                for name, c in zip("ab", GAPS.T, strict=True)
            }
        )
    ),
}


@pytest.mark.parametrize("make", WITH_GAPS.values(), ids=WITH_GAPS)
def test_missing_has_one_meaning(make):
    with np.errstate(all="raise"):
        samples = Samples(make())
        np.testing.assert_array_equal(samples[:], GAPS.astype(np.float32))
        assert samples.survey().have_missing


def test_missing_strings_of_numpy():
    if not hasattr(np.dtypes, "StringDType"):
        pytest.skip("NumPy 2 has them")
    for na in (None, np.nan, pd.NA, "none"):
        dtype = np.dtypes.StringDType(na_object=na)
        X = np.array([["1", na], [na, "4"], ["5", "6"]], dtype=dtype)
        np.testing.assert_array_equal(Samples(X)[:], GAPS)


DAYS = pd.Series(pd.to_datetime(["2020-01-01", None, "2020-03-01"]))


@pytest.mark.parametrize(
    "when",
    [
        DAYS,
        DAYS.dt.tz_localize("UTC"),
        DAYS - DAYS[0],
        DAYS.astype(object),
        DAYS.dt.to_period("D"),
        pd.Series([np.timedelta64(1, "D"), 1.0, None], dtype=object),
        DAYS.dt.date,
    ],
    ids=lambda when: str(when.dtype),
)
def test_times_are_refused_by_name(when):
    frame = pd.DataFrame({"x": [1.0, 2, 3], "when": when})
    with pytest.raises(TypeError, match=r"durations in columns \['when'\].*NaT"):
        Samples(frame)
    if when.dtype == object:
        with pytest.raises(TypeError, match=r"durations in columns \[1\]"):
            Samples(frame.to_numpy())
    if isinstance(when.dtype, np.dtype) and when.dtype.kind in "mM":
        with pytest.raises(TypeError, match=r"durations in columns \[0\]"):
            Samples(when.to_numpy()[:, None])


@pytest.mark.parametrize(
    "column, message",
    [
        (["1.5", "red"], "could not convert string to float: 'red', in columns"),
        ([1 + 2j, "1"], "Complex data not supported, in columns"),
        ([10**400, 1], "int too large"),
        ([[1], 2], r"in columns \['odd'\]"),
    ],
)
def test_what_is_no_number_is_refused_by_name(column, message):
    frame = pd.DataFrame({"x": [1.0, 2], "odd": pd.Series(column, dtype=object)})
    with pytest.raises((ValueError, TypeError), match=message) as error:
        Samples(frame)
    assert "['odd']" in str(error.value)


@pytest.mark.parametrize("fill", [1.0, np.nan])
def test_sparse_frames_of_other_fill_values(fill):
    frame = pd.DataFrame({"a": [1.0, 0, 2]}).astype(pd.SparseDtype(float, fill))
    message = r"in columns \['a'\] of X. Use X.sparse.to_dense"
    with pytest.raises(ValueError, match=message):
        Samples(frame)
    assert Samples(frame.sparse.to_dense())[:].ravel().tolist() == [1, 0, 2]


def test_masked_memory_maps(mapped):
    table = np.ma.masked_array(mapped(TABLE), False)
    assert not Samples(table).is_resident
    table[0, 0] = np.ma.masked
    with pytest.raises(ValueError, match="Write NaN into the file"):
        Samples(table)


# -------------------------------------------------------------- what float32 rounds


def times(n=400):
    return 1.7e12 + 1000 * np.random.RandomState(0).uniform(size=n)


COARSE = {
    "far": (times(), "far"),
    "zeros for never": (np.where(np.arange(400) % 200, times(), 0), "far"),
    "mostly zeros": (np.where(np.arange(400) % 20, 0, times()), "far"),
    "integers": (2**53 + 100 * np.arange(400), "far"),
    "two values": (np.where(np.arange(400) % 2, 1.7e12, 1.7e12 + 100), "far"),
    "p-values": (10.0 ** -np.r_[np.linspace(50, 90, 390), np.arange(10)], "close"),
    "below the smallest float32": (1e-44 * np.arange(400), "close"),
}


@pytest.mark.parametrize(
    "make", [np.asarray, sparse.csc_array], ids=["dense", "sparse"]
)
@pytest.mark.parametrize("column, why", COARSE.values(), ids=COARSE)
def test_loss_by_float32_is_told(make, column, why):
    X = np.c_[np.random.RandomState(1).normal(size=400), column]
    survey = Samples(make(X)).survey()
    assert list(survey.imprecise) == [1]
    with pytest.warns(UserWarning, match=rf"Columns \['t'\] of X lie too {why}"):
        warn_imprecise(survey, ["x", "t"])
    with pytest.warns(UserWarning, match=r"Columns \[1\] of X"):
        warn_imprecise(survey)


def test_missing_values_and_pairs_are_not_frequent():
    rare = np.linspace(1e8, 9e8, 60)
    once = np.r_[rare, np.full(200, 9e8 + 1), 9e8 + 2, np.full(200, np.nan)]
    seconds = np.r_[np.linspace(1.70e9, 1.73e9, 96), 1.71e9, 1.71e9, 1.71e9 + 1]
    for column in once, np.append(seconds, 1.71e9 + 1):
        assert not Samples(column[:, None]).survey().imprecise


def test_frequent_values_are_not_hidden_by_rare_ones():
    column = np.repeat([202300001.0, 202300002.0], 200)
    column[:40] = np.linspace(1e8, 9e8, 40)
    assert Samples(column[:, None]).survey().imprecise == {0: "too far from 0"}
    column[0] = 202300001.5  # between them
    assert Samples(column[:, None]).survey().imprecise == {0: "too far from 0"}
    with_missing = np.append(column, np.full(9000, np.nan))
    assert Samples(with_missing[:, None]).survey().imprecise == {0: "too far from 0"}
    column[40:200] = 202300001.0 - 64  # which float32 tells from the others
    assert not Samples(column[:, None]).survey().imprecise


HELD = {
    "normal": np.random.RandomState(0).normal(size=400),
    "years": 2000 + np.random.RandomState(0).uniform(size=400),
    "integers": np.arange(400) + 10_000_000,
    "a month in seconds": 1.7e9 + 2.6e6 * np.random.RandomState(0).uniform(size=400),
    "lognormal": np.exp(5 * np.random.RandomState(0).normal(size=400)),
    "rounding errors": np.where(np.arange(400) % 2, 0.3, 0.1 + 0.2),
    "constant": np.full(400, 0.1),
    "sentinel": np.r_[np.random.RandomState(0).normal(size=399), -1e30],
    "missing": np.full(400, np.nan),
}


@pytest.mark.parametrize("column", HELD.values(), ids=HELD)
def test_no_false_alarm(column):
    assert not Samples(column[:, None]).survey().imprecise


def test_too_large_for_float32():
    X = np.array([[1e39, 1], [2, 3]])
    survey = Samples(X).survey()
    with pytest.raises(ValueError, match=r"too large for dtype.*columns \['a'\]"):
        warn_imprecise(survey, ["a", "b"])
    np.testing.assert_array_equal(Samples(X).astype(np.float64)[:], X)


def test_a_column_may_be_named_like_a_method():
    frame = pd.DataFrame({"collect": np.arange(8.0), "compute": np.arange(8.0)})
    np.testing.assert_array_equal(Samples(frame)[:], frame)


def test_duplicate_entries_are_added_before_rounding():
    """A CSR matrix may have several entries at the same place."""
    X = np.random.RandomState(0).normal(size=(20, 3))
    data = np.stack([X.ravel() + 1e9, np.full(X.size, -1e9)], axis=1).ravel()
    places = np.tile(np.repeat(np.arange(3), 2), 20)
    matrix = sparse.csr_matrix((data, places, np.arange(0, 121, 6)), shape=(20, 3))
    before = matrix.copy()
    np.testing.assert_allclose(Samples(matrix)[:], X, atol=1e-6)
    assert Samples(matrix).survey().imprecise == {}
    assert matrix.nnz == before.nnz  # what is given stays as it is


@pytest.mark.parametrize("shape", [(5, 28, 28), (5, 3, 8, 8, 1)])
def test_images_need_channels(shape):
    with pytest.raises(ValueError, match=r"images of shape \(n_samples, channels, h"):
        flatten_images(np.zeros(shape))


@pytest.mark.parametrize("make", [list, np.array, pd.Series])
def test_texts_are_no_samples(make):
    texts = make([None, "Count numbers.", "Sum the elements of an array.", "Sort."])
    with pytest.raises(ValueError, match=r"X has texts, such as '[CN]o.*TfidfVect"):
        LadderClassifier().fit(texts, [0, 1, -1, 1])
