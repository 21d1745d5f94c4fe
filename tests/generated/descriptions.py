"""Cases for the property tests: what they are made of, and which errors are right."""

import warnings
from contextlib import contextmanager, nullcontext
from typing import NamedTuple

import numpy as np
import torch
from hypothesis import strategies as st
from skorch.callbacks import Callback

from sklearn_ladder import LadderClassifier, VirtualAdversary
from sklearn_ladder.architectures import Conv, Dense, MaxPool

from .labels import LABELED, LABELS, WEIGHTS, WRONG_WEIGHTS
from .samples import CONTAINERS, GAPS, IMAGE_SHAPE, VALUES

# ------------------------------------------------------------------ generated cases


class Case(NamedTuple):
    """What is fitted, and what happens then."""

    n_samples: int
    n_features: int
    seed: int
    values: str
    gaps: str
    dtype: str
    container: str
    labels: str
    n_classes: int
    labeled: str
    weights: str
    class_weight: str | None
    options: dict
    first: str
    then: tuple
    surroundings: str = "plain"


ADVERSARIES = st.builds(
    VirtualAdversary,
    **{
        "kind": st.sampled_from(["cost", "noise", "cost-layerwise", "noise-layerwise"]),
        "size": st.sampled_from([1.0, 0.1, 0.0, 5.0]),
        "norm": st.sampled_from(["l2", "l1", "linf"]),
        "n_power_iterations": st.sampled_from([1, 2]),
        "weight": st.sampled_from([1.0, 0.5]),
    },
)
OPTIONS = {
    "hidden_layer_sizes": st.sampled_from([(8,), (), (6, 4), 3, (1,)]),
    "variant": st.sampled_from(["full", "gamma", "bottom", "supervised"]),
    "denoising_cost": st.sampled_from([1.0, 0.0, 1000.0, [1, 0], [5.0, 1.0, 0.1]]),
    "noise_std": st.sampled_from([0.0, 1.0, [0.3, 0.3], [0.5, 0, 0.2]]),
    "combinator": st.sampled_from(["mlp", "gaussian", ["mlp", "gaussian", "mlp"]]),
    "virtual_adversarial": ADVERSARIES,
    "label_smoothing": st.sampled_from([0.0, 0.5]),
    "weight_normalization": st.just(True),
    "activation": st.sampled_from(["leaky_relu", "tanh"]),
    "feature_scaling": st.sampled_from(
        ["scaled", None, "binned", "auto", 3, "shared", "projected"]
    ),
    "batch_size": st.sampled_from([16, 2, 3, 32]),
    "max_epochs": st.sampled_from([1, 3]),
    "learning_rate": st.sampled_from([0.001, 0.1, 10.0]),
    "decay_start": st.sampled_from([0.0, 1.0]),
    "early_stopping": st.just(True),
    "validation_fraction": st.sampled_from([0.5, 0.25]),
    "n_iter_no_change": st.just(1),
    "class_prior": st.sampled_from(["em", None, "array"]),
    "n_estimators": st.sampled_from([2, 3, "auto"]),
    "linear_share": st.sampled_from([0.0, 0.3, 0.99]),
}


@contextmanager
def _default_float64():
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@contextmanager
def _numpy_warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


# Of the process, on which no result may depend.
SURROUNDINGS = {
    "plain": nullcontext,
    "NumPy raises": lambda: np.errstate(all="raise"),
    "warnings are errors": _numpy_warnings_are_errors,
    "float64": _default_float64,
    "inference mode": torch.inference_mode,
    "no gradients": torch.no_grad,
}
THEN = ["predict", "pickle", "fit", "warm start", "partial_fit", "failing fit"]


