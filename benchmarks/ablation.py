"""What each design choice is worth, on rows that are not the tables' test rows.

``python -m benchmarks.ablation``: tables of which the rows in no test split of
``benchmarks.tabular`` are kept, at most 2,500, with 10 labels per class; scored are the
others. The default settings, and each time one of them changed. Some ten seconds per
setting on one thread.

``python -m benchmarks.ablation --mnist``: the quick recipe of MNIST, for 100 labels and
in fewer epochs, trained without the last 10,000 training rows, and scored on these.
Some six minutes per setting on one thread.

Settings that are done, with all parameters as they are, are skipped. All on the CPU.

Of what is known to help ladders elsewhere, an average of the weights, statistics of all
rows for prediction, a rate or denoising costs that rise, noise that comes later, and a
class layer without its cost in some updates are no parameters of the classifier, but
callbacks, measured here (`_left_out`). Labelled batches are balanced where labels are,
since they are cycled.
"""

import argparse
import time
from functools import cache

import numpy as np
import pandas as pd
import torch
from sklearn.base import clone
from sklearn.model_selection import train_test_split

from benchmarks import _data, _results
from benchmarks._left_out import (
    ClassLayerCostDropout,
    CostWarmUp,
    LearningRateWarmUp,
    NoiseLater,
    StatisticsOfAllRows,
    WeightAverage,
)
from benchmarks._preprocessing import preprocessing
from benchmarks._scores import scores
from sklearn_ladder import LadderClassifier, VirtualAdversary, recipes

TABLES = [
    "car_evaluation", "churn", "hypothyroid", "mfeat_factors", "optdigits",
    "page_blocks", "phoneme", "spambase", "titanic", "vowel", "wine_quality_red",
]  # fmt: skip
SETTINGS = {
    "default": {},
    # the same with other noise and initial weights: what is chance
    "random_state=100": {"random_state": 100},
    "variant='supervised'": {"variant": "supervised"},
    "feature_scaling='scaled'": {"feature_scaling": "scaled"},
    "feature_scaling=12": {"feature_scaling": 12},
    "n_estimators=1": {"n_estimators": 1},
    "n_estimators=3": {"n_estimators": 3},
    "n_estimators=8": {"n_estimators": 8},
    "hidden_layer_sizes=(32,)": {"hidden_layer_sizes": (32,)},
    "hidden_layer_sizes=(256, 128)": {"hidden_layer_sizes": (256, 128)},
    # the two ends of the rule for the class layer
    "denoising_cost=1": {"denoising_cost": 1.0},
    "denoising_cost=[1, 1, 1, 0]": {"denoising_cost": [1, 1, 1, 0]},
    "denoising_cost=[0.3, 0.3, 0.3, 0]": {"denoising_cost": [0.3, 0.3, 0.3, 0]},
    "denoising_cost=[3, 3, 3, 0]": {"denoising_cost": [3, 3, 3, 0]},
    "noise_std=0.15": {"noise_std": 0.15},
    "learning_rate=0.003": {"learning_rate": 0.003},
    "variant='gamma'": {"variant": "gamma"},
    "combinator='mlp'": {"combinator": "mlp"},
    "combinator='mlp-identity'": {"combinator": "mlp-identity"},
    "linear_share=0": {"linear_share": 0.0},
    "label_smoothing=0": {"label_smoothing": 0.0},
    "label_smoothing=0.1": {"label_smoothing": 0.1},
    "label_smoothing=0.2": {"label_smoothing": 0.2},
    "class_prior=None": {"class_prior": None},
    "weight_normalization=True": {"weight_normalization": True},
    "virtual_adversarial=VirtualAdversary()": {
        "virtual_adversarial": VirtualAdversary()
    },
    "statistics of all rows": {"callbacks": [StatisticsOfAllRows()]},
    "weight average": {"callbacks": [WeightAverage()]},
    "learning-rate warm-up": {"callbacks": [LearningRateWarmUp()]},
    "cost warm-up": {"callbacks": [CostWarmUp()]},
    "noise later": {"callbacks": [NoiseLater()]},
    "class layer's cost 1, dropout": {
        "denoising_cost": 1.0,
        "callbacks": [ClassLayerCostDropout()],
    },
}
MNIST_RECIPE = recipes.get("quick-mnist-100-full") | {"max_epochs": 5}
*_BELOW, _ = MNIST_RECIPE["denoising_cost"]  # but at the class layer
MNIST_SETTINGS = {
    "quick recipe": {},
    "weight_normalization=False": {"weight_normalization": False},
    "no cost at the class layer": {"denoising_cost": [*_BELOW, 0]},
    "class layer's cost 0.1": {"denoising_cost": [*_BELOW, 0.1]},
    "class layer's cost 3": {"denoising_cost": [*_BELOW, 3]},
    "class layer's cost 1, dropout": {"callbacks": [ClassLayerCostDropout()]},
    "lower costs at the bottom": {"denoising_cost": [1000, 10, 0.1, 0.1, 0.1, 0.1, 1]},
    "noise_std=0.3": {"noise_std": 0.3},
    # fewer epochs, for the same time
    "batches of 100": {"batch_size": 100, "learning_rate": 0.002, "max_epochs": 4},
    "activation='leaky_relu'": {"activation": "leaky_relu"},
    "combinator='mlp'": {"combinator": "mlp"},
    "label_smoothing=0.1": {"label_smoothing": 0.1},
    "statistics of all rows": {"callbacks": [StatisticsOfAllRows()]},
    "weight average": {"callbacks": [WeightAverage()]},
    "learning-rate warm-up": {"callbacks": [LearningRateWarmUp()]},
    "cost warm-up": {"callbacks": [CostWarmUp()]},
}
N_DRAWS, N_TEST_SPLITS, MOST_ROWS = 2, 3, 2500
MNIST_SEED = 1  # the recipe was chosen with 0


