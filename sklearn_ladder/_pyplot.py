"""matplotlib, which only displays need."""


def import_pyplot(display):
    """``matplotlib.pyplot``, or an error that names the display and the extra.

    Parameters
    ----------
    display : type
        What needs it.

    Returns
    -------
    module

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            f"{display.__name__} needs matplotlib: pip install 'sklearn-ladder[plots]'"
        ) from error
    return pyplot


def axes_for(display, ax):
    """The axes given or, where there are none, those of a new figure.

    Parameters
    ----------
    display : type
        What is to be drawn.
    ax : matplotlib Axes or None

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    pyplot = import_pyplot(display)
    return pyplot.subplots()[1] if ax is None else ax
