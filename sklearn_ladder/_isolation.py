"""Protection from modes of NumPy and torch that the user has set."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def isolated() -> Iterator[None]:
    """Context or decorator that sets the modes that a fit and a prediction need.

    It changes modes of this thread only. NumPy does not report floating-point errors,
    because results are checked instead. Torch leaves inference mode and autocast, and
    has gradients.
    """
    with (
        np.errstate(all="ignore"),
        torch.inference_mode(False),
        torch.enable_grad(),
        ExitStack() as stack,
    ):
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        yield
