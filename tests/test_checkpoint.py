"""A killed fit goes on to the bit-identical result, and nothing else is touched."""

import errno
import multiprocessing
import os
import pickle
import resource
import signal
import zipfile
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import (
    Callback,
    EarlyStopping,
    EpochScoring,
    EpochTimer,
    LRScheduler,
)

from benchmarks.kills import kill_and_go_on
from sklearn_ladder import LadderClassifier, VirtualAdversary
from sklearn_ladder.callbacks import Checkpoint
from sklearn_ladder.data import _fingerprint
from sklearn_ladder.data._samples import Samples
from sklearn_ladder.model_selection import LabeledStratifiedKFold
from sklearn_ladder.training import _checkpoint

N_EPOCHS, N_UPDATES = 6, 18


class Kill(Callback):
    """Ends training the hard way at the end of an update or of an epoch.

    A checkpoint comes after it, as after all other callbacks: its file has what was
    there one update before.
    """

    update = epoch = None

    def on_batch_end(self, net, training=False, **kwargs):
        if training and net.n_updates_ == Kill.update:
            raise MemoryError("killed")

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == Kill.epoch:
            raise MemoryError("killed")


@contextmanager
def kill(update=None, epoch=None):
    Kill.update, Kill.epoch = update, epoch
    try:
        with pytest.raises(MemoryError, match="killed"):
            yield
    finally:
        Kill.update = Kill.epoch = None


def checkpoint(path, **parameters):
    """A checkpoint after each update."""
    return Checkpoint(path, **({"every_n_seconds": 0.0} | parameters))


def make_classifier(*callbacks, **parameters):
    defaults = dict(
        hidden_layer_sizes=(8,), max_epochs=N_EPOCHS, batch_size=20, random_state=0
    )
    callbacks = [*callbacks, Kill()]
    return LadderClassifier(callbacks=callbacks, **(defaults | parameters))


def fit(blobs, *callbacks, **parameters):
    return make_classifier(*callbacks, **parameters).fit(blobs[0], blobs[2])


def assert_same(resumed, whole):
    own, expected = (clf.net_.module_.state_dict() for clf in (resumed, whole))
    for name, weights in expected.items():
        torch.testing.assert_close(own[name], weights, rtol=0, atol=0)
    assert resumed.history_.keys() == whole.history_.keys()
    for name, column in whole.history_.items():
        if name != "dur":
            np.testing.assert_array_equal(resumed.history_[name], column)
    np.testing.assert_array_equal(resumed.transduction_, whole.transduction_)
    assert resumed.n_iter_ == whole.n_iter_


# ------------------------------------------------------------------------------ goes on


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"variant": "supervised", "decay_start": 1.0},
        # plain steps
        {"virtual_adversarial": VirtualAdversary("cost"), "combinator": "mlp"},
        {
            "learning_rate": np.float64(0.3),
            "early_stopping": True,
            "validation_fraction": 0.4,
            "n_iter_no_change": 2,
            "max_epochs": 10,
        },
    ],
    ids=lambda parameters: next(iter(parameters), "default"),
)
def test_a_killed_fit_goes_on(blobs, tmp_path, parameters):
    whole = fit(blobs, **parameters)
    for n, where in enumerate(
        [*({"update": n} for n in (1, 2, 5, 9)), {"epoch": 1}, {"epoch": 3}]
    ):
        path = tmp_path / f"folder{n}" / "fit.checkpoint"
        with kill(**where):
            fit(blobs, checkpoint(path), **parameters)
        kept = _checkpoint.read(path)
        assert kept["n_updates"] == where.get("update", 3 * where.get("epoch", 0)) - 1
        resumed = fit(blobs, checkpoint(path), **parameters)
        assert_same(resumed, whole)
        pickle.dumps(resumed)
        assert os.listdir(path.parent) == [path.name]


