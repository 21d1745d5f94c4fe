"""How a fitted classifier stands small changes of its rows.

Attacks change rows so that the log-loss of their labels rises, by the gradient through
the clean encoder, the network's own standardization included: ε is in units of `X`.
"""

from functools import partial

import numpy as np
import torch
from sklearn.utils import _safe_indexing, indexable
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils._param_validation import validate_params

from .._isolation import isolated
from .._prediction import predict_proba
from ..data._labels import labeled_part
from ..data._samples import Samples, flatten_images
from ..objective._adversary import kl_divergence, virtual_adversarial_perturbation
from ._attacks import (
    COUNT,
    LENGTH,
    NORM,
    complete_parts,
    fast_gradient,
    fitted_net,
    logits_of,
    parts,
    private_generator,
    projected_gradient,
)

__all__ = [
    "RobustnessCurveDisplay",
    "adversarial_error",
    "fast_gradient",
    "projected_gradient",
    "virtual_adversarial_cost",
]

EXTRA = "extra sklearn-ladder[plots]"
NORM_SIGNS = {"l1": "L1", "l2": "L2", "linf": "L∞"}


@validate_params(
    {"eps": LENGTH, "norm": NORM, "attack": [callable]},
    prefer_skip_nested_validation=True,
)
@isolated()
def adversarial_error(clf, X, y, eps, norm="linf", *, attack=fast_gradient):
    """Share of the labeled rows that are wrongly classified after an attack.

    The attack knows the labels. For one that does not, as in the published results:
    ``1 - clf.score(fast_gradient(clf, X, eps=eps), y)``.

    Parameters
    ----------
    clf : LadderClassifier
        Fitted.

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows, or images of shape (n_samples, channels, height, width), without missing
        values. A part at a time is attacked.

    y : array-like of shape (n_samples,)
        Class labels; rows without (-1 or a missing value) are left out.

    eps : float
        Length of the changes (ε), in units of `X`. 0 gives the plain error.

    norm : {"l1", "l2", "linf"}, default="linf"
        In which the length is measured.

    attack : callable, default=fast_gradient
        Called as ``attack(clf, X, y, eps=eps, norm=norm)`` with some of the rows;
        returns adversarial rows. For other settings use a partial, such as
        ``partial(projected_gradient, n_steps=40, random_state=0)``.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    TypeError, NotFittedError, ValueError
        As :func:`fast_gradient`; ValueError also if no row is labeled, or one by what
        is not among ``clf.classes_``.

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
    net = fitted_net(clf)
    X, y = indexable(X, y)
    labeled, labels = labeled_part(y)
    rows = np.flatnonzero(labeled)
    n_wrong = 0
    for part in parts(net, len(rows)):
        X_part = _safe_indexing(X, rows[part])
        X_adversarial = attack(clf, X_part, labels[part], eps=eps, norm=norm)
        # not by the classifier, which would miss the feature names
        flat, _ = flatten_images(X_adversarial)
        samples = Samples(flat, clf, clf.plan_.input_dtype)
        codes = predict_proba(net.module_, samples, net.device).argmax(axis=1)
        n_wrong += np.count_nonzero(clf.classes_[codes] != labels[part])
    return float(n_wrong / len(rows))


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
    clf, X, *, eps, norm="l2", n_power_iterations=3, random_state=None
):
    """How much class probabilities change where rows change by ε in the worst way.

    A measure of smoothness: the smaller, the smoother the classifier is around the
    rows. It needs no labels. The worst direction is found by power iteration. Not to be
    compared with published numbers, since the network has no noise here, and gradients
    are taken at length ε instead of 10⁻⁶.

    Parameters
    ----------
    clf : LadderClassifier
        Fitted.

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows, or images of shape (n_samples, channels, height, width), without missing
        values.

    eps : float
        Length of the changes (ε), in units of `X`. Published results have 5, for
        pixels in [0, 1].

    norm : {"l1", "l2", "linf"}, default="l2"
        In which the length is measured.

    n_power_iterations : int, default=3
        The default is the published one.

    random_state : int, RandomState instance or None, default=None
        Determines the direction that power iteration starts with. Pass an int for the
        same result in every call.

    Returns
    -------
    float
        KL divergence KL(P(y | x) ‖ P(y | x + r)), mean over rows, in nats.

    Raises
    ------
    TypeError, NotFittedError, ValueError
        As :func:`fast_gradient`.

    References
    ----------
    Miyato, Maeda, Koyama, Ishii, "Virtual Adversarial Training", 2017,
    arXiv:1704.03976. As a measure of smoothness: Shinoda, Worrall, Brostow, "Virtual
    Adversarial Ladder Networks for Semi-supervised Learning", 2017, arXiv:1711.07476.

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
    net, generator = fitted_net(clf), private_generator(clf, random_state)
    rows, network, total = clf._check_samples(X), partial(logits_of, net.module_), 0.0
    for _, x in complete_parts(net, rows):
        with torch.no_grad():
            logits = network(x)
            r = virtual_adversarial_perturbation(
                *(network, x, logits, eps, norm, n_power_iterations, generator),
                # NOTE[DIFF]: gradients at length ε, not near 0. The direction that
                # would be worst for tiny changes can be that of a feature which soon
                # saturates; and a tiny change would be one of units, and of rounding.
                difference=eps,
            )
            total += len(x) * kl_divergence(logits, network(x + r)).item()
    return total / len(rows)


