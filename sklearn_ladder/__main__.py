"""Command line: ``python -m sklearn_ladder compare FILE --target COLUMN``."""

import argparse
import sys
from pathlib import Path

import pandas as pd

SEPARATORS = {".csv": ",", ".tsv": "\t"}
COMPRESSIONS = {".gz", ".bz2", ".xz", ".zip", ".zst"}


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
        help="column of labels; -1 or nothing marks an unlabeled sample",
    )
    compare.add_argument("--budget", type=float, metavar="SECONDS")
    compare.add_argument("--seed", type=int, default=0)
    compare.add_argument("--json", type=Path, metavar="FILE")
    compare.add_argument("--plot", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    try:
        run(options)
    except (ImportError, OSError, ValueError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")


def run(options):
    """Compare, print the table and the advice, and write what was asked for."""
    from . import comparison

    X, y = read_table(options.file, options.target)
    found = comparison.compare(
        X,
        y,
        budget=options.budget,
        random_state=options.seed,
        progress=lambda line: print(line, file=sys.stderr, flush=True),
    )
    print(found.to_markdown())
    if options.json is not None:
        options.json.write_text(found.to_json() + "\n")
    if options.plot is not None:
        found.plot().figure.savefig(options.plot)


def read_table(path, target):
    """Features and labels of a file.

    Parameters
    ----------
    path : Path
        CSV, TSV (which may be compressed) or Parquet.
    target : str
        Name of the column of labels.

    Returns
    -------
    X : DataFrame
    y : Series

    Raises
    ------
    ValueError
        If the file is of another kind, or there is no such column.
    """
    suffixes = [suffix for suffix in path.suffixes if suffix not in COMPRESSIONS]
    suffix = suffixes[-1].lower() if suffixes else ""
    if suffix == ".parquet":
        frame = pd.read_parquet(path)
    elif suffix in SEPARATORS:
        frame = pd.read_csv(path, sep=SEPARATORS[suffix])
    else:
        raise ValueError(f"FILE must end in .csv, .tsv or .parquet; got {path.name}.")
    if target not in frame:
        raise ValueError(
            f"--target must be a column of {path.name}, one of {list(frame)}; "
            f"got {target!r}."
        )
    return frame.drop(columns=target), frame[target]


if __name__ == "__main__":
    main()
