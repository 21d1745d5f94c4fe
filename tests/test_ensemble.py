"""Networks side by side against the same networks one by one, in float64."""

import numpy as np
import pytest
import torch
from sklearn.base import clone

from sklearn_ladder import LadderClassifier, VirtualAdversary, _defaults
from sklearn_ladder.network import (
    Conv,
    Dense,
    Ladder,
    MaxPool,
    MeanPool,
)
from sklearn_ladder.network._shapes import by_member, not_by_member
from sklearn_ladder.objective._adversary import Adversary
from sklearn_ladder.objective._costs import ladder_costs
from sklearn_ladder.robustness import fast_gradient, virtual_adversarial_cost
from tests.draws import normal

N_MEMBERS, N_LABELED, N_UNLABELED, N_CLASSES = 3, 5, 7, 3
NOISE_STD = 0.3
LAYERS = {
    "dense": [6, 5, 4, N_CLASSES],
    "one feature, one unit": [1, 4, 1, N_CLASSES],
    "convolutional": [
        (2, 6, 6),
        Conv(4, 3),
        MaxPool(2),
        Conv(5, 2, "full"),
        MeanPool(),
        Dense(N_CLASSES),
    ],
    "dense on maps": [(2, 4, 4), Conv(3, 2), Dense(4), Dense(N_CLASSES)],
    "large kernel": [(2, 13, 13), Conv(4, 12), Dense(N_CLASSES)],
}


def networks(layers, n_denoising=N_MEMBERS, **parameters):
    """Some side by side, and the same one by one."""
    parameters = {
        "denoised_layers": range(len(layers)),
        "noise_std": [NOISE_STD] * len(layers),
        **parameters,
    }
    ensemble = Ladder(
        layers, n_members=N_MEMBERS, n_denoising=n_denoising, **parameters
    ).double()
    members = [Ladder(layers, **parameters).double() for _ in range(N_MEMBERS)]
    for place, member in enumerate(members):
        member.load_state_dict(
            {
                name: of_member(ensemble.state_dict()[name], place, value.shape)
                for name, value in member.state_dict().items()
            }
        )
    return ensemble, members


def of_member(tensor, place, shape):
    """A member's part of what is side by side: along the axis that is longer there."""
    for axis, size in enumerate(shape):
        if tensor.shape[axis] != size:
            return tensor.chunk(N_MEMBERS, axis)[place].clone()
    return tensor.clone()  # there is one for all


@pytest.mark.parametrize("combinator", ["gaussian", "mlp"])
@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("n_denoising", [N_MEMBERS, 1])
def test_costs_gradients_and_predictions(kind, combinator, n_denoising):
    layers = LAYERS[kind]
    weights = np.arange(1, 1 + len(layers))
    ensemble, members = networks(
        layers, n_denoising, combinators=[combinator] * len(layers)
    )
    n_features = ensemble.shapes[0].n_units // N_MEMBERS
    x_labeled = normal(N_LABELED, n_features)
    x_unlabeled = normal(N_UNLABELED, n_features, seed=1)
    y, weight = torch.arange(N_LABELED) % N_CLASSES, normal(N_LABELED).abs()
    noise = [
        NOISE_STD
        * normal((N_LABELED + N_UNLABELED) * shape.n_positions, shape.channels)
        for shape in ensemble.shapes
    ]

    def costs_of(network, noise, weights):
        activations = network.training_pass(x_labeled, x_unlabeled, noise)
        return ladder_costs(activations, y, weight, weights)

    costs = costs_of(ensemble, noise, weights)
    (N_MEMBERS * costs["total"]).backward()
    by_member = []
    for place, member in enumerate(members):
        own = [part.chunk(N_MEMBERS, dim=1)[place] for part in noise]
        by_member.append(costs_of(member, own, weights * (place < n_denoising)))
        by_member[-1]["total"].backward()
        for name, parameter in member.named_parameters():
            gradient = ensemble.get_parameter(name).grad
            expected = parameter.grad  # None of a decoder without costs
            torch.testing.assert_close(
                of_member(gradient, place, parameter.shape),
                torch.zeros_like(parameter) if expected is None else expected,
            )
    for name, cost in costs.items():
        with_cost = [own[name] for own in by_member if name in own]
        torch.testing.assert_close(cost, sum(with_cost) / len(with_cost))

    for network in (ensemble, *members):
        network.measure_population([x_unlabeled])
    for method, those in ("forward", members), ("denoise", members[:n_denoising]):
        outputs = [getattr(member, method)(x_labeled) for member in those]
        torch.testing.assert_close(
            getattr(ensemble, method)(x_labeled), sum(outputs) / len(those)
        )
    torch.testing.assert_close(ensemble.hidden(x_labeled), members[0].hidden(x_labeled))


