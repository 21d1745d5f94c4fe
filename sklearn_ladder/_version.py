"""The package's version, and estimators whose pickles carry it."""

import warnings

__version__ = "0.1.0"


class VersionMixin:
    """Pickles carry the package's version, and warn where another one loads them."""

    def __getstate__(self):
        return super().__getstate__() | {"_sklearn_ladder_version": __version__}

    def __setstate__(self, state):
        version = state.pop("_sklearn_ladder_version", "an older version")
        if version != __version__:
            warnings.warn(
                f"This {type(self).__name__} was pickled by sklearn_ladder {version} "
                f"and is loaded by {__version__}. Its results may be wrong.",
                UserWarning,
                stacklevel=2,
            )
        super().__setstate__(state)
