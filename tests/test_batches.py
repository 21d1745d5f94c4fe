import numpy as np
import pytest
import torch
from scipy import sparse

from sklearn_ladder.data import _batches
from sklearn_ladder.data._batches import (
    LadderBatches,
    TrainingRows,
    endless_batches,
    fits_on,
)
from sklearn_ladder.data._samples import Samples


def make_rows(n_rows, n_labeled, weight=None):
    codes = np.full(n_rows, -1)
    codes[:n_labeled] = np.arange(n_labeled) % 2
    X = np.arange(n_rows, dtype=np.float32)[:, None]
    return TrainingRows(Samples(X), codes, weight, "cpu")


@pytest.mark.parametrize("n_labeled", [2, 7, 10, 13, 31])
def test_sizes_for_any_number_of_labels(n_labeled):
    batches = list(LadderBatches(make_rows(31, n_labeled), batch_size=10))
    assert len(batches) == 4  # 31 rows: three batches and one row left over
    for batch in batches:
        assert len(batch.x_labeled) == len(batch.y) == min(10, n_labeled)
        assert len(batch.x_unlabeled) == 10
        assert (batch.y >= 0).all()


@pytest.mark.parametrize("with_unlabeled", [True, False])
@pytest.mark.parametrize("weight", [None, np.linspace(0.5, 3, 31)])
@pytest.mark.parametrize("n_labeled", [1, 7])
def test_very_few_labels_have_company_without_weight(n_labeled, weight, with_unlabeled):
    rows = make_rows(31, n_labeled, weight)
    for batch in LadderBatches(rows, 10, with_unlabeled, of_stream=True):
        labeled, _ = batch.x_labeled[:, 0].split([n_labeled, 10 - n_labeled])
        assert sorted(labeled.tolist()) == list(range(n_labeled))
        assert len(batch.y) == 10
        assert len(batch.x_unlabeled) == (10 if with_unlabeled else 0)
        expected = np.ones(31) if weight is None else weight
        of_labeled, of_company = batch.weight.split([n_labeled, 10 - n_labeled])
        np.testing.assert_allclose(
            of_labeled * n_labeled / 10, expected[labeled.long()], rtol=1e-6
        )
        assert (of_company == 0).all()


def test_without_labels_nobody_needs_company():
    (batch,) = LadderBatches(make_rows(10, 0), 10, of_stream=True)
    assert len(batch.x_labeled) == len(batch.y) == 0
    assert batch.weight is None


def test_labels_go_with_their_rows():
    for batch in LadderBatches(make_rows(31, 13), batch_size=10):
        torch.testing.assert_close(batch.y, batch.x_labeled[:, 0].long() % 2)


def test_every_row_once_per_pass():
    batches = endless_batches(torch.arange(12), 5, torch.Generator().manual_seed(0))
    drawn = torch.cat([next(batches) for _ in range(12)])
    for part in drawn.split(12):
        assert sorted(part.tolist()) == list(range(12))


def test_order_depends_on_the_seed_alone():
    def first(seed):
        return next(iter(LadderBatches(make_rows(31, 13), 10, seed=seed)))

    torch.testing.assert_close(first(1).x_unlabeled, first(1).x_unlabeled)
    assert not torch.equal(first(1).x_unlabeled, first(2).x_unlabeled)


def test_skipped_batches_are_those_that_came_before():
    rows = make_rows(31, 13)
    all_batches = LadderBatches(rows, 10)
    first_epoch, second_epoch = list(all_batches), list(all_batches)
    skipped = list(LadderBatches(rows, 10, skip=len(first_epoch)))
    for batch, expected in zip(skipped, second_epoch, strict=True):
        torch.testing.assert_close(batch.x_labeled, expected.x_labeled)
        torch.testing.assert_close(batch.x_unlabeled, expected.x_unlabeled)


def test_sample_has_every_row_once(monkeypatch):
    rows = make_rows(31, 5)
    parts = list(rows.sample(seed=0, size_of_part=10))
    assert [len(part) for part in parts] == [8, 8, 8, 7]
    assert sorted(torch.cat(parts)[:, 0].tolist()) == list(range(31))
    monkeypatch.setattr(_batches, "LARGEST_SAMPLE", 12)
    sample = torch.cat(list(rows.sample(seed=0, size_of_part=10)))[:, 0]
    assert len(sample) == len(sample.unique()) == 12


def test_rows_are_on_the_device_where_they_can_be():
    dense = np.eye(6, dtype=np.float32)
    codes = np.array([0, 1, -1, -1, 0, 1])
    resident = TrainingRows(Samples(dense), codes, None, "cpu")
    on_host = TrainingRows(Samples(sparse.csr_array(dense)), codes, None, "cpu")
    assert isinstance(resident.X, torch.Tensor)
    assert isinstance(on_host.X, Samples)
    index = torch.tensor([4, 0])
    torch.testing.assert_close(resident.take(index), on_host.take(index))


def test_rows_larger_than_the_device_stay_on_the_host(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (1000, 2000))
    cuda = torch.device("cuda")
    assert fits_on(cuda, (10, 12)) and not fits_on(cuda, (10, 13))
    assert fits_on(torch.device("cpu"), (10**9, 10**9))
