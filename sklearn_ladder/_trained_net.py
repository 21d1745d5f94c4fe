"""What the classifier and the autoencoder share: both have a net and transform."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ._callback_support import CallbackSupportMixin
from ._parameters import refuse_booleans
from ._prediction import check_samples, run
from .data._give_back import give_back

if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt


class TrainedNetMixin(
    CallbackSupportMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin
):
    """Outputs of the trained net, and how it is saved."""

    def _run(self, method, X, finish=None):
        """Output of a method of the network for all samples: see `_prediction.run`."""
        samples = check_samples(self, X)
        return run(self.net_.module_, method, samples, self.device_, finish)

    def _denoise(self, X):
        check_is_fitted(self)
        categories = self.plan_.categories
        if categories is None:
            return self._run("denoise", X).reshape(np.shape(X))
        return give_back(self._run("denoise", X, categories.collapse), categories, X)

    @property
    def device_(self) -> str:
        """Device of the trained net."""
        check_is_fitted(self)
        return str(self.net_.device)

    @property
    def categories_(self) -> list[npt.NDArray[Any] | None] | None:
        """Categories of each feature."""
        check_is_fitted(self)
        return None if self.plan_.categories is None else self.plan_.categories.values

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        has_categories = self.categorical_features is not None
        tags.input_tags.categorical = tags.input_tags.string = has_categories
        tags.transformer_tags.preserves_dtype = []  # always float32
        return tags

    def __getstate__(self):
        state = super().__getstate__()
        if "net_" in state:
            state["net_"] = state["net_"].__getstate__()
        return state

    def __setstate__(self, state):
        super().__setstate__(state)  # first, since it warns of another version
        if hasattr(self, "net_"):
            from .training._saved_state import restored_net

            self.net_ = restored_net(self.net_)

    def _validate_params(self):
        super()._validate_params()
        refuse_booleans(self)
