"""The published runs beside what is published, as tables for the README."""

import numpy as np
import pandas as pd

from benchmarks import _results
from benchmarks.published import core_hours
from sklearn_ladder import recipes

# Rows and columns of the short table.
SHORT_NETWORKS = {
    "baseline": "plain network",
    "gamma": "ladder, cost at the class layer (Γ)",
    "bottom": "ladder, cost at the input",
    "full": "ladder",
    "conv-small-baseline": "plain convolutional network",
}
SHORT_LABELS = ["50", "100", "1,000", "all"]
# Training samples of the published runs.
N_SAMPLES = {"mnist": 60_000, "cifar10": 50_000}
# Shinoda et al. 2017, table 2: error in % by number of labels; L∞, L2 and L1. The paper
# prints its rows of L2 and L1 exchanged; here they are as in the released result files.
PUBLISHED_ADVERSARIAL = {
    50: {
        "vat": (22, 10, 10),
        "ladder": (54, 69, 26),
        "lvac": (49, 3, 3),
        "lvac-lw": (34, 4, 5),
        "lvan": (59, 2.5, 1.8),
        "lvan-lw": (56, 2.4, 1.6),
    },
    100: {
        "vat": (16, 4, 3),
        "ladder": (58, 2.3, 1.6),
        "lvac": (48, 2.2, 1.7),
        "lvac-lw": (31, 1.9, 1.4),
        "lvan": (60, 2.0, 1.4),
        "lvan-lw": (60, 1.9, 1.3),
    },
    1000: {
        "vat": (10.6, 2.6, 2.4),
        "ladder": (53, 2.3, 1.5),
        "lvac": (36, 1.8, 1.4),
        "lvac-lw": (27, 1.6, 1.2),
        "lvan": (40, 2.2, 1.6),
        "lvan-lw": (43, 2.3, 1.7),
    },
}


def published_runs():
    """What the tables need of each run of a recipe on test samples.

    Returns
    -------
    DataFrame
        In the order of recipes, then of seeds.
    """
    runs = []
    for path in _results.FOLDER.glob("*-seed*.json"):
        if "-validation-" in path.stem:
            continue
        result = _results.read(path.stem)
        runs.append(
            {
                "recipe": result["recipe"],
                "schedule": _schedule(result),
                "seed": result["seed"],
                "data": result["data"],
                "error": result["error_percent"],
                "core_hours": core_hours(result),
                "machine": machine(result),
                "commit": _results.short_commit(result),
                **result.get("adversarial_error_percent", {}),
                "zero_gradients": result.get("zero_gradients_percent", np.nan),
                "undefined": result.get("undefined_percent", {}).get("l2", np.nan),
                # the first runs kept none
                "confusion_matrix": result.get("confusion_matrix"),
            }
        )
    order = {name: number for number, name in enumerate(recipes.names())}
    place = pd.Series([order[run["recipe"]] for run in runs], dtype=int)
    frame = pd.DataFrame(runs).assign(place=place)
    return frame.sort_values(["place", "schedule", "seed"])


def published_table():
    """Every published cell, and the shortened runs: the error of each seed.

    A recipe that has not run on its whole schedule has a line that says so.
    """
    lines = [
        "| recipe | schedule | published, % | ours, % | seeds | seed: error, % "
        "| core-hours a run | commit |",
        "|---|---|---|---|---|---|---|---|",
    ]
    runs = published_runs()
    for name, recipe in recipes.RECIPES.items():
        of_recipe = runs[runs["recipe"] == name]
        published, whole = _published_error(recipe), _whole_schedule(recipe)
        if recipe.error is not None and whole not in set(of_recipe["schedule"]):
            cells = "not yet | 0 | – | – | –"
            lines.append(f"| {name} | {whole} | {published} | {cells} |")
        schedules = of_recipe["schedule"].unique()
        for schedule in sorted(schedules, key=lambda schedule: schedule != whole):
            same = of_recipe[of_recipe["schedule"] == schedule]
            each = ", ".join(
                f"{seed}: {error:.2f}"
                for seed, error in zip(same["seed"], same["error"], strict=True)
            )
            lines.append(
                f"| {name} | {schedule} | {published} "
                f"| {mean_error(same['error'])} | {len(same)} | {each} "
                f"| {_range(same['core_hours'])} "
                f"| {', '.join(same['commit'].unique())} |"
            )
    notes = [
        "`python -m benchmarks.published RECIPE`; mean ± standard deviation; hours "
        "are of several kinds of machine, and more with two threads; the first "
        "runs kept no commit; -dirty: with changes beside the commit"
    ]
    if runs["data"].str.contains("jpeg").any():
        notes.append("CIFAR-10 from JPEG files, which are lossy: not quite comparable")
    notes += runs["machine"].unique().tolist()
    return "\n".join([*lines, "", f"<sub>{'; '.join(notes)}</sub>"])


