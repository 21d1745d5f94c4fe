"""What the runs of ``benchmarks.tabular`` say: ranks, and what unlabeled rows gain."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks import _results
from benchmarks._scores import critical_difference, mean_ranks, wins_ties_losses

PICTURE = Path(__file__).parent.parent / "docs" / "images" / "tabular.png"
LADDER, SUPERVISED = "ladder", "ladder, supervised"
METRICS = ["accuracy", "balanced_accuracy"]
REPORTED = ["log_loss", "calibration_error", "fit_seconds"]


def read_runs():
    """All runs, of both settings. A run that failed has no right predictions."""
    runs = []
    for path in sorted(_results.FOLDER.glob("tabular-*.jsonl")):
        setting = path.stem.removeprefix("tabular-")
        runs += [{"setting": setting} | run for run in _results.read_lines(path)]
    if not runs:
        raise SystemExit("there are no runs yet: python -m benchmarks.tabular")
    runs = pd.DataFrame(runs)
    if "error" in runs:
        runs.loc[runs["error"].notna(), METRICS] = 0.0
    return runs


def complete(runs):
    """Runs of those draws (table and seed) for which each of the methods has run."""
    n_methods = runs.groupby(["table", "seed"])["method"].transform("nunique")
    return runs[n_methods == runs["method"].nunique()]


def by_method(runs, metric):
    """Scores with a row a draw and a column a method."""
    return runs.pivot(index=["table", "seed"], columns="method", values=metric)


def compare(runs):
    """Methods of one setting and number of labels over the tables."""
    seeds = sorted(runs["seed"].unique().tolist())
    result = {"tables": runs["table"].nunique(), "seeds": seeds}
    for metric in METRICS:
        means = by_method(runs, metric).groupby("table").mean()
        ranks = mean_ranks(means)
        result[metric] = {
            "mean_rank": ranks.round(3).to_dict(),
            "critical_difference": critical_difference(len(ranks), len(means)),
            "p_friedman": float(stats.friedmanchisquare(*means.T.to_numpy()).pvalue),
            "mean": means.mean().round(4).to_dict(),
            "ladder_wins_ties_losses": wins_ties_losses(means, LADDER),
            "ladder_behind": behind(means),
        }
    for metric in REPORTED:
        result[metric] = runs.groupby("method")[metric].mean().round(4).to_dict()
    return result


def behind(means):
    """Tables on which another method is better than the ladder: by how much, which."""
    gap = means.max(axis=1) - means[LADDER]
    best = means.idxmax(axis=1)
    tables = gap[gap > 0].sort_values(ascending=False).index
    return {table: [round(float(gap[table]), 4), best[table]] for table in tables}


def gains(runs, metric):
    """Gain of the ladder over its supervised self: mean and standard error by table."""
    draws = by_method(complete(runs[runs["method"].isin([LADDER, SUPERVISED])]), metric)
    gain = (draws[LADDER] - draws[SUPERVISED]).groupby("table")
    # one seed has no standard error: any loss counts
    return pd.DataFrame({"gain": gain.mean(), "standard_error": gain.sem().fillna(0)})


def harm(cells):
    """How often the ladder is as good as its supervised self, and where it is not."""
    harmless = cells["gain"] >= -cells["standard_error"]
    worst = cells.loc[cells["gain"].idxmin()]
    return {
        "cells": len(cells),
        "harmless_share": float(harmless.mean()),
        "more_than_3_points_worse": int((cells["gain"] < -0.03).sum()),
        "worst": worst.to_dict(),
    }


def draw(comparisons, cells):
    """Left the mean ranks of all methods, right the ladder's gains by table."""
    from matplotlib import pyplot as plt

    methods = list(comparisons[0]["accuracy"]["mean_rank"])[::-1]  # the best on top
    tables = sorted(cells["table"].unique(), reverse=True)
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(11, 2 + 0.22 * len(tables)), layout="constrained"
    )
    shades = plt.colormaps["viridis"](np.linspace(0.9, 0, len(comparisons)))
    shifts = np.linspace(0.2, -0.2, len(comparisons))
    for comparison, shade, shift in zip(comparisons, shades, shifts, strict=True):
        ranks = comparison["accuracy"]["mean_rank"]
        left.plot(
            [ranks.get(method, np.nan) for method in methods],
            np.arange(len(methods)) + shift,
            "o", color=shade, label=comparison["name"],
        )  # fmt: skip
        here = cells[cells["name"] == comparison["name"]]
        right.errorbar(
            100 * here["gain"],
            [tables.index(table) + shift for table in here["table"]],
            xerr=100 * here["standard_error"],
            fmt="o", color=shade, markersize=4, linewidth=1,
        )  # fmt: skip
    left.set_yticks(range(len(methods)), methods)
    left.set_xlabel("mean rank in accuracy (1 is best)")
    right.axvline(0, color="gray", linewidth=0.8)
    right.set_yticks(range(len(tables)), tables)
    right.set_xlabel("ladder's gain over its supervised self, points")
    for axes in left, right:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", linewidth=0.3)
    figure.legend(
        loc="outside upper center",
        ncols=len(comparisons),
        title="labels",
        frameon=False,
    )
    figure.savefig(PICTURE, dpi=120)


def main():
    runs = read_runs()
    comparisons, cells = [], {metric: [] for metric in METRICS}
    for (setting, labels), group in runs.groupby(["setting", "labels"]):
        name = f"{labels} {'per class' if setting == 'per-class' else 'on average'}"
        whole = complete(group)
        if not {LADDER, SUPERVISED} <= set(whole["method"]):
            print(f"{name}: left out, no draw with the ladder and all other methods")
            continue
        key = {"name": name, "setting": setting, "labels": int(labels)}
        comparisons.append(key | compare(whole))
        for metric in METRICS:
            cells[metric].append(gains(group, metric).reset_index().assign(name=name))
        print_comparison(comparisons[-1])
    if not comparisons:
        raise SystemExit("there is nothing to compare yet")
    cells = {m: pd.concat(frames, ignore_index=True) for m, frames in cells.items()}
    failed = runs.loc[runs["error"].notna(), "method"] if "error" in runs else []
    result = {
        "comparisons": comparisons,
        "harm": {metric: harm(cells[metric]) for metric in METRICS},
        "gains": {m: cells[m].round(4).to_dict("records") for m in METRICS},
        "failed": pd.Series(failed, dtype=object).value_counts().to_dict(),
    }
    for metric in METRICS:
        print(f"against its supervised self, {metric}:", result["harm"][metric])
    print("failed runs:", result["failed"])
    print(_results.write("tabular", result | _results.provenance()))
    draw(comparisons, cells["accuracy"])


def print_comparison(comparison):
    print(
        f"\nlabels: {comparison['name']}; {comparison['tables']} tables, "
        f"{len(comparison['seeds'])} seeds; critical difference of mean ranks "
        f"{comparison['accuracy']['critical_difference']:.2f}"
    )
    columns = {
        "rank": comparison["accuracy"]["mean_rank"],
        "balanced rank": comparison["balanced_accuracy"]["mean_rank"],
        "ladder w/t/l": comparison["accuracy"]["ladder_wins_ties_losses"],
        "accuracy": comparison["accuracy"]["mean"],
        "balanced": comparison["balanced_accuracy"]["mean"],
    } | {metric: comparison[metric] for metric in REPORTED}
    print(pd.DataFrame(columns).sort_values("rank").round(3).to_string())
    print("ladder is behind on", comparison["accuracy"]["ladder_behind"])
