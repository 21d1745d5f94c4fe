"""Use the installed package, as the README does. The gate runs this outside the clone.

Its argument is the environment in which the package must be.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

import sklearn_ladder
from sklearn_ladder.network import _kernels

installed = Path(sklearn_ladder.__file__)
assert installed.is_relative_to(sys.argv[1]), installed
assert installed.with_name("py.typed").exists(), "the wheel has no py.typed"
assert _kernels.is_available(), "the wheel has no compiled functions"
for name in sklearn_ladder.__all__:
    getattr(sklearn_ladder, name)

X, y = load_digits(return_X_y=True)
y_few = np.full_like(y, -1)
y_few[:100] = y[:100]
clf = sklearn_ladder.LadderClassifier(max_epochs=5, random_state=0).fit(X, y_few)
accuracy = clf.score(X[100:], y[100:])
assert accuracy > 0.85, accuracy
sklearn_ladder.show_versions()
