"""Steps from a graph against steps one kernel at a time.

Without a GPU the graph is a stand-in that calls the step again, so that all but the
recording is tested: which memory rows and rates are read from, and what comes back.
"""

import inspect

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback, LRScheduler

from sklearn_ladder import LadderClassifier
from sklearn_ladder.training._cuda_graph import N_EAGER, GraphedStep
from sklearn_ladder.training._net import LadderNet

EXPONENTIAL = LRScheduler(torch.optim.lr_scheduler.ExponentialLR, gamma=0.8)
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")


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


def use_graph(monkeypatch, record):
    """Let nets take their steps from a graph, whatever their device is."""

    def graphed_step(net):
        step = super(LadderNet, net).train_step
        return GraphedStep(step, net.optimizer_, net.noise_generator_, record), None

    monkeypatch.setattr(LadderNet, "_graphed_step", graphed_step)


def fit(blobs, **parameters):
    X, _, y_few = blobs
    defaults = dict(
        hidden_layer_sizes=(8,), max_epochs=12, batch_size=20, random_state=0
    )
    return LadderClassifier(**(defaults | parameters)).fit(X, y_few)


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
    {"virtual_adversarial": "cost"},
    {"n_ensemble": 3},
    {"virtual_adversarial": "noise-layerwise"},
    {"weight_normalization": True, "decay_start": 0.0},
]


@pytest.mark.parametrize("parameters", PARAMETERS)
def test_same_numbers(blobs, monkeypatch, parameters):
    parameters = dict(parameters)
    if parameters.pop("sample_weight", False):
        parameters["class_weight"] = {0: 1, 1: 2}
    eager = fit(blobs, **parameters)
    record = StandIn()
    use_graph(monkeypatch, record)
    graphed = fit(blobs, **parameters)
    assert record.n_replays == 3 * graphed.n_iter_ - N_EAGER
    assert_same(graphed, eager, blobs[0])
    assert graphed.net_.eager_reason_ is None
    (group,) = graphed.net_.optimizer_.param_groups
    # loads where there is no GPU
    assert isinstance(group["lr"], float) and not group["capturable"]
    assert not hasattr(graphed.net_, "graphed_step_")


def test_users_scheduler_and_partial_fit(blobs, monkeypatch):
    X, _, y_few = blobs
    parameters = dict(callbacks=[EXPONENTIAL], decay_start=1.0)
    eager = fit(blobs, **parameters).partial_fit(X, y_few)
    use_graph(monkeypatch, StandIn())
    graphed = fit(blobs, **parameters).partial_fit(X, y_few)
    assert_same(graphed, eager, X)
    assert len(np.unique(graphed.history_["lr"])) == 12


class WeightDecay(Callback):
    """Changes what is a constant in a recording."""

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == 4:
            net.optimizer_.param_groups[0]["weight_decay"] = 0.1


def test_goes_on_without_where_the_optimizer_has_changed(blobs, monkeypatch):
    eager = fit(blobs, callbacks=[WeightDecay()])
    record = StandIn()
    use_graph(monkeypatch, record)
    graphed = fit(blobs, callbacks=[WeightDecay()])
    assert_same(graphed, eager, blobs[0])
    assert record.n_replays == 3 * 3 - N_EAGER
    assert graphed.net_.eager_reason_.startswith("settings of the optimizer")


def test_what_cannot_be_recorded_is_done_without(blobs, monkeypatch):
    def refuse(function, generator):
        raise RuntimeError("operation not permitted when stream is capturing\nat ...")

    eager = fit(blobs)
    use_graph(monkeypatch, refuse)
    graphed = fit(blobs)
    assert graphed.net_.eager_reason_.startswith("operation not permitted")
    assert_same(graphed, eager, blobs[0])
    (group,) = graphed.net_.optimizer_.param_groups
    assert isinstance(group["lr"], float) and not group["capturable"]


class Clipping(Callback):
    def on_grad_computed(self, net, named_parameters, **kwargs):
        pass


def test_reasons_not_to_record(blobs):
    net = fit(blobs).net_
    assert net.eager_reason_ == "only CUDA has graphs"
    net = fit(blobs, callbacks=[Clipping()]).net_
    net.device = "cuda"
    assert net._graphed_step() == (None, "callback Clipping acts on gradients")


# ------------------------------------------------------------------ on a GPU


@needs_gpu
@pytest.mark.parametrize("parameters", PARAMETERS)
def test_graph_on_gpu(blobs, monkeypatch, parameters):
    parameters = dict(parameters)
    if parameters.pop("sample_weight", False):
        parameters["class_weight"] = {0: 1, 1: 2}
    graphed = fit(blobs, device="cuda", **parameters)
    assert graphed.net_.eager_reason_ is None
    monkeypatch.setattr(LadderNet, "_graphed_step", lambda net: (None, "eager"))
    assert_same(graphed, fit(blobs, device="cuda", **parameters), blobs[0])


@needs_gpu
@pytest.mark.parametrize("architecture", ["conv-small", "conv-fc"])
def test_convolutional_graph_on_gpu(digits, monkeypatch, architecture):
    X, _, y_few = digits
    images = np.kron(X.reshape(-1, 1, 8, 8), np.ones((4, 4)))[:300, :, 2:30, 2:30]
    parameters = dict(
        architecture=architecture, max_epochs=3, device="cuda", random_state=0
    )
    graphed = LadderClassifier(**parameters).fit(images, y_few[:300])
    assert graphed.net_.eager_reason_ is None
    monkeypatch.setattr(LadderNet, "_graphed_step", lambda net: (None, "eager"))
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

    clf = fit(blobs, device="cuda", callbacks=[Watch()])
    assert clf.net_.eager_reason_ is None


@needs_gpu
def test_users_scheduler_on_gpu(blobs):
    clf = fit(blobs, device="cuda", callbacks=[EXPONENTIAL], decay_start=1.0)
    assert clf.net_.eager_reason_ is None
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
    clf = fit(blobs, device="cuda")
    assert clf.net_.eager_reason_ is not None
    assert_same(clf, eager, blobs[0])
