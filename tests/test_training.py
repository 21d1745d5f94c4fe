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

from sklearn_ladder import LadderClassifier
from sklearn_ladder.robustness import projected_gradient
from sklearn_ladder.training._net import LinearDecay, resolve_device


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
        class_prior=None,  # known only when training has ended
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


def test_predicting_during_training_does_not_change_it(blobs):
    X, _, _ = blobs
    np.testing.assert_array_equal(
        fit(blobs, [Watcher(X)]).predict_proba(X), fit(blobs, None).predict_proba(X)
    )


def test_skorch_early_stopping(blobs):
    clf = fit(blobs, [EarlyStopping("train_loss", patience=11, sink=lambda _: None)])
    assert clf.n_iter_ == 12
    stopped = fit(
        blobs,
        [EarlyStopping("train_loss", patience=2, threshold=10.0, sink=lambda _: None)],
    )
    assert stopped.n_iter_ == 3


def test_statistics_are_of_the_weights_that_a_callback_restored(blobs):
    X, _, y_few = blobs
    restoring = EarlyStopping(
        "train_loss", patience=1, load_best=True, sink=lambda _: None
    )
    module = fit(blobs, [restoring], max_epochs=60).net_.module_
    before = [layer.population.std.clone() for layer in module.encoder.layers]
    assert not any((std == 1).all() for std in before)
    labeled = torch.as_tensor(X[y_few != -1], dtype=torch.float32)
    labeled = module.standardize(labeled)
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


def test_verbose_prints_a_line_per_epoch(blobs, capsys):
    fit(blobs, None, verbose=1)
    printed = capsys.readouterr().out
    assert "supervised_cost" in printed
    assert len(printed.strip().splitlines()) == 12 + 2


def test_nothing_of_the_training_rows_is_kept(blobs):
    net = fit(blobs, None).net_
    assert not hasattr(net, "training_rows_")
    assert not hasattr(net, "noise_generator_")


@pytest.mark.parametrize(
    "update, factor", [(0, 1), (59, 1), (60, 1), (80, 0.5), (100, 0)]
)
def test_linear_decay(update, factor):
    decay = LinearDecay(n_updates=100, decay_start=0.6)
    assert decay(update) == pytest.approx(factor)


def test_auto_takes_cuda_where_there_is_one(monkeypatch):
    for available, device in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda a=available: a)
        assert resolve_device("auto") == device


class Impatient(Callback):
    """Presses Ctrl-C."""

    def __init__(self, batch):
        self.batch = batch

    def on_train_begin(self, net, **kwargs):
        self.n_batches_ = 0

    def on_batch_end(self, net, **kwargs):
        self.n_batches_ += 1
        if self.n_batches_ == self.batch:
            raise KeyboardInterrupt


def test_interrupted_training_gives_what_was_learned(blobs):
    with pytest.warns(ConvergenceWarning, match="after 2 of 12 epochs"):
        clf = fit(blobs, [Impatient(8)])
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


def test_default_dtype_of_torch_does_not_matter(blobs):
    X, _, y_few = blobs
    torch.set_default_dtype(torch.float64)
    try:
        clf = LadderClassifier((4,), virtual_adversarial="cost", max_epochs=1)
        proba = clf.fit(X, y_few).predict_proba(X)
        assert projected_gradient(clf, X, eps=0.1).dtype == np.float32
    finally:
        torch.set_default_dtype(torch.float32)
    assert proba.dtype == np.float32


def test_training_interrupted_in_its_first_epoch_changes_nothing(blobs):
    X, y_few = blobs[0], blobs[2]
    clf = fit(blobs, None)
    before = clf.predict_proba(X)
    for warm_start in (False, True):
        clf.set_params(callbacks=[Impatient(2)], warm_start=warm_start)
        for train in (clf.fit, clf.partial_fit):
            with pytest.raises(KeyboardInterrupt):
                train(X, y_few)
            np.testing.assert_array_equal(clf.predict_proba(X), before)


class Lengthy(Callback):
    """Leaves lists of any length in the history."""

    def on_epoch_end(self, net, **kwargs):
        net.history.record("entries", list(range(len(net.history))))


def test_what_is_no_number_stays_in_the_history_of_skorch(blobs):
    clf = fit(blobs, [Lengthy()])
    assert "entries" not in clf.history_
    assert clf.net_.history[-1, "entries"] == list(range(12))


def test_read_only_rows_do_not_warn(blobs, recwarn):
    X, _, y_few = blobs
    X = X.astype(np.float32)
    X.setflags(write=False)
    LadderClassifier((4,), max_epochs=1).fit(X, y_few).predict(X)
    assert not [w for w in recwarn if "writable" in str(w.message)]
