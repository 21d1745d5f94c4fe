import warnings
from copy import deepcopy
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ladder import LadderClassifier
from sklearn_ladder.architectures import Conv, Dense, MeanPool
from sklearn_ladder.robustness import (
    RobustnessCurveDisplay,
    adversarial_error,
    fast_gradient,
    projected_gradient,
    virtual_adversarial_cost,
)
from sklearn_ladder.robustness._ascent import (
    project,
    steepest_ascent,
    uniform_in_ball,
)

ORDER = {"l1": 1, "l2": 2, "linf": np.inf}
DUAL = {"l1": np.inf, "l2": 2, "linf": 1}
FROM_ROW = partial(projected_gradient, random_start=False)
PIXELS = (0, 16)


@pytest.fixture(scope="module")
def digits_clf():
    """A trained network with feature scaling inside: classifier, X, y."""
    X, y = load_digits(return_X_y=True)
    # one member, as in other libraries' networks
    clf = LadderClassifier((32,), n_estimators=1, max_epochs=3, random_state=0)
    clf.fit(X, y)
    return clf, X[:100], y[:100]


@pytest.fixture(scope="module")
def linear_clf():
    """Two classes, logits linear in X: classifier, X, y, gradient, margins."""
    rng = np.random.RandomState(0)
    y = np.arange(200) % 2
    X = (rng.normal(size=(200, 5)) + y[:, None] * [2, 1, 0.5, 0, -1]).astype(np.float32)
    clf = LadderClassifier(
        architecture=[Dense()],
        variant="supervised",
        feature_scaling=None,
        n_estimators=1,
        linear_share=0,
        max_epochs=30,
        random_state=0,
    ).fit(X, y)
    (layer,) = clf.net_.module_.encoder.layers
    with torch.no_grad():
        # γ (W x − μ) / σ, without what is constant
        weight = layer.gamma[:, None] * layer.projection.weight
        weight = (weight / layer.population.std[:, None]).numpy()
    log_odds = np.diff(np.log(clf.predict_proba(X)), axis=1)[:, 0]
    return clf, X, y, weight[1] - weight[0], np.where(y == 1, log_odds, -log_odds)


def lengths(X_adversarial, X, norm):
    change = np.float64(X_adversarial) - X
    return np.linalg.norm(change.reshape(len(X), -1), ORDER[norm], axis=1)


# ------------------------------------------------------------------- against theory


@pytest.mark.parametrize("attack", [fast_gradient, FROM_ROW])
@pytest.mark.parametrize("norm", ORDER)
def test_error_of_a_linear_model(linear_clf, norm, attack):
    # a change of length ε lowers the margin by at most ε times the dual norm
    clf, X, y, gradient, margin = linear_clf
    reach = np.linalg.norm(gradient, DUAL[norm])
    errors = []
    for eps in [0, 0.2, 0.5, 1]:
        expected = np.mean(margin < eps * reach)
        errors.append(adversarial_error(clf, X, y, eps, norm, attack=attack))
        assert errors[-1] == pytest.approx(expected)
    assert np.all(np.diff(errors) > 0)


@pytest.mark.parametrize("norm", ORDER)
def test_random_start_finds_nearly_as_much(linear_clf, norm):
    clf, X, y, gradient, margin = linear_clf
    attack = partial(projected_gradient, n_steps=50, random_state=0)
    expected = np.mean(margin < 0.5 * np.linalg.norm(gradient, DUAL[norm]))
    error = adversarial_error(clf, X, y, 0.5, norm, attack=attack)
    assert expected - 0.02 <= error <= expected


def test_an_attack_returns_as_many_samples_as_it_gets(linear_clf):
    clf, X, y, *_ = linear_clf
    with pytest.raises(ValueError, match="attack must return as many samples"):
        adversarial_error(clf, X, y, 0.5, attack=lambda clf, X, y, eps, norm: X[:1])


def test_labels_whose_index_is_in_another_order(linear_clf):
    clf, X, y, *_ = linear_clf
    frame, labels = pd.DataFrame(X), pd.Series(y).sample(frac=1, random_state=0)
    for function in (adversarial_error, fast_gradient, projected_gradient):
        with pytest.warns(UserWarning, match="The index of y has the values of that"):
            function(clf, frame, labels, eps=0.1)


