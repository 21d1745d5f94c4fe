"""The skorch net: how the ladder's training step differs from skorch's."""

import math
from dataclasses import dataclass, field

import torch
from skorch import NeuralNetClassifier
from torch.nn import functional as F

from .._prediction import measure_population
from ..data._batches import LadderBatches, SampleBatches
from ..network import Ladder
from ..objective._costs import ladder_costs


class LadderCosts(torch.nn.Module):
    """The costs of Algorithm 1 as a criterion for skorch.

    Parameters
    ----------
    denoising_costs : sequence of float
        λ of layers 0 … L.
    smoothing : float, default=0.0
        Label smoothing.
    adversarial_weight : float, default=1.0
        Weight of the virtual adversarial costs.
    """

    def __init__(self, denoising_costs, smoothing=0.0, adversarial_weight=1.0):
        super().__init__()
        self.denoising_costs = denoising_costs
        self.smoothing = smoothing
        self.adversarial_weight = adversarial_weight

    def settings(self):
        """What a callback may change, by name."""
        return {
            "denoising_costs": tuple(map(float, self.denoising_costs)),
            "smoothing": float(self.smoothing),
            "adversarial_weight": float(self.adversarial_weight),
        }

    def forward(self, activations, batch):
        return ladder_costs(
            activations,
            batch.y,
            batch.weight,
            self.denoising_costs,
            self.smoothing,
            self.adversarial_weight,
        )


@dataclass
class EpochSoFar:
    """What `LadderNet` sums up during an epoch."""

    lr: float  # at the start
    n_batches: int = 0
    costs: dict = field(default_factory=dict)  # name to Tensor: sums over the batches

    def add(self, costs):
        """Add the costs of a batch. No number is read, so that no GPU has to wait."""
        self.n_batches += 1
        for name, cost in costs.items():
            self.costs[name] = self.costs.get(name, 0.0) + cost

    def mean_costs(self):
        return {name: float(cost) / self.n_batches for name, cost in self.costs.items()}


