"""Virtual adversarial training by modssc, with the interface of scikit-learn.

modssc asks for NumPy below 2.4, but works with it. That is why it is not among the
requirements of the benchmarks: ``pip install --no-deps modssc==1.2.2 && pip install
platformdirs pyyaml typer``. Without it the method is left out.
"""

from math import ceil

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin

N_UPDATES = 500  # at least; the ladder makes 250 to 750


class VirtualAdversarialTraining(ClassifierMixin, BaseEstimator):
    """modssc's ``VATMethod`` with its default network; -1 marks unlabeled rows."""

    def __init__(self, random_state=0):
        self.random_state = random_state

    def fit(self, X, y):
        """Fit to rows whose classes are 0, 1, …, or -1."""
        from modssc.inductive.deep.bundle_factories import factory
        from modssc.inductive.methods.vat import VATMethod, VATSpec
        from modssc.inductive.types import DeviceSpec, InductiveDataset

        X, labeled = torch.from_numpy(X.astype(np.float32)), y != -1
        self.classes_ = np.unique(y[labeled])
        with torch.random.fork_rng(devices=[]):  # its layers and dropout use the global
            bundle = factory.build_torch_bundle_from_classifier(
                classifier_id="mlp",
                classifier_backend=None,
                classifier_params=None,
                sample=X[:1],
                num_classes=len(self.classes_),
                seed=self.random_state,
                ema=False,
            )
            n_batches = ceil((~labeled).sum() / VATSpec.batch_size)
            spec = VATSpec(model_bundle=bundle, max_epochs=ceil(N_UPDATES / n_batches))
            data = InductiveDataset(
                X_l=X[labeled], y_l=torch.from_numpy(y[labeled]), X_u=X[~labeled]
            )
            self.method_ = VATMethod(spec).fit(
                data, device=DeviceSpec("cpu"), seed=self.random_state
            )
        return self

    def predict_proba(self, X):
        """Class probabilities, of shape (n_samples, n_classes)."""
        rows = torch.from_numpy(X.astype(np.float32))
        return self.method_.predict_proba(rows).detach().numpy().astype(float)
