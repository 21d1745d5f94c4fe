"""Steps from a graph against steps one kernel at a time.

Without a GPU the graph is a stand-in that calls the step again, so that all but the
recording is tested: which memory samples and rates are read from, and what comes
back.
"""

import inspect

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback, LRScheduler

from sklearn_ladder import LadderClassifier, VirtualAdversary, callbacks
from sklearn_ladder.callbacks import CUDAGraph
from sklearn_ladder.fused._step import HOOKS
from sklearn_ladder.network import _kernels
from sklearn_ladder.training._cuda_graph import N_EAGER, GraphedStep
from sklearn_ladder.training._net import LadderNet

EXPONENTIAL = LRScheduler(torch.optim.lr_scheduler.ExponentialLR, gamma=0.8)
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")


@pytest.fixture(autouse=True)
def plain_steps():
    """Steps without a graph are skorch's, as on a GPU."""
    with _kernels.disabled():
        yield


class StandIn:
    """Records as `record_cuda_graph` does: nothing runs before it is replayed.

    Only weights and results change then, not what the step notes about its net.
    """

    def __init__(self):
        self.n_replays = 0

    def __call__(self, function, generator):
        result = {}
        net = inspect.getclosurevars(function).nonlocals["self"]._step.__self__

        def replay():
            self.n_replays += 1
            before = net.population_is_current_
            result.update(function())
            net.population_is_current_ = before

        return result, replay


def use_stand_in(monkeypatch, record):
    """Let the callback record so, whatever the device is."""

    def graphed_step(*arguments):
        return GraphedStep(*arguments, record)

    monkeypatch.setattr(callbacks, "GraphedStep", graphed_step)
    monkeypatch.setattr(CUDAGraph, "_reason_against", lambda callback, net: None)


def fit(blobs, *callbacks, **parameters):
    X, _, y_few = blobs
    defaults = dict(
        hidden_layer_sizes=(8,), max_epochs=12, batch_size=20, random_state=0
    )
    clf = LadderClassifier(callbacks=list(callbacks), **(defaults | parameters))
    return clf.fit(X, y_few)


def reason(clf):
    """Why there was no graph."""
    (used,) = (own for _, own in clf.net_.callbacks_ if isinstance(own, CUDAGraph))
    assert "train_step" not in vars(clf.net_)  # which has its plain step back
    return used.reason_


def assert_same(graphed, eager, X):
    np.testing.assert_allclose(
        graphed.predict_proba(X), eager.predict_proba(X), atol=1e-4
    )
    for name, column in eager.history_.items():
        if name != "dur":
            np.testing.assert_allclose(graphed.history_[name], column, rtol=1e-4)


PARAMETERS = [
    {},
    {"sample_weight": True},
    {"variant": "supervised"},
    {"early_stopping": True, "validation_fraction": 0.4},
    {"combinator": "mlp"},
    {"virtual_adversarial": VirtualAdversary("cost")},
    {"n_estimators": 3},
    {"virtual_adversarial": VirtualAdversary("noise-layerwise")},
    {"weight_normalization": True, "decay_start": 0.0},
]


@pytest.mark.parametrize("parameters", PARAMETERS)
def test_same_numbers(blobs, monkeypatch, parameters):
    parameters = dict(parameters)
    if parameters.pop("sample_weight", False):
        parameters["class_weight"] = {0: 1, 1: 2}
    eager = fit(blobs, **parameters)
    record = StandIn()
    use_stand_in(monkeypatch, record)
    graphed = fit(blobs, CUDAGraph(), **parameters)
    assert record.n_replays == 3 * graphed.n_iter_ - N_EAGER
    assert_same(graphed, eager, blobs[0])
    assert reason(graphed) is None
    (group,) = graphed.net_.optimizer_.param_groups
    # loads where there is no GPU
    assert isinstance(group["lr"], float) and not group["capturable"]


