"""Permutation-invariant MNIST with few labels: the published networks.

``python -m benchmarks.mnist --labels 100 --seeds 3`` trains the full ladder on a
shortened schedule; ``--epochs 150 --decay-start 0.667`` is the published one. Settings
are those of Rasmus et al. 2015; only the schedule is ours. Test rows are looked at once
per fit, when it has ended. With ``--validate`` 10,000 of the training rows stand in for
them, for the choice of settings.

Each seed is written as soon as it is done; a killed run goes on after the last one.
"""

import argparse
import time

import numpy as np
from skorch.callbacks import Callback

from benchmarks import _data, _results
from sklearn_ladder import LadderClassifier

HIDDEN = (1000, 500, 250, 250, 250)
N_TRAINING_ROWS = 60_000

# Rasmus et al. 2015, by number of labels; input layer first.
FULL = {
    50: {"denoising_cost": [2000, 20] + [0.1] * 5},
    100: {"denoising_cost": [1000, 10] + [0.1] * 5},
    1000: {
        "denoising_cost": [2000, 20] + [0.1] * 5,
        "noise_std": [0.3] + [0.2] * 6,
    },
    N_TRAINING_ROWS: {"denoising_cost": [1000, 1] + [0.01] * 5},
}
GAMMA = {100: 0.5, 1000: 10, N_TRAINING_ROWS: 2}
BOTTOM = {100: 5000, 1000: 2000, N_TRAINING_ROWS: 2000}
PUBLISHED = {
    "full": FULL,
    "gamma": {n: {"denoising_cost": cost} for n, cost in GAMMA.items()},
    "bottom": {n: {"denoising_cost": cost} for n, cost in BOTTOM.items()},
    "supervised": {
        n: {"noise_std": [0.3] + [0.5] * 6} for n in (100, 1000, N_TRAINING_ROWS)
    },
}


class Progress(Callback):
    """Prints a line per epoch, with the time left for all fits.

    Parameters
    ----------
    n_epochs : int
        Of one fit.
    n_fits_after : int
        Number of fits still to come after this one.
    """

    def __init__(self, n_epochs, n_fits_after):
        self.n_epochs = n_epochs
        self.n_fits_after = n_fits_after

    def on_train_begin(self, net, **kwargs):
        self.start_ = time.monotonic()

    def on_epoch_end(self, net, **kwargs):
        epoch = len(net.history)
        left = self.n_epochs * (1 + self.n_fits_after) - epoch
        minutes = (time.monotonic() - self.start_) / epoch * left / 60
        print(
            f"  epoch {epoch}/{self.n_epochs}  cost {net.history[-1, 'train_loss']:.3f}"
            f"  {minutes:.1f} min left",
            flush=True,
        )


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--variant", choices=PUBLISHED, default="full")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds, from 0")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--decay-start", type=float, default=0.5)
    parser.add_argument("--validate", action="store_true")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--data-dir")
    arguments = parser.parse_args()
    if arguments.labels not in PUBLISHED[arguments.variant]:
        parser.error(
            f"--labels must be one of {list(PUBLISHED[arguments.variant])} for "
            f"--variant {arguments.variant}; got {arguments.labels}"
        )
    return arguments


def main():
    arguments = parse_arguments()
    X, y, X_test, y_test = _data.load_mnist(arguments.data_dir)
    if arguments.validate:
        X, y, X_test, y_test = X[:50_000], y[:50_000], X[50_000:], y[50_000:]
    parameters = PUBLISHED[arguments.variant][arguments.labels] | {
        "hidden_layer_sizes": HIDDEN,
        "variant": arguments.variant,
        "standardize": False,
        "batch_statistics": "separate",
        "learning_rate": 0.002,
        "max_epochs": arguments.epochs,
        "decay_start": arguments.decay_start,
        "device": arguments.device,
    }
    name = f"mnist-{arguments.labels}-{arguments.variant}-{arguments.epochs}epochs" + (
        "-validation" if arguments.validate else ""
    )
    result = _results.read(name)
    if result is None or result["parameters"] != _as_json(parameters):
        result = {"parameters": _as_json(parameters), "runs": []}

    for seed in range(len(result["runs"]), arguments.seeds):
        print(f"seed {seed}", flush=True)
        y_few = _data.keep_labels(y, arguments.labels // 10, seed)
        progress = Progress(arguments.epochs, arguments.seeds - 1 - seed)
        clf = LadderClassifier(**parameters, random_state=seed, callbacks=[progress])
        start = time.monotonic()
        clf.fit(X, y_few)
        run = {
            "seed": seed,
            "fit_seconds": round(time.monotonic() - start, 1),
            "error_percent": round(100 * (1 - clf.score(X_test, y_test)), 3),
        }
        print(run, flush=True)
        result["runs"].append(run)
        errors = [run["error_percent"] for run in result["runs"]]
        result |= _results.provenance() | {
            "mean_error_percent": round(float(np.mean(errors)), 3),
            "std_error_percent": round(float(np.std(errors)), 3),
        }
        _results.write(name, result)
    print(
        f"error {result['mean_error_percent']:.2f} ± {result['std_error_percent']:.2f} "
        f"% over {len(result['runs'])} seeds"
    )


def _as_json(parameters):
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in parameters.items()
    }


if __name__ == "__main__":
    main()
