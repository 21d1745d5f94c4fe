"""Deeper codes of `LadderAutoencoder`, and noise that comes later.

``python -m benchmarks.autoencoder_depth``. Deep ladders without labels (Valpola 2014)
are said to want noise off at first. Accuracies are those of `benchmarks.autoencoder`,
on the development data alone: this chooses settings, and does not judge them. Some five
minutes on one thread.
"""

import argparse

from benchmarks import _results
from benchmarks._left_out import NoiseLater
from benchmarks.autoencoder import DEVELOPMENT, LABELS_PER_CLASS, accuracies
from sklearn_ladder import LadderAutoencoder

NAME = "autoencoder-depth"
# Widths between input and code; the first are the defaults.
DEPTHS = [(256, 128), (256, 128, 64, 64), (128,) * 6]
PARTS = [0, 0.1, 0.3]  # of the updates, without noise


def autoencoders(seed, n_features=None):
    """Autoencoders by a text for their setting, which JSON takes as a key."""
    return {
        describe(widths, part): LadderAutoencoder(
            hidden_layer_sizes=widths,
            callbacks=[NoiseLater(part)] if part else None,
            random_state=seed,
        )
        for widths in DEPTHS
        for part in PARTS
    }


def describe(widths, part):
    """Text for a setting."""
    return f"{'-'.join(map(str, widths))}, noise after {part:.0%}"


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", default=DEVELOPMENT)
    parser.add_argument("--seeds", type=int, default=4, help="number of draws")
    parser.add_argument("--data-dir")
    arguments = parser.parse_args(arguments)
    found = {}
    for name in arguments.data:
        runs = [
            accuracies(name, seed, arguments.data_dir, autoencoders, and_ladder=False)
            for seed in range(arguments.seeds)
        ]
        found[name] = {key: [run[0][key] for run in runs] for key in runs[0][0]}
        print(name, found[name], flush=True)
    result = {
        "labels_per_class": LABELS_PER_CLASS,
        "seeds": list(range(arguments.seeds)),
        "accuracy": found,
    }
    _results.write(NAME, result | _results.provenance())


if __name__ == "__main__":
    main()
