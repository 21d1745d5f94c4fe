"""
================================
Search with ten labels per class
================================

Of 1,797 digits only 100 have a label. Plain cross-validation would put unlabeled rows
into test folds and count them as errors; here each test fold has labeled rows only, and
all unlabeled rows are there to train on. Which denoising cost does the search choose,
and is it right? The hidden labels tell.

Takes about 15 seconds.
"""

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ladder import LadderClassifier
from sklearn_ladder.model_selection import LabeledStratifiedKFold, labeled_scorer

COSTS = [0.001, 1.0, 1000.0]

X, y = load_digits(return_X_y=True)
rng = np.random.RandomState(0)
y_few = np.full_like(y, -1)
for label in np.unique(y):
    kept = rng.choice(np.flatnonzero(y == label), 10, replace=False)
    y_few[kept] = label

# %%
# Search on the 100 labels. Several scores at once; the log-loss tells close candidates
# apart, where some 30 test rows a fold make a coarse accuracy.

search = GridSearchCV(
    make_pipeline(
        StandardScaler(),
        LadderClassifier((64, 32), n_estimators=1, max_epochs=10, random_state=1),
    ),
    {"ladderclassifier__denoising_cost": COSTS},
    cv=LabeledStratifiedKFold(3),
    scoring=labeled_scorer(["accuracy", "neg_log_loss"]),
    refit="neg_log_loss",
).fit(X, y_few)

# %%
# Beside the scores of the search, the accuracy on all rows whose label was hidden.

hidden = y_few == -1
hidden_accuracy = []
for cost in COSTS:
    search.estimator.set_params(ladderclassifier__denoising_cost=cost)
    hidden_accuracy.append(search.estimator.fit(X, y_few).score(X[hidden], y[hidden]))

table = pd.DataFrame(
    {
        "denoising_cost": COSTS,
        "accuracy": search.cv_results_["mean_test_accuracy"],
        "log-loss": -search.cv_results_["mean_test_neg_log_loss"],
        "hidden labels' accuracy": hidden_accuracy,
    }
)
print(table.round(3).to_string(index=False))
print(f"\nchosen: {search.best_params_}")
