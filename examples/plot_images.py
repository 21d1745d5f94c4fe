"""
============================
Images: convolutional layers
============================

``architecture`` is a published network by name, or a list of layers. Convolutions know
that neighboring pixels belong together, so they need fewer labels than dense layers.

Images may have four dimensions, ``(n_samples, channels, height, width)``. Flat samples
work, too, with ``image_shape``; that is what a pipeline needs.
"""

import numpy as np
from sklearn.datasets import load_digits

from sklearn_ladder import LadderClassifier
from sklearn_ladder.architectures import Conv, Dense, MaxPool, MeanPool
from sklearn_ladder.displays import ReconstructionDisplay

X, y = load_digits(return_X_y=True)
images = X.reshape(-1, 1, 8, 8)
y_few = np.where(np.arange(len(y)) < 50, y, -1)

# %%
# The last layer is the class layer. ``Dense()`` has as many units as there are classes.

layers = [Conv(16, 3, "same"), MaxPool(2), Conv(32, 3), MeanPool(), Dense()]
clf = LadderClassifier(
    architecture=layers, variant="gamma", max_epochs=15, random_state=0
).fit(images, y_few)
accuracy = clf.score(images[50:], y[50:])
print(f"convolutions: {accuracy:.3f}")

dense = LadderClassifier(
    (64, 32), variant="gamma", n_estimators=1, max_epochs=15, random_state=0
).fit(X, y_few)
print(f"dense layers: {dense.score(X[50:], y[50:]):.3f}")

# %%
# ``variant="full"`` has a denoising cost at the input as well, and so ``denoise``.

full = LadderClassifier(architecture=[*layers[:2], Dense()], max_epochs=15)
full.set_params(random_state=0).fit(images, y_few)
display = ReconstructionDisplay.from_estimator(
    full, images[:8], noise_std=3, random_state=0
)
