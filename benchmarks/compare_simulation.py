"""How often the advice of ``sklearn_ladder.comparison.compare`` is right.

``python -m benchmarks.compare_simulation``: the development rows of
`benchmarks.ablation` of six tables. 20, 50 or 200 labels are drawn at random, at least
two of each class, and `compare` sees these only. Then its methods are fitted to all of
them and scored on the hidden labels: that is the truth. Half a minute a draw on one
thread.

Draws that are done are skipped, so that it can be stopped at any time. The folds of
each draw are kept, and ``--summary`` says anew what `compare` would make of them.
"""

import argparse
import json
import time

import numpy as np
import pandas as pd
import torch
from threadpoolctl import threadpool_limits

from benchmarks import _results
from benchmarks.ablation import development_rows
from sklearn_ladder.comparison import Comparison, compare, default_methods
from sklearn_ladder.comparison._compare import _probas, _scores
from sklearn_ladder.comparison._methods import LADDER, SUPERVISED, VOTE, means_of
from sklearn_ladder.model_selection import hide_labels

TABLES = ["churn", "optdigits", "phoneme", "spambase", "titanic", "wine_quality_red"]
LABELS, N_DRAWS, LEAST_PER_CLASS = [20, 50, 200], 5, 2
NAME = "compare-simulation"
# Its fits take about as long as those of all others together.
SLOW = "self-training, forest"
# A method whose log-loss is so little above the lowest is as good.
TOLERANCE = 0.02


def one_run(X, y, n_labels, draw, methods=None):
    """What `compare` sees of a draw of labels, and the truth.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
        Codes 0, 1, ….
    n_labels, draw : int
    methods : dict of str to classifier, default=None
        As in `compare`; by default those of `default_methods` but `SLOW`.

    Returns
    -------
    dict
    """
    if methods is None:
        methods = default_methods()
        methods.pop(SLOW, None)
    y_few = hide_labels(y, n=n_labels, min_per_class=LEAST_PER_CLASS, random_state=draw)
    found = compare(X, y_few, methods=methods, random_state=draw)
    hidden = y_few == -1
    probas = _probas(
        *(methods, means_of(methods), draw, np.unique(y)),
        *(X, y_few, X[hidden]),
    )
    folds = found.folds.round(5)
    return {
        "n_labels": {str(name): n for name, n in found.n_labels.items()},
        "n_unlabeled": found.n_unlabeled,
        "n_splits": found.n_splits,
        "folds": {name: folds[name].tolist() for name in folds},
        "truth": {
            name: {
                score: round(value, 5)
                for score, value in _scores(y[hidden], proba).items()
            }
            for name, (proba, _) in probas.items()
        },
    }


def assess(run):
    """What `compare` says of a run, and whether that is right."""
    found = Comparison(
        pd.DataFrame(run["folds"]),
        *(run["n_splits"], run["n_labels"], run["n_unlabeled"]),
    )
    truth = pd.DataFrame(run["truth"]).T
    loss = truth["log_loss"]
    is_covered = [
        _is_within(found.difference(method, VOTE), loss[method] - loss[VOTE])
        for method in loss.index
        if method != VOTE
    ]
    accuracy = found.table.loc[VOTE, ["accuracy", "accuracy low", "accuracy high"]]
    return {
        "verdict": found.verdict,
        "helps": bool(loss[LADDER] < loss[SUPERVISED]),
        "gain": float(loss[SUPERVISED] - loss[LADDER]),
        "recommended": found.recommended,
        # log-loss above that of the best method, by what one does
        "regret": {
            "what it recommends": float(loss[found.recommended] - loss.min()),
            "the lowest log-loss in the folds": float(
                loss[found.table.index[0]] - loss.min()
            ),
            "always the vote": float(loss[VOTE] - loss.min()),
            "always the ladder": float(loss[LADDER] - loss.min()),
            "always the random forest": float(loss["random forest"] - loss.min()),
        },
        "differences_covered": float(np.mean(is_covered)),
        "accuracy_covered": _is_within(accuracy, truth.loc[VOTE, "accuracy"]),
    }


def _is_within(interval, value):
    _, low, high = interval
    return bool(low <= value <= high)


def summarize(runs):
    """Shares and means over runs, by number of labels."""
    found = {}
    for n_labels in LABELS:
        here = [assess(run) for run in runs if run["labels"] == n_labels]
        if not here:
            continue
        regret = pd.DataFrame([each["regret"] for each in here])
        found[str(n_labels)] = {
            "runs": len(here),
            "tables": len({r["table"] for r in runs if r["labels"] == n_labels}),
            "unlabeled_help": float(np.mean([each["helps"] for each in here])),
            "verdicts": _verdicts(here),
            "recommended": pd.Series([e["recommended"] for e in here])
            .value_counts()
            .to_dict(),
            "as_good_as_best": (regret <= TOLERANCE).mean().round(4).to_dict(),
            "regret": regret.mean().round(4).to_dict(),
            **{
                name: round(float(np.mean([each[name] for each in here])), 4)
                for name in ("differences_covered", "accuracy_covered")
            },
        }
    return found


def _verdicts(assessed):
    """How often each verdict was given, and how often it was right."""
    counts = {}
    for each in assessed:
        n, n_right = counts.get(each["verdict"], (0, 0))
        is_right = each["helps"] == (each["verdict"] in ("help", "probably help"))
        counts[each["verdict"]] = (n + 1, n_right + is_right)
    counts.pop("unclear", None)  # neither right nor wrong
    return {
        name: {"given": n, "right": int(n_right)}
        for name, (n, n_right) in counts.items()
    }


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir")
    parser.add_argument("--minutes", type=float, default=np.inf)
    parser.add_argument("--summary", action="store_true", help="run nothing")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    start = time.perf_counter()
    path = _results.FOLDER / f"{NAME}.jsonl"
    done = {_key(run) for run in _results.read_lines(path)}
    cells = [
        {"table": table, "labels": n_labels, "draw": draw}
        for draw in range(N_DRAWS)
        for table in TABLES
        for n_labels in LABELS
    ]
    for cell in cells:
        if options.summary or time.perf_counter() - start > 60 * options.minutes:
            break
        if _key(cell) in done:
            continue
        X, y = development_rows(cell["table"], options.data_dir)
        with threadpool_limits(1):
            run = cell | one_run(X, y, cell["labels"], cell["draw"])
        with path.open("a") as file:
            file.write(json.dumps(run | _results.commit()) + "\n")
        print(cell, f"{time.perf_counter() - start:.0f} s", flush=True)
    by_labels = summarize(_results.read_lines(path))
    print(json.dumps(by_labels, indent=1))
    made = _results.provenance("python -m benchmarks.compare_simulation")
    print(_results.write(NAME, {"by_labels": by_labels} | made))


def _key(run):
    return run["table"], run["labels"], run["draw"]


if __name__ == "__main__":
    main()