def test_a_stop_whose_end_was_not_written(blobs, tmp_path, monkeypatch):
    """The last write fails, or a kill comes before it: training stops there again."""
    parameters = dict(
        early_stopping=True,
        validation_fraction=0.4,
        n_iter_no_change=2,
        max_epochs=40,
        learning_rate=0.3,
    )
    whole = fit(blobs, **parameters)
    assert whole.n_iter_ < 40
    path, write = tmp_path / "fit.checkpoint", _checkpoint.replace

    def no_end(path, state):
        if state["is_finished"]:
            raise OSError("disk full")
        write(path, state)

    monkeypatch.setattr(_checkpoint, "replace", no_end)
    with pytest.raises(OSError, match="disk full"):
        fit(blobs, checkpoint(path, every_n_epochs=1), **parameters)
    monkeypatch.undo()
    assert_same(fit(blobs, checkpoint(path, every_n_epochs=1), **parameters), whole)


class Less(Callback):
    """Changes what a callback may change: at the end, or already at the start."""

    def __init__(self, hook, decay):
        self.hook = hook
        self.decay = decay

    def on_epoch_begin(self, net, **kwargs):
        if self.hook == "on_epoch_begin":
            self.change(net)

    def on_epoch_end(self, net, **kwargs):
        if self.hook == "on_epoch_end":
            self.change(net)

    def change(self, net):
        net.lr *= 0.9
        net.optimizer_.param_groups[0]["weight_decay"] += self.decay
        net.module_.noise_std = [0.5 * std for std in net.module_.noise_std]
        costs = net.criterion_
        costs.denoising_costs = [0.5 * cost for cost in costs.denoising_costs]
        costs.smoothing *= 0.5
        costs.adversarial_weight *= 0.5


@pytest.mark.parametrize("hook", ["on_epoch_begin", "on_epoch_end"])
@pytest.mark.parametrize("decay", [0, 0.01])  # of the weights: torch takes these steps
@pytest.mark.parametrize("update", [8, 13])
def test_changed_settings_go_on(blobs, tmp_path, hook, decay, update):
    adversary = {"virtual_adversarial": VirtualAdversary("cost")}
    less, path = Less(hook, decay), tmp_path / "fit.checkpoint"
    whole = fit(blobs, less, **adversary)
    with kill(update=update):
        fit(blobs, less, checkpoint(path), **adversary)
    assert_same(fit(blobs, less, checkpoint(path), **adversary), whole)


def test_costs_of_ones_own_go_on(blobs, tmp_path):
    class Costs(torch.nn.Module):
        def __init__(self, costs):
            super().__init__()
            self.costs = costs

        def forward(self, activations, batch):
            return self.costs(activations, batch)

    class Own(Callback):
        def __init__(self, wrap):
            self.wrap = wrap

        def on_train_begin(self, net, **kwargs):
            net.criterion_ = self.wrap(net.criterion_)

    for name, wrap in {"module": Costs, "function": lambda c: c.forward}.items():
        own, path = Own(wrap), tmp_path / name
        whole = fit(blobs, own)
        with kill(update=8):
            fit(blobs, own, checkpoint(path))
        assert_same(fit(blobs, own, checkpoint(path)), whole)


def test_a_mixed_frame(blobs, tmp_path):
    X, _, y_few = blobs
    frame = pd.DataFrame(X.copy(), columns=list("abc"))
    frame.loc[::7, "a"] = np.nan
    frame["color"] = np.array(["red", "green", "blue"])[np.arange(60) % 3]
    whole = make_classifier().fit(frame, y_few)
    path = tmp_path / "fit.checkpoint"
    with kill(update=8):
        make_classifier(checkpoint(path)).fit(frame, y_few)
    other = frame.copy()
    other.loc[3, "color"] = "blue"
    renamed = frame.assign(color=frame["color"].str.upper())  # the codes are the same
    for changed in (other, renamed):
        with refused(path, ValueError, "differ in the data"):
            make_classifier(checkpoint(path)).fit(changed, y_few)
    assert_same(make_classifier(checkpoint(path)).fit(frame, y_few), whole)


