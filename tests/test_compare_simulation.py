"""The simulation of advice, and the tables that are made of it and of the methods."""

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.naive_bayes import GaussianNB

from benchmarks import _results, compare_simulation, comparison_pages
from sklearn_ladder.ensemble import LabeledOnlyClassifier
from sklearn_ladder.model_selection import hide_labels

QUICK = {
    "ladder": LabeledOnlyClassifier(GaussianNB()),
    "ladder, labels only": LabeledOnlyClassifier(LogisticRegression(C=1e-4)),
    "random forest": LabeledOnlyClassifier(LogisticRegression()),
    "vote": LabeledOnlyClassifier(LogisticRegression(C=0.1)),
}


@pytest.fixture
def rows():
    rng = np.random.RandomState(0)
    y = np.arange(300) % 2
    return rng.normal(y[:, None], size=(300, 3)), y


@pytest.fixture
def small(rows, tmp_path, monkeypatch):
    monkeypatch.setattr(_results, "FOLDER", tmp_path)
    monkeypatch.setattr(compare_simulation, "default_methods", lambda: QUICK)
    monkeypatch.setattr(compare_simulation, "development_rows", lambda *_: rows)
    monkeypatch.setattr(compare_simulation, "TABLES", ["one", "other"])
    monkeypatch.setattr(compare_simulation, "LABELS", [20, 50])
    monkeypatch.setattr(compare_simulation, "N_DRAWS", 1)
    return tmp_path / "compare-simulation.jsonl"


def test_the_truth_is_of_hidden_labels(rows):
    X, y = rows
    run = compare_simulation.one_run(X, y, 20, 3, QUICK)
    few = hide_labels(y, n=20, min_per_class=2, random_state=3)
    hidden = few == -1
    clf = GaussianNB().fit(X[~hidden], y[~hidden])
    expected = accuracy_score(y[hidden], clf.predict(X[hidden]))
    assert run["truth"]["ladder"]["accuracy"] == pytest.approx(expected, abs=1e-5)
    assert sum(run["n_labels"].values()) == 20
    assert run["n_unlabeled"] == 280


def test_draws_are_resumed(small, capsys):
    compare_simulation.main(["--minutes", "0"])
    assert not small.exists()
    compare_simulation.main([])
    lines = small.read_text().splitlines()
    assert len(lines) == 2 * 2
    small.write_text("".join(line + "\n" for line in lines[:-1]))
    compare_simulation.main([])
    again = list(map(json.loads, small.read_text().splitlines()))
    assert len(again) == 4
    assert again[-1]["truth"] == json.loads(lines[-1])["truth"]
    found = _results.read("compare-simulation")["by_labels"]
    assert list(found) == ["20", "50"]
    assert found["20"]["runs"] == 2
    assert found["20"]["tables"] == 2
    table = comparison_pages.simulation_table().splitlines()
    assert table[0] == "| labels | 20 | 50 |"
    assert table[2] == "| draws (tables) | 2 (2) | 2 (2) |"


def run_of(ladder, supervised, true_gain):
    """A run where log-losses in five folds, and the truth, are as given."""
    losses = {
        "ladder": ladder,
        "ladder, labels only": supervised,
        "random forest": [0.9, 0.91, 0.9, 0.89, 0.9],
        "vote": ladder,
    }
    folds = {
        "repeat": [0] * 20,
        "fold": list(range(5)) * 4,
        "method": [name for name in losses for _ in range(5)],
        "log_loss": [loss for values in losses.values() for loss in values],
    }
    for score in ("accuracy", "balanced_accuracy", "seconds"):
        folds[score] = [0.5] * 20
    truth = {name: {"log_loss": 0.5, "accuracy": 0.6} for name in losses}
    truth["ladder"]["log_loss"] -= true_gain
    return {
        **{"table": "one", "labels": 20, "folds": folds, "truth": truth},
        **{"n_splits": 5, "n_labels": {"0": 10, "1": 10}, "n_unlabeled": 80},
    }


LOW, HIGH = [0.2, 0.21, 0.19, 0.2, 0.2], [0.5] * 5


@pytest.mark.parametrize("true_gain", [0.1, -0.1])
def test_verdicts_are_held_against_the_truth(true_gain):
    helps, harms = run_of(LOW, HIGH, true_gain), run_of(HIGH, LOW, true_gain)
    found = compare_simulation.summarize([helps, harms])["20"]
    assert found["verdicts"] == {
        "help": {"given": 1, "right": int(true_gain > 0)},
        "harm": {"given": 1, "right": int(true_gain < 0)},
    }
    assert found["unlabeled_help"] == (true_gain > 0)


def test_regret_and_coverage():
    found = compare_simulation.assess(run_of(LOW, HIGH, 0.1))
    assert found["recommended"] == "vote"
    assert found["regret"]["always the ladder"] == 0
    assert found["regret"]["always the vote"] == pytest.approx(0.1)
    # none of the differences from the vote is as in the folds: -0.1, 0 and 0
    assert found["differences_covered"] == 0
    assert found["accuracy_covered"]  # 0.6, where 20 labels say 0.5


def test_no_results_leave_the_pages_as_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(_results, "FOLDER", tmp_path)
    assert comparison_pages.simulation_table() is None
    assert comparison_pages.which_method_table() is None


def test_tables_by_group(tmp_path, monkeypatch):
    monkeypatch.setattr(_results, "FOLDER", tmp_path)
    methods = ["ladder", "ladder, supervised", *comparison_pages.SHOWN[1:]]

    def means(*accuracy):
        accuracy = dict(zip(methods, accuracy, strict=True))
        return {
            "accuracy": accuracy,
            "log_loss": {name: 1 - value for name, value in accuracy.items()},
        }

    # methods: ladder, supervised, random forest, extra trees, linear, vote
    open_means = {
        "optdigits": means(0.9, 0.8, 0.85, 0.86, 0.8, 0.88),
        "ring": means(0.8, 0.7, 0.85, 0.84, 0.6, 0.83),
        "phoneme": means(0.6, 0.7, 0.85, 0.84, 0.6, 0.81),
    }
    everyday = {"OJ": means(0.6, 0.6, 0.65, 0.6, 0.66, 0.65)}
    families = {"open": {"table_means": open_means}}
    families["everyday"] = {"table_means": everyday}
    _results.write("tables", {"families": families})
    lines = comparison_pages.which_method_table().splitlines()
    assert lines[2].startswith(
        "| clusters: ten and more classes (1) | +10.0 points | **0.900** / **0.10** |"
    )
    assert "(2) | +0.0 points | 0.700 / 0.30 | **0.850** / **0.15** |" in lines[3]
    assert lines[4].startswith("| neither: ")
    assert "clusters: optdigits; thresholds: phoneme, ring; neither: OJ" in lines[-1]
