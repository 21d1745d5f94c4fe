"""A training step as a CUDA graph: recorded once, then launched as a whole.

In a step of torch, the host launches a few hundred kernels, and launching them takes
longer than running them. A graph needs a single launch. It does the same arithmetic on
the same random numbers. It reads each batch from the memory of the first one.
"""

import torch

from ..fused._step import HOOKS

# Number of ordinary training steps before the recording. Torch requires them: libraries
# choose their kernels, and the optimizer allocates its moments.
N_EAGER = 3
# Entries of a parameter group that may change without another recording.
NOT_RECORDED = {"params", "lr", "capturable", "initial_lr"}


class GraphedStep:
    """Training steps of a net, replayed from a CUDA graph after the first few.

    If recording fails, or if a setting in the graph has changed, steps run without a
    graph, and `reason` says why.

    Parameters
    ----------
    step : callable
        Takes a batch, updates the weights and returns a dict of detached tensors. The
        batch is a NamedTuple of tensors or None.
    optimizer : torch.optim.Optimizer
        Optimizer that `step` uses.
    generator : torch.Generator
        Random generator that `step` uses.
    constants : callable
        Returns what else `step` uses that a callback may change: it is a constant in
        the recording.
    hooks : Hooks
        Functions of a user, which a recording would leave out.
    record : callable, default=None
        Takes a function without arguments and the generator. Returns the function's
        result, and a function that repeats the work in the same memory. By default
        `record_cuda_graph`.

    Attributes
    ----------
    reason : str or None
        Why there is no graph.
    """

    def __init__(self, step, optimizer, generator, constants, hooks, record=None):
        self.reason = None
        self._step = step
        self._optimizer = optimizer
        self._generator = generator
        self._constants = constants
        self._hooks = hooks
        self._record = record or record_cuda_graph
        self._n_left = N_EAGER
        self._replay = None

    def __call__(self, batch):
        if self.reason is None and self._hooks:
            self.reason = HOOKS
        if self._n_left > 0 or self.reason is not None:
            self._n_left -= 1
            return self._step(batch)
        if self._replay is None:
            try:
                self._make_graph(batch)
            except RuntimeError as error:  # torch cannot record the step
                self.reason = str(error).partition("\n")[0]
                return self._step(batch)
        if self._recorded_settings() != self._settings:
            self.reason = (
                "settings of the optimizer, its parameters, costs or noise have changed"
            )
            return self._step(batch)
        groups = self._optimizer.param_groups
        for rate, group in zip(self._rates, groups, strict=True):
            rate.fill_(group["lr"])
        for recorded, given in zip(self._batch, batch, strict=True):
            if recorded is not None:
                recorded.copy_(given)
        self._replay()
        return self._result

    def _make_graph(self, batch):
        self._batch = type(batch)(*(None if t is None else t.clone() for t in batch))
        self._settings = self._recorded_settings()
        groups = self._optimizer.param_groups
        # While recording, rates are tensors: numbers would become constants.
        # Afterwards they are numbers again, for callbacks and pickles.
        numbers = [
            {name: group[name] for name in ("lr", "capturable")} for group in groups
        ]
        device = self._generator.device
        self._rates = [
            torch.full((), group["lr"], dtype=torch.float32, device=device)
            for group in groups
        ]
        for group, rate in zip(groups, self._rates, strict=True):
            group |= {"lr": rate, "capturable": True}
        try:
            self._result, self._replay = self._record(
                lambda: self._step(self._batch), self._generator
            )
        finally:
            for group, before in zip(groups, numbers, strict=True):
                group |= before

    def _recorded_settings(self):
        """Settings that are constants in a recording."""
        of_groups = [
            (
                {k: v for k, v in group.items() if k not in NOT_RECORDED},
                [parameter.requires_grad for parameter in group["params"]],
            )
            for group in self._optimizer.param_groups
        ]
        return of_groups, self._constants()


def record_cuda_graph(function, generator):
    """Record what a function launches on a CUDA device; nothing runs yet.

    Parameters
    ----------
    function : callable
    generator : torch.Generator
        Generator on that device. Each replay continues from its current state.

    Returns
    -------
    result
        Result of the function: tensors that each replay overwrites.
    replay : callable

    Raises
    ------
    RuntimeError
        If torch cannot record it. Stream and generator are restored.
    """
    with torch.cuda.device(generator.device):
        stream, state = torch.cuda.current_stream(), generator.get_state()
        try:
            graph = torch.cuda.CUDAGraph()
            graph.register_generator_state(generator)
            # Torch's default stream belongs to the first device that was used. The mode
            # does not disturb other threads, such as those of a search.
            with torch.cuda.graph(
                graph,
                stream=torch.cuda.Stream(),
                capture_error_mode="thread_local",
            ):
                result = function()
        except RuntimeError:
            # torch restores neither if the recording fails at its end
            torch.cuda.set_stream(stream)
            fresh = torch.Generator(generator.device)
            generator.graphsafe_set_state(fresh.graphsafe_get_state())
            generator.set_state(state)
            raise
    return result, graph.replay