def test_gradient_by_differences(digits_clf):
    clf, X, y = digits_clf
    module = deepcopy(clf.net_.module_).double()

    def loss(x):
        with torch.no_grad():
            proba = module(torch.as_tensor(x[None])).numpy()
        return log_loss([y[0]], proba, labels=clf.classes_)

    x = X[0] + 0.3  # between pixel values: at these, the scale has a kink
    gradient = [(loss(x + step) - loss(x - step)) / 2e-5 for step in 1e-5 * np.eye(64)]
    expected = x + gradient / np.linalg.norm(gradient)
    found = fast_gradient(clf, x[None], y[:1], eps=1, norm="l2")
    np.testing.assert_allclose(found[0], expected, atol=1e-4)


@pytest.mark.parametrize("attack", [fast_gradient, FROM_ROW])
def test_attack_on_a_network_that_is_sure(linear_clf, attack):
    # log-losses are 0 in single precision, and so would be their gradients
    clf, X, y, *_ = linear_clf
    sure = deepcopy(clf)
    with torch.no_grad():
        sure.net_.module_.encoder.layers[0].gamma *= 1e4
    assert np.isin(sure.predict_proba(X), [0, 1]).mean() > 0.9
    for norm in ORDER:
        expected = attack(clf, X, y, eps=0.5, norm=norm)
        found = attack(sure, X, y, eps=0.5, norm=norm)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_steepest_ascent_by_hand():
    gradient = torch.tensor([[3.0, -4.0, 0.0], [3e-38, -4e-38, 0.0], [0.0, 0.0, 0.0]])
    for norm, first in {
        "linf": [0.5, -0.5, 0.0],
        "l2": [0.3, -0.4, 0.0],
        "l1": [0.0, -0.5, 0.0],
    }.items():
        step = steepest_ascent(gradient, 0.5, norm)
        expected = torch.tensor([first, first, [0.0, 0.0, 0.0]])
        torch.testing.assert_close(step, expected)


def test_projection_by_hand():
    r = torch.tensor([[3.0, -4.0], [0.3, 0.4], [0.0, 0.0]])
    for norm, first in {
        "linf": [2.0, -2.0],
        "l2": [1.2, -1.6],
        "l1": [6 / 7, -8 / 7],
    }.items():
        projected = project(r, 2.0, norm)
        expected = torch.tensor([first, [0.3, 0.4], [0.0, 0.0]])
        torch.testing.assert_close(projected, expected)
        assert (project(r, 0.0, norm) == 0).all()
        for scale in (1e-30, 1e30):  # whose squares float32 does not have
            far = project(scale * r, scale * 2.0, norm) / scale
            torch.testing.assert_close(far, expected)


@pytest.mark.parametrize("norm, volume", [("l1", 2), ("l2", np.pi), ("linf", 4)])
def test_random_start_is_uniform(norm, volume):
    generator = torch.Generator().manual_seed(0)
    r = uniform_in_ball(torch.zeros(50_000, 2), 1.0, norm, generator).numpy()
    assert lengths(r, np.zeros_like(r), norm).max() <= 1 + 1e-6
    # shares of squares in the middle and near the border
    for centre, half in [((0, 0), 0.25), ((0.4, 0.4), 0.1), ((-0.8, 0), 0.1)]:
        share = np.mean(np.all(abs(r - centre) < half, axis=1))
        assert share == pytest.approx((2 * half) ** 2 / volume, rel=0.15)


