"""Weights of length 1: the same network, trained differently."""

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from sklearn_ladder import LadderClassifier
from sklearn_ladder.network import Ladder
from sklearn_ladder.network._convolution import TransposedConvolution
from tests.draws import normal
from tests.test_ensemble import LAYERS


def lengths(way, weight):
    """Of the weights into each output, which is axis 1 of a transposed convolution."""
    if isinstance(way, TransposedConvolution):
        weight = weight.transpose(0, 1)
    return weight.flatten(1).norm(dim=1)


@pytest.mark.parametrize("kind", LAYERS)
def test_length_one_and_nothing_else_changes(kind):
    layers = LAYERS[kind]
    network = Ladder(layers, range(len(layers)), [0.3] * len(layers)).double()
    x = normal(7, network.shapes[0].n_units)
    noise = [normal(7 * s.n_positions, s.channels, seed=1) for s in network.shapes]
    before = network.training_pass(x[:3], x[3:], noise)
    of_classes = network.encoder.layers[-1].projection.weight.clone()
    network.normalize_weights()
    after = network.training_pass(x[:3], x[3:], noise)
    # a tiny variance is not quite taken out, since ε = 1e-10 is added to it
    close = {"rtol": 1e-6, "atol": 1e-6}
    torch.testing.assert_close(after.corrupted.logits, before.corrupted.logits, **close)
    for number, z in after.decoded.z_denoised.items():
        torch.testing.assert_close(z, before.decoded.z_denoised[number], **close)
    assert torch.equal(network.encoder.layers[-1].projection.weight, of_classes)
    maps = [layer.projection for layer in network.encoder.layers[:-1]]
    maps += [layer.way_down for layer in network.decoder.layers.values()]
    learned = [
        way for way in maps if isinstance(getattr(way, "weight", 0), torch.Tensor)
    ]
    assert len(learned) > 1
    for way in learned:
        of_outputs = lengths(way, way.weight.detach())
        torch.testing.assert_close(of_outputs, torch.ones_like(of_outputs))


@pytest.mark.parametrize("kind", ["dense", "convolutional", "large kernel"])
def test_weights_of_each_member_are_normalized_separately(kind):
    layers = LAYERS[kind]
    several = Ladder(layers, range(len(layers)), [0.3] * len(layers), n_members=3)
    several.normalize_weights()
    for layer in several.decoder.layers.values():
        if not hasattr(layer.way_down, "normalize_weight"):
            continue
        for weight in layer.way_down.weight.detach().chunk(3):
            of_outputs = lengths(layer.way_down, weight)
            torch.testing.assert_close(of_outputs, torch.ones_like(of_outputs))


class Lengths(Callback):
    """Notes how long weights of the first layer are before each update."""

    def on_train_begin(self, net, **kwargs):
        self.lengths_ = []

    def on_grad_computed(self, net, **kwargs):
        weight = net.module_.encoder.layers[0].projection.weight
        self.lengths_.append(weight.detach().norm(dim=1).numpy())


@pytest.mark.parametrize("variant", ["full", "supervised"])
def test_estimator_normalizes_before_each_update(blobs, variant):
    X, y, y_few = blobs
    clf = LadderClassifier(
        (8,),
        variant=variant,
        weight_normalization=True,
        feature_scaling="scaled",
        max_epochs=30,
        random_state=1,
        callbacks=[Lengths()],
    ).fit(X, y_few)
    (noted,) = (cb for _, cb in clf.net_.callbacks_ if isinstance(cb, Lengths))
    np.testing.assert_allclose(noted.lengths_, 1.0, rtol=1e-5)
    assert clf.score(X, y) > 0.9
    without = clf.set_params(weight_normalization=False).fit(X, y_few)
    (noted,) = (cb for _, cb in without.net_.callbacks_ if isinstance(cb, Lengths))
    assert np.abs(noted.lengths_[-1] - 1).max() > 0.1
