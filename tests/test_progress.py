"""What ``verbose=1`` shows, where there is a terminal and where there is none."""

import io
import pickle
import re
from types import SimpleNamespace

import numpy as np
import pytest
from skorch.callbacks import Callback

from sklearn_ladder import LadderClassifier
from sklearn_ladder.training import _progress

LINE = re.compile(
    r"LadderClassifier(?: in process \d+)?: (\d+) of (\d+) updates, "
    r"\d\d:\d\d(?: of \d\d:\d\d)?, cost ([\d.]+) \(supervised ([\d.]+)\), lr ([\de.-]+)"
)


class Terminal(io.StringIO):
    """A standard error stream that says that it is a terminal."""

    def isatty(self):
        return True


def make_classifier(**parameters):
    defaults = dict(n_estimators=1, max_epochs=12, batch_size=20, random_state=0)
    return LadderClassifier((8,), **(defaults | parameters))


def fit(blobs, **parameters):
    X, _, y_few = blobs
    return make_classifier(verbose=1, **parameters).fit(X, y_few)


@pytest.fixture
def at_each_update(monkeypatch):
    """Show each update, however little time it took."""
    monkeypatch.setattr(_progress, "INTERVAL", 0.0)
    monkeypatch.setattr(_progress, "FIRST_LINE", 0.0)
    monkeypatch.setattr(_progress, "NEXT_LINE", 0.0)
    monkeypatch.setattr(_progress, "SHARE_OF_LINE", 0.0)


@pytest.fixture
def terminal(monkeypatch):
    stream = Terminal()
    # pytest itself replaces sys.stderr
    monkeypatch.setattr(_progress, "sys", SimpleNamespace(stderr=stream))
    return stream


def test_nothing_by_default(blobs, capfd):
    make_classifier().fit(blobs[0], blobs[2])
    assert capfd.readouterr() == ("", "")


def test_a_line_at_the_end_without_a_terminal(blobs, capfd):
    clf = fit(blobs)
    out, err = capfd.readouterr()
    (found,) = LINE.findall(err)
    assert out == "" and err.count("\n") == 1
    assert found[:2] == ("36", "36")
    assert float(found[3]) < float(found[2]) < clf.history_["train_loss"][0]
    assert float(found[4]) < 0.002  # it has decayed


def test_lines_say_how_far_training_is(blobs, capfd, at_each_update):
    fit(blobs)
    lines = LINE.findall(capfd.readouterr().err)
    assert [int(line[0]) for line in lines] == [*range(1, 37), 36]
    assert {line[1] for line in lines} == {"36"}
    assert lines[0][4] == "0.01"


def test_lines_are_few(blobs, capfd):
    fit(blobs, max_epochs=10**6, max_time=2.5)
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 2 and "00:02 of 00:02" in lines[0]
    n, of = LINE.match(lines[0]).groups()[:2]
    assert 0.7 < int(n) / int(of) < 1  # of what is possible within the time limit


def test_a_bar_in_a_terminal(blobs, terminal, at_each_update):
    fit(blobs)
    *bars, last = terminal.getvalue().strip("\r\n").split("\r")
    assert sum("18/36 [00:0" in bar and " 50%|" in bar for bar in bars) == 1
    assert last.startswith("100%|") and "| 36/36 [00:0" in last
    assert re.search(r"cost [\d.]+ \(supervised [\d.]+\), lr [\de.-]+\]", last)
    assert terminal.getvalue().endswith("\n")


def test_at_most_ten_looks_a_second(blobs, terminal):
    fit(blobs, max_epochs=10**6, max_time=1.0)
    assert 5 < terminal.getvalue().count("\r") < 15


class Fails(Callback):
    def on_batch_end(self, net, **kwargs):
        raise MemoryError


def test_the_terminal_is_in_order_after_an_error(blobs, terminal, at_each_update):
    with pytest.raises(MemoryError):
        fit(blobs, callbacks=[Fails()])
    assert terminal.getvalue().endswith("\n")


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"early_stopping": True, "validation_fraction": 0.4},
        {"activation": "tanh"},  # steps of torch
    ],
)
def test_it_changes_no_training_and_is_not_kept(blobs, parameters, at_each_update):
    shown = fit(blobs, **parameters)
    plain = make_classifier(**parameters).fit(blobs[0], blobs[2])
    X = blobs[0]
    np.testing.assert_array_equal(shown.predict_proba(X), plain.predict_proba(X))
    assert [name for name, _ in shown.net_.callbacks_] == [
        name for name, _ in plain.net_.callbacks_
    ]
    pickle.loads(pickle.dumps(shown))


def test_each_call_has_its_own(blobs, capfd):
    X, _, y_few = blobs
    clf = fit(blobs, warm_start=True).fit(X, y_few)
    clf.partial_fit(X, y_few)
    n_updates = [int(line[0]) for line in LINE.findall(capfd.readouterr().err)]
    assert n_updates == [36, 36, 3]