def test_one_that_is_killed_at_each_update(blobs, tmp_path):
    path = tmp_path / "fit.checkpoint"
    for update in range(2, N_UPDATES + 1):
        with kill(update=update):
            fit(blobs, checkpoint(path))
    assert_same(fit(blobs, checkpoint(path)), fit(blobs))


def test_by_epochs(blobs, tmp_path):
    path = tmp_path / "fit.checkpoint"
    every_second = checkpoint(path, every_n_seconds=None, every_n_epochs=2)
    with kill(epoch=4):
        fit(blobs, every_second)
    assert _checkpoint.read(path)["n_updates"] == 6
    assert_same(fit(blobs, every_second), fit(blobs))
    assert _checkpoint.read(path)["n_updates"] == N_UPDATES


@pytest.mark.parametrize(
    ("callbacks", "parameters"),
    [
        ([], {}),
        ([], {"max_epochs": 10**6, "max_time": 0.2}),
        (
            [],
            {
                "max_epochs": 30,
                "learning_rate": 0.3,
                "early_stopping": True,
                "validation_fraction": 0.4,
                "n_iter_no_change": 2,
            },
        ),
        ([EarlyStopping("train_loss", threshold=1.0)], {"max_epochs": 30}),
    ],
    ids=["all epochs", "max_time", "early_stopping", "EarlyStopping"],
)
def test_a_finished_fit_needs_no_training(blobs, tmp_path, callbacks, parameters):
    path = tmp_path / "fit.checkpoint"
    # a second timer, whose time counts, too
    callbacks = [*callbacks, ("timer", EpochTimer()), checkpoint(path)]
    first = fit(blobs, *callbacks, **parameters)
    assert first.n_iter_ == 6 or first.n_iter_ < first.max_epochs
    before = path.read_bytes()
    Kill.update = 1
    try:
        assert_same(fit(blobs, *callbacks, **parameters), first)
    finally:
        Kill.update = None
    assert path.read_bytes() == before


def test_random_numbers_of_the_killed_fit(blobs, tmp_path):
    path = tmp_path / "fit.checkpoint"
    with kill(update=8):
        fit(blobs, checkpoint(path), random_state=None)
    seeds = _checkpoint.read(path)["seeds"]
    resumed = fit(blobs, checkpoint(path), random_state=None)
    assert list(resumed.plan_.seeds) == seeds
    again = fit(blobs, checkpoint(path), random_state=None)
    assert_same(again, resumed)
    path.unlink()
    other = fit(blobs, checkpoint(path), random_state=None)
    assert other.plan_.seeds != resumed.plan_.seeds


def labeled_accuracy(net, samples, y=None):
    labeled = samples.labeled
    predicted = net.predict(samples.X[labeled])
    return np.mean(predicted == samples.y[labeled].numpy())


@pytest.mark.parametrize("update", [2, 8, 13])
def test_other_callbacks_go_on(blobs, tmp_path, update):
    def fit_with(*more):
        callbacks = [
            *more,
            LRScheduler(torch.optim.lr_scheduler.ExponentialLR, gamma=0.9),
            EpochScoring(
                labeled_accuracy, name="accuracy", on_train=True, use_caching=False,
                lower_is_better=False,
            ),
            EarlyStopping("train_loss", patience=2, threshold=0.01, sink=print),
        ]  # fmt: skip
        return fit(blobs, *callbacks, decay_start=1.0, max_epochs=30)

    whole = fit_with()
    assert 5 < whole.n_iter_ < 30
    path = tmp_path / "fit.checkpoint"
    with kill(update=update):
        fit_with(checkpoint(path))
    assert_same(fit_with(checkpoint(path)), whole)


def test_the_time_before_counts(blobs, tmp_path):
    path = tmp_path / "fit.checkpoint"
    limits = dict(max_epochs=10**6, max_time=20.0)
    with kill(update=20):
        fit(blobs, checkpoint(path), **limits)
    state = _checkpoint.read(path)
    assert 0 < state["seconds"] < 20
    state["seconds"] = 19.99
    state["epoch"]["seconds"] = 100.0
    _checkpoint.replace(path, state)
    resumed = fit(blobs, checkpoint(path), **limits)
    assert 19 < sum(resumed.net_.history[:, "train_batch_count"]) < 100
    # so does the time of an epoch before the kill
    durations = resumed.history_["dur"]
    assert durations[6] > 100 and durations.sum() < 120


