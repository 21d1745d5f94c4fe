import gc
import os
import pickle
import signal
import time
import warnings
import weakref
from contextlib import contextmanager, nullcontext, suppress
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import (
    Callback,
    EarlyStopping,
    EpochScoring,
    LoadInitState,
    LRScheduler,
    ProgressBar,
    TrainEndCheckpoint,
)
from torch.nn.utils import parametrize

from sklearn_ladder import LadderClassifier, VirtualAdversary
from sklearn_ladder._plan import resolve_device
from sklearn_ladder.data._batches import TrainingSamples
from sklearn_ladder.fused._step import HOOKS
from sklearn_ladder.network import _kernels
from sklearn_ladder.robustness import fast_gradient, projected_gradient
from sklearn_ladder.training import _train
from sklearn_ladder.training._callbacks import LearningRateSchedule
from sklearn_ladder.training._net import LadderCosts


class Watcher(Callback):
    """Counts what it is told, and predicts while training goes on."""

    def __init__(self, X=None):
        self.X = X

    def on_train_begin(self, net, **kwargs):
        self.n_batches_, self.n_gradients_, self.probabilities_ = 0, 0, []

    def on_batch_end(self, net, **kwargs):
        self.n_batches_ += 1

    def on_grad_computed(self, net, named_parameters, **kwargs):
        self.n_gradients_ += all(p.grad is not None for _, p in named_parameters)

    def on_epoch_end(self, net, **kwargs):
        if self.X is not None:
            self.probabilities_.append(net.predict_proba(self.X.astype(np.float32)))


def fit(blobs, callbacks, **parameters):
    X, _, y_few = blobs
    defaults = dict(
        hidden_layer_sizes=(8,),
        max_epochs=12,
        batch_size=20,
        learning_rate=0.02,
        # known only when training has ended
        class_prior=None,
        linear_share=0,
    )
    return LadderClassifier(
        callbacks=callbacks, random_state=0, **(defaults | parameters)
    ).fit(X, y_few)


def test_users_callback_sees_every_step_and_may_predict(blobs):
    X, y, _ = blobs
    watcher = Watcher(X)
    clf = fit(blobs, [watcher])
    (used,) = (cb for _, cb in clf.net_.callbacks_ if isinstance(cb, Watcher))
    assert used is not watcher  # parameters stay as they are
    assert used.n_batches_ == used.n_gradients_ == 12 * 3
    accuracy = [(p.argmax(axis=1) == y).mean() for p in used.probabilities_]
    assert accuracy[-1] > accuracy[0]
    np.testing.assert_array_equal(used.probabilities_[-1], clf.predict_proba(X))


class Predictor(Callback):
    """Predicts while training goes on, and does not act on gradients."""

    def __init__(self, X):
        self.X = X

    def on_epoch_end(self, net, **kwargs):
        net.predict_proba(self.X.astype(np.float32))


def test_predicting_during_training_does_not_change_it(blobs):
    X, _, _ = blobs
    np.testing.assert_array_equal(
        fit(blobs, [Predictor(X)]).predict_proba(X), fit(blobs, None).predict_proba(X)
    )


class Hooking(Callback):
    """Keeps weights as they are, by a hook."""

    def __init__(self, kind, first=0):
        self.kind = kind
        self.first = first

    def on_batch_begin(self, net, training=False, **kwargs):
        if training and net.n_updates_ == self.first:
            projection = net.module_.encoder.layers[0].projection
            self.weight_, self.before_ = projection.weight, projection.weight.clone()
            if net.optimizer_.state:  # no momentum either
                net.optimizer_.state[self.weight_]["exp_avg"].zero_()
            self.add_hook(net, projection)

    def add_hook(self, net, projection):
        weight = projection.weight
        match self.kind:
            case "gradient":
                weight.register_hook(torch.zeros_like)
            case "accumulated":
                weight.register_post_accumulate_grad_hook(self.forget)
            case "costs":
                net.criterion_.register_forward_hook(self.without_gradients)
            case "update":
                net.optimizer_.register_step_post_hook(self.restore)
            case "module":
                projection.register_forward_hook(lambda module, _, out: out.detach())

    def restore(self, *_):
        self.weight_.data.copy_(self.before_)

    @staticmethod
    def forget(weight):
        weight.grad.zero_()

    @staticmethod
    def without_gradients(module, inputs, costs):
        return costs | {"total": 0 * costs["total"]}

    def on_train_end(self, net, **kwargs):
        self.moved_ = not torch.equal(self.weight_, self.before_)
        del self.weight_, self.before_


