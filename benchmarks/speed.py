"""Where the time goes: ratios of each part to what it could cost at best.

Of the published MNIST network, 784-1000-500-250-250-250-10:

- a training step of the ladder and of its relatives, beside the bare matrix products of
  the ladder's step, by ``torch.mm`` and by oneDNN (ratios are to the faster one), and a
  step of the same network without decoder on as many rows;
- `fit`, beside as many bare steps; once more for a small network on digits;
- `fit` of five such small networks side by side, beside that of one;
- default fits of three tables, beside extra trees and semi-supervised methods of
  scikit-learn: see `benchmarks.default_fits`;
- `predict_proba`, beside a plain torch network of the same layers;
- the import, after that of torch and scikit-learn.

Both sides of a ratio are measured in turn within one run; medians.
``python -m benchmarks.speed``, on an otherwise idle machine.
"""

import argparse
import os
import subprocess
import sys
import time
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from sklearn.datasets import load_digits

from benchmarks import _data, _results
from benchmarks.default_fits import beside_others
from sklearn_ladder import LadderClassifier, recipes
from sklearn_ladder.callbacks import CUDAGraph
from sklearn_ladder.data._batches import LadderBatches, TrainingSamples
from sklearn_ladder.data._samples import Samples, chunk_size
from sklearn_ladder.network._products import onednn_product
from sklearn_ladder.training._step import TrainingStep

RECIPE = recipes.get("rasmus2015-mnist-100-full")
WIDTHS = (784, *RECIPE["hidden_layer_sizes"], 10)
N_CLASSES = WIDTHS[-1]
# What a step is measured of, and its recipe. Those of Shinoda et al. take three passes
# of power iteration.
MODELS = {
    "ladder": "rasmus2015-mnist-100-full",
    "Γ-model": "rasmus2015-mnist-100-gamma",
    "bottom": "rasmus2015-mnist-100-bottom",
    "VAT": "shinoda2017-mnist-100-vat",
    "LVAC": "shinoda2017-mnist-100-lvac",
    "LVAC-LW": "shinoda2017-mnist-100-lvac-lw",
    "LVAN": "shinoda2017-mnist-100-lvan",
    "LVAN-LW": "shinoda2017-mnist-100-lvan-lw",
}
FLOOR, SUPERVISED = "matrix products", "supervised, as many rows"
ONEDNN_FLOOR = "matrix products, oneDNN"
FLOORS = FLOOR, ONEDNN_FLOOR
UPDATES_PER_EPOCH = 200
SMALL = {"hidden_layer_sizes": (64, 32)}


def alternate(contenders, n_repeats, synchronize=lambda: None):
    """Median seconds of each function, called in turn; first calls do not count.

    Parameters
    ----------
    contenders : dict of str to callable
    n_repeats : int
    synchronize : callable
        Waits until the device is done.

    Returns
    -------
    dict of str to float
    """
    seconds = {name: [] for name in contenders}
    n_warm_up = 1 + n_repeats // 6
    for repeat in range(n_warm_up + n_repeats):
        for name, function in contenders.items():
            start = time.perf_counter()
            function()
            synchronize()
            if repeat >= n_warm_up:
                seconds[name].append(time.perf_counter() - start)
    return {name: float(np.median(times)) for name, times in seconds.items()}


# ---------------------------------------------------------------------- one step


def training_samples(n_samples, device):
    X = np.random.RandomState(0).uniform(size=(n_samples, WIDTHS[0]))
    X, y = X.astype(np.float32), np.arange(n_samples) % N_CLASSES
    return TrainingSamples(Samples(X), y, None, device)


def recipe_step(recipe, samples, batch_size, has_graph=False):
    """One step of the estimator's own net, plain or from a CUDA graph."""
    parameters = recipes.get(recipe) | {
        "batch_size": batch_size,
        "max_epochs": 1,
        "callbacks": [CUDAGraph()] if has_graph else None,
        "device": str(samples.device),
    }
    clf = LadderClassifier(**parameters, random_state=0)
    net = clf.fit(samples.X.cpu().numpy(), samples.y.cpu().numpy()).net_
    # what only training has
    net.training_samples_ = samples
    net.noise_generator_ = torch.Generator(net.device).manual_seed(0)
    net.notify("on_train_begin", X=samples, y=None)
    batch = next(iter(net.get_iterator(samples, training=True)))
    step = net.train_step if has_graph else TrainingStep(net)
    step(batch)
    if not has_graph and step.reason:
        print(f"{recipe}: steps by torch, because {step.reason}")
    return lambda: step(batch)


