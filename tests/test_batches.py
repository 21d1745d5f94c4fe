import numpy as np
import pytest
import torch
from scipy import sparse

from sklearn_ladder.data import _batches
from sklearn_ladder.data._batches import (
    LadderBatches,
    TrainingSamples,
    endless_batches,
    fits_on,
)
from sklearn_ladder.data._samples import Samples


def make_samples(n_samples, n_labeled, weight=None):
    codes = np.full(n_samples, -1)
    codes[:n_labeled] = np.arange(n_labeled) % 2
    X = np.arange(n_samples, dtype=np.float32)[:, None]
    return TrainingSamples(Samples(X), codes, weight, "cpu")


@pytest.mark.parametrize("n_labeled", [2, 7, 10, 13, 31])
def test_sizes_for_any_number_of_labels(n_labeled):
    batches = list(LadderBatches(make_samples(31, n_labeled), batch_size=10))
    assert len(batches) == 4  # 31 samples: three batches and one sample left over
    for batch in batches:
        assert len(batch.x_labeled) == len(batch.y) == min(10, n_labeled)
        assert len(batch.x_unlabeled) == 10
        assert (batch.y >= 0).all()


@pytest.mark.parametrize("with_unlabeled", [True, False])
@pytest.mark.parametrize("weight", [None, np.linspace(0.5, 3, 31)])
@pytest.mark.parametrize("n_labeled", [1, 7])
def test_filler_samples_have_no_weight(n_labeled, weight, with_unlabeled):
    samples = make_samples(31, n_labeled, weight)
    for batch in LadderBatches(samples, 10, with_unlabeled, filler_share=1.0):
        labeled, _ = batch.x_labeled[:, 0].split([n_labeled, 10 - n_labeled])
        assert sorted(labeled.tolist()) == list(range(n_labeled))
        assert len(batch.y) == 10
        assert len(batch.x_unlabeled) == (10 if with_unlabeled else 0)
        expected = np.ones(31) if weight is None else weight
        of_labeled, of_filler = batch.weight.split([n_labeled, 10 - n_labeled])
        np.testing.assert_allclose(
            of_labeled * n_labeled / 10, expected[labeled.long()], rtol=1e-6
        )
        assert (of_filler == 0).all()


def test_without_labels_there_is_no_filler():
    (batch,) = LadderBatches(make_samples(10, 0), 10, filler_share=1.0)
    assert len(batch.x_labeled) == len(batch.y) == 0
    assert batch.weight is None


def test_labels_go_with_their_samples():
    for batch in LadderBatches(make_samples(31, 13), batch_size=10):
        torch.testing.assert_close(batch.y, batch.x_labeled[:, 0].long() % 2)


def test_every_sample_once_per_pass():
    batches = endless_batches(torch.arange(12), 5, torch.Generator().manual_seed(0))
    drawn = torch.cat([next(batches) for _ in range(12)])
    for part in drawn.split(12):
        assert sorted(part.tolist()) == list(range(12))


def test_each_order_depends_on_its_seed_alone():
    def first(*seeds):
        return next(iter(LadderBatches(make_samples(31, 13), 10, seeds=seeds)))

    batch, same = first(1, 2), first(1, 2)
    torch.testing.assert_close(same.x_labeled, batch.x_labeled)
    torch.testing.assert_close(same.x_unlabeled, batch.x_unlabeled)
    other = first(1, 3)
    torch.testing.assert_close(other.x_labeled, batch.x_labeled)
    assert not torch.equal(other.x_unlabeled, batch.x_unlabeled)
    other = first(3, 2)
    assert not torch.equal(other.x_labeled, batch.x_labeled)
    torch.testing.assert_close(other.x_unlabeled, batch.x_unlabeled)