def test_an_interrupted_fit_goes_on(blobs, tmp_path):
    class Interrupt(Callback):
        def on_batch_end(self, net, training=False, **kwargs):
            if training and net.n_updates_ == self.update:
                signal.raise_signal(signal.SIGINT)

    path = tmp_path / "fit.checkpoint"
    Interrupt.update = 8
    # which a process in the background ignores
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.warns(match="after 2 of 6 epochs"):
        short = fit(blobs, Interrupt(), checkpoint(path))
    signal.signal(signal.SIGINT, before)
    assert short.n_iter_ == 2
    Interrupt.update = None
    assert_same(fit(blobs, Interrupt(), checkpoint(path)), fit(blobs))


# -------------------------------------------------------------------------------- kills


def test_kills_at_any_moment(blobs, tmp_path):
    X, _, y_few = blobs
    path = tmp_path / "fit.checkpoint"
    parameters = dict(
        hidden_layer_sizes=(8,), max_epochs=60, batch_size=20, random_state=0
    )
    whole = LadderClassifier(**parameters).fit(X, y_few)
    seconds = whole.history_["dur"].sum()  # without writing
    moments = [seconds / 2, seconds / 3, seconds / 4]
    found = kill_and_go_on(parameters, X, y_few, path, moments)
    assert found["n_killed"] >= 2
    np.testing.assert_array_equal(found["proba"], whole.predict_proba(X))
    assert os.listdir(tmp_path) == [path.name]


def test_a_kill_during_a_write(blobs, begun):
    before = begun.read_bytes()

    def function():
        os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        fit(blobs, checkpoint(begun))

    process = multiprocessing.get_context("fork").Process(target=function)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert begun.read_bytes() == before
    assert len(os.listdir(begun.parent)) == 2  # the half-written one, too
    assert_same(fit(blobs, checkpoint(begun)), fit(blobs))
    assert os.listdir(begun.parent) == [begun.name]


# ------------------------------------------------------------------------------ refused


@pytest.fixture
def begun(blobs, tmp_path):
    """A checkpoint of half a fit."""
    path = tmp_path / "fit.checkpoint"
    with kill(update=8):
        fit(blobs, checkpoint(path))
    return path


@contextmanager
def refused(path, error, match):
    """The error, and the file as it was."""
    before = path.read_bytes()
    with pytest.raises(error, match=match) as caught:
        yield caught
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "changed, named",
    [
        ({"noise_std": 0.4}, r"noise_std \(\(0.3, 0.3, 0.3\) in the file, \(0.4,"),
        ({"max_epochs": 7}, r"max_epochs \(6 in the file, 7 in this fit\), n_updates"),
        ({"random_state": 1}, r"random_state\. Give"),
        ({"hidden_layer_sizes": (9,)}, "layers"),
        ({"max_time": 100.0}, r"max_time \(None in the file, 100.0 in"),
        ({"early_stopping": True, "validation_fraction": 0.4}, "the data, early_stop"),
    ],
    ids=lambda value: next(iter(value), "") if isinstance(value, dict) else "",
)
def test_a_checkpoint_of_another_configuration(blobs, begun, changed, named):
    with refused(begun, ValueError, f"checkpoint of another fit.*{named}"):
        fit(blobs, checkpoint(begun), **changed)


def test_a_checkpoint_of_other_data(blobs, begun):
    X, y, y_few = blobs
    X_other, other_labels = X.copy(), y_few.copy()
    X_other[30, 1] = np.nextafter(np.float32(X[30, 1]), np.inf, dtype=np.float32)
    other_labels[11] = y[11]
    clf = make_classifier(checkpoint(begun))
    weight = np.linspace(1, 2, len(y))
    for arguments in (
        [X_other, y_few],
        [X, other_labels],
        [X, y_few, weight],
        [X[::-1], y_few[::-1]],
    ):
        with refused(begun, ValueError, "differ in the data[,.]"):
            clf.fit(*arguments)
    same = sparse.csr_matrix(X), np.where(y_few == -1, None, y_few.astype(object))
    clf.fit(*same)  # another container, the same data


