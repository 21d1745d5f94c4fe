import numpy as np

from sklearn_ladder._random import spawn_seeds


def test_seeds_differ_from_each_other_and_repeat():
    seeds = spawn_seeds(0)
    assert len(set(seeds)) == len(seeds)
    assert spawn_seeds(0) == seeds
    assert not set(spawn_seeds(1)) & set(seeds)


def test_each_call_of_a_stream_has_seeds_of_its_own():
    assert not set(spawn_seeds(0, n_epochs_before=1)) & set(spawn_seeds(0))


def test_a_random_state_instance_advances_and_the_global_one_does_not():
    generator = np.random.RandomState(0)
    assert spawn_seeds(generator) != spawn_seeds(generator)
    np.random.seed(3)
    before = np.random.get_state()[1].copy()
    assert spawn_seeds(None) != spawn_seeds(None)
    np.testing.assert_array_equal(np.random.get_state()[1], before)
