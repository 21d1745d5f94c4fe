"""model_selection.hide_labels."""

import numpy as np
import pandas as pd
import pytest

from sklearn_ladder.model_selection import hide_labels

Y = np.repeat([0, 1, 2], [100, 40, 4])


def counts(y_few):
    return [int(np.sum(y_few == label)) for label in (-1, 0, 1, 2)]


def test_labels_of_each_class():
    y_few = hide_labels(Y, per_class=10, random_state=0)
    assert counts(y_few) == [144 - 24, 10, 10, 4]  # of the rarest class all
    np.testing.assert_array_equal(y_few[y_few != -1], Y[y_few != -1])
    assert Y.min() == 0  # what was given is as it was


@pytest.mark.parametrize("how", [{"per_class": 2}, {"n": 20}, {"fraction": 0.2}])
def test_repeatable_and_random(how):
    first = hide_labels(Y, **how, random_state=3)
    np.testing.assert_array_equal(hide_labels(Y, **how, random_state=3), first)
    assert (hide_labels(Y, **how, random_state=4) != first).any()
    state = np.random.get_state()[1].copy()
    assert (hide_labels(Y, **how) != hide_labels(Y, **how)).any()
    np.testing.assert_array_equal(np.random.get_state()[1], state)


@pytest.mark.parametrize("min_per_class, fewest", [(0, 0), (1, 1), (3, 3), (9, 4)])
def test_n_labels_are_kept_with_a_minimum_per_class(min_per_class, fewest):
    of_rarest, of_all = [], np.zeros(3)
    for seed in range(60):
        y_few = hide_labels(Y, n=36, min_per_class=min_per_class, random_state=seed)
        n_unlabeled, *of_classes = counts(y_few)
        assert n_unlabeled == 144 - 36
        of_rarest.append(of_classes[2])
        of_all += of_classes
    assert min(of_rarest) == fewest
    if min_per_class == 0:  # drawn from all alike
        np.testing.assert_allclose(
            of_all / of_all.sum(), [100, 40, 4] / np.sum(144), atol=0.02
        )


def test_a_fraction_is_of_the_labels_there_are():
    y = Y.copy()
    y[:50] = -1
    assert counts(hide_labels(y, fraction=0.5))[0] == 144 - 47
    np.testing.assert_array_equal(hide_labels(y, fraction=1), y)


def test_names_and_missing_labels():
    y = pd.Series(["a", "b", None, "a", "b", None], dtype="string")
    y_few = hide_labels(y, per_class=1, random_state=0)
    assert y_few.dtype == object
    assert sorted(y_few, key=str) == [-1, -1, -1, -1, "a", "b"]
    assert y_few[2] == y_few[5] == -1


@pytest.mark.parametrize(
    "how, message",
    [
        ({}, "Exactly one of per_class, n and fraction"),
        ({"n": 5, "per_class": 1}, "Exactly one of per_class, n and fraction"),
        ({"per_class": 0}, "per_class == 0"),
        ({"n": 145}, "n == 145"),
        ({"n": 2}, "n must be at least 3, for min_per_class=1 of 3 classes; got 2"),
        ({"fraction": 0.0}, "fraction == 0.0"),
        ({"fraction": 1.5}, "fraction == 1.5"),
        ({"n": 5, "min_per_class": -1}, "min_per_class == -1"),
    ],
)
def test_numbers_that_are_wrong(how, message):
    with pytest.raises(ValueError, match=message):
        hide_labels(Y, **how)
    with pytest.raises(TypeError, match="n must be an instance of"):
        hide_labels(Y, n=2.5)
