import io
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.metrics import balanced_accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback, EarlyStopping

from sklearn_ladder import LadderClassifier, VirtualAdversary, _defaults, _version
from sklearn_ladder._random import spawn_seeds
from sklearn_ladder.architectures import Conv, Dense, MaxPool, MeanPool
from sklearn_ladder.data._splits import hold_out
from sklearn_ladder.data._training_data import encode_training_data
from sklearn_ladder.network._combinators import GaussianCombinator, MLPCombinator
from sklearn_ladder.objective._costs import ladder_costs


def small(**parameters):
    """A classifier that takes a fraction of a second to fit."""
    defaults = dict(
        hidden_layer_sizes=(8, 6),
        max_epochs=20,
        batch_size=20,
        learning_rate=0.02,
        n_estimators=1,
        # after so few updates probabilities tell little of shares
        class_prior=None,
    )
    return LadderClassifier(**(defaults | {"random_state": 0} | parameters))


# ------------------------------------------------------------------ it learns


@pytest.mark.parametrize("variant", ["full", "gamma", "bottom", "supervised"])
@pytest.mark.slow
def test_variants_learn(blobs, variant):
    X, y, y_few = blobs
    clf = small(variant=variant).fit(X, y_few)
    assert clf.score(X, y) > 0.9


@pytest.mark.parametrize("variant", ["full", "gamma", "bottom"])
@pytest.mark.slow
def test_mlp_combinators_learn(blobs, variant):
    X, y, y_few = blobs
    clf = small(variant=variant, combinator="mlp", max_epochs=60).fit(X, y_few)
    assert clf.score(X, y) > 0.9
    denoising = clf.history_[f"denoising_{3 if variant == 'gamma' else 0}_cost"]
    assert denoising[-1] < denoising[0]


def test_combinators_by_layer(blobs):
    """Those of layers below all costs, here the input, are not used."""
    X, _, y_few = blobs
    proba = []
    for combinator in (
        ["gaussian", "mlp", "gaussian", "mlp"],
        np.array(["mlp", "mlp", "gaussian", "mlp"]),
    ):
        clf = small(combinator=combinator, denoising_cost=[0, 1, 1, 1]).fit(X, y_few)
        layers = clf.net_.module_.decoder.layers
        assert {number: type(layer.combinator) for number, layer in layers.items()} == {
            "3": MLPCombinator,
            "2": GaussianCombinator,
            "1": MLPCombinator,
        }
        proba.append(clf.predict_proba(X))
    np.testing.assert_array_equal(*proba)


def test_combinators_of_channels():
    """Coefficients of convolutional layers are shared by the sites of a map."""
    X = np.random.RandomState(0).normal(size=(40, 2, 4, 4))
    y = (X.mean(axis=(1, 2, 3)) > 0).astype(int)
    clf = small(
        architecture=[Conv(3, 3), Conv(None, 2), MeanPool()],
        combinator=["mlp", "mlp", "gaussian", "mlp"],
    ).fit(X, y)
    shapes = [
        [tuple(parameter.shape) for parameter in layer.combinator.parameters()]
        for layer in clf.net_.module_.decoder.layers.values()  # from the class layer
    ]
    assert shapes == [
        [(4, 3, 2), (1, 4, 2), (4, 2), (1, 2)],
        [(10, 2)],
        [(4, 3, 3), (1, 4, 3), (4, 3), (1, 3)],
        [(4, 3, 2), (1, 4, 2), (4, 2), (1, 2)],
    ]
    assert clf.denoise(X).shape == X.shape


@pytest.mark.slow
def test_batches_of_equal_rows_do_no_harm():
    """As of rare flags: units without variance have denoising costs as others do."""
    rng = np.random.RandomState(2)
    X = (rng.uniform(size=(2000, 6)) < 0.006).astype(float)  # 97 % of the rows are 0
    y = X.any(axis=1)
    y_few = np.full(len(y), -1)
    for label in (False, True):
        y_few[rng.choice(np.flatnonzero(y == label), 20, replace=False)] = label
    clf = LadderClassifier(
        (16,), n_estimators=1, linear_share=0, max_epochs=15, random_state=0
    )
    clf.fit(X, y_few)
    assert max(clf.history_["train_loss"]) < 5
    assert balanced_accuracy_score(y, clf.predict(X)) > 0.99


def test_unlabeled_rows_help(digits):
    X, y, y_few = digits
    full, supervised = (
        LadderClassifier(
            (64, 32), variant=variant, n_estimators=1, max_epochs=30, random_state=0
        )
        .fit(X, y_few)
        .score(X, y)
        for variant in ("full", "supervised")
    )
    assert full > supervised + 0.03


@pytest.mark.parametrize("n_labeled", [2, 9, 20, 27, 60])
def test_any_number_of_labels_against_the_batch_size(blobs, n_labeled):
    X, y, _ = blobs
    y_few = np.where(np.arange(60) < n_labeled, y, -1)
    clf = small(batch_size=20).fit(X, y_few)
    assert np.isfinite(clf.predict_proba(X)).all()
    np.testing.assert_array_equal(clf.transduction_[:n_labeled], y[:n_labeled])


def test_last_batch_of_one_row(blobs):
    X, _, y_few = blobs
    clf = small(batch_size=59).fit(X, y_few)
    assert np.isfinite(clf.history_["train_loss"]).all()
    assert clf.predict_proba(X[:1]).shape == (1, 2)


def test_one_feature(blobs):
    X, y, y_few = blobs
    assert small().fit(X[:, :1], y_few).score(X[:, :1], y) > 0.8


def test_no_hidden_layer(blobs):
    X, y, y_few = blobs
    clf = small(hidden_layer_sizes=()).fit(X, y_few)
    assert clf.score(X, y) > 0.9
    assert clf.transform(X).shape == (60, 3 * 6)  # layer 0: the bins of its features


# --------------------------------------------------- in scikit-learn's company


@pytest.mark.slow
def test_pipeline_and_search_choose_a_sensible_model():
    X, y = load_iris(return_X_y=True)
    y_few = np.where(np.arange(150) % 5 == 0, y, -1)
    search = GridSearchCV(
        make_pipeline(
            StandardScaler(), small(hidden_layer_sizes=(20, 10), max_epochs=15)
        ),
        {"ladderclassifier__learning_rate": [1e-6, 0.01]},
        cv=StratifiedKFold(3, shuffle=True, random_state=0),
    ).fit(X, y_few)
    assert search.best_params_ == {"ladderclassifier__learning_rate": 0.01}
    assert search.score(X, y) > 0.85


