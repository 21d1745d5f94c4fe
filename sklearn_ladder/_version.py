"""The package's version, and estimators whose pickles carry it."""

from ._user_warnings import warn_user

__version__ = "0.1.0"


class VersionMixin:
    """Pickles carry the package's version, and warn where another one loads them."""

    def __getstate__(self):
        return super().__getstate__() | {"_sklearn_ladder_version": __version__}

    def __setstate__(self, state):
        version = state.pop("_sklearn_ladder_version", "an older version")
        if version != __version__:
            warn_user(
                f"This {type(self).__name__} was pickled by sklearn_ladder {version} "
                f"and is loaded by {__version__}. Its results may be wrong.",
            )
        super().__setstate__(state)
