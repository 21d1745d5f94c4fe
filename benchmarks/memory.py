"""Peak memory of fits to rows that do not fit, or would not if they were dense.

``python -m benchmarks.memory`` makes a file of 4 GB with 1,000,000 × 1,000 numbers, to
be memory-mapped, and a sparse matrix of 100,000 × 20,000 with 0.5 % non-zeros, both in
``--folder``. Each is fitted in a process of its own. Takes about ten minutes.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy import sparse

from benchmarks import _results

N_LABELED, N_CLASSES = 1000, 3
SEED = 0


def make_memory_map(path, n_rows=1_000_000, n_features=1_000):
    """File of float32: normal rows around the centre of their class."""
    rng = np.random.default_rng(SEED)
    centres = rng.normal(size=(N_CLASSES, n_features)).astype(np.float32)
    shape = (n_rows, n_features)
    rows = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    for part in np.array_split(np.arange(n_rows), 200):
        noise = rng.standard_normal((len(part), n_features), dtype=np.float32)
        rows[part[0] : part[-1] + 1] = noise + centres[part % N_CLASSES]
    rows.flush()


def make_sparse(path, n_rows=100_000, n_features=20_000, n_per_row=100):
    """CSR matrix like counts of words, of which each class prefers some."""
    rng = np.random.default_rng(SEED)
    indices = rng.integers(0, n_features, size=(n_rows, n_per_row), dtype=np.int32)
    # a tenth of a row's words are from its class's 200
    own = rng.integers(0, 200, size=(n_rows, n_per_row // 10), dtype=np.int32)
    indices[:, : n_per_row // 10] = own + 200 * (np.arange(n_rows)[:, None] % N_CLASSES)
    indptr = np.arange(0, n_rows * n_per_row + 1, n_per_row)
    data = np.ones(n_rows * n_per_row, dtype=np.float32)
    matrix = sparse.csr_matrix((data, indices.ravel(), indptr), (n_rows, n_features))
    matrix.sum_duplicates()
    sparse.save_npz(path, matrix, compressed=False)


def peak():
    """Peak resident memory of this process, in MB.

    Not from getrusage, whose peak a new process inherits from the one that started it.
    """
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


def fit(kind, path):
    """In a process of its own: fit, and print the memory above that of the imports."""
    from sklearn_ladder import LadderClassifier

    loaded = peak()
    X = np.load(path, mmap_mode="r") if kind == "memmap" else sparse.load_npz(path)
    y = np.arange(X.shape[0]) % N_CLASSES
    y_few = np.where(np.arange(len(y)) < N_LABELED, y, -1)
    start = time.perf_counter()
    batch_size = {"memmap": 1000, "sparse": 100}[kind]
    clf = LadderClassifier(max_epochs=1, batch_size=batch_size, random_state=SEED)
    clf.fit(X, y_few)
    result = {
        "rows": X.shape[0],
        "features": X.shape[1],
        "batch_size": batch_size,
        "fit_seconds": round(time.perf_counter() - start, 1),
        "accuracy_of_unlabeled": float((clf.transduction_ == y)[N_LABELED:].mean()),
        "peak_mb_with_imports": round(loaded),
        "peak_mb_above": round(peak() - loaded),
    }
    print(json.dumps(result))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", help="where the data go; by default temporary")
    parser.add_argument("--fit", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.fit:
        return fit(*arguments.fit)

    results = {}
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        for kind, make, name in [
            ("sparse", make_sparse, "rows.npz"),
            ("memmap", make_memory_map, "rows.npy"),
        ]:
            path = Path(folder) / name
            make(path)
            command = [sys.executable, "-m", "benchmarks.memory", "--fit", kind, path]
            run = subprocess.run(command, check=True, capture_output=True, text=True)
            results[kind] = json.loads(run.stdout)
            print(kind, run.stdout, end="", flush=True)
    result = {"seeds": [SEED], "fits": results}
    print(_results.write("memory", result | _results.provenance()))


if __name__ == "__main__":
    main()
