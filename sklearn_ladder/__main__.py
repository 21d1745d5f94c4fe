"""Command line: ``python -m sklearn_ladder compare FILE --target COLUMN``."""

import argparse
import csv
import gzip
import lzma
import sys
import warnings
import zipfile
import zlib
from collections import Counter
from contextlib import contextmanager
from errno import EISDIR
from itertools import chain
from pathlib import Path

import pandas as pd

from ._plots import require_matplotlib
from ._similar_names import did_you_mean
from ._user_warnings import warn_user

SEPARATORS = {".csv": ",", ".tsv": "\t"}
COMPRESSIONS = {".gz", ".bz2", ".xz", ".zip", ".zst"}
# Texts that pandas reads as missing, although they may be classes.
MAY_BE_CLASSES = {"none", "null", "n/a"}
# What damaged and empty files raise.
NO_TABLE = (
    *(pd.errors.EmptyDataError, gzip.BadGzipFile, zipfile.BadZipFile),
    *(lzma.LZMAError, zlib.error, EOFError),
)
# Beginning of the names of fields that have none in the header.
EXTRA = "\0"
# Lines of a file that are read at once to count fields, and what is in no line.
LINES_AT_ONCE, NO_SEPARATOR = 50_000, "\1"
# Characters of a field. The csv module takes no more than 131,072 by default.
LONGEST_FIELD = 2**31 - 1
# pandas' name for a first column without a name.
ROW_NUMBERS = "Unnamed: 0"
# In error messages.
MOST_COLUMNS = 20


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m sklearn_ladder")
    commands = parser.add_subparsers(dest="command", required=True)
    compare = commands.add_parser(
        "compare",
        help="do the unlabeled samples of a table help, and what should be used?",
    )
    compare.add_argument("file", type=Path, help="CSV, TSV or Parquet")
    compare.add_argument(
        "--target",
        required=True,
        metavar="COLUMN",
        help="column of labels; -1 or an empty cell marks an unlabeled sample, and so "
        "do texts such as NA, null and None",
    )
    compare.add_argument(
        "--unlabeled",
        nargs="+",
        default=[],
        metavar="TEXT",
        help="other texts in the column of labels that mark an unlabeled sample",
    )
    compare.add_argument(
        "--drop",
        nargs="+",
        default=[],
        metavar="COLUMN",
        help="columns that are no features, such as identifiers",
    )
    compare.add_argument(
        "--max-time",
        type=float,
        metavar="SECONDS",
        help="repeat the folds for this time, but do at least three folds; by default "
        "all folds are done once",
    )
    compare.add_argument("--seed", type=int, default=0)
    compare.add_argument("--json", type=Path, metavar="FILE", help="write all scores")
    compare.add_argument("--plot", type=Path, metavar="FILE", help="write a picture")
    options = parser.parse_args(arguments)
    try:
        with _warnings_in_one_line():
            run(options)
    except (ImportError, OSError, TypeError, ValueError) as error:
        lines = [str(error), *getattr(error, "__notes__", [])]
        parser.exit(2, f"{parser.prog}: {' '.join(lines)}\n")


@contextmanager
def _warnings_in_one_line():
    """Print warnings without a line of code, which a command's user has not written."""
    before = warnings.formatwarning
    warnings.formatwarning = lambda message, *place, **more: f"warning: {message}\n"
    try:
        yield
    finally:
        warnings.formatwarning = before


def run(options):
    """Compare, print the table and the advice, and write what was asked for."""
    X, y = read_table(options.file, options.target, options.drop, options.unlabeled)
    _check_files_to_write(options.json, options.plot)
    from . import comparison  # late: it is slow to import

    found = comparison.compare(
        X,
        y,
        max_time=options.max_time,
        random_state=options.seed,
        progress=lambda line: print(line, file=sys.stderr, flush=True),
    )
    print(found.to_markdown())
    if options.json is not None:
        options.json.write_text(found.to_json() + "\n", encoding="utf-8")
    if options.plot is not None:
        found.plot().figure_.savefig(options.plot)


def _check_files_to_write(json, plot):
    """Raise before the folds, which take minutes, what writing would raise after."""
    for path in filter(None, (json, plot)):
        path.parent.stat()  # if there is no such folder, the error names it
        if path.is_dir():
            raise IsADirectoryError(EISDIR, "Is a folder", str(path))
    if plot is not None:
        from .comparison import ComparisonDisplay

        require_matplotlib(ComparisonDisplay)
        from matplotlib.backend_bases import FigureCanvasBase

        endings = sorted(FigureCanvasBase.get_supported_filetypes())
        if plot.suffix and plot.suffix[1:].lower() not in endings:
            raise ValueError(
                f"--plot must end in one of {', '.join(endings)}; got {plot.name}."
            )