def test_skipped_batches_are_those_that_came_before():
    samples = make_samples(31, 13)
    all_batches = LadderBatches(samples, 10)
    first_epoch, second_epoch = list(all_batches), list(all_batches)
    for n_skipped in (0, 1, len(first_epoch), len(first_epoch) + 2):
        batches = LadderBatches(samples, 10)
        batches.skip_to(n_skipped)
        n_epochs = 1 if n_skipped >= len(first_epoch) else 2
        skipped = [batch for _ in range(n_epochs) for batch in batches]
        rest = [*first_epoch, *second_epoch][n_skipped:]
        for batch, expected in zip(skipped, rest, strict=True):
            torch.testing.assert_close(batch.x_labeled, expected.x_labeled)
            torch.testing.assert_close(batch.x_unlabeled, expected.x_unlabeled)


@pytest.mark.parametrize(
    "filler_share, n_filler", [(0.0, 0), (0.1, 1), (0.5, 4), (1.0, 7)]
)
def test_share_of_filler_samples(filler_share, n_filler):
    batches = LadderBatches(make_samples(31, 3), 10, filler_share=filler_share)
    for batch in batches:
        assert len(batch.y) == len(batch.x_labeled) == 3 + n_filler
        if n_filler:
            assert (batch.weight == 0).sum() == n_filler
            assert batch.weight.mean() == pytest.approx(1)
        else:
            assert batch.weight is None


def test_chunks_for_statistics_have_every_sample_once():
    samples = make_samples(31, 5)
    chunks = list(samples.chunks_for_statistics(seed=0, size=10))
    assert [len(chunk) for chunk in chunks] == [8, 8, 8, 7]
    assert sorted(torch.cat(chunks)[:, 0].tolist()) == list(range(31))
    some = torch.cat(list(samples.chunks_for_statistics(0, 10, n_most=12)))[:, 0]
    assert len(some) == len(some.unique()) == 12
    of_labeled = samples.chunks_for_statistics(0, 10, of=samples.labeled)
    assert sorted(torch.cat(list(of_labeled))[:, 0].tolist()) == list(range(5))


def test_chunks_for_statistics_depend_on_their_seed():
    samples = make_samples(31, 5)
    first, same, other = (
        torch.cat(list(samples.chunks_for_statistics(seed, 10))) for seed in (1, 1, 2)
    )
    assert torch.equal(first, same) and not torch.equal(first, other)


@pytest.mark.parametrize("largest", [2**28, 61])
def test_scaled_samples_with_and_without_a_copy(monkeypatch, largest):
    monkeypatch.setattr(_batches, "LARGEST_COPY", largest)
    X = np.arange(31, dtype=np.float32)[:, None]
    samples = TrainingSamples(
        Samples(X),
        np.zeros(31, int),
        None,
        "cpu",
        scale=lambda x: torch.cat([x, -x], 1),
    )
    assert (samples._scaled is None) == (largest == 61)
    x = samples.take(torch.tensor([3, 1]))
    torch.testing.assert_close(x, torch.tensor([[3.0, -3.0], [1.0, -1.0]]))
    torch.testing.assert_close(samples.X[:, 0], torch.arange(31.0))  # as given


def test_samples_are_on_the_device_if_they_can_be():
    dense = np.eye(6, dtype=np.float32)
    codes = np.array([0, 1, -1, -1, 0, 1])
    resident = TrainingSamples(Samples(dense), codes, None, "cpu")
    on_host = TrainingSamples(Samples(sparse.csr_array(dense)), codes, None, "cpu")
    assert isinstance(resident.X, torch.Tensor)
    assert isinstance(on_host.X, Samples)
    index = torch.tensor([4, 0])
    torch.testing.assert_close(resident.take(index), on_host.take(index))


def test_samples_larger_than_the_device_stay_on_the_host(monkeypatch):
    asked = []
    monkeypatch.setattr(
        torch.cuda, "mem_get_info", lambda index: asked.append(index) or (900, 2000)
    )
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda index: 600)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda index: 500)
    cuda = torch.device("cuda")
    assert fits_on(cuda, (10, 12)) and not fits_on(cuda, (10, 13))
    assert fits_on(cuda, (10, 6), itemsize=8) and not fits_on(cuda, (10, 7), itemsize=8)
    assert set(asked) == {None}  # torch 2.4 takes no device without an index
    assert fits_on(torch.device("cpu"), (10**9, 10**9))