@pytest.mark.parametrize("first", [0, 3])
@pytest.mark.parametrize(
    "kind", ["gradient", "accumulated", "update", "module", "costs"]
)
def test_hooks_of_torch_are_called(blobs, kind, first):
    net = fit(blobs, [Hooking(kind, first)], variant="supervised").net_
    assert net.reason_against_fused_step_ == HOOKS
    assert not dict(net.callbacks_)["Hooking"].moved_


def test_settings_may_be_tensors(blobs):
    """Compiled calls take tensors for their addresses."""

    class Setting(Callback):
        def __init__(self, make):
            self.make = make

        def on_train_begin(self, net, **kwargs):
            net.module_.noise_std = self.make([0.25] * 3)
            net.criterion_.denoising_costs = self.make([0.5, 0.25, 0.0])
            net.criterion_.smoothing = self.make(0.125)
            net.criterion_.adversarial_weight = self.make(0.5)

    adversary = {"virtual_adversarial": VirtualAdversary("cost")}
    nets = [
        fit(blobs, [Setting(make)], **adversary).net_
        for make in (lambda value: value, torch.tensor, np.array)
    ]
    for net in nets:
        assert net.reason_against_fused_step_ is None
        assert net.history[-1]["train_loss"] == nets[0].history[-1]["train_loss"]


