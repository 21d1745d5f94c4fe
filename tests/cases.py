"""Generated data sets for the property tests: samples, labels and weights.

A case is described by names and numbers alone, so that a failing one can be read and
run again. `samples`, `labels` and `weights` make the data that a description means.
"""

import os
import tempfile
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from scipy import sparse

IMAGE_SHAPE = (1, 4, 4)

# ------------------------------------------------------------------------- samples

# From standard normal values, shape (n_samples, n_features), to those of a case.
VALUES = {
    "normal": lambda x: x,
    "float32 denormal": lambda x: x * 1e-40,
    "small": lambda x: x * 1e-30,
    "large": lambda x: x * 1e30,
    "nearly too large": lambda x: x * 1e37,
    "too large for float32": lambda x: x * 1e300,
    "far from zero": lambda x: 1.7e12 + 6e4 * x,
    "far from zero, sentinels": lambda x: np.where(x > 1, 0, 1.7e12 + 6e4 * x),
    "beyond 2**53": lambda x: 2.0**60 + 1e6 * x,
    "sentinels": lambda x: np.where(x < -1, -9999, x),
    "few values": np.round,
    "binary": lambda x: (x > 0).astype(float),
    "rare ones": lambda x: (x > 1.8).astype(float),
    "constant feature": lambda x: np.where(np.arange(x.shape[1]) == 0, 7.1, x),
    "constant": lambda x: np.full_like(x, 0.1),
    "equal samples": lambda x: np.tile(x[:1], (len(x), 1)),
    "two distinct samples": lambda x: x[np.arange(len(x)) % 2 % len(x)],
    "pixels": lambda x: 1 / (1 + np.exp(-x)),
    "mixed scales": lambda x: x * 10.0 ** np.linspace(-25, 25, x.shape[1]),
    "heavy tails": lambda x: np.sinh(5 * x),
    "one outlier": lambda x: np.where(np.arange(x.size).reshape(x.shape) == 0, 1e20, x),
}

# Where entries are missing, by uniform numbers of the shape of the samples.
GAPS = {
    "none": lambda u: np.zeros(u.shape, bool),
    "some": lambda u: u < 0.2,
    "one": lambda u: np.arange(u.size).reshape(u.shape) == u.size // 2,
    "whole feature": lambda u: np.arange(u.shape[1])[None, :] + 0 * u == 0,
    "whole samples": lambda u: np.broadcast_to(u[:, :1] < 0.2, u.shape),
    "most": lambda u: u < 0.9,
    "all": lambda u: np.ones(u.shape, bool),
}

FLOATS = ["float64", "float32", "float16", "longdouble"]
INTEGERS = ["int64", "int8", "uint8", "uint64"]
DTYPES = [*FLOATS, *INTEGERS, "bool", "object"]
SENTINEL = -9999.0  # under a mask


def in_dtype(values, dtype):
    """Values of a dtype, object arrays with Python's floats; no dtype makes gaps."""
    if dtype == "object":
        return values.astype(object)
    if dtype == "bool":
        return values > np.nanmin(values) if np.isfinite(values).any() else values > 0
    if dtype in INTEGERS:
        info = np.iinfo(dtype)
        largest = np.nextafter(float(info.max), 0) if info.bits == 64 else info.max
        return np.clip(np.nan_to_num(values, nan=0.0), info.min, largest).astype(dtype)
    with np.errstate(over="ignore"):
        return values.astype(dtype)


def _columns(values):
    return {f"f{i}": values[:, i] for i in range(values.shape[1])}


def _frame(as_column):
    def make(values):
        return pd.DataFrame({k: as_column(v) for k, v in _columns(values).items()})

    return make


def _objects(missing):
    def make(values):
        X = values.astype(object)
        X[np.isnan(values.astype(float))] = missing
        return X

    return make


def _strided(values):
    wide = np.zeros((2 * values.shape[0], 2 * values.shape[1]), values.dtype)
    wide[::2, 1::2] = values
    return wide[::2, 1::2]


def _read_only(values):
    X = values.copy()
    X.flags.writeable = False
    return X


