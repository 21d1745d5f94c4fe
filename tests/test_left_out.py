import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from benchmarks._left_out import (
    ClassLayerCostDropout,
    CostWarmUp,
    LearningRateWarmUp,
    NoiseLater,
    StatisticsOfAllRows,
    WeightAverage,
)
from sklearn_ladder import LadderClassifier


def fit(blobs, callbacks):
    X, _, y_few = blobs
    clf = LadderClassifier(
        (4,), denoising_cost=1.0, max_epochs=10, batch_size=20, callbacks=callbacks
    )
    return clf.set_params(random_state=0).fit(X, y_few)


@pytest.mark.parametrize(
    "nothing, something",
    [
        (WeightAverage(rate=1), WeightAverage(rate=0.1)),
        (CostWarmUp(part=1e-9), CostWarmUp(part=0.5)),
        (LearningRateWarmUp(part=1e-9), LearningRateWarmUp(part=0.5)),
        (NoiseLater(part=1e-9), NoiseLater(part=0.5)),
    ],
    ids=lambda callback: type(callback).__name__,
)
def test_what_changes_nothing_is_as_without_it(blobs, nothing, something):
    X = blobs[0]
    plain, same, other = (fit(blobs, c) for c in ([], [nothing], [something]))
    np.testing.assert_array_equal(same.predict_proba(X), plain.predict_proba(X))
    assert np.abs(other.predict_proba(X) - plain.predict_proba(X)).max() > 1e-3


def test_statistics_of_all_rows(blobs):
    X = torch.tensor(blobs[0], dtype=torch.float32)
    module = fit(blobs, [StatisticsOfAllRows()]).net_.module_
    statistics = module.encoder.layers[0].population.statistics
    module.measure_population([module.scale(X)])
    of_all = module.encoder.layers[0].population.statistics
    torch.testing.assert_close(statistics, of_all)
    labeled_alone = fit(blobs, []).net_.module_.encoder.layers[0].population.mean
    assert not torch.allclose(labeled_alone, of_all.mean, atol=1e-3)


def test_the_class_layer_has_its_cost_in_some_updates(blobs):
    callback = fit(blobs, [("dropout", ClassLayerCostDropout())]).net_.callbacks_
    drawn = [dict(callback)["dropout"].changed([1.0, 2.0]) for _ in range(20)]
    assert {tuple(costs) for costs in drawn} == {(1.0, 0.0), (1.0, 2.0)}


def test_noise_comes_later_and_then_stays(blobs):
    noise = []

    class Watch(Callback):
        def on_batch_begin(self, net, **kwargs):
            noise.append(net.module_.noise_std[0])

    clf = fit(blobs, [("later", NoiseLater(part=0.5)), ("watch", Watch())])
    half = len(noise) // 2
    assert noise == [0.0] * (half - 1) + [0.3] * (len(noise) - half + 1)
    assert clf.net_.module_.noise_std[0] == 0.3


def test_the_rate_rises_and_then_is_as_it_would_be(blobs):
    rates = []

    class Watch(Callback):
        def on_batch_begin(self, net, **kwargs):
            rates.append(net.optimizer_.param_groups[0]["lr"])

    n_batches = 10 * -(-len(blobs[0]) // 20)
    fit(blobs, [("warm up", LearningRateWarmUp(part=0.2)), ("watch", Watch())])
    rising = round(0.2 * n_batches)
    np.testing.assert_allclose(rates[:3], max(rates) * np.arange(1, 4) / rising)
    assert rates[rising - 1] == max(rates) == LadderClassifier().learning_rate
