"""Does a search on few labels find the better setting?

``python -m benchmarks.search``: digits with 10 labels per class, ten draws. A grid
search over a sensible and a poor denoising cost, with folds of the labeled rows; then
both settings are fitted to all training rows and scored on the test rows. Beside it the
same search with plain folds and scores. About 15 minutes on one thread.
"""

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks import _results
from benchmarks._data import keep_labels
from sklearn_ladder import LadderClassifier
from sklearn_ladder.model_selection import LabeledStratifiedKFold

COST = "ladderclassifier__denoising_cost"
SENSIBLE, POOR = 1.0, 30.0
N_DRAWS = 10


def one_draw(draw):
    """Scores of both searches, and the true test accuracy of both settings."""
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.25, stratify=y, random_state=draw
    )
    y_few = keep_labels(y_train, 10, random_state=draw)
    pipeline = make_pipeline(
        StandardScaler(), LadderClassifier(max_epochs=20, random_state=draw)
    )
    grid = {COST: [SENSIBLE, POOR]}
    true = [
        float(
            clone(pipeline)
            .set_params(**{COST: cost})
            .fit(X_train, y_few)
            .score(X_test, y_test)
        )
        for cost in grid[COST]
    ]
    result = {"draw": draw, "test_accuracy": dict(zip(grid[COST], true, strict=True))}
    for name, cv, scoring in [
        ("labeled folds", LabeledStratifiedKFold(5), None),
        # what one gets without this package: -1 as one more class of the truth
        ("plain folds", StratifiedKFold(5), "accuracy"),
    ]:
        search = GridSearchCV(pipeline, grid, cv=cv, scoring=scoring, refit=False)
        search.fit(X_train, y_few)
        result[name] = {
            "scores": search.cv_results_["mean_test_score"].tolist(),
            "chosen": search.best_params_[COST],
            "chose_the_better": bool(true[search.best_index_] == max(true)),
        }
    return result


def main():
    _results.no_arguments(__doc__)
    draws = []
    for draw in range(N_DRAWS):
        draws.append(one_draw(draw))
        print(draws[-1], flush=True)
    counts = {
        name: int(np.sum([draw[name]["chose_the_better"] for draw in draws]))
        for name in ("labeled folds", "plain folds")
    }
    print("chose the better setting, of 10 draws:", counts)
    result = {"seeds": list(range(N_DRAWS)), "chose_the_better": counts, "draws": draws}
    print(_results.write("search", result | _results.provenance()))


if __name__ == "__main__":
    main()