def published_short_table():
    """Complete runs on MNIST, by number of labels; None without results."""
    runs = _complete(published_runs())
    names = {
        (kind, n_labels): f"rasmus2015-mnist-{n_labels.replace(',', '')}-{kind}"
        for kind in SHORT_NETWORKS
        for n_labels in SHORT_LABELS
    }
    runs = runs[runs["recipe"].isin(names.values())]
    if len(runs) == 0:
        return None
    lines = [
        f"| network | {' | '.join(f'{n} labels' for n in SHORT_LABELS)} |",
        "|---" * (1 + len(SHORT_LABELS)) + "|",
    ]
    for kind, network in SHORT_NETWORKS.items():
        cells = []
        for n_labels in SHORT_LABELS:
            name = names[kind, n_labels]
            errors = runs.loc[runs["recipe"] == name, "error"]
            cell = "–"
            if len(errors):
                published = _published_error(recipes.RECIPES[name])
                cell = f"**{mean_error(errors)}** ({published})"
            cells.append(cell)
        lines.append(f"| {network} | {' | '.join(cells)} |")
    n_seeds = runs.groupby("recipe").size()
    hours = _range(runs["core_hours"])
    note = (
        "test error on MNIST in %, in brackets the published one; whole schedules; "
        f"{n_seeds.min()} to {n_seeds.max()} seeds, {hours} core-hours each, on "
        "machines of several kinds; `python -m benchmarks.published RECIPE`"
    )
    return "\n".join([*lines, "", f"<sub>{note}</sub>"])


def confusions_table():
    """The most frequent error of each complete run that kept its confusion matrix.

    None if there is no such run.
    """
    runs = _complete(published_runs())
    runs = runs[runs["confusion_matrix"].notna()]
    if len(runs) == 0:
        return None
    lines = [
        "| recipe | seed | error, % | most frequent error | its share of the errors |",
        "|---|---|---|---|---|",
    ]
    for run in runs.itertuples():
        errors = np.array(run.confusion_matrix)
        np.fill_diagonal(errors, 0)
        true, taken_for = np.unravel_index(errors.argmax(), errors.shape)
        share = errors.max() / max(errors.sum(), 1)
        lines.append(
            f"| {run.recipe} | {run.seed} | {run.error:.2f} "
            f"| {true} taken for {taken_for} | {share:.0%} |"
        )
    note = "classes by number, of MNIST the digits; `python -m benchmarks.published`"
    return "\n".join([*lines, "", f"<sub>{note}</sub>"])


def _range(values):
    low, high = f"{values.min():.1f}", f"{values.max():.1f}"
    return low if low == high else f"{low} to {high}"


def _complete(runs):
    """Those on the whole schedule of their recipe."""
    whole = {name: _whole_schedule(recipe) for name, recipe in recipes.RECIPES.items()}
    return runs[runs["schedule"] == runs["recipe"].map(whole)]


def _whole_schedule(recipe):
    """What `_schedule` says of a run as published."""
    return "{0} of {0} epochs".format(recipe.parameters["max_epochs"])


