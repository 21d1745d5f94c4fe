"""Samples in any container, dtype and scale, with any pattern of gaps."""

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
    half = (values[:, ::-1] / 2).astype(values.dtype)
    data = np.stack([values[:, ::-1] - half, half], axis=2)
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


def make_samples(case):
    """The samples that a case describes."""
    rng = np.random.RandomState(case.seed)
    shape = case.n_samples, case.n_features
    values = VALUES[case.values](rng.normal(size=shape))
    values[GAPS[case.gaps](rng.uniform(size=shape))] = np.nan
    return Samples(CONTAINERS[case.container].make, in_dtype(values, case.dtype))
