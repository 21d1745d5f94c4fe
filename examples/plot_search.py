"""
================================
Search with ten labels per class
================================

Of 1,797 digits only 100 have a label. Plain cross-validation would put unlabeled
samples into test folds and count them as errors. Here each test fold has labeled
samples only, and all unlabeled samples are in each training set. Which denoising cost
does the search choose, and is it right? The hidden labels tell.

Takes about 15 seconds.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ladder import LadderClassifier
from sklearn_ladder.model_selection import (
    LabeledStratifiedKFold,
    hide_labels,
    labeled_scorer,
)

COSTS = [0.001, 1.0, 1000.0]

X, y = load_digits(return_X_y=True)
y_few = hide_labels(y, per_class=10, random_state=0)

# %%
# Search on the 100 labels. Several scores at once; the log-loss tells close candidates
# apart, because 30 test samples a fold make a coarse accuracy.

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
# The accuracy on the samples whose label was hidden, beside the scores of the search.

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

figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
position = np.arange(len(COSTS))
ax.bar(position - 0.2, table["accuracy"], 0.4, label="by search")
ax.bar(position + 0.2, hidden_accuracy, 0.4, label="on hidden labels")
ax.set_xticks(position, COSTS)
ax.set(xlabel="denoising_cost", ylabel="Accuracy", ylim=(0, 1.25))
ax.legend(ncols=2)