def test_missing_entries_are_imputed_by_each_network():
    ensemble, members = networks(LAYERS["dense"])
    x = normal(20, 6)
    for network in (ensemble, *members):
        network.measure_population([x])
    x[::3, 2] = torch.nan
    outputs = [member(x) for member in members]
    torch.testing.assert_close(ensemble(x), sum(outputs) / N_MEMBERS)


@pytest.mark.parametrize("n_positions", [1, 4])
@pytest.mark.parametrize("n_members", [1, 3])
def test_tables_by_member_and_back(n_positions, n_members):
    rows = normal(5, n_members, n_positions, 2)
    table = rows.transpose(1, 2).reshape(5 * n_positions, n_members * 2)
    lines = by_member(table, n_positions, n_members)
    assert torch.equal(lines, rows.reshape(5 * n_members, n_positions * 2))
    assert torch.equal(not_by_member(lines, n_positions, n_members), table)


@pytest.mark.parametrize("kind", ["dense", "convolutional"])
def test_perturbations_have_full_length_in_each_member(kind):
    n_layers = len(LAYERS[kind])
    size = (0.5, 0.2) + (0.0,) * (n_layers - 2)
    adversary = Adversary(size, as_noise=True)
    ensemble, _ = networks(LAYERS[kind])
    x = normal(N_UNLABELED, ensemble.shapes[0].n_units)
    noise = [
        torch.zeros(N_UNLABELED * shape.n_positions, shape.channels).double()
        for shape in ensemble.shapes
    ]
    generator = torch.Generator().manual_seed(0)
    with_r = adversary.add_noise(ensemble.encoder, x, noise, generator)
    for r, length, shape in zip(with_r, size, ensemble.shapes, strict=True):
        lines = by_member(r, shape.n_positions, N_MEMBERS)
        assert len(lines) == N_UNLABELED * N_MEMBERS
        torch.testing.assert_close(
            lines.norm(dim=1), torch.full((len(lines),), length).double()
        )


@pytest.fixture
def ensemble(blobs):
    X, _, y_few = blobs
    clf = LadderClassifier(
        (8, 4), n_estimators=N_MEMBERS, max_epochs=50, random_state=0
    )
    return clf.fit(X, y_few)


def test_estimator(blobs, ensemble):
    X, y, _ = blobs
    assert ensemble.score(X, y) > 0.9
    np.testing.assert_allclose(ensemble.predict_proba(X).sum(axis=1), 1, rtol=1e-5)
    assert ensemble.transform(X).shape == (60, 4)
    assert len(ensemble.get_feature_names_out()) == 4
    assert np.abs(ensemble.denoise(X) - X).mean() < np.abs(X - X.mean(axis=0)).mean()
    again = clone(ensemble).fit(*blobs[::2])
    assert np.array_equal(again.predict_proba(X), ensemble.predict_proba(X))


