"""Attacks on fitted classifiers, and helpers that give access to their network."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.utils import check_consistent_length, gen_batches
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from .._classifier import LadderClassifier
from .._decorators import validate_params
from .._isolation import isolated
from .._prediction import check_samples
from .._random import private_random_state
from ..data._batches import as_tensor
from ..data._labels import UNLABELED, encode_known_labels, warn_of_order
from ..data._samples import chunk_size
from ..objective._adversary import NORMS
from ._ascent import ascend

if TYPE_CHECKING:
    import numpy.typing as npt

    from .._typing import LabelsLike, MatrixLike, Norm, NumbersLike, RandomState

# Constraints of parameters, as `validate_params` takes them.
LENGTH = [Interval(Real, 0, None, closed="left")]
NORM = [StrOptions(set(NORMS))]
CLIP = ["array-like", None]
COUNT = [Interval(Integral, 1, None, closed="left")]


@validate_params(
    {"eps": LENGTH, "norm": NORM, "clip": CLIP}, prefer_skip_nested_validation=True
)
def fast_gradient(
    clf: LadderClassifier,
    X: MatrixLike,
    y: LabelsLike | None = None,
    *,
    eps: float,
    norm: Norm = "linf",
    clip: NumbersLike | None = None,
) -> npt.NDArray[np.floating]:
    """Attack with a single step along the gradient g of the log-loss.

    If the log-loss were linear, no other change of length ε would raise it more. The
    step is ε sign(g) in L∞ and ε g/‖g‖ in L2. In L1 it changes only the feature with
    the largest gradient, by ε. A sample whose gradient is 0 does not change. (Shinoda
    et al. 2017 use ε g/‖g‖₁ in L1, which raises the log-loss less.)

    Parameters
    ----------
    clf : LadderClassifier
        Fitted classifier.

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Samples, or images of shape (n_samples, channels, height, width), without
        missing values.

    y : array-like of shape (n_samples,), default=None
        Class labels. Samples without a label (-1 or a missing value) are attacked with
        their predicted class. If None, all samples are. After adversarial training,
        predicted classes give the better measure, since an attack can leak the true
        label into the sample.

    eps : float
        Length of the change (ε), in units of `X`.

    norm : {"l1", "l2", "linf"}, default="linf"
        Norm in which `eps` is measured.

    clip : pair of float, default=None
        Smallest and largest value of a feature, such as (0, 1) for images. Adversarial
        samples are clipped to this range. If None, they are not clipped.

    Returns
    -------
    ndarray of the shape of `X`, float32 or, as ``clf.plan_.input_dtype`` says, float64
        Adversarial samples.

    Raises
    ------
    TypeError
        If `clf` is not a LadderClassifier. To attack a pipeline, pass its last step.
    NotFittedError
        If `clf` is not fitted.
    ValueError
        If another argument is invalid: for example, if `X` has missing values or
        values outside `clip`, or if features have categories.

    References
    ----------
    Goodfellow, Shlens, Szegedy, "Explaining and Harnessing Adversarial Examples", 2014,
    arXiv:1412.6572.

    Kurakin, Goodfellow, Bengio, "Adversarial Machine Learning at Scale", 2016,
    arXiv:1611.01236: label leaking.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ladder import LadderClassifier
    >>> from sklearn_ladder.robustness import fast_gradient
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = LadderClassifier((16,), max_epochs=30, random_state=0).fit(X, y)
    >>> X_adversarial = fast_gradient(clf, X, y, eps=0.5)
    >>> bool(clf.score(X_adversarial, y) < clf.score(X, y))
    True
    >>> float(abs(X_adversarial - X).max().round(3))
    0.5
    """
    return _adversarial_samples(
        clf, X, y, eps=eps, norm=norm, n_steps=1, step_size=eps, clip=clip
    )


@validate_params(
    {
        "eps": LENGTH,
        "norm": NORM,
        "n_steps": COUNT,
        "step_size": [*LENGTH, None],
        "clip": CLIP,
        "random_start": ["boolean"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def projected_gradient(
    clf: LadderClassifier,
    X: MatrixLike,
    y: LabelsLike | None = None,
    *,
    eps: float,
    norm: Norm = "linf",
    n_steps: int = 20,
    step_size: float | None = None,
    clip: NumbersLike | None = None,
    random_start: bool = True,
    random_state: RandomState = None,
) -> npt.NDArray[np.floating]:
    """Attack with many steps along the gradient, at most ε away from each sample.

    Each step is a shorter step of :func:`fast_gradient`. If it leaves the ball of
    radius ε around the sample, the result is projected back onto the ball.

    Parameters
    ----------
    clf : LadderClassifier
        Fitted classifier.

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Samples, or images of shape (n_samples, channels, height, width), without
        missing values.

    y : array-like of shape (n_samples,), default=None
        Class labels. Samples without a label (-1 or a missing value) are attacked with
        their predicted class. If None, all samples are.

    eps : float
        Largest length of the change (ε), in units of `X`.

    norm : {"l1", "l2", "linf"}, default="linf"
        Norm in which `eps` and `step_size` are measured.

    n_steps : int, default=20
        Number of steps.

    step_size : float, default=None
        Length of a step. If None, it is the published 2.5 ε / `n_steps`, with which
        the attack can reach every point of the ball.

    clip : pair of float, default=None
        Smallest and largest value of a feature, such as (0, 1) for images. Adversarial
        samples are clipped to this range. If None, they are not clipped.

    random_start : bool, default=True
        Whether to start at a random point of the ball instead of at the sample.

    random_state : int, RandomState instance or None, default=None
        Determines the random start. Pass an int for reproducible results.

    Returns
    -------
    ndarray of the shape of `X`, float32 or, as ``clf.plan_.input_dtype`` says, float64
        Adversarial samples.

    Raises
    ------
    TypeError, NotFittedError, ValueError
        Under the same conditions as in :func:`fast_gradient`.

    References
    ----------
    Madry et al., "Towards Deep Learning Models Resistant to Adversarial Attacks", 2017,
    arXiv:1706.06083.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ladder import LadderClassifier
    >>> from sklearn_ladder.robustness import projected_gradient
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = LadderClassifier((16,), max_epochs=30, random_state=0).fit(X, y)
    >>> X_adversarial = projected_gradient(clf, X, y, eps=0.5, random_state=0)
    >>> bool(clf.score(X_adversarial, y) < clf.score(X, y))
    True
    """
    net = net_of_numbers(clf)
    return _adversarial_samples(
        clf,
        X,
        y,
        eps=eps,
        norm=norm,
        n_steps=n_steps,
        step_size=2.5 * eps / n_steps if step_size is None else step_size,
        clip=clip,
        generator=private_generator(net, random_state) if random_start else None,
    )


@isolated()
def _adversarial_samples(clf, X, y, *, clip, generator=None, **parameters):
    """Run `ascend` chunk by chunk. Returns an array of the shape of `X`."""
    net = net_of_numbers(clf)
    samples = check_samples(clf, X)
    codes = np.full(len(samples), UNLABELED)
    if y is not None:
        warn_of_order(X, y)
        codes = encode_known_labels(y, clf.classes_).codes
        check_consistent_length(samples, codes)
    found = np.empty(samples.shape, samples.dtype)
    for chunk, x in chunks_without_missing(net, samples):
        _check_clip(clip, x)
        given = torch.as_tensor(codes[chunk], device=net.device)
        with torch.no_grad():
            predicted = net.infer(x).argmax(dim=1)
        found[chunk] = ascend(
            net.module_.mean_logits,
            x,
            torch.where(given == UNLABELED, predicted, given),
            clip=clip,
            generator=generator,
            **parameters,
        ).cpu()
    return found.reshape(np.shape(X))


def _check_clip(clip, x):
    """Raise a ValueError unless `clip` is a pair of numbers that encloses `x`."""
    if clip is None:
        return
    is_pair = np.shape(clip) == (2,) and all(isinstance(bound, Real) for bound in clip)
    if not (is_pair and clip[0] <= x.min() and x.max() <= clip[1]):
        raise ValueError(
            f"clip must be (low, high) with all of X between them; got {clip!r}, and "
            f"values from {x.min():g} to {x.max():g}."
        )


def fitted_net(clf, of=LadderClassifier):
    """The skorch net of a fitted classifier.

    Parameters
    ----------
    clf : LadderClassifier
    of : type, default=LadderClassifier
        ``TrainedNetMixin`` allows a LadderAutoencoder, too.

    Raises
    ------
    TypeError
        If `clf` is not of this type.
    NotFittedError
        If `clf` is not fitted.
    """
    if not isinstance(clf, of):
        raise TypeError(
            f"This is for a LadderClassifier; got {type(clf).__name__}. Of a pipeline, "
            "pass the last step, clf[-1], and transform the samples first, with "
            "clf[:-1].transform(X). Of a search, pass best_estimator_."
        )
    check_is_fitted(clf)
    return clf.net_


def net_of_numbers(clf, of=LadderClassifier):
    """The skorch net of a classifier whose features are all numbers.

    Parameters
    ----------
    clf, of
        As of `fitted_net`.

    Raises
    ------
    TypeError or NotFittedError
        Under the same conditions as in `fitted_net`.
    ValueError
        If features have categories, which cannot change by small amounts.
    """
    net = fitted_net(clf, of)
    if clf.categories_ is not None:
        raise ValueError(
            f"This is for samples of numbers only; the {type(clf).__name__} was fitted "
            "to features with categories, as its categories_ tell."
        )
    return net


def private_generator(net, random_state):
    """A new random generator on the device of the net."""
    seed = private_random_state(random_state).randint(np.iinfo(np.int32).max)
    return torch.Generator(net.device).manual_seed(seed)


def chunks(net, n_samples):
    """Slices of the samples, each small enough for one pass through the network."""
    return gen_batches(n_samples, chunk_size(net.module_.width_at_most))


def chunks_without_missing(net, samples):
    """Yield slices of `Samples`, each with its samples as a tensor.

    Raises
    ------
    ValueError
        If a value is missing.
    """
    for chunk in chunks(net, len(samples)):
        x = as_tensor(samples[chunk], net.device)
        if x.isnan().any():
            raise ValueError(
                "X must not have missing values (NaN), since an attack cannot change "
                f"them; got {int(x.isnan().sum())} in samples {chunk.start} to "
                f"{chunk.stop - 1}."
            )
        yield chunk, x