def adversarial_table():
    """Errors before and after the fast gradient method, with the published ones."""
    columns = {
        "linf": "L∞",
        "l2": "L2",
        "l1": "L1",
        "linf as published": "their attack: L∞",
        "l2 as published": "their attack: L2",
        "l1 as published": "their attack: L1",
        "zero_gradients": "gradient 0, % of samples",
        "undefined": "their L2 undefined, % of samples",
    }
    lines = [
        "| recipe | schedule | seeds | clean | " + " | ".join(columns.values()) + " |",
        "|---|---|---|---|" + "---|" * len(columns),
    ]
    runs = published_runs()
    # results from before a column was measured do not have it
    runs = runs.reindex(columns=["recipe", "schedule", "error", *columns])
    runs = runs[runs["linf"].notna()]
    for (name, schedule), same in runs.groupby(["recipe", "schedule"], sort=False):
        _, _, n_labels, model = name.split("-", 3)
        of_paper = PUBLISHED_ADVERSARIAL[int(n_labels)][model]
        published = {
            f"{norm} as published": error
            for norm, error in zip(("linf", "l2", "l1"), of_paper, strict=True)
        }
        cells = [f"{same['error'].mean():.2f}"]
        for column in columns:
            mean = same[column].mean()
            cell = "–" if np.isnan(mean) else f"{mean:.2f}"
            if column in published:
                cell += f" (published {published[column]})"
            cells.append(cell)
        lines.append(f"| {name} | {schedule} | {len(same)} | {' | '.join(cells)} |")
    note = (
        "test error in %, mean over seeds; fast gradient of length 0.3, of the "
        "predicted class. The columns L∞, L2 and L1 are the attack of this package: "
        "its gradient does not vanish where a network is certain, and in L1 it changes "
        "a single pixel. Their attack takes the gradient of the log-loss. In L1 it "
        "changes all pixels a little. It divides by the norm without a guard. If a "
        "gradient is 0, the sample becomes NaN and is taken for class 0. In L2 it is "
        "enough that the squares are rounded to 0. The paper prints its rows of L1 "
        "and L2 exchanged; here they are as in the released result files. "
        "There, the attacked ladders with 50 labels have 5.60 % clean error, so they "
        "are not those of the table above; `python -m benchmarks.published RECIPE`"
    )
    return "\n".join([*lines, "", f"<sub>{note}</sub>"])


def _schedule(result):
    """How long a run trained on what, where it is not as published."""
    recipe, parameters = recipes.RECIPES[result["recipe"]], result["parameters"]
    n_samples, n_labels = result["n_rows"], result["n_labels"]
    published = recipe.parameters
    words = f"{parameters['max_epochs']} of {published['max_epochs']} epochs"
    if n_samples != N_SAMPLES[recipe.data]:
        words += f", {n_samples:,} samples"
    if n_labels != min(recipe.n_labels, n_samples):
        words += f", {n_labels:,} labels"
    if (batch_size := parameters["batch_size"]) != published["batch_size"]:
        words += f", batches of {batch_size}"
    if (start := parameters["decay_start"]) != published["decay_start"]:
        words += f", rate falls from {start:.0%} on"
    if (costs := parameters.get("denoising_cost")) != published.get("denoising_cost"):
        factor = np.divide(costs, published["denoising_cost"]).max()
        words += f", denoising costs × {factor:.3g}"
    return words


def mean_error(errors):
    """Mean and, of several, standard deviation."""
    if len(errors) == 1:
        return f"{errors.mean():.2f}"
    return f"{errors.mean():.2f} ± {errors.std():.2f}"


def _published_error(recipe):
    return "–" if recipe.error is None else f"{recipe.error:.2f} ± {recipe.std:.2f}"


def machine(result):
    """Processor, threads and torch of a result."""
    made_on, torch = result["machine"], result["versions"]["torch"]
    if result["device"].startswith("cuda"):
        return f"{made_on['cuda']}, torch {torch}"
    return f"{made_on['processor']}, {_results.threads(result)}, torch {torch}"