def test_mean_has_a_lower_log_loss_than_its_members(digits):
    X, y, y_few = digits
    clf = LadderClassifier(
        (32,), n_estimators=5, class_prior=None, max_epochs=30, random_state=0
    )
    mean = clf.fit(X, y_few).predict_proba(X)
    module = clf.net_.module_
    x = module.scale(torch.as_tensor(X, dtype=torch.float32))
    with torch.no_grad():
        logits = module.encoder(module.for_all(x))
    of_members = logits.softmax(dim=1).unflatten(0, (len(X), 5)).numpy()
    np.testing.assert_allclose(of_members.mean(axis=1), mean, atol=1e-5)

    def log_loss(proba):
        return -np.log(np.maximum(proba[np.arange(len(y)), y], 1e-9)).mean()

    assert of_members.std(axis=1).max() > 0.01  # networks differ
    by_member = [log_loss(of_members[:, place]) for place in range(5)]
    assert log_loss(mean) < np.mean(by_member)


def test_attacks_are_of_the_mean_probability(blobs, ensemble):
    X, y, _ = blobs
    attacked = fast_gradient(ensemble, X, y, eps=1.0, norm="l2")
    assert ensemble.score(attacked, y) < ensemble.score(X, y)
    assert virtual_adversarial_cost(ensemble, X, eps=0.5, random_state=0) > 0


@pytest.mark.parametrize("kind", ["cost-layerwise", "noise-layerwise"])
def test_with_virtual_adversarial_perturbations(blobs, kind):
    X, y, y_few = blobs
    clf = LadderClassifier(
        (8,),
        n_estimators=2,
        virtual_adversarial=VirtualAdversary(kind, size=0.3),
        feature_scaling="scaled",
        max_epochs=40,
        random_state=0,
    )
    assert clf.fit(X, y_few).score(X, y) > 0.9


def test_warm_start_with_another_number_of_networks(blobs, ensemble):
    X, _, y_few = blobs
    ensemble.set_params(warm_start=True, n_estimators=2)
    with pytest.raises(ValueError, match="n_estimators"):
        ensemble.fit(X, y_few)


def test_warm_start_and_partial_fit_keep_the_number_of_networks(blobs):
    X, y, y_few = blobs
    clf = LadderClassifier((8,), max_epochs=5, warm_start=True, random_state=0)
    assert clf.fit(X, y_few).net_.module_.n_members == 5
    assert clf.partial_fit(X, y_few).net_.module_.n_members == 5
    assert clf.fit(np.repeat(X, 20, axis=0), np.repeat(y, 20)) is clf
    assert clf.net_.module_.n_members == 5
    stream = clone(clf).partial_fit(X, y_few, classes=[0, 1])
    assert stream.net_.module_.n_members == 1


def test_with_many_classes_all_members_have_denoising_costs():
    assert [_defaults.n_denoising(n, n_classes=9) for n in (1, 2, 3)] == [1, 1, 2]
    assert [_defaults.n_denoising(n, n_classes=10) for n in (1, 2, 3)] == [1, 2, 3]


@pytest.mark.parametrize("n_members, expected", [(1, 1), (2, 1), (3, 2), (5, 3)])
def test_with_automatic_costs_some_networks_learn_from_labels_alone(
    blobs, n_members, expected
):
    X, _, y_few = blobs
    clf = LadderClassifier((4,), n_estimators=n_members, max_epochs=1, random_state=0)
    module = clf.fit(X, y_few).net_.module_
    assert (module.n_members, module.n_denoising) == (n_members, expected)
    module = clf.set_params(denoising_cost=1.0).fit(X, y_few).net_.module_
    assert module.n_denoising == n_members


def test_networks_without_denoising_costs_impute_as_the_others(blobs):
    X, _, y_few = blobs
    gaps = X.copy()
    gaps[::3, 0] = np.nan
    clf = LadderClassifier(
        (8,), n_estimators=3, feature_scaling="scaled", max_epochs=5, random_state=0
    )
    module = clf.fit(gaps, y_few).net_.module_
    x = module.for_all(module.scale(torch.tensor(gaps, dtype=torch.float32)))
    for reconstruct in (None, module._reconstruct):
        imputed = module.impute(x, reconstruct).unflatten(1, (3, 3))[::3, :, 0]
        torch.testing.assert_close(imputed[:, 2], imputed[:, :2].mean(dim=1))
        assert imputed[:, 0].abs().mean() > 0.01