def _masked(values):
    mask = np.isnan(values.astype(float))
    X = values.copy()
    X[mask] = SENTINEL
    return np.ma.masked_array(X, mask)


def _non_canonical(values):
    """CSR whose entries are sums of two, not in order, with zeros stored."""
    n, d = values.shape
    one = np.ones((), values.dtype)
    data = np.stack([values[:, ::-1] - one, np.full_like(values, one)], axis=2)
    columns = np.repeat(np.arange(d)[::-1], 2)
    return sparse.csr_matrix(
        (data.ravel(), np.tile(columns, n), np.arange(n + 1) * 2 * d), shape=(n, d)
    )


def _memmap(mode):
    def make(values):
        # an unnamed file, which lives as long as its mapping
        with tempfile.NamedTemporaryFile(delete=False) as file:
            file.write(np.ascontiguousarray(values).tobytes())
        X = np.memmap(file.name, values.dtype, mode=mode, shape=values.shape)
        os.unlink(file.name)
        return X

    return make


def _time(unit, start):
    """A column of times, then numbers: a missing number is a missing time."""

    def make(values):
        X = pd.DataFrame(_columns(values))
        missing = X["f0"].isna()
        steps = X["f0"].where(~missing, 0).clip(-1e4, 1e4).astype("int64")
        X["f0"] = (start + steps.astype(unit)).where(~missing)
        return X

    return make


class Container(NamedTuple):
    make: Callable  # from an ndarray, shape (n_samples, n_features)
    dtypes: list = DTYPES
    refusal: str | None = None  # what an error, where one is right, must say
    refuses_gaps: str | None = None  # the same, where entries are missing


IS_SPARSE = dict(dtypes=["float64", "float32", "int64", "bool"], refuses_gaps="sparse")
BIG = ["float64", "float32"]
CONTAINERS = {
    "ndarray": Container(np.array),
    "ndarray, Fortran order": Container(np.asfortranarray),
    "ndarray, strided": Container(_strided),
    "ndarray, reversed": Container(lambda v: v[::-1].copy()[::-1]),
    "ndarray, read-only": Container(_read_only),
    "ndarray, big-endian": Container(
        lambda v: v.astype(v.dtype.newbyteorder(">")), BIG
    ),
    "list": Container(lambda v: v.tolist(), ["float64", "int64", "bool"]),
    "frame": Container(_frame(pd.Series)),
    "frame, nullable": Container(
        _frame(lambda v: pd.array(v, dtype="Float64")), ["float64"]
    ),
    "frame, nullable integers": Container(
        _frame(lambda v: pd.array(v, dtype="Int64")), ["int64"]
    ),
    "frame, nullable booleans": Container(
        _frame(lambda v: pd.array(v, dtype="boolean")), ["bool"]
    ),
    "frame, sparse": Container(
        _frame(lambda v: pd.arrays.SparseArray(v, fill_value=v.dtype.type(0))),
        BIG,
        refuses_gaps="[Ss]parse",
    ),
    "frame, sparse, filled with 1": Container(
        _frame(lambda v: pd.arrays.SparseArray(v, fill_value=v.dtype.type(1))),
        BIG,
        refusal="[Ss]parse|fill",
    ),
    "frame, sparse, filled with NaN": Container(
        _frame(lambda v: pd.arrays.SparseArray(v, fill_value=np.nan)),
        ["float64"],
        refusal="[Ss]parse|fill",
    ),
    "frame, arrow": Container(
        _frame(lambda v: pd.array(v, dtype=pd.ArrowDtype(pa.float64()))), ["float64"]
    ),
    "frame, arrow nulls": Container(
        _frame(
            lambda v: pd.Series(
                pd.arrays.ArrowExtensionArray(pa.array(v, from_pandas=True))
            )
        ),
        ["float64"],
    ),
    "objects with None": Container(_objects(None), ["float64"]),
    "objects with NA": Container(
        _objects(pd.NA), ["float64"], refuses_gaps="NA|object"
    ),
    "frame, objects with NA": Container(
        lambda v: pd.DataFrame(_objects(pd.NA)(v)).add_prefix("f"),
        ["float64"],
        refuses_gaps="NA|object",
    ),
    "frame, objects with None": Container(
        lambda v: pd.DataFrame(_objects(None)(v)).add_prefix("f"), ["float64"]
    ),
    "polars": Container(lambda v: pl.DataFrame(_columns(v)), BIG),
    "polars with nulls": Container(
        lambda v: pl.DataFrame(_columns(v)).fill_nan(None), ["float64"]
    ),
    "arrow table": Container(
        lambda v: pa.table(_columns(v)), ["float64"], refusal="[Aa]rrow|X"
    ),
    "csr": Container(sparse.csr_matrix, **IS_SPARSE),
    "csc": Container(sparse.csc_matrix, **IS_SPARSE),
    "coo": Container(sparse.coo_matrix, **IS_SPARSE),
    "lil": Container(sparse.lil_matrix, **IS_SPARSE),
    "csr array": Container(sparse.csr_array, **IS_SPARSE),
    "coo array": Container(sparse.coo_array, **IS_SPARSE),
    "csr, not canonical": Container(
        _non_canonical, ["float64", "int64"], refuses_gaps="sparse"
    ),
    "memmap": Container(_memmap("r"), ["float64", "float32", "uint8"]),
    "memmap, copy on write": Container(_memmap("c"), ["float32", "float64"]),
    "masked array": Container(_masked, ["float64", "float32"], refuses_gaps="mask"),
    "masked array, no mask": Container(np.ma.masked_array, ["float64", "int64"]),
    "images": Container(
        lambda v: v.reshape(len(v), *IMAGE_SHAPE), ["float64", "float32", "uint8"]
    ),
    "frame, timedelta": Container(
        _time("m8[s]", pd.Timedelta(0)), ["float64"], refusal="(?i)time.*f0|f0.*time"
    ),
    "frame, datetime": Container(
        _time("m8[s]", pd.Timestamp("2020-01-01")),
        ["float64"],
        refusal="(?i)time.*f0|f0.*time",
    ),
}


