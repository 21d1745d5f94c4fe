"""Labels of any kind, and sample weights."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from .samples import SENTINEL

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


def make_labels(case):
    """The labels that a case describes."""
    kind, i = LABELS[case.labels], np.arange(case.n_samples)
    codes = i % min(case.n_classes, len(kind.classes))
    labeled = LABELED["all" if kind.needs_all else case.labeled](i, codes)
    given = [
        kind.classes[c] if has else None for c, has in zip(codes, labeled, strict=True)
    ]
    return Labels(kind, given)


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


def make_weights(case, labeled):
    """The sample weights that a case describes."""
    u = np.random.RandomState(case.seed).uniform(0.1, 1, size=case.n_samples)
    return WEIGHTS[case.weights](u, labeled)
