"""Few labels on many tables: the ladder network beside what else there is.

``python -m benchmarks.tabular``: 5, 10 and 25 labels per class, all other training rows
unlabeled, 20 % of the rows to test on. With ``--setting uniform`` as many labels as 10
per class, drawn uniformly from the training rows. Every method gets the same rows,
columns and labels; nothing is tuned. Each run is a line in ``benchmarks/results``; runs
that are there already are skipped, so that it may be stopped at any time. Many hours.

``--summary`` makes ``tabular.json`` and ``docs/images/tabular.png`` of the runs so
far.
"""

import argparse
import json

from joblib import Parallel, delayed

from benchmarks import _results, tabular_summary
from benchmarks._data import table_names
from benchmarks._methods import METHODS
from benchmarks._tabular_run import DRAWS, KEY, one_run

LABELS = {"per-class": [5, 10, 25], "uniform": [10]}


def missing_runs(path, arguments, tables):
    """Runs that are not in the file yet; all tables with the first seed come first."""
    done = {tuple(run[key] for key in KEY) for run in _results.read_lines(path)}
    runs = [
        (table, seed, labels, method)
        for seed in range(arguments.seeds)
        for table in tables
        for labels in arguments.labels or LABELS[arguments.setting]
        for method in arguments.methods
    ]
    return [run for run in runs if run not in done]


def forget(path, methods):
    """Take the runs of these methods out of the file."""
    kept = [run for run in _results.read_lines(path) if run["method"] not in methods]
    with _results.replacing(path) as partial:
        partial.write_text("".join(json.dumps(run) + "\n" for run in kept))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--setting", choices=DRAWS, default="per-class", help="how labels are drawn")
    add("--tables", nargs="+", metavar="TABLE", help="default: all")
    add("--methods", nargs="+", choices=METHODS, default=list(METHODS), metavar="NAME")
    add("--labels", nargs="+", type=int, metavar="N", help="labels per class")
    add("--seeds", type=int, default=3, help="number of splits and draws")
    add("--jobs", type=int, default=2, help="processes of one thread each")
    add("--data-dir")
    add("--again", nargs="+", choices=METHODS, default=[], metavar="NAME",
        help="drop the runs of these methods first")  # fmt: skip
    add("--summary", action="store_true", help="of the runs there are")
    arguments = parser.parse_args()
    if arguments.summary:
        tabular_summary.main()
        return
    if "tri-training, forest" not in METHODS:
        print("tri-training is left out: pip install '.[benchmarks]'")
    path = _results.FOLDER / f"tabular-{arguments.setting}.jsonl"
    if arguments.again:
        forget(path, arguments.again)
    tables = arguments.tables or table_names(arguments.data_dir)
    runs = missing_runs(path, arguments, tables)
    print(f"{len(runs)} runs to do")
    parallel = Parallel(arguments.jobs, return_as="generator_unordered")
    found = parallel(
        delayed(one_run)(arguments.setting, arguments.data_dir, *run) for run in runs
    )
    made = _results.provenance()
    made = {"versions": made["versions"], "processor": made["machine"]["processor"]}
    with path.open("a") as file:
        for run in found:
            print(json.dumps(run | made), file=file, flush=True)
            print(*run.values(), flush=True)


if __name__ == "__main__":
    main()
