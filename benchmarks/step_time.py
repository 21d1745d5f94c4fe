"""Time of one training step of the published MNIST network.

Beside the ladder's step stand the bare matrix products of such a step (the floor), the
step of a plain supervised network with the same layers, and those of the ladder's
relatives. All are measured in turn within one run; medians.
``python -m benchmarks.step_time``
"""

import argparse
import time
from itertools import pairwise

import numpy as np
import torch

from benchmarks import _results
from sklearn_ladder import LadderClassifier, recipes
from sklearn_ladder._batches import LadderBatches, TrainingRows
from sklearn_ladder._rows import Rows

RECIPE = recipes.get("rasmus2015-mnist-100-full")
WIDTHS = (784, *RECIPE["hidden_layer_sizes"], 10)
N_CLASSES = WIDTHS[-1]
# What a step is measured of, and its recipe. Those of Shinoda et al. take three passes
# of power iteration.
MODELS = {
    "ladder": "rasmus2015-mnist-100-full",
    "Γ-model": "rasmus2015-mnist-100-gamma",
    "bottom": "rasmus2015-mnist-100-bottom",
    "supervised (labelled rows alone)": "rasmus2015-mnist-100-baseline",
    "VAT": "shinoda2017-mnist-100-vat",
    "LVAC": "shinoda2017-mnist-100-lvac",
    "LVAC-LW": "shinoda2017-mnist-100-lvac-lw",
    "LVAN": "shinoda2017-mnist-100-lvan",
    "LVAN-LW": "shinoda2017-mnist-100-lvan-lw",
}


def recipe_step(recipe, rows, batch_size):
    """One step of the estimator's own net."""
    parameters = recipes.get(recipe) | {
        "batch_size": batch_size,
        "device": str(rows.device),
    }
    clf = LadderClassifier(**parameters)
    net = clf._make_net(
        rows.X,
        scaler=None,
        seeds=[0, 0],
        image_shape=None,
        class_bias=np.zeros(N_CLASSES),
    )
    net.notify("on_train_begin", X=rows, y=None)
    batch = next(iter(net.get_iterator(rows, training=True)))
    return lambda: net.train_step(batch)


def plain_step(rows, batch_size):
    """One step of a network of Linear, BatchNorm and ReLU on the labelled rows."""
    layers = []
    for n_in, n_out in pairwise(WIDTHS):
        layers += [
            torch.nn.Linear(n_in, n_out, bias=False),
            torch.nn.BatchNorm1d(n_out),
            torch.nn.ReLU(),
        ]
    network = torch.nn.Sequential(*layers[:-1]).to(rows.device)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.002, fused=True)
    batch = next(iter(LadderBatches(rows, batch_size, with_unlabeled=False)))

    def step():
        optimizer.zero_grad()
        logits = network(batch.x_labeled)
        torch.nn.functional.cross_entropy(logits, batch.y).backward()
        optimizer.step()

    return step


def matrix_products(rows, batch_size):
    """The products of one ladder step: forward, and backward by weights and inputs.

    Rows of the encoder: three batches (labelled, unlabelled, clean); decoder: one.
    """
    device = rows.device
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
            torch.mm(h, weight.T)
            torch.mm(gradient.T, h)
            if needs_input_gradient:
                torch.mm(gradient, weight)

    return products


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=60)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()

    rng = np.random.RandomState(0)
    n_rows = 10 * arguments.batch_size
    X = rng.uniform(size=(n_rows, WIDTHS[0])).astype(np.float32)
    rows = TrainingRows(Rows(X), np.arange(n_rows) % 10, None, arguments.device)
    contenders = {
        "matrix products": matrix_products(rows, arguments.batch_size),
        "plain supervised network": plain_step(rows, arguments.batch_size),
    } | {
        name: recipe_step(recipe, rows, arguments.batch_size)
        for name, recipe in MODELS.items()
    }
    seconds = {name: [] for name in contenders}
    for _ in range(arguments.repeats):
        for name, step in contenders.items():
            start = time.perf_counter()
            step()
            if rows.X.is_cuda:
                torch.cuda.synchronize()
            seconds[name].append(time.perf_counter() - start)

    warm = slice(arguments.repeats // 6, None)
    median = {name: 1e3 * float(np.median(s[warm])) for name, s in seconds.items()}
    for name, milliseconds in median.items():
        print(
            f"{name:34s}{milliseconds:7.1f} ms"
            f"{milliseconds / median['matrix products']:6.2f} x the matrix products"
            f"{milliseconds / median['ladder']:6.2f} x the ladder"
        )
    result = {"batch_size": arguments.batch_size, "median_milliseconds": median}
    path = _results.write(
        f"step_time-{arguments.batch_size}-{torch.device(arguments.device).type}",
        result | _results.provenance(),
    )
    print(f"written to {path.name}")


if __name__ == "__main__":
    main()