def test_users_scheduler_and_partial_fit(blobs, monkeypatch):
    X, _, y_few = blobs
    eager = fit(blobs, EXPONENTIAL, decay_start=1.0)
    record = StandIn()
    use_stand_in(monkeypatch, record)
    graphed = fit(blobs, EXPONENTIAL, CUDAGraph(), decay_start=1.0)
    assert_same(graphed, eager, X)
    assert len(np.unique(graphed.history_["lr"])) == 12
    n_replays = record.n_replays
    large = np.tile(X, (3, 1)), np.tile(y_few, 3)
    graphed.set_params(callbacks=[CUDAGraph()])  # a stream has a constant rate
    eager.set_params(callbacks=None)
    assert_same(graphed.partial_fit(*large), eager.partial_fit(*large), X)
    assert record.n_replays == n_replays + 3 * 3 - N_EAGER


class WeightDecay(Callback):
    """Changes what is a constant in a recording."""

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == 4:
            net.optimizer_.param_groups[0]["weight_decay"] = 0.1


class NoNoise(Callback):
    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == 4:
            net.module_.noise_std = (0.0,) * len(net.module_.noise_std)


class OtherCosts(Callback):
    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == 4:
            costs = net.criterion_.denoising_costs
            net.criterion_.denoising_costs = [2 * cost for cost in costs]


@pytest.mark.parametrize("change", [WeightDecay, NoNoise, OtherCosts])
def test_steps_are_plain_after_a_constant_changed(blobs, monkeypatch, change):
    eager = fit(blobs, change())
    record = StandIn()
    use_stand_in(monkeypatch, record)
    graphed = fit(blobs, change(), CUDAGraph())
    assert_same(graphed, eager, blobs[0])
    assert record.n_replays == 3 * 3 - N_EAGER
    assert reason(graphed).startswith("settings of the optimizer")


def test_what_cannot_be_recorded_is_done_without(blobs, monkeypatch):
    def refuse(function, generator):
        raise RuntimeError("operation not permitted when stream is capturing\nat ...")

    eager = fit(blobs)
    use_stand_in(monkeypatch, refuse)
    graphed = fit(blobs, CUDAGraph())
    assert reason(graphed).startswith("operation not permitted")
    assert_same(graphed, eager, blobs[0])
    (group,) = graphed.net_.optimizer_.param_groups
    assert isinstance(group["lr"], float) and not group["capturable"]


class Clipping(Callback):
    def on_grad_computed(self, net, named_parameters, **kwargs):
        pass


def test_reasons_not_to_record(blobs):
    callback = CUDAGraph()
    eager, plain = fit(blobs), fit(blobs, callback, device="cpu")
    assert reason(plain) == "only CUDA has graphs"
    assert not hasattr(callback, "reason_")  # the user's stays as it is
    np.testing.assert_array_equal(
        plain.predict_proba(blobs[0]), eager.predict_proba(blobs[0])
    )
    net = fit(blobs, Clipping()).net_
    net.device = "cuda"
    assert callback._reason_against(net) == "callback Clipping acts on gradients"
    net = fit(blobs, callback, EXPONENTIAL, decay_start=1.0).net_
    net.device = "cuda"
    assert callback._reason_against(net) is None


class Hooked(Callback):
    """Has a hook from an update on."""

    def __init__(self, update):
        self.update = update

    def on_train_begin(self, net, **kwargs):
        self.n_calls_ = 0

    def on_batch_begin(self, net, training=False, **kwargs):
        if training and net.n_updates_ == self.update:
            net.criterion_.register_forward_hook(self.count)

    def count(self, *arguments):
        self.n_calls_ += 1