def test_score_ignores_unlabeled_rows(blobs):
    X, y, y_few = blobs
    clf = small(max_epochs=1).fit(X, y_few)
    labeled = y_few != -1
    assert clf.score(X, y_few) == clf.score(X[labeled], y[labeled])
    weight = np.linspace(0, 1, 60)
    assert clf.score(X, y_few, weight) == clf.score(
        X[labeled], y[labeled], weight[labeled]
    )
    with pytest.raises(ValueError, match="got 60 samples, all unlabeled"):
        clf.score(X, np.full(60, -1))
    with pytest.raises(ValueError, match="Input sample_weight contains NaN"):
        clf.score(X, y_few, np.full(60, np.nan))


@pytest.mark.parametrize("make", [sparse.coo_array, sparse.csr_matrix, list])
def test_score_of_any_rows(blobs, make):
    X, _, y_few = blobs
    clf = small(max_epochs=1).fit(X, y_few)
    assert clf.score(make(X), y_few) == clf.score(X, y_few)


def test_labels_come_back_in_their_own_dtype(blobs):
    X, _, y_few = blobs
    names = pd.Series(y_few).map({0: "no", 1: "yes"})  # missing where unlabeled
    clf = small().fit(X, names)
    assert set(clf.predict(X)) <= {"no", "yes"}
    assert set(clf.transduction_) <= {"no", "yes"}
    assert clf.score(X, names) > 0.8


def test_frames_keep_their_names(blobs):
    X, _, y_few = blobs
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    clf = small().fit(frame, y_few).set_output(transform="pandas")
    assert clf.feature_names_in_.tolist() == ["a", "b", "c"]
    hidden = clf.transform(frame)
    assert hidden.shape == (60, 6)
    assert hidden.columns[0] == "ladderclassifier0"
    with pytest.raises(ValueError, match="feature names"):
        clf.predict(frame[["b", "a", "c"]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        clf.partial_fit(X, y_few)
    assert clf.feature_names_in_.tolist() == ["a", "b", "c"]


class Unwanted(Callback):
    """Fails when training begins."""

    def on_train_begin(self, net, **kwargs):
        raise AssertionError


def test_names_that_are_not_all_strings_are_noticed_before_training(blobs):
    X, _, y_few = blobs
    frame = pd.DataFrame(X, columns=["a", 1, "c"])
    clf = small(callbacks=[Unwanted()])
    with pytest.raises(TypeError, match="feature names"):
        clf.fit(frame, y_few)
    with pytest.raises(TypeError, match="feature names"):
        clf.partial_fit(frame, y_few, classes=[0, 1])


def test_html_shows_parameters_and_whether_it_is_fitted(blobs):
    X, _, y_few = blobs
    clf = small(noise_std=0.123)
    assert "0.123" in clf._repr_html_() and "Not fitted" in clf._repr_html_()
    assert "Not fitted" not in clf.fit(X, y_few)._repr_html_()


def test_same_seed_same_result_and_global_generators_untouched(blobs):
    X, _, y_few = blobs
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()
    first, second = (small().fit(X, y_few).predict_proba(X) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(
        first, small(random_state=1).fit(X, y_few).predict_proba(X)
    )
    small(random_state=None).fit(X, y_few)
    torch.testing.assert_close(torch.get_rng_state(), torch_state)
    np.testing.assert_equal(np.random.get_state(), numpy_state)


def test_order_of_rows_in_a_prediction_does_not_matter(blobs):
    X, _, y_few = blobs
    clf = small().fit(X, y_few)
    rows = np.concatenate([clf.predict_proba(X[i : i + 1]) for i in range(60)])
    np.testing.assert_array_equal(rows, clf.predict_proba(X))


def test_pickle(blobs):
    X, _, y_few = blobs
    clf = small(callbacks=[]).fit(X, y_few)
    again = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))
    assert again.device_ == clf.device_


@pytest.mark.parametrize("version", ["0.0.0", None])
def test_pickle_of_another_version_warns(blobs, version):
    X, _, y_few = blobs
    clf = small(max_epochs=1).fit(X, y_few)
    state = clf.__getstate__()
    assert state["_sklearn_ladder_version"] == _version.__version__
    del state["_sklearn_ladder_version"]
    if version is not None:
        state["_sklearn_ladder_version"] = version
    again = LadderClassifier.__new__(LadderClassifier)
    with pytest.warns(UserWarning, match=version or "an older version"):
        again.__setstate__(state)
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))
    assert not hasattr(again, "_sklearn_ladder_version")


def test_pickle_of_this_version_does_not_warn(blobs):
    X, _, y_few = blobs
    clf = small(max_epochs=1).fit(X, y_few)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pickle.loads(pickle.dumps(clf))
        clone(clf)


def test_nothing_saved_holds_tensors(blobs):
    """Else a model trained on CUDA could not be loaded on a machine without."""
    X, _, y_few = blobs
    clf = small().partial_fit(X, y_few, classes=[0, 1])
    assert clf.net_.optimizer_.state
    kept = []

    class Pickler(pickle._Pickler):
        def save(self, obj, **kwargs):
            if isinstance(obj, torch.Tensor | torch.Generator | torch.nn.Module):
                kept.append(type(obj))
            super().save(obj, **kwargs)

    Pickler(io.BytesIO()).dump(clf)
    assert kept == []


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_agrees_with_cpu(blobs):
    X, y, y_few = blobs
    clf = small(device="cuda").fit(X, y_few)
    assert clf.device_.startswith("cuda")
    assert clf.score(X, y) > 0.9
    assert pickle.loads(pickle.dumps(clf)).score(X, y) == clf.score(X, y)


# ------------------------------------------------------------------- parameters


def test_sample_weight_is_free_of_scale_and_can_silence_rows(blobs):
    X, _, y_few = blobs
    plain = small().fit(X, y_few).predict_proba(X)
    scaled = small().fit(X, y_few, sample_weight=np.full(60, 7.0)).predict_proba(X)
    np.testing.assert_allclose(scaled, plain, rtol=1e-3, atol=1e-4)
    wrong = y_few.copy()
    wrong[:4] = 1 - wrong[:4]
    weight = np.ones(60)
    weight[:4] = 0
    true_y = np.arange(60) % 2
    silenced = small().fit(X, wrong, sample_weight=weight)
    assert silenced.score(X, true_y) > small().fit(X, wrong).score(X, true_y)


def test_weights_that_are_all_one_are_none(blobs):
    X, _, y_few = blobs
    plain = small(class_prior="auto").fit(X, y_few)
    for weight, of_classes in ((np.full(60, 0.3), None), (None, {0: 1, 1: 1})):
        weighted = small(class_weight=of_classes).fit(X, y_few, sample_weight=weight)
        np.testing.assert_array_equal(
            weighted.predict_proba(X), small().fit(X, y_few).predict_proba(X)
        )
    weighted = clone(plain).fit(X, y_few, sample_weight=np.ones(60))
    np.testing.assert_array_equal(weighted.class_prior_, plain.class_prior_)