@pytest.mark.parametrize("norm", ORDER)
@pytest.mark.parametrize("name", ["fast_gradient", "projected_gradient"])
def test_same_as_the_adversarial_robustness_toolbox(digits_clf, name, norm):
    pytest.importorskip("art")
    from art.attacks.evasion import FastGradientMethod, ProjectedGradientDescentPyTorch
    from art.estimators.classification import PyTorchClassifier

    clf, X, y = digits_clf
    X, module = X.astype(np.float32), clf.net_.module_
    logits = torch.nn.Sequential(module.feature_scaling, module.encoder)
    model = PyTorchClassifier(
        logits,
        torch.nn.CrossEntropyLoss(reduction="sum"),
        input_shape=(64,),
        nb_classes=10,
        device_type="cpu",
    )
    eps = {"l1": 4.0, "l2": 2.0, "linf": 0.5}[norm]
    if name == "fast_gradient":
        theirs = FastGradientMethod(model, ORDER[norm], eps, eps)
        ours = fast_gradient(clf, X, y, eps=eps, norm=norm)
    else:
        theirs = ProjectedGradientDescentPyTorch(
            model, ORDER[norm], eps, eps / 4, max_iter=7, verbose=False
        )
        ours = FROM_ROW(clf, X, y, eps=eps, norm=norm, n_steps=7, step_size=eps / 4)
    np.testing.assert_allclose(ours, theirs.generate(X, y), atol=1e-3)


# ---------------------------------------------------------------------- what comes out


@pytest.mark.parametrize("norm", ORDER)
def test_lengths(digits_clf, norm):
    clf, X, y = digits_clf
    fast = fast_gradient(clf, X, y, eps=0.7, norm=norm)
    assert fast.dtype == np.float32
    np.testing.assert_allclose(lengths(fast, X, norm), 0.7, rtol=1e-5)
    for start in [True, False]:
        parameters = dict(eps=0.7, norm=norm, random_start=start, random_state=0)
        many = projected_gradient(clf, X, y, n_steps=5, **parameters)
        assert lengths(many, X, norm).max() <= 0.7 + 1e-5
        # at the border, where a step of half its radius can lead
        assert lengths(many, X, norm).mean() > 0.6


@pytest.mark.parametrize("attack", [fast_gradient, projected_gradient])
def test_eps_0_changes_nothing(digits_clf, attack):
    clf, X, y = digits_clf
    for norm in ORDER:
        assert np.array_equal(attack(clf, X, y, eps=0, norm=norm), X)
    assert adversarial_error(clf, X, y, 0, attack=attack) == pytest.approx(
        1 - clf.score(X, y)
    )


def test_attacks_raise_the_error(digits_clf):
    clf, X, y = digits_clf
    many_steps = partial(FROM_ROW, n_steps=10)
    for norm, eps in {"l1": 12, "l2": 3, "linf": 0.5}.items():
        plain = adversarial_error(clf, X, y, 0, norm)
        one_step = adversarial_error(clf, X, y, eps, norm)
        assert plain < one_step
        assert one_step < adversarial_error(clf, X, y, eps, norm, attack=many_steps)


def test_labels_that_are_attacked(digits_clf):
    clf, X, _ = digits_clf
    attack = partial(fast_gradient, clf, X, eps=1)
    predicted = clf.predict(X)
    other = (predicted + 1) % 10
    assert np.array_equal(attack(), attack(predicted))
    assert np.array_equal(attack(np.full(100, -1)), attack(predicted))
    assert not np.array_equal(attack(other), attack(predicted))
    # by row: the given label where there is one
    some = np.where(np.arange(100) < 50, other, -1)
    mixed = np.where(np.arange(100)[:, None] < 50, attack(other), attack(predicted))
    np.testing.assert_allclose(attack(some), mixed, atol=1e-6)


def test_error_is_of_labeled_rows(digits_clf):
    clf, X, y = digits_clf
    some = y.copy()
    some[::3] = -1
    rest = some != -1
    expected = 1 - clf.score(fast_gradient(clf, X[rest], y[rest], eps=1), y[rest])
    assert 0.1 < expected < 1
    assert adversarial_error(clf, X, some, 1) == pytest.approx(expected)
    missing = pd.Series(some).replace(-1, None).astype("Int64")
    assert adversarial_error(clf, X, missing, 1) == pytest.approx(expected)
    with pytest.raises(ValueError, match="all unlabeled"):
        adversarial_error(clf, X, np.full(100, -1), 1)