class RobustnessCurveDisplay:
    """Curve of the error after an attack against the length ε of the changes.

    Use `from_estimator` to make one. All parameters are stored as attributes.

    Parameters
    ----------
    eps : array-like of shape (n_eps,)
        Lengths of the changes.

    error : array-like of shape (n_eps,)
        Error at each length, between 0 and 1.

    norm : {"l1", "l2", "linf"}, default="linf"
        In which lengths are measured.

    name : str, default=None
        Of the classifier, for the legend. By default there is none.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the curve.

    figure_ : matplotlib Figure
        Figure with the curve.

    line_ : matplotlib Line2D
        The curve.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ladder import LadderClassifier
    >>> from sklearn_ladder.robustness import RobustnessCurveDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = LadderClassifier((16,), max_epochs=30, random_state=0).fit(X, y)
    >>> display = RobustnessCurveDisplay.from_estimator(clf, X, y, eps=[0, 0.5, 1])
    >>> display.error.shape
    (3,)
    """

    def __init__(self, *, eps, error, norm="linf", name=None):
        self.eps = eps
        self.error = error
        self.norm = norm
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        eps=(0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3),
        norm="linf",
        attack=fast_gradient,
        ax=None,
        name=None,
        **kwargs,
    ):
        """Attack a classifier at each ε and plot its error.

        Parameters
        ----------
        estimator, X, y, norm, attack
            As in :func:`adversarial_error`.

        eps : array-like of shape (n_eps,), default=(0, 0.05, …, 0.3)
            Lengths of the changes, in units of `X`. The default ends at the published
            one for pixels in [0, 1].

        ax : matplotlib Axes, default=None
            Where to plot; by default a new figure.

        name : str, default=None
            For the legend; by default the name of the class.

        **kwargs
            Passed to :meth:`matplotlib.axes.Axes.plot`.

        Returns
        -------
        RobustnessCurveDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError, NotFittedError, ValueError
            As :func:`adversarial_error`.
        """
        check_matplotlib_support(f"{cls.__name__} ({EXTRA})")
        eps = np.atleast_1d(np.asarray(eps, dtype=float))
        errors = [
            adversarial_error(estimator, X, y, e, norm, attack=attack) for e in eps
        ]
        name = type(estimator).__name__ if name is None else name
        display = cls(eps=eps, error=np.array(errors), norm=norm, name=name)
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax=None, *, name=None, **kwargs):
        """Plot the curve.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to plot; by default a new figure.

        name : str, default=None
            For the legend; by default `name` of the display.

        **kwargs
            Passed to :meth:`matplotlib.axes.Axes.plot`.

        Returns
        -------
        self : RobustnessCurveDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        check_matplotlib_support(f"{type(self).__name__} ({EXTRA})")
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots()
        name = self.name if name is None else name
        kwargs = {"label": name} | kwargs
        (self.line_,) = ax.plot(self.eps, self.error, **kwargs)
        ax.set(xlabel=f"ε ({NORM_SIGNS[self.norm]})", ylabel="Error")
        if kwargs["label"] is not None:
            ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