def test_the_supervised_variant_learns_nothing_from_a_part_without_labels(blobs):
    X, y, _ = blobs
    clf = small(variant="supervised").partial_fit(X, y, [0, 1])

    def weights():
        return [weight.clone() for weight in clf.net_.module_.parameters()]

    before = weights()
    clf.partial_fit(X, np.full(60, -1))
    assert all(map(torch.equal, weights(), before))


@pytest.mark.slow
def test_sample_weights_compare_between_calls_of_partial_fit(blobs):
    X, y, _ = blobs
    wrong = (X, 1 - y, [0, 1])

    def score(weight):
        clf = small(learning_rate=0.01)
        for _ in range(30):
            clf.partial_fit(X, y, classes=[0, 1])
            clf.partial_fit(*wrong, sample_weight=np.full(60, weight))
        return clf.score(X, y)

    assert score(1e-6) > 0.9 > 0.1 > score(10.0)


def test_rows_of_weight_0_do_not_tell_when_to_stop(blobs):
    X, y, _ = blobs
    wrong = np.where(np.arange(60) % 3 == 0, 1 - y, y)
    weight = np.where(np.arange(60) % 3 == 0, 0.0, 1.0)
    clf = small(early_stopping=True, validation_fraction=0.3, max_epochs=60)
    clf.fit(X, wrong, sample_weight=weight)
    assert clf.history_["valid_loss"].min() < 0.2
    assert clf.score(X, y) > 0.9


def test_labels_of_weight_0_are_none(blobs):
    X, y, y_few = blobs
    masked = small(class_prior="auto").fit(X, y_few)
    weight = (y_few != -1).astype(float)
    weighted = clone(masked).fit(X, y, sample_weight=weight)
    assert weighted.plan_.labeled_share == masked.plan_.labeled_share
    assert weighted.plan_.n_updates == masked.plan_.n_updates
    assert weighted.linear_share_ == masked.linear_share_
    np.testing.assert_array_equal(weighted.class_prior_, masked.class_prior_)
    np.testing.assert_array_equal(weighted.transduction_, y)  # as given
    np.testing.assert_array_equal(weighted.predict_proba(X), masked.predict_proba(X))
    # a class without a weight above 0
    for parameters in ({"class_weight": {0: 0, 1: 1}}, {}):
        alone = None if parameters else (y == 1).astype(float)
        clf = small(**parameters).fit(X, y, sample_weight=alone)
        assert (clf.predict(X) == 1).all()
    stream = small().partial_fit(X, y, [0, 1], sample_weight=weight)
    expected = small().partial_fit(X, y_few, [0, 1], sample_weight=weight)
    np.testing.assert_array_equal(stream.predict_proba(X), expected.predict_proba(X))


class Watch(Callback):
    """Keep which samples are held out."""

    def on_train_begin(self, net, **kwargs):
        self.held_out = net.training_data_.held_out


def test_weights_of_held_out_labels_tell_when_to_stop(blobs, monkeypatch):
    X, y, _ = blobs
    is_wrong = np.arange(60) % 3 == 0
    wrong = np.where(is_wrong, 1 - y, y)
    losses = {}
    for weight in (1e-9, 1e-3, 1.0):
        clf = small(early_stopping=True, validation_fraction=0.5, max_epochs=60)
        clf.fit(X, wrong, sample_weight=np.where(is_wrong, weight, 1.0))
        losses[weight] = clf.history_["valid_loss"].min()
    assert losses[1e-9] < 0.2 and losses[1e-3] < 0.3
    assert losses[1.0] > 0.5
    # of the whole, whatever the batches are
    monkeypatch.setattr("sklearn_ladder.training._build.chunk_size", lambda width: 7)
    weight = np.where(is_wrong, 0.25, 1.0)
    clf = small(early_stopping=True, validation_fraction=0.5, max_epochs=1)
    clf.set_params(linear_share=0)  # it is fitted after training
    clf.set_params(callbacks=[Watch()]).fit(X, wrong, sample_weight=weight)
    held_out = dict(clf.net_.callbacks_)["Watch"].held_out
    chosen = clf.predict_proba(X[held_out])[np.arange(30), wrong[held_out]]
    expected = np.average(-np.log(chosen), weights=weight[held_out])
    assert clf.net_.history[-1, "valid_batch_count"] == 5
    assert clf.history_["valid_loss"][0] == pytest.approx(expected, abs=1e-5)


def test_labels_by_class_where_classes_are_not_balanced():
    # 95 % of the rows in one class, labels drawn by class; the others lie far away
    rng = np.random.RandomState(0)
    y = (rng.uniform(size=1000) < 0.05).astype(int)
    X = rng.normal(size=(1000, 5)) + 2.5 * y[:, None]
    y_few = np.full(1000, -1)
    for label in (0, 1):
        y_few[np.flatnonzero(y == label)[:10]] = label
    # by the statistics of all rows, prediction would get 0.73 right
    assert small(batch_size=100).fit(X, y_few).score(X, y) > 0.95


def test_the_supervised_variant_does_not_look_at_unlabeled_rows(blobs):
    X, _, y_few = blobs
    labeled = y_few != -1
    other = np.where(labeled[:, None], X, 100 * X)
    few = [
        small(variant="supervised", feature_scaling=None, batch_size=60)
        .fit(rows, y_few)
        .predict_proba(X)
        for rows in (X, other)
    ]
    np.testing.assert_array_equal(*few)


@pytest.mark.parametrize(
    "kind, variant, costs",
    [
        ("cost", "full", ["virtual_adversarial_0_cost"]),
        (
            *("cost-layerwise", "gamma"),
            [f"virtual_adversarial_{layer}_cost" for layer in range(3)],
        ),
        ("noise", "bottom", []),
        ("noise-layerwise", "full", []),
    ],
)
@pytest.mark.slow
def test_virtual_adversarial_ladders_learn(blobs, kind, variant, costs):
    X, y, y_few = blobs

    def fit(size):
        return small(
            variant=variant,
            virtual_adversarial=VirtualAdversary(kind, size=size),
            max_epochs=60,
        ).fit(X, y_few)

    clf = fit(0.5)
    assert clf.score(X, y) > 0.9
    assert [name for name in clf.history_ if "adversarial" in name] == costs
    # the same draws of noise, and next to no perturbation
    assert not np.allclose(fit(1e-9).predict_proba(X), clf.predict_proba(X), atol=1e-3)