@pytest.mark.parametrize("kernels", [True, False])
@pytest.mark.parametrize("costs, layer", [([0, 1, 0.1], 0), ([1, 0.5, 0], 2)])
def test_a_cost_where_no_decoder_is(blobs, costs, layer, kernels):
    class Costly(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == 2:
                net.criterion_.denoising_costs = [0.5, 0.5, 0.5]

    disabled = nullcontext() if kernels else _kernels.disabled()
    with disabled, pytest.raises(ValueError, match=f"got 0.5 at layer {layer}"):
        fit(blobs, [Costly()], denoising_cost=costs)


def test_costs_of_ones_own(blobs):
    class Doubled(LadderCosts):
        def forward(self, activations, batch):
            costs = super().forward(activations, batch)
            return costs | {"total": 2 * costs["total"]}

    class Doubling(Callback):
        def on_train_begin(self, net, **kwargs):
            costs = Doubled(**net.criterion_.settings())
            net.criterion_ = costs

    doubled, plain = (
        fit(blobs, callbacks, max_epochs=1).net_ for callbacks in ([Doubling()], [])
    )
    assert doubled.reason_against_fused_step_ == "the costs are others"
    ratio = doubled.history[0]["train_loss"] / plain.history[0]["train_loss"]
    assert ratio == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize("first", [0, 3])
def test_weights_of_a_parametrization(blobs, first):
    class Halved(torch.nn.Module):
        def forward(self, weight):
            return weight / 2

    class Halving(Callback):
        def on_batch_begin(self, net, training=False, **kwargs):
            if training and net.n_updates_ == first:
                projection = net.module_.encoder.layers[0].projection
                parametrize.register_parametrization(projection, "weight", Halved())

    assert fit(blobs, [Halving()]).net_.reason_against_fused_step_ == HOOKS


def test_a_step_is_fused_unless_a_callback_acts_on_gradients(blobs):
    X, _, _ = blobs
    fused, plain = fit(blobs, None), fit(blobs, [Watcher()])
    assert "acts on gradients" in plain.net_.reason_against_fused_step_
    np.testing.assert_allclose(
        fused.predict_proba(X), plain.predict_proba(X), atol=1e-2
    )
    with _kernels.disabled():
        reason = fit(blobs, None).net_.reason_against_fused_step_
    assert reason == "compiled functions are not available"


def test_skorch_early_stopping(blobs):
    clf = fit(blobs, [EarlyStopping("train_loss", patience=11, sink=lambda _: None)])
    assert clf.n_iter_ == 12
    stopped = fit(
        blobs,
        [EarlyStopping("train_loss", patience=2, threshold=10.0, sink=lambda _: None)],
    )
    assert stopped.n_iter_ == 3


def test_statistics_are_measured_with_weights_that_a_callback_restored(blobs):
    X, _, y_few = blobs
    restoring = EarlyStopping(
        "train_loss", patience=1, load_best=True, sink=lambda _: None
    )
    module = fit(blobs, [restoring], max_epochs=60).net_.module_
    before = [layer.population.std.clone() for layer in module.encoder.layers]
    assert not any((std == 1).all() for std in before)
    labeled = torch.as_tensor(X[y_few != -1], dtype=torch.float32)
    labeled = module.scale(labeled)
    module.measure_population([labeled])
    for std, layer in zip(before, module.encoder.layers, strict=True):
        torch.testing.assert_close(std, layer.population.std)


def test_skorch_epoch_scoring(blobs):
    def labeled_accuracy(net, rows, y=None):
        labeled = rows.labeled
        return float((net.predict(rows.X[labeled]) == rows.y[labeled].numpy()).mean())

    scoring = EpochScoring(
        labeled_accuracy, name="accuracy", on_train=True, lower_is_better=False,
        use_caching=False,
    )  # fmt: skip
    clf = fit(blobs, [scoring])
    assert clf.history_["accuracy"][-1] > 0.8


def test_skorch_progress_bar(blobs, capsys):
    fit(blobs, [ProgressBar(detect_notebook=False)])
    assert "/3" in capsys.readouterr().err


def test_skorch_scheduler_in_place_of_ours(blobs):
    scheduler = LRScheduler(torch.optim.lr_scheduler.ExponentialLR, gamma=0.5)
    clf = fit(blobs, [("halve", scheduler)], decay_start=1.0)
    np.testing.assert_allclose(clf.history_["lr"], 0.02 * 0.5 ** np.arange(12))


def test_a_scheduler_that_would_do_nothing_is_refused(blobs):
    scheduler = LRScheduler(torch.optim.lr_scheduler.ExponentialLR, gamma=0.5)
    with pytest.raises(ValueError, match=r"needs decay_start=1, .* got decay_start=0"):
        fit(blobs, [("halve", scheduler)])


def test_a_scheduler_warns_of_no_step_and_is_not_for_streams(blobs, recwarn):
    scheduler = LRScheduler(torch.optim.lr_scheduler.ExponentialLR, gamma=0.5)
    clf = fit(blobs, [scheduler], decay_start=1.0)
    assert not [each for each in recwarn if "lr_scheduler" in str(each.message)]
    X, _, y_few = blobs
    with pytest.raises(ValueError, match="an LRScheduler among callbacks is for fit"):
        clf.partial_fit(X, y_few, classes=[0, 1])


def test_max_time_is_that_of_training(blobs):
    """Not of what callbacks do before: the only update would have rate 0."""

    class Connecting(Callback):
        def on_train_begin(self, net, **kwargs):
            time.sleep(0.5)

    clf = fit(blobs, [Connecting()], max_time=0.3)
    assert clf.history_["lr"][0] > 0


def test_what_a_callback_saves_predicts_as_it_should(blobs, tmp_path):
    """With statistics of the weights of that time, not of those before."""
    X, path = blobs[0].astype(np.float32), tmp_path / "saved"
    saving = {"weights": Saving("save_params", path), "net": Saving("pickle", path)}
    for kind, callback in saving.items():
        clf = fit(blobs, [callback], max_epochs=3)
        expected = clf.net_.predict_proba(X)
        if kind == "net":
            saved = pickle.loads(path.read_bytes())
        else:
            saved = clf.net_
            with torch.no_grad():
                for tensor in saved.module_.state_dict().values():
                    tensor.zero_()
            saved.load_params(f_params=path)
        # the last update has rate 0
        np.testing.assert_allclose(saved.predict_proba(X), expected, atol=1e-6)


class Saving(Callback):
    """Save weights, or pickle the net, at the end of each epoch."""

    def __init__(self, how, path):
        self.how, self.path = how, path

    def on_epoch_end(self, net, **kwargs):
        if self.how == "pickle":
            self.path.write_bytes(pickle.dumps(net))
        else:
            net.save_params(f_params=self.path)


def test_verbose_2_prints_a_line_per_epoch(blobs, capsys):
    fit(blobs, None, verbose=2)
    printed = capsys.readouterr().out
    assert "supervised_cost" in printed
    assert len(printed.strip().splitlines()) == 12 + 2


def test_nothing_of_the_training_samples_is_kept(blobs):
    net = fit(blobs, None).net_
    assert not hasattr(net, "training_samples_")
    assert not hasattr(net, "noise_generator_")


@pytest.mark.parametrize(
    "progress, factor", [(0, 1), (0.59, 1), (0.6, 1), (0.8, 0.5), (1, 0), (1.5, 0)]
)
def test_linear_decay(progress, factor):
    schedule = LearningRateSchedule(n_updates=100, decay_start=0.6)
    assert schedule.factor(progress) == pytest.approx(factor)
    assert LearningRateSchedule(100, decay_start=1).factor(progress) == 1


def test_a_time_limit_ends_training_with_a_decayed_rate(blobs, recwarn):
    start = time.monotonic()
    clf = fit(blobs, None, max_epochs=10**6, max_time=1.0)
    assert 0.9 < time.monotonic() - start < 5
    assert clf.n_iter_ == len(clf.history_["train_loss"]) < 10**6
    rates = clf.history_["lr"]
    assert rates[0] == 0.02 and rates[-1] < 0.002
    assert np.all(np.diff(rates) <= 0)
    assert not [w for w in recwarn if "interrupted" in str(w.message)]


def test_a_time_limit_may_end_the_first_epoch(blobs):
    X, _, y_few = blobs
    clf = LadderClassifier((8,), batch_size=2, max_epochs=1, max_time=1e-9)
    clf.set_params(random_state=0).fit(X, y_few)
    assert clf.n_iter_ == 1
    assert np.isfinite(clf.predict_proba(X)).all()


def test_a_time_limit_that_is_not_reached_changes_nothing(blobs):
    X = blobs[0]
    plain, limited = fit(blobs, None), fit(blobs, None, max_time=1000.0)
    np.testing.assert_array_equal(plain.predict_proba(X), limited.predict_proba(X))


def test_auto_takes_cuda_where_there_is_one(monkeypatch):
    for available, device in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda a=available: a)
        assert resolve_device("auto") == device


