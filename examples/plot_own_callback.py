"""
=========================
Writing a skorch callback
=========================

Callbacks are skorch's. This one records at the end of each epoch how many predictions
have changed since the epoch before. When hardly any changes, more epochs are of no use.

Takes a few seconds.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from skorch.callbacks import Callback

from sklearn_ladder import LadderClassifier


class ChangedPredictions(Callback):
    """Record the share of samples whose prediction changed in an epoch.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), float32
        Samples to predict.
    """

    def __init__(self, X):
        self.X = X

    def on_train_begin(self, net, **kwargs):
        self.predicted_ = None

    def on_epoch_end(self, net, **kwargs):
        before, self.predicted_ = self.predicted_, net.predict(self.X)
        changed = 1.0 if before is None else np.mean(before != self.predicted_)
        # what is recorded is also a column of the estimator's history_
        net.history.record("changed", float(changed))


X, y = load_digits(return_X_y=True)
y_few = np.where(np.arange(len(y)) < 100, y, -1)
watched = X[-500:].astype(np.float32)

clf = LadderClassifier(
    (64,),
    n_estimators=1,
    max_epochs=20,
    random_state=0,
    callbacks=[ChangedPredictions(watched)],
).fit(X, y_few)

print("epoch  changed")
for epoch in (1, 2, 5, 10, 15, 20):
    print(f"{epoch:5d}  {clf.history_['changed'][epoch - 1]:7.3f}")
print(f"\naccuracy on the unlabeled samples: {clf.score(X[100:], y[100:]):.3f}")

figure, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
ax.plot(clf.history_["epoch"], clf.history_["changed"], marker=".")
ax.set(
    xlabel="Epoch",
    ylabel="Share of changed predictions",
    ylim=(0, 1.05),
    xticks=range(0, 21, 5),
)
