"""
=================================
Digits with five labels per class
=================================

Of 1,797 small images 50 have a label. The ladder network learns from all of them; the
same network without its decoder learns from the 50 alone.
"""

from sklearn.datasets import load_digits

from sklearn_ladder import LadderClassifier
from sklearn_ladder.displays import ReconstructionDisplay
from sklearn_ladder.model_selection import hide_labels

X, y = load_digits(return_X_y=True)

y_few = hide_labels(y, per_class=5, random_state=0)  # -1 marks an unlabeled sample
hidden = y_few == -1

# %%
# Fit both, and score them on the samples whose label was hidden. The fits are shortened
# here; ``make demo`` makes full ones and adds other methods.

accuracy = {}
for variant in ("supervised", "full"):
    clf = LadderClassifier(
        (128, 64), variant=variant, n_estimators=1, max_epochs=30, random_state=0
    ).fit(X, y_few)
    accuracy[variant] = clf.score(X[hidden], y[hidden])
    print(f"{variant:12s} accuracy on the hidden labels: {accuracy[variant]:.3f}")

# %%
# The decoder learned to remove noise from the input. Here it gets digits with more
# noise than it saw in training.

display = ReconstructionDisplay.from_estimator(clf, X[:10], noise_std=3, random_state=0)
