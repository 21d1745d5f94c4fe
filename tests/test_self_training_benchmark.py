"""Self-training of the quick recipes for MNIST."""

import numpy as np
import pytest

from benchmarks import _results, readme, self_training
from sklearn_ladder import LadderClassifier


@pytest.fixture(autouse=True)
def short_rounds(monkeypatch):
    monkeypatch.setitem(self_training.ROUND, "max_epochs", 1)
    # so that there is something to learn
    monkeypatch.setattr(self_training, "THRESHOLD", 0.2)


def test_pseudo_labels_are_sure_and_given_labels_stay(monkeypatch):
    monkeypatch.setattr(self_training, "THRESHOLD", 0.99)
    proba = np.array([[0.999, 0.001], [0.98, 0.02], [0.005, 0.995], [0.999, 0.001]])
    found = self_training.with_pseudo_labels(np.array([1, -1, -1, -1]), proba)
    np.testing.assert_array_equal(found, [1, -1, 1, 0])


def test_rounds_go_on_with_more_labels(blobs, monkeypatch):
    monkeypatch.setattr(self_training, "THRESHOLD", 0.8)
    X, _, y_few = blobs
    fits = []

    class Watched(LadderClassifier):
        def fit(self, X, y):
            fits.append((self.warm_start and hasattr(self, "net_"), np.sum(y >= 0)))
            return super().fit(X, y)

    clf = Watched((8,), max_epochs=30, label_smoothing=0, random_state=0)
    assert len(list(self_training.train(clf, X, y_few, 2))) == 3
    assert [is_warm for is_warm, _ in fits] == [False, True, True]
    assert fits[0][1] == 10 < min(fits[1][1], fits[2][1])
    assert clf.max_epochs == self_training.ROUND["max_epochs"]


def run(folder, *arguments):
    self_training.main(["--checkpoint-dir", str(folder), *arguments])


def test_each_round_is_tested_and_kept(small_mnist, small_recipes, monkeypatch):
    run(small_mnist, "--labels", "50", "--seeds", "0", "1")
    run(small_mnist, "--labels", "100", "--seeds", "0", "--validate")
    result = _results.read("self-training-mnist-50-1")
    n_stages = 1 + self_training.N_ROUNDS
    assert len(result["error_percent"]) == len(result["minutes"]) == n_stages
    assert result["minutes"] == sorted(result["minutes"])
    assert result["parameters"]["batch_size"] == 250
    assert _results.read("self-training-mnist-100-0-validation")
    *lines, _, _ = readme.quick_table().splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines[2:]]
    assert [row[:3] for row in rows] == [
        ["quick-mnist-50-full", str(n_rounds), "2"]
        for n_rounds in [0, 1, 2, 4, 8, self_training.N_ROUNDS]
    ]
    with monkeypatch.context() as patch:
        patch.setattr(self_training, "run", None)  # nothing is trained again
        run(small_mnist, "--labels", "50", "--seeds", "0", "1")
    # what is kept is of another run
    monkeypatch.setattr(self_training, "THRESHOLD", 0.3)
    run(small_mnist, "--labels", "50", "--seeds", "1")
    assert _results.read("self-training-mnist-50-1")["threshold"] == 0.3


def test_more_rounds_go_on_from_what_is_there(small_mnist, small_recipes):
    run(small_mnist / "once", "--seeds", "0", "--rounds", "3")
    at_once = _results.read("self-training-mnist-100-0")["error_percent"]
    _results.FOLDER.joinpath("self-training-mnist-100-0.json").unlink()
    for n_rounds in "1", "3":
        run(small_mnist / "twice", "--seeds", "0", "--rounds", n_rounds)
    result = _results.read("self-training-mnist-100-0")
    assert result["error_percent"] == at_once
    assert len(result["minutes"]) == 4
    assert result["minutes"] == sorted(result["minutes"])


def test_rounds_have_noise_of_their_own(small_mnist, small_recipes, monkeypatch):
    seeds = []

    def watched(*arguments):
        for clf in train(*arguments):
            seeds.append(clf.net_.seed)
            yield clf

    train = self_training.train
    monkeypatch.setattr(self_training, "train", watched)
    run(small_mnist, "--seeds", "0", "--rounds", "2")
    assert len(set(seeds)) == 3


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "folder" / "file.txt"
    with _results.replacing(path) as partial:
        partial.write_text("old")
    with pytest.raises(KeyboardInterrupt), _results.replacing(path) as partial:
        partial.write_text("ne")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
