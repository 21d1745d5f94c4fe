"""How soon the ladder is as good as the plain network, and other claims of the papers.

``python -m benchmarks.claims`` trains the ladder and the plain network with 100 labels
of MNIST for one epoch of their published schedules. Every 50 updates it measures the
error on the last 10,000 of the training samples, which take no part. Test samples are
not used. ``benchmarks.readme`` puts this beside the other claims.
"""

import argparse
import time

import numpy as np
from skorch.callbacks import Callback

from benchmarks import _data, _results
from benchmarks.published import few_labels
from sklearn_ladder import LadderClassifier, recipes

RECIPES = {
    "ladder": "rasmus2015-mnist-100-full",
    "plain network": "rasmus2015-mnist-100-baseline",
}
EVERY = 50  # updates
BAD_PERCENT = 2  # error of runs that the paper counts as failed
ENOUGH_RUNS = 10  # to count those


class ErrorsOnTheWay(Callback):
    """Measures the error every so many updates, and the CPU seconds of training."""

    def __init__(self, X, y, every):
        self.X, self.y, self.every = X, y, every

    def on_train_begin(self, net, **kwargs):
        self.curve_, self.spent_ = [], 0.0
        self.start_ = time.process_time()

    def on_batch_end(self, net, training=False, **kwargs):
        if not training or net.n_updates_ % self.every:
            return
        self.spent_ += time.process_time() - self.start_
        error = 100 * float(np.mean(net.predict(self.X) != self.y))
        point = {
            "updates": net.n_updates_,
            "cpu_seconds": round(self.spent_, 2),
            "error_percent": round(error, 2),
        }
        self.curve_.append(point)
        self.start_ = time.process_time()


def curve(recipe, seed, rows, n_epochs):
    """Error on the way of one training."""
    X, y, X_validation, y_validation = rows
    parameters = recipes.get(recipe)
    # the published rate is constant for as long as this
    parameters |= {"max_epochs": n_epochs, "decay_start": 1.0}
    errors = ErrorsOnTheWay(X_validation, y_validation, EVERY)
    clf = LadderClassifier(
        **parameters, random_state=seed, callbacks=[errors], device="cpu"
    )
    clf.fit(X, few_labels(y, recipes.RECIPES[recipe].n_labels, seed))
    return dict(clf.net_.callbacks_)["ErrorsOnTheWay"].curve_


def first_below(points, error_percent):
    """First point of a curve whose error is at most this; None if there is none."""
    return next((p for p in points if p["error_percent"] <= error_percent), None)


def claims_table():
    """What the papers claim about costs and seeds, beside what was measured."""
    lines = ["| claim | published | measured |", "|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in _rows()]
    note = "`python -m benchmarks.claims`, `benchmarks.speed`, `benchmarks.published`"
    return "\n".join([*lines, "", f"<sub>{note}</sub>"])


def _rows():
    step = _results.read("speed-cpu")["step"]["100"]
    ratio, on_as_many = (
        step["ladder"] / step[name]
        for name in ("plain supervised network", "supervised, as many rows")
    )
    yield (
        "a step of the ladder against the plain network's",
        "about 3 ×",
        f"{ratio:.2f} × that of torch alone; {on_as_many:.2f} × that of this package, "
        "on as many samples",
    )
    for noise, cost in [("LVAN", "LVAC"), ("LVAN-LW", "LVAC-LW")]:
        times = " against ".join(f"{1e3 * step[name]:.0f} ms" for name in (noise, cost))
        yield f"a step of {noise} is cheaper than one of {cost}", "yes", times
    errors = _full_runs(RECIPES["ladder"])
    n_above = sum(error > BAD_PERCENT for error in errors)
    yield (
        f"runs of {RECIPES['ladder']} that end above {BAD_PERCENT} %",
        "about 5 %",
        f"{n_above} of {len(errors)}"
        + " (too few to tell)" * (len(errors) < ENOUGH_RUNS),
    )
    yield (
        "updates until the ladder is as good as the plain network at its best in "
        "the first epoch",
        "–",
        _sooner(_results.read("claims")),
    )


def _full_runs(recipe):
    """Errors of the runs of a recipe on its whole schedule."""
    parameters = recipes.RECIPES[recipe].parameters
    pattern = f"{recipe}-{parameters['max_epochs']}epochs-seed*.json"
    names = sorted(path.stem for path in _results.FOLDER.glob(pattern))
    return [_results.read(name)["error_percent"] for name in names]


def _sooner(result):
    """Updates and seconds of the ladder until it has the plain network's best error."""
    if result is None:
        return "not yet"
    cells = []
    ladders, plains = (result["curves"][name] for name in RECIPES)
    for ladder, plain in zip(ladders, plains, strict=True):
        best = min(plain, key=lambda point: point["error_percent"])
        first = first_below(ladder, best["error_percent"])
        then = next(p for p in ladder if p["updates"] == best["updates"])
        reached = "not reached" if first is None else _point(first)
        cells.append(
            f"{reached}; the plain network's best, {best['error_percent']:.1f} %, "
            f"comes after {_point(best)}, when the ladder has "
            f"{then['error_percent']:.1f} %"
        )
    return "; ".join(cells)


def _point(point):
    return f"{point['updates']} ({point['cpu_seconds']:.1f} CPU s)"


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--data-dir")
    arguments = parser.parse_args(arguments)
    rows = _data.hold_out_last(*_data.load_mnist(arguments.data_dir)[:2])
    curves = {
        name: [curve(recipe, seed, rows, arguments.epochs) for seed in arguments.seeds]
        for name, recipe in RECIPES.items()
    }
    for name, of_seeds in curves.items():
        print(name, [points[-1]["error_percent"] for points in of_seeds], "%")
    result = {"seeds": arguments.seeds, "curves": curves}
    _results.write("claims", result | _results.provenance())


if __name__ == "__main__":
    main()