def step_times(batch_size, device, n_repeats):
    """Seconds of a step of each model, and of what they are compared with."""
    samples = training_samples(10 * batch_size, device)
    floors = {FLOOR: matrix_products(samples, batch_size, torch.mm)}
    if samples.device.type == "cpu" and torch.backends.mkldnn.is_available():
        floors[ONEDNN_FLOOR] = matrix_products(
            samples, batch_size, lambda a, b: onednn_product(a, b.T)
        )
    contenders = floors | {
        "plain supervised network": plain_step(samples, batch_size),
        SUPERVISED: recipe_step(
            "rasmus2015-mnist-100-baseline", samples, 2 * batch_size
        ),
    }
    for name, recipe in MODELS.items():
        contenders[name] = recipe_step(recipe, samples, batch_size)
    if samples.device.type == "cuda":
        contenders["ladder, CUDA graph"] = recipe_step(
            MODELS["ladder"], samples, batch_size, has_graph=True
        )
    return alternate(contenders, n_repeats, synchronization(samples.device))


def synchronization(device):
    if torch.device(device).type == "cuda":
        return torch.cuda.synchronize
    return lambda: None


def plain_step(samples, batch_size):
    """One step of a network of Linear, BatchNorm and ReLU on the labeled samples."""
    layers = []
    for n_in, n_out in pairwise(WIDTHS):
        layers += [
            torch.nn.Linear(n_in, n_out, bias=False),
            torch.nn.BatchNorm1d(n_out),
            torch.nn.ReLU(),
        ]
    network = torch.nn.Sequential(*layers[:-1]).to(samples.device)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.002, fused=True)
    batch = next(iter(LadderBatches(samples, batch_size, with_unlabeled=False)))

    def step():
        optimizer.zero_grad()
        logits = network(batch.x_labeled)
        torch.nn.functional.cross_entropy(logits, batch.y).backward()
        optimizer.step()

    return step


def matrix_products(samples, batch_size, product):
    """The products of one ladder step: forward, and backward by weights and inputs.

    Samples of the encoder: three batches (labeled, unlabeled, clean); decoder: one.
    `product` takes two matrices.
    """
    device = samples.device
    pairs = list(pairwise(WIDTHS))
    # (rows, in, out, whether the gradient by the input is needed: not for the data)
    tasks = [(3 * batch_size, n_in, n_out, n_in != WIDTHS[0]) for n_in, n_out in pairs]
    tasks += [(batch_size, n_out, n_in, True) for n_in, n_out in pairs]
    tensors = [
        (
            torch.randn(n_rows, n_in, device=device),
            torch.randn(n_out, n_in, device=device),
            torch.randn(n_rows, n_out, device=device),
            needs_input_gradient,
        )
        for n_rows, n_in, n_out, needs_input_gradient in tasks
    ]

    def products():
        for h, weight, gradient, needs_input_gradient in tensors:
            product(h, weight.T)
            product(gradient.T, h)
            if needs_input_gradient:
                product(gradient, weight)

    return products


# ------------------------------------------------------- fit and predict