def raise_interrupt():
    """What a callback does that ends training."""
    raise KeyboardInterrupt


def press_ctrl_c():
    signal.raise_signal(signal.SIGINT)


def kill_process():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.01)  # the handler runs between two instructions


class Impatient(Callback):
    """Interrupts training at the end of a batch or of an epoch."""

    def __init__(self, interrupt, batch=None, epoch=None):
        self.interrupt = interrupt
        self.batch = batch
        self.epoch = epoch

    def on_train_begin(self, net, **kwargs):
        self.n_batches_ = self.n_epochs_ = 0

    def on_batch_end(self, net, training, **kwargs):
        self.n_batches_ += training
        if training and self.n_batches_ == self.batch:
            self.interrupt()

    def on_epoch_end(self, net, **kwargs):
        self.n_epochs_ += 1
        if self.n_epochs_ == self.epoch:
            self.interrupt()


@pytest.mark.parametrize(
    "impatient",
    [
        Impatient(raise_interrupt, batch=8),
        Impatient(press_ctrl_c, batch=8),
        Impatient(kill_process, batch=8),
        Impatient(press_ctrl_c, epoch=2),
        Impatient(kill_process, epoch=2),
    ],
    ids=lambda own: f"{own.interrupt.__name__}-{own.batch}-{own.epoch}",
)
def test_interrupted_training_gives_what_was_learned(blobs, impatient):
    handler = signal.getsignal(signal.SIGINT)
    with pytest.warns(ConvergenceWarning, match="after 2 of 12 epochs"):
        clf = fit(blobs, [impatient])
    assert signal.getsignal(signal.SIGINT) is handler
    assert clf.n_iter_ == len(clf.history_["train_loss"]) == 2
    assert np.isfinite(clf.predict_proba(blobs[0])).all()
    clf.set_params(callbacks=None)
    assert clf.partial_fit(blobs[0], blobs[2]).n_iter_ == 3