class Samples(NamedTuple):
    make: Callable  # from an array like `values` to the container
    values: np.ndarray  # (n_samples, n_features), of the dtype of the case

    @property
    def X(self):
        return self.make(self.values)

    @property
    def meaning(self):
        """float64, NaN where an entry is missing."""
        return self.values.astype(np.float64)


def samples(case):
    """The samples that a case describes."""
    rng = np.random.RandomState(case.seed)
    shape = case.n_samples, case.n_features
    values = VALUES[case.values](rng.normal(size=shape))
    values[GAPS[case.gaps](rng.uniform(size=shape))] = np.nan
    return Samples(CONTAINERS[case.container].make, in_dtype(values, case.dtype))


# -------------------------------------------------------------------------- labels

WORDS = ["ant", "bee", "cat", "dog"]
NUMBERS = [0, 1, 2, 3]
BIG_NUMBERS = [2**60, 2**60 + 1, 2**60 + 2, 2**60 + 3]
BIG_UNSIGNED = [2**63 + 1, 2**63 + 2, 2**63 + 3, 2**63 + 4]
BYTES = [word.encode() for word in WORDS]


def _array(dtype, marker=-1):
    return lambda labels: np.array([marker if v is None else v for v in labels], dtype)


def _marked(marker):
    """Objects, `marker` where there is no label."""

    def make(labels):
        y = np.empty(len(labels), dtype=object)
        y[:] = [marker if label is None else label for label in labels]
        return y

    return make


def _string_dtype(na):
    def make(labels):
        return np.array(
            [na if label is None else label for label in labels],
            dtype=np.dtypes.StringDType(na_object=na),
        )

    return make


def _masked_labels(labels):
    return np.ma.masked_array(
        [3 if label is None else label for label in labels],
        [label is None for label in labels],
    )


class LabelKind(NamedTuple):
    classes: list  # in their order
    make: Callable  # from a list of labels, None where there is none
    refusal: str | None = None  # what an error, where one is right, must say
    needs_all: bool = False  # has no place for a marker


def _categories(labels):
    return pd.Series(pd.Categorical(labels, categories=[*WORDS, "unused"]))


