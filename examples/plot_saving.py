"""
============================
Saving, and shipping as ONNX
============================

A fitted classifier is saved by pickle or skops, to be used in Python. As an ONNX file,
it runs wherever an ONNX runtime does: neither Python nor this package is needed there.

Takes about 15 seconds. Wants ``pip install 'sklearn-ladder[export]'``, ``skops`` and
``onnxruntime``.
"""

import json
import pickle
import tempfile
import zipfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import onnxruntime
import skops.io
from sklearn.datasets import load_breast_cancer

from sklearn_ladder import LadderClassifier
from sklearn_ladder.export import to_onnx

# %%
# A table of numbers, of which a twentieth is missing, and one label for ten samples.

X, y = load_breast_cancer(return_X_y=True)
rng = np.random.RandomState(0)
X[rng.uniform(size=X.shape) < 0.05] = np.nan
y_few = np.where(rng.uniform(size=len(y)) < 0.1, y, -1)
clf = LadderClassifier((32,), n_estimators=2, max_epochs=15, random_state=0)
clf.fit(X, y_few)
proba = clf.predict_proba(X)
print(f"accuracy on the hidden labels: {clf.score(X[y_few == -1], y[y_few == -1]):.3f}")

# %%
# **pickle** needs no more than one line. Load only pickles that you trust, because a
# pickle can run any code.

folder = Path(tempfile.mkdtemp())
(folder / "model.pickle").write_bytes(pickle.dumps(clf))
again = pickle.loads((folder / "model.pickle").read_bytes())
assert np.array_equal(again.predict_proba(X), proba)

# %%
# **skops** loads nothing but types that you trust. It names those that it does not know
# itself. All of them are of this package.

skops.io.dump(clf, folder / "model.skops", compression=zipfile.ZIP_DEFLATED)
types = skops.io.get_untrusted_types(file=folder / "model.skops")
print("\n".join(types))
again = skops.io.load(folder / "model.skops", trusted=types)
assert np.array_equal(again.predict_proba(X), proba)

# %%
# **ONNX** files have all of ``predict_proba``: feature scaling, imputation of missing
# values, all ensemble members and the class prior. Class names are in the metadata.

to_onnx(clf, folder / "model.onnx")
session = onnxruntime.InferenceSession(folder / "model.onnx")
print(json.loads(session.get_modelmeta().custom_metadata_map["classes"]))
label, there = session.run(None, {"X": X.astype(np.float32)})
largest = np.abs(there - proba).max()
print(f"largest difference between probabilities: {largest:.0e}")

# %%
# No file has the training samples inside. Most of each is weights, at four bytes each.

sizes = {path.name: path.stat().st_size / 1000 for path in sorted(folder.iterdir())}
figure, ax = plt.subplots(figsize=(6, 2.2), layout="constrained")
bars = ax.barh(list(sizes), list(sizes.values()))
ax.bar_label(bars, fmt="%.0f kB", padding=3)
ax.margins(x=0.15)
ax.set(xlabel="Size of the file (kB)")
