"""The examples run, and show what they say."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Function that runs an example as a program and returns its names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    plt = pytest.importorskip("matplotlib.pyplot")

    def run(name, *arguments):
        path = str(EXAMPLES / name)
        monkeypatch.setattr(sys, "argv", [path, *arguments])
        return runpy.run_path(path, run_name="__main__")

    yield run
    plt.close("all")


def test_all_examples_are_tested():
    source = Path(__file__).read_text()
    names = {path.name for path in EXAMPLES.glob("*.py")}
    # a minute long; its numbers are kept by benchmarks/digits.py
    names.remove("digits.py")
    calls = {name: (f'run("{name}")', f'run("{name}", cluster)') for name in names}
    tested = {name for name in names if any(call in source for call in calls[name])}
    assert tested == names


@pytest.mark.slow
def test_two_moons(run):
    accuracy = run("plot_two_moons.py")["accuracy"]
    assert np.mean(accuracy["ladder"]) > np.mean(accuracy["labels only"])


@pytest.mark.slow
def test_digits(run):
    names = run("plot_digits.py")
    assert names["accuracy"]["full"] > names["accuracy"]["supervised"] + 0.03
    assert names["display"].denoised.shape == (10, 8, 8)


@pytest.mark.slow
def test_autoencoder(run):
    names = run("plot_autoencoder.py")
    mean = {name: scores.mean() for name, scores in names["accuracy"].items()}
    assert mean["ladder code"] > mean["PCA"] + 0.03
    assert names["display"].denoised.shape == (10, 8, 8)


@pytest.mark.slow
def test_learning_curves(run):
    history = run("plot_learning_curves.py")["history"]
    for cost in ("supervised_cost", "denoising_0_cost", "denoising_1_cost"):
        assert history[cost][-1] < history[cost][0]
    assert len(history["valid_loss"]) == 30


@pytest.mark.slow
def test_pictures(run):
    names = run("plot_pictures.py")
    assert len(names["functions"].lines_) == 5
    assert names["embedding"].labeled.sum() == 100
    assert names["reliability"].calibration_error < 0.3
    assert np.isnan(names["images"].corrupted).mean() == 0.5
    assert np.mean(list(names["table"].scores_.values())) > 0.2


@pytest.mark.slow
def test_text(run):
    accuracy = run("plot_text.py")["accuracy"]
    assert accuracy["ladder"] > accuracy["ladder, labels only"]
    assert min(accuracy.values()) > 0.7


@pytest.mark.slow
def test_images(run):
    names = run("plot_images.py")
    assert names["accuracy"] > 0.8
    assert names["display"].denoised.shape == (8, 8, 8)


@pytest.mark.slow
def test_unlabeled_hurt(run):
    accuracy = run("plot_unlabeled_hurt.py")["accuracy"]
    harmful = accuracy["class layer's cost 10"]
    assert accuracy["labels only"] > harmful + 0.1
    assert accuracy["default costs"] > harmful + 0.1


@pytest.mark.slow
def test_compare(run):
    names = run("plot_compare.py")
    found = names["comparison"]
    _, low, high = found.table.loc[found.recommended].iloc[:3]
    # an interval of 95 %, from a few labels: near it is enough
    assert low - 0.05 <= names["accuracy"] <= high + 0.05
    assert names["accuracy"] > 0.9


@pytest.mark.slow
def test_saving(run):
    for name in ("onnxruntime", "onnxscript", "skops"):
        pytest.importorskip(name)
    names = run("plot_saving.py")
    assert names["largest"] < 1e-5
    assert len(names["sizes"]) == 3
    np.testing.assert_array_equal(names["label"], names["clf"].predict(names["X"]))


@pytest.mark.slow
def test_stream(run):
    accuracy = run("plot_stream.py")["accuracy"]
    assert np.mean(accuracy[-5:]) > np.mean(accuracy[:5]) + 0.1
    assert np.mean(accuracy[-5:]) > 0.85


def test_search(run):
    names = run("plot_search.py")
    chosen = names["search"].best_params_["ladderclassifier__denoising_cost"]
    assert chosen == names["COSTS"][np.argmax(names["hidden_accuracy"])] == 1.0


def test_missing_labels(run, capsys):
    names = run("plot_missing_labels.py")
    assert names["y_test"].notna().all()
    assert set(names["clf"].classes_) == set(names["filled"]) == {"Ada", "Ben", "Cleo"}
    assert "accuracy on the test samples" in capsys.readouterr().out


def test_categories(run):
    names = run("plot_categories.py")
    assert names["table"].isna().any().sum() == 6
    filled = names["clf"].denoise(names["table"])
    assert filled.notna().all(axis=None) and list(filled) == list(names["table"])
    assert names["scores"]["test_accuracy"].mean() > 0.8
    assert names["display"].scores_["flavanoids"] > 0.4


def test_own_callback(run):
    changed = run("plot_own_callback.py")["clf"].history_["changed"]
    assert changed[0] == 1
    assert changed[-5:].mean() < 0.05


@pytest.fixture(scope="module")
def cluster():
    """Address of a Dask cluster of two workers: to start one takes ten seconds."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        yield cluster.scheduler_address


def test_dask_parquet(run, cluster):
    pytest.importorskip("dask.dataframe")
    names = run("dask_parquet.py", cluster)
    assert len(names["tasks"]) == 2
    assert min(names["tasks"]) > 0
    # the same by hand, without Dask
    parts = [names["make_partition"](number) for number in range(names["N_PARTITIONS"])]
    clf = clone(names["clf"])
    for part in parts:
        X, classes = names["features"](part), names["CLASSES"]
        clf.partial_fit(X, part["label"], classes=classes)
    expected = pd.concat([names["predict"](part, clf) for part in parts])
    for name in ("answer", "predicted"):
        assert list(names["result"][name]) == list(expected[name])
    np.testing.assert_allclose(
        names["result"]["probability"], expected["probability"], atol=1e-6
    )
    assert (expected["predicted"] == expected["answer"]).mean() > 0.8


def test_dask_search(run, cluster):
    import distributed

    def n_tasks(dask_worker):
        return dask_worker.state.executed_count

    with distributed.Client(cluster) as client:
        before = list(client.run(n_tasks).values())
    names = run("dask_search.py", cluster)
    assert len(names["tasks"]) == 2
    assert (np.array(names["tasks"]) > before).all()
    there = names["search"]
    here = clone(there).fit(names["X"], names["y_few"])
    for name in ("mean_test_score", "std_test_score"):
        np.testing.assert_array_equal(there.cv_results_[name], here.cv_results_[name])