ANY_BYTES = "bytes"
LABELS = {
    "int64": LabelKind(NUMBERS, _array(np.int64)),
    "int8": LabelKind(NUMBERS, _array(np.int8)),
    "big integers": LabelKind(BIG_NUMBERS, _array(np.int64)),
    "uint64": LabelKind(BIG_UNSIGNED, _array(np.uint64), needs_all=True),
    "uint64 objects": LabelKind(
        BIG_UNSIGNED, lambda y: _marked(None)([v and np.uint64(v) for v in y])
    ),
    "UInt64": LabelKind(BIG_UNSIGNED, lambda y: pd.Series(y, dtype="UInt64")),
    "list": LabelKind(NUMBERS, lambda y: [-1 if v is None else v for v in y]),
    "list with None": LabelKind(NUMBERS, list),
    "tuple of words": LabelKind(WORDS, tuple),
    "column": LabelKind(NUMBERS, lambda y: _array(np.int64)(y)[:, None]),
    "frame": LabelKind(NUMBERS, lambda y: pd.DataFrame({"y": _array(np.int64)(y)})),
    "frame, nullable": LabelKind(
        NUMBERS, lambda y: pd.DataFrame({"y": pd.array(y, "Int64")})
    ),
    "Int64": LabelKind(NUMBERS, lambda y: pd.Series(y, dtype="Int64")),
    "Int64 array": LabelKind(BIG_NUMBERS, lambda y: pd.array(y, dtype="Int64")),
    "words": LabelKind(WORDS, _array(str, "-1")),
    "words, None": LabelKind(WORDS, _marked(None)),
    "words, NaN": LabelKind(WORDS, _marked(np.nan)),
    "words, NA": LabelKind(WORDS, _marked(pd.NA)),
    "words, -1": LabelKind(WORDS, _marked(-1)),
    "words, NaT": LabelKind(WORDS, _marked(pd.NaT)),
    "Series of words": LabelKind(WORDS, lambda y: pd.Series(y, dtype=object)),
    "string": LabelKind(WORDS, lambda y: pd.Series(y, dtype="string")),
    "str": LabelKind(WORDS, lambda y: pd.Series(y, dtype="str")),
    "StringDType": LabelKind(
        WORDS, lambda y: np.array([v or "-1" for v in y], np.dtypes.StringDType())
    ),
    "StringDType, None": LabelKind(WORDS, _string_dtype(None)),
    "StringDType, NaN": LabelKind(WORDS, _string_dtype(np.nan)),
    "bytes": LabelKind(BYTES, _array("S3", b"-1"), ANY_BYTES),
    "bytes, None": LabelKind(BYTES, _marked(None), ANY_BYTES),
    "bool": LabelKind([False, True], _array(bool), needs_all=True),
    "bool, None": LabelKind([False, True], _marked(None)),
    "bool, -1": LabelKind([False, True], _marked(-1)),
    "list of bool": LabelKind([False, True], list),
    "boolean": LabelKind([False, True], lambda y: pd.Series(y, dtype="boolean")),
    "bool and numbers": LabelKind(
        [0, 1], lambda y: _marked(None)([True if v == 1 else v for v in y])
    ),
    "float64": LabelKind([0.0, 1.0, 2.0, 3.0], _array(np.float64)),
    "float64, NaN": LabelKind([0.0, 1.0, 2.0, 3.0], _array(np.float64, np.nan)),
    "float16": LabelKind([0.0, 1.0, 2.0, 3.0], _array(np.float16)),
    "longdouble": LabelKind([0.0, 1.0, 2.0, 3.0], _array(np.longdouble, np.nan)),
    "fractions": LabelKind([0.5, 1.5, 2.5, 3.5], _array(np.float64), "continuous"),
    "numbers, None": LabelKind([0, 1, 2, 3], _marked(None)),
    "numbers and floats": LabelKind(
        [0.0, 1.0, 2.0, 3.0], lambda y: [int(v) if v in (0, 2) else v for v in y]
    ),
    "masked array": LabelKind(NUMBERS, _masked_labels),
    "categorical": LabelKind(WORDS, _categories),
    "categorical array": LabelKind(WORDS, pd.Categorical),
    "categorical numbers": LabelKind(
        BIG_NUMBERS, lambda y: pd.Series(pd.Categorical(y))
    ),
    "arrow-backed": LabelKind(
        BIG_NUMBERS, lambda y: pd.Series(y, dtype=pd.ArrowDtype(pa.int64()))
    ),
    "arrow-backed words": LabelKind(
        WORDS, lambda y: pd.Series(y, dtype=pd.ArrowDtype(pa.string()))
    ),
    "arrow": LabelKind(BIG_NUMBERS, lambda y: pa.array(y, pa.int64()), "[Aa]rrow"),
    "arrow words": LabelKind(WORDS, lambda y: pa.chunked_array([y]), "[Aa]rrow"),
    "polars": LabelKind(BIG_NUMBERS, lambda y: pl.Series(y, dtype=pl.Int64)),
    "polars words": LabelKind(WORDS, lambda y: pl.Series(y, dtype=pl.String)),
    "polars categories": LabelKind(WORDS, lambda y: pl.Series(y, dtype=pl.Categorical)),
}

