"""Time and memory of a fit as samples become more, beside label spreading.

``python -m benchmarks.scaling``: 10,000 to 1,000,000 samples of 20 features, 30 of them
labeled, three classes; default settings, label spreading with its default kernel and
on nearest neighbours. Each fit in a process of its own. A method that has run out of
``--memory`` or ``--time`` is not given more samples. Some twenty minutes.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import make_classification
from sklearn.semi_supervised import LabelSpreading

from benchmarks import _results
from benchmarks._data import keep_labels
from benchmarks.memory import peak
from sklearn_ladder import LadderClassifier

SEED = 0
N_ROWS = [10_000, 30_000, 100_000, 300_000, 1_000_000]
METHODS = {
    "ladder": lambda: LadderClassifier(random_state=SEED),
    "label spreading": LabelSpreading,
    "label spreading, knn": lambda: LabelSpreading(kernel="knn", n_jobs=-1),
}


def make_rows(n_rows):
    """Samples, their classes, and the few of these that are told."""
    X, y = make_classification(
        n_rows,
        n_features=20,
        n_informative=10,
        n_classes=3,
        n_clusters_per_class=1,
        class_sep=1.5,
        random_state=SEED,
    )
    return X, y, keep_labels(y, 10, random_state=SEED)


def fit(method, path, most_gb):
    """In a process of its own: fit, and print seconds and memory."""
    with np.load(path) as file:
        X, y, y_few = file["X"], file["y"], file["y_few"]
    loaded = peak()
    resource.setrlimit(resource.RLIMIT_DATA, (most_gb * 2**30, most_gb * 2**30))
    start = time.perf_counter()
    clf = METHODS[method]().fit(X, y_few)
    result = {
        "fit_seconds": round(time.perf_counter() - start, 1),
        "peak_mb_above": round(peak() - loaded),
        "accuracy_of_unlabeled": float(np.mean((clf.transduction_ == y)[y_few == -1])),
    }
    print(json.dumps(result))


def measure(method, path, arguments):
    """What `fit` prints, or in words what there was not enough of."""
    command = [sys.executable, "-m", "benchmarks.scaling", "--fit", method, path]
    command += ["--memory", str(arguments.memory)]
    try:
        run = subprocess.run(
            command, capture_output=True, text=True, timeout=arguments.time
        )
    except subprocess.TimeoutExpired:
        return {"failure": f"more than {arguments.time:.0f} s"}
    if run.returncode == 0:
        return json.loads(run.stdout)
    # NumPy's error, torch's, or the system's signal
    if any(sign in run.stderr for sign in ("MemoryError", "allocate memory")) or (
        run.returncode < 0
    ):
        return {"failure": f"more than {arguments.memory} GB"}
    raise RuntimeError(run.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--memory", type=int, default=16, help="at most, in GB")
    parser.add_argument("--time", type=float, default=600, help="at most, in seconds")
    parser.add_argument("--fit", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.fit:
        return fit(*arguments.fit, arguments.memory)

    fits = {method: {} for method in METHODS}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npz"
        for n_rows in N_ROWS:
            X, y, y_few = make_rows(n_rows)
            np.savez(path, X=X, y=y, y_few=y_few)
            for method, of_method in fits.items():
                if any("failure" in smaller for smaller in of_method.values()):
                    continue
                of_method[n_rows] = measure(method, path, arguments)
                print(f"{n_rows:9,} rows, {method}: {of_method[n_rows]}", flush=True)
    result = {"seeds": [SEED], "fits": fits}
    print(_results.write("scaling", result | _results.provenance()))


if __name__ == "__main__":
    main()
