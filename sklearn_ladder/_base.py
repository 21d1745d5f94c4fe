"""What all classifiers of this package share: prediction by probabilities, a score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sklearn.base import ClassifierMixin
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from ._documentation import DocumentationMixin
from ._version import VersionMixin
from .data._labels import labeled_part, warn_of_order
from .data._weights import labeled_weights

if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt

    from ._typing import LabelsLike, MatrixLike


class LabeledScoreMixin(DocumentationMixin, VersionMixin, ClassifierMixin):
    """Predicts labels by `predict_proba`; its score leaves unlabeled samples out."""

    def predict(self, X: MatrixLike) -> npt.NDArray[Any]:
        """Predict class labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels in the dtype of `classes_`.
        """
        proba = self.predict_proba(X)
        return self.classes_[proba.argmax(axis=1)]

    def score(
        self,
        X: MatrixLike,
        y: LabelsLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> float:
        """Accuracy on the labeled samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Class labels; samples with -1 or a missing value are ignored.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If no sample is labeled.
        """
        from sklearn.metrics import accuracy_score  # late: it is slow to import

        check_is_fitted(self)
        labeled, labels = labeled_part(y)
        weight = labeled_weights(sample_weight, labeled)
        # Predict all samples: selecting the labeled ones would copy an np.memmap.
        predicted = self.predict(X)
        check_consistent_length(predicted, labeled)
        warn_of_order(X, y)
        return accuracy_score(labels, predicted[labeled], sample_weight=weight)