# Which samples are labeled, by their numbers and codes.
LABELED = {
    "half": lambda i, codes: i % 5 < 3,
    "all": lambda i, codes: i >= 0,
    "two": lambda i, codes: i < 2,
    "one per class": lambda i, codes: np.isin(
        i, np.unique(codes, return_index=True)[1]
    ),
    "all but two": lambda i, codes: i > 1,
    "one class": lambda i, codes: codes == 0,
    "none": lambda i, codes: i < 0,
}


class Labels(NamedTuple):
    kind: LabelKind
    labels: list  # None where there is none

    @property
    def y(self):
        return self.kind.make(self.labels)

    @property
    def labeled(self):
        return np.array([label is not None for label in self.labels])

    @property
    def classes(self):
        """Those of which there is a label, in their order."""
        return [label for label in self.kind.classes if label in self.labels]

    def take(self, index):
        return self._replace(labels=[self.labels[i] for i in index])


def labels(case):
    """The labels that a case describes."""
    kind, i = LABELS[case.labels], np.arange(case.n_samples)
    codes = i % min(case.n_classes, len(kind.classes))
    labeled = LABELED["all" if kind.needs_all else case.labeled](i, codes)
    given = [
        kind.classes[c] if has else None for c, has in zip(codes, labeled, strict=True)
    ]
    return Labels(kind, given)


# ------------------------------------------------------------------------- weights


def _masked_weights(u, labeled):
    return np.ma.masked_array(np.where(labeled, u, SENTINEL), ~labeled)


# Of uniform numbers above 0 and of which samples are labeled.
WEIGHTS = {
    "none": lambda u, labeled: None,
    "ones": lambda u, labeled: np.ones(len(u)),
    "some": lambda u, labeled: u,
    "float32": lambda u, labeled: u.astype(np.float32),
    "integers": lambda u, labeled: np.ceil(3 * u).astype(int),
    "list": lambda u, labeled: u.tolist(),
    "Series": lambda u, labeled: pd.Series(u),
    "tiny": lambda u, labeled: u * 1e-300,
    "huge": lambda u, labeled: u * 1e307,
    "very different": lambda u, labeled: 10.0 ** np.round(200 * u - 100),
    "NaN if unlabeled": lambda u, labeled: np.where(labeled, u, np.nan),
    "masked if unlabeled": _masked_weights,
    "zero but one": lambda u, labeled: (np.arange(len(u)) == np.argmax(labeled)) * 1.0,
    "all zero": lambda u, labeled: np.zeros(len(u)),
    "negative": lambda u, labeled: -u,
    "NaN": lambda u, labeled: np.full(len(u), np.nan),
    "infinite": lambda u, labeled: np.full(len(u), np.inf),
    "too few": lambda u, labeled: u[:-1],
}
WRONG_WEIGHTS = {"all zero", "negative", "NaN", "infinite", "too few"}


def weights(case, labeled):
    """The sample weights that a case describes."""
    u = np.random.RandomState(case.seed).uniform(0.1, 1, size=case.n_samples)
    return WEIGHTS[case.weights](u, labeled)
