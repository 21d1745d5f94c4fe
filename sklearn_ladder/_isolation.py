"""Independence of what the user has set globally."""

from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def isolated():
    """Context, or decorator, in which NumPy's and torch's modes are our own.

    It changes modes of this thread only: how NumPy reports floating-point errors, and
    torch's inference and gradient modes. Results are checked instead.
    """
    with np.errstate(all="ignore"), torch.inference_mode(False), torch.enable_grad():
        yield
