"""What is saved, by pickle and by skops, and what loading asks the user to trust."""

import pickle
import zipfile
from copy import deepcopy

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
import torch
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback, EarlyStopping, EpochScoring

from sklearn_ladder import LadderClassifier, VirtualAdversary
from sklearn_ladder.architectures import Conv, Dense, MeanPool
from sklearn_ladder.callbacks import CUDAGraph
from sklearn_ladder.ensemble import SemiSupervisedVotingClassifier

# What loading any dense model asks the user to trust.
TYPES = {
    "sklearn_ladder._classifier.LadderClassifier",
    "sklearn_ladder._plan.Plan",
    "sklearn_ladder._random.Seeds",
    "sklearn_ladder.data._feature_scaling.Scale",
    "sklearn_ladder.network._dense.Dense",
    "sklearn_ladder.network._shapes.Shape",
}
ADVERSARY = {
    "sklearn_ladder._virtual_adversary.VirtualAdversary",
    "sklearn_ladder.objective._adversary.Adversary",
}
CATEGORIES = {
    "sklearn_ladder.data._categories.Categories",
    "sklearn_ladder.data._categories.TableCategories",
}
LAYERS = {
    "sklearn_ladder.network._convolution.Conv",
    "sklearn_ladder.network._pooling.MeanPool",
}

X, y = load_iris(return_X_y=True)
X[::7, 1] = np.nan
Y_FEW = np.where(np.arange(150) % 4, -1, y)
NAMES = np.array([None, "setosa", "virginica", "ärgerlich"], dtype=object)[Y_FEW + 1]


def fit(X=X, y=Y_FEW, **parameters):
    parameters = {"max_epochs": 3, "random_state": 0, "n_estimators": 2} | parameters
    return LadderClassifier((6,), **parameters).fit(X, y)


def stream():
    clf = LadderClassifier((6,), random_state=0)
    return clf.partial_fit(X, Y_FEW, classes=[0, 1, 2]).partial_fit(X, Y_FEW)


def frame():
    rng = np.random.RandomState(0)
    samples = pd.DataFrame(X, columns=list("abcd"))
    return fit(samples.assign(color=rng.choice(["red", "blue", None], 150)))


def images():
    layers = [Conv(4, 3), MeanPool(), Dense()]
    samples = np.random.RandomState(0).uniform(size=(150, 1, 5, 5))
    return fit(samples, architecture=layers, n_estimators=1)


KINDS = {
    "binned": (lambda: fit(y=NAMES, feature_scaling="binned"), set()),
    "scaled": (lambda: fit(feature_scaling="scaled"), set()),
    "unscaled": (lambda: fit(feature_scaling=None), set()),
    "categories": (frame, CATEGORIES),
    "images": (images, LAYERS),
    "gamma": (lambda: fit(variant="gamma", combinator="mlp"), set()),
    "supervised": (
        lambda: fit(variant="supervised", class_prior=[0.5, 0.3, 0.2]),
        set(),
    ),
    "adversarial": (lambda: fit(virtual_adversarial=VirtualAdversary()), ADVERSARY),
    "early stopping": (lambda: fit(early_stopping=True), set()),
    "stream": (stream, set()),
    "callback": (
        lambda: fit(callbacks=[CUDAGraph()]),
        {"sklearn_ladder.callbacks.CUDAGraph"},
    ),
}


def by_pickle(clf):
    return pickle.loads(pickle.dumps(clf))


def by_skops(clf):
    saved = skops.io.dumps(clf)
    return skops.io.loads(saved, trusted=skops.io.get_untrusted_types(data=saved))


def samples_of(clf):
    if clf.plan_.categories is not None:
        return pd.DataFrame(X, columns=list("abcd")).assign(color="red")
    if clf.plan_.image_shape is None:
        return X
    return np.random.RandomState(1).uniform(size=(20, *clf.plan_.image_shape))


