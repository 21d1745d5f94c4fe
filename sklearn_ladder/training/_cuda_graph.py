"""A training step as a CUDA graph: recorded once, then launched as a whole.

Of a step in torch the host launches a few hundred kernels, which takes it longer than
they take the device. A graph of them is one launch, does the same arithmetic on the
same random numbers, and reads its rows from where those of the first batch were.
"""

import torch

# Steps before the recording, as torch asks for: libraries choose their kernels, and the
# optimiser makes its moments. They are steps of training like any other.
N_EAGER = 3
# What of a group of parameters may change without another recording.
NOT_RECORDED = {"params", "lr", "capturable", "initial_lr"}


class GraphedStep:
    """Training steps of a net, all but the first few from a graph.

    Where that is impossible, or something has changed that is part of the graph, steps
    go on one kernel at a time, and the reason is kept.

    Parameters
    ----------
    step : callable
        Takes a batch, a NamedTuple of tensors or None that are the only input that
        differs between steps; updates the weights; returns a dict of detached tensors.
    optimizer : torch.optim.Optimizer
        What `step` updates weights by.
    generator : torch.Generator
        What `step` draws by.
    record : callable, default=None
        Takes a function without arguments and the generator; returns what it returned,
        and a function that does the same again in the same memory. By default
        `record_cuda_graph`.

    Attributes
    ----------
    reason : str or None
        Why there is no graph.
    """

    def __init__(self, step, optimizer, generator, record=None):
        self.reason = None
        self._step = step
        self._optimizer = optimizer
        self._generator = generator
        self._record = record or record_cuda_graph
        self._n_left = N_EAGER
        self._replay = None

    def __call__(self, batch):
        if self._n_left > 0 or self.reason is not None:
            self._n_left -= 1
            return self._step(batch)
        if self._replay is None:
            try:
                self._make_graph(batch)
            except RuntimeError as error:  # torch's, of what it cannot record
                self.reason = str(error).partition("\n")[0]
                return self._step(batch)
        if self._recorded_settings() != self._settings:
            self.reason = "settings of the optimizer or its parameters have changed"
            return self._step(batch)
        groups = self._optimizer.param_groups
        for rate, group in zip(self._rates, groups, strict=True):
            rate.fill_(group["lr"])
        for own, given in zip(self._batch, batch, strict=True):
            if own is not None:
                own.copy_(given)
        self._replay()
        return self._result

    def _make_graph(self, batch):
        self._batch = type(batch)(*(None if t is None else t.clone() for t in batch))
        self._settings = self._recorded_settings()
        groups = self._optimizer.param_groups
        # Read from memory: a number would become part of the graph. Everybody else, and
        # what is saved, has numbers.
        numbers = [
            {name: group[name] for name in ("lr", "capturable")} for group in groups
        ]
        device = self._generator.device
        self._rates = [torch.full((), group["lr"], device=device) for group in groups]
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
        """What a recording has as constants."""
        return [
            (
                {k: v for k, v in group.items() if k not in NOT_RECORDED},
                [parameter.requires_grad for parameter in group["params"]],
            )
            for group in self._optimizer.param_groups
        ]


def record_cuda_graph(function, generator):
    """Record what a function launches on a CUDA device; nothing runs yet.

    Parameters
    ----------
    function : callable
    generator : torch.Generator
        On that device. Each replay draws on from where it is then.

    Returns
    -------
    result
        What the function returned: tensors that each replay writes anew.
    replay : callable

    Raises
    ------
    RuntimeError
        If torch cannot record it. Stream and generator are as before.
    """
    with torch.cuda.device(generator.device):
        stream, state = torch.cuda.current_stream(), generator.get_state()
        try:
            graph = torch.cuda.CUDAGraph()
            graph.register_generator_state(generator)
            # Torch's own stream for this is of the first device that was used. The mode
            # leaves other threads alone: a search may have several.
            with torch.cuda.graph(
                graph,
                stream=torch.cuda.Stream(),
                capture_error_mode="thread_local",
            ):
                result = function()
        except RuntimeError:
            # of a recording that fails in its last line, torch keeps both
            torch.cuda.set_stream(stream)
            fresh = torch.Generator(generator.device)
            generator.graphsafe_set_state(fresh.graphsafe_get_state())
            generator.set_state(state)
            raise
    return result, graph.replay
