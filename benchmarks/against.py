"""Default fits and a search, timed in turn with another commit.

``python -m benchmarks.against COMMIT``: the other commit is checked out by ``git
worktree``, in a folder that is deleted at the end, and compiled if it has compiled
functions. Each of the two runs in a process of its own that stays, so imports do not
count; the first fit does not, either. Both get the same tasks in turn: see
`benchmarks.default_fits`. ``--threads`` is the number of threads of each process, and
of each worker of a search. A search is 60 fits, so the default tasks have none.

For instance, on an otherwise idle machine:
``python -m benchmarks.against b8d20c1 --threads 1``,
``python -m benchmarks.against b8d20c1 --threads 1 --repeats 1 --tasks "search, 1 jobs"
"search, 2 jobs"``.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from benchmarks import default_fits

_ROOT = Path(__file__).parent.parent


@contextmanager
def checked_out(commit):
    """Folder with the code of a commit."""
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "code"
        git = ["git", "-C", str(_ROOT), "worktree"]
        subprocess.run([*git, "add", "--detach", folder, commit], check=True)
        try:
            if (folder / "setup.py").exists():
                build = [sys.executable, "setup.py", "--quiet", "build_ext"]
                subprocess.run([*build, "--inplace"], cwd=folder, check=True)
            yield folder
        finally:
            subprocess.run([*git, "remove", "--force", folder], check=True)


class Worker:
    """A process that runs tasks with the package of one folder."""

    def __init__(self, folder, n_threads):
        # not as a script, whose folder would be the first to import from
        code = (
            f"import runpy; runpy.run_path({default_fits.__file__!r}, None, '__main__')"
        )
        self._process = subprocess.Popen(
            [sys.executable, "-c", code],
            env=os.environ
            | {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": str(n_threads)},
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, task):
        self._process.stdin.write(task + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"The process that ran {task!r} ended.")
        return json.loads(line)

    def close(self):
        self._process.stdin.close()
        self._process.wait()


def compare(workers, task, n_repeats):
    """Seconds and accuracy of each worker, in turn.

    Parameters
    ----------
    workers : dict of str to Worker
    task : str
    n_repeats : int

    Returns
    -------
    dict of str to dict
        "seconds" (median) and "accuracy".
    """
    runs = {name: [] for name in workers}
    for _ in range(n_repeats):
        for name, worker in workers.items():
            runs[name].append(worker.run(task))
    return {
        name: {
            "seconds": float(np.median([run["seconds"] for run in answers])),
            "accuracy": answers[-1]["accuracy"],
        }
        for name, answers in runs.items()
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("commit")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--tasks",
        nargs="+",
        choices=list(default_fits.TASKS),
        default=list(default_fits.TABLES),
    )
    arguments = parser.parse_args()
    with checked_out(arguments.commit) as folder, ExitStack() as stack:
        workers = {
            name: Worker(path, arguments.threads)
            for name, path in [(arguments.commit, folder), ("now", _ROOT)]
        }
        for worker in workers.values():
            stack.callback(worker.close)
            worker.run("iris")  # the first fit loads libraries
        for task in arguments.tasks:
            found = compare(workers, task, arguments.repeats)
            before, now = found.values()
            print(
                f"{task}: {before['seconds']:.3f} -> {now['seconds']:.3f} s "
                f"({before['seconds'] / now['seconds']:.1f} x), accuracy "
                f"{before['accuracy']:.3f} -> {now['accuracy']:.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