@pytest.mark.parametrize("kind", ["cost-layerwise", "noise-layerwise"])
def test_virtual_adversarial_ladders_with_all_the_rest(blobs, kind):
    """Missing values, no hidden layer, batches of 2, streams, pickles."""
    X, _, y_few = blobs
    gaps = np.where(np.arange(X.size).reshape(X.shape) % 7 == 0, np.nan, X)
    parameters = dict(
        virtual_adversarial=VirtualAdversary(kind, size=0.1), max_epochs=2
    )
    for change in [
        {"hidden_layer_sizes": (), "denoising_cost": 1.0},
        {"batch_size": 2, "max_epochs": 1},
        {"early_stopping": True, "validation_fraction": 0.4},
        {"combinator": "mlp", "warm_start": True},
    ]:
        clf = small(**(parameters | change)).fit(gaps, y_few)
        assert np.isfinite(clf.predict_proba(gaps)).all()
    clf.fit(gaps, y_few)
    streamed = small(**parameters)
    for part in [slice(0, 30), slice(30, 60)]:
        streamed.partial_fit(gaps[part], y_few[part], classes=[0, 1])
    again = pickle.loads(pickle.dumps(streamed))
    np.testing.assert_array_equal(
        again.predict_proba(gaps), streamed.predict_proba(gaps)
    )


def test_virtual_adversarial_cost_without_a_decoder(blobs):
    """As virtual adversarial training does; the supervised variant alone does not."""
    X, _, y_few = blobs
    others = np.where(y_few[:, None] == -1, X + 1, X)
    clf = small(
        variant="supervised",
        feature_scaling=None,
        virtual_adversarial=VirtualAdversary("cost"),
    )
    assert clf.fit(X, y_few).net_.module_.decoder is None
    proba = clf.predict_proba(X)
    assert not np.allclose(clf.fit(others, y_few).predict_proba(X), proba)


def test_weight_of_the_virtual_adversarial_cost(blobs):
    X, _, y_few = blobs

    def fit(weight):
        settings = VirtualAdversary(size=0.5, weight=weight)
        return small(virtual_adversarial=settings).fit(X, y_few)

    clf = fit(2.0)
    costs = clf.history_
    expected = costs["supervised_cost"] + 2 * costs["virtual_adversarial_0_cost"]
    for layer, cost in enumerate(clf.denoising_cost_[0]):
        if cost > 0:
            expected = expected + cost * costs[f"denoising_{layer}_cost"]
    np.testing.assert_allclose(costs["train_loss"], expected, rtol=1e-4)
    assert (
        costs["virtual_adversarial_0_cost"][-1]
        < 0.9 * (fit(0.0).history_["virtual_adversarial_0_cost"][-1])
    )


def test_search_reaches_the_parameters_of_the_adversary(blobs):
    X, _, y_few = blobs
    clf = small(max_epochs=1, virtual_adversarial=VirtualAdversary(size=0.5))
    assert clf.get_params()["virtual_adversarial__size"] == 0.5
    assert clone(clf).virtual_adversarial is not clf.virtual_adversarial
    search = GridSearchCV(
        clf,
        {"virtual_adversarial__size": [0.1, 1.0]},
        cv=StratifiedKFold(2),
        error_score="raise",
    ).fit(X, y_few)
    best = search.best_estimator_
    assert (
        best.plan_.adversary.size[0] == search.best_params_["virtual_adversarial__size"]
    )
    assert clf.virtual_adversarial.size == 0.5


def test_virtual_adversarial_fit_is_repeatable_and_convolutional():
    images = np.random.RandomState(0).rand(40, 1, 6, 6)
    y_few = np.where(np.arange(40) < 20, np.arange(40) % 2, -1)
    clf = small(
        architecture=[Conv(4, 3, "same"), MaxPool(2), Dense()],
        variant="gamma",
        virtual_adversarial=VirtualAdversary("noise-layerwise"),
    )
    proba = clf.fit(images, y_few).predict_proba(images)
    again = clone(clf).fit(images, y_few).predict_proba(images)
    np.testing.assert_array_equal(again, proba)


def test_class_weight_shifts_the_balance(blobs):
    X, _, y_few = blobs
    rare = y_few.copy()
    rare[np.flatnonzero(y_few == 1)[2:]] = -1
    proba = {
        weight: [
            small(variant="supervised", class_weight=weight, random_state=seed)
            .fit(X / 3, rare)
            .predict_proba(X / 3)[:, 1]
            .mean()
            for seed in range(4)
        ]
        for weight in (None, "balanced")
    }
    assert np.mean(proba["balanced"]) > np.mean(proba[None])


def test_warm_start_goes_on_from_the_weights(blobs):
    X, _, y_few = blobs
    clf = small(warm_start=True, max_epochs=30).fit(X, y_few)
    end = clf.history_["train_loss"][-1]
    net = clf.net_
    clf.set_params(max_epochs=1).fit(X, y_few)
    assert clf.net_ is not net
    assert clf.history_["train_loss"][0] < 1.5 * end
    cold = small(max_epochs=1).fit(X, y_few)
    assert clf.history_["train_loss"][0] < cold.history_["train_loss"][0] / 2


@pytest.mark.parametrize("go_on", ["fit", "partial_fit"])
def test_what_goes_on_keeps_the_scale_of_features(blobs, go_on):
    X, _, y_few = blobs
    clf = small(warm_start=True, max_epochs=1).fit(X, y_few)
    before = clf.net_.module_.feature_scaling.values
    getattr(clf, go_on)(np.exp(X), y_few)
    assert torch.equal(clf.net_.module_.feature_scaling.values, before)


@pytest.mark.parametrize(
    "change, y_shift, message",
    [
        ({}, 1, "same classes as in the previous fit"),
        ({"hidden_layer_sizes": (8,)}, 0, "number of layers: 3 before, 2 now"),
        ({"hidden_layer_sizes": (8, 5)}, 0, r"layer 2: .*width=6\) before, .*5\) now"),
        ({"activation": "leaky_relu"}, 0, "activation: 'relu' before, 'leaky_relu' n"),
        ({"combinator": "mlp"}, 0, r"combinator, .* Unexpected .*combinator\.coef"),
    ],
)
def test_warm_start_refuses_another_shape(blobs, change, y_shift, message):
    X, _, y_few = blobs
    clf = small(warm_start=True, max_epochs=1).fit(X, y_few)
    before = clf.predict_proba(X)
    with pytest.raises(ValueError, match=message):
        clf.set_params(**change).fit(X, np.where(y_few < 0, -1, y_few + y_shift))
    np.testing.assert_array_equal(clf.predict_proba(X), before)


@pytest.mark.parametrize(
    "feature_scaling, n_columns",
    [(None, 3), ("scaled", 3), (4, 9), ("auto", 13), ("binned", 13)],
)
def test_columns_of_bins(blobs, feature_scaling, n_columns):
    X, y, y_few = blobs
    X = np.column_stack([X[:, :2], y])  # a feature with two values
    clf = small(feature_scaling=feature_scaling, max_epochs=1).fit(X, y_few)
    assert clf.net_.module_.shapes[0].n_units == n_columns
    assert clf.denoise(X).shape == X.shape


