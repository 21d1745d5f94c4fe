"""Files of checkpoints: plain data, written in one step."""

import io
import os
import zipfile
from contextlib import contextmanager, suppress
from pathlib import Path
from types import NoneType

import numpy as np
import torch
from torch import Tensor

from .._atomic_write import write_atomically
from .._version import __version__

FORMAT = 3


def read(path):
    """The state in a checkpoint; None if there is no file.

    Raises
    ------
    ValueError
        If the file is no checkpoint, or if its checksums are wrong.
    OSError
        If it cannot be read.
    """
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        return None
    try:
        # torch does not look at checksums
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            damaged = file.testzip()
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever the bytes lead to
        raise _no_checkpoint(path) from error
    is_ours = isinstance(state, dict) and state.get("format") == FORMAT
    if damaged is not None or not is_ours:
        raise _no_checkpoint(path)
    return state


def _no_checkpoint(path):
    return ValueError(
        f"{path} is no checkpoint of sklearn_ladder {__version__}, or is damaged. "
        "Choose another path, or remove the file."
    )


def replace(path, state):
    """Write a file beside the previous one, then let it take its place in one step.

    Parameters
    ----------
    path : Path
    state : dict of plain data

    Raises
    ------
    OSError
        If it cannot be written. The previous file is as it was.
    """
    buffer = io.BytesIO()
    with _checksums():
        torch.save(state, buffer)
    try:
        write_atomically(path, buffer.getbuffer())
    except OSError as error:
        raise OSError(
            error.errno,
            f"The checkpoint could not be written ({error.strerror}); a previous one "
            "is as it was",
            str(path),
        ) from error


@contextmanager
def _checksums():
    """Let torch write checksums, which the user may have switched off."""
    get = getattr(torch.serialization, "get_crc32_options", None)
    if get is None:  # torch before 2.6 always writes them
        yield
        return
    before = get()
    torch.serialization.set_crc32_options(True)
    try:
        yield
    finally:
        torch.serialization.set_crc32_options(before)


def signature(path):
    """Tells a file from one that another process wrote there; None without a file."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


class NotPlainError(Exception):
    """A value is none of the types that a file without code can have."""


def plain_entries(entries):
    """Entries of a dict that are plain data."""
    found = {}
    for name, value in entries.items():
        with suppress(NotPlainError):
            found[name] = plain(value)
    return found


def plain(value):
    """Plain data: numbers, strings, tensors, None, and collections of these.

    Raises
    ------
    NotPlainError
    """
    if isinstance(value, np.generic):  # some of these count as numbers of Python, too
        return plain(value.item())
    if type(value) in (NoneType, bool, int, float, str) or isinstance(value, Tensor):
        return value
    if isinstance(value, dict):
        return {plain(name): plain(entry) for name, entry in value.items()}
    if type(value) in (list, tuple):
        return type(value)(plain(entry) for entry in value)
    raise NotPlainError(type(value))
