"""The question that an error asks about a name that is not known."""

import difflib


def did_you_mean(name, known, cutoff=0.6):
    """Ask whether a similar name was meant.

    Parameters
    ----------
    name : str
    known : iterable of str
    cutoff : float, default=0.6
        Least similarity, from 0 to 1, as in :func:`difflib.get_close_matches`.

    Returns
    -------
    str
        A sentence that begins with a space; empty if no name is similar. Upper case
        and spaces around a name do not matter.
    """
    by_lower_case = {str(each).lower().strip(): each for each in known}
    alike = difflib.get_close_matches(
        str(name).lower().strip(), by_lower_case, cutoff=cutoff
    )
    names = " or ".join(repr(by_lower_case[each]) for each in alike)
    return f" Did you mean {names}?" if names else ""