def test_a_checkpoint_of_another_version(blobs, begun, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(_checkpoint, "__version__", "9.9")
        with refused(begun, ValueError, r"version of sklearn_ladder \(.* in the file"):
            fit(blobs, checkpoint(begun))
    monkeypatch.setattr(torch, "__version__", "9.9")
    with refused(begun, ValueError, r"version of torch \(.*, 9.9 in this fit\)"):
        fit(blobs, checkpoint(begun))


def test_a_checkpoint_of_other_callbacks_or_weights(blobs, begun):
    stopping = EarlyStopping("train_loss", patience=3)
    with refused(begun, ValueError, "differ in callbacks"):
        fit(blobs, stopping, checkpoint(begun))
    clf = fit(blobs, warm_start=True)
    clf.set_params(callbacks=[checkpoint(begun), Kill()])
    with refused(begun, ValueError, "differ in the weights at the start"):
        clf.fit(blobs[0], blobs[2])


def test_a_search_needs_a_path_for_each_fit(blobs, tmp_path):
    path = tmp_path / "fit.checkpoint"
    search = GridSearchCV(
        make_classifier(checkpoint(path)),
        {"noise_std": [0.1, 0.3]},
        cv=LabeledStratifiedKFold(2),
        error_score="raise",
    )
    with pytest.raises(ValueError, match="Give each fit a path of its own"):
        search.fit(blobs[0], blobs[2])


@pytest.mark.parametrize("content", [b"", b"no checkpoint", pickle.dumps({"a": 1}, 2)])
def test_another_file_is_left_alone(blobs, tmp_path, content):
    path = tmp_path / "model.pickle"
    path.write_bytes(content)
    with refused(path, ValueError, "is no checkpoint of sklearn_ladder"):
        fit(blobs, checkpoint(path))
    torch.save({"weights": torch.zeros(2)}, path)
    with refused(path, ValueError, "is no checkpoint of sklearn_ladder"):
        fit(blobs, checkpoint(path), random_state=None)


@pytest.mark.skipif(
    not hasattr(torch.serialization, "set_crc32_options"),
    reason="this torch always writes them",
)
def test_checksums_are_written_though_switched_off(blobs, tmp_path):
    path, before = tmp_path / "fit", torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        fit(blobs, checkpoint(path))
        assert torch.serialization.get_crc32_options() is False
    finally:
        torch.serialization.set_crc32_options(before)
    fit(blobs, checkpoint(path))


def test_a_damaged_file_is_refused(blobs, tmp_path):
    path = tmp_path / "fit"
    fit(blobs, checkpoint(path))
    with zipfile.ZipFile(path) as file:
        tensor = file.read(max(file.infolist(), key=lambda entry: entry.file_size))
    content = bytearray(path.read_bytes())
    content[content.find(tensor)] ^= 1
    path.write_bytes(content)
    with refused(path, ValueError, "or is damaged"):
        fit(blobs, checkpoint(path))


def test_a_file_of_another_process(blobs, begun):
    class Meddles(Callback):
        def on_batch_end(self, net, training=False, **kwargs):
            if net.n_updates_ == 10:
                _checkpoint.replace(begun, {"format": _checkpoint.FORMAT})

    begun.unlink()
    with pytest.raises(RuntimeError, match="Another process has written to"):
        fit(blobs, Meddles(), checkpoint(begun))
    assert _checkpoint.read(begun) == {"format": _checkpoint.FORMAT}


def test_two_checkpoints(blobs, tmp_path):
    twice = checkpoint(tmp_path / "1"), ("second", checkpoint(tmp_path / "2"))
    with pytest.raises(ValueError, match="at most one Checkpoint"):
        fit(blobs, *twice)


def test_not_for_streams(blobs, begun):
    clf = make_classifier(checkpoint(begun))
    with refused(begun, ValueError, "Checkpoint is for fit, not for partial_fit"):
        clf.partial_fit(blobs[0], blobs[2], classes=[0, 1])


@pytest.mark.parametrize(
    "parameters", [{"every_n_seconds": -1.0}, {"every_n_epochs": 0}]
)
def test_parameters(blobs, tmp_path, parameters):
    (name,) = parameters
    with pytest.raises(ValueError, match=f"{name} must be None or at least"):
        fit(blobs, checkpoint(tmp_path / "fit.checkpoint", **parameters))
    assert not os.listdir(tmp_path)


# -------------------------------------------------------------- what cannot be written


def fit_and_catch(blobs, path):
    """Error number and text of a fit that cannot write, and what is in the folder."""
    try:
        fit(blobs, checkpoint(path))
    except OSError as error:
        return error.errno, str(error)


def test_a_full_disk(blobs, begun):
    """Stands for it: the largest file that the process may write."""
    before = begun.read_bytes()

    def function():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        return fit_and_catch(blobs, begun)

    number, text = call_in_a_fork(function)
    assert number == errno.EFBIG
    assert "The checkpoint could not be written (File too large)" in text
    assert str(begun) in text
    assert begun.read_bytes() == before
    assert os.listdir(begun.parent) == [begun.name]
    assert_same(fit(blobs, checkpoint(begun)), fit(blobs))  # there is space again


@pytest.mark.parametrize("is_there", [True, False])
def test_a_folder_without_rights(blobs, begun, is_there):
    folder, before = begun.parent, begun.read_bytes()
    folder.chmod(0o555)
    path = begun if is_there else folder / "new.checkpoint"

    def function():
        for parent in folder.parents:  # pytest's folders are for their owner only
            with_rights = parent.stat().st_mode | 0o055
            if os.geteuid() == 0 and "pytest" in str(parent):
                parent.chmod(with_rights)
        if os.geteuid() == 0:  # whom no missing right would stop
            begun.chmod(0o644)
            os.seteuid(65534)
        return fit_and_catch(blobs, path)

    number, text = call_in_a_fork(function)
    folder.chmod(0o755)
    assert number == errno.EACCES and "The checkpoint could not be written" in text
    assert begun.read_bytes() == before
    assert os.listdir(folder) == [begun.name]


def call_in_a_fork(function):
    """What a function returns in a process of its own."""
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=lambda: sending.send(function()))
    process.start()
    assert receiving.poll(60)
    process.join()
    return receiving.recv()