def test_callbacks_that_refer_to_each_other(blobs, tmp_path):
    checkpoint = TrainEndCheckpoint(dirname=str(tmp_path))
    callbacks = [checkpoint, LoadInitState(checkpoint)]
    clf = fit(blobs, callbacks)
    again = fit(blobs, callbacks, max_epochs=1)  # from what the first one kept
    assert len(again.net_.history) == 12 + 1
    own = dict(clf.net_.callbacks_)
    assert own["LoadInitState"].checkpoint is own["TrainEndCheckpoint"] != checkpoint


@contextmanager
def default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize(
    "modes",
    [
        partial(default_dtype, torch.float64),
        partial(torch.device, "meta"),  # as the default device
        torch.inference_mode,
        torch.no_grad,
        partial(torch.autocast, "cpu", torch.bfloat16),
        partial(np.errstate, all="raise"),
        warnings_are_errors,
    ],
    ids=[
        *("float64", "meta", "inference_mode", "no_grad", "autocast", "errstate"),
        "warnings",
    ],
)
@pytest.mark.parametrize(
    "parameters",
    [
        {"virtual_adversarial": VirtualAdversary("cost-layerwise")},
        {"virtual_adversarial": VirtualAdversary("noise"), "combinator": "mlp"},
        {"n_estimators": 1, "combinator": "mlp"},
        {"early_stopping": True, "validation_fraction": 0.4, "max_epochs": 2},
        {"class_prior": "em", "weight_normalization": True},
        {"feature_scaling": None, "class_prior": None},
    ],
    ids=lambda parameters: next(iter(parameters)),
)
def test_global_modes_do_not_matter(blobs, modes, parameters):
    X, _, y_few = blobs
    X = np.where(np.arange(X.size).reshape(X.shape) % 7 == 0, np.nan, X)
    y = np.arange(60) % 2

    def everything():
        clf = LadderClassifier((4,), random_state=0, **({"max_epochs": 1} | parameters))
        yield clf.fit(X, y_few).predict_proba(X)
        yield clf.transform(X)
        yield clf.denoise(X)
        rows = np.nan_to_num(X)
        yield projected_gradient(clf, rows, y, eps=0.1, random_state=0)
        yield fast_gradient(clf, rows, y, eps=0.1)
        if not clf.early_stopping and clf.class_prior != "em":
            yield clf.partial_fit(X, y_few).predict_proba(X)
            yield pickle.loads(pickle.dumps(clf)).predict_proba(X)

    expected = list(everything())
    with modes():
        found = list(everything())
    for own, one in zip(found, expected, strict=True):
        assert own.dtype == np.float32
        np.testing.assert_array_equal(own, one)


def test_streams_keep_the_last_100_calls(blobs):
    X, _, y_few = blobs
    clf = LadderClassifier((4,), random_state=0)
    for _ in range(105):
        clf.partial_fit(X, y_few, classes=[0, 1])
    assert clf.n_iter_ == 105 and clf.n_samples_seen_ == 105 * 60
    kept = clf.history_["epoch"]
    assert len(clf.history_["train_loss"]) == len(kept) <= 101
    size = len(pickle.dumps(clf))
    clf.partial_fit(X, y_few)
    assert len(pickle.dumps(clf)) < 1.02 * size


def test_time_and_size_of_a_stream_do_not_grow_with_its_history(blobs):
    X, _, y_few = blobs
    clf = LadderClassifier((4,), random_state=0)
    for _ in range(3):
        clf.partial_fit(X, y_few, classes=[0, 1])
    long = pickle.loads(pickle.dumps(clf))
    long.net_.history.extend([dict(long.net_.history[-1]) for _ in range(30_000)])
    seconds = {}
    for name, stream in (("short", clf), ("long", long)):
        stream.partial_fit(X, y_few)  # of the long one, drops what is too old
        times = []
        for _ in range(10):
            start = time.perf_counter()
            stream.partial_fit(X, y_few)
            times.append(time.perf_counter() - start)
        seconds[name] = np.median(times)
    assert len(long.net_.history) <= 111
    assert len(long.history_["train_loss"]) <= 111
    assert seconds["long"] < 3 * seconds["short"]
    assert len(pickle.dumps(long)) < 2 * len(pickle.dumps(clf))