def read_table(path, target, drop=(), unlabeled=()):
    """Features and labels of a file.

    A first column without a name is taken for row numbers, and dropped.

    Parameters
    ----------
    path : Path
        CSV, TSV (which may be compressed) or Parquet.
    target : str
        Name of the column of labels.
    drop : sequence of str, default=()
        Names of columns that are no features.
    unlabeled : sequence of str, default=()
        Labels that mark unlabeled samples.

    Returns
    -------
    X : DataFrame
    y : Series
        Whole numbers are integers.

    Warns
    -----
    UserWarning
        If labels are texts that pandas reads as missing, or if rows have fewer fields
        than the header.

    Raises
    ------
    ImportError
        If the file is Parquet, and pyarrow is not installed.
    ValueError
        If the file is of another kind, there is no such column or label, or no other
        column, or if rows have more fields than the header.
    """
    frame, texts = _read(path, target, drop)
    for option, names in (("--target", [target]), ("--drop", drop)):
        for name in names:
            if name not in frame:
                raise ValueError(f"{option} {_unknown(name, frame, path)}")
    X = frame.drop(columns=[target, *drop])
    if ROW_NUMBERS in X:
        X = X.drop(columns=ROW_NUMBERS)
    if X.shape[1] == 0:
        raise ValueError(f"{path.name} must have columns of features beside {target}.")
    y = _whole_numbers(frame[target])
    labels = y.astype(str)
    texts = labels if texts is None else texts
    absent = sorted(set(unlabeled) - set(labels) - set(texts))
    if absent:
        raise ValueError(
            f"--unlabeled must be texts of the column {target}; got {absent}."
        )
    is_unlabeled = labels.isin(unlabeled) | texts.isin(unlabeled)
    if y.dtype.kind in "iu":
        y = y.convert_dtypes()  # `mask` would make floats of others
    return X, _whole_numbers(y.mask(is_unlabeled))


def _read(path, target, drop):
    """Table of a file, and its target as it is written; None if it has no texts."""
    suffixes = [each for each in path.suffixes if each.lower() not in COMPRESSIONS]
    suffix = suffixes[-1].lower() if suffixes else ""
    if suffix == ".parquet":
        try:
            import pyarrow  # noqa: F401, an optional extra
        except ImportError as error:
            raise ImportError(
                "Parquet files need pyarrow: pip install 'sklearn-ladder[parquet]'"
            ) from error
        path.stat()  # the error of pandas is the name of the file alone
        return pd.read_parquet(path), None
    if suffix in SEPARATORS:
        try:
            return _read_csv(path, SEPARATORS[suffix], target, drop)
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{path.name} is not in UTF-8 ({error}). Read it with "
                "pandas.read_csv(FILE, encoding='latin-1'), or with the encoding "
                "that it has, such as 'utf-16', and write it with "
                "to_csv(NEW_FILE, index=False)."
            ) from error
        except NO_TABLE as error:
            raise ValueError(f"{path.name} is no table: {error}.") from error
    raise ValueError(f"FILE must end in .csv, .tsv or .parquet; got {path.name}.")


def _read_csv(path, separator, target, drop):
    """Table of a file, and its target as it is written."""
    header, n_rows = _count_fields(path, separator)
    # before pandas, for which another separator may be an error of its own
    _check_header(header, target, drop, path)
    columns = pd.read_csv(path, sep=separator, nrows=0).columns.tolist()
    options = {
        **{"sep": separator, "header": 0, "names": columns, "index_col": False},
        "low_memory": False,  # a column of one chunk may have another dtype
    }
    as_written = {"dtype": str, "keep_default_na": False}
    n_more = max(n_rows, default=0) - len(header)
    if n_more > 0:
        ends = [f"{EXTRA}{number}" for number in range(n_more)]
        options["names"] = [*columns, *ends]
        texts = pd.read_csv(path, **options, **as_written)
        has_most = n_rows[len(header) + 1] > n_rows.total() / 2
        if _begin_with_names(texts, ends, has_most, path):
            header = [EXTRA, *header]
            options["names"] = [EXTRA, *columns]
    _warn_of_short_rows(n_rows, header, path)
    frame = pd.read_csv(path, **options)[columns]
    if target not in frame:
        return frame, None
    texts = pd.read_csv(path, **options, **as_written, usecols=[target])[target]
    _warn_of_missing_texts(texts[frame[target].isna()], target)
    if _may_be_rounded(frame[target]):
        known = texts.where(frame[target].notna()).str.strip()
        numbers = pd.to_numeric(known, dtype_backend="numpy_nullable")
        frame[target] = numbers if numbers.dtype == "Int64" else known
    return frame, texts