@cache
def development_rows(name, data_dir):
    """Samples of a table that are in no test split, prepared, and their classes."""
    X, y, types = _data.load_table(name, data_dir)
    codes = np.unique(y, return_inverse=True)[1]
    free = np.ones(len(y), dtype=bool)
    for seed in range(N_TEST_SPLITS):
        _, test = train_test_split(
            np.arange(len(y)), test_size=0.2, stratify=codes, random_state=seed
        )
        free[test] = False
    rows = np.random.RandomState(0).permutation(np.flatnonzero(free))[:MOST_ROWS]
    return preprocessing(types).fit_transform(X.iloc[rows]), codes[rows]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mnist", action="store_true")
    parser.add_argument("--settings", nargs="+", metavar="SETTING")
    parser.add_argument("--data-dir")
    arguments = parser.parse_args(arguments)
    if arguments.mnist:
        name, measure = "ablation-mnist", of_mnist
        base, settings, seeds = MNIST_RECIPE, MNIST_SETTINGS, [MNIST_SEED]
    else:
        name, measure = "ablation", of_tables
        base, settings = {}, SETTINGS  # changes of the defaults
        seeds = list(range(N_DRAWS))
    chosen = arguments.settings or list(settings)
    if unknown := set(chosen) - set(settings):
        parser.error(f"SETTING must be among {list(settings)}; got {unknown}")
    torch.set_num_threads(1)
    classifiers = {
        setting: LadderClassifier(**base | changed, device="cpu")
        for setting, changed in settings.items()
    }
    parameters = {
        setting: _results.as_json(clf.get_params())
        for setting, clf in classifiers.items()
    }
    for setting in chosen:
        if setting in _done(name, parameters):
            continue
        start = time.perf_counter()
        scores_of_data = measure(classifiers[setting], arguments.data_dir)
        minutes = (time.perf_counter() - start) / 60
        means = pd.DataFrame(scores_of_data).mean(axis=1).round(4)
        print(f"{setting:30s} {means.to_dict()} {minutes:.1f} min", flush=True)
        found = {"parameters": parameters[setting], "scores": scores_of_data}
        # read anew: another process may have settings of its own
        done = {"settings": _done(name, parameters, {setting: found})}
        # that for all settings, whichever this run was of
        command = "python -m benchmarks.ablation" + " --mnist" * arguments.mnist
        made = _results.provenance() | {"command": command}
        _results.write(name, {"seeds": seeds} | done | made)


def _done(name, parameters, new=None):
    """What is kept of settings that are still the same, and what is new, in order."""
    kept = (_results.read(name) or {"settings": {}})["settings"] | (new or {})
    return {
        setting: kept[setting]
        for setting, own in parameters.items()
        if setting in kept and kept[setting]["parameters"] == own
    }


def of_tables(clf, data_dir):
    """Scores by table."""
    return {
        name: mean_scores(clf, *development_rows(name, data_dir)) for name in TABLES
    }


def of_mnist(clf, data_dir):
    """Scores of the rows of MNIST that stand in for test rows."""
    X, y, _, _ = _data.load_mnist(data_dir)
    X, y, X_held_out, y_held_out = _data.hold_out_last(X, y)
    clf.set_params(random_state=MNIST_SEED)
    clf.fit(X, _data.keep_labels(y, 10, random_state=MNIST_SEED))
    return {"mnist": scores(y_held_out, clf.predict_proba(X_held_out))}


def mean_scores(clf, X, y):
    """Scores of the hidden labels of a table, means over draws of the others."""
    of_draws = []
    for draw in range(N_DRAWS):
        y_few = _data.keep_labels(y, 10, random_state=draw)
        hidden = y_few == -1
        # weights and noise are another thing than which labels there are
        random_state = draw + (clf.random_state or 0)
        fitted = clone(clf).set_params(random_state=random_state).fit(X, y_few)
        of_draws.append(scores(y[hidden], fitted.predict_proba(X[hidden])))
    return pd.DataFrame(of_draws).mean().to_dict()


if __name__ == "__main__":
    main()
