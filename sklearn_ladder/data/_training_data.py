"""The training data of a fit: samples, their survey, class codes and weights."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import _get_feature_names

from ._feature_scaling import fit_knots, fit_shared_scale
from ._find_categories import find_categories
from ._labels import (
    UNLABELED,
    EncodedLabels,
    encode_known_labels,
    encode_labels,
    warn_of_order,
    warn_of_regression,
)
from ._precision import warn_imprecise
from ._projection import fit_projection
from ._samples import Samples, SampleSubset, Survey
from ._splits import hold_out
from ._weights import counted_codes, normalize_weights, sample_weights


@dataclass(frozen=True)
class TrainingData:
    """What `fit` or `partial_fit` was given, checked and encoded.

    The class codes of unlabeled samples are UNLABELED, -1.
    """

    samples: Samples
    classes: np.ndarray  # (n_classes,), sorted, without the marker
    given_codes: np.ndarray  # (n_samples,), int: class codes of the labels as given
    # the same, but unlabeled where held out for early stopping, or of weight 0:
    codes: np.ndarray
    held_out: np.ndarray  # (n_held_out,): indices of the held-out samples
    held_out_weight: np.ndarray | None  # their weights, 1 on average
    weight: np.ndarray | None  # (n_samples,), None if all labels weigh the same
    survey: Survey
    is_stream: bool  # whether these are some samples of a stream

    def feature_knots(self, seed):
        """Knots of the feature scaling: see `fit_knots`."""
        return fit_knots(self.samples, self.survey, seed)

    def shared_scale(self, seed):
        """Scale that all features share: see `fit_shared_scale`."""
        return fit_shared_scale(self.samples, self.survey, seed)

    def projection(self, seed):
        """Projection of the features to a few columns: see `fit_projection`."""
        return fit_projection(self.samples, seed)

    @property
    def unlabeled(self):
        """Which samples have no label, bool of shape (n_samples,)."""
        return self.given_codes == UNLABELED

    @property
    def uncounted(self):
        """Which samples have no label, or one of weight 0, bool."""
        are_uncounted = self.codes == UNLABELED
        are_uncounted[self.held_out] = False
        return are_uncounted

    def transduce(self, proba):
        """Label of each sample: see `EncodedLabels.transduce`."""
        return EncodedLabels(self.classes, self.given_codes).transduce(proba)

    def validation_set(self):
        """Held-out samples, their class codes, and their weights or None."""
        samples = SampleSubset(self.samples, self.held_out)
        return samples, self.given_codes[self.held_out], self.held_out_weight


def encode_training_data(
    estimator, X, y, sample_weight, seeds, classes=None, is_stream=False, previous=None
):
    """Check and encode what `fit` or `partial_fit` is given.

    Parameters
    ----------
    estimator : LadderClassifier
        Its parameters `categorical_features`, `class_weight`, `early_stopping`,
        `validation_fraction` and `feature_scaling` are used, and errors name it.
    X, y, sample_weight
        As given by the user, images flattened.
    seeds : Seeds
    classes : array-like of shape (n_classes,), default=None
        All classes of a stream.
    is_stream : bool, default=False
    previous : Plan, default=None
        Plan of the fit that this one continues.

    Returns
    -------
    TrainingData

    Raises
    ------
    ValueError
        If `X`, `y` or `sample_weight` is not as described in `LadderClassifier.fit`.
    """
    samples, survey = _encode_samples(estimator, X, previous)
    if is_stream and len(samples) < 2:
        raise ValueError(
            "partial_fit needs at least 2 samples at a time, for batch statistics; got "
            f"{len(samples)}."
        )
    if y is not None:
        check_consistent_length(samples, y)
        warn_of_order(X, y)
    labels = encode_known_labels(y, classes) if is_stream else encode_labels(y)
    if not is_stream:
        warn_of_regression(labels)
    weight = sample_weights(sample_weight, estimator.class_weight, labels)
    codes, held_out, held_out_weight = labels.codes, np.empty(0, int), None
    if not is_stream:  # a call of `partial_fit` does not know the other weights
        weight = normalize_weights(weight, codes)
    codes = counted_codes(codes, weight)
    if estimator.early_stopping:
        held_out = hold_out(codes, estimator.validation_fraction, seeds.validation)
        if weight is not None:
            held_out_weight = weight[held_out] / weight[held_out].mean()
        codes = codes.copy()
        codes[held_out] = UNLABELED
    if not is_stream:
        weight = normalize_weights(weight, codes)
    return TrainingData(
        samples=samples,
        classes=labels.classes,
        given_codes=labels.codes,
        codes=codes,
        held_out=held_out,
        held_out_weight=held_out_weight,
        weight=weight,
        survey=survey,
        is_stream=is_stream,
    )


def encode_unlabeled_data(estimator, X, previous=None):
    """Check and encode the samples of an autoencoder, which has no classes.

    Parameters
    ----------
    estimator : LadderAutoencoder
        Its parameters `categorical_features` and `feature_scaling` are used, and errors
        name it.
    X : {array-like, sparse matrix}
        As given by the user, images flattened.
    previous : Plan, default=None
        Plan of the fit that this one continues.

    Returns
    -------
    TrainingData
    """
    samples, survey = _encode_samples(estimator, X, previous)
    if len(samples) < 2:
        raise ValueError(
            f"fit needs at least 2 samples, for batch statistics; got {len(samples)} "
            "sample."
        )
    codes = np.full(len(samples), UNLABELED)
    return TrainingData(
        samples=samples,
        classes=np.empty(0),
        given_codes=codes,
        codes=codes,
        held_out=np.empty(0, int),
        held_out_weight=None,
        weight=None,
        survey=survey,
        is_stream=False,
    )


def _encode_samples(estimator, X, previous):
    """Samples in the precision that they need, and their survey."""
    _get_feature_names(X)  # raises if only some names are strings
    if previous is None:
        categories = find_categories(X, estimator.categorical_features)
    else:
        categories = previous.categories
    samples = Samples(X, estimator, categories=categories)
    survey = samples.survey()
    if estimator.feature_scaling is None:
        warn_imprecise(survey, samples.names)
    elif previous is not None:
        samples = samples.astype(previous.input_dtype)
        if samples.dtype == np.float32:
            remedy = (
                "begin with samples like these: the first ones settle the precision"
            )
            warn_imprecise(survey, samples.names, remedy)
    elif survey.imprecise:  # feature scaling in float64 keeps these values apart
        samples = samples.astype(np.float64)
    return samples, survey
