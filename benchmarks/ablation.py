"""What each design choice is worth, on rows that no other benchmark tests on.

``python -m benchmarks.ablation``: tables of which the rows in no test split of
``benchmarks.tabular`` are kept, at most 2,500, with 10 labels per class; scored are the
others. The default settings, and each time one of them changed. Some three minutes per
setting on one thread; those that are done are skipped.

Of what is known to help ladders elsewhere, an average of the weights, denoising costs
that rise, and a class layer without its cost in some updates are no parameters of the
classifier, but callbacks, measured here (`_left_out`). Labelled batches are balanced
where labels are, since they are cycled.
"""

import argparse
import time

import numpy as np
import pandas as pd
import torch
from sklearn.model_selection import train_test_split

from benchmarks import _results
from benchmarks._data import keep_labels, load_table
from benchmarks._left_out import ClassLayerCostDropout, CostWarmUp, WeightAverage
from benchmarks._scores import scores
from benchmarks._tabular_run import preprocessing
from sklearn_ladder import LadderClassifier

TABLES = [
    "car_evaluation", "churn", "hypothyroid", "mfeat_factors", "optdigits",
    "page_blocks", "phoneme", "spambase", "titanic", "vowel", "wine_quality_red",
]  # fmt: skip
SETTINGS = {
    "default": {},
    "variant='supervised'": {"variant": "supervised"},
    "n_ensemble=5": {"n_ensemble": 5},
    # the two ends of the rule for the class layer
    "denoising_cost=1": {"denoising_cost": 1.0},
    "denoising_cost=[1, 1, 1, 0]": {"denoising_cost": [1, 1, 1, 0]},
    "denoising_cost=[0.3, 0.3, 0.3, 0]": {"denoising_cost": [0.3, 0.3, 0.3, 0]},
    "denoising_cost=[3, 3, 3, 0]": {"denoising_cost": [3, 3, 3, 0]},
    "max_epochs=80": {"max_epochs": 80},
    "noise_std=0.15": {"noise_std": 0.15},
    "noise_std=0.5": {"noise_std": 0.5},
    "learning_rate=0.003": {"learning_rate": 0.003},
    "variant='gamma'": {"variant": "gamma"},
    "combinator='mlp'": {"combinator": "mlp"},
    "entropy_cost=0.1": {"entropy_cost": 0.1},
    "label_smoothing=0": {"label_smoothing": 0.0},
    "label_smoothing=0.2": {"label_smoothing": 0.2},
    "class_prior=None": {"class_prior": None},
    "weight_normalization=True": {"weight_normalization": True},
    "virtual_adversarial='cost'": {"virtual_adversarial": "cost"},
    "weight average": {"callbacks": [WeightAverage()]},
    "cost warm-up": {"callbacks": [CostWarmUp()]},
    "class layer's cost 1, dropout": {
        "denoising_cost": 1.0,
        "callbacks": [ClassLayerCostDropout()],
    },
}
N_DRAWS, N_TEST_SPLITS, MOST_ROWS = 2, 3, 2500


def development_rows(name, data_dir):
    """Rows of a table that are in no test split, prepared, and their classes."""
    X, y, types = load_table(name, data_dir)
    codes = np.unique(y, return_inverse=True)[1]
    free = np.ones(len(y), dtype=bool)
    for seed in range(N_TEST_SPLITS):
        _, test = train_test_split(
            np.arange(len(y)), test_size=0.2, stratify=codes, random_state=seed
        )
        free[test] = False
    rows = np.random.RandomState(0).permutation(np.flatnonzero(free))[:MOST_ROWS]
    return preprocessing(types).fit_transform(X.iloc[rows]), codes[rows]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=SETTINGS)
    parser.add_argument("--data-dir")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    tables = {name: development_rows(name, arguments.data_dir) for name in TABLES}
    result = _results.read("ablation") or {"scores": {}}
    for setting in arguments.settings:
        if setting in result["scores"]:
            continue
        start = time.perf_counter()
        of_tables = {
            name: mean_scores(X, y, SETTINGS[setting])
            for name, (X, y) in tables.items()
        }
        minutes = (time.perf_counter() - start) / 60
        means = pd.DataFrame(of_tables).mean(axis=1).round(4)
        print(f"{setting:30s} {means.to_dict()} {minutes:.1f} min", flush=True)
        result["scores"][setting] = of_tables
        _results.write("ablation", result | _results.provenance())


def mean_scores(X, y, parameters):
    """Scores of the hidden labels of a table, means over draws of the others."""
    of_draws = []
    for draw in range(N_DRAWS):
        y_few = keep_labels(y, 10, random_state=draw)
        hidden = y_few == -1
        clf = LadderClassifier(random_state=draw, **parameters).fit(X, y_few)
        of_draws.append(scores(y[hidden], clf.predict_proba(X[hidden])))
    return pd.DataFrame(of_draws).mean().to_dict()


if __name__ == "__main__":
    main()
