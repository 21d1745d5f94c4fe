"""Tables for "Which method for my table", and for the advice of `compare`."""

import numpy as np
import pandas as pd

from benchmarks import _results
from benchmarks.compare_simulation import TOLERANCE
from benchmarks.tabular_summary import LADDER, SUPERVISED, VOTE

# Open tables with ten and more classes, where the defaults are those for clusters:
# `sklearn_ladder._defaults.are_clusters`. No everyday table has as many.
MANY_CLASSES = {
    "krkopt", "led24", "letter", "mfeat_factors", "optdigits", "pendigits", "vowel",
}  # fmt: skip
FOREST, LINEAR = "random forest", "logistic regression"
SHOWN = [LADDER, FOREST, "extra trees", LINEAR, VOTE]
# By so much the forest's accuracy is higher where thresholds matter.
LEAD_OF_FOREST = 0.02
GROUPS = {
    "clusters": "ten and more classes",
    "thresholds": "fewer classes, forest ahead of logistic regression",
    "neither": "fewer classes, forest not ahead",
}


def which_method_table():
    """Methods by group of tables, with the class prior by EM; None without results."""
    families = (_results.read("tables") or {"families": {}})["families"]
    tables = {
        name: means
        for family in ("open", "everyday")
        for name, means in families.get(family, {}).get("table_means", {}).items()
        if {SUPERVISED, *SHOWN} <= set(means["accuracy"])
    }
    if not tables:
        return None
    groups = {group: [] for group in GROUPS}
    for name, means in tables.items():
        groups[group_of(name, means["accuracy"])].append(name)
    groups = {group: names for group, names in groups.items() if names}
    lines = [
        f"| tables | unlabeled samples add | {' | '.join(SHOWN)} |",
        "|---" * (2 + len(SHOWN)) + "|",
    ]
    for group, names in groups.items():
        accuracy, loss = (
            pd.DataFrame([tables[name][score] for name in names]).mean()
            for score in ("accuracy", "log_loss")
        )
        gain = 100 * (accuracy[LADDER] - accuracy[SUPERVISED])
        cells = [
            f"{_bold(accuracy[SHOWN], method, max, '.3f')} / "
            f"{_bold(loss[SHOWN], method, min, '.2f')}"
            for method in SHOWN
        ]
        lines.append(
            f"| {group}: {GROUPS[group]} ({len(names)}) | {gain:+.1f} points | "
            f"{' | '.join(cells)} |"
        )
    named = "; ".join(
        f"{group}: {', '.join(sorted(names, key=str.lower))}"
        for group, names in groups.items()
    )
    note = (
        "<sub>mean accuracy / log-loss over tables, of all numbers of labels together; "
        "unlabeled samples: the ladder's accuracy minus that of the same network "
        f"without them; {named}; `python -m benchmarks.tabular --summary`</sub>"
    )
    return "\n".join([*lines, "", note])


def group_of(name, accuracy):
    """Group of a table.

    Parameters
    ----------
    name : str
    accuracy : dict of str to float
        Mean accuracy of each method on it.
    """
    if name in MANY_CLASSES:
        return "clusters"
    is_ahead = accuracy[FOREST] >= accuracy[LINEAR] + LEAD_OF_FOREST
    return "thresholds" if is_ahead else "neither"


def _bold(values, method, best, form):
    text = format(values[method], form)
    return f"**{text}**" if values[method] == best(values) else text


def simulation_table():
    """How often the advice of `compare` was right; None without results."""
    result = _results.read("compare-simulation")
    if result is None:
        return None
    by_labels = result["by_labels"]
    lines = [
        f"| labels | {' | '.join(by_labels)} |",
        "|---" * (1 + len(by_labels)) + "|",
    ]
    rows = {
        "draws (tables)": lambda found: f"{found['runs']} ({found['tables']})",
        "unlabeled samples helped in": lambda found: f"{found['unlabeled_help']:.0%}",
        'said "help" or "harm", and was right': _answers("help", "harm"),
        'said "probably help", and was right': _answers("probably help"),
        'said "probably harm", and was right': _answers("probably harm"),
        'said "unclear"': _unclear,
    }
    first = next(iter(by_labels.values()))
    for rule in first["regret"]:
        rows[f"as good as the best method: {rule}"] = lambda found, rule=rule: (
            f"{found['as_good_as_best'][rule]:.0%}"
        )
    for rule in first["regret"]:
        rows[f"log-loss above the best method's: {rule}"] = lambda found, rule=rule: (
            f"{found['regret'][rule]:.3f}"
        )
    rows["95 % intervals of differences from the vote that contain the true one"] = (
        lambda found: f"{found['differences_covered']:.0%}"
    )
    rows["95 % intervals of the vote's accuracy that contain the true one"] = (
        lambda found: f"{found['accuracy_covered']:.0%}"
    )
    lines += [
        f"| {name} | {' | '.join(map(cell, by_labels.values()))} |"
        for name, cell in rows.items()
    ]
    note = (
        f'"as good": log-loss at most {TOLERANCE} above that of the best method; '
        f"`{result['command']}`; commit {_results.short_commit(result)}"
    )
    return "\n".join([*lines, "", f"<sub>{note}</sub>"])


def _answers(*verdicts):
    def cell(found):
        given = [found["verdicts"][v] for v in verdicts if v in found["verdicts"]]
        n = sum(each["given"] for each in given)
        n_right = sum(each["right"] for each in given)
        return f"{n_right} of {n}" if n else "never"

    return cell


def _unclear(found):
    n_said = int(np.sum([each["given"] for each in found["verdicts"].values()]))
    return str(found["runs"] - n_said)


COMPARISON_TABLES = {
    "which-method": which_method_table,
    "compare-simulation": simulation_table,
}
