"""Warnings that name the user's line, however deep the code that warns."""

import os
import sys
import warnings

import joblib
import sklearn
import skorch

# Folders whose code is not the user's.
NOT_OF_USERS = tuple(
    os.path.dirname(path) + os.sep
    for path in (__file__, sklearn.__file__, skorch.__file__, joblib.__file__)
)


def warn_user(message, category=UserWarning):
    """Warn, with the innermost line outside of this package and those under it.

    Parameters
    ----------
    message : str
    category : type, default=UserWarning
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_code.co_filename.startswith(NOT_OF_USERS):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
