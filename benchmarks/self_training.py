"""MNIST in minutes: the quick recipes, and what self-training adds to them.

``python -m benchmarks.self_training --labels 100 --seeds 0 1 2`` trains
``recipes.get("quick-mnist-100-full")``, then in rounds goes on with pseudo-labels: the
predictions it is sure of (Lee, "Pseudo-Label", 2013). Some 8 minutes on one thread, and
3 for each round.

With ``--protocol team`` four networks begin with the same labels, and two go on: those
that agree most with the mean of all. Predictions are the networks' mean, pseudo-labels,
too; from the second round on, label spreading decides where they disagree. What one
network by bad luck takes for another class, as some do crossed sevens for fours, its
own pseudo-labels would only confirm. With ``--protocol pair`` two networks begin, with
more epochs, and both go on. Two processes, half an hour.

Each seed is written to ``benchmarks/results`` as soon as it is done. After each round
the networks are kept in ``--checkpoint-dir``, from where a killed run goes on, and one
that is done where more ``--rounds`` are asked for.

Test labels are looked at when all rounds are done. With ``--validate`` the last 10,000
of the training rows stand in for test rows. On these, with 100 labels drawn by seed 0,
all settings were chosen; those of the team on hidden labels of training rows, with 50
labels drawn by seeds 1 to 4; those of the pair on none, but on what there was time for.
"""

import argparse
import pickle
import time
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed
from sklearn.decomposition import PCA
from sklearn.semi_supervised import LabelSpreading

from benchmarks import _data, _results
from benchmarks.published import CHECKPOINTS
from sklearn_ladder import LadderClassifier, recipes

# Probability above which a prediction is taken for a label.
THRESHOLD = 0.99
# Share of its neighbours' labels above which a row gets that label.
SPREAD_THRESHOLD = 0.9
# A row is its own first neighbour.
SPREADING = {"kernel": "knn", "n_neighbors": 6, "alpha": 0.5, "n_jobs": -1}
N_COMPONENTS = 50
ROUND = {"max_epochs": 4, "learning_rate": 0.004, "decay_start": 0}


class Protocol(NamedTuple):
    """How many networks are trained, and for how long.

    Parameters
    ----------
    n_starts : int
        Networks that are trained by the recipe.
    n_members : int
        Of these, networks that go on: trained at the same time, a process each.
    start : dict
        Parameters of the recipe that are other ones.
    n_rounds : int
        As many as half an hour on two cores has room for.
    """

    n_starts: int
    n_members: int
    start: dict
    n_rounds: int


PROTOCOLS = {
    "one": Protocol(1, 1, {}, 11),
    "team": Protocol(4, 2, {"max_epochs": 5}, 5),
    "pair": Protocol(2, 2, {"max_epochs": 20}, 8),
}


def with_pseudo_labels(y, probas):
    """Labels, and the networks' mean for those unlabeled rows that it is sure of.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        Class codes; -1 where there is no label.
    probas : ndarray of shape (n_members, n_rows, n_classes)

    Returns
    -------
    ndarray of shape (n_rows,)
    """
    proba = probas.mean(axis=0)
    is_sure = (y == -1) & (proba.max(axis=1) > THRESHOLD)
    return np.where(is_sure, proba.argmax(axis=1), y)


def settled(X, labels, probas):
    """Labels, and more of them for rows that networks disagree on.

    Label spreading (Zhou et al. 2004) from the rows that have a label decides between
    the networks. It goes by the distance of pixels: of single rows it knows less than
    the networks do, of whole styles of a digit more.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    labels : ndarray of shape (n_rows,)
        Class codes; -1 where there is no label.
    probas : ndarray of shape (n_members, n_rows, n_classes)

    Returns
    -------
    ndarray of shape (n_rows,)
    """
    votes = probas.argmax(axis=2)
    is_disputed = (labels == -1) & (votes != votes[0]).any(axis=0)
    if not is_disputed.any():
        return labels
    neighbours = PCA(N_COMPONENTS, random_state=0).fit_transform(X)
    spread = LabelSpreading(**SPREADING).fit(neighbours, labels).label_distributions_
    found = spread.argmax(axis=1)
    is_settled = (spread.max(axis=1) > SPREAD_THRESHOLD) & (votes == found).any(axis=0)
    return np.where(is_disputed & is_settled, found, labels)


def most_agreeing(networks, probas, n_members):
    """The networks whose predictions are most often those of the mean of all.

    Parameters
    ----------
    networks : list
    probas : ndarray of shape (n_members, n_rows, n_classes)
        Of each of them.
    n_members : int
        How many are wanted.

    Returns
    -------
    list
        In the order they came in.
    """
    found = probas.mean(axis=0).argmax(axis=1)
    agreement = (probas.argmax(axis=2) == found).mean(axis=1)
    return [networks[number] for number in np.sort(np.argsort(agreement)[-n_members:])]


class Stage(NamedTuple):
    """What there is after the recipe, and after each round.

    Parameters
    ----------
    networks : list of LadderClassifier
        Those that go on.
    probas : ndarray of shape (n_members, n_rows, n_classes)
        Of training rows, of each network that was just trained.
    predictions : ndarray of shape (n_test_rows,)
        Classes of test rows, by the mean of these networks.
    """

    networks: list
    probas: np.ndarray
    predictions: np.ndarray


