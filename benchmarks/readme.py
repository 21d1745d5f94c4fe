"""Writes the tables of the README and of ``docs`` from ``benchmarks/results``.

``python -m benchmarks.readme``; with ``--check`` it only compares, and fails where a
page is not up to date.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import _results, self_training, speed
from benchmarks.autoencoder import CLASSIFIERS
from benchmarks.autoencoder_depth import NAME as NAME_OF_DEPTHS
from benchmarks.autoencoder_depth import autoencoders
from benchmarks.claims import claims_table
from benchmarks.comparison_pages import COMPARISON_TABLES
from benchmarks.published_summary import (
    adversarial_table,
    confusions_table,
    machine,
    mean_error,
    published_short_table,
    published_table,
)
from benchmarks.tabular_pages import PAGES_TABLES

_ROOT = Path(__file__).parent.parent
README = _ROOT / "README.md"
PAGES = [README, *sorted(_ROOT.glob("docs/**/*.md"))]
# Settings of the ablation that differ in noise alone.
DEFAULT = ["default", "random_state=100"]
# Of self-training, beside the last one.
SHOWN_ROUNDS = [0, 1, 2, 4, 8]


def digits_table():
    result = _results.read("digits")
    lines = [
        "| method | test accuracy | seconds a fit |",
        "|---|---|---|",
    ]
    for name, accuracy in result["test_accuracy"].items():
        seconds = np.mean(result["fit_seconds"][name])
        lines.append(
            f"| {name} | {np.mean(accuracy):.3f} ± {np.std(accuracy, ddof=1):.3f} "
            f"| {seconds:.1f} |"
        )
    return "\n".join([*lines, "", made_by(result, len(result["seeds"]))])


def quick_table():
    """Errors of the quick recipes, before and after self-training."""
    results = [
        _results.read(path.stem)
        for path in sorted(_results.FOLDER.glob("self-training-*.json"))
        if not path.stem.endswith("-validation")
    ]
    lines = [
        "| recipe | networks | epochs | rounds | seeds | test error, % | minutes |",
        "|---|---|---|---|---|---|---|",
    ]

    def kind(result):
        n_epochs = result["parameters"]["max_epochs"]
        return result["recipe"], result["n_networks"], result["n_starts"], n_epochs

    for name, n_networks, n_starts, n_epochs in sorted(set(map(kind, results))):
        same = [r for r in results if kind(r) == (name, n_networks, n_starts, n_epochs)]
        networks = "1" if n_starts == 1 else f"{n_networks} of {n_starts}"
        minutes = pd.DataFrame([result["minutes"] for result in same]).mean()
        errors_by_round = pd.DataFrame([result["error_percent"] for result in same])
        n_most = errors_by_round.columns[-1]
        for n_rounds in [n for n in SHOWN_ROUNDS if n < n_most] + [n_most]:
            # of some seeds there may be fewer rounds
            errors = errors_by_round[n_rounds].dropna()
            lines.append(
                f"| {name} | {networks} | {n_epochs} | {n_rounds} | {len(errors)} "
                f"| {mean_error(errors)} | {minutes[n_rounds]:.1f} |"
            )
    lines += ["", *_quick_draws(results)]
    note = "mean ± standard deviation; `python -m benchmarks.self_training`"
    machines = dict.fromkeys(machine(result) for result in results)
    return "\n".join([*lines, "", f"<sub>{'; '.join([note, *machines])}</sub>"])


def _quick_draws(results):
    """Error of each draw of labels, apart for draws that settings were chosen on."""
    lines = [
        "| last round | protocol | draws that settings were chosen on | new draws "
        "| mean of the new draws, % |",
        "|---|---|---|---|---|",
    ]
    errors = {}
    for result in results:
        protocol = next(
            name
            for name, known in self_training.PROTOCOLS.items()
            if (known.n_starts, known.n_networks)
            == (result["n_starts"], result["n_networks"])
        )
        n_labels = int(result["recipe"].split("-")[2])
        of_kind = errors.setdefault((n_labels, protocol), {})
        of_kind[result["seed"]] = result["error_percent"][-1]
    for (n_labels, protocol), found in sorted(errors.items()):
        chosen = {s for n, s in self_training.CHOSEN_ON[protocol] if n == n_labels}
        planned = self_training.NEW_DRAWS.get((protocol, n_labels), [])
        new = sorted({*found, *planned} - chosen)
        mean = [found[seed] for seed in new if seed in found]
        lines.append(
            f"| quick-mnist-{n_labels}-full | {protocol} "
            f"| {_draws(sorted(chosen & found.keys()), found)} | {_draws(new, found)} "
            f"| {mean_error(pd.Series(mean)) if mean else '–'} |"
        )
    return lines


def _draws(seeds, errors):
    """Seeds with their errors in %."""
    cells = [
        f"{seed}: {errors[seed]:.2f}" if seed in errors else f"{seed}: not yet"
        for seed in seeds
    ]
    return ", ".join(cells) or "–"


def speed_table():
    result = _results.read("speed-cpu")
    lines = [
        "| one step, 100 + 100 rows | ms | × products | × ladder | × supervised |",
        "|---|---|---|---|---|",
    ]
    for name, seconds, *times in speed.compared(result["step"]["100"]):
        cells = " | ".join(f"{ratio:.2f}" for ratio in times)
        lines.append(f"| {name} | {1e3 * seconds:.0f} | {cells} |")
    large = result["step"]["500"]
    sentences = [
        "With 500 + 500 rows the ladder's step is "
        f"{large['ladder'] / speed.fastest_products(large):.2f} × the products."
    ]
    sentences += [
        f"`fit` ({name}) takes {seconds['fit'] / seconds['its updates']:.2f} × the "
        "time of its updates in torch, which are not compiled."
        for name, seconds in result["fit"].items()
    ]
    one, five = result["ensemble"].values()
    sentences.append(
        f"Five networks side by side (digits, 64-64-32-10) take {five / one:.2f} × "
        "the time of one."
    )
    predict = result["predict"]
    standardized = predict["standardizing"] / predict["plain network"]
    sentences.append(
        "`predict_proba` takes "
        f"{predict['predict_proba'] / predict['plain network']:.2f} × a plain network "
        f"for images as they are, and {standardized:.1f} × where features are "
        "standardized, as by default."
    )
    return "\n".join([*lines, "", " ".join(sentences), "", made_by(result)])


def default_fits_table():
    """Default fits beside other methods; None if they were not timed yet."""
    result = _results.read("speed-cpu")
    if "default fits" not in result:
        return None
    tables = result["default fits"]
    lines = [
        "| fit with defaults | " + " | ".join(f"{name}: s" for name in tables) + " |",
        "|---" * (1 + len(tables)) + "|",
    ]
    for method in next(iter(tables.values())):
        cells = [f"{table[method]['seconds']:.2f}" for table in tables.values()]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", made_by(result, note="10 labels per class")])


def fit_seconds_sentence():
    """The range of `default_fits_table`, in words."""
    result = _results.read("speed-cpu")
    if "default fits" not in result:
        return None
    tables = result["default fits"]

    def seconds_of(method):
        seconds = [table[method]["seconds"] for table in tables.values()]
        return f"{min(seconds):.1f} to {max(seconds):.1f} s"

    others = [name for name in next(iter(tables.values())) if name != "ladder"]
    machine = result["machine"]
    return (
        f"With {_results.threads(result)} of {machine['processor']}, a default fit "
        f"of {', '.join(tables)} took {seconds_of('ladder')} ("
        + ", ".join(f"{name} {seconds_of(name)}" for name in others)
        + "): [speed](docs/benchmarks/speed.md)."
    )


def validation_table():
    result = _results.read("validation")
    lines = [
        "| mean test score of | " + " | ".join(result["metrics"]) + " |",
        "|---|" + "---|" * len(result["metrics"]),
    ]
    for name, scores in result["mean_scores"].items():
        cells = ["NaN" if score is None else f"{score:.3f}" for score in scores]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    note = f"{len(result['seeds'])} draws of 100 labels from 1,797 digits"
    return "\n".join([*lines, "", made_by(result, note=note)])


def search_sentence():
    result = _results.read("search")
    n_right, n_plain = (
        result["chose_the_better"][f"{folds} folds"] for folds in ("labeled", "plain")
    )
    sentence = (
        f"{n_right} of {len(result['draws'])} draws. With plain folds, it did so in "
        f"{n_plain}, but their scores are far too low."
    )
    return "\n".join([sentence, "", made_by(result)])


def memory_table():
    result = _results.read("memory")
    lines = ["| | rows | features | peak, MB |", "|---|---|---|---|"]
    lines += [
        f"| {name} | {fit['rows']:,} | {fit['features']:,} | {fit['peak_mb_above']} |"
        for name, fit in result["fits"].items()
    ]
    return "\n".join([*lines, "", made_by(result)])


def larger_than_memory_table():
    result = _results.read("larger_than_memory")
    seconds, peaks = result["seconds"], result["peak_MB_per_worker"]
    lines = [
        "| data, MB | limit per worker, MB | peak after training, MB "
        "| after prediction, MB | training, s | prediction, s |",
        "|---|---|---|---|---|---|",
        f"| {result['bytes'] / 1e6:,.0f} | {1000 * result['limit_GB_per_worker']:,.0f} "
        f"| {max(peaks['after training']):.0f} | {max(peaks['after prediction']):.0f} "
        f"| {seconds['training']:.0f} | {seconds['prediction']:.0f} |",
    ]
    return "\n".join([*lines, "", made_by(result)])


def scaling_table():
    result = _results.read("scaling")
    methods = list(result["fits"])
    lines = [
        "| rows | " + " | ".join(f"{name}: s, MB" for name in methods) + " |",
        "|---" * (1 + len(methods)) + "|",
    ]
    for n_rows in result["fits"]["ladder"]:
        cells = [_scaling_cell(result["fits"][name].get(n_rows)) for name in methods]
        lines.append(f"| {int(n_rows):,} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", made_by(result)])


def _scaling_cell(fit):
    if fit is None:
        return "–"
    if "failure" in fit:
        return fit["failure"]
    return f"{fit['fit_seconds']:.1f}, {fit['peak_mb_above']:,}"


def missing_values_table():
    result = _results.read("missing_values")
    lines = [
        "| entries removed | mean filled in | by the network | better on | worse on |",
        "|---|---|---|---|---|",
    ]
    ways = ["mean", "by the network"]
    by_table = pd.DataFrame(result["runs"]).groupby(["share", "table"])[ways].mean()
    for share, means in by_table.groupby("share"):
        mean, network = (means[way] for way in ways)
        lines.append(
            f"| {share:.0%} | {mean.mean():.3f} | {network.mean():.3f} "
            f"| {(network > mean).sum()} | {(network < mean).sum()} |"
        )
    n_seeds = len(result["seeds"])
    note = f"mean test accuracy; {len(means)} tables, {n_seeds} seeds each"
    return "\n".join([*lines, "", made_by(result, note=note)])


def autoencoder_table():
    """Accuracy of classifiers on codes and on components, a column per data set."""
    result = _results.read("autoencoder")
    if result is None:
        return None
    names = [
        f"{name} (development)" if name in result["development"] else name
        for name in result["data"]
    ]
    lines = [
        "| features + classifier | " + " | ".join(names) + " |",
        "|---" * (1 + len(names)) + "|",
    ]
    for method in next(iter(result["data"].values()))["accuracy"]:
        means = [
            f"{np.mean(found['accuracy'][method]):.3f}"
            for found in result["data"].values()
        ]
        lines.append(f"| {method} | {' | '.join(means)} |")
    n_labels, n_seeds = result["labels_per_class"], len(result["seeds"])
    note = (
        f"mean accuracy; {n_labels} labels per class, five draws in {n_seeds} splits, "
        "two of LadderClassifier"
    )
    return "\n".join([*lines, "", made_by(result, note=note)])


def autoencoder_depth_table():
    """Accuracy of classifiers on codes of deeper networks, and with later noise."""
    result = _results.read(NAME_OF_DEPTHS)
    if result is None:
        return None
    found = result["accuracy"]
    columns = [(name, learner) for name in found for learner in CLASSIFIERS]
    lines = [
        "| layers below the code | "
        + " | ".join(f"{name}, {learner}" for name, learner in columns)
        + " |",
        "|---" * (1 + len(columns)) + "|",
    ]
    for setting in autoencoders(seed=0):
        cells = []
        for name, learner in columns:
            scores = pd.Series(found[name][f"{setting} + {learner}"])
            cells.append(f"{scores.mean():.3f} ± {scores.sem():.3f}")
        lines.append(f"| {setting} | {' | '.join(cells)} |")
    note = (
        f"mean accuracy ± standard error over {len(result['seeds'])} splits; "
        f"{result['labels_per_class']} labels per class"
    )
    return "\n".join([*lines, "", made_by(result, note=note)])


def ablation_table():
    """What each change of the defaults gains or loses on tables."""
    result = _results.read("ablation")
    scores_of = {
        setting: pd.DataFrame(found["scores"]).T
        for setting, found in result["settings"].items()
    }
    of_default = [scores_of.pop(name) for name in DEFAULT if name in scores_of]
    default = sum(of_default) / len(of_default)
    mean = default.mean()
    lines = [
        "| setting | accuracy, % | balanced, % | log-loss | calibration error |",
        "|---|---|---|---|---|",
        f"| default | {100 * mean['accuracy']:.1f} "
        f"| {100 * mean['balanced_accuracy']:.1f} | {mean['log_loss']:.2f} "
        f"| {mean['calibration_error']:.3f} |",
    ]
    for setting, scores in scores_of.items():
        gain = scores - default
        cells = [
            f"{100 * gain[name].mean():+.1f} ± {100 * gain[name].sem():.1f}"
            for name in ("accuracy", "balanced_accuracy")
        ]
        cells.append(f"{gain['log_loss'].mean():+.2f}")
        cells.append(f"{gain['calibration_error'].mean():+.3f}")
        lines.append(f"| {setting} | {' | '.join(cells)} |")
    note = (
        f"means over {len(default)} tables; of all but the default, mean change ± its "
        "standard error"
    )
    if len(of_default) > 1:
        chance = 100 * (of_default[1] - of_default[0])["accuracy"]
        note += (
            "; the default is the mean of two runs with noise of their own, "
            f"{abs(chance.mean()):.1f} ± {chance.sem():.1f} points of accuracy apart"
        )
    return "\n".join([*lines, "", made_by(result, note=note)])


def ablation_mnist_table():
    """What each change of the quick recipe gains or loses."""
    result = _results.read("ablation-mnist")
    lines = [
        "| setting | error, % | log-loss | calibration error |",
        "|---|---|---|---|",
    ]
    for setting, found in result["settings"].items():
        scores = found["scores"]["mnist"]
        lines.append(
            f"| {setting} | {100 * (1 - scores['accuracy']):.2f} "
            f"| {scores['log_loss']:.3f} | {scores['calibration_error']:.3f} |"
        )
    note = (
        "10,000 rows, one draw of 100 labels, five epochs: two settings that are "
        "equally good may differ by 0.2"
    )
    return "\n".join([*lines, "", made_by(result, note=note)])


def made_by(result, n_seeds=None, note=None):
    machine, versions = result["machine"], result["versions"]
    if n_seeds:
        note = f"{n_seeds} seeds, mean ± standard deviation"
    note = f"{note}; " if note else ""
    return (
        f"<sub>{note}`{result['command']}`; {machine['processor']}, "
        f"{_results.threads(result)}; torch {versions['torch']}, "
        f"scikit-learn {versions['scikit-learn']}</sub>"
    )


TABLES = (
    {
        "digits": digits_table,
        "published": published_table,
        "published-short": published_short_table,
        "confusions": confusions_table,
        "claims": claims_table,
        "quick": quick_table,
        "adversarial": adversarial_table,
        "speed": speed_table,
        "default-fits": default_fits_table,
        "fit-seconds": fit_seconds_sentence,
        "validation": validation_table,
        "search": search_sentence,
        "memory": memory_table,
        "larger-than-memory": larger_than_memory_table,
        "scaling": scaling_table,
        "missing_values": missing_values_table,
        "autoencoder": autoencoder_table,
        "autoencoder-depth": autoencoder_depth_table,
        "ablation": ablation_table,
        "ablation-mnist": ablation_mnist_table,
    }
    | PAGES_TABLES
    | COMPARISON_TABLES
)


def with_tables(page):
    """Text of a page, with each table between its two marks replaced.

    A table that is None has no results yet: what stands there stays.
    """
    text = page.read_text()
    for name, table in TABLES.items():
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        if begin not in text:  # a table that this page does not show
            continue
        lines = table()
        if lines is None:
            continue
        before, rest = text.split(begin)
        _, after = rest.split(end)
        text = f"{before}{begin}\n{lines}\n{end}{after}"
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only compare")
    arguments = parser.parse_args()
    texts = {page: with_tables(page) for page in PAGES}
    outdated = [page for page, text in texts.items() if page.read_text() != text]
    if arguments.check and outdated:
        sys.exit(f"not up to date: {', '.join(page.name for page in outdated)}")
    for page in outdated:
        page.write_text(texts[page])


if __name__ == "__main__":
    main()
