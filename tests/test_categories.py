import pickle
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.semi_supervised import SelfTrainingClassifier

from sklearn_ladder import LadderClassifier
from sklearn_ladder._one_hot import OneHotColumns, takes_categories
from sklearn_ladder.data import _samples
from sklearn_ladder.data._batches import TrainingSamples
from sklearn_ladder.data._categories import _places
from sklearn_ladder.data._find_categories import find_categories
from sklearn_ladder.data._give_back import _round, give_back
from sklearn_ladder.data._samples import Samples
from sklearn_ladder.displays import ReconstructionDisplay
from sklearn_ladder.ensemble import (
    LabeledOnlyClassifier,
    SemiSupervisedVotingClassifier,
)
from sklearn_ladder.model_selection import LabeledStratifiedKFold
from sklearn_ladder.robustness import fast_gradient, virtual_adversarial_cost

from .generated.unchanged import untouched

N = 120
RNG = np.random.RandomState(0)
CLASS = RNG.randint(0, 2, N)
Y = np.where(np.arange(N) < 40, CLASS, -1)
COLORS = np.array(["blue", "green", "red"], dtype=object)


def make_frame():
    """Numbers, integers, text, categories and booleans; some entries are missing."""
    frame = pd.DataFrame(
        {
            "mass": RNG.normal(size=N) + CLASS,
            "count": RNG.randint(0, 9, N),
            "color": COLORS[(CLASS + RNG.randint(0, 2, N)) % 3],
            "sex": np.where(RNG.uniform(size=N) < 0.8, CLASS, 1 - CLASS),
            "size": pd.Categorical(RNG.choice(["S", "M", "L"], N), ["S", "M", "L"]),
            "flag": RNG.uniform(size=N) < 0.5,
        }
    )
    frame["sex"] = frame["sex"].map({0: "f", 1: "m"})
    frame.loc[::9, "mass"] = np.nan
    frame.loc[::7, "color"] = None
    frame.loc[3, "size"] = np.nan
    return frame


FRAME = make_frame()
WIDE = ["color", "size"]  # with more than two categories


def small(**parameters):
    defaults = dict(max_epochs=3, n_estimators=2, batch_size=30, random_state=0)
    return LadderClassifier((6,), **defaults | parameters)


def fit_frame(frame=FRAME, **parameters):
    return small(**parameters).fit(frame, Y)


def polars_frame():
    polars = pytest.importorskip("polars")
    dtypes = {"size": polars.Enum(["S", "M", "L"])}
    columns = FRAME.astype(object).where(FRAME.notna(), None)
    return polars.DataFrame(
        {name: columns[name].tolist() for name in columns}, schema_overrides=dtypes
    )


def arrow_frame():
    return pytest.importorskip("pyarrow").Table.from_pandas(FRAME)


# ------------------------------------------------------------- which columns have them

DAYS = pd.Series(pd.date_range("2020", periods=3))
COLUMNS = {
    "texts": (["a", "b", None], True),
    "numbers as texts": (["1", "2.5", None], False),
    "numbers and a word": (["1", "2.5", "many"], True),
    "objects that are numbers": (pd.Series([1, 2.5, None], dtype=object), False),
    "objects that are booleans": (pd.Series([True, None, False], dtype=object), False),
    "booleans": ([True, False, True], False),
    "nullable booleans": (pd.array([True, None, False], "boolean"), False),
    "nullable strings": (pd.array(["a", None, "b"], "string"), True),
    "categories of texts": (pd.Categorical(["a", "b", None]), True),
    "categories of numbers": (pd.Categorical([1, 2, None]), True),
    "intervals": (pd.cut([1, 2, 3], 2), True),
    "mixed types": (pd.Series([1, "a", (2, 3)], dtype=object), True),
    "nothing": (pd.Series([None] * 3, dtype=object), False),
    "integers": ([1, 2, 3], False),
    "nullable integers": (pd.array([1, None, 3], "Int64"), False),
    "lists": (pd.Series([[1], [2], [3]]), False),
    "days": (DAYS, False),
    "days as objects": (DAYS.astype(object), False),
}


@pytest.mark.filterwarnings("ignore:Column")
@pytest.mark.parametrize("column, expected", COLUMNS.values(), ids=COLUMNS)
def test_columns_with_categories_by_dtype(column, expected):
    frame = pd.DataFrame({"x": [1.0, 2, 3], "column": column})
    categories = find_categories(frame, "from_dtype")
    assert (categories is not None) == expected
    assert find_categories(frame, None) is None
    if expected:
        assert categories.features[0] is None and categories.features[1] is not None


@pytest.mark.parametrize(
    "named", [["color", "sex"], [2, 3], [False, False, True, True, False, False]]
)
def test_named_columns(named):
    frame = FRAME.drop(columns="size").assign(size=1.0)[FRAME.columns]
    categories = fit_frame(frame, categorical_features=named).categories_
    assert [each is not None for each in categories] == [False] * 2 + [True] * 2 + [
        False
    ] * 2


def test_named_integers_of_an_array():
    X = np.c_[RNG.normal(size=N), RNG.randint(3, 6, N), RNG.randint(0, 2, N)]
    assert small().fit(X, Y).categories_ is None
    clf = small(categorical_features=[1, 2]).fit(X, Y)
    np.testing.assert_array_equal(clf.categories_[1], [3, 4, 5])
    assert clf.plan_.layers[0].n_units == 4 + clf.plan_.scale.feature.tolist().count(0)
    denoised = clf.denoise(X)
    assert denoised.shape == X.shape and denoised.dtype == np.float32
    assert set(denoised[:, 1]) <= {3, 4, 5} and set(denoised[:, 2]) <= {0, 1}