def fit_and_predict(clf, X, y, X_test):
    """The fitted classifier, and probabilities of both sets of rows."""
    clf.fit(X, y)
    return clf, clf.predict_proba(X), clf.predict_proba(X_test)


def train(networks, n_members, X, y, X_test):
    """Train all networks, as many at a time as go on from here."""
    # not by a file, from which rows would be read batch by batch
    parallel = Parallel(n_jobs=n_members, max_nbytes=None)
    networks, probas, test_probas = zip(
        *parallel(delayed(fit_and_predict)(clf, X, y, X_test) for clf in networks),
        strict=True,
    )
    probas = np.array(probas)
    return Stage(
        most_agreeing(networks, probas, n_members),
        probas,
        np.mean(test_probas, axis=0).argmax(axis=1),
    )


def stages(stage, settings, X, y_few, X_test):
    """Train by the recipe, where there is no stage yet, then round by round, endlessly.

    Parameters
    ----------
    stage : Stage or None
    settings : dict
    X, X_test : ndarray of shape (n_rows, n_features)
    y_few : ndarray of shape (n_rows,)

    Yields
    ------
    Stage
    """
    n_members = settings["n_members"]
    if stage is None:
        networks = [
            LadderClassifier(
                **settings["parameters"],
                warm_start=True,
                # not the number itself, by which each round would draw the same noise
                random_state=np.random.RandomState(settings["seed"] + 1000 * number),
            )
            for number in range(settings["n_starts"])
        ]
        stage = train(networks, n_members, X, y_few, X_test)
        yield stage
    while True:
        labels = with_pseudo_labels(y_few, stage.probas)
        # networks that begin disagree on too much that is no style of a digit
        if len(stage.probas) == n_members:
            labels = settled(X, labels, stage.probas)
        networks = [clf.set_params(**settings["round"]) for clf in stage.networks]
        stage = train(networks, n_members, X, labels, X_test)
        yield stage


def run(path, settings, X, y_few, X_test, n_rounds):
    """Train, and predict test rows after each round.

    Parameters
    ----------
    path : Path
        Where the networks are kept, with their predictions so far.
    settings : dict
        Of the run. A file that is of another one is not taken.
    X, X_test : ndarray of shape (n_rows, n_features)
    y_few : ndarray of shape (n_rows,)
    n_rounds : int

    Returns
    -------
    last : Stage
    predictions : list of ndarray
        Classes of the test rows, after the recipe and after each round.
    minutes : list of float
        Since the start.
    """
    last, predictions, minutes = None, [], []
    if path.exists():
        kept = pickle.loads(path.read_bytes())
        if kept["settings"] == settings:
            last, predictions, minutes = (
                kept[name] for name in ("last", "predictions", "minutes")
            )
    start = time.perf_counter() - 60 * max(minutes, default=0)
    n_left = max(n_rounds + 1 - len(predictions), 0)
    for stage in islice(stages(last, settings, X, y_few, X_test), n_left):
        last = stage
        minutes.append(round((time.perf_counter() - start) / 60, 2))
        predictions.append(stage.predictions)
        state = {"last": stage, "predictions": predictions, "minutes": minutes}
        with _results.replacing(path) as partial:
            partial.write_bytes(pickle.dumps({"settings": settings} | state))
        print(f"{path.stem}: {len(minutes) - 1} rounds, {minutes[-1]} min", flush=True)
    return last, predictions, minutes


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--labels", type=int, default=100, choices=[50, 100])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--protocol", default="one", choices=PROTOCOLS)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--validate", action="store_true")
    parser.add_argument("--data-dir")
    parser.add_argument("--checkpoint-dir", type=Path, default=CHECKPOINTS)
    arguments = parser.parse_args(arguments)
    X, y, X_test, y_test = _data.load_mnist(arguments.data_dir)
    if arguments.validate:
        X, y, X_test, y_test = _data.hold_out_last(X, y)
    recipe = f"quick-mnist-{arguments.labels}-full"
    protocol = PROTOCOLS[arguments.protocol]
    n_rounds = protocol.n_rounds if arguments.rounds is None else arguments.rounds
    for seed in arguments.seeds:
        name = f"self-training-mnist-{arguments.labels}-{arguments.protocol}-{seed}"
        if arguments.validate:
            name += "-validation"
        settings = _results.as_json(
            {
                "recipe": recipe,
                "seed": seed,
                "parameters": recipes.get(recipe) | protocol.start,
                "n_starts": protocol.n_starts,
                "n_members": protocol.n_members,
                "round": ROUND,
                "noise_of_each_round": "its own",
                "threshold": THRESHOLD,
                "spreading": SPREADING
                | {"n_components": N_COMPONENTS, "threshold": SPREAD_THRESHOLD},
            }
        )
        done = _results.read(name)
        if (
            done is not None
            and settings.items() <= done.items()
            and len(done["minutes"]) > n_rounds
        ):
            continue
        last, predictions, minutes = run(
            arguments.checkpoint_dir / f"{name}.pickle",
            settings,
            X,
            _data.keep_labels(y, arguments.labels // 10, seed),
            X_test,
            n_rounds,
        )
        errors = [
            round(100 * float(np.mean(found != y_test)), 3) for found in predictions
        ]
        print(f"{name}: {errors} %", flush=True)
        result = {
            "error_percent": errors,
            "minutes": minutes,
            "device": last.networks[0].device_,
        }
        _results.write(name, settings | result | _results.provenance())


if __name__ == "__main__":
    main()
