"""
=======================
Streams and partial_fit
=======================

Samples arrive in chunks, and only some of each chunk have a label. ``partial_fit``
passes over a chunk once and goes on from where it was. Each chunk here is scored before
it is learned from, as a stream should be.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.utils import shuffle

from sklearn_ladder import LadderClassifier

X, y = shuffle(*load_digits(return_X_y=True), random_state=0)
rng = np.random.RandomState(0)
y_few = np.where(rng.uniform(size=len(y)) < 0.2, y, -1)  # a fifth has a label

# %%
# The first chunk settles the feature scaling, so it should be large and typical. All
# classes must be named in the first call, because a chunk may lack some. The learning
# rate stays constant in a stream, so it is lower than the default of ``fit``.

clf = LadderClassifier((64, 32), learning_rate=0.003, random_state=0)
classes = np.unique(y)
n_first, n_next = 200, 50
for _ in range(10):  # ten passes over the first chunk
    clf.partial_fit(X[:n_first], y_few[:n_first], classes=classes)

accuracy = []
for start in range(n_first, len(X), n_next):
    X_chunk, y_chunk = X[start : start + n_next], y[start : start + n_next]
    accuracy.append(clf.score(X_chunk, y_chunk))
    for _ in range(3):
        clf.partial_fit(X_chunk, y_few[start : start + n_next])

print(f"first five chunks: {np.mean(accuracy[:5]):.3f}")
print(f"last five chunks:  {np.mean(accuracy[-5:]):.3f}")

# %%
# The score of a chunk of 50 is rough, so its running mean is drawn as well.

figure, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
n_seen = n_first + n_next * np.arange(len(accuracy))
ax.plot(n_seen, accuracy, ".", color="0.6", label="one chunk")
smooth = np.convolve(accuracy, np.ones(5) / 5, mode="valid")
ax.plot(n_seen[4:], smooth, label="mean of five chunks")
ax.set(xlabel="Samples seen before", ylabel="Accuracy of the next chunk")
ax.legend(loc="lower right")