def test_optimizer_state_is_kept_by_streams_alone(blobs):
    X, _, y_few = blobs
    clf = fit(blobs, None)
    assert len(clf.net_.optimizer_.state) == 0
    stream = LadderClassifier((8,), random_state=0)
    stream.partial_fit(X, y_few, classes=[0, 1])
    n_parameters = len(list(stream.net_.module_.parameters()))
    steps = [own["step"].item() for own in stream.net_.optimizer_.state.values()]
    assert steps == [1] * n_parameters
    stream.partial_fit(X, y_few)
    steps = [own["step"].item() for own in stream.net_.optimizer_.state.values()]
    assert steps == [2] * n_parameters
    # the state has a part in what the stream learns
    without = pickle.loads(pickle.dumps(stream))
    without.net_.optimizer_.state.clear()
    proba = [own.partial_fit(X, y_few).predict_proba(X) for own in (stream, without)]
    assert not np.allclose(*proba, atol=1e-6)


@pytest.mark.parametrize("interrupt", [raise_interrupt, press_ctrl_c, kill_process])
def test_training_interrupted_in_its_first_epoch_changes_nothing(blobs, interrupt):
    X, y_few = blobs[0], blobs[2]
    clf = fit(blobs, None)
    before, attributes = clf.predict_proba(X), dict(vars(clf))
    handler = signal.getsignal(signal.SIGINT)
    for warm_start in (False, True):
        changed = {"callbacks": [Impatient(interrupt, batch=2)]}
        changed["warm_start"] = warm_start
        clf.set_params(**changed)
        for train in (clf.fit, clf.partial_fit):
            with pytest.raises(KeyboardInterrupt):
                train(X, y_few)
            np.testing.assert_array_equal(clf.predict_proba(X), before)
            assert vars(clf) == attributes | changed
    assert signal.getsignal(signal.SIGINT) is handler


def test_interrupt_at_the_end_of_the_only_epoch_loses_nothing(blobs):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clf = fit(blobs, [Impatient(press_ctrl_c, epoch=12)])
    assert clf.n_iter_ == 12