# ------------------------------------------------------------------------- fingerprint


class Data:
    """Stands for training data."""

    weight = held_out_weight = None

    def __init__(self, X):
        self.samples = Samples(X)
        self.survey = self.samples.survey()
        self.given_codes, self.codes = np.zeros((2, len(X)), dtype=int)


def test_labels_and_weights_count():
    """Also labels that are held out, which `codes` does not have."""
    X = np.zeros((10, 3))
    found = {_fingerprint.fingerprint(Data(X))}
    for name in ("given_codes", "codes", "weight", "held_out_weight"):
        data = Data(X)
        setattr(data, name, np.arange(10))
        found.add(_fingerprint.fingerprint(data))
    assert len(found) == 5


def test_the_fingerprint_of_large_data_reads_some_of_it(monkeypatch):
    X = np.zeros((10**6, 3), dtype=np.float32)
    X[0] = 1
    whole = _fingerprint.fingerprint(Data(X))
    monkeypatch.setattr(_fingerprint, "LARGEST_READ", 1000)
    some = _fingerprint.fingerprint(Data(X))
    assert some != whole
    X[39 * 8192, 1] = 0.5  # in none of the chunks, within the range
    assert _fingerprint.fingerprint(Data(X)) == some
    X[39 * 8192, 1] = 2  # the range counts
    assert _fingerprint.fingerprint(Data(X)) != some
    X[39 * 8192, 1] = 0
    X[-1, 1] = 0.5  # so does the end
    assert _fingerprint.fingerprint(Data(X)) != some
