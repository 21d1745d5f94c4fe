"""Would native handling of missing values beat mean imputation?

``python -m benchmarks.missing_values``: numeric tables from which 10, 25 or 40 % of the
entries are removed at random; 10 labels per class. Compared are

- ``mean``: missing entries are the mean of their column, which is what
  ``SimpleImputer`` in a pipeline does;
- ``masked``: the same, but they are left out of the denoising cost at the input;
- ``denoised``: moreover, each entry is the decoder's latest reconstruction of it, in
  training and, repeated three times, in prediction.

The latter two are a trial, which lives here and not in the package, because it did not
win: see ``results/missing_values.json``. About 15 minutes on one thread.
"""

import argparse
import time
from collections import namedtuple

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import LabelEncoder, StandardScaler

from benchmarks import _results
from benchmarks._data import keep_labels, load_table
from sklearn_ladder._batches import LadderBatch, LadderBatches, TrainingRows
from sklearn_ladder._labels import class_bias
from sklearn_ladder._rows import Rows
from sklearn_ladder._training import LadderNet, learning_rate_schedule

TABLES = [
    "letter", "magic", "mfeat_factors", "optdigits", "page_blocks", "pendigits",
    "phoneme", "ring", "spambase", "twonorm", "vowel", "wine_recognition",
]  # fmt: skip
SHARES = [0.1, 0.25, 0.4]
N_SEEDS = 2
METHODS = ["mean", "masked", "denoised"]
HIDDEN, EPOCHS, BATCH = (128, 64), 40, 100
MOST_ROWS = 2000

IndexedBatch = namedtuple("IndexedBatch", [*LadderBatch._fields, "unlabeled"])


class IndexedBatches(LadderBatches):
    """Batches that know which rows are the unlabelled ones."""

    def __iter__(self):
        rows = self.rows
        for _ in range(len(self)):
            labeled, unlabeled = next(self._labeled), next(self._unlabeled)
            yield IndexedBatch(
                rows.X[labeled], rows.y[labeled], None, rows.X[unlabeled], unlabeled
            )


class MaskedNet(LadderNet):
    """Leaves missing entries of ``missing`` out of the cost; may fill them in."""

    def on_train_begin(self, net, X=None, **kwargs):
        super().on_train_begin(net, X=X, **kwargs)
        self.rows_ = X

    def train_step_single(self, batch, **fit_params):
        missing = self.missing[batch.unlabeled]
        module = self.module_
        n_rows = len(batch.x_labeled) + len(batch.x_unlabeled)
        noise = module.draw_noise(n_rows, self.noise_generator_)
        activations = module.training_pass(batch.x_labeled, batch.x_unlabeled, noise)
        decoded, target = activations.decoded, activations.clean.z[0]
        z_denoised = dict(decoded.z_denoised)
        z_denoised[0] = torch.where(missing, target, decoded.z_denoised[0])
        activations = activations._replace(
            decoded=decoded._replace(z_denoised=z_denoised)
        )
        costs = self.criterion_(activations, batch)
        costs["total"].backward()
        self.population_is_current_ = False
        if self.denoise:
            filled = module.standardization.inverse(decoded.z_denoised[0].detach())
            self.rows_.X[batch.unlabeled] = torch.where(
                missing, filled, batch.x_unlabeled
            )
        return {
            "loss": costs["total"],
            "y_pred": activations.corrupted.logits,
            "costs": {name: cost.detach() for name, cost in costs.items()},
        }


def accuracy(method, X, y_few, X_test, y_test, seed):
    """Test accuracy with missing entries as NaN."""
    scaler = StandardScaler().fit(X)
    filled, filled_test = (np.where(np.isnan(A), scaler.mean_, A) for A in (X, X_test))
    n_classes = len(np.unique(y_few)) - 1
    widths = (X.shape[1], *HIDDEN, n_classes)
    net_class = LadderNet if method == "mean" else MaskedNet
    n_updates = EPOCHS * -(-len(X) // BATCH)
    net = net_class(
        module__widths=widths,
        module__denoised_layers=range(len(widths)),
        module__noise_std=[0.3] * len(widths),
        module__mean=scaler.mean_,
        module__scale=scaler.scale_,
        module__class_bias=class_bias(y_few),
        module__seed=seed,
        criterion__denoising_weights=[1.0] * len(widths),
        iterator_train=LadderBatches if method == "mean" else IndexedBatches,
        batch_size=BATCH,
        max_epochs=EPOCHS,
        lr=0.01,
        callbacks=learning_rate_schedule(n_updates, 0.67),
        seed=seed,
        device="cpu",
        verbose=0,
    )
    if method != "mean":
        net.missing, net.denoise = torch.as_tensor(np.isnan(X)), method == "denoised"
    rows = TrainingRows(Rows(filled), y_few, None, "cpu")
    net.initialize().partial_fit(rows)
    if method == "denoised":
        for _ in range(3):
            denoised = net.run("denoise", Rows(filled_test))
            filled_test = np.where(np.isnan(X_test), denoised, X_test)
    return float((net.predict(Rows(filled_test)) == y_test).mean())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    runs, start = [], time.perf_counter()
    for name in TABLES:
        frame, y, _ = load_table(name, arguments.data_dir)
        X, y = frame.to_numpy(float), LabelEncoder().fit_transform(y)
        for seed in range(N_SEEDS):
            parts = train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)
            X_train, X_test, y_train, y_test = parts
            X_train, y_train = X_train[:MOST_ROWS], y_train[:MOST_ROWS]
            y_few = keep_labels(y_train, 10, random_state=seed)
            for share in SHARES:
                rng = np.random.RandomState(seed)
                gaps = [
                    np.where(rng.uniform(size=A.shape) < share, np.nan, A)
                    for A in (X_train, X_test)
                ]
                run = {"table": name, "seed": seed, "share_missing": share}
                for method in METHODS:
                    run[method] = accuracy(
                        method, gaps[0], y_few, gaps[1], y_test, seed
                    )
                runs.append(run)
                print(run, f"{time.perf_counter() - start:.0f} s", flush=True)
    means = {
        method: {
            str(share): float(
                np.mean([r[method] for r in runs if r["share_missing"] == share])
            )
            for share in SHARES
        }
        for method in METHODS
    }
    print(means)
    result = {"mean_accuracy": means, "runs": runs, **_results.provenance()}
    print(_results.write("missing_values", result))


if __name__ == "__main__":
    main()