def test_callback_that_ends_training_does_not_warn(blobs):
    stopping = EarlyStopping("train_loss", patience=2, threshold=10.0, sink=len)
    for callback in (stopping, Impatient(raise_interrupt, epoch=3)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            clf = fit(blobs, [callback])
        assert clf.n_iter_ == 3


class Lengthy(Callback):
    """Leaves lists of any length in the history."""

    def on_epoch_end(self, net, **kwargs):
        net.history.record("entries", list(range(len(net.history))))


def test_history_has_numbers_only(blobs):
    clf = fit(blobs, [Lengthy()])
    assert "entries" not in clf.history_
    assert clf.net_.history[-1, "entries"] == list(range(12))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_read_only_arrays_do_not_warn(blobs, dtype):
    X, y, y_few = blobs
    X, y, y_few, weight = X.astype(dtype), y.copy(), y_few.copy(), np.ones(60, dtype)
    weight[3] = 2
    for array in (X, y, y_few, weight):
        array.setflags(write=False)
    before = [array.copy() for array in (X, y, y_few, weight)]
    with warnings_are_errors():
        clf = LadderClassifier((4,), max_epochs=1, random_state=0)
        clf.fit(X, y_few, sample_weight=weight)
        clf.partial_fit(X, y_few, sample_weight=weight)
        clf.predict(X), clf.transform(X), clf.denoise(X)
        clf.score(X, y, sample_weight=weight)
        fast_gradient(clf, X, y, eps=0.1)
    for array, copy in zip((X, y, y_few, weight), before, strict=True):
        np.testing.assert_array_equal(array, copy)


class Freezing(Callback):
    """Freezes the encoder."""

    def on_train_begin(self, net, **kwargs):
        for parameter in net.module_.encoder.parameters():
            parameter.requires_grad_(False)
        self.before_ = [p.clone() for p in net.module_.encoder.parameters()]


def test_frozen_parameters_stay(blobs):
    net = fit(blobs, [Freezing()]).net_
    (used,) = (own for _, own in net.callbacks_ if isinstance(own, Freezing))
    for before, after in zip(
        used.before_, net.module_.encoder.parameters(), strict=True
    ):
        assert torch.equal(before, after)
    assert net.reason_against_fused_step_ == "some parameters are frozen"


def test_a_stream_goes_on_after_parameters_were_frozen(blobs):
    X, _, y_few = blobs
    clf = LadderClassifier((8,), random_state=0, callbacks=[Freezing()])
    clf.partial_fit(X, y_few, classes=[0, 1])
    clf.set_params(callbacks=None).partial_fit(X, y_few)
    expected = "parameters are at different steps of the optimizer"
    assert clf.net_.reason_against_fused_step_ == expected


class Replacing(Callback):
    """Replaces the optimizer by one that does nothing."""

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == 3:
            net.optimizer_ = torch.optim.SGD(net.module_.parameters(), lr=0.0)
            self.before_ = [p.detach().clone() for p in net.module_.parameters()]


def test_an_optimizer_that_a_callback_replaces_is_used(blobs):
    net = fit(blobs, [Replacing()], decay_start=1.0).net_
    (used,) = (own for _, own in net.callbacks_ if isinstance(own, Replacing))
    for before, after in zip(used.before_, net.module_.parameters(), strict=True):
        assert torch.equal(before, after)


@pytest.mark.parametrize(
    "fit_with",
    [{"max_time": 0.1}, {"early_stopping": True, "validation_fraction": 0.4}],
)
def test_callbacks_see_the_epoch_that_ends_training(blobs, fit_with):
    clf = LadderClassifier(
        (8,), max_epochs=10**6, random_state=0, callbacks=[RecordsEpochs()], **fit_with
    ).fit(*blobs[::2])
    np.testing.assert_array_equal(
        clf.history_["seen"], np.arange(1, clf.n_iter_ + 1), strict=True
    )


class RecordsEpochs(Callback):
    def on_epoch_end(self, net, **kwargs):
        net.history.record("seen", len(net.history))


class Predicts(Callback):
    def on_epoch_end(self, net, **kwargs):
        net.predict_proba(net.training_samples_.X)


def test_predicting_in_a_stream_changes_nothing(blobs):
    X, _, y_few = blobs
    own, watched = (
        LadderClassifier((8,), batch_size=20, random_state=0, callbacks=callbacks)
        for callbacks in (None, [Predicts()])
    )
    for part in (slice(0, 40), slice(40, 60), slice(10, 30)):
        for clf in (own, watched):
            clf.partial_fit(X[part] + part.start, y_few[part], classes=[0, 1])
        np.testing.assert_array_equal(watched.predict_proba(X), own.predict_proba(X))


def test_callbacks_of_equal_names_are_all_called(blobs, capsys):
    clf = LadderClassifier(
        (8,), max_epochs=3, verbose=1, callbacks=[("Progress", RecordsEpochs())]
    ).fit(*blobs[::2])
    np.testing.assert_array_equal(clf.history_["seen"], [1, 2, 3])


class Fails(Callback):
    def on_epoch_end(self, net, **kwargs):
        raise RuntimeError("of a callback")


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"max_time": 1e-9},
        {"early_stopping": True, "n_iter_no_change": 1, "validation_fraction": 0.4},
        {"callbacks": [Fails()]},
        {"learning_rate": 1e38},
    ],
    ids=["whole", "time", "early", "callback", "diverged"],
)
def test_samples_are_given_back(blobs, parameters, monkeypatch):
    X, _, y_few = blobs
    made = []

    class Watched(TrainingSamples):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            made.append(weakref.ref(self))

    monkeypatch.setattr(_train, "TrainingSamples", Watched)
    gc.disable()
    try:
        with suppress(RuntimeError, ValueError):
            clf = LadderClassifier((4,), max_epochs=5, random_state=0)
            clf.set_params(**parameters).fit(X, y_few)
        assert len(made) == 1 and made[0]() is None
    finally:
        gc.enable()