@pytest.mark.parametrize(
    "n_values, n_classes, expected",
    [
        ([7] * 85 + [6] * 1000, 9, 6),
        # 512 columns at most, as long as there are bins
        ([7] * 86, 2, 5),
        ([7] * 103, 2, 4),
        ([7] * 256, 2, 2),
        ([7] * 257, 2, 1),
        ([7] * 1000, 2, 1),
        ([2] * 1000, 2, 6),
        ([7], 10, 1),
    ],
)
def test_automatic_number_of_bins(n_values, n_classes, expected):
    assert _defaults.n_bins(np.array(n_values), n_classes) == expected


def test_bins_of_pixels_are_no_image():
    X, y = np.random.RandomState(0).normal(size=(20, 16)), np.arange(20) % 2
    layers = [Conv(2, 3), MeanPool(), Dense()]
    images = small(architecture=layers, image_shape=(1, 4, 4)).fit(X, y)
    with pytest.raises(ValueError, match=r"must be 'shared', .* got 96 columns for 16"):
        images.set_params(feature_scaling=6).fit(X, y)


@pytest.mark.slow
def test_bins_make_thresholds_easy():
    X = np.random.RandomState(0).normal(size=(1000, 5))
    y = (np.abs(X[:, 0]) < 0.67).astype(int)
    y_few = np.where(np.arange(1000) < 50, y, -1)
    whole, bins = (
        np.mean(
            [
                LadderClassifier(
                    (16,),
                    feature_scaling=feature_scaling,
                    n_estimators=1,
                    max_epochs=20,
                    random_state=seed,
                )
                .fit(X, y_few)
                .score(X[50:], y[50:])
                for seed in range(3)
            ]
        )
        for feature_scaling in ("scaled", 6)
    )
    assert bins > whole + 0.01


def test_one_weight_for_all(blobs):
    X, y, y_few = blobs
    clf = small(max_epochs=1)
    expected = clf.fit(X, y_few).predict_proba(X)
    found = clf.fit(X, y_few, sample_weight=2.0).predict_proba(X)
    np.testing.assert_array_equal(found, expected)
    assert clf.score(X, y, sample_weight=3) == clf.score(X, y)


def test_a_stream_with_a_label_in_each_chunk():
    rng = np.random.RandomState(0)
    y = rng.randint(3, size=2000)
    X = rng.normal(size=(2000, 3)) + 4 * np.eye(3)[y]
    scores = []
    for random_state in range(3):  # it depends much on the initial weights
        clf = LadderClassifier((16,), random_state=random_state)
        for start in range(0, 2000, 40):
            y_few = np.full(40, -1)
            y_few[0] = y[start]
            clf.partial_fit(X[start : start + 40], y_few, classes=[0, 1, 2])
        scores.append(clf.score(X, y))
    assert np.mean(scores) > 0.85


@pytest.mark.parametrize("n_rows, n_epochs", [(60, 50), (250, 33), (20_000, 1)])
def test_automatic_number_of_epochs(monkeypatch, n_rows, n_epochs):
    monkeypatch.setattr(_defaults, "n_updates", lambda *_: 100)
    X = np.random.RandomState(0).normal(size=(n_rows, 2))
    clf = small(hidden_layer_sizes=(4,), max_epochs="auto")
    clf.set_params(batch_size=30 if n_rows == 60 else 100)
    assert clf.fit(X, np.arange(n_rows) % 3 - 1).n_iter_ == n_epochs


def test_history_is_a_table_of_named_costs(blobs):
    X, _, y_few = blobs
    clf = small(max_epochs=10, decay_start=0.5, denoising_cost=1.0).fit(X, y_few)
    table = pd.DataFrame(clf.history_)
    assert len(table) == clf.n_iter_ == 10
    costs = [f"denoising_{layer}_cost" for layer in range(4)]
    assert {"epoch", "train_loss", "supervised_cost", "lr", *costs} <= set(table)
    weighted = table["supervised_cost"] + sum(
        weight * table[cost]
        for weight, cost in zip(clf.net_.criterion_.denoising_costs, costs, strict=True)
    )
    np.testing.assert_allclose(table["train_loss"], weighted, rtol=1e-4)
    # constant up to the fifth of ten epochs, then falling by a fifth each
    np.testing.assert_allclose(
        table["lr"], 0.02 * np.r_[np.ones(6), [0.8, 0.6, 0.4, 0.2]], rtol=1e-6
    )


@pytest.mark.slow
def test_denoise_removes_noise_like_that_of_training():
    rng = np.random.RandomState(0)
    true = rng.normal(size=400)
    X, y = 10 + np.outer(true, np.ones(8)), (true > 0).astype(int)
    clf = small(hidden_layer_sizes=(32,), max_epochs=100, batch_size=100)
    clf.fit(X, np.where(np.arange(400) < 100, y, -1))
    noisy = X + 0.3 * X.std(axis=0) * rng.normal(size=X.shape)
    error = np.square(clf.denoise(noisy) - X).mean()
    assert error < 0.7 * np.square(noisy - X).mean()


@pytest.mark.parametrize(
    "parameters", [{"variant": "gamma"}, {"variant": "supervised"}]
)
def test_denoise_is_not_there_without_a_decoder(blobs, parameters):
    X, _, y_few = blobs
    clf = small(max_epochs=1, **parameters).fit(X, y_few)
    assert not hasattr(clf, "denoise")
    with pytest.raises(AttributeError):
        clf.denoise(X)


# ----------------------------------------------------------------- missing values


def correlated(n_rows=500):
    """Eight features that all follow two hidden ones, and the class."""
    rng = np.random.RandomState(0)
    y = rng.randint(2, size=n_rows)
    hidden = rng.normal(size=(n_rows, 2)) + 3 * y[:, None]
    X = 50 + 10 * hidden @ rng.normal(size=(2, 8)) + rng.normal(size=(n_rows, 8))
    gaps = np.where(rng.uniform(size=X.shape) < 0.25, np.nan, X)
    y_few = np.where(np.arange(n_rows) < 40, y, -1)
    return X, gaps, y, y_few


@pytest.mark.slow
def test_missing_values_are_imputed_by_the_decoder():
    X, gaps, y, y_few = correlated()
    clf = small(hidden_layer_sizes=(32, 16), max_epochs=30).fit(gaps, y_few)
    assert clf.score(gaps, y) > 0.9
    missing = np.isnan(gaps)
    error = (clf.denoise(gaps) - X)[missing]
    mean_error = (np.nanmean(gaps, axis=0) - X)[missing]
    assert np.square(error).mean() < 0.5 * np.square(mean_error).mean()


