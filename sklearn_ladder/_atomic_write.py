"""Files that are there as a whole or not at all."""

import os
from pathlib import Path
from uuid import uuid4


def write_atomically(path, content):
    """Write a file in one step.

    If anything fails, nothing is written, and an earlier file stays as it was.

    Parameters
    ----------
    path : str or path-like
    content : bytes
    """
    path = Path(path)
    # in the same folder, since a rename is one step on one file system only
    partial = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with open(partial, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