def _may_be_rounded(labels):
    """Whether whole numbers may have more digits than the floats that pandas reads.

    It reads floats where a cell is empty.
    """
    return (
        labels.dtype.kind == "f"
        and labels.abs().between(2**53, sys.float_info.max).any()
    )


def _count_fields(path, separator):
    """Fields of the header, and the number of other rows by their number of fields."""
    # pandas reads compressed files, but would guess what longer and shorter rows mean
    chunks = pd.read_csv(
        path,
        sep=NO_SEPARATOR,
        header=None,
        chunksize=LINES_AT_ONCE,
        quoting=csv.QUOTE_NONE,
        dtype=str,
        keep_default_na=False,
        # pandas would take the tab at the beginning of a row for space before it
        skip_blank_lines=False,
    )
    limit_before = csv.field_size_limit(LONGEST_FIELD)
    try:
        with chunks:
            lines = chain.from_iterable(chunk[0] for chunk in chunks)
            rows = csv.reader(lines, delimiter=separator)
            rows = (row for row in rows if len(row) > 1 or "".join(row).strip())
            return next(rows, []), Counter(map(len, rows))
    finally:
        csv.field_size_limit(limit_before)


def _begin_with_names(texts, ends, are_most, path):
    """Whether rows longer than the header begin with a name, as R writes them.

    Otherwise they end in separators. A few longer rows have a separator in a text.
    """
    have_empty_ends = all((texts[end].str.strip() == "").all() for end in ends)
    may_have_names = len(ends) == 1 and are_most and texts.iloc[:, 0].is_unique
    if have_empty_ends == may_have_names:  # neither, or both are possible
        raise ValueError(
            f"Rows of {path.name} have more fields than its header, by {len(ends)}. "
            "Remove separators at the ends of rows, put texts that contain separators "
            "into quotation marks, or give each column a name."
        )
    return may_have_names


def _warn_of_short_rows(n_rows, header, path):
    """Warn of rows whose last cells are absent, as in a footer."""
    # without empty names at the end
    n_columns = max((n for n, name in enumerate(header, 1) if name.strip()), default=0)
    n_short = sum(n for n_fields, n in n_rows.items() if n_fields < n_columns)
    if n_short:
        warn_user(
            f"{n_short:,} of {n_rows.total():,} rows of {path.name} have fewer fields "
            "than its header. Their other cells count as empty, so that a note below "
            "the table, for example, becomes a sample."
        )


def _warn_of_missing_texts(texts, target):
    """Warn of labels such as "None", which pandas reads as missing."""
    counts = texts[texts.str.lower().isin(MAY_BE_CLASSES)].value_counts()
    if len(counts):
        found = ", ".join(f"{text!r} ({n})" for text, n in counts.items())
        warn_user(
            f"Labels of {target} are read as missing, so these samples are unlabeled: "
            f"{found}. If this is a class, give it another name."
        )


def _check_header(header, target, drop, path):
    """Raise if there is one column for several, or if a name stands for several."""
    for option, names in (("--target", [target]), ("--drop", drop)):
        for name in names:
            if header.count(name) > 1:
                raise ValueError(
                    f"{option} must name one column; {path.name} has "
                    f"{header.count(name)} columns {name!r}. Give each its own name."
                )
    name = header[0]
    other = next((each for each in ";\t," if each in name), None)
    if len(header) == 1 and other is not None:
        raise ValueError(
            f"{path.name} seems to have columns separated by {other!r}: read as its "
            f"name says, it has a single one, {name[:40]!r}. Read it with "
            f"pandas.read_csv(FILE, sep={other!r}), with decimal=',' if its numbers "
            "have commas, and write it with to_csv(NEW_FILE, index=False)."
        )


def _unknown(name, frame, path):
    """Error message about a column that is missing: similar names, and all names."""
    names = ", ".join(map(repr, frame.columns[:MOST_COLUMNS]))
    if len(frame.columns) > MOST_COLUMNS:
        names += f" and {len(frame.columns) - MOST_COLUMNS} more"
    return (
        f"must be a column of {path.name}; got {name!r}.{did_you_mean(name, frame)} "
        f"Its columns are {names}."
    )


def _whole_numbers(y):
    """Convert to integers what only missing values have made floats."""
    if y.dtype.kind == "f" and (y.dropna() % 1 == 0).all():
        return y.astype("Int64")
    return y


if __name__ == "__main__":
    main()