def test_clip(digits_clf):
    clf, X, y = digits_clf
    free = fast_gradient(clf, X, y, eps=2)
    clipped = fast_gradient(clf, X, y, eps=2, clip=PIXELS)
    assert free.min() < 0
    assert np.array_equal(clipped, free.clip(*PIXELS))
    many = projected_gradient(clf, X, y, eps=2, clip=PIXELS, n_steps=3)
    assert many.min() == 0
    assert many.max() == 16
    for wrong in [(0, 1), (16, 0), (0,), (np.nan, 16)]:
        with pytest.raises(ValueError, match=r"clip must .*, and values from 0 to 16"):
            fast_gradient(clf, X, y, eps=2, clip=wrong)


# ------------------------------------------------------------------------ kinds of rows


@pytest.mark.parametrize(
    "make", [sparse.csr_array, sparse.coo_matrix, np.ndarray.tolist]
)
def test_kinds_of_rows(digits_clf, make):
    clf, X, y = digits_clf
    expected = fast_gradient(clf, X, y, eps=1)
    np.testing.assert_allclose(fast_gradient(clf, make(X), y, eps=1), expected)
    assert adversarial_error(clf, make(X), y, 1) == adversarial_error(clf, X, y, 1)
    costs = [
        virtual_adversarial_cost(clf, rows, eps=1, random_state=0)
        for rows in (X, make(X))
    ]
    assert costs[0] == pytest.approx(costs[1])


def test_frames_and_strings(linear_clf):
    _, X, y, *_ = linear_clf
    frame, answer = pd.DataFrame(X, columns=list("abcde")), np.array(["no", "yes"])[y]
    clf = LadderClassifier((4,), max_epochs=3, random_state=0).fit(frame, answer)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of feature names
        rows = fast_gradient(clf, frame, answer, eps=0.5)
        error = adversarial_error(clf, frame, answer, 0.5)
        # an attack may return what `X` may be
        unchanged = adversarial_error(
            clf, frame, answer, 0.5, attack=lambda clf, X, y, eps, norm: X
        )
    assert unchanged == pytest.approx(1 - clf.score(frame, answer))
    assert error == pytest.approx(1 - clf.score(frame * 0 + rows, answer))


def test_images():
    X, y = load_digits(return_X_y=True)
    X = X.reshape(-1, 1, 8, 8)[:200] / 16
    layers = [Conv(4, 3, "same"), MeanPool(), Dense()]
    clf = LadderClassifier(
        architecture=layers, variant="gamma", max_epochs=3, random_state=0
    ).fit(X, y[:200])
    X, y = X[:40], y[:40]
    for attack in [fast_gradient, partial(projected_gradient, random_state=0)]:
        images = attack(clf, X, y, eps=0.3, norm="l2")
        assert images.shape == X.shape
        assert lengths(images, X, "l2").max() == pytest.approx(0.3, rel=1e-4)
        flat = attack(clf, X.reshape(40, 64), y, eps=0.3, norm="l2")
        np.testing.assert_allclose(images.reshape(40, 64), flat)
    assert adversarial_error(clf, X, y, 0.3) > 1 - clf.score(X, y)
    assert virtual_adversarial_cost(clf, X, eps=1) > 0


def test_parts_make_no_difference(digits_clf, monkeypatch):
    clf, X, y = digits_clf
    some = np.where(np.arange(100) % 3, y, -1)
    # converged, and so small that a direction and its opposite are the same
    cost = partial(virtual_adversarial_cost, clf, X, eps=0.05, n_power_iterations=40)

    def results():
        return (
            fast_gradient(clf, X, some, eps=1, norm="l2"),
            adversarial_error(clf, X, some, 1),
            cost(random_state=0),
        )

    rows, error, smoothness = results()
    monkeypatch.setattr(
        "sklearn_ladder.robustness._attacks.chunk_size", lambda width: 7
    )
    rows_by_part, error_by_part, smoothness_by_part = results()
    np.testing.assert_allclose(rows_by_part, rows, atol=1e-5)
    assert error_by_part == error
    assert smoothness_by_part == pytest.approx(smoothness, rel=0.05)


