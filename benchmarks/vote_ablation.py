"""Which members the default vote should have, on rows that are not the test samples.

``python -m benchmarks.vote_ablation``: the development rows of `benchmarks.ablation` of
every table, 10 labels per class, three draws. Each member is fitted once a draw, the
ladder without class prior. Then the members' probabilities, and their means, are scored
without class prior, with one by EM for each member before the mean, and with one by EM
after the mean. Some fifteen minutes on one thread.

``python -m benchmarks.vote_ablation --weights``: whether weights learned from labeled
folds beat those of the default vote, with 10 and 50 labels per class, one draw of six
tables. The weights minimize the log-loss of out-of-fold probabilities. Some ten
minutes.
"""

import argparse
import time
import warnings

import numpy as np
import pandas as pd
import torch
from scipy.optimize import minimize
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from benchmarks import _data, _results
from benchmarks._scores import scores
from benchmarks.ablation import TABLES, development_rows
from sklearn_ladder import LadderClassifier
from sklearn_ladder._class_prior import adjust, class_shares, estimate_class_prior
from sklearn_ladder.model_selection import LabeledStratifiedKFold

LABELS, N_DRAWS, N_FOLDS = 10, 3, 3
# Features of the development rows are scaled already.
MEMBERS = {
    "ladder": lambda seed: LadderClassifier(
        class_prior=None, random_state=seed, device="cpu"
    ),
    "rf": lambda seed: RandomForestClassifier(random_state=seed),
    "et": lambda seed: ExtraTreesClassifier(random_state=seed),
    "lr": lambda seed: LogisticRegression(C=0.1, max_iter=1000),
    "lr C=1": lambda seed: LogisticRegression(max_iter=1000),
}
VOTES = [
    *([name] for name in MEMBERS),
    ["ladder", "rf"],
    ["ladder", "et"],
    ["ladder", "lr"],
    ["rf", "et"],
    ["rf", "et", "lr"],
    ["ladder", "rf", "et"],
    ["ladder", "rf", "et", "lr"],
    ["ladder", "rf", "et", "lr C=1"],
    ["ladder", "ladder", "rf", "et"],
    ["ladder", "ladder", "rf", "et", "lr"],
]
WEIGHTED = ["ladder", "rf", "et", "lr"]
FIXED_WEIGHTS = {"default": [2, 1, 1, 0], "equal": [1, 1, 1, 1]}
# Below this a probability counts as this, so that one sure error does not decide.
SMALLEST_PROBABILITY = 1e-3


def member_proba(name, seed, X, y_few, rows):
    """Class probabilities of some rows, by a member fitted to the labels there are."""
    fit_to = slice(None) if name == "ladder" else y_few != -1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of convergence
        clf = MEMBERS[name](seed).fit(X[fit_to], y_few[fit_to])
    return clf.predict_proba(X[rows]).astype(float)


def with_class_prior(proba, y_few):
    """Probabilities of the unlabeled rows with their class prior by EM."""
    n_labels = np.count_nonzero(y_few != -1)
    shares = class_shares(y_few, proba.shape[1])
    return adjust(proba, estimate_class_prior(proba, shares, n_labels) / shares)


def votes_of_draw(X, y, draw):
    """Scores of each vote and each treatment of the class prior."""
    y_few = _data.keep_labels(y, LABELS, random_state=draw)
    hidden = y_few == -1
    probas = {name: member_proba(name, draw, X, y_few, hidden) for name in MEMBERS}
    adjusted = {name: with_class_prior(proba, y_few) for name, proba in probas.items()}
    found = {}
    for members in VOTES:
        name = " + ".join(members)
        mean = np.mean([probas[member] for member in members], axis=0)
        treatments = {"none": mean, "EM after the mean": with_class_prior(mean, y_few)}
        if len(members) > 1:
            treatments["EM of each member"] = np.mean(
                [adjusted[member] for member in members], axis=0
            )
        for prior, proba in treatments.items():
            found[f"{name}; {prior}"] = scores(y[hidden], proba)
    return found


