"""Missing values: left to the network, or filled with the mean before.

``python -m benchmarks.missing_values``: numeric tables from which 10, 25 or 40 % of the
entries are removed at random; 10 labels per class, the test rows with gaps, too. The
same network is fitted to rows with NaN and, in a pipeline, after ``SimpleImputer``.
About 20 minutes on one thread.
"""

import argparse
import time

import numpy as np
import torch
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from benchmarks import _results
from benchmarks._data import keep_labels, load_table
from sklearn_ladder import LadderClassifier

TABLES = [
    "letter", "magic", "mfeat_factors", "optdigits", "page_blocks", "pendigits",
    "phoneme", "ring", "spambase", "twonorm", "vowel", "wine_recognition",
]  # fmt: skip
SHARES = [0.1, 0.25, 0.4]
N_SEEDS = 2
MOST_ROWS = 2000


def one_run(X, y, seed, share):
    """Test accuracy of both ways."""
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.3, stratify=y, random_state=seed
    )
    X_train, y_train = X_train[:MOST_ROWS], y_train[:MOST_ROWS]
    y_few = keep_labels(y_train, 10, random_state=seed)
    rng = np.random.RandomState(seed)
    X_train, X_test = (
        np.where(rng.uniform(size=rows.shape) < share, np.nan, rows)
        for rows in (X_train, X_test)
    )
    clf = LadderClassifier((128, 64), max_epochs=40, random_state=seed)
    return {
        "by the network": clf.fit(X_train, y_few).score(X_test, y_test),
        "mean": make_pipeline(SimpleImputer(), clf)
        .fit(X_train, y_few)
        .score(X_test, y_test),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir")
    parser.add_argument("--tables", nargs="+", default=TABLES)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    runs, start = [], time.perf_counter()
    for name in arguments.tables:
        frame, y, _ = load_table(name, arguments.data_dir)
        for seed in range(N_SEEDS):
            for share in SHARES:
                accuracy = one_run(frame.to_numpy(float), y, seed, share)
                run = {"table": name, "seed": seed, "share": share, **accuracy}
                runs.append(run)
                print(run, f"{time.perf_counter() - start:.0f} s", flush=True)
    summary = []
    for share in SHARES:
        network, mean = (
            np.array([run[way] for run in runs if run["share"] == share])
            for way in ("by the network", "mean")
        )
        summary.append(
            {
                "share": share,
                "by the network": float(network.mean()),
                "mean": float(mean.mean()),
            }
        )
        print(summary[-1])
    result = {"seeds": list(range(N_SEEDS)), "summary": summary, "runs": runs}
    print(_results.write("missing_values", result | _results.provenance()))


if __name__ == "__main__":
    main()
