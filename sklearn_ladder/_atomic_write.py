"""Write a file completely, or not at all."""

import os
from glob import escape
from pathlib import Path
from uuid import uuid4

PARTIAL = ".partial"


def write_atomically(path, content):
    """Write a file in one step.

    If anything fails, nothing is written, and an earlier file stays as it was.

    Parameters
    ----------
    path : str or path-like
    content : bytes-like
    """
    path = Path(path)
    # in the same folder, since a rename is one step on one file system only
    partial = path.with_name(f".{path.name}.{uuid4().hex}{PARTIAL}")
    try:
        with open(partial, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def remove_left_overs(path):
    """Remove partial files of processes that were killed while they wrote `path`."""
    path = Path(path)
    for left_over in path.parent.glob(f".{escape(path.name)}.*{PARTIAL}"):
        left_over.unlink(missing_ok=True)