@pytest.mark.parametrize("variant", ["full", "gamma", "bottom", "supervised"])
@pytest.mark.slow
def test_missing_values_with_every_variant(variant):
    _, gaps, y, y_few = correlated()
    gaps[:, 0] = np.nan  # nothing of it is known
    clf = small(variant=variant).fit(gaps, y_few)
    assert clf.score(gaps, y) > 0.8
    assert np.isfinite(clf.history_["train_loss"]).all()
    assert np.isfinite(clf.transform(gaps)).all()
    clf.partial_fit(gaps, y_few)
    assert np.isfinite(clf.predict_proba(gaps)).all()


def test_a_missing_value_does_not_change_other_rows():
    X, gaps, _, y_few = correlated()
    clf = small(max_epochs=2).fit(gaps, y_few)
    some = np.vstack([gaps[:1], X[1:20]])
    np.testing.assert_array_equal(
        clf.predict_proba(some)[1:], clf.predict_proba(X[1:20])
    )


def test_what_is_missing_has_no_cost():
    X, gaps, _, y_few = correlated()
    module = small(feature_scaling=None, max_epochs=1).fit(X, y_few).net_.module_
    x = torch.as_tensor(gaps[:60], dtype=torch.float32)
    noise = [torch.zeros(60, shape.channels) for shape in module.shapes]
    activations = module.training_pass(x[:20], x[20:], noise, have_missing=True)
    assert torch.equal(activations.observed, ~x[20:].isnan())
    cost = ladder_costs(
        activations, torch.zeros(20, dtype=torch.long), None, [1, 0, 0, 0]
    )
    (gradient,) = torch.autograd.grad(
        cost["denoising_0"], activations.decoded.z_denoised[0]
    )
    assert torch.equal(gradient == 0, x[20:].isnan())


# ---------------------------------------------------------------------- streams


def test_partial_fit_learns_from_a_stream():
    rng = np.random.RandomState(0)
    y = rng.randint(3, size=6000)
    X = rng.normal(size=(6000, 4)) + 3 * np.eye(3, 4)[y]
    y_few = np.where(rng.uniform(size=6000) < 0.2, y, -1)
    clf = LadderClassifier((16,), batch_size=50, random_state=0)
    for part in np.split(np.arange(6000), 30):
        clf.partial_fit(X[part], y_few[part], classes=[0, 1, 2])
        # label of each row of the part
        known = y_few[part] != -1
        np.testing.assert_array_equal(clf.transduction_[known], y[part][known])
    assert clf.score(X, y) > 0.9
    assert clf.n_iter_ == len(clf.history_["train_loss"]) == 30
    assert clf.n_samples_seen_ == 6000
    assert (clf.history_["lr"] == 0.01).all()
    # the scale is that of the first samples
    seeds = spawn_seeds(0)
    first = encode_training_data(
        clf, X[:200], y_few[:200], None, seeds, [0, 1, 2], is_stream=True
    )
    scale = first.feature_knots(seeds.feature_scaling).scale(6)
    np.testing.assert_array_equal(clf.net_.module_.feature_scaling.values, scale.values)
    # statistics for prediction are those of many rows, not of the last 200 alone
    mean = clf.net_.module_.encoder.layers[0].population.mean.numpy()
    same = pickle.loads(pickle.dumps(clf))
    same.net_.module_.measure_population(
        [same.net_.module_.scale(torch.as_tensor(X, dtype=torch.float32))]
    )
    truth = same.net_.module_.encoder.layers[0].population
    assert np.abs((mean - truth.mean.numpy()) / truth.std.numpy()).max() < 0.3


@pytest.mark.parametrize(
    "before, after", [("binned", None), ("scaled", None), (None, "binned")]
)
def test_partial_fit_refuses_another_scale_of_features(blobs, before, after):
    X, _, y_few = blobs
    clf = small(feature_scaling=before, max_epochs=1).fit(X, y_few)
    clf.set_params(feature_scaling=after)
    with pytest.raises(ValueError, match="feature_scaling"):
        clf.partial_fit(X, y_few)


@pytest.mark.parametrize("n_labeled", [0, 1, 2])
@pytest.mark.parametrize("variant", ["full", "supervised"])
@pytest.mark.parametrize("n_estimators", [1, 2])
def test_partial_fit_with_hardly_a_label(blobs, n_labeled, variant, n_estimators):
    X, y, y_few = blobs
    clf = small(variant=variant, n_estimators=n_estimators)
    clf.partial_fit(X, y_few, classes=[0, 1])
    clf.partial_fit(X, np.where(np.arange(60) < n_labeled, y, -1))
    clf.partial_fit(X[:2], [-1, 0])
    assert np.isfinite(clf.predict_proba(X)).all()
    with pytest.raises(ValueError, match=r"at least 2 samples at a time.* got 1"):
        clf.partial_fit(X[:1], [-1])


def test_partial_fit_goes_on_after_fit(blobs):
    X, y, y_few = blobs
    clf = small(max_epochs=30).fit(X, y_few)
    before = clf.predict_proba(X)
    copy = pickle.loads(pickle.dumps(clf))
    clf.partial_fit(X, y_few)
    assert clf.n_iter_ == 31 and clf.n_samples_seen_ == 120
    assert clf.score(X, y) > 0.9
    assert not np.array_equal(clf.predict_proba(X), before)
    np.testing.assert_array_equal(
        copy.partial_fit(X, y_few).predict_proba(X), clf.predict_proba(X)
    )


def test_the_class_prior_of_fit_stays_until_new_labels_come():
    rng = np.random.RandomState(0)
    y = (np.arange(1200) % 10 == 0).astype(int)
    X = rng.normal(size=(1200, 4)) + 1.5 * y[:, None] * [1, 1, 0, 0]
    few = np.where(np.isin(np.arange(1200), [*range(0, 200, 10), *range(1, 21)]), y, -1)
    clf = small(class_prior="auto", max_epochs=10).fit(X[:600], few[:600])
    assert clf.class_prior_[1] < 0.35
    ratio = clf.net_.module_.class_prior_ratio.clone()
    assert ratio[1] / ratio[0] < 0.6
    unlabeled = np.full(600, -1)
    clf.partial_fit(X[600:], unlabeled)
    assert torch.equal(clf.net_.module_.class_prior_ratio, ratio)
    assert not hasattr(clf, "class_prior_")
    clf.partial_fit(X[600:], y[600:])
    faded = clf.net_.module_.class_prior_ratio
    assert torch.allclose(faded, ratio ** (1000 / 1600))
    clf.partial_fit(X[600:], np.where(np.arange(600) == 7, y[600:], -1))
    assert torch.allclose(faded, clf.net_.module_.class_prior_ratio, rtol=0.01)
    clf.set_params(class_prior=None).partial_fit(X[600:], unlabeled)
    assert torch.equal(clf.net_.module_.class_prior_ratio, torch.ones(2))
    # `fit` begins anew
    again = clf.set_params(warm_start=True, class_prior=None).fit(X, y)
    assert torch.equal(again.net_.module_.class_prior_ratio, torch.ones(2))