class LadderNet(NeuralNetClassifier):
    """skorch net around a `Ladder`, trained by `train`.

    ``predict`` returns class codes. skorch's callbacks work. But callbacks that score
    training batches do not, because a batch has labeled and unlabeled samples. Each
    epoch's history has the mean costs and the learning rate.

    Parameters
    ----------
    module : type, default=Ladder
    plan : Plan
    **kwargs
        Passed to :class:`skorch.NeuralNetClassifier`.

    Attributes
    ----------
    training_data_ : TrainingData
    training_samples_ : TrainingSamples
    noise_generator_ : torch.Generator
    n_updates_ : int
        Number of updates of the current fit.
    epoch_so_far_ : EpochSoFar or None
        None between epochs.
    population_is_current_ : bool
        Whether the statistics for prediction were measured with the current weights.
    earlier_population_, earlier_share_ : list of Statistics, float
        Statistics before this call of `partial_fit`, and their weight.
    time_is_up_ : bool
        Whether `LearningRateSchedule` ends training.
    is_ending_ : bool
        Whether a callback has ended training in this end of an epoch.
    interrupts_ : list
        Not empty if the user interrupted training.
    is_finished_ : bool
        Whether training has ended, here or in the checkpoint that was loaded.

    Notes
    -----
    `train` and `Checkpoint` set these attributes. Most are deleted at the end.
    """

    n_updates_, epoch_so_far_, is_finished_, is_ending_ = 0, None, False, False

    def __init__(self, module=Ladder, *, plan=None, **kwargs):
        defaults = dict(
            criterion=LadderCosts,
            optimizer=torch.optim.Adam,
            optimizer__fused=True,  # one pass over all parameters in place of several
            train_split=None,
            iterator_train=LadderBatches,
            iterator_valid=SampleBatches,
            # they need costs batch by batch, which this net does not record
            callbacks__train_loss=None,
            callbacks__valid_loss=None,
            callbacks__valid_acc=None,
        )
        super().__init__(module, **(defaults | kwargs))
        self.plan = plan

    def __getstate__(self):
        """What is saved. Overridden because the plan describes all else."""
        from ._saved_state import saved_state  # late: it builds nets of this class

        self._measure_during_training()
        return saved_state(self)

    def save_params(self, *args, **kwargs):
        """Save weights. Overridden because a callback may save them in training."""
        self._measure_during_training()
        super().save_params(*args, **kwargs)

    def _measure_during_training(self):
        """Measure the statistics for prediction, which are saved with the weights."""
        if hasattr(self, "training_samples_"):
            self.update_population()

    def __setstate__(self, state):
        """Build the net of a saved state. Overridden for the same reason."""
        from ._saved_state import restored_net

        vars(self).update(vars(restored_net(state)))

    def fit_loop(self, X, y=None, epochs=None, **kwargs):
        """Train for as many epochs as are left.

        Overridden because a checkpoint may have brought some of the updates.
        """
        n_left = self.max_epochs - self.n_updates_ // self.plan.n_updates_per_epoch
        return super().fit_loop(X, y, 0 if self.is_finished_ else n_left, **kwargs)

    def notify(self, method_name, **kwargs):
        """Call a method of all callbacks.

        Overridden because a callback that ends training at the end of an epoch would
        hide this end from the callbacks after it. A checkpoint comes last, because it
        must know of it.
        """
        if method_name != "on_epoch_end":
            super().notify(method_name, **kwargs)
            return
        end, self.is_ending_ = None, False
        callbacks = [self, *(each for _, each in self.callbacks_)]
        callbacks.sort(key=lambda each: getattr(each, "knows_the_end", False))
        for callback in callbacks:
            try:
                callback.on_epoch_end(self, **kwargs)
            except KeyboardInterrupt as error:  # skorch's way to end training
                end, self.is_ending_ = error, True
        try:
            if end is not None:
                raise end
        finally:
            del end  # with this frame, its traceback would keep the samples in memory

    def settings(self):
        """What a callback may change during training, by name."""
        noise_std = tuple(map(float, self.module_.noise_std))
        # a callback may have put a criterion of its own there
        is_ours = isinstance(self.criterion_, LadderCosts)
        of_costs = self.criterion_.settings() if is_ours else {}
        return {"lr": self.lr, "noise_std": noise_std, **of_costs}

    def change_settings(self, lr, noise_std, **of_costs):
        """Set what `settings` returns."""
        self.lr, self.module_.noise_std = lr, noise_std
        vars(self.criterion_).update(of_costs)

    def train_step_single(self, batch, **fit_params):
        """Batch → activations → costs → gradients. skorch then steps the optimizer.

        Overridden because the costs need more than an output and a target.
        """
        if self.plan.weight_normalization:
            self.module_.normalize_weights()
        n_samples = len(batch.x_labeled) + len(batch.x_unlabeled)
        noise = self.module_.draw_noise(n_samples, self.noise_generator_)
        activations = self.module_.training_pass(
            batch.x_labeled,
            batch.x_unlabeled,
            noise,
            self.training_samples_.have_missing,
            self.plan.adversary,
            self.noise_generator_,
        )
        if isinstance(self.criterion_, LadderCosts):
            self.module_.check_decodes(self.criterion_.denoising_costs)
        costs = self.criterion_(activations, batch)
        # Costs are means over members. Each member follows the gradient of its own.
        costs["total"].backward(torch.full_like(costs["total"], self.module_.n_members))
        if n_samples == 0:  # with gradients of 0, momentum would still move weights
            self.optimizer_.zero_grad()
        # Detached: the nodes of a step must not outlive it, or a CUDA graph could not
        # record the next one.
        return {
            "loss": costs["total"].detach(),
            "y_pred": activations.corrupted.logits.detach(),
            "costs": {name: cost.detach() for name, cost in costs.items()},
        }

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Train for an epoch, or validate.

        Overridden because the history has several costs, and because reading a cost
        after each step would make a GPU wait.
        """
        if iterator is None:  # nothing to validate
            return None
        if not training:
            weights = iterator.weights()

            def weighted_step(batch, **fit_params):
                return step_fn(batch, next(weights), **fit_params)

            return super().run_single_epoch(
                iterator, training, prefix, weighted_step, **fit_params
            )
        iterator.skip_to(self.n_updates_)  # a checkpoint may have brought some
        if not self.module_.training:  # in each step it would take 5% of the time
            self._set_training(True)
        if self.epoch_so_far_ is None:
            self.epoch_so_far_ = EpochSoFar(self.optimizer_.param_groups[0]["lr"])
        epoch = self.epoch_so_far_
        for batch in iterator:
            self.notify("on_batch_begin", batch=batch, training=True)
            step = step_fn(batch, **fit_params)
            self.population_is_current_ = False
            self.n_updates_ += 1
            epoch.add(step["costs"])
            self.notify("on_batch_end", batch=batch, training=True, **step)
            if self.time_is_up_:
                break
        self.epoch_so_far_ = None
        self._record_epoch(epoch.mean_costs())
        self.history.record("lr", epoch.lr)
        self.history.record(prefix + "_batch_count", epoch.n_batches)

    def _record_epoch(self, costs):
        """Record the mean costs of an epoch, the total under skorch's name for it."""
        train_loss = costs.pop("total")
        if self.plan.n_classes == 0:
            del costs["supervised"]
        if not math.isfinite(train_loss):
            lower = [f"learning_rate (now {self.lr})"]
            if any(self.plan.denoising_cost):
                lower.append("denoising_cost")
            if self.plan.adversary is not None:
                lower.append("virtual_adversarial__size")
            raise ValueError(
                f"Training diverged in epoch {len(self.history)}: the mean cost is "
                f"{train_loss}. Try a lower {' or '.join(lower)}, or "
                "feature_scaling='auto' if features have very different scales and "
                "are not scaled yet."
            )
        best = min((e["train_loss"] for e in self.history[:-1]), default=math.inf)
        self.history.record("train_loss", train_loss)
        self.history.record("train_loss_best", train_loss < best)
        for name, cost in costs.items():
            self.history.record(f"{name}_cost", cost)

    def update_population(self):
        """Measure the statistics for prediction, unless they are current."""
        if self.population_is_current_ or not hasattr(self, "training_samples_"):
            return
        measure_population(
            self.module_,
            self.training_samples_,
            self.plan,
            self.earlier_population_,
            self.earlier_share_,
        )
        self.population_is_current_ = True

    def evaluation_step(self, batch, training=False):
        """Predict a batch.

        Overridden because a callback may predict during training. Then the statistics
        for prediction must first be measured with the current weights.
        """
        self.update_population()
        return super().evaluation_step(batch, training=training)

    def validation_step(self, batch, weight=None, **fit_params):
        """Log-loss of held-out samples, weighted.

        Overridden for the reason of `evaluation_step`, and because the criterion is for
        training only.
        """
        self.update_population()
        self._set_training(False)
        x, y = batch
        with torch.no_grad():
            y_pred = self.infer(x)
            log_proba = y_pred.clamp_min(1e-30).log()
        loss = F.nll_loss(log_proba, y.to(log_proba.device), reduction="none")
        if weight is not None:
            loss = loss * torch.from_numpy(weight).to(loss)
        return {"loss": loss.mean(), "y_pred": y_pred}
