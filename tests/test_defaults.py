import numpy as np
import pytest

from sklearn_ladder import _defaults
from sklearn_ladder._class_prior import equal_shares_weight
from sklearn_ladder.network import Shape


def test_share_of_labeled_statistics_rises_without_jumps():
    shares = [_defaults.labeled_share(n) for n in range(15)]
    assert shares[:2] == [0, 0] and shares[10:] == [1] * 5
    assert 0 < max(np.diff(shares)) < 0.12


def test_bins_become_fewer_with_more_features():
    n_bins = [_defaults.n_bins(np.full(n, 50), 2) for n in range(1, 600)]
    assert n_bins[:85] == [6] * 85 and n_bins[-1] == 1
    assert set(np.diff(n_bins)) == {0, -1}
    assert all(n * bins <= 512 for n, bins in enumerate(n_bins, start=1) if bins > 1)


def test_one_label_more_changes_the_weight_of_the_em_algorithm_a_little():
    def weight(n_first, n_second):
        return equal_shares_weight(np.repeat([0, 1, -1], [n_first, n_second, 50]), 2)

    assert weight(10, 10) == weight(14, 10) == 1
    assert weight(200, 10) < 1e-6
    weights = [weight(n, 20) for n in range(20, 80)]
    assert max(np.abs(np.diff(weights))) < 0.4
    assert weights == sorted(weights, reverse=True)


@pytest.mark.parametrize(
    "n_labels, expected", [(1, 250), (25, 250), (49, 350), (225, 750), (10**6, 750)]
)
def test_number_of_updates(n_labels, expected):
    assert _defaults.n_updates(n_labels, 2) == expected
    assert _defaults.n_updates(n_labels, 2, is_dense=False) == 2 * expected
    assert _defaults.n_updates(n_labels, 10) == 2 * expected


@pytest.mark.parametrize(
    "sizes, expected",
    [
        ((10, 64, 32, 2), 5),
        ((512, 64, 32, 2), 5),
        ((64, 256, 128, 9), 5),
        ((784, 100, 9), 3),
        ((784, 512, 2), 1),
    ],
)
def test_number_of_members(sizes, expected):
    shapes = [Shape(size) for size in sizes]
    assert _defaults.n_estimators(shapes, 9) == expected
    assert _defaults.n_estimators(shapes, 10) == 1
    maps = [Shape(2, 2, 2), *shapes[1:]]
    assert _defaults.n_estimators(maps, 2) == 1


def test_all_members_denoise_if_classes_are_many():
    assert [_defaults.n_denoising(n, 9) for n in (1, 2, 3, 5)] == [1, 1, 2, 3]
    assert [_defaults.n_denoising(n, 10) for n in (1, 2, 3)] == [1, 2, 3]
