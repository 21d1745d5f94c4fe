"""Results as JSON, with what one needs to know about how they came about."""

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import torch

from sklearn_ladder._atomic_write import write_atomically

FOLDER = Path(__file__).parent / "results"
PACKAGES = ("sklearn_ladder", "torch", "skorch", "scikit-learn", "numpy")


def no_arguments(description):
    """For programs that take none but ``--help``: refuses others before they run."""
    argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()


def provenance(command=None):
    """Command, commit, versions and machine of this run.

    Parameters
    ----------
    command : str, default=None
        What makes the result again; by default the command of this process.
    """
    own_command = shlex.join(["python", "-m", _module_name(), *sys.argv[1:]])
    return {
        "command": command or own_command,
        **commit(),
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in PACKAGES},
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "cuda": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        },
    }


def counted(n, noun):
    """A number and what it counts: "1 draw", "2 draws"."""
    return f"{n} {noun}{'' if n == 1 else 's'}"


def threads(result):
    """How many threads a result took, in words."""
    return counted(result["machine"]["threads"], "thread")


def short_commit(result):
    """Seven digits of the commit of a result; -dirty: with changes beside it."""
    return (result.get("commit") or "–")[:7] + ("-dirty" if result.get("dirty") else "")


def commit():
    """The commit of this code.

    Returns
    -------
    dict
        "commit": its hash, or None outside a git repository; "dirty": whether tracked
        files differ from it.
    """
    head = _git("rev-parse", "HEAD")
    if head is None:
        return {"commit": None, "dirty": None}
    # results change no run
    changes = _git(
        *("status", "--porcelain", "--untracked-files=no"),
        *("--", ":/", ":(top,exclude)benchmarks/results"),
    )
    return {"commit": head, "dirty": bool(changes)}


def _git(*arguments):
    """Output of a git command in this repository; None if it fails."""
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def write(name, result):
    """Write a result; returns its path."""
    path = FOLDER / f"{name}.json"
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (json.dumps(result, indent=1) + "\n").encode())
    return path


def as_json(parameters):
    """The parameters as they come back from a file; of objects, type and attributes."""

    def described(instance):
        return [type(instance).__name__, vars(instance)]

    return json.loads(json.dumps(parameters, default=described))


def read(name):
    """A result written before, or None."""
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def read_lines(path):
    """Results of a file of JSON lines, as far as there are any."""
    return list(map(json.loads, path.read_text().splitlines())) if path.exists() else []


def _module_name():
    spec = sys.modules["__main__"].__spec__
    return spec.name if spec else Path(sys.argv[0]).stem


def _processor():
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    return platform.processor() or platform.machine()