@pytest.mark.parametrize("hook_comes_first", [True, False])
@pytest.mark.parametrize("update", [0, 2 * N_EAGER])
def test_hooks_are_not_left_out(blobs, monkeypatch, update, hook_comes_first):
    record = StandIn()
    use_stand_in(monkeypatch, record)
    callbacks = [Hooked(update), CUDAGraph()]
    clf = fit(blobs, *(callbacks if hook_comes_first else callbacks[::-1]))
    assert reason(clf) == HOOKS
    assert record.n_replays == max(0, update - N_EAGER)
    n_updates = clf.plan_.n_updates
    assert dict(clf.net_.callbacks_)["Hooked"].n_calls_ == n_updates - update


def test_plain_step_is_back_after_training_failed(blobs, monkeypatch):
    """A graph of a fit that diverged is not taken by the next one."""
    use_stand_in(monkeypatch, StandIn())
    clf = fit(blobs, CUDAGraph())
    before = clf.predict_proba(blobs[0])
    with pytest.raises(ValueError, match="diverged"):
        clf.set_params(learning_rate=1e38).fit(*blobs[::2])
    np.testing.assert_array_equal(clf.predict_proba(blobs[0]), before)
    assert reason(clf.set_params(learning_rate=0.01).fit(*blobs[::2])) is None


# ------------------------------------------------------------------ on a GPU


@needs_gpu
def test_plain_steps_are_the_default_on_gpu(blobs):
    net = fit(blobs, device="cuda").net_
    assert not any(isinstance(own, CUDAGraph) for _, own in net.callbacks_)


@needs_gpu
@pytest.mark.parametrize("parameters", PARAMETERS)
def test_graph_on_gpu(blobs, parameters):
    parameters = dict(parameters)
    if parameters.pop("sample_weight", False):
        parameters["class_weight"] = {0: 1, 1: 2}
    graphed = fit(blobs, CUDAGraph(), device="cuda", **parameters)
    assert reason(graphed) is None
    assert_same(graphed, fit(blobs, device="cuda", **parameters), blobs[0])


@needs_gpu
@pytest.mark.parametrize("architecture", ["conv-small", "conv-fc"])
def test_convolutional_graph_on_gpu(digits, architecture):
    X, _, y_few = digits
    images = np.kron(X.reshape(-1, 1, 8, 8), np.ones((4, 4)))[:300, :, 2:30, 2:30]
    parameters = dict(
        architecture=architecture, max_epochs=3, device="cuda", random_state=0
    )
    graphed = LadderClassifier(callbacks=[CUDAGraph()], **parameters)
    assert reason(graphed.fit(images, y_few[:300])) is None
    eager = LadderClassifier(**parameters).fit(images, y_few[:300])
    assert_same(graphed, eager, images)


@needs_gpu
def test_a_step_does_not_wait_for_the_gpu(blobs):
    """Torch's own watch for calls that do is on during all steps."""

    class Watch(Callback):
        def on_batch_begin(self, net, **kwargs):
            torch.cuda.set_sync_debug_mode("error")

        def on_epoch_end(self, net, **kwargs):
            torch.cuda.set_sync_debug_mode("default")

        def on_batch_end(self, net, **kwargs):
            torch.cuda.set_sync_debug_mode("default")

    clf = fit(blobs, Watch(), CUDAGraph(), device="cuda")
    assert reason(clf) is None


@needs_gpu
def test_users_scheduler_on_gpu(blobs):
    clf = fit(blobs, EXPONENTIAL, CUDAGraph(), device="cuda", decay_start=1.0)
    assert reason(clf) is None
    assert len(np.unique(clf.history_["lr"])) == 12


@needs_gpu
def test_failed_recording_on_gpu(blobs, monkeypatch):
    """A step that waits for the device cannot be recorded."""
    eager = fit(blobs, device="cuda")
    single = LadderNet.train_step_single

    def waiting(net, batch, **kwargs):
        step = single(net, batch, **kwargs)
        step["loss"].item()
        return step

    monkeypatch.setattr(LadderNet, "train_step_single", waiting)
    clf = fit(blobs, CUDAGraph(), device="cuda")
    assert reason(clf) is not None
    assert_same(clf, eager, blobs[0])