def fit_times(X, y, parameters, device, n_repeats):
    """Seconds of `fit`, and of its updates in torch, where `fit` takes compiled steps.

    `y` are class codes, -1 for unlabeled samples.
    """
    clf = LadderClassifier(**parameters, device=device, random_state=0).fit(X, y)
    net = clf.net_
    scale = net.module_.scale if net.plan.n_bins else None
    samples = TrainingSamples(Samples(X), y, None, net.device, scale=scale)
    batch = next(iter(net.get_iterator(samples, training=True)))
    generator = torch.Generator(net.device).manual_seed(0)
    n_rows = len(batch.x_labeled) + len(batch.x_unlabeled)
    n_updates = len(clf.history_["epoch"]) * -(-len(X) // clf.batch_size)

    def bare_steps():
        module, optimizer = net.module_, net.optimizer_
        module.train()
        for _ in range(n_updates):
            optimizer.zero_grad()
            noise = module.draw_noise(n_rows, generator)
            passed = module.training_pass(batch.x_labeled, batch.x_unlabeled, noise)
            net.criterion_(passed, batch)["total"].backward()
            optimizer.step()

    seconds = alternate(
        {"fit": lambda: clf.fit(X, y), "its updates": bare_steps},
        n_repeats,
        synchronization(net.device),
    )
    return seconds | {"n_updates": n_updates}


def ensemble_times(device, n_repeats):
    """Seconds to fit one small network to digits, and several side by side."""
    X, y = digits_for_fit()
    parameters = SMALL | {"max_epochs": 10, "device": device, "random_state": 0}
    fits = {
        n_members: partial(
            LadderClassifier(n_estimators=n_members, **parameters).fit, X, y
        )
        for n_members in (1, 5)
    }
    return alternate(fits, n_repeats, synchronization(device))


def predict_times(device, n_repeats):
    """Seconds of `predict_proba`, and of a plain torch network for the same rows.

    The published network takes pixels as they are; once more with scaled ones.
    """
    X = np.random.RandomState(0).uniform(size=(20_000, WIDTHS[0])).astype(np.float32)
    y = np.arange(len(X)) % N_CLASSES
    parameters = {"max_epochs": 1, "variant": "supervised", "batch_size": 10_000}
    clf, scaling = (
        LadderClassifier(**RECIPE | parameters | changed, device=device).fit(X, y)
        for changed in ({}, {"feature_scaling": "scaled"})
    )
    layers = []
    for n_in, n_out in pairwise(WIDTHS):
        layers += [torch.nn.Linear(n_in, n_out), torch.nn.ReLU()]
    network = torch.nn.Sequential(*layers[:-1], torch.nn.Softmax(1)).to(clf.device_)
    n_at_once = chunk_size(max(WIDTHS))

    @torch.no_grad()
    def plain():
        parts = torch.from_numpy(X).split(n_at_once)
        return np.concatenate(
            [network(part.to(clf.device_)).cpu().numpy() for part in parts]
        )

    return alternate(
        {
            "predict_proba": lambda: clf.predict_proba(X),
            "standardizing": lambda: scaling.predict_proba(X),
            "plain network": plain,
        },
        n_repeats,
        synchronization(clf.device_),
    )


def import_seconds(n_repeats):
    """Median seconds that this import takes after those of torch and scikit-learn."""
    code = (
        "import time, torch, sklearn; start = time.perf_counter(); "
        "import sklearn_ladder; print(time.perf_counter() - start)"
    )
    # What is installed is compiled; so is this package after the first call.
    environment = dict(os.environ)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    seconds = [
        float(subprocess.check_output([sys.executable, "-c", code], env=environment))
        for _ in range(1 + n_repeats)
    ]
    return float(np.median(seconds[1:]))


def digits_for_fit():
    """Samples of digits, five of each class labeled."""
    X, y = load_digits(return_X_y=True)
    return X, _data.keep_labels(y, 5, 0)


def mnist_for_fit():
    """Random rows of the size of MNIST's, `UPDATES_PER_EPOCH` batches of 100."""
    rng = np.random.RandomState(0)
    X = rng.uniform(size=(100 * UPDATES_PER_EPOCH, WIDTHS[0])).astype(np.float32)
    return X, np.where(np.arange(len(X)) < 100, np.arange(len(X)) % N_CLASSES, -1)


def fastest_products(step):
    """Seconds of the products by the faster library."""
    return min(seconds for name, seconds in step.items() if name in FLOORS)


def compared(step):
    """Of each model: name, seconds, and times the floor, the ladder and supervised."""
    others = [fastest_products(step), step["ladder"], step[SUPERVISED]]
    for name, seconds in step.items():
        yield name, seconds, *(seconds / other for other in others)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    device, n_repeats = arguments.device, arguments.repeats
    result = {
        "step": {
            batch_size: step_times(batch_size, device, n_repeats)
            for batch_size in (100, 500)
        },
        "fit": {
            "784-1000-500-250-250-250-10": fit_times(
                *mnist_for_fit(),
                RECIPE | {"max_epochs": 5},
                device,
                3 + n_repeats // 10,
            ),
            "digits, 64-64-32-10": fit_times(
                *digits_for_fit(),
                SMALL | {"max_epochs": 56},
                *(device, 3 + n_repeats // 10),
            ),
        },
        "default fits": beside_others(3 + n_repeats // 10),
        "ensemble": ensemble_times(device, 1 + n_repeats // 4),
        "predict": predict_times(device, 1 + n_repeats // 2),
        "import": import_seconds(n_repeats),
    }
    for batch_size, step in result["step"].items():
        print(f"a step, {batch_size} + {batch_size} rows")
        for name, seconds, of_floor, of_ladder, of_supervised in compared(step):
            print(
                f"  {name:26s}{1e3 * seconds:8.1f} ms{of_floor:6.2f} x the products"
                f"{of_ladder:6.2f} x the ladder{of_supervised:6.2f} x supervised"
            )
    for name, times in result["fit"].items():
        print(
            f"fit, {name}: {times['fit']:.2f} s for {times['n_updates']} updates, "
            f"{times['fit'] / times['its updates']:.2f} x its updates in torch"
        )
    for table, methods in result["default fits"].items():
        print(f"default fits, {table}, 10 labels per class")
        for name, found in methods.items():
            print(f"  {name:30s}{found['seconds']:8.2f} s{found['accuracy']:8.3f}")
    one, five = result["ensemble"].values()
    print(f"fit of 5 networks, digits, 64-64-32-10: {five / one:.2f} x that of one")
    times = result["predict"]
    print(
        f"predict_proba of 20,000 rows: {times['predict_proba']:.2f} s, "
        f"{times['predict_proba'] / times['plain network']:.2f} x a plain network; "
        f"of scaled features {times['standardizing']:.2f} s"
    )
    print(f"import: {result['import']:.3f} s after torch and scikit-learn")
    path = _results.write(
        f"speed-{torch.device(device).type}",
        {"seeds": [0]} | result | _results.provenance(),
    )
    print(f"written to {path.name}")


if __name__ == "__main__":
    main()