def test_nothing_else_changes(digits_clf):
    clf, X, y = digits_clf
    module, rows = clf.net_.module_, X.copy()
    before = deepcopy(module.state_dict())
    for parameter in module.parameters():
        parameter.grad = None
    numpy_state, torch_state = np.random.get_state()[1].copy(), torch.get_rng_state()
    with torch.no_grad():
        projected_gradient(clf, X, y, eps=1, n_steps=2)
        adversarial_error(clf, X, y, 1)
        virtual_adversarial_cost(clf, X, eps=1)
    assert np.array_equal(np.random.get_state()[1], numpy_state)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert np.array_equal(X, rows)
    assert all(parameter.grad is None for parameter in module.parameters())
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name])


def test_random_state(digits_clf):
    clf, X, y = digits_clf
    attack = partial(projected_gradient, clf, X, y, eps=1, n_steps=1, step_size=0.1)
    cost = partial(virtual_adversarial_cost, clf, X, eps=1, n_power_iterations=1)
    for function in (attack, cost):
        first = function(random_state=0)
        assert np.array_equal(first, function(random_state=0))
        assert np.array_equal(first, function(random_state=np.random.RandomState(0)))
        assert not np.array_equal(first, function(random_state=1))
        assert not np.array_equal(function(), function())


# ----------------------------------------------------------- virtual adversarial cost


def test_virtual_adversarial_cost_of_a_linear_model(linear_clf):
    # with two classes there is one direction in which anything changes
    clf, X, _, gradient, _ = linear_clf
    for row in X[:20]:
        log_odds = np.diff(np.log(clf.predict_proba(row[None]).astype(float)))[0, 0]
        shift = 0.5 * np.linalg.norm(gradient)
        expected = [
            kl_of_log_odds(log_odds, log_odds + sign * shift) for sign in (1, -1)
        ]
        cost = virtual_adversarial_cost(
            clf, row[None], eps=0.5, n_power_iterations=1, random_state=0
        )
        assert np.isclose(cost, expected, rtol=1e-3, atol=1e-7).any()


def kl_of_log_odds(a, b):
    p, q = 1 / (1 + np.exp(-a)), 1 / (1 + np.exp(-b))
    return p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))


def test_virtual_adversarial_cost_exceeds_that_of_random_changes(digits_clf):
    clf, X, _ = digits_clf
    cost = partial(virtual_adversarial_cost, clf, X, random_state=0)
    assert cost(eps=0) == 0
    assert 0 < cost(eps=0.5) < cost(eps=1)
    change = np.random.RandomState(0).normal(size=X.shape)
    change /= np.linalg.norm(change, axis=1, keepdims=True)
    p, q = clf.predict_proba(X), clf.predict_proba(X + change)
    of_random = np.mean(np.sum(p * np.log(p / q), axis=1))
    assert cost(eps=1) > 2 * of_random


def test_virtual_adversarial_cost_in_other_units(linear_clf):
    _, X, y, *_ = linear_clf
    costs = [
        virtual_adversarial_cost(
            LadderClassifier((8,), max_epochs=3, random_state=0).fit(unit * X, y),
            unit * X,
            eps=unit * 0.5,
            random_state=0,
        )
        for unit in (1.0, 2.0**20)
    ]
    assert costs[0] == pytest.approx(costs[1], rel=1e-3)


# ------------------------------------------------------------------------------ display


def test_curve(linear_clf):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    clf, X, y, *_ = linear_clf
    eps = [0, 0.5, 1]
    display = RobustnessCurveDisplay.from_estimator(
        clf, X, y, eps=eps, norm="l2", color="red"
    )
    expected = [adversarial_error(clf, X, y, e, "l2") for e in eps]
    np.testing.assert_allclose(display.error, expected)
    np.testing.assert_allclose(display.line_.get_xydata(), np.c_[eps, expected])
    assert display.line_.get_color() == "red"
    assert display.ax_.get_xlabel() == "ε (L2)"
    assert display.ax_.get_legend().get_texts()[0].get_text() == "LadderClassifier"
    assert display.figure_ is display.ax_.figure

    _, ax = pyplot.subplots()
    attack = partial(projected_gradient, n_steps=2, random_state=0)
    other = RobustnessCurveDisplay.from_estimator(
        clf, X, y, eps=eps, attack=attack, ax=ax, name="two steps"
    )
    assert other.ax_ is ax
    assert other.line_.get_label() == "two steps"
    assert display.plot(ax, name="again").ax_ is ax
    assert len(ax.lines) == 2
    plain = RobustnessCurveDisplay(eps=eps, error=expected).plot()
    assert plain.ax_.get_legend() is None
    pyplot.close("all")


