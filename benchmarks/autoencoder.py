"""The code of `LadderAutoencoder` before a logistic regression, against PCA.

``python -m benchmarks.autoencoder``. Half of the samples are for training, without
labels but for a few of each class; accuracy is that on the other half. Features are
computed once per seed, from all training samples, and labels are drawn five times. The
defaults of the autoencoder were chosen on the development data, with other draws.
"""

import argparse
import time

import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks import _data, _results
from sklearn_ladder import LadderAutoencoder, LadderClassifier
from sklearn_ladder.ensemble import LabeledOnlyClassifier

# Defaults were chosen on the first two; the others were not looked at before.
DEVELOPMENT = ["digits", "spambase"]
DATA = [*DEVELOPMENT, "letter", "page_blocks"]
LABELS_PER_CLASS = 5
N_DRAWS = 5  # of labels, for each seed
MOST_SAMPLES = 3000
FIRST_SEED = 100  # draws that settings were chosen on begin with 0


def load(name, data_dir=None):
    """Numbers and labels of a data set."""
    if name == "digits":
        return load_digits(return_X_y=True)
    X, y, _ = _data.load_table(name, data_dir)
    return X.to_numpy(float), y


def transformers(seed, n_features):
    """What computes features, by name."""

    def pca(n_components):
        pca = PCA(min(n_components, n_features), random_state=seed)
        return make_pipeline(StandardScaler(), pca)

    return {
        "standardized": StandardScaler(),
        "PCA, 8": pca(8),
        "PCA, 32": pca(32),
        "ladder code, 32": LadderAutoencoder(random_state=seed),
    }


CLASSIFIERS = {
    "logistic regression": LogisticRegression(max_iter=2000),
    "nearest neighbor": KNeighborsClassifier(1),
}


def accuracies(name, seed, data_dir=None, features=transformers, and_ladder=True):
    """Test accuracy, a mean over draws of labels, and CPU seconds of each method.

    Parameters
    ----------
    name : str
    seed : int
    data_dir : Path, default=None
    features : callable
        As `transformers`.
    and_ladder : bool, default=True
        Whether to fit a `LadderClassifier`, too.

    Returns
    -------
    accuracy : dict of str to float
    seconds : dict of str to float
        To fit the features, or the classifier that needs none.
    """
    X, y = load(name, data_dir)
    order = np.random.RandomState(seed).permutation(len(X))[:MOST_SAMPLES]
    train, test = np.array_split(order, 2)
    draws = [
        _data.keep_labels(y[train], LABELS_PER_CLASS, N_DRAWS * seed + draw)
        for draw in range(N_DRAWS)
    ]
    accuracy, seconds = {}, {}
    for setting, transformer in features(seed, X.shape[1]).items():
        start = time.process_time()
        code = transformer.fit_transform(X[train])
        seconds[setting] = time.process_time() - start
        code_of_test = transformer.transform(X[test])
        for learner, classifier in CLASSIFIERS.items():
            scores = [
                LabeledOnlyClassifier(classifier)
                .fit(code, y_few)
                .score(code_of_test, y[test])
                for y_few in draws
            ]
            accuracy[f"{setting} + {learner}"] = float(np.mean(scores))
    if not and_ladder:
        return accuracy, seconds
    start = time.process_time()
    clfs = [LadderClassifier(random_state=seed).fit(X[train], d) for d in draws[:2]]
    seconds["LadderClassifier"] = (time.process_time() - start) / len(clfs)
    scores = [clf.score(X[test], y[test]) for clf in clfs]
    accuracy["LadderClassifier"] = float(np.mean(scores))
    return accuracy, seconds


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="+", default=DATA)
    parser.add_argument("--seeds", type=int, default=3, help="number of draws")
    parser.add_argument("--data-dir")
    arguments = parser.parse_args(arguments)
    seeds = list(range(FIRST_SEED, FIRST_SEED + arguments.seeds))
    found = {}
    for name in arguments.data:
        runs = [accuracies(name, seed, arguments.data_dir) for seed in seeds]
        found[name] = {
            "accuracy": {key: [run[0][key] for run in runs] for key in runs[0][0]},
            "seconds": {
                key: [round(run[1][key], 2) for run in runs] for key in runs[0][1]
            },
        }
        means = {
            key: round(float(np.mean(values)), 3)
            for key, values in found[name]["accuracy"].items()
        }
        print(name, means, flush=True)
        result = {
            "labels_per_class": LABELS_PER_CLASS,
            "seeds": seeds,
            "development": [name for name in DEVELOPMENT if name in found],
            "data": found,
        }
        _results.write("autoencoder", result | _results.provenance())


if __name__ == "__main__":
    main()
