"""
====================
Looking into a model
====================

:mod:`sklearn_ladder.displays` has pictures of a fitted classifier: what its decoder
does, where its samples lie, and whether its probabilities can be trusted.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits, load_wine
from sklearn.linear_model import LogisticRegression

from sklearn_ladder import LadderClassifier
from sklearn_ladder.displays import (
    DenoisingFunctionDisplay,
    EmbeddingDisplay,
    ReconstructionDisplay,
    ReliabilityDisplay,
    TableReconstructionDisplay,
)
from sklearn_ladder.model_selection import hide_labels

X, y = load_digits(return_X_y=True)
y_few = hide_labels(y, per_class=10, random_state=0)
labeled = y_few != -1
clf = LadderClassifier((64, 32), n_estimators=1, max_epochs=30, random_state=0)
clf.fit(X, y_few)

# %%
# Denoising functions
# ===================
#
# At each layer the decoder gets the corrupted value of a unit (z̃) and a signal from the
# layer above (u). From these it estimates the clean value. Each curve shows the
# estimate for one u. Points are samples, with their corrupted and their clean value. On
# the dotted line nothing changes, and arrows show what the decoder changes.
#
# If z̃ alone told the clean value, curves would lie on the dotted line. If u alone told
# it, they would be flat. This unit belongs to the class layer: u is high for samples
# that the network takes for a "3". The values of such samples move to around 3, and
# those of all other samples to one value just below 0.

functions = DenoisingFunctionDisplay.from_estimator(
    clf, X, layer=3, unit=3, random_state=0
)

# %%
# Where samples lie
# =================
#
# ``transform`` gives the top hidden representation, here 32 units. In the picture it
# has two dimensions. The gray samples on the left have no label in training. A sample
# far from all labeled ones is a good candidate for the next label.

embedding = EmbeddingDisplay.from_estimator(clf, X, y_few, random_state=0)

# %%
# Can probabilities be trusted?
# =============================
#
# Of all predictions that are 80 % certain, 80 % should be right. Points above the
# diagonal mean that the classifier is too cautious, as label smoothing makes it. Points
# below mean that it is too certain. Vertical lines are 95 % intervals. The samples must
# not be those whose labels were trained on. Any classifier can be plotted.

plain = LogisticRegression(max_iter=1000).fit(X[labeled], y[labeled])
figure, ax = plt.subplots(figsize=(5, 4.5), layout="constrained")
ReliabilityDisplay.from_estimator(plain, X[~labeled], y[~labeled], ax=ax)
reliability = ReliabilityDisplay.from_estimator(clf, X[~labeled], y[~labeled], ax=ax)

# %%
# Reconstructions
# ===============
#
# The decoder also fills in what is missing. Of these images it sees the left half.

right_half = np.arange(8) >= 4
missing = np.tile(right_half, (8, 1))
images = ReconstructionDisplay.from_estimator(clf, X[:10], missing=missing)

# %%
# For a table, a fifth of all entries is hidden and compared with the reconstruction. A
# feature whose points lie on the diagonal is told by the other features. A flat cloud
# has R² 0: this feature is not related to the others, or the network did not learn how.

wine, cultivar = load_wine(return_X_y=True, as_frame=True)
cultivar_few = hide_labels(cultivar, per_class=5, random_state=0)
wine_clf = LadderClassifier((32,), n_estimators=1, max_epochs=200, random_state=0)
wine_clf.fit(wine, cultivar_few)
table = TableReconstructionDisplay.from_estimator(
    wine_clf, wine, features=list(wine)[:8], random_state=0
)
