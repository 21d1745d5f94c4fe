"""A training step as a CUDA graph: recorded once, then launched as a whole.

Of a step in torch the host launches a few hundred kernels, which takes it longer than
they take the device. A graph of them is one launch, does the same arithmetic on the
same random numbers, and reads its rows from where those of the first batch were.
"""

import torch
from torch import Tensor

# Steps before the recording, as torch asks for: libraries choose their kernels, and the
# optimiser makes its moments. They are steps of training like any other.
N_EAGER = 3


class GraphedStep:
    """Training steps of a net, all but the first few from a graph.

    Where that is impossible, the reason is kept and steps go on one kernel at a time.

    Parameters
    ----------
    step : callable
        Takes a batch, a NamedTuple of tensors or None that are the only input that
        differs between steps; updates the weights; returns a dict.
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
                self.reason = str(error).splitlines()[0]
                return self._step(batch)
        self._copy_learning_rates()
        for own, given in zip(self._batch, batch, strict=True):
            if own is not None:
                own.copy_(given)
        self._replay()
        return self._result

    def _make_graph(self, batch):
        self._batch = type(batch)(*(None if t is None else t.clone() for t in batch))
        device = self._generator.device
        before = [dict(group) for group in self._optimizer.param_groups]
        # a number would become part of the graph
        self._rates = [
            torch.as_tensor(group["lr"], dtype=torch.float32, device=device)
            for group in self._optimizer.param_groups
        ]
        try:
            for group, rate in zip(
                self._optimizer.param_groups, self._rates, strict=True
            ):
                group |= {"lr": rate, "capturable": True}
            self._result, self._replay = self._record(
                lambda: self._step(self._batch), self._generator
            )
        except RuntimeError:
            for group, old in zip(self._optimizer.param_groups, before, strict=True):
                group |= {"lr": old["lr"], "capturable": old["capturable"]}
            raise

    def _copy_learning_rates(self):
        """To where the graph reads them, if a scheduler has put new ones there."""
        for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
            if group["lr"] is not rate:
                rate.fill_(group["lr"])
                group["lr"] = rate

    def close(self):
        """Leave learning rates as numbers, which load on any machine."""
        for group in self._optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group |= {"lr": float(group["lr"]), "capturable": False}


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
    """
    graph = torch.cuda.CUDAGraph()
    graph.register_generator_state(generator)
    with torch.cuda.device(generator.device), torch.cuda.graph(graph):
        result = function()
    return result, graph.replay
