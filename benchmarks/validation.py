"""Cross-validation of the labeled rows beside the plain one, against the truth.

``python -m benchmarks.validation``: digits of which 100 rows have a label, five draws.
The truth is the mean score on the rows whose label was hidden. Takes two minutes.
"""

import warnings

import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import get_scorer
from sklearn.model_selection import StratifiedKFold, cross_validate

from benchmarks import _results
from benchmarks._data import keep_labels
from sklearn_ladder import LadderClassifier
from sklearn_ladder.model_selection import LabeledStratifiedKFold

METRICS = ["accuracy", "balanced_accuracy", "neg_log_loss", "roc_auc_ovr"]
N_DRAWS = 5


def one_draw(draw):
    """Mean scores of two cross-validations and on the hidden labels, by metric."""
    X, y = load_digits(return_X_y=True)
    y_few = keep_labels(y, 10, random_state=draw)
    hidden = y_few == -1
    clf = LadderClassifier((64,), max_epochs=30, random_state=draw)
    found = {}
    for cv in LabeledStratifiedKFold(5), StratifiedKFold(5):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the scores that fail
            found[type(cv).__name__] = cross_validate(
                clf, X, y_few, cv=cv, scoring=METRICS, return_estimator=True
            )
    fitted = found["LabeledStratifiedKFold"]["estimator"]
    scores = {
        name: [np.mean(result[f"test_{metric}"]) for metric in METRICS]
        for name, result in found.items()
    }
    scores["hidden labels"] = [
        np.mean([get_scorer(metric)(clf, X[hidden], y[hidden]) for clf in fitted])
        for metric in METRICS
    ]
    return scores


def main():
    _results.no_arguments(__doc__)
    draws = [one_draw(draw) for draw in range(N_DRAWS)]
    mean = {name: np.mean([draw[name] for draw in draws], axis=0) for name in draws[0]}
    for name, scores in mean.items():
        print(f"{name:24s}", dict(zip(METRICS, scores.round(3), strict=True)))
    # JSON knows no NaN
    table = {
        name: [None if np.isnan(score) else float(score) for score in scores]
        for name, scores in mean.items()
    }
    seeds = list(range(N_DRAWS))
    result = {"seeds": seeds, "metrics": METRICS, "mean_scores": table}
    print(_results.write("validation", result | _results.provenance()))


if __name__ == "__main__":
    main()
