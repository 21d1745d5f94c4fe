"""What the runs of ``benchmarks.tabular`` say: ranks, differences, gains."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import _results
from benchmarks._families import FAMILIES
from benchmarks._methods import CHEAP, DEAR
from benchmarks._scores import (
    SMALLEST_PROBABILITY,
    critical_difference,
    difference,
    mean_ranks,
)
from benchmarks.ablation import TABLES

PICTURE = Path(__file__).parent.parent / "docs" / "images" / "tabular.png"
# The other rows of these are where most defaults were chosen. A rule for ten and more
# classes was chosen when test rows of pendigits and letter had been seen.
CHOSEN_ON = {*TABLES, "letter", "pendigits"}
LADDER, SUPERVISED, VOTE = "ladder", "ladder, supervised", "vote"
# The ladder is a member of these: its rank is that among all others.
WITH_LADDER = [VOTE, "ladder and logistic regression"]
METRICS = ["accuracy", "balanced_accuracy", "log_loss"]
PRIORS = ["em", "none"]
# A run that failed has no right predictions, and is sure of them.
WORST = {
    "accuracy": 0.0,
    "balanced_accuracy": 0.0,
    "log_loss": -np.log(SMALLEST_PROBABILITY),
}
# All settings together, by means over them
ALL = "all"


def read_runs(family):
    """All runs of a family: a row a method, a draw and a class prior.

    Returns
    -------
    DataFrame
        Empty if there are none.
    """
    rows = []
    for line in _results.read_lines(_results.FOLDER / f"tabular-{family}.jsonl"):
        key = {name: line.get(name) for name in ("table", "setting", "seed")}
        for (method, found), prior in product(line.get("methods", {}).items(), PRIORS):
            row = key | {"method": method, "prior": prior, "error": found.get("error")}
            row |= {"seconds": found.get("seconds"), **found.get(prior, WORST)}
            rows.append(row)
    return pd.DataFrame(rows)


def complete(runs, methods):
    """Runs of those methods, of draws of a table in which each of them has run."""
    runs = runs[runs["method"].isin(methods)]
    per_draw = runs.groupby(["table", "setting", "seed"])["method"]
    return runs[per_draw.transform("nunique") == len(methods)]


def table_means(runs, metric, setting):
    """Means over draws, a row a table and a column a method; all higher the better."""
    sign = -1 if metric == "log_loss" else 1
    by_setting = (
        sign * runs.groupby(["table", "setting", "method"])[metric].mean().unstack()
    )
    if setting != ALL:
        return by_setting.xs(setting, level="setting")
    # tables that have runs in all settings
    n_settings = by_setting.groupby("table").size()
    whole = n_settings[n_settings == n_settings.max()].index
    return by_setting.groupby("table").mean().loc[whole]


def compare(runs, setting, prior):
    """Methods over the tables in one setting, or in the means over all.

    Differences are those with the class prior by EM.
    """
    runs = runs[runs["prior"] == prior]
    result = {}
    for metric in METRICS:
        means = table_means(runs, metric, setting)
        n_tables, n_methods = means.shape
        without_vote = means.drop(columns=WITH_LADDER, errors="ignore")
        found = {
            "mean": abs(means.mean()).round(4).to_dict(),
            "mean_rank": mean_ranks(without_vote).round(2).to_dict(),
            "mean_rank_with_votes": mean_ranks(means).round(2).to_dict(),
        }
        if n_tables > 1:
            found["critical_difference"] = critical_difference(n_methods, n_tables)
            found["ahead_of"] = {
                reference: {
                    method: difference(means[reference], means[method])
                    for method in means
                    if method != reference
                }
                for reference in (LADDER, VOTE)
                if reference in means and prior == "em"
            }
        result[metric] = found
    here = runs if setting == ALL else runs[runs["setting"] == setting]
    result["seconds"] = here.groupby("method")["seconds"].mean().round(2).to_dict()
    draws = here.groupby("table")["seed"].nunique()
    result["tables"] = len(draws)
    result["draws"] = [int(draws.min()), int(draws.max())]
    return result


def compare_settings(runs, methods):
    """Comparisons by setting and by class prior, of the draws that are complete."""
    runs = complete(runs, methods)
    settings = list(dict.fromkeys(runs["setting"]))
    if len(settings) > 1:
        settings.append(ALL)
    return {
        setting: {prior: compare(runs, setting, prior) for prior in PRIORS}
        for setting in settings
    }


def gains(runs):
    """Gain of the ladder over its supervised self in accuracy, by table and setting."""
    runs = complete(runs[runs["prior"] == "em"], [LADDER, SUPERVISED])
    draws = runs.pivot(
        index=["table", "setting", "seed"], columns="method", values="accuracy"
    )
    gain = (draws[LADDER] - draws[SUPERVISED]).groupby(["table", "setting"])
    # one draw has no standard error: any loss counts
    return pd.DataFrame(
        {"gain": gain.mean(), "standard_error": gain.sem().fillna(0)}
    ).reset_index()


def harm(cells):
    """How often the ladder is as good as its supervised self, and where it is not."""
    harmless = cells["gain"] >= -cells["standard_error"]
    worst = cells.loc[cells["gain"].idxmin()]
    return {
        "cells": len(cells),
        "harmless_share": float(harmless.mean()),
        "worst": worst.to_dict(),
    }


def where_behind(runs):
    """Tables where another method is better than the ladder: by how much, and which.

    In accuracy, means over settings, with the class prior by EM.
    """
    runs = runs[(runs["prior"] == "em") & ~runs["method"].isin([*WITH_LADDER, *DEAR])]
    means = table_means(runs, "accuracy", ALL)
    gap = means.max(axis=1) - means[LADDER]
    best = means.idxmax(axis=1)
    tables = gap[gap > 0].sort_values(ascending=False).index
    return {table: [round(float(gap[table]), 4), best[table]] for table in tables}


def means_by_table(runs):
    """Mean scores over settings with the class prior by EM, by table and method."""
    runs = runs[runs["prior"] == "em"]
    means = {metric: abs(table_means(runs, metric, ALL)) for metric in METRICS}
    return {
        table: {metric: means[metric].loc[table].round(4).to_dict() for metric in means}
        for table in means["accuracy"].index
    }


def subsets(family, runs):
    """Parts of a family that are shown apart, by name."""
    parts = {family: runs}
    if family == "open":
        chosen_on = runs["table"].isin(CHOSEN_ON)
        parts["open, defaults chosen on other rows"] = runs[chosen_on]
        parts["open, nothing chosen"] = runs[~chosen_on]
    return {name: part for name, part in parts.items() if len(part)}


def summarize(family, runs):
    """All that is shown of a family."""
    present = set(runs["method"])
    cheap = present & set(FAMILIES[family].cheap)
    cells = gains(runs)
    return {
        "comparisons": {
            name: found
            for name, part in subsets(family, runs).items()
            if (found := compare_settings(part, cheap))
        },
        "with_long_fits": _with_long_fits(runs, cheap, present & set(DEAR)),
        "behind": where_behind(complete(runs, present & set(CHEAP))),
        "table_means": means_by_table(complete(runs, present & set(CHEAP))),
        "gains": cells.round(4).to_dict("records"),
        "harm": harm(cells),
        "failed": runs.loc[runs["error"].notna() & (runs["prior"] == "em"), "method"]
        .value_counts()
        .to_dict(),
    }


def _with_long_fits(runs, cheap, dear):
    """All settings together, with the other methods in the same, fewer draws."""
    if not dear:
        return {}
    return compare_settings(runs, cheap | dear).get(ALL, {})


def main():
    """Summarize all families of which there are runs."""
    found = {}
    for family in FAMILIES:
        runs = read_runs(family)
        if len(runs):
            found[family] = summarize(family, runs)
            print_family(family, found[family])
    if not found:
        raise SystemExit("there are no runs yet: python -m benchmarks.tabular")
    print(_results.write("tables", {"families": found} | _results.provenance()))
    draw(found)


def print_family(family, result):
    """The figures that the claims are about."""
    for name, comparisons in result["comparisons"].items():
        for setting, of_priors in comparisons.items():
            for prior, found in of_priors.items():
                print_comparison(f"{name}; {setting}; class prior: {prior}", found)
    print("ladder is behind on", result["behind"])
    print("against its supervised self:", result["harm"])
    print("failed runs:", result["failed"])


def print_comparison(title, found):
    """A table of a comparison."""
    print(f"\n{title}; {found['tables']} tables, draws {found['draws']}")
    columns = {}
    for metric, short in zip(METRICS, ("acc", "bal", "loss"), strict=True):
        columns[short] = found[metric]["mean"]
        columns[f"rank {short}"] = found[metric]["mean_rank"]
        columns[f"all {short}"] = found[metric]["mean_rank_with_votes"]
        ahead = found[metric].get("ahead_of", {}).get(LADDER, {})
        columns[f"ladder ahead, {short}"] = {
            method: "{:.4f} [{:.4f}, {:.4f}] p={:.3f}".format(*each)
            for method, each in ahead.items()
        }
    columns["s"] = found["seconds"]
    print(pd.DataFrame(columns).sort_values("loss").to_string(na_rep="-"))


def draw(families):
    """Left the mean ranks of all methods, right the ladder's gains by table."""
    from matplotlib import pyplot as plt

    shown = [name for name in ("open", "everyday") if name in families]
    if not shown:
        return
    figure, axes = plt.subplots(
        len(shown), 2, figsize=(11, 5 * len(shown)), layout="constrained", squeeze=False
    )
    for name, (left, right) in zip(shown, axes, strict=True):
        draw_ranks(left, families[name]["comparisons"][name])
        draw_gains(right, pd.DataFrame(families[name]["gains"]))
        left.set_ylabel(f"{name} tables", fontsize="large")
    figure.savefig(PICTURE, dpi=120)
    plt.close(figure)


