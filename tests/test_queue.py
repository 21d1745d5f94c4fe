"""What the queue promises: one run at a time, each once, and none lost."""

import json
import multiprocessing
import os
import signal
import subprocess

import numpy as np
import pytest

from benchmarks import _callbacks, _results, published, queue
from sklearn_ladder import LadderClassifier, recipes

FIRST, SECOND = "rasmus2015-mnist-100-full", "rasmus2015-mnist-100-gamma"
N_EPOCHS = 4
CHECKPOINTS = "checkpoints"


@pytest.fixture
def short(small_mnist, monkeypatch):
    """Two recipes with a small network and little training, in this order."""
    small = {"hidden_layer_sizes": (8,), "max_epochs": N_EPOCHS}
    for name, costs in {FIRST: [1000, 10, 0.1], SECOND: 0.5}.items():
        recipe = recipes.RECIPES[name]
        parameters = recipe.parameters | small | {"denoising_cost": costs}
        monkeypatch.setitem(
            recipes.RECIPES, name, recipe._replace(parameters=parameters)
        )
    entries = [(FIRST, 1, 1.5), (SECOND, 2, 2), (FIRST, 2, 3)]
    monkeypatch.setattr(queue, "ORDER", [queue.Entry(*entry) for entry in entries])
    monkeypatch.setattr(os, "nice", lambda _: None)  # the other tests are not to wait
    handler = signal.getsignal(signal.SIGINT)
    yield small_mnist
    signal.signal(signal.SIGINT, handler)  # which the queue changes


def run(folder, *arguments):
    queue.main(["--checkpoint-dir", str(folder / CHECKPOINTS), *arguments])


def in_a_process(function):
    """Exit code of a process of its own that calls a function."""
    process = multiprocessing.get_context("fork").Process(target=function)
    process.start()
    process.join()
    return process.exitcode


def stop_after(epoch, monkeypatch):
    def on_batch_begin(self, net, **kwargs):
        if len(net.history) == epoch + 1:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(_callbacks.Progress, "on_batch_begin", on_batch_begin)


@pytest.fixture
def fitted(monkeypatch):
    """Every classifier that is fitted."""
    fits = []

    class Kept(LadderClassifier):
        def fit(self, X, y):
            fits.append(self)
            return super().fit(X, y)

    monkeypatch.setattr(published, "LadderClassifier", Kept)
    return fits


def paths(folder):
    return sorted((folder / "results").iterdir(), key=lambda path: path.stat().st_mtime)


def names(folder):
    return [path.stem for path in paths(folder)]


def test_each_run_once_in_order(short, capsys):
    run(short)
    assert names(short) == [
        f"{FIRST}-{N_EPOCHS}epochs-seed0",
        f"{SECOND}-{N_EPOCHS}epochs-seed0",
        f"{SECOND}-{N_EPOCHS}epochs-seed1",
        f"{FIRST}-{N_EPOCHS}epochs-seed1",
    ]
    before = [path.stat().st_mtime_ns for path in paths(short)]
    capsys.readouterr()
    run(short)
    assert capsys.readouterr().out == ""
    assert [path.stat().st_mtime_ns for path in paths(short)] == before


def test_a_result_says_how_it_came_about(short):
    run(short)
    result = json.loads(paths(short)[2].read_text())
    assert result["command"] == (
        f"python -m benchmarks.published {SECOND} --seeds 1"  # without folders
    )
    assert result["commit"] == _results.commit()["commit"]
    assert isinstance(result["dirty"], bool) or result["commit"] is None
    assert 0 < result["cpu_seconds"] < 60
    assert len(result["history"]["train_loss"]) == N_EPOCHS


def test_a_stopped_queue_goes_on_to_the_bit(short, fitted, monkeypatch):
    def first_result():
        return _results.read(f"{FIRST}-{N_EPOCHS}epochs-seed0")

    monkeypatch.setattr(queue, "ORDER", queue.ORDER[:1])
    run(short)
    whole, result = fitted.pop(), first_result()
    paths(short)[0].unlink()

    with monkeypatch.context() as patched:
        stop_after(3, patched)
        assert in_a_process(lambda: run(short)) == -signal.SIGTERM
    assert first_result() is None
    assert list((short / CHECKPOINTS).glob("*.pt"))
    said = queue.status(short / CHECKPOINTS)
    assert f"nothing runs\n  {FIRST} seed 0, 3 of {N_EPOCHS} epochs, 0.00" in said

    run(short)
    resumed = fitted.pop()
    for name, weights in whole.net_.module_.state_dict().items():
        np.testing.assert_array_equal(resumed.net_.module_.state_dict()[name], weights)
    for key in ("error_percent", "history"):
        assert first_result()[key] == result[key]
    # the epochs before it was stopped count
    assert len(resumed.history_["cpu_seconds"]) == N_EPOCHS
    assert first_result()["cpu_seconds"] >= round(
        resumed.history_["cpu_seconds"].sum(), 2
    )
    assert not list((short / CHECKPOINTS).glob("*.pt"))


