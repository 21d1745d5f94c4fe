"""A class prior for any classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.utils._param_validation import HasMethods, StrOptions
from sklearn.utils.validation import check_is_fitted

from .._class_prior import adjust, resolve_class_prior
from ..data._weights import counted_codes
from ._base import SemiSupervisedMixin, class_proba, copy_input_tags
from ._codes import name_codes
from ._labeled_only import semi_supervised
from ._shares import fit_class_prior, leave_shares_to, smoothing_of

if TYPE_CHECKING:
    from typing import Any

    import numpy as np
    import numpy.typing as npt

    from .._typing import ClassPrior, Estimator, MatrixLike


class ClassPriorClassifier(SemiSupervisedMixin, MetaEstimatorMixin, BaseEstimator):
    """Adjust a classifier's probabilities to the class prior of unlabeled samples.

    Labels are often collected class by class. Then their shares do not say how frequent
    the classes are, but a classifier learns these shares. This one estimates the class
    prior of the unlabeled samples by expectation-maximization (EM), with the same code
    as :class:`~sklearn_ladder.LadderClassifier`.

    Parameters
    ----------
    estimator : classifier with `predict_proba`
        If it does not take -1 (:func:`is_semi_supervised`), it gets the labeled samples
        only. It gets class codes 0, 1, … in place of labels; parameters that name
        classes still name labels, as in :class:`SemiSupervisedVotingClassifier`. If
        `class_prior` is "em" or given, it is fitted without class weights and class
        priors of its own, and a warning says so.

    class_prior : "em", "auto", dict, array-like of shape (n_classes,) or None, \
            default="em"
        Class prior that `predict_proba` assumes. "auto" is "em" if the labels agree
        with equal shares of the classes by a χ² test. The less they agree, and the more
        sample weights differ, the closer it is to None, as in LadderClassifier. Beside
        class weights or priors of `estimator`, "auto" is None. A dict, or an array in
        the order of `classes_`, has a positive number for each class, and sums to 1.
        None leaves the probabilities as they are.

    Attributes
    ----------
    estimator_ : classifier
        The fitted classifier. Its classes are codes.
    classes_ : ndarray of shape (n_classes,)
        Class labels, without -1.
    class_prior_ : ndarray of shape (n_classes,)
        Class prior that `predict_proba` assumes; if that is left to the estimator, the
        shares of the labels.
    transduction_ : ndarray of shape (n_samples,)
        Label of each training sample: the given one or, if unlabeled, the prediction.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if all feature names are strings.

    References
    ----------
    Saerens, Latinne, Decaestecker, "Adjusting the Outputs of a Classifier to New a
    Priori Probabilities: A Simple Procedure", Neural Computation 14, 2002,
    :doi:`10.1162/089976602753284446`.

    Examples
    --------
    Class 0 has four fifths of the samples, and half of the labels:

    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_ladder.ensemble import ClassPriorClassifier
    >>> rng = np.random.RandomState(0)
    >>> y = (np.arange(1000) % 5 == 0).astype(int)
    >>> X = rng.normal(2 * y)[:, None]
    >>> y_few = np.full_like(y, -1)
    >>> for label in 0, 1:
    ...     y_few[np.flatnonzero(y == label)[:20]] = label
    >>> clf = ClassPriorClassifier(LogisticRegression()).fit(X, y_few)
    >>> clf.class_prior_.round(2)
    array([0.7, 0.3])
    """

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit"])],
        "class_prior": [StrOptions({"auto", "em"}), "array-like", None],
    }

    # set by fit
    estimator_: Any
    classes_: npt.NDArray[Any]
    class_prior_: npt.NDArray[np.floating]
    transduction_: npt.NDArray[Any]
    n_features_in_: int
    feature_names_in_: npt.NDArray[np.object_]

    def __init__(
        self,
        estimator: Estimator,
        class_prior: ClassPrior = "em",
    ) -> None:
        self.estimator = estimator
        self.class_prior = class_prior

    def _fitted_attributes(self, X, labels, weight, params):
        codes, n_classes = labels.codes, len(labels.classes)
        estimator = clone(semi_supervised(self.estimator))
        name_codes(estimator, labels.classes)
        may_estimate = leave_shares_to(self.class_prior, "estimator", estimator)
        counted = counted_codes(codes, weight)
        rule = resolve_class_prior(
            self.class_prior, counted, labels.classes, weight, may_estimate
        )
        fitted = estimator.fit(X, codes, **params["estimator"])

        def proba(X):
            return class_proba("estimator", fitted, X, n_classes)

        smoothing = smoothing_of(fitted)
        found = fit_class_prior(proba, X, labels, counted, rule, smoothing)
        return found | {"estimator_": fitted}

    def predict_proba(self, X: MatrixLike) -> npt.NDArray[Any]:
        """Predict class probabilities with the class prior.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`.
        """
        check_is_fitted(self)
        proba = class_proba("estimator", self.estimator_, X, len(self.classes_))
        return adjust(proba, self._ratio)

    def _estimators_for_fit(self):
        return {"estimator": semi_supervised(self.estimator)}

    def __sklearn_tags__(self):
        return copy_input_tags(super().__sklearn_tags__(), [self.estimator])