# ------------------------------------------------------------------------------- errors

FUNCTIONS = [
    partial(fast_gradient, eps=1),
    partial(projected_gradient, eps=1),
    partial(virtual_adversarial_cost, eps=1),
    lambda clf, X: adversarial_error(clf, X, np.zeros(len(X), int), 1),
]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_cannot_be_attacked(digits_clf, function):
    clf, X, _ = digits_clf
    pipeline = make_pipeline(StandardScaler().fit(X), clf)
    with pytest.raises(TypeError, match=r"got Pipeline\. .*clf\[:-1\]\.transform"):
        function(pipeline, X)
    assert np.any(function(pipeline[-1], pipeline[:-1].transform(X)))
    with pytest.raises(TypeError, match=r"got LogisticRegression\."):
        function(LogisticRegression(), X)
    with pytest.raises(NotFittedError):
        function(LadderClassifier(), X)
    gap = X.copy()
    gap[3, 5] = np.nan
    with pytest.raises(ValueError, match=r"X must not have missing .* got 1 "):
        function(clf, gap)
    with pytest.raises(ValueError, match="63 features"):
        function(clf, X[:, 1:])


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"eps": -1}, "'eps' parameter"),
        ({"eps": np.nan}, "'eps' parameter"),
        ({"eps": 1, "norm": "l3"}, "'norm' parameter"),
        ({"eps": 1, "n_steps": 0}, "'n_steps' parameter"),
        ({"eps": 1, "step_size": -1}, "'step_size' parameter"),
        ({"eps": 1, "clip": 3}, "'clip' parameter"),
        ({"eps": 1, "y": [0]}, "inconsistent numbers"),
        ({"eps": 1, "y": [11] * 100}, "labels of .* only; got"),
    ],
)
def test_bad_arguments(digits_clf, parameters, message):
    clf, X, _ = digits_clf
    with pytest.raises(ValueError, match=message):
        projected_gradient(clf, X, **parameters)


def test_attack_must_be_callable(digits_clf):
    with pytest.raises(ValueError, match="'attack' parameter"):
        adversarial_error(*digits_clf, 1, attack="fast")


def test_values_that_float32_cannot_hold():
    """A feature such as seconds since 1970 is moved by what was asked, no more."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(120, 3))
    y = (X[:, 0] > 0).astype(int)
    far = X + np.array([1e9, 0, 0])
    clf = LadderClassifier((8,), max_epochs=10, n_estimators=1, random_state=0)
    clf.fit(far, y)
    assert clf.plan_.input_dtype == "float64"
    np.testing.assert_array_equal(fast_gradient(clf, far, eps=0), far)
    moved = fast_gradient(clf, far, eps=0.3) - far
    np.testing.assert_allclose(np.abs(moved), 0.3, atol=2e-7)
    assert adversarial_error(clf, far, y, 0) == pytest.approx(1 - clf.score(far, y))


def test_an_attack_of_ones_own(fitted_blobs):
    clf, X, y = fitted_blobs
    own = partial(adversarial_error, clf, X, eps=0.1)

    def nothing(clf, X, y, eps, norm):
        return X

    def undefined(clf, X, y, eps, norm):
        return X * np.nan

    assert own(y, attack=nothing) == pytest.approx(1 - clf.score(X, y))
    with pytest.raises(ValueError, match="that attack returns must have no NaN"):
        own(y, attack=undefined)
    with pytest.raises(ValueError, match="y must have labels of"):
        own(y + 7, attack=nothing)


@pytest.fixture
def fitted_blobs(blobs):
    X, y, y_few = blobs
    return LadderClassifier((8,), max_epochs=5, random_state=0).fit(X, y_few), X, y