def assert_same(one, other):
    """All that users see of a fitted classifier is the same."""
    assert vars(one).keys() == vars(other).keys()
    if not one.callbacks:  # their representations are addresses
        assert repr(one) == repr(other)
    assert str(one.plan_) == str(other.plan_)
    for name in ("classes_", "transduction_", "denoising_cost_", "n_iter_"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert type(getattr(one, name)) is type(getattr(other, name))
    np.testing.assert_equal(one.history_, other.history_)
    samples = samples_of(one)
    np.testing.assert_array_equal(
        one.predict_proba(samples), other.predict_proba(samples)
    )
    np.testing.assert_array_equal(one.predict(samples), other.predict(samples))
    for tensor, copy in zip(
        one.net_.module_.state_dict().values(),
        other.net_.module_.state_dict().values(),
        strict=True,
    ):
        assert torch.equal(tensor, copy) and tensor.dtype == copy.dtype
    rows = [
        [{k: v for k, v in epoch.items() if k != "batches"} for epoch in net.history]
        for net in (one.net_, other.net_)
    ]
    assert rows[0] == rows[1]
    types = [{k: type(v) for k, v in epochs[-1].items()} for epochs in rows]
    assert types[0] == types[1]
    names = [[name for name, _ in net.callbacks_] for net in (one.net_, other.net_)]
    assert names[0] == names[1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", [by_pickle, by_skops, deepcopy])
def test_a_loaded_classifier_is_the_same(kind, way):
    clf = KINDS[kind][0]()
    assert_same(clf, way(clf))
    assert_same(clf, way(way(clf)))


@pytest.mark.parametrize("kind", KINDS)
def test_skops_asks_to_trust_types_of_this_package_alone(kind):
    fitted, more = KINDS[kind]
    clf = fitted()
    types = TYPES | more
    if clf.plan_.scale is None:
        types = types - {"sklearn_ladder.data._feature_scaling.Scale"}
    saved = skops.io.dumps(clf)
    assert set(skops.io.get_untrusted_types(data=saved)) == types
    # and it does ask
    with pytest.raises(skops.io.exceptions.UntrustedTypesFoundException):
        skops.io.loads(saved)


def test_skops_in_a_pipeline_and_an_ensemble():
    pipeline = make_pipeline(StandardScaler(), fit())
    pipeline[0].fit(X)
    voting = SemiSupervisedVotingClassifier(
        [("one", fit()), ("other", fit(variant="supervised"))]
    ).fit(X, Y_FEW)
    for model in (pipeline, voting):
        saved = skops.io.dumps(model, compression=zipfile.ZIP_DEFLATED)
        types = skops.io.get_untrusted_types(data=saved)
        packages = {name.split(".")[0] for name in types}
        assert packages <= {"sklearn_ladder", "sklearn"}, types
        again = skops.io.loads(saved, trusted=types)
        np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


def test_users_trust_their_own_callbacks():
    """The classifier's own EarlyStopping is built again, without ``print``."""
    saved = skops.io.dumps(fit(callbacks=[EarlyStopping("train_loss")]))
    assert set(skops.io.get_untrusted_types(data=saved)) - TYPES == {
        "builtins.print",
        "skorch.callbacks.training.EarlyStopping",
    }


# --------------------------------------------------------- what goes on after loading


@pytest.mark.parametrize("way", [by_pickle, by_skops, deepcopy])
def test_streams_go_on_bit_for_bit(way):
    clf = stream()
    again = way(clf)
    for original, copy in zip(
        clf.net_.optimizer_.state.values(),
        again.net_.optimizer_.state.values(),
        strict=True,
    ):
        assert original.keys() == copy.keys()
        assert all(torch.equal(original[name], copy[name]) for name in original)
    for _ in range(3):
        clf.partial_fit(X, Y_FEW)
        again.partial_fit(X, Y_FEW)
        history = [own.history_.copy() for own in (clf, again)]
        assert [list(own) for own in history] == [list(history[0])] * 2
        for own in history:
            own.pop("dur")
        np.testing.assert_equal(*history)
        np.testing.assert_array_equal(clf.predict_proba(X), again.predict_proba(X))


@pytest.mark.parametrize("way", [by_pickle, by_skops])
@pytest.mark.parametrize("kind", ["binned", "images", "early stopping"])
def test_warm_starts_go_on_bit_for_bit(kind, way):
    clf = KINDS[kind][0]().set_params(warm_start=True)
    again = way(clf)
    samples = samples_of(clf)
    labels = clf.predict(samples).astype(object)
    labels[::2] = None
    labels[:3] = clf.classes_
    proba = [own.fit(samples, labels).predict_proba(samples) for own in (clf, again)]
    np.testing.assert_array_equal(*proba)


class Counter(Callback):
    """Counts epochs."""

    def initialize(self):
        self.n_epochs_ = 0
        return self

    def on_epoch_end(self, net, **kwargs):
        self.n_epochs_ += 1


def test_callbacks_keep_their_state_and_place():
    scoring = EpochScoring(lambda net, *_: 0.5, name="half", use_caching=False)
    clf = fit(callbacks=[Counter(), ("second", Counter()), scoring])
    again = deepcopy(clf)
    assert_same(clf, again)
    callbacks = dict(again.net_.callbacks_)
    assert callbacks["Counter"].n_epochs_ == callbacks["second"].n_epochs_ == 3
    # the parameter has the user's own instances, which no fit has touched
    assert not hasattr(again.callbacks[0], "n_epochs_")
    assert clone(again).callbacks[1][0] == "second"
    assert deepcopy(again).net_.callbacks_[2][1].n_epochs_ == 3
    # history values of other types than Python's numbers, and a gap
    clf.net_.history[0]["odd"] = np.float64(0.25)
    clf.net_.history[2]["text"] = "a"
    assert_same(clf, deepcopy(clf))


def test_the_net_alone_is_pickled():
    clf = fit()
    net = pickle.loads(pickle.dumps(clf.net_))
    samples = torch.tensor(X, dtype=torch.float32)
    np.testing.assert_array_equal(
        net.predict_proba(samples), clf.net_.predict_proba(samples)
    )


# ------------------------------------------------------------------------------ size


@pytest.mark.parametrize("kind", KINDS)
def test_pickles_have_little_beside_the_weights(kind):
    """Before, a model of these sizes took 60 to 90 KB more than its weights."""
    clf = KINDS[kind][0]()
    optimizer = clf.net_.optimizer_.state.values()
    n_numbers = sum(t.numel() for t in clf.net_.module_.state_dict().values())
    n_numbers += sum(t.numel() for own in optimizer for t in own.values())
    assert len(pickle.dumps(clf)) < 4 * n_numbers + 16_000


def test_loading_from_a_mapped_file(tmp_path):
    """Its arrays are read-only; training goes on with copies."""
    clf = stream()
    joblib.dump(clf, tmp_path / "model")
    again = joblib.load(tmp_path / "model", mmap_mode="r")
    again.partial_fit(X, Y_FEW)
    np.testing.assert_array_equal(
        again.predict_proba(X), clf.partial_fit(X, Y_FEW).predict_proba(X)
    )


@pytest.mark.parametrize("device", ["cuda:99", "mps", "xpu"])
def test_a_model_of_a_missing_device_comes_to_the_cpu(device):
    clf = stream()
    state = clf.__getstate__()
    state["net_"]["device"] = device
    again = LadderClassifier.__new__(LadderClassifier)
    with pytest.warns(UserWarning, match="not there: it is on the CPU"):
        again.__setstate__(state)
    assert again.device_ == "cpu"
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))


def test_the_warning_of_another_version_comes_before_the_net_is_built():
    clf = fit()
    state = clf.__getstate__() | {"_sklearn_ladder_version": "0.0.0"}
    state["net_"] = {"made": "by another version"}
    again = LadderClassifier.__new__(LadderClassifier)
    with (
        pytest.warns(UserWarning, match=r"by sklearn_ladder 0\.0\.0"),
        pytest.raises(KeyError),
    ):
        again.__setstate__(state)
