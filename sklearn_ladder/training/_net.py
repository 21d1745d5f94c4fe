"""The skorch net whose training step is the ladder's."""

import math
import warnings
from copy import deepcopy

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from skorch import NeuralNetClassifier
from skorch.callbacks import (
    Callback,
    EarlyStopping,
    EpochTimer,
    LRScheduler,
    PassthroughScoring,
    PrintLog,
)
from skorch.dataset import Dataset
from skorch.helper import predefined_split
from skorch.utils import noop
from torch.nn import functional as F

from ..data._batches import LadderBatches, RowBatches
from ..data._samples import MULTIPLE, chunk_size
from ..network import Ladder
from ..objective._costs import ladder_costs
from ._cuda_graph import GraphedStep

# Columns of its history that are not for users.
FOR_SKORCH_ALONE = {
    "batches",
    "train_loss_best",
    "train_batch_count",
    "valid_loss_best",
    "valid_batch_count",
}


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
    entropy_weight : float, default=0.0
    smoothing : float, default=0.0
        Of the labels.
    """

    def __init__(self, denoising_weights, entropy_weight=0.0, smoothing=0.0):
        super().__init__()
        self.denoising_weights = denoising_weights
        self.entropy_weight = entropy_weight
        self.smoothing = smoothing

    def forward(self, activations, batch):
        return ladder_costs(
            activations,
            batch.y,
            batch.weight,
            self.denoising_weights,
            self.entropy_weight,
            self.smoothing,
        )


class LadderNet(NeuralNetClassifier):
    """skorch net around a `Ladder`.

    It is fitted to `TrainingRows`; `y` is None. Its ``predict`` returns class codes.
    skorch's callbacks work, but scores of training rows need a scorer of their own: a
    batch has labelled and unlabelled rows. Each epoch's history has the mean costs and
    the learning rate.

    On CUDA a step is a graph that is launched as a whole, unless ``eager_reason_`` says
    why not. Rounding to TF32 there is what torch is told: products of matrices are in
    float32 unless ``torch.set_float32_matmul_precision("high")``, convolutions in TF32
    unless ``torch.backends.cudnn.allow_tf32 = False``.

    Parameters
    ----------
    module : type, default=Ladder
    seed : int, default=0
        Determines noise and row order (initial weights: ``module__seed``).
    weight_normalization : bool, default=False
        Whether weights are brought to length 1 before each step:
        `Ladder.normalize_weights`.
    population_share : float, default=1.0
        Share of the rows at hand in the statistics for prediction; the rest is left to
        the statistics there were before.
    **kwargs
        Passed to :class:`skorch.NeuralNetClassifier`.
    """

    def __init__(
        self,
        module=Ladder,
        *,
        seed=0,
        weight_normalization=False,
        population_share=1.0,
        **kwargs,
    ):
        defaults = dict(
            criterion=LadderCosts,
            optimizer=torch.optim.Adam,
            # one pass over all parameters in place of several each
            optimizer__fused=True,
            train_split=None,
            iterator_train=LadderBatches,
            iterator_train__seed=seed,
            iterator_valid=RowBatches,
        )
        super().__init__(module, **(defaults | kwargs))
        self.seed = seed
        self.weight_normalization = weight_normalization
        self.population_share = population_share

    @property
    def _default_callbacks(self):
        return [("epoch_timer", EpochTimer()), ("print_log", PrintLog())]

    # ---------------------------------------------------------------- one step

    def train_step(self, batch, **fit_params):
        """As skorch's; on CUDA from a graph: see `GraphedStep`.

        What it returns is then written anew by the next step.
        """
        self.population_is_current_ = False
        if self.graphed_step_ is None:
            return super().train_step(batch, **fit_params)
        step = self.graphed_step_(batch)
        self.eager_reason_ = self.graphed_step_.reason
        return step

    def _graphed_step(self):
        """What takes steps from a graph, or None and the reason."""
        if torch.device(self.device).type != "cuda":
            return None, "only CUDA has graphs"
        for name, callback in self.callbacks_:
            if type(callback).on_grad_computed is not Callback.on_grad_computed:
                return None, f"callback {name} acts on gradients"
        step = GraphedStep(super().train_step, self.optimizer_, self.noise_generator_)
        return step, None

    def train_step_single(self, batch, **fit_params):
        """Batch → activations → costs → gradients; skorch then steps the optimiser."""
        if self.weight_normalization:
            self.module_.normalize_weights()
        n_rows = len(batch.x_labeled) + len(batch.x_unlabeled)
        noise = self.module_.draw_noise(n_rows, self.noise_generator_)
        activations = self.module_.training_pass(
            batch.x_labeled,
            batch.x_unlabeled,
            noise,
            self.training_rows_.have_missing,
            self.noise_generator_,
        )
        costs = self.criterion_(activations, batch)
        # A mean over networks; each follows the gradient of its own cost.
        costs["total"].backward(
            torch.full_like(costs["total"], self.module_.n_networks)
        )
        if n_rows == 0:  # gradients of 0 would leave the weights to momentum
            self.optimizer_.zero_grad()
        # detached: nodes of one step's gradients must not outlive it, or the next one
        # cannot be recorded
        return {
            "loss": costs["total"].detach(),
            "y_pred": activations.corrupted.logits.detach(),
            "costs": {name: cost.detach() for name, cost in costs.items()},
        }

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """As skorch's, but costs stay on the device until the epoch ends."""
        if not training:
            return super().run_single_epoch(
                iterator, training, prefix, step_fn, **fit_params
            )
        # here, since for each step it would take a 20th of that of a small network
        self._set_training(True)
        sums, lr = {}, self.optimizer_.param_groups[0]["lr"]
        for batch in iterator:
            self.notify("on_batch_begin", batch=batch, training=True)
            step = step_fn(batch, **fit_params)
            for name, cost in step["costs"].items():
                sums[name] = sums.get(name, 0.0) + cost
            self.notify("on_batch_end", batch=batch, training=True, **step)
        self._record_epoch({k: float(v) / len(iterator) for k, v in sums.items()})
        self.history.record("lr", lr)
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
                f"{self.lr}), a lower denoising_cost or epsilon, or standardize=True "
                "if features have very different scales."
            )
        best = min((e["train_loss"] for e in self.history[:-1]), default=math.inf)
        self.history.record("train_loss", train_loss)
        self.history.record("train_loss_best", train_loss < best)
        for name, cost in costs.items():
            self.history.record(f"{name}_cost", cost)

    # ------------------------------------------------------------ whole training

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        """Take what only training needs: its rows and its noise."""
        super().on_train_begin(net, X=X, y=y, **kwargs)
        self.training_rows_ = X
        self.noise_generator_ = torch.Generator(self.device).manual_seed(self.seed)
        self.graphed_step_, self.eager_reason_ = self._graphed_step()

    def partial_fit(self, X, y=None, classes=None, **fit_params):
        """Train as skorch does, then let go of what only training needs.

        Warns
        -----
        ConvergenceWarning
            If training was interrupted by the keyboard.

        Raises
        ------
        KeyboardInterrupt
            If it was before the first epoch had ended.
        """
        n_before = len(self.history)
        super().partial_fit(X, y, classes, **fit_params)
        self._tell_of_interrupt(n_before)
        del self.graphed_step_  # and the gradients in its memory
        self.optimizer_.zero_grad()
        # in any case: a callback may have restored other weights in the end
        self.population_is_current_ = False
        self.update_population()
        del self.training_rows_, self.noise_generator_
        self.train_split = None  # it holds rows
        for _, callback in self.callbacks_:
            # A torch scheduler holds the optimiser, whose tensors skorch would pickle
            # on their device; then no machine without that device could load them.
            vars(callback).pop("lr_scheduler_", None)
            if isinstance(callback, EarlyStopping):
                callback.best_model_weights_ = None
        return self

    def _tell_of_interrupt(self, n_before):
        """Of one by the keyboard, which skorch takes for the end of training.

        The epoch that it broke off is then in no history. At the end of an epoch it
        cannot be told from a callback that stops training.
        """
        is_whole = ["train_loss" in epoch for epoch in self.history[n_before:]]
        if not any(is_whole):
            raise KeyboardInterrupt
        if not all(is_whole):
            del self.history[-1]
            warnings.warn(
                f"Training was interrupted after {sum(is_whole)} of {self.max_epochs} "
                "epochs.",
                ConvergenceWarning,
                stacklevel=5,
            )

    def set_class_prior_ratio(self, ratio):
        """Predict for classes that are so much more frequent than among the labels."""
        self.module_.class_prior_ratio.copy_(torch.as_tensor(ratio))

    def load_weights(self, previous):
        """Copy weights and statistics of a net, not its standardization or class prior.

        Raises
        ------
        RuntimeError
            If the networks are not of the same shape.
        """
        own, state = self.module_.state_dict(), previous.module_.state_dict()
        state |= {
            name: value
            for name, value in own.items()
            if name.startswith(("standardization.", "class_prior")) and name in state
        }
        self.module_.load_state_dict(state)

    def standardize(self, x):
        """Rows on the net's device as its training takes them."""
        with torch.no_grad():
            return self.module_.standardize(x)

    def continue_from(self, previous):
        """Take over the optimiser's moments and the history of a net."""
        state = deepcopy(previous.optimizer_.state_dict())
        self.optimizer_.load_state_dict(state)
        for group in self.optimizer_.param_groups:
            group["lr"] = self.lr
        self.history.extend(previous.history)

    def update_population(self):
        """Take the statistics for prediction from `TrainingRows.sample`.

        After training, and during it only if somebody (a callback) predicts.
        """
        if self.population_is_current_ or not hasattr(self, "training_rows_"):
            return
        sample = self.training_rows_.sample(
            self.seed,
            # parts that fit into memory, yet no smaller than training's batches
            max(self.batch_size, chunk_size(self.module_.n_units_at_most)),
        )
        self.module_.measure_population(sample, self.population_share)
        self.population_is_current_ = True

    def initialize_module(self):
        super().initialize_module()
        self.module_.float()  # as rows are, whatever torch's default is
        self.population_is_current_ = False
        return self

    # -------------------------------------------------- prediction and validation

    def evaluation_step(self, batch, training=False):
        self.update_population()
        return super().evaluation_step(batch, training=training)

    def validation_step(self, batch, **fit_params):
        self.update_population()
        return super().validation_step(batch, **fit_params)

    def get_loss(self, y_pred, y_true, X=None, training=False):
        """Log-loss of held-out rows; training has costs of its own."""
        return F.nll_loss(y_pred.clamp_min(1e-30).log(), y_true.to(y_pred.device))

    def get_iterator(self, dataset, training=False):
        """As skorch's; to predict, as many rows at once as fit into memory."""
        if training:
            return super().get_iterator(dataset, training=True)
        return self.iterator_valid(
            dataset, batch_size=chunk_size(self.module_.n_units_at_most)
        )

    def infer(self, x, **fit_params):
        """Class probabilities of rows, shape (n_rows, n_classes)."""
        return self._in_equal_company(self.module_, x)

    def predict_proba(self, X):
        """Class probabilities of any rows that skorch takes, or of `Rows`.

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
        """
        return self.run("forward", X)

    def run(self, method, X):
        """Output of a method of the module for rows, a part at a time.

        Parameters
        ----------
        method : str
        X : Rows, or what skorch takes

        Returns
        -------
        ndarray of shape (n_rows, width)
        """
        self.update_population()
        self._set_training(False)
        function, dataset = getattr(self.module_, method), self.get_dataset(X)
        output, start = None, 0
        with torch.no_grad():
            for x, _ in self.get_iterator(dataset):
                part = self._in_equal_company(function, x).cpu().numpy()
                if output is None:
                    # At once: many small arrays, kept between large ones that come and
                    # go, would cut the memory into pieces of no use.
                    output = np.empty((len(dataset), *part.shape[1:]), part.dtype)
                output[start : start + len(part)] = part
                start += len(part)
        return output

    def _in_equal_company(self, function, x):
        """Apply to rows on the device, filled up to a multiple of `MULTIPLE`.

        Matrix products take another way for few rows, and would round differently: what
        is predicted for a row should not depend on the rows beside it.
        """
        x = x.to(self.device)
        n_more = -len(x) % MULTIPLE
        return function(F.pad(x, (0, 0, 0, n_more)) if n_more else x)[: len(x)]

    # ------------------------------------------------------------------- history

    def history_table(self):
        """Numbers of the history, without those that only skorch needs.

        Returns
        -------
        dict of str to ndarray of shape (n_epochs,)
        """
        names = dict.fromkeys(name for epoch in self.history for name in epoch)
        columns = {
            name: [epoch.get(name, np.nan) for epoch in self.history]
            for name in names
            if name not in FOR_SKORCH_ALONE
        }
        return {
            name: np.asarray(values)
            for name, values in columns.items()
            if all(np.isscalar(value) for value in values)
        }


def learning_rate_schedule(n_updates, decay_start):
    """Callbacks for a constant, then linearly falling rate; none if it never falls.

    NOTE[DIFF]: the released code computes this decay, by epochs, but does not hand it
    to the optimiser; the paper describes it.
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


def early_stopping(x, y, patience, tol):
    """What makes a net stop early and take the weights that were best.

    Parameters
    ----------
    x : SampleSubset
        Held-out rows.
    y : ndarray of shape (n_rows,)
        Their class codes.
    patience : int
        Number of epochs without improvement before training stops.
    tol : float
        Smallest improvement of the log-loss.

    Returns
    -------
    train_split : callable
    callbacks : list of (name, callback)
        Parameters of the net.
    """
    stopping = EarlyStopping(
        "valid_loss",
        patience=patience,
        threshold=tol,
        threshold_mode="abs",
        load_best=True,
        sink=noop,
    )
    return predefined_split(Dataset(x, y)), [
        ("validation_of_ladder", PassthroughScoring("valid_loss")),
        ("early_stopping_of_ladder", stopping),
    ]


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
