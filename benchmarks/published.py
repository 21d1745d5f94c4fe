"""Runs published configurations: ``sklearn_ladder.recipes`` on their data.

``python -m benchmarks.published rasmus2015-mnist-100-full --seeds 0 1 2`` trains one of
them as published, for three seeds; ``--list`` lists all. ``--epochs``,
``--decay-start`` and ``--batch-size`` shorten the schedule, ``--cost-factor`` scales
the denoising costs, ``--subset`` takes fewer of the training rows and ``--labels`` of
their labels; all else is the recipe's. Each run is written to ``benchmarks/results`` as
soon as it is done, and not run again. A killed one goes on after its last epoch, from a
file in ``--checkpoint-dir``.

Test rows are looked at once per fit, when it has ended: as they are and, for recipes of
Shinoda et al., as the fast gradient method changes them, which is given the predicted
classes as in their evaluation. With ``--validate`` the last 10,000 of the training rows
stand in for them, for the choice of settings, and also after each epoch.
"""

import argparse
import shlex
import time
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import confusion_matrix
from sklearn.pipeline import make_pipeline
from sklearn.utils import gen_batches
from torch.nn.functional import cross_entropy

from benchmarks import _data, _results
from benchmarks._callbacks import CPUSeconds, ErrorCurve, Progress
from sklearn_ladder import LadderClassifier, recipes
from sklearn_ladder.callbacks import Checkpoint
from sklearn_ladder.preprocessing import GlobalContrastNormalizer, ZCAWhitener
from sklearn_ladder.robustness import fast_gradient

ADVERSARIAL_EPSILON = 0.3
ROWS_AT_ONCE = 1000  # whose gradients are computed
CHECKPOINTS = Path.home() / ".cache" / "sklearn_ladder"


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipes", nargs="*", metavar="RECIPE")
    parser.add_argument("--list", action="store_true", help="list recipes, and end")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--epochs", type=int, help="instead of the published number")
    parser.add_argument("--decay-start", type=float)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument(
        "--cost-factor", type=float, help="times the published denoising costs"
    )
    parser.add_argument("--labels", type=int, help="number of labels, all classes")
    parser.add_argument(
        "--subset", type=int, help="number of training rows, drawn at random"
    )
    parser.add_argument("--validate", action="store_true")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--data-dir")
    parser.add_argument("--checkpoint-dir", type=Path, default=CHECKPOINTS)
    parsed = parser.parse_args(arguments)
    # "table" is of no data in particular
    names = [name for name, r in recipes.RECIPES.items() if r.data in _data.FILES]
    unknown = sorted(set(parsed.recipes) - set(names))
    if unknown or not (parsed.recipes or parsed.list):
        parser.error(
            f"RECIPE must be one or more of {', '.join(names)}; got "
            f"{', '.join(unknown) or 'none'}"
        )
    if parsed.cost_factor is not None:
        for name in parsed.recipes:
            if "denoising_cost" not in recipes.get(name):
                parser.error(f"--cost-factor: {name} has no denoising costs")
    return parsed


def load(data, arguments):
    """Training and test rows of a recipe's data, as the recipe wants them."""
    loader = {"mnist": _data.load_mnist, "cifar10": _data.load_cifar10}[data]
    X, y, X_test, y_test = loader(arguments.data_dir)
    if arguments.validate:
        X, y, X_test, y_test = _data.hold_out_last(X, y)
    if arguments.subset is not None:
        order = np.random.RandomState(0).permutation(len(X))[: arguments.subset]
        X, y = X[order], y[order]
    if data == "cifar10":
        pipeline = make_pipeline(GlobalContrastNormalizer(norm=55), ZCAWhitener(0.1))
        X, X_test = pipeline.fit_transform(X), pipeline.transform(X_test)
    return X, y, X_test, y_test


def error_percent(clf, X, y):
    return _percent(clf.predict(X), y)


def _percent(predicted, y):
    return _share(predicted != y)


def _share(are_so):
    return round(100 * float(np.mean(are_so)), 3)


