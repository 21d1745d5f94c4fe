"""The skorch net whose training step is the ladder's."""

import math

import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import EpochTimer, LRScheduler, PrintLog

from ._batches import LadderBatches, RowBatches
from ._costs import ladder_costs
from .network import Ladder

# Rows per forward pass without gradients: large enough for full speed, small enough
# for any memory.
LARGEST_CHUNK = 8192


class LinearDecay:
    """Factor on the learning rate: 1, then falling linearly to 0.

    Parameters
    ----------
    n_updates : int
        Length of training.
    decay_start : float
        Fraction of training after which the rate falls.
    """

    def __init__(self, n_updates, decay_start):
        self.n_updates = n_updates
        self.decay_start = decay_start

    def __call__(self, update):
        left = (self.n_updates - update) / self.n_updates
        return min(1.0, max(0.0, left) / (1 - self.decay_start))


class LadderCosts(torch.nn.Module):
    """The criterion in skorch's sense.

    Parameters
    ----------
    denoising_weights : sequence of float
        λ of layers 0 … L.
    """

    def __init__(self, denoising_weights):
        super().__init__()
        self.denoising_weights = denoising_weights

    def forward(self, activations, batch):
        return ladder_costs(activations, batch.y, batch.weight, self.denoising_weights)


class LadderNet(NeuralNetClassifier):
    """skorch net around a `Ladder`.

    It is fitted to `TrainingRows`; `y` is None. Its ``predict`` returns class codes.
    All of skorch's callbacks work. Each epoch's history has the mean costs and the
    learning rate.

    Parameters
    ----------
    module : type, default=Ladder
    seed : int, default=0
        Determines noise and row order (initial weights: ``module__seed``).
    **kwargs
        Passed to :class:`skorch.NeuralNetClassifier`.
    """

    def __init__(self, module=Ladder, *, seed=0, **kwargs):
        defaults = dict(
            criterion=LadderCosts,
            optimizer=torch.optim.Adam,
            # one pass over all parameters in place of several each
            optimizer__fused=True,
            train_split=None,
            iterator_train=LadderBatches,
            iterator_train__seed=seed,
            iterator_valid=RowBatches,
            iterator_valid__batch_size=LARGEST_CHUNK,
        )
        super().__init__(module, **(defaults | kwargs))
        self.seed = seed

    @property
    def _default_callbacks(self):
        return [("epoch_timer", EpochTimer()), ("print_log", PrintLog())]

    # ---------------------------------------------------------------- one step

    def train_step_single(self, batch, **fit_params):
        """Batch → activations → costs → gradients; skorch then steps the optimiser."""
        self._set_training(True)
        n_rows = len(batch.x_labeled) + len(batch.x_unlabeled)
        noise = self.module_.draw_noise(n_rows, self.noise_generator_)
        activations = self.module_.training_pass(
            batch.x_labeled, batch.x_unlabeled, noise
        )
        costs = self.criterion_(activations, batch)
        costs["total"].backward()
        self.population_is_current_ = False
        return {
            "loss": costs["total"],
            "y_pred": activations.corrupted.logits,
            "costs": {name: cost.detach() for name, cost in costs.items()},
        }

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """As skorch's, but costs stay on the device until the epoch ends."""
        if not training:
            return super().run_single_epoch(
                iterator, training, prefix, step_fn, **fit_params
            )
        sums = {}
        for batch in iterator:
            self.notify("on_batch_begin", batch=batch, training=True)
            step = step_fn(batch, **fit_params)
            for name, cost in step["costs"].items():
                sums[name] = sums.get(name, 0.0) + cost
            self.notify("on_batch_end", batch=batch, training=True, **step)
        self._record_epoch({k: float(v) / len(iterator) for k, v in sums.items()})
        self.history.record(prefix + "_batch_count", len(iterator))

    def _record_epoch(self, costs):
        """Mean costs of an epoch into the history, under skorch's name for the sum."""
        train_loss = costs.pop("total")
        weights_are_finite = all(
            parameter.isfinite().all() for parameter in self.module_.parameters()
        )
        if not (math.isfinite(train_loss) and weights_are_finite):
            raise ValueError(
                f"Training diverged in epoch {len(self.history)}: cost or weights are "
                f"not finite (mean cost {train_loss}). Try a lower learning_rate (now "
                f"{self.lr}), a lower denoising_cost, or standardize=True if features "
                "have very different scales."
            )
        best = min((e["train_loss"] for e in self.history[:-1]), default=math.inf)
        self.history.record("train_loss", train_loss)
        self.history.record("train_loss_best", train_loss < best)
        for name, cost in costs.items():
            self.history.record(f"{name}_cost", cost)
        self.history.record("lr", self.optimizer_.param_groups[0]["lr"])

    # ------------------------------------------------------------ whole training

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        """Take what only training needs: its rows and its noise."""
        super().on_train_begin(net, X=X, y=y, **kwargs)
        self.training_rows_ = X
        self.noise_generator_ = torch.Generator(self.device).manual_seed(self.seed)

    def on_train_end(self, net, X=None, y=None, **kwargs):
        super().on_train_end(net, X=X, y=y, **kwargs)
        self.update_population()
        del self.training_rows_, self.noise_generator_
        for _, callback in self.callbacks_:
            # A torch scheduler holds the optimiser, whose tensors skorch would pickle
            # on their device; then no machine without that device could load them.
            vars(callback).pop("lr_scheduler_", None)

    def update_population(self):
        """Take the statistics for prediction from the training rows.

        After training, and during it only if somebody (a callback) predicts.
        """
        if self.population_is_current_ or not hasattr(self, "training_rows_"):
            return
        chunks = self.training_rows_.chunks(LARGEST_CHUNK, self.seed)
        self.module_.measure_population(chunks)
        self.population_is_current_ = True

    def initialize_module(self):
        super().initialize_module()
        self.population_is_current_ = False
        return self

    def evaluation_step(self, batch, training=False):
        self.update_population()
        return super().evaluation_step(batch, training=training)


def learning_rate_schedule(n_updates, decay_start):
    """Callbacks for a constant, then linearly falling rate; none if it never falls.

    NOTE[DIFF]: the released code computes this decay but does not hand it to the
    optimiser; the paper describes it.
    """
    if decay_start == 1.0:
        return []
    scheduler = LRScheduler(
        torch.optim.lr_scheduler.LambdaLR,
        lr_lambda=LinearDecay(n_updates, decay_start),
        step_every="batch",
        event_name=None,  # history has it as "lr"
    )
    return [("learning_rate_schedule", scheduler)]


def resolve_device(device):
    """The torch device that a `device` parameter means.

    Parameters
    ----------
    device : str
        ``"auto"`` takes CUDA where there is one, or else the CPU.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If torch does not know the device or the machine does not have it.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
        torch.Generator(device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            "device must be 'auto' or a device that torch finds on this machine; got "
            f"{device!r} ({reason})"
        ) from error
    return device
