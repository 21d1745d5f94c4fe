"""A Parquet data set that is larger than the memory of the Dask workers.

``python -m benchmarks.larger_than_memory``: ``examples/dask_parquet.py`` with larger
partitions, and two workers that Dask ends if they take more than ``--limit`` GB each.
Writes 3.2 GB into ``--folder``. Takes about ten minutes.
"""

import argparse
import importlib
import sys
import tempfile
import time
from pathlib import Path

import torch
from distributed import Client

from benchmarks import _results
from benchmarks.memory import peak

EXAMPLES = Path(__file__).parent.parent / "examples"


def measure(example, folder, limit):
    """Run the example; seconds, and peak memory of each worker in MB."""
    with Client(
        n_workers=2,
        threads_per_worker=1,
        memory_limit=f"{limit}GB",
        dashboard_address=None,
    ) as client:
        idle = list(client.run(peak).values())
        start = time.perf_counter()
        example.write(folder)
        written = time.perf_counter()
        clf = example.train(folder)
        trained = time.perf_counter()
        training = list(client.run(peak).values())
        result = example.predict_all(clf, folder)
        accuracy = (result["predicted"] == result["answer"]).mean().compute()
        predicted = time.perf_counter()
        files = (folder / "samples").glob("*.parquet")
        return {
            "bytes": sum(path.stat().st_size for path in files),
            "samples": clf.n_samples_seen_,
            "features": clf.n_features_in_,
            "partitions": example.N_PARTITIONS,
            "limit_GB_per_worker": limit,
            "seconds": {
                "writing": written - start,
                "training": trained - written,
                "prediction": predicted - trained,
            },
            "peak_MB_per_worker": {
                "before": idle,
                "after training": training,
                "after prediction": list(client.run(peak).values()),
            },
            "accuracy": float(accuracy),
            "tasks": list(client.run(example.n_tasks).values()),
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", default=tempfile.gettempdir())
    parser.add_argument("--limit", type=float, default=1.0, help="GB of each worker")
    parser.add_argument("--partitions", type=int, default=100)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    sys.path.insert(0, str(EXAMPLES))  # of the workers, too
    example = importlib.import_module("dask_parquet")
    example.N_PARTITIONS = arguments.partitions
    example.N_SAMPLES, example.N_FEATURES = 20_000, 200
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        result = measure(example, Path(folder), arguments.limit)
    print(result)
    print(_results.write("larger_than_memory", result | _results.provenance()))


if __name__ == "__main__":
    main()
