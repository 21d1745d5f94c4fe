"""scikit-learn's own callbacks (1.9) follow the epochs of a fit."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ladder import LadderAutoencoder, LadderClassifier
from sklearn_ladder.callbacks import Checkpoint
from sklearn_ladder.model_selection import LabeledStratifiedKFold
from sklearn_ladder.training import _checkpoint

callback = pytest.importorskip("sklearn.callback")

N_EPOCHS = 6


class Listens:
    """Notes what it is told."""

    def __init__(self, stop_after=None):
        self.stop_after = stop_after
        self.events = []
        self.fitted = []
        self.given = []

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.events.append(("begin", context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context, *, X, y, metadata, fitted_estimator):
        self.events.append(("end", context.task_name, context.task_id))
        self.fitted.append(fitted_estimator)
        self.given.append((X, y, metadata))
        return context.task_name == "epoch" and context.task_id + 1 == self.stop_after


def make_classifier(**parameters):
    defaults = dict(max_epochs=N_EPOCHS, batch_size=20, random_state=0)
    return LadderClassifier((8,), **(defaults | parameters))


def fit(blobs, *listeners, **parameters):
    X, _, y_few = blobs
    return make_classifier(**parameters).set_callbacks(*listeners).fit(X, y_few)


def test_epochs_are_tasks(blobs):
    listens = Listens()
    fit(blobs, listens)
    epochs = [
        (when, "epoch", number)
        for number in range(N_EPOCHS)
        for when in ("begin", "end")
    ]
    assert listens.events == [
        "setup", ("begin", "fit", 0), *epochs, ("end", "fit", 0), "teardown",
    ]  # fmt: skip


def test_training_is_as_without_them(blobs):
    X = blobs[0]
    heard, plain = fit(blobs, Listens()), make_classifier().fit(X, blobs[2])
    np.testing.assert_array_equal(heard.predict_proba(X), plain.predict_proba(X))
    assert vars(heard).keys() == vars(plain).keys() | {"_skl_callbacks"}
    kept = [[name for name, _ in clf.net_.callbacks_] for clf in (heard, plain)]
    assert kept[0] == kept[1]
    pickle.loads(pickle.dumps(heard.set_callbacks()))


def test_an_estimator_of_each_epoch(blobs):
    X, _, _ = blobs
    listens = Listens()
    last = fit(blobs, listens, decay_start=1.0)
    for n_epochs, estimator in enumerate(listens.fitted[:-1], start=1):
        # with a constant learning rate a shorter fit begins alike
        short = fit(blobs, decay_start=1.0, max_epochs=n_epochs)
        np.testing.assert_array_equal(
            estimator.predict_proba(X), short.predict_proba(X)
        )
        np.testing.assert_array_equal(estimator.transduction_, short.transduction_)
        np.testing.assert_array_equal(estimator.transform(X), short.transform(X))
        assert estimator.n_iter_ == n_epochs
        assert len(estimator.history_["train_loss"]) == n_epochs
    assert estimator.net_ is not last.net_
    np.testing.assert_array_equal(
        listens.fitted[-1].predict_proba(X), last.predict_proba(X)
    )


def test_they_get_the_labeled_samples(blobs):
    X, y, y_few = blobs
    listens, weight = Listens(), np.linspace(1, 2, len(y))
    make_classifier().set_callbacks(listens).fit(X, y_few, sample_weight=weight)
    for X_given, y_given, metadata in listens.given:
        np.testing.assert_array_equal(X_given, X[:10])
        np.testing.assert_array_equal(y_given, y[:10])
        np.testing.assert_array_equal(metadata["sample_weight"], weight[:10])


def test_held_out_samples_are_not_training_samples(blobs):
    listens = Listens()
    fit(blobs, listens, early_stopping=True, validation_fraction=0.4)
    assert len(listens.given[0][1]) == 6


def test_a_callback_may_end_training(blobs):
    listens = Listens(stop_after=3)
    assert fit(blobs, listens).n_iter_ == 3
    assert listens.events[-3:] == [("end", "epoch", 2), ("end", "fit", 0), "teardown"]


def test_each_task_ends_after_early_stopping(blobs):
    listens = Listens()
    clf = fit(
        blobs, listens, early_stopping=True, validation_fraction=0.4, max_epochs=100,
        n_iter_no_change=1, learning_rate=0.3,
    )  # fmt: skip
    assert clf.n_iter_ < 100
    assert listens.events[-3][:2] == ("end", "epoch")
    begun, ended = (
        sum(event[:2] == (when, "epoch") for event in listens.events)
        for when in ("begin", "end")
    )
    assert begun == ended == clf.n_iter_


def test_epochs_of_a_checkpoint_count(blobs, tmp_path):
    callbacks = [Checkpoint(tmp_path / "fit.checkpoint")]
    fit(blobs, callbacks=callbacks)
    listens = Listens()
    fit(blobs, listens, callbacks=callbacks)
    assert sum(event[:2] == ("end", "epoch") for event in listens.events) == N_EPOCHS
    assert listens.fitted[:-1] == [None] * N_EPOCHS


@pytest.mark.parametrize("container", [sparse.coo_matrix, sparse.bsr_array])
def test_formats_without_rows_and_a_number_as_weight(blobs, container):
    X, _, y_few = blobs
    listens = Listens()
    clf = make_classifier(max_epochs=1).set_callbacks(listens)
    clf.fit(container(X), y_few, sample_weight=2.0)
    X_given, _, metadata = listens.given[-1]
    np.testing.assert_array_equal(X_given.toarray(), X[y_few >= 0])
    assert metadata == {"sample_weight": 2.0}


def test_the_autoencoder_gives_its_samples(blobs):
    listens = Listens()
    LadderAutoencoder(2, max_epochs=1).set_callbacks(listens).fit(blobs[0])
    assert listens.given[-1][0] is blobs[0]


def test_a_stop_whose_end_was_not_written(blobs, tmp_path, monkeypatch):
    """The checkpoint knows of the stop, so training stops there again."""

    def no_end(path, state, write=_checkpoint.replace):
        if state["is_finished"]:
            raise OSError("disk full")
        write(path, state)

    callbacks = [Checkpoint(tmp_path / "fit.checkpoint", every_n_epochs=1)]
    with monkeypatch.context() as patch, pytest.raises(OSError, match="disk full"):
        patch.setattr(_checkpoint, "replace", no_end)
        fit(blobs, Listens(stop_after=3), callbacks=callbacks)
    assert fit(blobs, Listens(stop_after=3), callbacks=callbacks).n_iter_ == 3


def test_streams(blobs):
    X, _, y_few = blobs
    listens = Listens()
    clf = make_classifier().set_callbacks(listens)
    clf.partial_fit(X[:30], y_few[:30], classes=[0, 1])
    clf.partial_fit(X[30:], y_few[30:])  # without labels
    assert listens.events.count(("end", "epoch", 0)) == 2
    assert listens.given[-1][:2] == (None, None)
    assert not hasattr(clf, "class_prior_")


def test_a_failed_fit_is_torn_down(blobs):
    listens = Listens()
    clf = make_classifier(learning_rate=1e30).set_callbacks(listens)
    with pytest.raises(ValueError, match="diverged"):
        clf.fit(blobs[0], blobs[2])
    assert listens.events[-1] == "teardown"
    assert not hasattr(clf, "net_")


# -------------------------------------------------------------------- of scikit-learn


def test_scoring_monitor(blobs):
    X, y, _ = blobs
    monitor = callback.ScoringMonitor(scoring=["accuracy", "neg_log_loss"])
    clf = fit(blobs, monitor)
    scores = monitor.get_logs().data_as_pandas
    assert list(scores["task_name"]) == ["fit"] + ["epoch"] * N_EPOCHS
    last = scores.iloc[-1]
    assert last["accuracy"] == clf.score(X[:10], y[:10])
    assert scores["neg_log_loss"].iloc[1] < last["neg_log_loss"] < 0


@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_scoring_monitor_in_a_search_over_a_pipeline(blobs, n_jobs):
    X, _, y_few = blobs
    monitor = callback.ScoringMonitor(scoring="accuracy")
    clf = make_classifier(max_epochs=2).set_callbacks(monitor)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), clf),
        {"ladderclassifier__noise_std": [0.1, 0.3]},
        cv=LabeledStratifiedKFold(2),
        n_jobs=n_jobs,
    ).fit(X, y_few)
    scores = monitor.get_logs().data_as_pandas
    epochs = scores[scores["task_name"] == "epoch"]
    assert len(epochs) == 2 * (2 * 2 + 1)  # two epochs of five fits
    assert epochs["accuracy"].between(0, 1).all()
    assert clone(search.best_estimator_)[-1]._skl_callbacks == [monitor]


@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_progress_bar_of_a_search_over_a_pipeline(blobs, capsys, n_jobs):
    pytest.importorskip("rich")
    X, _, y_few = blobs
    search = GridSearchCV(
        make_pipeline(StandardScaler(), make_classifier(max_epochs=2)),
        {"ladderclassifier__noise_std": [0.1, 0.3]},
        cv=LabeledStratifiedKFold(2),
        n_jobs=n_jobs,
    )
    search.set_callbacks(callback.ProgressBar(max_propagation_depth=None))
    search.fit(X, y_few)
    shown = capsys.readouterr().out
    assert shown.count("LadderClassifier - fit") >= 5
    assert "100%" in shown


def test_progress_bar_of_a_fit(blobs, capsys):
    pytest.importorskip("rich")
    fit(blobs, callback.ProgressBar())
    shown = capsys.readouterr().out
    assert "LadderClassifier - fit" in shown and "100%" in shown


def test_skorchs_callbacks_go_elsewhere(blobs, tmp_path):
    with pytest.raises(TypeError, match="FitCallback protocol"):
        make_classifier().set_callbacks(Checkpoint(tmp_path / "fit.checkpoint"))
