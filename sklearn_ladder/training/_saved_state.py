"""What is saved of a net: its plan, weights, callbacks and history, in plain types.

The plan describes the net, so skorch's attributes are not saved but built again. Saved
models are small, and have few types: programs such as skops ask the user about each.
"""

from dataclasses import replace

import numpy as np
import torch
from skorch.exceptions import DeviceWarning
from skorch.history import History

from .._isolation import isolated
from .._plan import resolve_device
from .._user_warnings import warn_user
from ._build import initialized_net, own_callbacks
from ._callbacks import callback_of

# Buffers that are not saved, since the plan has them.
OF_PLAN = ("feature_scaling.", "input_range")
# What training leaves on a net, beside weights and the history.
LEFT_BY_TRAINING = ("population_is_current_", "reason_against_fused_step_")


def saved_state(net):
    """What is saved of a net.

    Parameters
    ----------
    net : LadderNet

    Returns
    -------
    dict of str to object
        Plain types and arrays, beside the plan and the user's callbacks.
    """
    n_own = len(own_callbacks(net.plan))
    users = [callback_of(entry) for entry in net.callbacks[n_own:]]
    return {
        "plan": net.plan,
        "device": str(net.device),
        "weights": {
            name: _array(tensor)
            for name, tensor in net.module_.state_dict().items()
            if not name.startswith(OF_PLAN)
        },
        "optimizer": _optimizer_state(net.optimizer_),
        "history": _columns(net.history),
        # all names in their order; None for a callback that is built again
        "callbacks": [
            (name, callback if any(callback is user for user in users) else None)
            for name, callback in net.callbacks_
        ],
        "attributes": {
            name: vars(net)[name] for name in LEFT_BY_TRAINING if name in vars(net)
        },
    }


def _device_at_hand(device):
    """A device, or the CPU if it is not there."""
    try:
        return resolve_device(device)
    except ValueError:
        warn_user(
            f"The model was trained on device {device!r}, which is not there: it is on "
            "the CPU now.",
            DeviceWarning,
        )
        return "cpu"


@isolated()
def restored_net(state):
    """Build the net of a saved state.

    Parameters
    ----------
    state : dict
        As returned by `saved_state`.

    Returns
    -------
    LadderNet
        On the CPU if its device is not there.

    Warns
    -----
    DeviceWarning
        If its device is not there.
    """
    device = _device_at_hand(state["device"])
    plan = state["plan"]
    if plan.device != device:
        plan = replace(plan, device=device)
    net = initialized_net(plan, own_callbacks(plan))
    weights = {name: _tensor(array) for name, array in state["weights"].items()}
    net.module_.load_state_dict(net.module_.state_dict() | weights)
    net.module_.eval()
    _load_optimizer_state(net.optimizer_, state["optimizer"])
    net.history = History(_rows(state["history"]))
    built = dict(net.callbacks_)
    users = [(name, saved) for name, saved in state["callbacks"] if saved is not None]
    net.callbacks_ = [
        (name, built[name] if saved is None else saved)
        for name, saved in state["callbacks"]
    ]
    net.callbacks = [*net.callbacks, *users]
    vars(net).update(state["attributes"])
    return net


def _array(tensor):
    return tensor.detach().cpu().numpy()


def _tensor(array):
    # a copy, since the array may be read-only: joblib can map files into memory
    return torch.tensor(array, device="cpu")


# ------------------------------------------------------------------- optimizer


def _optimizer_state(optimizer):
    """The state of an optimizer in plain types and arrays."""
    state = optimizer.state_dict()
    return {
        "state": {
            number: {name: _array(tensor) for name, tensor in tensors.items()}
            for number, tensors in state["state"].items()
        },
        "param_groups": [
            {name: value for name, value in group.items() if name != "params"}
            for group in state["param_groups"]
        ],
    }


def _load_optimizer_state(optimizer, state):
    loaded = optimizer.state_dict()
    loaded["state"] = {
        number: {name: _tensor(array) for name, array in arrays.items()}
        for number, arrays in state["state"].items()
    }
    loaded["param_groups"] = [
        group | saved
        for group, saved in zip(
            loaded["param_groups"], state["param_groups"], strict=True
        )
    ]
    optimizer.load_state_dict(loaded)


# --------------------------------------------------------------------- history


def _columns(history):
    """The history by columns: name to (numbers of the epochs, their values).

    Values of one type of number are an array. Records of single batches are left out.
    """
    columns = {}
    for number, epoch in enumerate(history):
        for name, value in epoch.items():
            if name != "batches":
                numbers, values = columns.setdefault(name, ([], []))
                numbers.append(number)
                values.append(value)
    every = np.arange(len(history))  # one array for all columns: it is saved once
    return {
        name: (
            every if len(numbers) == len(every) else np.array(numbers),
            _array_of_numbers(values),
        )
        for name, (numbers, values) in columns.items()
    }


def _array_of_numbers(values):
    """An array if its `tolist` gives the same values again; otherwise the values."""
    types = {type(value) for value in values}
    is_number = len(types) == 1 and types <= {float, int, bool}
    return np.array(values) if is_number else values


def _rows(columns):
    """The epochs of a history, from its columns."""
    n_epochs = max((epochs[-1] + 1 for epochs, _ in columns.values()), default=0)
    rows = [{"batches": []} for _ in range(n_epochs)]
    for name, (epochs, values) in columns.items():
        if isinstance(values, np.ndarray):
            values = values.tolist()
        for epoch, value in zip(epochs.tolist(), values, strict=True):
            rows[epoch][name] = value
    return rows