def test_half_a_run_of_another_commit_starts_over(short, capsys, monkeypatch):
    with monkeypatch.context() as patched:
        stop_after(3, patched)
        in_a_process(lambda: run(short))
    monkeypatch.setattr(_results, "commit", lambda: {"commit": "a", "dirty": False})
    capsys.readouterr()
    run(short)
    assert "goes on" not in capsys.readouterr().out


def test_one_queue_at_a_time(short):
    folder = short / CHECKPOINTS
    assert queue.holder(folder) is None
    with queue.alone(folder):
        assert queue.holder(folder) == os.getpid()
        with pytest.raises(SystemExit, match=f"process {os.getpid()} has"):
            run(short)
        said = queue.status(folder)
    assert f"running: process {os.getpid()}\n  {FIRST} seed 0, 1.5 expected" in said
    assert not (short / "results").exists()
    assert queue.holder(folder) is None


def test_the_lock_ends_with_its_process(short, monkeypatch):
    stop_after(1, monkeypatch)
    assert in_a_process(lambda: run(short)) == -signal.SIGTERM
    assert queue.holder(short / CHECKPOINTS) is None


def test_a_failed_run_leaves_the_others_alone(short, monkeypatch):
    as_always = published.run

    def fails_once(name, *arguments):
        if name.startswith(SECOND) and name.endswith("seed0"):
            raise MemoryError
        return as_always(name, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(published, "run", fails_once)
        with pytest.raises(
            SystemExit, match=f"failed: {SECOND}-{N_EPOCHS}epochs-seed0"
        ):
            run(short)
    assert len(names(short)) == 3
    run(short)
    assert len(names(short)) == 4


def test_status(short):
    said = queue.status(short / CHECKPOINTS).splitlines()
    assert said[0] == "done: 0 of 4 runs, 0.0 core-hours"
    assert said[2] == "next: 4 runs, 8 core-hours expected"
    assert said[4] == f"  {SECOND} seed 0 1: 2 core-hours expected each"
    run(short)
    error = _results.read(f"{SECOND}-{N_EPOCHS}epochs-seed1")["error_percent"]
    said = queue.status(short / CHECKPOINTS).splitlines()
    assert said[0].startswith("done: 4 of 4 runs")
    assert f" {error:.2f} %, 0.0 core-hours" in said[2]


def test_status_tells_validation_from_test(short, monkeypatch):
    entry = queue.Entry(FIRST, 1, 1, ("--validate",))
    monkeypatch.setattr(queue, "ORDER", [queue.Entry(FIRST, 1, 1), entry])
    said = queue.status(short / CHECKPOINTS).splitlines()
    assert said[-2].startswith(f"  {FIRST} seed 0:")
    assert said[-1].startswith(f"  {FIRST} --validate seed 0:")


def test_collect(short, tmp_path, capsys):
    run(short)
    there = tmp_path / "there"
    there.mkdir()
    (there / paths(short)[0].name).write_text("as it is")
    capsys.readouterr()
    run(short, "--collect", str(there))
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert (there / paths(short)[0].name).read_text() == "as it is"
    assert (there / paths(short)[1].name).read_bytes() == paths(short)[1].read_bytes()


def test_a_renamed_parameter_makes_no_other_run(short):
    run(short)
    name = f"{FIRST}-{N_EPOCHS}epochs-seed0"
    parameters = recipes.get(FIRST)
    assert published.is_done(name, parameters)
    parameters["nonlinearity"] = parameters.pop("activation")
    assert published.is_done(name, parameters)
    assert not published.is_done(name, parameters | {"noise_std": 0.4})


def test_every_entry_is_a_recipe_on_its_published_schedule():
    runs = queue.all_runs()
    assert len({run.name for run in runs}) == len(runs)
    assert runs[0].name == "rasmus2015-mnist-100-baseline-150epochs-seed0"
    assert sum(run.recipe == "rasmus2015-mnist-100-full" for run in runs) == 10
    assert runs[-1].name.endswith("gamma-70epochs-validation-seed0")


def test_commit(tmp_path, monkeypatch):
    def git(*arguments):
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(
            ["git", *identity, *arguments], cwd=tmp_path, check=True, text=True
        )

    monkeypatch.setattr(_results, "__file__", str(tmp_path / "module.py"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert _results.commit() == {"commit": None, "dirty": None}
    git("init", "--quiet")
    (tmp_path / "module.py").write_text("1")
    git("add", ".")
    git("commit", "--quiet", "--message", "one")
    (tmp_path / "result.json").write_text("{}")  # untracked
    found = _results.commit()
    assert len(found["commit"]) == 40 and not found["dirty"]
    (tmp_path / "module.py").write_text("2")
    assert _results.commit() == found | {"dirty": True}
