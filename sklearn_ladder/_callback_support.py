"""Support of scikit-learn's callbacks, where scikit-learn has them."""

import numpy as np
from sklearn.utils import _safe_indexing, indexable

from .data._labels import UNLABELED

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # scikit-learn before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]  # in its place
        """Without callbacks."""

        _init_callback_context = None


def labeled_arguments(X, data, sample_weight):
    """The training data for callbacks: labeled samples only, if there are classes.

    Scorers would take the -1 of unlabeled samples for a class. Samples that are held
    out for early stopping count as unlabeled, and so do labels of weight 0.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        As given by the user, images flattened.
    data : TrainingData
    sample_weight : array-like of shape (n_samples,) or None

    Returns
    -------
    dict
        "X", "y" and "metadata" as functions, called only if a callback asks for them.
    """
    if len(data.classes) == 0:
        return {"X": lambda: X}
    labeled = np.flatnonzero(data.codes != UNLABELED)
    if len(labeled) == 0:
        return {}

    def rows(values):
        (values,) = indexable(values)  # some sparse formats have no rows
        return _safe_indexing(values, labeled)

    def metadata():
        if sample_weight is None:
            return None
        is_number = np.ndim(sample_weight) == 0
        return {"sample_weight": sample_weight if is_number else rows(sample_weight)}

    return {
        "X": lambda: rows(X),
        "y": lambda: data.classes[data.codes[labeled]],
        "metadata": metadata,
    }


class FitTasks:
    """The tasks of a fit, as scikit-learn's callbacks see them: one for each epoch.

    Parameters
    ----------
    estimator : LadderClassifier
    n_epochs : int
    arguments : dict
        "X", "y" and "metadata", or functions that return them: what callbacks get.
    """

    def __init__(self, estimator, n_epochs, arguments):
        self.estimator, self.arguments = estimator, arguments
        self.context = None
        if estimator._init_callback_context is not None:
            self.context = estimator._init_callback_context(max_subtasks=n_epochs)
            self.context.call_on_fit_task_begin(estimator=estimator, **arguments)

    @property
    def has_callbacks(self):
        return bool(getattr(self.estimator, "_skl_callbacks", None))

    def begin_epoch(self):
        """Tell callbacks that an epoch begins; returns its context."""
        context = self.context.subcontext(task_name="epoch")
        context.call_on_fit_task_begin(estimator=self.estimator, **self.arguments)
        return context

    def end_epoch(self, context, fitted=None):
        """Tell callbacks that an epoch ends.

        Parameters
        ----------
        context : CallbackContext
        fitted : callable, default=None
            Returns the attributes of the estimator if training stopped here.

        Returns
        -------
        bool
            Whether a callback asks for the end of training.
        """
        return context.call_on_fit_task_end(
            estimator=self.estimator,
            reconstruction_attributes=fitted,
            **self.arguments,
        )

    def end(self):
        """Tell callbacks that the estimator is fitted."""
        if self.context is not None:
            self.context.call_on_fit_task_end(
                estimator=self.estimator,
                reconstruction_attributes={},
                **self.arguments,
            )
