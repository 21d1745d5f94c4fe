"""Support of scikit-learn's callbacks, where scikit-learn has them."""

import numpy as np
from sklearn.utils import _safe_indexing

from .data._labels import UNLABELED

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # scikit-learn before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]  # in its place
        """Without callbacks."""

        _init_callback_context = None


def labeled_arguments(X, data, sample_weight):
    """The training data for callbacks: labeled samples only.

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
    labeled = np.flatnonzero(data.codes != UNLABELED)
    if len(labeled) == 0:
        return {}
    return {
        "X": lambda: _safe_indexing(X, labeled),
        "y": lambda: data.classes[data.codes[labeled]],
        "metadata": lambda: (
            None
            if sample_weight is None
            else {"sample_weight": _safe_indexing(sample_weight, labeled)}
        ),
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
