"""Self-training of the quick recipes for MNIST."""

import pytest
from joblib import parallel_config

from benchmarks import _results, readme, self_training


@pytest.fixture(autouse=True)
def short_rounds(monkeypatch):
    monkeypatch.setitem(self_training.ROUND, "max_epochs", 1)
    # so that there is something to learn
    monkeypatch.setattr(self_training, "THRESHOLD", 0.2)
    # in place of processes, which take seconds to start
    with parallel_config("threading"):
        yield


def run(folder, *arguments):
    self_training.main(["--checkpoint-dir", str(folder), *arguments])


def test_each_round_is_tested_and_kept(small_mnist, small_recipes, monkeypatch):
    run(small_mnist, "--labels", "50", "--seeds", "0", "1")
    run(small_mnist, "--labels", "100", "--seeds", "0", "--validate")
    team = ["--protocol", "team", "--seeds", "0", "--rounds", "1"]
    run(small_mnist, "--labels", "50", *team)
    result = _results.read("self-training-mnist-50-one-1")
    n_most = self_training.PROTOCOLS["one"].n_rounds
    assert len(result["error_percent"]) == len(result["minutes"]) == n_most + 1
    assert result["minutes"] == sorted(result["minutes"])
    assert result["parameters"]["batch_size"] == 250
    assert _results.read("self-training-mnist-100-one-0-validation")
    table, draws, _ = readme.quick_table().split("\n\n")
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    n_epochs = str(result["parameters"]["max_epochs"])
    assert [row[:5] for row in rows] == [
        ["quick-mnist-50-full", "1", n_epochs, str(n_rounds), "2"]
        for n_rounds in [0, 1, 2, 4, 8, n_most]
    ] + [
        ["quick-mnist-50-full", "2 of 4", "5", str(n_rounds), "1"]
        for n_rounds in [0, 1]
    ]
    errors = _results.read("self-training-mnist-50-team-0")["error_percent"]
    *_, one, team = [line.strip("| ").split(" | ") for line in draws.splitlines()]
    assert one[1:3] == ["one", "–"]  # no settings were chosen on these draws
    assert one[3].startswith("0: ")
    assert team[:2] == ["quick-mnist-50-full", "team"]
    assert team[3].startswith(f"0: {errors[-1]:.2f}, 5: not yet, 6: not yet")
    assert team[4] == f"{errors[-1]:.2f}"
    with monkeypatch.context() as patch:
        patch.setattr(self_training, "run", None)  # nothing is trained again
        run(small_mnist, "--labels", "50", "--seeds", "0", "1")
    # what is kept is of another run
    monkeypatch.setattr(self_training, "THRESHOLD", 0.3)
    run(small_mnist, "--labels", "50", "--seeds", "1")
    assert _results.read("self-training-mnist-50-one-1")["threshold"] == 0.3


def test_more_rounds_go_on_from_what_is_there(small_mnist, small_recipes):
    run(small_mnist / "once", "--seeds", "0", "--rounds", "3")
    at_once = _results.read("self-training-mnist-100-one-0")["error_percent"]
    _results.FOLDER.joinpath("self-training-mnist-100-one-0.json").unlink()
    for n_rounds in "1", "3":
        run(small_mnist / "twice", "--seeds", "0", "--rounds", n_rounds)
    result = _results.read("self-training-mnist-100-one-0")
    assert result["error_percent"] == at_once
    assert len(result["minutes"]) == 4
    assert result["minutes"] == sorted(result["minutes"])


def test_rounds_have_noise_of_their_own(small_mnist, small_recipes, monkeypatch):
    seeds = []

    class Watched(self_training.PseudoLabelingClassifier):
        def fit(self, X, y):
            super().fit(X, y)
            seeds.extend(clf.random_state for clf in self.estimators_)
            return self

    monkeypatch.setattr(self_training, "PseudoLabelingClassifier", Watched)
    # what is kept is a pickle, which a class of a test is not
    monkeypatch.setattr(self_training.pickle, "dumps", lambda state: b"")
    run(small_mnist, "--protocol", "team", "--seeds", "0", "--rounds", "2")
    assert len(set(seeds)) == 3 * 2
