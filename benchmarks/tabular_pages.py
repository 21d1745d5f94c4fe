"""Tables of ``benchmarks.tabular`` for the README and ``docs``, of ``tables.json``."""

import numpy as np

from benchmarks import _results
from benchmarks._methods import MEANS
from benchmarks.tabular_summary import ALL, LADDER, METRICS, VOTE

TITLES = {
    "open": "open tables",
    "everyday": "everyday tables",
    "open, defaults chosen on other rows": "defaults chosen on other samples",
    "open, nothing chosen": "no default of the ladder chosen",
}
COMMAND = "python -m benchmarks.tabular"
# In the README: ours, and the rivals that a reader thinks of first.
IN_SHORT = (
    VOTE,
    LADDER,
    "ladder, supervised",
    "both forests",
    "random forest",
    "logistic regression",
    "boosting",
    "label spreading",
    "self-training, logistic regression",
    "majority class",
)


def _needs_runs(table):
    """Decorator: None, so that the page stays as it is, while runs are missing."""

    def table_or_none():
        families = (_results.read("tables") or {"families": {}})["families"]
        for name in ("open", "everyday"):
            comparisons = families.get(name, {}).get("comparisons", {}).get(name, {})
            if ALL not in comparisons or comparisons[ALL]["em"]["tables"] < 2:
                return None
        return table(families)

    return table_or_none


@_needs_runs
def overall_table(families):
    """Both families of tables, all settings together, with the class prior by EM."""
    return _overall(families, "em")


@_needs_runs
def no_prior_table(families):
    """The same without it."""
    return _overall(families, "none")


@_needs_runs
def long_fits_table(families):
    """With the methods that take long, in fewer draws."""
    shown = {
        name: families[name]["with_long_fits"].get("em")
        for name in ("open", "everyday")
    }
    if None in shown.values():
        return None
    return _methods_table(shown, shown["open"])


def _both(families, prior="em"):
    """Comparisons of the open and of the everyday tables, all settings together."""
    return {
        name: families[name]["comparisons"][name][ALL][prior]
        for name in ("open", "everyday")
    }


def _overall(families, prior):
    shown = _both(families, prior)
    return _methods_table(shown, shown["open"])


@_needs_runs
def short_table(families):
    """Accuracy, log-loss and seconds of few methods, for the README."""
    shown = _both(families)
    headings = [
        f"{TITLES[name]}: {metric}"
        for name in shown
        for metric in ("accuracy", "log-loss")
    ]
    lines = _head(["method", *headings, "CPU s a fit (open)"])
    seconds_of = shown["open"]["seconds"]
    for method in (each for each in IN_SHORT if each in seconds_of):
        cells = [
            _mean(found, metric, method, digits)
            for found in shown.values()
            for metric, digits in (("accuracy", 3), ("log_loss", 2))
        ]
        lines.append(_line(method, [*cells, f"{seconds_of[method]:.2f}"]))
    note = f"means; {_data_note(shown)}; `{COMMAND} --summary`"
    return "\n".join([*lines, "", f"<sub>{note}</sub>"])


@_needs_runs
def parts_table(families):
    """Open tables on which defaults were chosen, and the others."""
    comparisons = families["open"]["comparisons"]
    shown = {
        name: comparisons[name][ALL]["em"]
        for name in comparisons
        if name != "open" and ALL in comparisons[name]
    }
    table = _methods_table(shown, comparisons["open"][ALL]["em"])
    note = "the weights of the vote were chosen on other samples of all of them"
    return table.replace("<sub>", f"<sub>{note}; ")


def _methods_table(shown, of_seconds):
    """Ranks and means of each method, best log-loss of the first comparison first."""
    first = next(iter(shown.values()))
    methods = sorted(first["log_loss"]["mean"], key=first["log_loss"]["mean"].get)
    headings = [
        heading
        for name in shown
        for heading in (f"{TITLES[name]}: ranks", "accuracy", "balanced", "log-loss")
    ]
    lines = _head(["method", *headings, "CPU s a fit (open)"])
    for method in methods:
        cells = []
        for found in shown.values():
            cells.append(_ranks(found, method))
            cells += [
                _mean(found, metric, method, digits)
                for metric, digits in zip(METRICS, (3, 3, 2), strict=True)
            ]
        cells.append(f"{of_seconds['seconds'][method]:.2f}")
        lines.append(_line(method, cells))
    return "\n".join([*lines, "", _note(shown)])


