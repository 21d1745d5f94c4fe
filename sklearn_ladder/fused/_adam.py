"""The compiled update of Adam."""

import ctypes

import torch

from ..network._shapes import FLOAT32_ON_CPU
from ._program import Program


class AdamUpdate:
    """Updates parameters as ``torch.optim.Adam``, whose state it uses.

    Parameters
    ----------
    optimizer : torch.optim.Adam
    gradients : dict of Parameter to Tensor

    Raises
    ------
    ValueError
        If the parameters are not all at the same step.
    """

    def __init__(self, optimizer, gradients):
        self._optimizer = optimizer
        states = [self._state(parameter) for parameter in gradients]
        n_steps = {int(state["step"]) for state in states}
        if len(n_steps) != 1:
            raise ValueError(
                f"All parameters must be at the same step of Adam; got {n_steps}."
            )
        (self.n_steps,) = n_steps
        # one tensor, so that one call counts a step of all parameters
        self._steps = torch.full((len(states),), float(self.n_steps), **FLOAT32_ON_CPU)
        for state, step in zip(states, self._steps.unbind(), strict=True):
            state["step"] = step
        sizes = [parameter.numel() for parameter in gradients]
        lists = {
            "parameters": gradients,
            "gradients": gradients.values(),
            "means": [state["exp_avg"] for state in states],
            "squares": [state["exp_avg_sq"] for state in states],
        }
        n = len(sizes)
        self._arrays = {"sizes": (ctypes.c_int64 * n)(*sizes)} | {
            name: (ctypes.c_void_p * n)(*[tensor.data_ptr() for tensor in tensors])
            for name, tensors in lists.items()
        }
        addresses = {name: ctypes.addressof(x) for name, x in self._arrays.items()}
        self._program = Program()
        self._call = self._program.add("adam", n=n, **addresses)

    def _state(self, parameter):
        state = self._optimizer.state[parameter]
        if not state:  # the state that torch would make
            state["step"] = torch.zeros((), **FLOAT32_ON_CPU)
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_avg_sq"] = torch.zeros_like(parameter)
        return state

    def run(self):
        """Update the parameters by their gradients."""
        # learning rate schedulers of torch warn unless `step` was called
        self._optimizer._opt_called = True
        group, call = self._optimizer.param_groups[0], self._call
        self._steps += 1
        self.n_steps += 1
        call.beta1, call.beta2 = group["betas"]
        call.epsilon = group["eps"]
        call.step_size = group["lr"] / (1 - group["betas"][0] ** self.n_steps)
        call.inverse_root = (1 - group["betas"][1] ** self.n_steps) ** -0.5
        self._program.run()
