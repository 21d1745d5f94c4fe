"""Train a net by skorch, report interrupts, and release the training samples."""

import signal
import threading
from contextlib import closing, contextmanager

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import EarlyStopping

from .._user_warnings import warn_user
from ..data._batches import TrainingSamples
from ..data._labels import UNLABELED
from ._progress import Progress
from ._step import TrainingStep

# Attributes of a net that only training needs.
OF_TRAINING = (
    "training_data_",
    "training_samples_",
    "noise_generator_",
    "train_step",
    "time_is_up_",
    "n_updates_",
    "epoch_so_far_",
    "earlier_population_",
    "earlier_share_",
    "interrupts_",
    "is_finished_",
    "is_ending_",
)
# Columns of skorch's history that are not for users.
INTERNAL_COLUMNS = {
    "batches",
    "train_loss_best",
    "train_batch_count",
    "valid_loss_best",
    "valid_batch_count",
}


def train(net, data, earlier_share=0.0, watchers=()):
    """Train a net, and measure the statistics that its predictions use.

    Parameters
    ----------
    net : LadderNet
    data : TrainingData
    earlier_share : float, default=0.0
        Weight of the earlier samples of a stream in the statistics.
    watchers : iterable of skorch callbacks, default=()
        Callbacks for this training only: the net does not keep them.

    Raises
    ------
    ValueError
        If training diverges.
    KeyboardInterrupt
        If the user interrupted training before the end of the first epoch.

    Warns
    -----
    ConvergenceWarning
        If the user interrupted training later.
    """
    plan, n_before = net.plan, len(net.history)
    samples = TrainingSamples(
        data.samples,
        data.codes,
        data.weight,
        plan.device,
        data.survey.have_missing,
        net.module_.feature_scaling,
    )
    net.training_data_, net.training_samples_ = data, samples
    net.noise_generator_ = torch.Generator(net.device).manual_seed(plan.seeds.noise)
    net.population_is_current_ = net.time_is_up_ = False
    net.earlier_population_ = net.module_.population() if earlier_share else None
    net.earlier_share_ = earlier_share
    n_labels = np.count_nonzero(data.codes != UNLABELED)
    if plan.is_stream and n_labels:
        # The class prior of `fit` is relative to the shares of its labels, so it fades
        # as labels come. How many came before is not known: at most the samples.
        n_earlier = len(samples) * earlier_share / (1 - earlier_share)
        net.module_.class_prior_ratio.pow_(n_earlier / (n_earlier + n_labels))
    net.train_step = step = TrainingStep(net)
    progress = Progress(dict(net.callbacks_)["learning_rate_schedule"])
    if plan.verbose == 1:
        watchers = [*watchers, progress]
    try:
        with (
            closing(progress),
            _watched_by(net, watchers),
            _watch_interrupts() as interrupts,
        ):
            net.interrupts_ = interrupts
            net.partial_fit(samples)
        net.reason_against_fused_step_ = step.reason
        _report_interrupt(net, n_before, bool(interrupts))
        net.optimizer_.zero_grad()
        # always, since a callback may have restored other weights at the end
        net.population_is_current_ = False
        net.update_population()
    finally:
        # of a failed fit as well: net and step refer to each other, so the samples
        # would stay in the device's memory for a while
        _release(net)


@contextmanager
def _watched_by(net, watchers):
    """Add callbacks to a net for a while, since they hold a terminal or data."""
    kept = net.callbacks_
    net.callbacks_ = [*kept, *((type(cb).__name__, cb) for cb in watchers)]
    try:
        yield
    finally:
        net.callbacks_ = kept


@contextmanager
def _watch_interrupts():
    """Note whether the user interrupts training, in the list that is yielded.

    skorch swallows KeyboardInterrupt, because its callbacks raise it to end training.
    Only the signal tells the user's interrupt from theirs.
    """
    interrupts = []
    previous = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread()
    if not (is_main and callable(previous)):  # no interrupt can reach this thread
        yield interrupts
        return

    def note(signum, frame):
        interrupts.append(signum)
        previous(signum, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, previous)


def _report_interrupt(net, n_before, was_interrupted):
    """Warn about training that ended early, unless a callback asked for its end."""
    is_whole = ["train_loss" in epoch for epoch in net.history[n_before:]]
    n_epochs = sum(is_whole)
    if n_epochs == 0:
        raise KeyboardInterrupt
    if not all(is_whole):
        del net.history[-1]
        was_interrupted = True
    if was_interrupted and n_epochs < net.plan.max_epochs:
        warn_user(
            f"Training was interrupted after {n_epochs} of {net.plan.max_epochs} "
            "epochs.",
            ConvergenceWarning,
        )


def history_table(history):
    """The columns of skorch's history that are for users.

    Parameters
    ----------
    history : skorch.history.History

    Returns
    -------
    dict of str to ndarray of shape (n_epochs,)
    """
    names = dict.fromkeys(name for epoch in history for name in epoch)
    columns = {
        name: [epoch.get(name, np.nan) for epoch in history]
        for name in names
        if name not in INTERNAL_COLUMNS
    }
    return {
        name: np.asarray(values)
        for name, values in columns.items()
        if all(np.isscalar(value) for value in values)
    }


def _release(net):
    """Delete what only training needs, so that pickles are small and load anywhere."""
    for name in OF_TRAINING:
        vars(net).pop(name, None)
    net.train_split = None  # it holds samples
    if not net.plan.is_stream:  # only a stream continues with its optimizer
        net.optimizer_.state.clear()
    for _, callback in net.callbacks_:
        # A torch scheduler holds the optimizer. Its tensors would be pickled with their
        # device, and a machine without that device could not load them.
        vars(callback).pop("lr_scheduler_", None)
        if isinstance(callback, EarlyStopping):
            callback.best_model_weights_ = None