def draw_ranks(axes, comparisons):
    """Mean ranks in accuracy with the class prior by EM, a color a setting."""
    settings = [setting for setting in comparisons if setting != ALL]
    ranks = {
        setting: comparisons[setting]["em"]["accuracy"]["mean_rank_with_votes"]
        for setting in settings
    }
    methods = list(ranks[settings[0]])[::-1]  # the best on top
    _, colors, shifts = _styles(settings)
    for setting, color, shift in zip(settings, colors, shifts, strict=True):
        axes.plot(
            [ranks[setting][method] for method in methods],
            np.arange(len(methods)) + shift,
            "o", color=color, label=setting, markersize=4,
        )  # fmt: skip
    axes.set_yticks(range(len(methods)), methods)
    axes.set_xlabel("mean rank in accuracy (1 is best)")
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.6, 1.0), ncols=4, frameon=False,
        fontsize="small", columnspacing=1, handletextpad=0.2,
    )  # fmt: skip
    _plain(axes)


def draw_gains(axes, cells):
    """Gain of the ladder over its supervised self, a color a setting."""
    tables = sorted(cells["table"].unique(), reverse=True)
    for setting, color, shift in zip(*_styles(cells["setting"].unique()), strict=True):
        here = cells[cells["setting"] == setting]
        axes.errorbar(
            100 * here["gain"],
            [tables.index(table) + shift for table in here["table"]],
            xerr=100 * here["standard_error"],
            fmt="o", color=color, markersize=3, linewidth=1,
        )  # fmt: skip
    axes.axvline(0, color="gray", linewidth=0.8)
    axes.set_yticks(range(len(tables)), tables)
    axes.set_xlabel("ladder less its supervised self, points of accuracy")
    _plain(axes)


def _styles(settings):
    from matplotlib import colormaps

    colors = colormaps["viridis"](np.linspace(0.9, 0, len(settings)))
    return settings, colors, np.linspace(0.2, -0.2, len(settings))


def _plain(axes):
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", linewidth=0.3)