def test_a_partial_fit_that_fails_loses_nothing(blobs):
    X, _, y_few = blobs
    clf = small().partial_fit(X, y_few, classes=[0, 1])
    copy = pickle.loads(pickle.dumps(clf))
    for change, arguments, message in [
        ({}, (X[:, :2], y_few), "2 features"),
        ({}, (X, y_few + 5), "labels of .0 1. only"),
        ({}, (X, y_few, [0, 1, 2]), "same classes"),
        (
            {"hidden_layer_sizes": (5,)},
            (X, y_few),
            "hidden_layer_sizes.*: 3 before, 2 now",
        ),
        ({"learning_rate": 1e38}, (X, y_few), "diverged"),
    ]:
        clf.set_params(**change)
        with pytest.raises(ValueError, match=message):
            clf.partial_fit(*arguments)
        clf.set_params(**copy.get_params())
    np.testing.assert_array_equal(clf.predict_proba(X), copy.predict_proba(X))
    np.testing.assert_array_equal(
        clf.partial_fit(X, y_few).predict_proba(X),
        copy.partial_fit(X, y_few).predict_proba(X),
    )


@pytest.mark.parametrize(
    "parameters, arguments, message",
    [
        ({}, {}, "classes must be passed on the first call"),
        ({"early_stopping": True}, {"classes": [0, 1]}, "early_stopping=True is for"),
        (
            {"class_weight": "balanced"},
            {"classes": [0, 1]},
            "class_weight='balanced' is for fit only",
        ),
    ],
)
def test_partial_fit_says_what_it_needs(blobs, parameters, arguments, message):
    X, _, y_few = blobs
    with pytest.raises(ValueError, match=message):
        small(**parameters).partial_fit(X, y_few, **arguments)


# --------------------------------------------------------------- early stopping


def test_early_stopping_restores_the_best_weights(digits):
    X, y, _ = digits
    y_few = np.where(np.arange(len(y)) < 300, y, -1)
    clf = LadderClassifier(
        (32,),
        early_stopping=True,
        validation_fraction=0.3,
        n_iter_no_change=3,
        max_epochs=200,
        learning_rate=0.03,
        class_prior=None,
        random_state=0,
    ).fit(X[:600], y_few[:600])
    valid_loss = clf.history_["valid_loss"]
    assert 4 <= clf.n_iter_ < 200
    assert valid_loss.argmin() < clf.n_iter_ - 1  # the last weights were not the best
    callback = dict(clf.net_.callbacks_)["early_stopping_of_ladder"]
    assert callback.best_epoch_ - 1 == pytest.approx(valid_loss.argmin(), abs=3)
    held_out = hold_out(y_few[:600], 0.3, spawn_seeds(0).validation)
    proba = clf.predict_proba(X[held_out])
    assert log_loss(y[held_out], proba) == pytest.approx(
        valid_loss[callback.best_epoch_ - 1], rel=1e-4
    )
    assert clf.net_.train_split is None  # would hold rows
    assert clf.score(X[600:], y[600:]) > 0.8


def test_early_stopping_keeps_training_labels_of_every_class():
    X = np.random.RandomState(0).normal(size=(100, 3))
    y = np.repeat([0, 1, 2], [60, 38, 2])
    for labels in (y, 2 - y):
        with pytest.raises(ValueError, match="one sample for each class to hold out"):
            small(early_stopping=True, validation_fraction=0.9).fit(X, labels)


def test_early_stopping_warns_of_a_single_epoch(digits):
    X, y, _ = digits
    with pytest.warns(UserWarning, match=r"only one: raise max_epochs\."):
        small(early_stopping=True, max_epochs=1).fit(X[:200], y[:200])


def test_early_stopping_refuses_too_few_labels(blobs):
    X, _, y_few = blobs
    with pytest.raises(ValueError, match=r"=0\.1 of 10 labeled samples"):
        small(early_stopping=True).fit(X, y_few)


# -------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    "parameters, message",
    [
        (
            {"denoising_cost": [1, 1, 1]},
            r"one entry per layer \(4, input first\); got 3",
        ),
        ({"denoising_cost": -1.0}, "denoising_cost"),
        ({"denoising_cost": ["a"] * 4}, r"denoising_cost must be numbers; got \['a'"),
        ({"noise_std": [[1, 2], [3]]}, r"noise_std must be numbers; got \[\[1, 2\]"),
        ({"hidden_layer_sizes": [[1, 2], [3]]}, "hidden_layer_sizes must be positive"),
        ({"image_shape": [[1], [2, 3]]}, r"image_shape must be \(channels, height"),
        ({"noise_std": -0.1}, "noise_std"),
        ({"noise_std": [0.3, 0.3, 0.3, -0.3]}, "noise_std .* not negative"),
        ({"variant": "half"}, "variant"),
        ({"combinator": "amlp"}, "combinator.* Got 'amlp'"),
        ({"combinator": ["mlp"] * 3 + ["amlp"]}, "combinator.* 'mlp', .*; got 'amlp'"),
        ({"combinator": ["mlp"] * 3}, r"a string .* \(4, input first\); got 3"),
        ({"combinator": None}, "combinator"),
        ({"virtual_adversarial": "cost"}, "virtual_adversarial"),
        (
            {"virtual_adversarial": VirtualAdversary("noise", size=[1, 1])},
            r"size must .* one entry per layer \(4, input first\); got 2",
        ),
        ({"virtual_adversarial": VirtualAdversary("costs")}, "kind"),
        ({"feature_scaling": "bins"}, "feature_scaling"),
        ({"feature_scaling": 0}, "feature_scaling"),
        ({"feature_scaling": False}, "feature_scaling"),
        ({"n_estimators": 0}, "n_estimators"),
        ({"denoising_cost": 0}, "denoising_cost must be positive"),
        ({"activation": "softmax"}, "activation"),
        ({"max_epochs": "all"}, "max_epochs"),
        ({"batch_size": 1}, "batch_size"),
        ({"hidden_layer_sizes": (8, 0)}, "positive integers"),
        ({"hidden_layer_sizes": (8, 2.5)}, "positive integers"),
        ({"device": "cuda:99"}, "device must be"),
        ({"device": "abacus"}, "device must be"),
    ],
    ids=str,
)
def test_bad_parameters(blobs, parameters, message):
    X, _, y_few = blobs
    with pytest.raises(ValueError, match=message):
        small(**parameters).fit(X, y_few)


