"""What is done in joblib's processes. One pair of them serves all of these tests."""

import numpy as np
import pytest
import torch
from joblib import cpu_count
from joblib.externals.loky import get_reusable_executor
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ladder import LadderClassifier
from sklearn_ladder.ensemble import (
    PseudoLabelingClassifier,
    SemiSupervisedVotingClassifier,
)
from sklearn_ladder.model_selection import LabeledStratifiedKFold, labeled_scorer

pytestmark = pytest.mark.slow


def make_ladder(**parameters):
    return LadderClassifier((4,), max_epochs=2, random_state=0, **parameters)


def n_threads(estimator, X, y):
    """Scorer that tells how many threads its process uses."""
    return torch.get_num_threads()


def test_processes_share_the_threads_and_say_who_they_are(blobs, capfd, monkeypatch):
    X, _, y_few = blobs
    # processes that are there already, or the variable, would have their own number of
    # threads, and write where another test captured
    get_reusable_executor().shutdown(wait=True)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    scores = cross_val_score(
        make_ladder(verbose=1),
        X,
        y_few,
        cv=LabeledStratifiedKFold(2),
        scoring=n_threads,
        n_jobs=2,
    )
    assert scores.max() <= max(1, cpu_count() // 2)
    lines = [line for line in capfd.readouterr().err.splitlines() if "updates" in line]
    assert len(lines) == 2 and all("in process" in line for line in lines)


def test_grid_search(blobs):
    X, _, y_few = blobs

    def search(n_jobs):
        return GridSearchCV(
            make_pipeline(StandardScaler(), make_ladder()),
            {"ladderclassifier__noise_std": [0.1, 1.0]},
            cv=LabeledStratifiedKFold(3, n_repeats=2, shuffle=True, random_state=0),
            scoring=labeled_scorer(["accuracy", "neg_log_loss"]),
            refit="neg_log_loss",
            n_jobs=n_jobs,
        ).fit(X, y_few)

    one, two = search(1), search(2)
    for name, values in one.cv_results_.items():
        if "score" in name and "time" not in name:
            np.testing.assert_array_equal(values, two.cv_results_[name])
    assert one.best_params_ == two.best_params_
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))


def test_vote(blobs):
    X, _, y_few = blobs
    members = [("rf", RandomForestClassifier(5)), ("nb", GaussianNB())]
    one, two = (
        SemiSupervisedVotingClassifier(members, n_jobs=n_jobs, random_state=3)
        .fit(X, y_few)
        .predict_proba(X)
        for n_jobs in (None, 2)
    )
    np.testing.assert_array_equal(one, two)


def test_pseudo_labels(blobs):
    """A second fit goes on from what the processes gave back."""
    X, _, y_few = blobs

    def fit(n_jobs):
        clf = PseudoLabelingClassifier(
            make_ladder(n_estimators=1),
            n_rounds=0,
            threshold=0.8,
            n_estimators=2,
            n_candidates=3,
            round_params={"learning_rate": 0.001},
            warm_start=True,
            n_jobs=n_jobs,
            random_state=0,
        ).fit(X, y_few)
        return clf.set_params(n_rounds=1).fit(X, y_few)

    one, two = fit(None), fit(2)
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))
    seeds = ([each.random_state for each in clf.estimators_] for clf in (one, two))
    np.testing.assert_array_equal(*seeds)
