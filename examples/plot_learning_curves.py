"""
=======================
Reading learning curves
=======================

After a fit, ``history_`` has the costs of each epoch. They tell whether training was
long enough, and which cost the network works on.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from sklearn_ladder import LadderClassifier
from sklearn_ladder.displays import TrainingHistoryDisplay

X, y = load_digits(return_X_y=True)
y_few = np.where(np.arange(len(y)) < 100, y, -1)

clf = LadderClassifier(
    (64, 32),
    n_estimators=1,
    max_epochs=30,
    early_stopping=True,
    validation_fraction=0.2,
    n_iter_no_change=30,
    random_state=0,
).fit(X, y_few)

# %%
# There is one curve for each cost. "supervised" is the cost of the labels. There is a
# denoising cost for each layer, the input first. "train loss" is the weighted sum of
# them all.
#
# What to look for:
#
# - The denoising costs should fall and then level off. If they still fall steeply at
#   the end, raise ``max_epochs``.
# - The supervised cost falls quickly, because there are few labels. With label
#   smoothing it does not reach 0: a network that is certain of its labels pays for it.
# - The last third is steadier, because the learning rate falls there
#   (``decay_start=0.67``).

display = TrainingHistoryDisplay.from_estimator(clf)
display.figure_.set_size_inches(8, 4.5)

# %%
# ``early_stopping=True`` holds labeled samples out and records their log-loss as
# "valid loss". If it rises while the supervised cost falls, the network fits its few
# labels too closely: shorten training, or raise ``label_smoothing`` or ``noise_std``.
# Twenty held-out samples make a rough curve. With so few labels it is usually better to
# train on all of them, and to judge by cross-validation.

history = clf.history_
figure, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
ax.plot(history["epoch"], history["supervised_cost"], label="supervised cost")
ax.plot(history["epoch"], history["valid_loss"], label="valid loss")
ax.set(xlabel="Epoch", ylabel="Cost")
ax.legend()
print(f"lowest valid loss: epoch {1 + np.argmin(history['valid_loss'])}")