def test_array_of_objects():
    X = FRAME.drop(columns="flag").to_numpy(dtype=object)
    with pytest.raises(ValueError, match=r"in columns \[2\].*categorical_feat"):
        small().fit(X, Y)
    clf = small(categorical_features=[2, 3, 4]).fit(X, Y)
    expected = fit_frame(FRAME.drop(columns="flag")).predict_proba(
        FRAME.drop(columns="flag")
    )
    np.testing.assert_array_equal(clf.predict_proba(X), expected)
    assert clf.denoise(X).dtype == object


@pytest.mark.parametrize(
    "named, message",
    [
        (["colour"], r"has names \['colour'\], which are not feature names"),
        ([9], r"must be in \[0, n_features - 1\] = \[0, 5\], got: \[9\]"),
        ([True], r"must have shape \(6,\), got: \(1,\)"),
        ([1.5], "must be an array-like of bool, int or str"),
        ([[1]], "must be an array-like of bool, int or str"),
        ("color", "parameter of LadderClassifier must be"),
    ],
)
def test_wrong_names(named, message):
    with pytest.raises(ValueError, match=message), untouched():
        fit_frame(categorical_features=named)


def test_names_need_a_frame():
    with pytest.raises(ValueError, match="fitted on data without feature names"):
        small(categorical_features=["a"]).fit(RNG.normal(size=(N, 2)), Y)


# ------------------------------------------------------------------------- the matrix


def test_matrix_is_that_of_the_one_hot_encoder():
    """Bit for bit the model of the same columns, encoded before."""
    frame = FRAME.assign(color=FRAME["color"].fillna("red"), size=FRAME["size"])
    frame["size"] = frame["size"].fillna("M")
    encoder = OneHotEncoder(drop="if_binary", sparse_output=False)
    columns = [
        (encoder if name in [*WIDE, "sex"] else "passthrough", [name]) for name in frame
    ]
    matrix = make_column_transformer(*columns).fit_transform(frame).astype(float)
    clf, other = fit_frame(frame), small().fit(matrix, Y)
    np.testing.assert_array_equal(clf.predict_proba(frame), other.predict_proba(matrix))
    np.testing.assert_array_equal(clf.transform(frame), other.transform(matrix))


def test_two_categories_are_the_numbers_0_and_1():
    frame = FRAME[["mass", "sex"]]
    numbers = frame.assign(sex=(frame["sex"] == "m").astype(float))
    clf = fit_frame(frame)
    expected = fit_frame(numbers).predict_proba(numbers)
    np.testing.assert_array_equal(clf.predict_proba(frame), expected)
    assert set(clf.denoise(frame)["sex"]) <= {"f", "m"}


def test_explicit_columns_are_the_same_model():
    clf, other = fit_frame(), fit_frame(categorical_features=["color", "sex", "size"])
    np.testing.assert_array_equal(clf.predict_proba(FRAME), other.predict_proba(FRAME))
    with pytest.raises(ValueError, match=r"columns \['size'\].* must name all"):
        fit_frame(categorical_features=["color", "sex"])


def test_collapse_is_the_inverse_of_expand():
    categories = find_categories(FRAME, "from_dtype")
    table = Samples(FRAME, categories=categories)._X
    table = table[~np.isnan(table).any(axis=1)]
    matrix = categories.expand(table)
    assert matrix.shape[1] == 4 + 3 + 3
    np.testing.assert_array_equal(matrix[:, 2:5].sum(axis=1), 1)
    numbers = [0, 1, 5]
    collapsed = categories.collapse(matrix)
    codes = np.delete(np.arange(6), numbers)
    np.testing.assert_array_equal(collapsed[:, codes], table[:, codes])
    np.testing.assert_array_equal(collapsed[:, numbers], table[:, numbers])


def test_missing_categories_are_missing_in_all_columns():
    samples = Samples(FRAME, categories=find_categories(FRAME, "from_dtype"))
    assert samples.survey().have_missing
    is_missing = FRAME["color"].isna().to_numpy()
    np.testing.assert_array_equal(
        np.isnan(samples[:])[:, 2:5], np.c_[is_missing, is_missing, is_missing]
    )
    np.testing.assert_array_equal(samples.names[2:6], ["color"] * 3 + ["sex"])


SCALINGS = ["auto", "scaled", "shared", "projected", None]