def _settings_table(families, family):
    comparisons = families[family]["comparisons"][family]
    shown = {
        setting: of_priors["em"]
        for setting, of_priors in comparisons.items()
        if setting != ALL
    }
    ranks = next(iter(shown.values()))["log_loss"]["mean_rank_with_votes"]
    lines = _head(["labels:", *shown])
    lines += [
        _line(method, [_ranks(found, method) for found in shown.values()])
        for method in ranks
    ]
    differences = [
        f"{found['accuracy']['critical_difference']:.1f}" for found in shown.values()
    ]
    lines.append(_line("*critical difference*", differences))
    # the claim about the ladder itself
    ranks = [
        " / ".join(f"{found[metric]['mean_rank'][LADDER]:.1f}" for metric in METRICS)
        for found in shown.values()
    ]
    lines.append(_line("*ladder, among methods that do not contain it*", ranks))
    return "\n".join([*lines, "", _note(shown)])


@_needs_runs
def open_settings_table(families):
    """Ranks in each setting of the open tables."""
    return _settings_table(families, "open")


@_needs_runs
def everyday_settings_table(families):
    """Ranks in each setting of the everyday tables."""
    return _settings_table(families, "everyday")


@_needs_runs
def differences_table(families):
    """How far ladder and vote are ahead of each method, with intervals and tests."""
    found = _both(families)
    headings = [
        f"{TITLES[name]}: {reference}, {metric}"
        for name in found
        for reference in (LADDER, VOTE)
        for metric in ("accuracy", "log-loss")
    ]
    lines = _head(["ahead of", *headings])
    for method in found["open"]["log_loss"]["mean"]:
        cells = [
            _ahead(found[name][metric]["ahead_of"][reference].get(method), metric)
            for name in found
            for reference in (LADDER, VOTE)
            for metric in ("accuracy", "log_loss")
        ]
        lines.append(_line(method, cells))
    note = (
        "mean difference over tables, 95 % interval by bootstrap over tables; "
        "* p < 0.05, ** p < 0.01 in Wilcoxon's signed-rank test; accuracy in points; "
        "positive is better"
    )
    return "\n".join([*lines, "", f"<sub>{note}; `{COMMAND} --summary`</sub>"])


def _ahead(found, metric):
    if found is None:
        return "–"
    *numbers, p = found
    scale, digits = (100, 1) if metric == "accuracy" else (1, 2)
    gap, low, high = (f"{scale * each:+.{digits}f}" for each in numbers)
    stars = "**" if p < 0.01 else "*" if p < 0.05 else ""
    return f"{gap} [{low}, {high}]{stars.replace('*', chr(92) + '*')}"


@_needs_runs
def harm_sentence(families):
    """What unlabeled samples do to the ladder, and where others are better."""
    return "\n\n".join(_harm(name, families[name]) for name in ("open", "everyday"))


def _harm(name, family):
    harm = family["harm"]
    mean_gain = 100 * np.mean([cell["gain"] for cell in family["gains"]])
    worst, worst_gain = harm["worst"], 100 * harm["worst"]["gain"]
    behind = ", ".join(
        f"{table} ({method}, {100 * gap:.1f} points)"
        for table, (gap, method) in family["behind"].items()
    )
    return (
        f"{TITLES[name].capitalize()}: with unlabeled samples the ladder's accuracy "
        f"changes by {mean_gain:+.1f} points in the mean. It is at least that of the "
        f"same network without them, within one standard error, in "
        f"{harm['harmless_share']:.0%} of {harm['cells']} cells (table × labels). The "
        f"worst change is {worst_gain:+.1f} points ({worst['table']}, "
        f"{worst['setting']}). Tables where another method has a higher accuracy: "
        f"{behind or 'none'}."
    )


@_needs_runs
def vote_sentence(families):
    """Log-loss of the vote beside that of the best single method."""
    sentences = []
    for name, found in _both(families).items():
        log_loss = found["log_loss"]["mean"]
        single = {m: loss for m, loss in log_loss.items() if m not in MEANS}
        best = min(single, key=single.get)
        change = 100 * (log_loss[VOTE] / single[best] - 1)
        sentences.append(
            f"{TITLES[name].capitalize()}: the log-loss of the vote is "
            f"{abs(change):.1f} % {'lower' if change < 0 else 'higher'} than that of "
            f"the best single method ({best})."
        )
    return " ".join(sentences)


