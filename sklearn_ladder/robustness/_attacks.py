"""Attacks on fitted classifiers, and what is needed to reach into these."""

from functools import partial
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.utils import check_consistent_length, gen_batches
from sklearn.utils._param_validation import Interval, StrOptions, validate_params
from sklearn.utils.validation import check_is_fitted

from .._classifier import LadderClassifier
from .._isolation import isolated
from .._random import private_random_state
from ..data._batches import as_tensor
from ..data._labels import UNLABELED, encode_known_labels
from ..data._samples import chunk_size
from ..objective._adversary import NORMS
from ._ascent import ascend

# Rules for parameters.
LENGTH = [Interval(Real, 0, None, closed="left")]
NORM = [StrOptions(set(NORMS))]
CLIP = ["array-like", None]
COUNT = [Interval(Integral, 1, None, closed="left")]


@validate_params(
    {"eps": LENGTH, "norm": NORM, "clip": CLIP}, prefer_skip_nested_validation=True
)
def fast_gradient(clf, X, y=None, *, eps, norm="linf", clip=None):
    """Adversarial rows by a single step along the gradient of the log-loss.

    Of all changes of length ε it is the one that raises the log-loss most, were this
    linear: ε sign(g) in L∞, ε g/‖g‖ in L2, and in L1 ε on the feature with the largest
    entry of the gradient g. A row whose gradient is 0 stays as it is. (Shinoda et al.
    2017 took ε g/‖g‖₁ in L1, which raises it less.)

    Parameters
    ----------
    clf : LadderClassifier
        Fitted.

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows, or images of shape (n_samples, channels, height, width), without missing
        values.

    y : array-like of shape (n_samples,), default=None
        Class labels. For rows without (-1 or a missing value), and by default for all,
        the predicted classes are taken. After training on adversarial rows that is
        the better measure: there the true label can leak into the row.

    eps : float
        Length of the change (ε), in units of `X`.

    norm : {"l1", "l2", "linf"}, default="linf"
        In which the length is measured.

    clip : pair of float, default=None
        Least and largest value of a feature, such as (0, 1) for images: adversarial
        rows are clipped to it. By default there is no bound.

    Returns
    -------
    ndarray of the shape of `X`, float32
        Adversarial rows.

    Raises
    ------
    TypeError
        If `clf` is no LadderClassifier. Of a pipeline, attack the last step.
    NotFittedError
        If `clf` is not fitted.
    ValueError
        If another argument is not as described, such as `X` with missing values, or
        with values beyond `clip`.

    References
    ----------
    Goodfellow, Shlens, Szegedy, "Explaining and Harnessing Adversarial Examples", 2014,
    arXiv:1412.6572. For labels that leak: Kurakin, Goodfellow, Bengio, "Adversarial
    Machine Learning at Scale", 2016, arXiv:1611.01236.

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
    return _adversarial_rows(
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
    clf,
    X,
    y=None,
    *,
    eps,
    norm="linf",
    n_steps=20,
    step_size=None,
    clip=None,
    random_start=True,
    random_state=None,
):
    """Adversarial rows by many steps along the gradient, each within ε of its row.

    Each step is that of :func:`fast_gradient`, only shorter; what leaves the ball of
    radius ε around the row is projected back onto it.

    Parameters
    ----------
    clf : LadderClassifier
        Fitted.

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows, or images of shape (n_samples, channels, height, width), without missing
        values.

    y : array-like of shape (n_samples,), default=None
        Class labels; the predicted classes where there is none (-1 or a missing value).

    eps : float
        Largest length of the change (ε), in units of `X`.

    norm : {"l1", "l2", "linf"}, default="linf"
        In which lengths are measured.

    n_steps : int, default=20
        Number of steps.

    step_size : float, default=None
        Length of a step. The default, 2.5 ε / `n_steps`, is the published one: all of
        the ball is in reach, and to spare.

    clip : pair of float, default=None
        Least and largest value of a feature, such as (0, 1) for images.

    random_start : bool, default=True
        Whether to start at a random point of the ball instead of the row itself.

    random_state : int, RandomState instance or None, default=None
        Determines the start. Pass an int for the same rows in every call.

    Returns
    -------
    ndarray of the shape of `X`, float32
        Adversarial rows.

    Raises
    ------
    TypeError, NotFittedError, ValueError
        As :func:`fast_gradient`.

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
    return _adversarial_rows(
        clf,
        X,
        y,
        eps=eps,
        norm=norm,
        n_steps=n_steps,
        step_size=2.5 * eps / n_steps if step_size is None else step_size,
        clip=clip,
        generator=private_generator(clf, random_state) if random_start else None,
    )


@isolated()
def _adversarial_rows(clf, X, y, *, clip, generator=None, **parameters):
    """What `ascend` finds, in the shape of `X`."""
    net = fitted_net(clf)
    rows = clf._check_samples(X)
    codes = np.full(len(rows), UNLABELED)
    if y is not None:
        codes = encode_known_labels(y, clf.classes_).codes
        check_consistent_length(rows, codes)
    found = np.empty(rows.shape, np.float32)
    for part, x in complete_parts(net, rows):
        _check_clip(clip, x)
        given = torch.as_tensor(codes[part], device=net.device)
        with torch.no_grad():
            predicted = net.infer(x).argmax(dim=1)
        found[part] = ascend(
            partial(logits_of, net.module_),
            x,
            torch.where(given == UNLABELED, predicted, given),
            clip=clip,
            generator=generator,
            **parameters,
        ).cpu()
    return found.reshape(np.shape(X))


def _check_clip(clip, x):
    if clip is None:
        return
    is_pair = np.shape(clip) == (2,) and all(isinstance(bound, Real) for bound in clip)
    if not (is_pair and clip[0] <= x.min() and x.max() <= clip[1]):
        raise ValueError(
            f"clip must be (low, high) with all of X between them; got {clip!r}, and "
            f"values from {x.min():g} to {x.max():g}."
        )


def fitted_net(clf):
    """The net of a fitted classifier."""
    if not isinstance(clf, LadderClassifier):
        raise TypeError(
            f"This is for a LadderClassifier; got {type(clf).__name__}. Of a pipeline, "
            "take the last step, clf[-1], and rows that the steps before have "
            "transformed, clf[:-1].transform(X); of a search, its best_estimator_."
        )
    check_is_fitted(clf)
    return clf.net_


def private_generator(clf, random_state):
    """Private source of random numbers, on the device of the net."""
    seed = private_random_state(random_state).randint(np.iinfo(np.int32).max)
    return torch.Generator(fitted_net(clf).device).manual_seed(seed)


def parts(net, n_rows):
    """Slices of as many rows as a pass should take at once."""
    return gen_batches(n_rows, chunk_size(net.module_.n_units_at_most))


def complete_parts(net, rows):
    """Slices of `Rows`, and these rows on the net's device, without missing values."""
    for part in parts(net, len(rows)):
        x = as_tensor(rows[part], net.device)
        if x.isnan().any():
            raise ValueError(
                "X must not have missing values (NaN), which cannot be changed a "
                f"little; got {int(x.isnan().sum())} from row {part.start} on."
            )
        yield part, x


def logits_of(module, x):
    """By the clean encoder, shape (n_rows, n_classes); of an ensemble's mean output."""
    logits = module.encoder(module.for_all(module.scale(x)))
    if module.n_networks > 1:
        by_network = logits.log_softmax(dim=1).unflatten(0, (len(x), -1))
        logits = by_network.logsumexp(dim=1)
    return logits + module.class_prior_ratio.log()
