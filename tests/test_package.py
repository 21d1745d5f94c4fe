import subprocess
import sys

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_ladder
from sklearn_ladder import LadderClassifier
from sklearn_ladder.ensemble import SemiSupervisedVotingClassifier


def test_public_names():
    assert dir(sklearn_ladder) == sorted(sklearn_ladder.__all__)
    for name in sklearn_ladder.__all__:
        assert getattr(sklearn_ladder, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'ladder'"):
        sklearn_ladder.ladder  # noqa: B018


def printed_by(program):
    """Words that a program prints in an interpreter of its own."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_submodules_are_imported_when_they_are_asked_for():
    program = (
        "import sys, sklearn_ladder; name = 'sklearn_ladder.robustness'; "
        "print(name in sys.modules); sklearn_ladder.robustness; "
        "print(name in sys.modules)"
    )
    assert printed_by(program) == ["False", "True"]


def test_what_is_slow_to_import_is_imported_late():
    program = (
        "import sys, torch, sklearn; before = set(sys.modules); import sklearn_ladder; "
        "print(*(set(sys.modules) - before))"
    )
    slow = {"skorch", "scipy.stats", "sklearn.metrics", "sklearn.model_selection"}
    assert not slow & set(printed_by(program))


def test_warnings_name_the_line_of_the_user(blobs):
    X, y, _ = blobs
    names = np.array(["a", "unknown"])[y]
    ladder = LadderClassifier((4,), max_epochs=1, n_estimators=1)
    for fit in (
        ladder.fit,
        make_pipeline(StandardScaler(), ladder).fit,
        SemiSupervisedVotingClassifier([("ladder", ladder)]).fit,
    ):
        with pytest.warns(UserWarning, match="unknown") as seen:
            fit(X, names)
        assert {each.filename for each in seen} == {__file__}
