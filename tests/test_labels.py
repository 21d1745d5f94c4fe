import numpy as np
import pandas as pd
import pytest
from sklearn.naive_bayes import GaussianNB

from sklearn_ladder import LadderClassifier
from sklearn_ladder.comparison import compare
from sklearn_ladder.data._labels import (
    encode_known_labels,
    encode_labels,
    labeled_part,
    warn_of_regression,
    without_labels,
)
from sklearn_ladder.data._splits import hold_out
from sklearn_ladder.ensemble import LabeledOnlyClassifier
from sklearn_ladder.model_selection import (
    LabeledStratifiedKFold,
    labeled_train_test_split,
)


@pytest.mark.parametrize(
    "y, classes, codes",
    [
        (np.array([0, 1, -1, 2]), [0, 1, 2], [0, 1, -1, 2]),
        (np.array([3.0, 5.0, -1.0, np.nan]), [3.0, 5.0], [0, 1, -1, -1]),
        (np.array(["a", "b", -1, "c"]), ["a", "b", "c"], [0, 1, -1, 2]),
        (np.array(["b", "a", -1, None], dtype=object), ["a", "b"], [1, 0, -1, -1]),
        (pd.Series(["a", None, "b", pd.NA]), ["a", "b"], [0, -1, 1, -1]),
        (pd.Series([0, 1, None], dtype="Int64"), [0, 1], [0, 1, -1]),
        (pd.Series([True, None, False], dtype="boolean"), [False, True], [1, -1, 0]),
        (pd.array([0, 1, None], dtype="Int64"), [0, 1], [0, 1, -1]),
        (pd.DataFrame({"y": pd.array([2, None, 1], "Int64")}), [1, 2], [1, -1, 0]),
        (pd.Series(pd.Categorical(["x", None, "y"])), ["x", "y"], [0, -1, 1]),
        ([7, 8, None, -1], [7, 8], [0, 1, -1, -1]),
        (["a", "b", np.nan, "a"], ["a", "b"], [0, 1, -1, 0]),
        (("a", None, -1.0, "b"), ["a", "b"], [0, -1, -1, 1]),
        ([True, False, np.nan], [False, True], [1, 0, -1]),
        (np.ma.array([4, 3, 9], mask=[0, 0, 1]), [3, 4], [1, 0, -1]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_markers_are_no_class(y, classes, codes):
    labels = encode_labels(y)
    assert labels.classes.tolist() == classes
    assert labels.codes.tolist() == codes


@pytest.mark.parametrize(
    "values, classes", [([0, None, 1], [0, 1]), (["a", None, "b"], ["a", "b"])]
)
def test_polars_series(values, classes):
    polars = pytest.importorskip("polars")
    labels = encode_labels(polars.Series(values))
    assert labels.classes.tolist() == classes
    assert labels.codes.tolist() == [0, -1, 1]


@pytest.mark.parametrize(
    "y, lost", [(["a", np.nan, "b"], "nan"), (["a", -1.0, "b"], "-1.0")]
)
def test_missing_labels_that_became_strings(y, lost):
    with pytest.warns(UserWarning, match=rf"classes \['{lost}'\]"):
        encode_labels(np.array(y))
    with pytest.warns(UserWarning, match=rf"classes \['{lost}'\]"):
        encode_labels(pd.Series(y, dtype=object).map(str))


@pytest.mark.parametrize(
    "classes, y, codes",
    [
        ([0, 1], np.array([True, False]), [1, 0]),
        ([False, True], [0, -1, 1], [0, -1, 1]),
        ([1.0, 2.0], [2, 1, -1], [1, 0, -1]),
        (np.array([0, 1], np.float16), np.array([1, -1, 0], np.float16), [1, -1, 0]),
    ],
)
def test_equal_labels_of_another_kind(classes, y, codes):
    assert encode_known_labels(y, classes).codes.tolist() == codes


def test_integers_among_missing_labels_stay_integers():
    y = pd.Series([0, 1, None, 2], dtype="Int64")
    assert encode_labels(y).classes.dtype == np.int64


@pytest.mark.parametrize(
    "y, message",
    [
        (None, "requires y to be passed"),
        ([-1, -1, -1], "3 samples, all unlabeled"),
        ([1, 1, -1], "at least two classes; got 1 class"),
        ([-1, 1, -1, 1], r"as in \{-1, 1\}, give that class another name"),
        ([0.1, 0.2, 0.35, -1], "Unknown label type: continuous"),
        ([0, 1, np.inf], "infinity"),
        (np.zeros((3, 2)), "1d array"),
        (["a", 1, -1, "b"], "all strings or all numbers; got 'a' and 1"),
    ],
)
def test_bad_labels(y, message):
    with pytest.raises(ValueError, match=message):
        encode_labels(y)


@pytest.mark.filterwarnings("ignore:.*matrix:PendingDeprecationWarning")
def test_a_matrix_has_no_labels():
    with pytest.raises(TypeError, match=r"y must not be an np\.matrix"):
        encode_labels(np.matrix([[0], [1], [-1]]))


@pytest.mark.parametrize(
    "y, classes, codes",
    [
        ([1, -1, 1], [2, 1, 0], [1, -1, 1]),
        ([-1, -1], [0, 1], [-1, -1]),
        ([None, np.nan], ["a", "b"], [-1, -1]),
        (pd.Series(["b", None, "a"]), ["a", "b"], [1, -1, 0]),
        (np.array(["b", -1]), ["a", "b"], [1, -1]),
        ([True, None], [False, True], [1, -1]),
        ([1, -1, 0], [-1, 0, 1], [1, -1, 0]),
        ([1.0, np.nan], [0, 1], [1, -1]),
    ],
)
def test_known_classes_may_be_absent(y, classes, codes):
    labels = encode_known_labels(y, classes)
    assert labels.classes.tolist() == sorted(set(classes) - {-1})
    assert labels.codes.tolist() == codes


@pytest.mark.parametrize(
    "y, classes, message",
    [
        ([0, 3, 7], [0, 1], r"must have labels of \[0 1\] only; got \[3 7\], too"),
        ([0, 0], [0], "classes must have labels of at least two"),
        ([], [], "classes must have labels of at least two"),
        ([1, "a", -1], [0, 1], "all strings or all numbers; got 'a' and 1"),
        ([1], ["a", None, 1], "all strings or all numbers; got 'a' and 1"),
        ([1], [-1, 1], r"two classes; got 1 class: \[1\]. -1 means unlabeled"),
    ],
)
def test_bad_known_classes(y, classes, message):
    with pytest.raises(ValueError, match=message):
        encode_known_labels(y, classes)


def test_hold_out_is_of_labeled_rows_by_class():
    codes = np.array([0] * 40 + [1] * 20 + [-1] * 100)
    held_out = hold_out(codes, 0.25, random_state=0)
    assert np.bincount(codes[held_out]).tolist() == [10, 5]
    assert not np.array_equal(held_out, hold_out(codes, 0.25, random_state=1))


@pytest.mark.parametrize(
    "counts, fraction", [([1, 1], 0.3), ([10, 10], 0.05), ([3, 3], 0.9)]
)
def test_too_few_labels_to_hold_out(counts, fraction):
    codes = np.repeat([0, 1, -1], [*counts, 50])
    message = (
        f"validation_fraction={fraction} of {sum(counts)} labeled samples in 2 classes"
    )
    with pytest.raises(ValueError, match=message):
        hold_out(codes, fraction, random_state=0)


# ------------------------------------------------------------------- one door for all


def arrow(values, chunked=False):
    pyarrow = pytest.importorskip("pyarrow")
    array = pyarrow.array(values)
    if chunked:
        return pyarrow.chunked_array([array.dictionary_encode()])
    return pyarrow.table({"y": array})


def strings(na):
    if not hasattr(np.dtypes, "StringDType"):
        pytest.skip("NumPy 2 has them")
    return np.array(["b", na, "a"], dtype=np.dtypes.StringDType(na_object=na))


BIG = 2**60 + 1
OPENED = {
    "integers and None": (lambda: [1, None, 0], [0, 1], np.int64),
    "big integers and NaN": (lambda: [BIG, np.nan, 0], [0, BIG], np.int64),
    "unsigned and -1": (lambda: [2**64 - 1, -1, 0], [0, 2**64 - 1], np.uint64),
    "big categories": (
        lambda: pd.Series(pd.Categorical([BIG, None, 0])),
        [0, BIG],
        np.int64,
    ),
    "UInt64": (
        lambda: pd.Series([2**64 - 1, None, 0], dtype="UInt64"),
        [0, 2**64 - 1],
        np.uint64,
    ),
    "Int8": (lambda: pd.array([1, None, 0], "Int8"), [0, 1], np.int8),
    "bool and number": (lambda: [True, None, 0], [0, 1], np.int64),
    "integer and float": (lambda: [1.0, None, 0], [0, 1], np.int64),
    "long double": (
        lambda: np.array([1, np.nan, 0], np.longdouble),
        [0, 1],
        np.longdouble,
    ),
    "NumPy strings in a list": (
        lambda: [np.str_("b"), np.str_("-1"), np.str_("a")],
        ["a", "b"],
        object,
    ),
    "masked": (lambda: [1, np.ma.masked, 0], [0, 1], np.int64),
    "column": (lambda: pd.DataFrame({"y": ["b", None, "a"]}), ["a", "b"], object),
    "Arrow": (lambda: arrow([BIG, None, 0]), [0, BIG], np.int64),
    "Arrow dictionary": (lambda: arrow(["b", None, "a"], True), ["a", "b"], object),
    "strings, None": (lambda: strings(None), ["a", "b"], object),
    "strings, NaN": (lambda: strings(np.nan), ["a", "b"], object),
    "strings, a string": (lambda: strings("gone"), ["a", "b"], object),
    "polars frame": (
        lambda: pytest.importorskip("polars").DataFrame({"y": [BIG, None, 0]}),
        [0, BIG],
        np.int64,
    ),
}


@pytest.mark.parametrize("make, classes, dtype", OPENED.values(), ids=OPENED)
def test_labels_keep_their_dtype(make, classes, dtype):
    y = make()
    labels = encode_labels(y)
    assert labels.classes.tolist() == classes and labels.classes.dtype == dtype
    assert labels.codes.tolist() == [1, -1, 0]
    labeled, found = labeled_part(y)
    assert labeled.tolist() == [True, False, True]
    assert found.tolist() == classes[::-1] and found.dtype == dtype
    assert encode_known_labels(y, labels.classes).codes.tolist() == [1, -1, 0]
    # and back through the door
    y_train = without_labels(labels, np.array([], int))
    again = encode_labels(y_train)
    assert again.classes.tolist() == classes and again.codes.tolist() == [1, -1, 0]


def test_times_without_labels_are_times():
    y = np.array(["2020-01-01", "NaT", "2021-01-01"], dtype="M8[ns]")
    labels = encode_labels(y)
    y_train = without_labels(labels, np.array([0]))
    np.testing.assert_array_equal(y_train, np.array(["NaT", "NaT", y[2]], y.dtype))


DOORS = {
    "fit": encode_labels,
    "score": labeled_part,
    "partial_fit": lambda y: encode_known_labels(y, [0, 1]),
}


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
@pytest.mark.parametrize(
    "y, message",
    [
        (np.array([b"0", b"-1"]), "must not be bytes"),
        (np.array([b"0", -1], dtype=object), "must not be bytes"),
        ([0, 2**64], "fit into 64 bits"),
        ([-(2**63) - 1, 0], "fit into 64 bits"),
        ([-5, 2**63], "fit into 64 bits"),
        ([0.5, 1, None], "Unknown label type: continuous"),
        (np.array([0.5, 1.0]), "Unknown label type: continuous"),
        ([(0, 1), (1, 2)], "1d array"),
        ([{0}, {1}], r"Unknown label type.*\['set'\]"),
        (np.array(3), "1d array"),
        (pd.DataFrame({"a": [0, 1], "b": [1, 0]}), "1d array"),
        (np.array([(0, 1)], dtype="i4,i4"), "Unknown label type"),
    ],
    ids=str,
)
def test_all_doors_refuse_alike(door, y, message):
    with pytest.raises((ValueError, TypeError), match=message):
        door(y)


@pytest.mark.parametrize(
    "mark",
    [
        *("", " -1", "-1.0", "NaN", "nan", "NaT", "null", "NA", "N/A", "None", "<NA>"),
        *("unknown", "?", "Unlabeled", -9, -99, -999.0),
    ],
)
def test_all_doors_warn_alike(mark):
    y = np.array(["a", mark, "b"] if isinstance(mark, str) else [0, mark, 1])
    doors = [encode_labels, labeled_part, lambda y: encode_known_labels(y, y)]
    for door in doors:
        with pytest.warns(UserWarning, match="looks? like (a )?missing label") as seen:
            door(y)
        assert len(seen) == 1


def test_classes_that_differ_only_by_spaces():
    y = np.array(["no", "yes", " yes", "no\t", "maybe"])
    with pytest.warns(UserWarning, match="which differ only by spaces") as seen:
        encode_labels(y)
    message = str(seen[0].message)
    assert all(repr(str(label)) in message for label in y[:4])
    assert "maybe" not in message


@pytest.mark.parametrize("y", [[-2, 2], [-9, -8, 3], ["a-b", "no"], [-0.0, 1.0]])
def test_classes_that_do_not_look_missing(y, recwarn):
    encode_labels(y)
    assert not recwarn.list


def test_many_classes_of_one_label_are_no_regression(recwarn):
    labels = encode_labels(np.r_[np.arange(26.0), np.full(100, -1)])
    assert len(labels.classes) == 26 and not recwarn.list


def test_hold_out_leaves_the_only_label_of_a_class():
    codes = np.repeat([0, 1, 2, -1], [10, 10, 1, 9])
    with pytest.warns(UserWarning, match="1 of 3 classes have so few labels"):
        held_out = hold_out(codes, 0.3, random_state=0)
    assert set(codes[held_out]) == {0, 1}


def test_hold_out_tells_of_classes_that_it_lacks():
    """With two labels, a class may be in training only, and may be held out."""
    codes = np.repeat([0, 1, -1], [98, 2, 50])
    with pytest.warns(UserWarning, match="1 of 2 classes have so few labels"):
        held_out = hold_out(codes, 0.1, random_state=0)
    assert set(codes[held_out]) == {0}


def test_strings_of_pandas_with_missing_labels():
    y = pd.Series(["a", "b", None, "-1", "a"], dtype="str")
    labels = encode_labels(y)
    assert labels.classes.tolist() == ["a", "b"]
    assert labels.codes.tolist() == [0, 1, -1, -1, 0]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint64])
def test_a_marker_that_became_unsigned_is_told(dtype):
    y = np.array([0, 1, -1, -1]).astype(dtype)
    with pytest.warns(UserWarning, match="which -1 becomes in unsigned integers"):
        assert len(encode_labels(y).classes) == 3


def test_of_times_only_nat_is_missing():
    y = np.array([-1, 1, 2, "NaT"], dtype="m8[D]")
    assert encode_labels(y).codes.tolist() == [0, 1, 2, -1]


QUICK = LadderClassifier((4,), max_epochs=1, random_state=0)


@pytest.mark.parametrize(
    "door",
    [
        lambda X, y: QUICK.fit(X, y),
        lambda X, y: QUICK.fit(X, y.to_numpy()).score(X, y),
        lambda X, y: LabeledOnlyClassifier(GaussianNB()).fit(X, y),
        lambda X, y: compare(X, y, methods={"Bayes": GaussianNB()}, max_time=0),
    ],
)
def test_labels_in_another_order_than_samples(door, recwarn):
    X = pd.DataFrame(np.random.RandomState(0).normal(size=(40, 2)), columns=["a", "b"])
    y = pd.Series(np.arange(40) % 2)
    shuffled = y.sample(frac=1, random_state=0)
    with pytest.warns(UserWarning, match=r"pass y\.loc\[X\.index\]; otherwise"):
        door(X, shuffled)
    recwarn.clear()
    door(X, shuffled.reset_index(drop=True))
    door(X.set_axis(np.arange(40) + 100), y.set_axis(np.arange(40) + 100))
    assert not [w for w in recwarn if "index" in str(w.message)]


def test_indexes_that_cannot_be_compared_are_let_be(recwarn):
    X = pd.DataFrame(np.random.RandomState(0).normal(size=(40, 2)), columns=["a", "b"])
    y = pd.Series(np.arange(40) % 2)
    two = pd.MultiIndex.from_arrays([np.arange(40), np.arange(40) % 3])
    three = pd.MultiIndex.from_arrays([np.arange(40)] * 3)
    for of_X, of_y in [(two, y.index), (X.index, two), (two, three)]:
        QUICK.fit(X.set_axis(of_X), y.set_axis(of_y))
    QUICK.fit(X, y.set_axis(list("ab") * 20))
    assert not recwarn


@pytest.mark.parametrize(
    "split",
    [
        lambda X, y: list(LabeledStratifiedKFold(2).split(X, y)),
        labeled_train_test_split,
    ],
)
def test_splits_see_labels_in_another_order(split):
    X, y = pd.DataFrame({"a": np.arange(40)}), pd.Series(np.arange(40) % 2)
    with pytest.warns(UserWarning, match=r"y\.to_numpy\(\)"):
        split(X, y[::-1])


@pytest.mark.parametrize(
    "y",
    [
        np.arange(90) * 37 + 5000,
        np.where(np.arange(100) % 2, np.arange(100) * 37, -1),
        (np.arange(90) / 7).astype(str),
        np.random.RandomState(0).randint(5000, size=500),
    ],
    ids=["integers", "some integers", "texts", "integers that repeat"],
)
def test_labels_that_seem_to_be_a_target_of_regression(y):
    with pytest.warns(UserWarning, match="target of a regression, make few classes"):
        warn_of_regression(encode_labels(y))


@pytest.mark.parametrize(
    "y",
    [
        np.where(np.arange(100) < 40, np.arange(100), -1),  # one label per class
        np.random.RandomState(0).choice(100, 60, replace=False),
        np.arange(100) % 30 * 1000,  # few labels per class
        [f"person {number}" for number in range(100)],
        np.arange(20) * 100,
        np.repeat(np.arange(1900, 1940), 2),
        pd.date_range("2020", periods=100, freq="D"),
    ],
    ids=["one each", "some classes", "many classes", "names", "few", "years", "times"],
)
def test_many_classes_are_no_target_of_regression(y, recwarn):
    warn_of_regression(encode_labels(y))
    assert not recwarn