@_needs_runs
def headline(families):
    """How far the ladder is ahead, in three numbers per family, for the README."""
    rivals = {
        "both forests": "two averaged forests",
        "random forest": "a random forest",
        "ladder, supervised": "the same network without unlabeled samples",
    }
    lines = []
    for name, found in _both(families).items():
        ahead = found["accuracy"]["ahead_of"][LADDER]
        of_tables = [
            found_on["accuracy"] for found_on in families[name]["table_means"].values()
        ]
        gaps = []
        for method, rival in rivals.items():
            better, worse = (
                sum(sign * mean[LADDER] > sign * mean[method] for mean in of_tables)
                for sign in (1, -1)
            )
            gap = _ahead(ahead[method], "accuracy")
            gaps.append(f"{gap} against {rival} (better on {better}, worse on {worse})")
        worst = families[name]["harm"]["worst"]
        lines.append(
            f"- {found['tables']} {TITLES[name]}: {', '.join(gaps)}; at worst, "
            f"unlabeled samples cost {-100 * worst['gain']:.1f} points "
            f"({worst['table']}, {worst['setting']})"
        )
    return "\n".join(lines)


@_needs_runs
def others_table(families):
    """Text and images."""
    shown = {
        f"{name}: {setting}": of_priors["em"]
        for family in ("text", "images")
        if family in families
        for name, settings in families[family]["comparisons"].items()
        for setting, of_priors in settings.items()
    }
    if not shown:
        return None
    headings = [
        heading for name in shown for heading in (name, "log-loss", "CPU s a fit")
    ]
    methods = dict.fromkeys(m for found in shown.values() for m in found["seconds"])
    lines = _head(["method", *headings])
    for method in methods:
        cells = []
        for found in shown.values():
            cells.append(_mean(found, "accuracy", method, 3))
            cells.append(_mean(found, "log_loss", method, 2))
            seconds = found["seconds"].get(method)
            cells.append("–" if seconds is None else f"{seconds:.1f}")
        lines.append(_line(method, cells))
    note = f"mean accuracy and log-loss; {_data_note(shown)}; `{COMMAND} --summary`"
    return "\n".join([*lines, "", f"<sub>{note}</sub>"])


def _head(headings):
    return [_line(headings[0], headings[1:]), "|---" * len(headings) + "|"]


def _line(first, cells):
    return f"| {' | '.join([first, *cells])} |"


def _ranks(found, method):
    return " / ".join(
        _bold(found[metric]["mean_rank_with_votes"], method, min, "{:.1f}")
        for metric in METRICS
    )


def _mean(found, metric, method, digits):
    best = min if metric == "log_loss" else max
    return _bold(found[metric]["mean"], method, best, f"{{:.{digits}f}}")


def _bold(values, method, best, form):
    if method not in values:
        return "–"
    text = form.format(values[method])
    return f"**{text}**" if text == form.format(best(values.values())) else text


def _note(shown):
    return (
        "<sub>ranks are mean ranks in accuracy / balanced accuracy / log-loss, 1 is "
        f"best; {_data_note(shown)}; `{COMMAND} --summary`</sub>"
    )


def _data_note(shown):
    """How many data sets and draws there are."""
    return "; ".join(
        f"{TITLES.get(name, name)}: {_results.counted(found['tables'], 'data set')}, "
        f"{_draws(found['draws'])}"
        for name, found in shown.items()
    )


def _draws(limits):
    least, most = limits
    draws = _results.counted(most, "draw")
    return draws if least == most else f"{least} to {draws}"


PAGES_TABLES = {
    "tabular": overall_table,
    "tabular-headline": headline,
    "tabular-short": short_table,
    "tabular-open": open_settings_table,
    "tabular-everyday": everyday_settings_table,
    "tabular-differences": differences_table,
    "tabular-parts": parts_table,
    "tabular-no-prior": no_prior_table,
    "tabular-long-fits": long_fits_table,
    "tabular-harm": harm_sentence,
    "tabular-vote": vote_sentence,
    "tabular-others": others_table,
}
