"""Self-training of the quick recipes for MNIST."""

import copy
import itertools

import numpy as np
import pytest
from joblib import parallel_config

from benchmarks import _results, readme, self_training
from sklearn_ladder import LadderClassifier


@pytest.fixture(autouse=True)
def short_rounds(monkeypatch):
    monkeypatch.setitem(self_training.ROUND, "max_epochs", 1)
    # so that there is something to learn
    monkeypatch.setattr(self_training, "THRESHOLD", 0.2)
    # in place of processes, which take seconds to start
    with parallel_config("threading"):
        yield


def test_pseudo_labels_are_sure_and_given_labels_stay(monkeypatch):
    monkeypatch.setattr(self_training, "THRESHOLD", 0.99)
    proba = np.array([[0.999, 0.001], [0.98, 0.02], [0.005, 0.995], [0.999, 0.001]])
    y = np.array([1, -1, -1, -1])
    found = self_training.with_pseudo_labels(y, proba[None])
    np.testing.assert_array_equal(found, [1, -1, 1, 0])


def test_neighbours_decide_where_networks_disagree(monkeypatch):
    monkeypatch.setattr(self_training, "N_COMPONENTS", 1)
    X = np.repeat([[0.0], [10.0]], 20, axis=0) + np.linspace(0, 1, 40)[:, None]
    labels = np.repeat([0, 1], 20)
    labels[[5, 25, 30, 35]] = -1
    probas = np.eye(3)[[labels, labels]]
    probas[:, 5] = [[1, 0, 0], [0, 1, 0]]  # the others near it are 0
    probas[:, 25] = [[1, 0, 0], [0, 1, 0]]  # those near this one 1
    probas[:, 30] = [[1, 0, 0], [0, 0, 1]]  # which neither network says here
    probas[:, 35] = 0, 0.9, 0.1  # they agree, and are not sure
    found = self_training.settled(X, labels, probas)
    assert found[[5, 25, 30, 35]].tolist() == [0, 1, -1, -1]
    np.testing.assert_array_equal(found[labels >= 0], labels[labels >= 0])


def test_those_that_agree_with_the_mean_go_on():
    sure, unsure = [0.1, 0.9], [0.6, 0.4]
    probas = np.array([[sure, sure], [sure, unsure], [sure, sure]])
    found = self_training.most_agreeing(["first", "second", "third"], probas, 2)
    assert found == ["first", "third"]


def small_settings(n_starts, n_networks):
    return {
        "seed": 0,
        "n_starts": n_starts,
        "n_networks": n_networks,
        "parameters": {
            "hidden_layer_sizes": (8,),
            "max_epochs": 30,
            "label_smoothing": 0,
        },
        "round": self_training.ROUND,
    }


def test_rounds_go_on_with_more_labels(blobs, monkeypatch):
    monkeypatch.setattr(self_training, "THRESHOLD", 0.8)
    X, _, y_few = blobs
    fits = []

    class Watched(LadderClassifier):
        def fit(self, X, y):
            fits.append((hasattr(self, "net_"), np.sum(y >= 0)))
            return super().fit(X, y)

    monkeypatch.setattr(self_training, "LadderClassifier", Watched)
    stages = self_training.stages(None, small_settings(1, 1), X, y_few, X[:5])
    *_, last = itertools.islice(stages, 3)
    assert [is_warm for is_warm, _ in fits] == [False, True, True]
    assert fits[0][1] == 10 < min(fits[1][1], fits[2][1])
    (clf,) = last.networks
    assert clf.max_epochs == self_training.ROUND["max_epochs"]
    np.testing.assert_array_equal(last.probas, [clf.predict_proba(X)])
    np.testing.assert_array_equal(last.predictions, clf.predict(X[:5]))


def test_a_team_learns_from_its_mean(blobs, monkeypatch):
    monkeypatch.setattr(self_training, "N_COMPONENTS", 2)
    X, _, y_few = blobs
    stages = self_training.stages(None, small_settings(3, 2), X, y_few, X[:5])
    first = copy.deepcopy(next(stages))
    second = next(stages)
    assert len(first.networks) == len(second.networks) == 2
    one, other = second.probas
    assert np.abs(one - other).max() > 0.001  # by noise and weights of their own
    mean = sum(clf.predict_proba(X[:5]) for clf in second.networks) / 2
    np.testing.assert_array_equal(second.predictions, mean.argmax(axis=1))
    assert len(first.probas) == 3  # of which all have a say
    labels = self_training.with_pseudo_labels(y_few, first.probas)
    clf = first.networks[1].set_params(**self_training.ROUND)
    np.testing.assert_allclose(clf.fit(X, labels).predict_proba(X), other, atol=1e-6)


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
    *lines, _, _ = readme.quick_table().splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines[2:]]
    n_epochs = str(result["parameters"]["max_epochs"])
    assert [row[:5] for row in rows] == [
        ["quick-mnist-50-full", "1", n_epochs, str(n_rounds), "2"]
        for n_rounds in [0, 1, 2, 4, 8, n_most]
    ] + [
        ["quick-mnist-50-full", "2 of 4", "5", str(n_rounds), "1"]
        for n_rounds in [0, 1]
    ]
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

    def watched(*arguments):
        for stage in stages(*arguments):
            seeds.extend(clf.plan_.seeds.noise for clf in stage.networks)
            yield stage

    stages = self_training.stages
    monkeypatch.setattr(self_training, "stages", watched)
    run(small_mnist, "--protocol", "team", "--seeds", "0", "--rounds", "2")
    assert len(set(seeds)) == 6


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "folder" / "file.txt"
    with _results.replacing(path) as partial:
        partial.write_text("old")
    with pytest.raises(KeyboardInterrupt), _results.replacing(path) as partial:
        partial.write_text("ne")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