def few_labels(y, n_labels, seed):
    """As many labels of each class, -1 for the others; or `y` if all are to be kept."""
    if n_labels >= len(y):
        return y
    n_classes = len(np.unique(y))
    if n_labels < 1 or n_labels % n_classes:
        raise ValueError(
            f"The number of labels must be a multiple of the {n_classes} classes in "
            f"the training rows; got {n_labels}."
        )
    return _data.keep_labels(y, n_labels // n_classes, seed)


def adversarial_errors(clf, X, y):
    """Errors under the fast gradient method: the package's, and that of Shinoda et al.

    The package follows the gradient of a difference of logits, which has the same
    direction as that of the log-loss, but is not rounded to 0 where the network is
    certain. Shinoda et al. 2017 take the gradient g of the log-loss itself, and divide
    by its norm without a guard: ε g/‖g‖₂, and ε g/‖g‖₁ in L1. Where g is 0, or so small
    that its squares are, pixels become NaN or infinite. The class of such a sample is
    then 0, as argmax has it, whatever it was.
    """
    eps, undefined = ADVERSARIAL_EPSILON, {}
    attacked = {
        norm: fast_gradient(clf, X, eps=eps, norm=norm) for norm in ("linf", "l2", "l1")
    }
    errors = {norm: error_percent(clf, X_new, y) for norm, X_new in attacked.items()}
    gradient = log_loss_gradient(clf, X)
    with np.errstate(divide="ignore", invalid="ignore"):
        changes = {
            "linf": np.sign(gradient),
            "l2": gradient / np.sqrt(np.square(gradient).sum(axis=1, keepdims=True)),
            "l1": gradient / np.abs(gradient).sum(axis=1, keepdims=True),
        }
    for norm, change in changes.items():
        is_finite = np.isfinite(change).all(axis=1)
        moved = X + eps * np.where(is_finite[:, None], change, 0)
        predicted = np.where(is_finite, clf.predict(moved), 0)
        errors[f"{norm} as published"] = _percent(predicted, y)
        undefined[norm] = _share(~is_finite)
    is_zero = ~gradient.any(axis=1)
    return {
        "adversarial_epsilon": eps,
        "adversarial_error_percent": errors,
        "zero_gradients_percent": _share(is_zero),
        "undefined_percent": undefined,
    }


def log_loss_gradient(clf, X):
    """Gradient of each sample's log-loss, of the predicted class, in single precision.

    Parameters
    ----------
    clf : LadderClassifier
    X : ndarray of shape (n_samples, n_features), float32

    Returns
    -------
    ndarray of the shape of `X`, float32
    """
    logits_of, device = clf.net_.module_.mean_logits, clf.net_.device
    gradients = []
    for rows in gen_batches(len(X), ROWS_AT_ONCE):
        x = torch.tensor(X[rows], device=device).requires_grad_()
        logits = logits_of(x)
        loss = cross_entropy(logits, logits.argmax(dim=1), reduction="sum")
        gradients.append(torch.autograd.grad(loss, x)[0].cpu().numpy())
    return np.concatenate(gradients)


def changed_parameters(recipe, arguments):
    """Parameters of a recipe that arguments change, by name."""
    changed = {
        "max_epochs": arguments.epochs,
        "decay_start": arguments.decay_start,
        "batch_size": arguments.batch_size,
    }
    if arguments.cost_factor is not None:
        costs = recipes.get(recipe)["denoising_cost"]
        changed["denoising_cost"] = np.multiply(costs, arguments.cost_factor).tolist()
    return {name: value for name, value in changed.items() if value is not None}


def run_name(recipe, parameters, seed, arguments):
    """Name of a run, different wherever arguments make another run of it.

    A run on another device, or with other threads, is the same run.
    """
    parts = [recipe, f"{parameters['max_epochs']}epochs"]
    optional = [
        ("rows", arguments.subset),
        ("labels", arguments.labels),
        ("batch", arguments.batch_size),
        ("decay", arguments.decay_start),
        ("cost", arguments.cost_factor),
    ]
    parts += [f"{value}{name}" for name, value in optional if value is not None]
    if arguments.validate:
        parts.append("validation")
    return "-".join([*parts, f"seed{seed}"])


def core_hours(result):
    """Of a run: CPU time or, where it was not measured, threads × time on the wall."""
    seconds = result["training_seconds"] * result["machine"]["threads"]
    return result.get("cpu_seconds", seconds) / 3600


def is_done(name, parameters):
    """Whether there is a result of a run with these parameters.

    They are compared where both have them: a parameter that was renamed since makes no
    other run. A new parameter that changes a recipe asks for its results to be removed.
    """
    done = _results.read(name)
    if done is None:
        return False
    before, now = done["parameters"], _results.as_json(parameters)
    return all(before[name] == now[name] for name in before.keys() & now.keys())


def command(recipe, seed, arguments):
    """The command of a single run, without folders of this machine."""
    words = ["python", "-m", "benchmarks.published", recipe, "--seeds", seed]
    for option in (
        *("epochs", "decay_start", "batch_size", "cost_factor", "labels", "subset"),
        "device",
    ):
        value = getattr(arguments, option)
        if value not in (None, "auto"):
            words += [f"--{option.replace('_', '-')}", value]
    if arguments.validate:
        words.append("--validate")
    return shlex.join(map(str, words))


def checkpoint_path(name, folder):
    """The checkpoint of a run. Half a run of other code is not gone on with."""
    commit = _results.commit()
    code = f"{commit['commit']}{'-dirty' if commit['dirty'] else ''}"
    return folder / f"{name}@{code}.pt"


def checkpoints(name, folder):
    """The checkpoints of a run, by this code or other, the newest first."""
    found = folder.glob(f"{name}@*.pt")
    return sorted(found, key=lambda path: -path.stat().st_mtime_ns)


def run(name, recipe, parameters, seed, rows, arguments, n_epochs_after):
    """Train and test once.

    Returns
    -------
    dict
        What is kept of the run.
    """
    X, y, X_test, y_test = rows
    n_labels = arguments.labels
    if n_labels is None:
        n_labels = recipes.RECIPES[recipe].n_labels
    y_few = few_labels(y, n_labels, seed)
    result = {
        "recipe": recipe,
        "seed": seed,
        "parameters": _results.as_json(parameters),
        "data": _data.source(recipes.RECIPES[recipe].data, arguments.data_dir),
        "n_rows": len(X),
        "n_labels": int((y_few >= 0).sum()),
    }
    made = _results.provenance(command(recipe, seed, arguments))
    checkpoint = checkpoint_path(name, arguments.checkpoint_dir)
    callbacks = [
        CPUSeconds(),
        # `CPUSeconds` measures whole epochs
        Checkpoint(checkpoint, every_n_epochs=1, every_n_seconds=None),
        Progress(parameters["max_epochs"], n_epochs_after),
    ]
    if arguments.validate:

        def validation_error(net):
            return _percent(net.predict(X_test), y_test)

        callbacks.insert(0, ErrorCurve(validation_error))
    clf = LadderClassifier(
        **parameters,
        random_state=seed,
        device=arguments.device,
        callbacks=callbacks,
    )
    clf.fit(X, y_few)
    if clf.n_iter_ < parameters["max_epochs"]:  # Ctrl-C: the checkpoint goes on
        raise KeyboardInterrupt
    cpu_before_tests = time.process_time()
    predicted = clf.predict(X_test)
    result |= {
        "device": clf.device_,
        "training_seconds": round(float(clf.history_["dur"].sum()), 1),
        "error_percent": _percent(predicted, y_test),
        # a row for each true class, a column for each predicted one
        "confusion_matrix": confusion_matrix(y_test, predicted).tolist(),
        "history": {
            name: np.round(column, 5).tolist()
            for name, column in clf.history_.items()
            if name.endswith(("loss", "cost", "error_percent"))
        },
    }
    if recipes.RECIPES[recipe].source == recipes.SHINODA2017:
        result |= adversarial_errors(clf, X_test, y_test)
    cpu_of_tests = time.process_time() - cpu_before_tests
    cpu_seconds = float(clf.history_["cpu_seconds"].sum()) + cpu_of_tests
    _results.write(name, result | {"cpu_seconds": round(cpu_seconds, 2)} | made)
    for path in checkpoints(name, arguments.checkpoint_dir):
        path.unlink(missing_ok=True)
    return result


def main(arguments=None):
    arguments = parse_arguments(arguments)
    if arguments.list:
        print(recipes.table().to_string())
        return
    todo = []
    for recipe in arguments.recipes:
        parameters = recipes.get(recipe) | changed_parameters(recipe, arguments)
        for seed in arguments.seeds:
            name = run_name(recipe, parameters, seed, arguments)
            if not is_done(name, parameters):
                todo.append((name, recipe, parameters, seed))
    rows_of = {}
    for number, (name, recipe, parameters, seed) in enumerate(todo):
        print(name, flush=True)
        data = recipes.RECIPES[recipe].data
        if data not in rows_of:
            rows_of = {data: load(data, arguments)}
        after = sum(later["max_epochs"] for _, _, later, _ in todo[number + 1 :])
        result = run(name, recipe, parameters, seed, rows_of[data], arguments, after)
        published = recipes.RECIPES[recipe].error
        beside = "" if published is None else f", published {published:.2f} %"
        print(f"  error {result['error_percent']:.2f} %{beside}", flush=True)


if __name__ == "__main__":
    main()