@pytest.mark.parametrize("feature_scaling", SCALINGS)
@pytest.mark.parametrize("variant", ["full", "gamma"])
def test_missing_and_unknown_categories_are_imputed(feature_scaling, variant):
    clf = fit_frame(feature_scaling=feature_scaling, variant=variant)
    unknown = FRAME.assign(color="violet")
    missing = FRAME.assign(color=None)
    expected = clf.predict_proba(missing)
    assert np.isfinite(expected).all()
    assert not np.array_equal(expected, clf.predict_proba(FRAME))
    with pytest.warns(UserWarning, match="'color' of X are none of the categories"):
        np.testing.assert_array_equal(clf.predict_proba(unknown), expected)
    some = unknown.assign(color=["violet", "red"] * (N // 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(clf.predict_proba(some)[::2], expected[::2])


@pytest.mark.parametrize("make", [polars_frame, arrow_frame])
def test_all_frames_are_alike(make):
    frame = make()
    clf, other = fit_frame(), fit_frame(frame)
    expected = clf.predict_proba(FRAME)
    np.testing.assert_array_equal(other.predict_proba(frame), expected)
    np.testing.assert_array_equal(other.predict_proba(FRAME), expected)


def test_a_lazy_frame_is_named():
    frame = polars_frame().lazy()
    clf = fit_frame()
    for method in (fit_frame, clf.predict, clf.denoise):
        with pytest.raises(TypeError, match=r"LazyFrame. Pass X\.collect\(\)"):
            method(frame)


def test_hidden_categories_are_told_by_related_features():
    """Not the most frequent one each time."""
    rng = np.random.RandomState(0)
    kind = rng.choice(3, 300, p=[0.5, 0.3, 0.2])
    frame = pd.DataFrame(rng.normal(0, 0.3, size=(300, 3)), columns=list("abc"))
    frame = frame.add(3 * np.eye(3)[kind])
    frame["color"] = np.array(["red", "green", "blue"])[kind]
    frame["shape"] = np.where(kind == 2, "round", "flat")
    y = np.where(np.arange(300) < 30, kind, -1)
    clf = LadderClassifier((16,), n_estimators=1, max_epochs=60, random_state=0)
    clf.fit(frame, y)
    for name, least in {"color": 0.6, "shape": 0.95}.items():
        found = clf.denoise(frame.assign(**{name: None}))[name]
        assert (found == frame[name]).mean() > least


def test_dtypes_and_order_of_categories_do_not_matter():
    expected = fit_frame().predict_proba(FRAME)
    for dtype in (
        object,
        pd.CategoricalDtype(["L", "unused", "M", "S"]),
        pd.CategoricalDtype(["S", "L", "M"], ordered=True),
    ):
        frame = FRAME.assign(size=FRAME["size"].astype(dtype))
        frame["color"] = frame["color"].astype("category")
        clf = fit_frame(frame)
        np.testing.assert_array_equal(clf.predict_proba(FRAME), expected)
        np.testing.assert_array_equal(clf.predict_proba(frame), expected)


def test_categories_of_numbers_in_another_dtype():
    frame = pd.DataFrame({"x": FRAME["mass"], "code": RNG.randint(1, 4, N)})
    clf = small(categorical_features=["code"]).fit(frame, Y)
    expected = clf.predict_proba(frame)
    for dtype in (float, object, "Int64", "category", np.int8):
        other = frame.astype({"code": dtype})
        np.testing.assert_array_equal(clf.predict_proba(other), expected)


# ------------------------------------------------------------- numbers stay as they are


def test_numbers_in_any_container_are_numbers():
    X = np.c_[RNG.normal(size=(N, 2)), RNG.randint(0, 2, N)]
    frame = pd.DataFrame(X, columns=list("abc"))
    expected = small().fit(X, Y).predict_proba(X)
    for other in (
        frame,
        frame.astype({"c": bool}),
        frame.astype(object),
        frame.astype({"a": object, "c": bool}),
        frame.astype({"a": str}),
    ):
        clf = small().fit(other, Y)
        np.testing.assert_array_equal(clf.predict_proba(other), expected)
        assert clf.categories_ is None and clf.plan_.categories is None
        assert isinstance(clf.denoise(other), np.ndarray)


# --------------------------------------------------------------------- many categories


def test_infrequent_categories_share_a_column():
    words = np.r_[["a"] * 60, ["b"] * 58, ["rare", "rarer"]]
    frame = pd.DataFrame({"x": RNG.normal(size=N), "word": words})
    clf = small().fit(frame, Y)
    np.testing.assert_array_equal(clf.categories_[1], ["a", "b"])
    (known,) = [each for each in clf.plan_.categories.features if each is not None]
    assert known.n_codes == 3 and known.infrequent == "rare"
    expected = clf.predict_proba(frame.assign(word="rare"))
    assert not np.array_equal(expected, clf.predict_proba(frame.assign(word="a")))
    for word in ("rarer", "never seen"):
        found = clf.predict_proba(frame.assign(word=word))
        np.testing.assert_array_equal(found, expected)
    assert set(clf.denoise(frame)["word"]) <= {"a", "b", "rare"}


def test_one_infrequent_category_stays():
    words = np.r_[["a"] * 60, ["b"] * 59, ["once"]]
    frame = pd.DataFrame({"x": RNG.normal(size=N), "word": words})
    np.testing.assert_array_equal(
        find_categories(frame, "from_dtype").features[1].values, ["a", "b", "once"]
    )


def test_identifiers_are_bounded_and_told():
    n = 5000
    names = np.char.add("id", np.arange(n).astype(str))
    frame = pd.DataFrame({"x": RNG.normal(size=n), "id": names})
    with pytest.warns(UserWarning, match=r"'id' of X has 5000 categories. In 100%"):
        categories = find_categories(frame, "from_dtype")
    assert len(categories.features[1].values) == 0
    assert len(pickle.dumps(categories)) < 2000
    frame["id"] = np.char.add("id", (np.arange(n) % 90).astype(str))
    assert find_categories(frame, "from_dtype").features[1].n_columns == 90


def test_the_one_hot_matrix_is_never_whole(monkeypatch):
    """Training keeps numbers and codes; what it takes are the scaled columns."""
    monkeypatch.setattr(_samples, "LARGEST_CHUNK", 400)
    largest = []
    expand = type(find_categories(FRAME, "from_dtype")).expand

    def counted(self, table):
        largest.append(len(table))
        return expand(self, table)

    monkeypatch.setattr(
        "sklearn_ladder.data._categories.TableCategories.expand", counted
    )
    clf = fit_frame(FRAME, feature_scaling="scaled")
    clf.predict(FRAME)
    clf.denoise(FRAME)
    drawn = min(N, 10_000)  # for the feature scaling
    assert sorted(set(largest))[-1] == drawn and largest.count(drawn) == 1


@pytest.mark.parametrize("feature_scaling", ["auto", "scaled"])
def test_scaled_codes_are_the_scaled_matrix(feature_scaling):
    clf = fit_frame(feature_scaling=feature_scaling)
    samples = Samples(FRAME, categories=clf.plan_.categories)
    scale = clf.net_.module_.feature_scaling
    training = TrainingSamples(samples, Y, None, "cpu", True, scale)
    index = torch.tensor([5, 0, 7, 119])
    expected = scale(torch.as_tensor(samples[index.numpy()]))
    assert expected.isnan().any()
    np.testing.assert_array_equal(training.take(index), expected)
    assert training._scaled is not None


# --------------------------------------------------------------------------- denoising


@pytest.mark.parametrize("make", [lambda: FRAME, polars_frame, arrow_frame])
def test_denoise_gives_frames_back(make):
    frame = make()
    denoised = fit_frame(frame).denoise(frame)
    assert type(denoised) is type(frame)
    if isinstance(frame, pd.DataFrame):
        pd.testing.assert_series_equal(denoised.dtypes, frame.dtypes)
        pd.testing.assert_index_equal(denoised.index, frame.index)
        assert denoised.notna().all(axis=None)
        assert set(denoised["color"]) <= set(COLORS)
    else:
        assert denoised.schema == frame.schema
        assert (
            denoised["color"].null_count == 0
            if callable(getattr(denoised["color"], "is_valid", None))
            else denoised["color"].null_count() == 0
        )


def test_denoise_restores_categories_that_others_determine():
    n = 600
    kind = RNG.randint(0, 3, n)
    frame = pd.DataFrame(
        {"a": kind + 0.1 * RNG.normal(size=n), "b": COLORS[kind], "c": COLORS[kind]}
    )
    y = np.where(np.arange(n) < 300, kind % 2, -1)
    clf = LadderClassifier(random_state=0, max_epochs=60).fit(frame, y)
    unknown = frame.assign(c=pd.Series([None] * n, dtype=object))
    assert (clf.denoise(unknown)["c"] == frame["c"]).mean() > 0.9


def test_denoise_adds_categories_to_the_dtype():
    clf = fit_frame()
    frame = FRAME.iloc[:8].assign(size=pd.Categorical([None] * 8, ["unknown"]))
    assert set(clf.denoise(frame)["size"]) <= {"S", "M", "L"}


# -------------------------------------------------------------------- in the estimator


def test_names_and_numbers_of_the_given_columns():
    clf = fit_frame()
    assert clf.n_features_in_ == 6
    np.testing.assert_array_equal(clf.feature_names_in_, FRAME.columns)
    assert clf.plan_.layers[0].n_units > 10
    with pytest.raises(ValueError, match="feature names should match"):
        clf.predict(FRAME[FRAME.columns[::-1]])
    with pytest.raises(ValueError, match=r"5 features"):
        clf.predict(FRAME.drop(columns="size").to_numpy())


@pytest.mark.parametrize("when", [DAYS, DAYS - DAYS[0], DAYS.astype(object)])
def test_times_beside_categories_are_refused_by_name(when):
    frame = FRAME.assign(when=when.repeat(N // 3).to_numpy())
    with pytest.raises(TypeError, match=r"in columns \['when'\]. Convert them to num"):
        fit_frame(frame)


def test_text_with_underscores_is_no_number():
    """Python reads "1_12" and "11_2" as 112."""
    pl, pa = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    texts = np.array(["1_1", "1_12", "11_2", "2_1"] * 5)
    frame = pd.DataFrame({"zone": texts, "a": range(20)})
    for X in (frame, pl.from_pandas(frame), pa.Table.from_pandas(frame)):
        assert len(find_categories(X, "from_dtype").features[0].values) == 4
    column = texts[:, None]
    for X in (column, column.astype(object), column.astype("S"), column.tolist()):
        with pytest.raises(ValueError, match="string to float"):
            Samples(X)


def test_long_integers_of_other_kinds_are_the_same_categories():
    long = [2**53, 2**53 + 1, 5]
    for kinds in (("i8", "u8"), ("u8", "i8")):
        known, new = (np.array(long, kind) for kind in kinds)
        assert _places(known, new).tolist() == [0, 1, 2]
    assert _places(np.array([0, 1]), np.array([True, False])).tolist() == [1, 0]
    halves = np.array([0.5, 1.5], np.float16)
    assert _places(halves, halves[::-1].astype(float)).tolist() == [1, 0]
    assert _places(halves.astype(float), halves[::-1]).tolist() == [1, 0]


def test_no_feature_of_a_sparse_matrix_has_categories():
    X = sparse.csr_array(np.eye(4))
    assert find_categories(X, []) is None
    assert find_categories(X, [False] * 4) is None
    assert find_categories(pd.DataFrame.sparse.from_spmatrix(X), []) is None
    with pytest.raises(ValueError, match=r"shape \(4,\), got: \(3,\)"):
        find_categories(X, [False] * 3)


def test_decimals_come_back():
    pl, pa = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    decimals = [Decimal(n).scaleb(-2) for n in range(20)]
    table = pa.table({"a": decimals, "b": ["u", "v"] * 10})
    for X in (table, pl.from_arrow(table), table.to_pandas(types_mapper=pd.ArrowDtype)):
        categories = find_categories(X, "from_dtype")
        for value, expected in [(0.1249, "0.12"), (123.4, "0.99"), (-1.0, "-0.99")]:
            codes = np.column_stack([np.full(20, value), np.zeros(20)])
            back = give_back(codes, categories, X)
            assert type(back) is type(X)
            assert str(getattr(back, "schema", 0)) == str(getattr(X, "schema", 0))
            assert str(next(iter(back["a"]))) == expected


def test_of_one_sample_whole_numbers_come_back():
    """Also if it has none: Arrow would cut 0.7 to 0."""
    pl, pa = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    table = pa.table({"a": pa.array([1, 200], "uint8"), "b": ["u", "v"]})
    for X in (table, pl.from_arrow(table)):
        categories = find_categories(X, "from_dtype")
        make = getattr(type(X), "from_pydict", type(X))
        one = make({"a": [None], "b": ["u"]}, schema=X.schema)
        for value, expected in [(0.7, "1"), (300.0, "255")]:
            back = give_back(np.array([[value, 0.0]]), categories, one)
            assert str(next(iter(back["a"]))) == expected


def test_sparse_and_large_mapped_samples_have_no_categories(tmp_path, monkeypatch):
    monkeypatch.setattr("sklearn_ladder.data._samples.LARGEST_MAP", 3 * N - 1)
    X = RNG.randint(0, 3, size=(N, 3)).astype(float)
    np.save(tmp_path / "X.npy", X)
    clf = small(categorical_features=[0])
    for other in (
        sparse.csr_array(X),
        pd.DataFrame(X).astype(pd.SparseDtype(float, 0)),
        np.load(tmp_path / "X.npy", mmap_mode="r"),
    ):
        with pytest.raises(ValueError, match="X must be dense, and in memory"):
            clone(clf).fit(other, Y)
        with pytest.raises(ValueError, match="X must be dense, and in memory"):
            clone(clf).fit(X, Y).predict(other)
        assert small().fit(other, Y).categories_ is None


def test_mapped_samples_as_of_joblib_may_have_categories(tmp_path):
    X = RNG.randint(0, 3, size=(N, 3)).astype(float)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    expected = small(categorical_features=[0]).fit(X, Y)
    clf = small(categorical_features=[0]).fit(mapped, Y)
    np.testing.assert_array_equal(clf.categories_[0], expected.categories_[0])
    np.testing.assert_array_equal(clf.predict_proba(mapped), expected.predict_proba(X))


def test_dictionaries_of_arrow_within_pandas_are_declared():
    arrow = pytest.importorskip("pyarrow")
    narrow = arrow.dictionary(arrow.int8(), arrow.int64())
    codes = arrow.array(RNG.randint(0, 3, size=N)).dictionary_encode().cast(narrow)
    column = pd.Series(codes, dtype=pd.ArrowDtype(codes.type))
    frame = pd.DataFrame({"code": column, "x": RNG.normal(size=N)})
    for table in (frame, arrow.table({"code": codes, "x": frame["x"].to_numpy()})):
        clf = small().fit(table, Y)
        assert clf.categories_[0].tolist() == [0, 1, 2]
        denoised = clf.denoise(table)
        if table is frame:
            assert denoised.dtypes.equals(frame.dtypes)
    numbers = small(categorical_features=["x"]).fit(frame.round(0), Y)
    denoised = numbers.denoise(frame.round(0))["code"]
    assert denoised.dtype == column.dtype and set(denoised) <= {0, 1, 2}


def test_a_name_of_two_columns_names_both():
    frame = pd.DataFrame(RNG.randint(0, 3, size=(N, 3)), columns=["a", "a", "b"])
    found = find_categories(frame, ["a"]).values
    assert [each is None for each in found] == [False, False, True]


def test_pixels_have_no_categories():
    images = RNG.randint(0, 3, size=(N, 1, 2, 2)).astype(float)
    with pytest.raises(ValueError, match="categorical_features must be None for image"):
        small(categorical_features=[0]).fit(images, Y)


@pytest.mark.parametrize("method", ["warm_start", "partial_fit"])
def test_categories_of_the_first_fit_stay(method):
    first, second = FRAME[FRAME["color"] != "red"], FRAME
    clf = small(warm_start=True)
    y = Y[FRAME["color"] != "red"]
    if method == "warm_start":
        clf.fit(first, y)
    else:
        clf.partial_fit(first, y, classes=[0, 1])
    before = clf.categories_
    np.testing.assert_array_equal(before[2], ["blue", "green"])
    clf.fit(second, Y) if method == "warm_start" else clf.partial_fit(second, Y)
    assert all(
        one is None or np.array_equal(one, other)
        for one, other in zip(before, clf.categories_, strict=True)
    )
    assert np.isfinite(clf.predict_proba(FRAME)).all()


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_other_categorical_features_than_those_of_the_first_fit(method):
    X = RNG.randint(0, 3, size=(N, 3)).astype(float)
    clf = small(categorical_features=[0], warm_start=True).fit(X, Y)
    for same in ([0], np.array([True, False, False]), "from_dtype"):
        go_on = getattr(clf.set_params(categorical_features=same), method)
        assert len(go_on(X, Y).categories_[0]) == 3
    for other in (None, [1], [0, 1], []):
        clf.set_params(categorical_features=other)
        with pytest.raises(ValueError, match="categorical_features must stay as it is"):
            go_on(X, Y)
    numbers = small(warm_start=True).fit(X, Y)
    go_on = getattr(numbers.set_params(categorical_features=None), method)
    assert go_on(X, Y).categories_ is None
    numbers.set_params(categorical_features=[2])
    with pytest.raises(ValueError, match=r"of the features \[\]; got \[2\]"):
        go_on(X, Y)


def test_pickle_clone_and_search():
    clf = fit_frame()
    expected = clf.predict_proba(FRAME)
    loaded = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(loaded.predict_proba(FRAME), expected)
    np.testing.assert_array_equal(
        clone(clf).fit(FRAME, Y).predict_proba(FRAME), expected
    )
    search = GridSearchCV(
        small(max_epochs=1),
        {"categorical_features": ["from_dtype", ["color", "sex", "size", "flag"]]},
        cv=LabeledStratifiedKFold(2),
        error_score="raise",
    ).fit(FRAME, Y)
    assert np.isfinite(search.best_score_)


def test_tags():
    tags = LadderClassifier().__sklearn_tags__().input_tags
    assert tags.categorical and tags.string
    tags = LadderClassifier(categorical_features=None).__sklearn_tags__().input_tags
    assert not tags.categorical and not tags.string
    assert SemiSupervisedVotingClassifier().__sklearn_tags__().input_tags.string
    only_labeled = LabeledOnlyClassifier(RandomForestClassifier())
    assert not only_labeled.__sklearn_tags__().input_tags.string


def test_early_stopping_and_many_chunks(monkeypatch):
    monkeypatch.setattr(_samples, "LARGEST_CHUNK", 300)
    clf = fit_frame(early_stopping=True, validation_fraction=0.2)
    assert len(clf.history_["valid_loss"]) == 3


# ------------------------------------------------------------------------ other methods


def test_vote_takes_frames():
    vote = SemiSupervisedVotingClassifier(random_state=0).set_params(
        ladder__max_epochs=2, rf__n_estimators=5, et__n_estimators=5
    )
    vote.fit(FRAME, Y)
    assert vote.score(FRAME[40:], CLASS[40:]) > 0.5
    assert vote.n_features_in_ == 6
    assert vote.named_estimators_["ladder"].categories_ is not None
    assert vote.named_estimators_["rf"].n_features_in_ == 10


def test_one_hot_columns_leave_numbers_alone():
    X = RNG.normal(size=(9, 2))
    assert OneHotColumns().fit_transform(X) is X
    found = OneHotColumns().fit(FRAME).transform(FRAME.assign(sex=None))
    assert found.shape == (N, 10) and found.dtype == np.float64
    np.testing.assert_array_equal(np.isnan(found[:, 0]), FRAME["mass"].isna())
    assert np.isfinite(found[:, 1:]).all()
    assert (found[FRAME["color"].isna(), 2:5] == 0).all()
    assert (found[:, 5] == 0.5).all()


def test_attacks_and_pictures_are_for_numbers():
    clf = fit_frame()
    for call in (
        lambda: fast_gradient(clf, FRAME, eps=0.1),
        lambda: virtual_adversarial_cost(clf, FRAME, eps=0.1),
        lambda: ReconstructionDisplay.from_estimator(clf, FRAME),
    ):
        with pytest.raises(ValueError, match="for samples of numbers only"):
            call()


NUMBERS = [f"{n / 8}" for n in range(1500)]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["3", "4.5", "n/a", "7", "11"], r"text among its numbers: \['n/a'\]"),
        (["1e3", "-2", "5", " ", "4", "6"], r"text among its numbers: \[''\]"),
        ([*NUMBERS, "n/k"], r"text among its numbers: \['n/k'\]"),
        (["2024-01-05", "2024-02-07"], "seems to hold dates"),
        (["5.1.2024", "17.3.2024 12:00"], "seems to hold dates"),
    ],
)
def test_text_that_seems_to_be_numbers_or_dates(values, message):
    frame = pd.DataFrame({"a": values * 10})
    with pytest.warns(UserWarning, match=f"Column 'a' of X becomes.*{message}"):
        find_categories(frame, "from_dtype")


@pytest.mark.parametrize(
    "values",
    [
        *(["a", "3", "b"], ["2024", "May 5"], ["10-20", "20-30"], [None, "x"]),
        *(["2", "3", "4", "5", "more"], [*map(str, range(1, 11)), "J", "Q", "K"]),
        *(["1.0", "1.1", "2.0.1"], [*NUMBERS[:40], "V45"]),
        *(["1330-20-7", "7440-38-2"], ["12-34-5678"], ["2010.11.10-alpha"]),
        ["\ud800", "b", "c"],
    ],
)
def test_text_that_seems_to_be_categories(values, recwarn):
    frame = pd.DataFrame({"a": pd.Series(values * 10, dtype=object)})
    find_categories(frame, "from_dtype")
    # who names the column, or made it categorical, knows
    dates = pd.DataFrame({"a": ["2024-01-05", "2024-02-07"] * 10})
    find_categories(dates.astype("category"), "from_dtype")
    find_categories(dates, ["a"])
    assert not recwarn.list


def test_one_hot_columns_know_the_names():
    one_hot = OneHotColumns().fit(FRAME)
    with pytest.raises(ValueError, match="same order"):
        one_hot.transform(FRAME[FRAME.columns[::-1]])
    with pytest.raises(ValueError, match="features"):
        one_hot.transform(FRAME.to_numpy()[:, 1:])


def test_declared_categories_of_other_libraries(recwarn):
    dates = ["2024-01-05", "2024-02-07"] * 10
    polars, arrow = (pytest.importorskip(name) for name in ("polars", "pyarrow"))
    for frame in (
        polars.DataFrame({"a": polars.Series(dates, dtype=polars.Categorical)}),
        arrow.table({"a": arrow.array(dates).dictionary_encode()}),
    ):
        find_categories(frame, "from_dtype")
    assert not recwarn.list


def test_who_deals_with_categories():
    columns = ColumnTransformer([("a", OneHotEncoder(), ["a"])])
    forest = RandomForestClassifier()
    own = make_pipeline(columns, forest)
    for takes in (
        LadderClassifier(),
        SemiSupervisedVotingClassifier(),
        own,
        Pipeline([("nothing", "passthrough"), ("forest", forest)]),
        GridSearchCV(own, {}),
        CalibratedClassifierCV(own),
        StackingClassifier([("own", own), ("none", "drop")]),
        OneVsRestClassifier(own),
        HistGradientBoostingClassifier(categorical_features=["a"]),
    ):
        assert takes_categories(takes), takes
        assert takes_categories(LabeledOnlyClassifier(takes)), takes
    for takes_not in (
        forest,
        HistGradientBoostingClassifier(),
        LabeledOnlyClassifier(forest),
        VotingClassifier([("ladder", LadderClassifier()), ("forest", forest)]),
        # they make arrays of frames
        SelfTrainingClassifier(own),
        BaggingClassifier(own),
    ):
        assert not takes_categories(takes_not), takes_not


@pytest.mark.parametrize("n_rare", [0, 3])
def test_a_column_of_unknown_categories_is_told(n_rare, recwarn):
    codes = np.arange(400) % 4
    codes[:n_rare] = np.arange(n_rare) + 90
    frame = pd.DataFrame({"code": pd.Categorical(codes), "x": np.arange(400.0)})
    clf = small().fit(frame, np.arange(400) % 2)
    clf.predict(frame.iloc[:2])  # a few that were infrequent in fit
    assert not [w for w in recwarn if "none of the categories" in str(w.message)]
    with pytest.warns(UserWarning, match="none of the categories seen in training"):
        clf.predict(frame.assign(code=frame["code"].astype(str)))


def test_text_of_arrow():
    arrow = pytest.importorskip("pyarrow")
    for kind in (arrow.string(), arrow.large_string()):
        words = pd.Series(["a", "b", "c"] * 10, dtype=pd.ArrowDtype(kind))
        assert find_categories(pd.DataFrame({"a": words}), "from_dtype").is_expanding


def test_most_categories_are_unknown():
    """Numbers that became texts, but for a few."""
    frame = pd.DataFrame({"code": pd.Categorical(np.arange(60) % 4), "x": 1.0})
    frame["x"] = np.arange(60.0)
    clf = small().fit(frame, np.arange(60) % 2)
    codes = frame["code"].astype(object)
    codes[1:] = codes[1:].astype(str)
    with pytest.warns(UserWarning, match="Most values in column 'code' .* got"):
        clf.predict(frame.assign(code=codes))


@pytest.mark.parametrize("make", ["polars", "pyarrow"])
def test_numbers_that_were_text_are_given_back_as_text(make):
    module = pytest.importorskip(make)
    columns = {"a": ["1.5", "2.5", "3.5", "4"] * 10, "c": ["x", "y"] * 20}
    frame = getattr(module, "table" if make == "pyarrow" else "DataFrame")(columns)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that text holds numbers
        clf = small().fit(frame, ([0, 1] + [-1] * 6) * 5)
        denoised = clf.denoise(frame)
    found = np.asarray(
        denoised["a"].to_pylist() if make == "pyarrow" else denoised["a"]
    )
    assert np.isfinite(found.astype(float)).all()


@pytest.mark.parametrize(
    "texts",
    [
        ["39,1", "40", "38,65", "-1,5"],
        ["1,200", "950", "12,000", "1,200,000.50"],
        ["1.200,5", "3.400", "950,25"],
        ["12%", "7.5 %", "100%"],
        ["$5.20", "$ 1,000", "€7"],
        ["1\u202f234,5", "\u22127,5", "2’500"],
        ["5%", "10%", "20%", "unknown"],
        ["39,1", "40,2", "", "38,3"],
    ],
)
def test_numbers_that_are_text_by_the_way_they_are_written(texts):
    frame = pd.DataFrame({"size": np.resize(np.array(texts, object), 60)})
    with pytest.warns(UserWarning, match="'size' of X .* seems to hold numbers: "):
        small().fit(frame, np.arange(60) % 2)


@pytest.mark.parametrize(
    "texts",
    [
        ["18-25", "26-40", "41+"],
        ["1.2.3", "1.2.4", "2.0.1", "2.1.0"],
        ["A1,5", "B2,5", "C3,5"],
        ["7,5", "8,5"],  # two may be anything
        ["none", "some", "much", "unknown"],
        ["555-1234", "555-2345", "555-3456"],
        ["601 234 567", "602 345 678", "+49 102 609 555"],
    ],
)
def test_other_texts_are_categories_without_a_warning(texts, recwarn):
    frame = pd.DataFrame({"size": np.resize(np.array(texts, object), 60)})
    small().fit(frame, np.arange(60) % 2)
    assert not recwarn


@pytest.mark.parametrize("text", ["", "?", " ", "NaN", "<NA>"])
def test_categories_that_look_missing(text, recwarn):
    hand = np.resize(np.array(["left", "right", text], object), 60)
    with pytest.warns(UserWarning, match=r"'hand' of X has the categories .* missing"):
        small().fit(pd.DataFrame({"hand": hand}), np.arange(60) % 2)
    recwarn.clear()
    meant = pd.DataFrame({"hand": pd.Categorical(hand)})
    small().fit(meant, np.arange(60) % 2)
    assert not recwarn


def test_a_list_of_categories_must_be_complete():
    frame = pd.DataFrame({"age": np.arange(60), "sex": ["m", "f"] * 30})
    with pytest.raises(ValueError, match=r"\['sex'\].* must name all of them"):
        small(categorical_features=["age"]).fit(frame, np.arange(60) % 2)


@pytest.mark.parametrize("n_values", [30, 500, 5000])
@pytest.mark.filterwarnings("ignore:Column 'employer' of X has")  # by `fit`
def test_many_values_of_a_column_are_no_strange_chance(n_values):
    """Training and test samples are of the same distribution."""
    rng = np.random.RandomState(0)

    def frame(n):
        employer = [f"employer {i}" for i in rng.randint(n_values, size=n)]
        return pd.DataFrame({"employer": employer, "age": rng.normal(size=n)})

    clf = small().fit(frame(150), np.arange(150) % 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clf.predict(frame(1000))
        clf.predict(frame(1))


def test_copies_of_an_empty_text_are_named_as_they_are():
    hand = np.resize(np.array(["left", "right", "", "  "], object), 60)
    with pytest.warns(UserWarning, match=r"the categories \['', '  '\], which look"):
        small().fit(pd.DataFrame({"hand": hand}), np.arange(60) % 2)


def test_long_texts_are_cut_in_messages():
    frame = pd.DataFrame({"a": ["x" * 5000, "y" * 5000] * 20, "b": np.arange(40.0)})
    clf = LadderClassifier((4,), max_epochs=1).fit(frame, np.arange(40) % 2)
    with pytest.warns(UserWarning, match="none of the categories") as found:
        clf.predict(frame.assign(a="z" * 5000))
    assert max(len(str(warning.message)) for warning in found) < 500
    with pytest.raises(ValueError, match="X must be numbers") as error:
        clf.predict(frame.assign(b="z" * 5000))
    assert len(str(error.value)) < 700


def test_long_integers_as_categories():
    """As floats, which stand beside a missing one, several are the same number."""
    numbers = 2**53 + np.arange(3)
    categories = find_categories(np.repeat(numbers, 5)[:, None], [0]).features[0]
    assert categories.encode(numbers, "id").tolist() == [0, 1, 2]
    with_missing = np.array([2.0**53, 2.0**53 + 2, np.nan])
    encoded = categories.encode(with_missing, "id")
    assert encoded[0] not in (0, 1)  # which of the two it is, is unknown
    assert encoded[1] == 2


@pytest.mark.parametrize("dtype", ["uint8", "UInt8", "int8", "Sparse[uint8]"])
def test_denoised_integers_do_not_wrap_around(dtype):
    rng = np.random.RandomState(0)
    frame = pd.DataFrame(
        {"n": rng.randint(900, 1000, 60), "color": ["red", "blue"] * 30}
    )
    clf = LadderClassifier((4,), max_epochs=2, random_state=0).fit(
        frame, np.arange(60) % 2
    )
    few = frame[:4].assign(n=pd.Series([1, 2, 3, 4], dtype=dtype))
    denoised = clf.denoise(few)
    assert denoised["n"].dtype == dtype
    most = 127 if dtype == "int8" else 255
    as_int64 = clf.denoise(few.astype({"n": "int64"}))["n"]
    assert as_int64.min() > 255  # or the test shows nothing
    assert (denoised["n"] == most).all()
    if dtype != "uint8":
        return
    polars, pyarrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    for other in (polars.from_pandas(few), pyarrow.Table.from_pandas(few)):
        denoised = clf.denoise(other)
        assert denoised.schema == other.schema
        assert denoised["n"].to_numpy().tolist() == [255] * 4


def test_denoised_integers_of_64_bits():
    numbers, given = np.array([1.38e19, 1e20, -1.0]), np.zeros(3, np.uint64)
    found = _round(numbers, pd.Series(given))
    assert found.dtype == np.uint64
    assert found.astype(float).tolist() == [1.38e19, np.nextafter(2.0**64, 0), 0]


@pytest.mark.parametrize("missing", [None, np.nan])
def test_lists_of_texts_and_other_entries(missing):
    """In an array of texts, numbers and missing entries would be texts as well."""
    rows = [["a", 0.0], [missing, 1.0], ["b", 2.0]] * 10
    found = find_categories(rows, [0]).features[0]
    assert found.values.tolist() == ["a", "b"]
    clf = LadderClassifier(
        (4,), max_epochs=1, random_state=0, categorical_features=[0]
    ).fit(rows, [0, 1, 0] * 10)
    objects = np.array(rows, dtype=object)
    np.testing.assert_array_equal(clf.predict_proba(rows), clf.predict_proba(objects))
