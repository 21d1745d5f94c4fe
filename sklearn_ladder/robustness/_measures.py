"""How much small changes of `X` change the output of a fitted classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.utils import _safe_indexing, indexable

from .._decorators import validate_params
from .._isolation import isolated
from .._prediction import check_samples, predict_proba
from ..data._labels import (
    UNLABELED,
    check_some_labeled,
    encode_known_labels,
    warn_of_order,
)
from ..data._samples import Samples, flatten_images
from ..objective._adversary import kl_divergence, virtual_adversarial_perturbation
from ._attacks import (
    COUNT,
    LENGTH,
    NORM,
    chunks,
    chunks_without_missing,
    fast_gradient,
    net_of_numbers,
    private_generator,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from .._classifier import LadderClassifier
    from .._typing import LabelsLike, MatrixLike, Norm, RandomState


@validate_params(
    {"eps": LENGTH, "norm": NORM, "attack": [callable]},
    prefer_skip_nested_validation=True,
)
@isolated()
def adversarial_error(
    clf: LadderClassifier,
    X: MatrixLike,
    y: LabelsLike,
    eps: float,
    norm: Norm = "linf",
    *,
    attack: Callable[..., npt.NDArray[np.floating]] = fast_gradient,
) -> float:
    """Share of the labeled samples that are misclassified after an attack.

    The attack knows the labels. The attack of the published results does not; its error
    is ``1 - clf.score(fast_gradient(clf, X, eps=eps), y)``.

    Parameters
    ----------
    clf : LadderClassifier
        Fitted classifier.

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Samples, or images of shape (n_samples, channels, height, width), without
        missing values. They are attacked in chunks.

    y : array-like of shape (n_samples,)
        Class labels. Samples without a label (-1 or a missing value) are ignored.

    eps : float
        Length of the changes (ε), in units of `X`. 0 gives the error without attack.

    norm : {"l1", "l2", "linf"}, default="linf"
        Norm in which `eps` is measured.

    attack : callable, default=fast_gradient
        Called as ``attack(clf, X, y, eps=eps, norm=norm)`` with a chunk of the samples;
        returns adversarial samples. To change other parameters, use a partial, such as
        ``partial(projected_gradient, n_steps=40, random_state=0)``.

    Returns
    -------
    float
        Error between 0 and 1.

    Raises
    ------
    TypeError, NotFittedError, ValueError
        Under the same conditions as in :func:`fast_gradient`. ValueError is also raised
        if no sample is labeled, if a label is not in ``clf.classes_``, or if an attack
        returns NaN.

    References
    ----------
    Shinoda, Worrall, Brostow, "Virtual Adversarial Ladder Networks for Semi-supervised
    Learning", 2017, arXiv:1711.07476.

    Examples
    --------
    >>> from functools import partial
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ladder import LadderClassifier
    >>> from sklearn_ladder.robustness import adversarial_error, projected_gradient
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = LadderClassifier((16,), max_epochs=30, random_state=0).fit(X, y)
    >>> error = adversarial_error(clf, X, y, eps=0.3)
    >>> error > adversarial_error(clf, X, y, eps=0)
    True
    >>> attack = partial(projected_gradient, n_steps=10, random_state=0)
    >>> error = adversarial_error(clf, X, y, eps=0.5, norm="l2", attack=attack)
    >>> error > adversarial_error(clf, X, y, eps=0)
    True
    """
    net = net_of_numbers(clf)
    warn_of_order(X, y)
    X, y = indexable(X, y)
    codes = encode_known_labels(y, clf.classes_).codes
    check_some_labeled(codes != UNLABELED)
    index = np.flatnonzero(codes != UNLABELED)
    codes = codes[index]
    n_wrong = 0
    for chunk in chunks(net, len(index)):
        X_chunk = _safe_indexing(X, index[chunk])
        labels = clf.classes_[codes[chunk]]
        X_adversarial = attack(clf, X_chunk, labels, eps=eps, norm=norm)
        # clf.predict would warn that the array has no feature names.
        flat, _ = flatten_images(X_adversarial)
        samples = Samples(flat, clf, clf.plan_.input_dtype)
        if len(samples) != len(labels):
            raise ValueError(
                "attack must return as many samples as it gets; got "
                f"{len(samples)} of {len(labels)}."
            )
        n_missing = np.count_nonzero(np.isnan(samples[:]))
        if n_missing:  # they would be imputed
            raise ValueError(
                "X and the samples that attack returns must have no NaN; got "
                f"{n_missing} in {len(samples)} samples."
            )
        predicted = predict_proba(net.module_, samples, net.device).argmax(axis=1)
        n_wrong += int(np.count_nonzero(predicted != codes[chunk]))
    return float(n_wrong / len(index))


@validate_params(
    {
        "eps": LENGTH,
        "norm": NORM,
        "n_power_iterations": COUNT,
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
@isolated()
def virtual_adversarial_cost(
    clf: LadderClassifier,
    X: MatrixLike,
    *,
    eps: float,
    norm: Norm = "l2",
    n_power_iterations: int = 3,
    random_state: RandomState = None,
) -> float:
    """Change of the class probabilities when each sample moves by ε in the worst way.

    The smaller this cost, the smoother the classifier is around the samples. It needs
    no labels. Power iteration finds the worst direction. The values are not comparable
    with published ones: here the network has no noise, and gradients are computed at
    distance ε instead of 10⁻⁶.

    Parameters
    ----------
    clf : LadderClassifier
        Fitted classifier.

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Samples, or images of shape (n_samples, channels, height, width), without
        missing values.

    eps : float
        Length of the changes (ε), in units of `X`. Published results use 5 for pixels
        in [0, 1].

    norm : {"l1", "l2", "linf"}, default="l2"
        Norm in which `eps` is measured.

    n_power_iterations : int, default=3
        Number of power iterations. The default is the published value.

    random_state : int, RandomState instance or None, default=None
        Determines the first direction of the power iteration. Pass an int for
        reproducible results.

    Returns
    -------
    float
        Mean over samples of KL(P(y | x) ‖ P(y | x + r)), in nats.

    Raises
    ------
    TypeError, NotFittedError, ValueError
        Under the same conditions as in :func:`fast_gradient`.

    References
    ----------
    Miyato, Maeda, Koyama, Ishii, "Virtual Adversarial Training", 2017,
    arXiv:1704.03976.

    Shinoda, Worrall, Brostow, "Virtual Adversarial Ladder Networks for Semi-supervised
    Learning", 2017, arXiv:1711.07476: its use as a measure of smoothness.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ladder import LadderClassifier
    >>> from sklearn_ladder.robustness import virtual_adversarial_cost
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = LadderClassifier((16,), max_epochs=30, random_state=0).fit(X, y)
    >>> near = virtual_adversarial_cost(clf, X, eps=0.1, random_state=0)
    >>> far = virtual_adversarial_cost(clf, X, eps=1.0, random_state=0)
    >>> 0 < near < far
    True
    """
    net = net_of_numbers(clf)
    generator = private_generator(net, random_state)
    samples = check_samples(clf, X)
    network, total = net.module_.mean_logits, 0.0
    for _, x in chunks_without_missing(net, samples):
        with torch.no_grad():
            logits = network(x)
            r = virtual_adversarial_perturbation(
                *(network, x, logits, eps, norm, n_power_iterations, generator),
                # NOTE[DIFF]: computes gradients at distance ε; published code uses a
                # distance near 0. The worst direction for tiny changes may belong to a
                # feature that soon saturates. A fixed tiny distance would also depend
                # on the units of X, and suffer from rounding.
                difference=eps,
            )
            total += len(x) * kl_divergence(logits, network(x + r)).item()
    return total / len(samples)