def test_infinite_values_in_X(blobs):
    X, _, y_few = blobs
    X = X.copy()
    X[3, 1] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        small().fit(X, y_few)


@pytest.mark.parametrize("callbacks", [[3], [EarlyStopping], [("a", "b")]], ids=str)
def test_bad_callbacks(blobs, callbacks):
    X, _, y_few = blobs
    with pytest.raises(ValueError, match="must be skorch callbacks, or pairs"):
        small(callbacks=callbacks).fit(X, y_few)


def test_callbacks_that_cannot_be_copied(blobs):
    X, _, y_few = blobs
    writer = Callback()
    with open(__file__) as writer.file:
        with pytest.raises(ValueError, match=r"must be copyable.*Callback.*on_train"):
            small(callbacks=[writer]).fit(X, y_few)


def test_weights_of_unlabeled_rows_do_not_matter(blobs):
    X, _, y_few = blobs
    weight = np.linspace(1, 2, 60)
    gaps = np.where(y_few == -1, np.nan, weight)
    np.testing.assert_array_equal(
        small().fit(X, y_few, gaps).predict_proba(X),
        small().fit(X, y_few, weight).predict_proba(X),
    )


def test_columns_too_far_from_zero_are_scaled_in_float64(blobs, recwarn):
    X, _, y_few = blobs
    far = X * [1, 10, 1] + [0, 1.7e9, 0]
    clf = small().fit(far, y_few)
    assert not list(recwarn)
    assert clf.plan_.input_dtype == "float64"
    np.testing.assert_allclose(
        clf.predict_proba(far), small().fit(X, y_few).predict_proba(X), atol=1e-2
    )


def test_columns_too_far_from_zero_are_named_without_scaling(blobs):
    X, _, y_few = blobs
    far = X * [1, 10, 1] + [0, 1.7e9, 0]
    with pytest.warns(UserWarning, match=r"Columns \[1\] of X lie too far from 0"):
        small(feature_scaling=None, max_epochs=1).fit(far, y_few)


def test_constant_columns_do_not_warn(blobs, recwarn):
    X, _, y_few = blobs
    constants = np.tile(np.arange(100) / 1000, (60, 1))
    # whose computed standard deviation is a rounding error, of most of them
    assert np.mean([0 < column.std() < 1e-16 for column in constants.T]) > 0.5
    small(max_epochs=1).fit(np.hstack([X, constants]), y_few)
    assert not list(recwarn)


def test_length_of_labels_is_told_before_their_classes(blobs):
    X, _, y_few = blobs
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        small().fit(X, y_few[:1])


def test_bad_sample_weight(blobs):
    X, _, y_few = blobs
    with pytest.raises(ValueError, match="sample_weight"):
        small().fit(X, y_few, sample_weight=-np.ones(60))
    with pytest.raises(ValueError, match="sample_weight"):
        small().fit(X, y_few, sample_weight=np.where(y_few < 0, 1.0, 0.0))
    clf = small(max_epochs=1).fit(X, y_few)
    for weight in (np.ones((60, 2)), np.ones(59)):
        for method in (clf.fit, clf.partial_fit, clf.score):
            with pytest.raises(ValueError, match=r"[Ss]ample.weight"):
                method(X, y_few, sample_weight=weight)


def test_predict_checks_its_input(blobs):
    X, _, y_few = blobs
    with pytest.raises(NotFittedError):
        small().predict(X)
    clf = small(max_epochs=1).fit(X, y_few)
    with pytest.raises(ValueError, match=r"2 features.* expecting 3"):
        clf.predict(X[:, :2])


def test_divergence_names_the_epoch_and_loses_nothing(blobs):
    X, _, y_few = blobs
    clf = small().fit(X, y_few)
    before, attributes = clf.predict_proba(X), set(vars(clf))
    wide = np.hstack([X, X])
    with pytest.raises(ValueError, match=r"diverged in epoch 1: .* Try a lower"):
        clf.set_params(learning_rate=1e38).fit(wide, y_few)
    with pytest.raises(ValueError, match="all unlabeled"):
        clf.fit(wide, np.full(60, -1))
    assert clf.n_features_in_ == 3
    assert set(vars(clf)) == attributes
    np.testing.assert_array_equal(clf.predict_proba(X), before)


def test_clone_and_parameters_survive_fit(blobs):
    X, _, y_few = blobs
    combinator = ["mlp", "gaussian", "gaussian", "mlp"]
    clf = small(
        denoising_cost=[1, 2, 3, 4],
        combinator=combinator,
        virtual_adversarial=VirtualAdversary("cost", size=np.ones(4)),
        callbacks=[],
    )
    before = {name: repr(value) for name, value in clf.get_params().items()}
    clf.fit(X, y_few)
    assert {name: repr(value) for name, value in clf.get_params().items()} == before
    assert clone(clf).get_params()["denoising_cost"] == [1, 2, 3, 4]
    assert clone(clf).get_params()["combinator"] == combinator


def test_search_over_combinators(blobs):
    X, _, y_few = blobs
    candidates = ["gaussian", "mlp", ["mlp", "gaussian", "gaussian", "gaussian"]]
    search = GridSearchCV(
        small(max_epochs=2),
        {"combinator": candidates},
        cv=StratifiedKFold(2),
        error_score="raise",
    ).fit(X, y_few)
    assert search.best_params_["combinator"] in candidates
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize("hidden", [(6,) * 8, (6,) * 14])
def test_deep_decoders_do_not_overflow(hidden):
    rng = np.random.RandomState(0)
    y = np.arange(120) % 2
    X = rng.normal(size=(120, 4)) + 3 * np.eye(4)[y]
    y_few = np.where(np.arange(120) < 40, y, -1)
    missing = rng.uniform(size=X.shape) < 0.2
    clf = LadderClassifier(hidden, max_epochs=40, random_state=0)
    clf.fit(np.where(missing, np.nan, X), y_few)
    assert clf.score(np.where(missing, np.nan, X), y) > 0.8
    assert np.corrcoef(clf.denoise(X).ravel(), X.ravel())[0, 1] > 0.9


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_small_integers_of_numpy(blobs):
    X, _, y_few = blobs
    X, y_few = np.tile(X, (3, 1)), np.tile(y_few, 3)
    clf = LadderClassifier((8,), random_state=0)
    numbers = {"batch_size": 100, "n_estimators": 3, "max_epochs": 2}
    small = {name: np.int8(number) for name, number in numbers.items()}
    plain = clf.set_params(**numbers).fit(X, y_few).predict_proba(X)
    again = clf.set_params(**small).fit(X, y_few).predict_proba(X)
    np.testing.assert_array_equal(again, plain)
