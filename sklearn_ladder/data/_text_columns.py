"""Columns of text that seem to hold something else than categories."""

import re

import numpy as np
import pandas as pd

from .._user_warnings import warn_user
from ._labels import LOOK_MISSING
from ._precision import first_of

# A column of text seems to hold numbers if at most three of its distinct values are
# not numbers, these look missing, and the numbers are more; or if one value is not a
# number and at least 100 are. The 100 most frequent values are checked first, to save
# time.
N_SEEN_FIRST, MOST_OTHERS, MANY_NUMBERS = 100, 3, 100
# It seems to hold dates if this share of its most frequent values are dates.
SHARE_OF_DATES = 0.9
_DAY, _MONTH, _YEAR = (
    "(0?[1-9]|[12][0-9]|3[01])",
    "(0?[1-9]|1[0-2])",
    "(1[89]|20)[0-9]{2}",
)
DATE = re.compile(
    rf"({_YEAR}(?P<a>[-/.]){_MONTH}(?P=a){_DAY}"
    rf"|{_DAY}(?P<b>[-/.]){_DAY}(?P=b){_YEAR})([T ][0-9:.+Z]*)?"
)
# Numbers that are text because of the way they are written: with a decimal comma, with
# separators of thousands, or with a sign. A space is no separator, since it separates
# the parts of phone numbers, unless it is narrow or does not break.
_NUMBER = r"[-+\u2212]?(\d+([.,]\d+)?|\d{1,3}([.,'\u2019\u00a0\u202f]\d{3})+([.,]\d+)?)"
NUMBER_AS_TEXT = re.compile(rf"[$€£¥]? ?{_NUMBER} ?[%$€£¥]?")
FEWEST_NUMBERS = 3  # distinct ones
# Categories that are missing, unless someone means them. Not those that are words, and
# are often meant: "none", "na", "unknown" and others.
MISSING_CATEGORIES = {"", "?", "nan", "<na>", "null", "n/a", "#n/a"}


def warn_of_text(values, counts, name):
    """Warn if text seems to hold numbers or dates; whether there was a warning."""
    values = values[np.argsort(-counts, kind="stable")]
    texts = [str(value).strip() for value in values]
    others = _other_than_numbers(texts)
    if others:
        warn_user(
            f"Column {name!r} of X becomes categories, since it has text among its "
            f"numbers: {others}. If that means missing, convert the column by "
            "pandas.to_numeric(column, errors='coerce')."
        )
        return True
    seen = [text for text in texts[:N_SEEN_FIRST] if text.lower() not in LOOK_MISSING]
    are_numbers = all(NUMBER_AS_TEXT.fullmatch(text) for text in seen)
    if are_numbers and len(seen) >= FEWEST_NUMBERS:
        warn_user(
            f"Column {name!r} of X becomes categories, although it seems to hold "
            f"numbers: {first_of(seen)}. If they are, convert it, for example by "
            "pandas.read_csv(…, decimal=',') or thousands=',', and remove signs such "
            "as %."
        )
        return True
    missing = [
        value
        for value, text in zip(values, texts, strict=True)
        if text.lower() in MISSING_CATEGORIES
    ]
    if missing:
        warn_user(
            f"Column {name!r} of X has the categories {missing}, which look like "
            "missing values. If they are, replace them by None."
        )
    n_dates = sum(DATE.fullmatch(text) is not None for text in seen)
    if n_dates > SHARE_OF_DATES * len(seen):
        warn_user(
            f"Column {name!r} of X becomes categories, although it seems to hold dates "
            f"as text: {first_of(seen)}. Convert it to numbers, such as days since "
            "the first one, or drop it."
        )
        return True
    return False


def _other_than_numbers(texts):
    """What is no number in a column that seems to hold numbers; otherwise nothing."""
    for some in (texts[:N_SEEN_FIRST], texts):
        numbers = pd.to_numeric(pd.Series(some, dtype=object), errors="coerce")
        others = [text for text, n in zip(some, numbers, strict=True) if np.isnan(n)]
        if len(others) > MOST_OTHERS:
            return []
    n_numbers = len(texts) - len(others)
    look_missing = all(text.lower() in LOOK_MISSING for text in others)
    is_one_of_many = len(others) == 1 and n_numbers >= MANY_NUMBERS
    is_like_numbers = n_numbers > len(others) and (look_missing or is_one_of_many)
    return others if is_like_numbers else []
