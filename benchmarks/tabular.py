"""Few labels on tables, texts and images: the ladder network beside what else there is.

``python -m benchmarks.tabular`` fits every method to the same samples, features and
labels; nothing is tuned. Scores are those of test samples, with the class prior of the
labels and with one by EM, for every method alike. The families of data are in
`benchmarks._families`:

- open: 22 tables; 5, 10 and 25 labels per class, and as many labels as 10 per class
  drawn from all training samples;
- everyday: ten tables of surveys, medicine and social science; 30 labels drawn from all
  training samples, and 10 per class (everyday-development: the ten on which defaults
  may be chosen);
- text and images: docstrings by package, and digits.

Ten draws of labels are made, three for the methods whose fits are long. The first draw
of all data comes first. Long fits come last, those with 10 labels per class before the
others. Runs that are in ``benchmarks/results`` already are skipped, so that the program
may be stopped at any time, and leaves complete tables with fewer draws. On one core the
ten draws take about two hours, long fits with 10 labels per class half an hour, and the
other long fits an hour.

``--summary`` makes ``tables.json`` and ``docs/images/tabular.png`` of the runs so far.
"""

import argparse
import json

from joblib import Parallel, delayed

from benchmarks import _results, tabular_summary
from benchmarks._families import FAMILIES
from benchmarks._methods import CHEAP, DEAR, MEANS, METHODS
from benchmarks._tabular_run import one_run
from sklearn_ladder._atomic_write import write_atomically

DEFAULT_FAMILIES = ["open", "everyday", "text", "images"]
MOST_DRAWS, DRAWS_OF_DEAR = 10, 3
DEAR_FIRST = "10 per class"


def path_of(family):
    """The file of the runs of a family."""
    return _results.FOLDER / f"tabular-{family}.jsonl"


def all_runs(arguments):
    """All runs in their order: family, table, setting, seed and methods of each."""
    for seed in range(arguments.draws):
        for name, family, table, setting in _cells(arguments, seed):
            yield name, table, setting, seed, family.cheap
    for are_first in True, False:
        for seed in range(min(arguments.draws, DRAWS_OF_DEAR)):
            for name, family, table, setting in _cells(arguments, seed):
                if (setting == DEAR_FIRST) == are_first:
                    # a fit at a time, so that little is lost when it is stopped
                    for method in family.dear:
                        yield name, table, setting, seed, (method,)


def _cells(arguments, seed):
    for name in arguments.families:
        family = FAMILIES[name]
        if seed >= family.most_draws:
            continue
        for table in arguments.tables or family.names(arguments.data_dir):
            for setting in family.settings:
                yield name, family, table, setting


def missing_runs(arguments):
    """Runs that are not in the files yet, with the methods that are not."""
    done = {}
    for family in arguments.families:
        for line in _results.read_lines(path_of(family)):
            if "methods" in line:
                key = family, line["table"], line["setting"], line["seed"]
                done.setdefault(key, set()).update(line["methods"])
    for *key, methods in all_runs(arguments):
        missing = [
            method
            for method in methods
            if method in METHODS | MEANS
            and method not in done.get(tuple(key), ())
            and method in (arguments.methods or methods)
        ]
        if missing:
            yield *key, missing


def forget(path, methods):
    """Take the runs of these methods out of the file."""
    lines = _results.read_lines(path)
    for line in lines:
        for method in methods if "methods" in line else ():
            line["methods"].pop(method, None)
    text = "".join(json.dumps(line) + "\n" for line in lines)
    write_atomically(path, text.encode())


def run(arguments):
    """Make the missing runs. What they are made with is a line before them."""
    runs = list(missing_runs(arguments))
    print(f"{len(runs)} runs to do")
    made = {"provenance": _results.provenance()}
    for family in {family for family, *_ in runs}:
        with path_of(family).open("a") as file:
            print(json.dumps(made), file=file)
    parallel = Parallel(arguments.jobs, return_as="generator_unordered")
    found = parallel(delayed(_named_run)(arguments.data_dir, *each) for each in runs)
    for family, line in found:
        with path_of(family).open("a") as file:
            print(json.dumps(line), file=file)
        seconds = sum(each.get("seconds", 0) for each in line["methods"].values())
        print(family, *list(line.values())[:3], f"{seconds:.1f} s", flush=True)


def _named_run(data_dir, family, *rest):
    return family, one_run(family, data_dir, *rest)


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--families", nargs="+", choices=FAMILIES, default=DEFAULT_FAMILIES)
    add("--tables", nargs="+", metavar="TABLE", help="default: all of the family")
    add("--methods", nargs="+", choices=[*CHEAP, *DEAR], metavar="NAME",
        help="default: all")  # fmt: skip
    add("--draws", type=int, default=MOST_DRAWS, help="number of draws of labels")
    add("--jobs", type=int, default=2, help="processes of one thread each")
    add("--data-dir")
    add("--again", nargs="+", metavar="NAME",
        help="drop the runs of these methods first")  # fmt: skip
    add("--summary", action="store_true", help="of the runs there are")
    arguments = parser.parse_args(arguments)
    if arguments.summary:
        tabular_summary.main()
        return
    for method in DEAR:
        if method not in METHODS:
            print(f"{method} is left out: see benchmarks/_methods.py")
    for family in arguments.families if arguments.again else ():
        forget(path_of(family), arguments.again)
    run(arguments)


if __name__ == "__main__":
    main()
