"""
=================================================
Do my unlabeled samples help, and what do I use?
=================================================

Of 569 tumors, 40 have a label. ``compare`` holds labels out, and says from them alone
which method to use, and how sure that is.

Takes half a minute.
"""

import textwrap

from sklearn.datasets import load_breast_cancer

from sklearn_ladder.comparison import compare, default_methods
from sklearn_ladder.model_selection import hide_labels

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
y_few = hide_labels(y.map({0: "malignant", 1: "benign"}), n=40, random_state=0)

# %%
# All methods are fitted on the same folds. Those that take no unlabeled samples get the
# labeled ones only. Scores are of labeled samples that were held out, never of others.

methods = default_methods()
del methods["self-training, forest"]  # the slowest
comparison = compare(X, y_few, methods=methods)
print(comparison.table[["accuracy", "balanced_accuracy", "log_loss"]].round(3))
print(textwrap.fill(comparison.advice, 80))

# %%
# On the left, intervals overlap: with 40 labels, each score is uncertain. On the right,
# differences in the same folds are more certain. Where the interval excludes 0, the
# method at the top is better than chance explains.

display = comparison.plot()

# %%
# Here the hidden labels are known. On your data they are not: then what was said above
# is all there is.

chosen = methods[comparison.recommended].fit(X, y_few)
hidden = y_few == -1
truth = y[hidden].map({0: "malignant", 1: "benign"})
accuracy = chosen.score(X[hidden], truth)
print(f"{comparison.recommended}: accuracy on hidden labels {accuracy:.3f}")