def learned_weights(probas, codes):
    """Weights of the members, positive and of sum 1, of least log-loss.

    Parameters
    ----------
    probas : ndarray of shape (n_members, n_rows, n_classes)
        Out-of-fold probabilities of labeled rows.
    codes : ndarray of shape (n_rows,)
    """
    of_truth = probas[:, np.arange(len(codes)), codes]

    def log_loss(logits):
        weights = np.exp(logits - logits.max())
        mean = weights @ of_truth / weights.sum()
        return -np.log(mean.clip(SMALLEST_PROBABILITY)).mean()

    logits = minimize(log_loss, np.zeros(len(probas)), method="Nelder-Mead").x
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()


def weights_of_draw(X, y, n_per_class):
    """Scores of the mean with fixed and with learned weights, and these."""
    y_few = _data.keep_labels(y, n_per_class, random_state=0)
    hidden = y_few == -1
    counts = np.bincount(y_few[~hidden])
    folds = LabeledStratifiedKFold(
        min(N_FOLDS, counts.min()), shuffle=True, random_state=0
    )
    out_of_fold, codes = [], []
    for train, test in folds.split(X, y_few):
        y_train = np.full(len(y), -1)
        y_train[train] = y_few[train]
        out_of_fold.append(
            [member_proba(name, 0, X, y_train, test) for name in WEIGHTED]
        )
        codes.append(y_few[test])
    weights = learned_weights(
        np.concatenate(out_of_fold, axis=1), np.concatenate(codes)
    )
    probas = [member_proba(name, 0, X, y_few, hidden) for name in WEIGHTED]
    found = {
        name: scores(y[hidden], with_class_prior(np.average(probas, 0, each), y_few))
        for name, each in (FIXED_WEIGHTS | {"learned": weights}).items()
    }
    return found | {
        "weights": dict(zip(WEIGHTED, weights.round(3).tolist(), strict=True))
    }


def means_over_draws(of_draws):
    """Scores of each vote, means over draws."""
    return {
        vote: pd.DataFrame([found[vote] for found in of_draws])
        .mean()
        .round(5)
        .to_dict()
        for vote in of_draws[0]
    }


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", action="store_true")
    parser.add_argument("--data-dir")
    arguments = parser.parse_args(arguments)
    torch.set_num_threads(1)
    name = "vote-weights" if arguments.weights else "vote-ablation"
    tables = TABLES[:6] if arguments.weights else _data.table_names(arguments.data_dir)
    done = (_results.read(name) or {"scores": {}})["scores"]
    for table in tables:
        if table in done:
            continue
        start = time.perf_counter()
        X, y = development_rows(table, arguments.data_dir)
        with threadpool_limits(1):
            if arguments.weights:
                done[table] = {
                    f"{n_per_class} labels per class": weights_of_draw(
                        X, y, n_per_class
                    )
                    for n_per_class in (10, 50)
                }
            else:
                done[table] = means_over_draws(
                    [votes_of_draw(X, y, draw) for draw in range(N_DRAWS)]
                )
        print(f"{table}: {time.perf_counter() - start:.0f} s", flush=True)
        settings = {"labels_per_class": LABELS, "draws": N_DRAWS}
        if arguments.weights:
            settings = {"labels_per_class": [10, 50], "draws": 1, "folds": N_FOLDS}
        _results.write(name, settings | {"scores": done} | _results.provenance())
    print((weight_table if arguments.weights else vote_table)(done).to_string())


def vote_table(done):
    """Means over tables, and mean ranks of the log-loss."""
    frame = pd.DataFrame(
        {(table, vote): s for table, found in done.items() for vote, s in found.items()}
    ).T
    means = frame.groupby(level=1).mean()
    ranks = frame.groupby(level=0).rank(ascending=False).groupby(level=1).mean()
    means["rank (accuracy)"] = ranks["accuracy"]
    means["rank (balanced)"] = ranks["balanced_accuracy"]
    means["rank (log-loss)"] = 1 + len(means) - ranks["log_loss"]
    return means.sort_values("log_loss").round(4)


def weight_table(done):
    """Means over tables of the scores with fixed and with learned weights."""
    return (
        pd.DataFrame(
            {
                (labels, table, weights): found[labels][weights]
                for table, found in done.items()
                for labels in found
                for weights in [*FIXED_WEIGHTS, "learned"]
            }
        )
        .T.groupby(level=[0, 2])
        .mean()
        .round(4)
    )


if __name__ == "__main__":
    main()
