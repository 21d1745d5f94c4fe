"""What the displays share: legends clear of the data, names of layers, subsets."""

import math

import numpy as np

# Least width of axes, in inches, that leaves room for a legend beside them.
WIDE = 4.5
# Largest share of the height of axes that a legend inside them may have.
LARGEST_SHARE = 0.6
MOST_COLUMNS = 4


def literal(text):
    """Text that is shown as it is: two $ in matplotlib's texts enclose a formula."""
    return str(text).replace("$", r"\$")


def layer_name(number, plan):
    """Name of a layer: "input", "hidden 1", …, "class layer" or "code"."""
    if number == 0:
        return "input"
    top = "class layer" if plan.n_classes else "code"
    return top if number == len(plan.layers) - 1 else f"hidden {number}"


def choose_samples(n_samples, max_samples, random_state, first=None):
    """Indices of at most `max_samples` random samples, in ascending order.

    Parameters
    ----------
    n_samples : int
    max_samples : int or None
        None chooses all.
    random_state : RandomState instance
    first : ndarray of shape (n_samples,), bool, default=None
        Samples that are chosen before any others.

    Returns
    -------
    ndarray of shape (n_chosen,)

    Raises
    ------
    ValueError
        If `max_samples` is not at least 1.
    """
    if max_samples is not None and max_samples < 1:
        raise ValueError(f"max_samples must be at least 1, or None; got {max_samples}.")
    if max_samples is None or n_samples <= max_samples:
        return np.arange(n_samples)
    order = random_state.permutation(n_samples)
    if first is not None:
        order = order[np.argsort(~first[order], kind="stable")]
    return np.sort(order[:max_samples])


def place_legend(ax, **kwargs):
    """Add a legend that is clear of the data.

    If the figure has a layout engine, which makes room for the legend, it is beside
    wide axes and above narrow ones. Otherwise it is at the top inside the axes, whose
    upper limit rises above the data.

    Parameters
    ----------
    ax : matplotlib Axes
    **kwargs
        Passed to :meth:`matplotlib.axes.Axes.legend`.

    Returns
    -------
    matplotlib Legend
    """
    kwargs = {"fontsize": "small"} | kwargs
    if ax.figure.get_layout_engine() is None:
        legend = _flat_legend(ax, loc="upper center", **kwargs)
        _raise_limit(ax, legend)
        return legend
    if ax.get_window_extent().width >= WIDE * ax.figure.dpi:
        return ax.legend(loc="upper left", bbox_to_anchor=(1, 1), **kwargs)
    return _flat_legend(
        ax, loc="lower center", bbox_to_anchor=(0.5, 1), frameon=False, **kwargs
    )


def legend_marker(marker, color, **kwargs):
    """An entry of a legend that is a marker without a line.

    Parameters
    ----------
    marker, color : str or tuple
    **kwargs
        Passed to :class:`matplotlib.lines.Line2D`.
    """
    from matplotlib.lines import Line2D

    kwargs = {"markersize": 5} | kwargs
    return Line2D([], [], linestyle="", marker=marker, color=color, **kwargs)


def _flat_legend(ax, **kwargs):
    """A legend with few rows that is no wider than the axes."""
    for most in range(MOST_COLUMNS, 0, -1):
        legend = ax.legend(ncols=most, **kwargs)
        if legend.get_window_extent().width <= ax.get_window_extent().width:
            break
    n_entries = len(legend.get_texts())
    n_rows = math.ceil(n_entries / most)
    return ax.legend(ncols=max(math.ceil(n_entries / max(n_rows, 1)), 1), **kwargs)


def _raise_limit(ax, legend):
    """Raise the upper y-limit, so that the data end below the legend."""
    if not ax.get_autoscaley_on():  # the user has set limits
        return
    inside = legend.get_window_extent().height / ax.get_window_extent().height
    share = min(inside + 0.04, LARGEST_SHARE)
    scale = ax.yaxis.get_transform()
    low, high = scale.transform(ax.get_ylim())
    high = scale.inverted().transform([low + (high - low) / (1 - share)])[0]
    ax.set_ylim(top=high, auto=True)
