"""What plots need: matplotlib, which is an optional extra."""

from sklearn.utils._optional_dependencies import check_matplotlib_support


def require_matplotlib(display_class):
    """Raise an ImportError that names the extra if matplotlib is not installed."""
    name = display_class.__name__
    check_matplotlib_support(f"{name} (extra sklearn-ladder[plots])")
