"""Warnings that name the user's line, however deep the code that warns."""

import sys
import warnings

# Packages and modules whose code is not the user's.
NOT_OF_USERS = {"sklearn_ladder", "sklearn", "skorch", "joblib", "contextlib"}


def warn_user(message, category=UserWarning):
    """Warn, with the innermost line outside of this package and those it uses.

    Parameters
    ----------
    message : str
    category : type, default=UserWarning
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back and _package(frame) in NOT_OF_USERS:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _package(frame):
    return (frame.f_globals.get("__name__") or "").partition(".")[0]
