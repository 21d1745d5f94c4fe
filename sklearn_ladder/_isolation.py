"""Protection from modes of NumPy and torch that the user has set."""

from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def isolated():
    """Context or decorator that sets the modes that a fit and a prediction need.

    It changes modes of this thread only. NumPy does not report floating-point errors,
    because results are checked instead. Torch leaves inference mode and has gradients.
    """
    with np.errstate(all="ignore"), torch.inference_mode(False), torch.enable_grad():
        yield