def _seldom(names, seldom):
    """One of the names, some of them seldom."""
    often = [name for name in names if name not in seldom]
    return st.sampled_from([*often * (1 + 9 * len(seldom) // len(often)), *seldom])


@st.composite
def descriptions(draw):
    """Any case: all is as plain as can be but for some of it."""
    is_convolutional = draw(st.integers(0, 9)) == 9
    container = draw(st.sampled_from(list(CONTAINERS)))
    options = draw(
        st.lists(st.sampled_from(list(OPTIONS)), max_size=5, unique=True).flatmap(
            lambda names: st.fixed_dictionaries({name: OPTIONS[name] for name in names})
        )
    )
    if is_convolutional:
        options |= {"architecture": "small", "image_shape": IMAGE_SHAPE}
    is_image = is_convolutional or container == "images"
    is_plain = draw(st.booleans())  # labels and samples are seldom odd at once
    return Case(
        n_samples=draw(st.sampled_from([24, 2, 3, 5, 9, 33, 40, 70])),
        n_features=16 if is_image else draw(st.integers(1, 6)),
        seed=draw(st.integers(0, 1000)),
        values=draw(st.sampled_from(list(VALUES))),
        gaps=draw(st.sampled_from(list(GAPS))) if draw(st.booleans()) else "none",
        dtype=draw(st.sampled_from(CONTAINERS[container].dtypes)),
        container=container,
        labels="int64" if is_plain else draw(st.sampled_from(list(LABELS))),
        n_classes=draw(st.integers(2, 4)),
        labeled=draw(_seldom(LABELED, ["one class", "none"])),
        weights=draw(_seldom(WEIGHTS, WRONG_WEIGHTS))
        if draw(st.booleans())
        else "none",
        class_weight=draw(st.sampled_from([None] * 6 + ["balanced", "dict"])),
        options=options,
        first=draw(st.sampled_from(["fit", "fit", "fit", "partial_fit"])),
        then=tuple(draw(st.lists(st.sampled_from(THEN), max_size=3))),
        surroundings=draw(st.sampled_from(list(SURROUNDINGS))),
    )


# ------------------------------------------------------------------------- the rules


class CountsTrainings(Callback):
    """Tells whether training began. The net has copies of it, hence of the class."""

    begun = 0

    def __repr__(self):
        return "CountsTrainings()"

    def on_train_begin(self, net, **kwargs):
        CountsTrainings.begun += 1


class Fails(Callback):
    def on_epoch_end(self, net, **kwargs):
        raise RuntimeError("a callback's own error")


# What an error may say that is right only after training has begun.
DIVERGED = "diverged|not finite|finite"


def estimator(case, classes):
    """The classifier of a case, tiny."""
    options = dict(case.options)
    if options.pop("architecture", None):
        options["architecture"] = [Conv(2, 3, "same"), MaxPool(2), Dense()]
    if options.get("class_prior") == "array":
        options["class_prior"] = np.arange(1, len(classes) + 1) / sum(
            range(1, len(classes) + 1)
        )
    class_weight = case.class_weight
    if class_weight == "dict":
        class_weight = {label: 1 + i for i, label in enumerate(classes)}
    small = dict(hidden_layer_sizes=(8,), batch_size=8, max_epochs=2, n_estimators=1)
    return LadderClassifier(
        **small
        | dict(class_weight=class_weight, random_state=case.seed)
        | dict(callbacks=[CountsTrainings()])
        | options
    )


def refusals(case, samples, labels):
    """What errors must say, of which one is right (must) or may be (may)."""
    must, may = [], []
    container, kind = CONTAINERS[case.container], labels.kind
    meaning = samples.meaning
    if np.isinf(meaning).any():
        must.append("infinity|too large")
    elif np.abs(np.nan_to_num(meaning)).max() > 1e37:
        may.append("too large|infinity|float32")
    if container.refusal:
        may.append(container.refusal)
    if container.refuses_gaps and np.isnan(meaning).any():
        may.append(container.refuses_gaps)
    if kind.refusal:
        may.append(kind.refusal)
    if case.labels == "fractions":
        must.append("[Uu]nknown label type|continuous")
    n_counts = np.unique([str(v) for v in labels.labels if v is not None]).size
    if n_counts < 2 and case.first == "fit":
        must.append("class|label")
    n_labeled = labels.labeled.sum()
    if case.weights in WRONG_WEIGHTS:
        (may if case.first == "partial_fit" else must).append("weight|samples|shape")
    if case.weights == "zero but one":
        may.append("weight|early_stopping")
    options = case.options
    may += _refusals_of_options(case, n_labeled)
    if case.first == "partial_fit":
        for name in "early_stopping", "class_prior":
            if options.get(name) not in (None, "auto"):
                may.append(name)
        if case.class_weight == "balanced":
            must.append("class_weight")
    return must, may


def _refusals_of_options(case, n_labeled):
    options, may = case.options, []
    n_layers = (
        4
        if "architecture" in options
        else 2 + np.size(options.get("hidden_layer_sizes", (8,)))
    )
    for name in "denoising_cost", "noise_std", "combinator":
        value = options.get(name)
        if isinstance(value, list) and len(value) != n_layers:
            may.append(name)
    variant, cost = options.get("variant", "full"), options.get("denoising_cost", 1.0)
    if isinstance(cost, list | float) and not np.all(
        cost
    ):  # kinds of costs switched off
        may.append("denoising_cost")
    if "virtual_adversarial" in options:
        may.append("virtual_adversarial|size")
    if options.get("early_stopping"):
        may.append("early_stopping|validation_fraction")
    if "architecture" in options and options.get("feature_scaling") in (
        "binned",
        3,
        "projected",
    ):
        may.append("feature_scaling")
    if variant == "supervised" and "denoising_cost" in options:
        may.append("denoising_cost")
    return may


def can_diverge(case, samples):
    """Whether training may fail, which then must say so."""
    options = case.options
    return (
        options.get("learning_rate", 0) >= 1
        or np.max(options.get("denoising_cost", 1)) > 100
        # which fit makes 1 on average
        or (
            "partial_fit" in (case.first, *case.then)
            and case.weights in ("huge", "very different")
        )
        or (
            options.get("feature_scaling", "auto") is None
            and np.abs(np.nan_to_num(samples.meaning)).max() > 1e3
        )
    )
