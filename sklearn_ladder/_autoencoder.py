"""The unsupervised ladder network: an autoencoder as a transformer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import StrOptions

from ._decorators import _fit_context
from ._documentation import DocumentationMixin
from ._isolation import isolated
from ._parameters import PARAMETER_CONSTRAINTS, POSITIVE_INTEGER
from ._trained_net import TrainedNetMixin
from ._version import VersionMixin

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Literal, Self

    import numpy as np
    import numpy.typing as npt

    from . import _typing as t
    from ._plan import Plan

# Parameters that mean the same as those of the classifier.
SHARED = (
    *("architecture", "image_shape", "categorical_features", "denoising_cost"),
    *("combinator", "weight_normalization", "activation"),
    *("feature_scaling", "batch_size", "max_epochs", "max_time", "learning_rate"),
    *("decay_start", "warm_start", "random_state", "verbose", "callbacks", "device"),
)


class LadderAutoencoder(
    TrainedNetMixin, DocumentationMixin, VersionMixin, BaseEstimator
):
    """Ladder network without classes: a denoising autoencoder as a transformer.

    It learns from samples alone to undo noise at its input and at every layer. Its top
    layer is the code, the new features of a sample. The decoder sees the corrupted
    activation of each layer as well. So the code need not keep details. It keeps what
    helps to tell the sample from the noise.

    Use it before any estimator, as :class:`~sklearn.decomposition.PCA`. The code is
    not ordered, not orthogonal, and alone does not determine a sample. So there is no
    ``inverse_transform``; `denoise` reconstructs samples. If the classifier may be a
    network, :class:`LadderClassifier` learns from samples and labels at once, and is
    usually better.

    NaN in `X` is a missing value, which the decoder imputes.

    Parameters
    ----------
    n_components : int, default=32
        Number of units of the code. It may exceed the number of features.
    hidden_layer_sizes : array-like of int or int, default=(256, 128)
        Number of units of each layer between input and code, for
        ``architecture="mlp"``. A single small layer is faster and, on digits, worse.
    architecture : str or list of layers, default="mlp"
        "mlp" is a dense network. A list has layers from
        :mod:`sklearn_ladder.architectures`, the code included: ``Dense()`` has
        `n_components` units.
    image_shape : tuple of int (channels, height, width), default=None
        Shape of the images if samples are flat, for layers that are not dense.
    categorical_features : "from_dtype", array-like of bool, int or str, or None, \
            default="from_dtype"
        Features with categories, as in :class:`LadderClassifier`.
    denoising_cost : "auto", float or array-like of shape (n_layers,), default="auto"
        Weight of the denoising cost (λ in the paper), for all layers or for each layer,
        input first. "auto" is 1, 0.01, and 0.0001 above, the published pattern. With
        higher costs of upper layers, the code is easier to denoise and says less about
        the sample.
    noise_std : "auto", float or array-like of shape (n_layers,), default="auto"
        Standard deviation of the noise in the corrupted encoder, for all layers or for
        each layer, input first, in units of scaled features. "auto" is 0.5 at the
        input and 0.3 above. 1 at the input suits features that repeat each other.
    combinator : {"gaussian", "mlp", "mlp-identity"} or array-like of shape \
            (n_layers,), default="gaussian"
        Function that denoises a unit, as in :class:`LadderClassifier`.
    weight_normalization : bool, default=False
        Whether the weights into each hidden and decoder unit are scaled to length 1
        before each update.
    activation : {"relu", "leaky_relu", "tanh"}, default="relu"
        Activation of the hidden layers. The slope of the leaky one is 0.1. The code has
        none.
    feature_scaling : {"auto", "scaled", "binned", "projected", "shared"}, int or None,\
            default="auto"
        How features come to one scale, as in :class:`LadderClassifier`. "auto" scales
        tables by value and rank, projects sparse matrices with more than 512 features,
        and shares the scale of pixels if the first layer is not dense.
    batch_size : int, default=100
        Number of samples of a training step; fewer if there are fewer.
    max_epochs : int or "auto", default="auto"
        Number of passes over the samples. "auto" makes about 1,000 updates, in whole
        passes, of which there is at least one.
    max_time : float, default=None
        Time limit of training in seconds. The learning rate then falls by time, too.
    learning_rate : float, default=0.01
        Learning rate of Adam.
    decay_start : float, default=0.67
        Fraction of training after which the learning rate falls linearly to 0; 1 means
        never.
    warm_start : bool, default=False
        Whether `fit` starts from the weights, the categories and the feature scaling
        of the previous fit. All else starts anew.
    random_state : int, RandomState instance or None, default=None
        Determines weights, noise and the order of samples. Pass an int for the same
        result in every call on the same machine.
    verbose : int, default=0
        1 shows a progress bar (lines without a terminal), 2 the costs of each epoch.
    callbacks : list of skorch callbacks, default=None
        Called during training. Each fit uses copies, found in ``net_.callbacks_``.
    device : str, default="auto"
        Torch device. "auto" takes CUDA if there is a CUDA device, else the CPU.

    Attributes
    ----------
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if all are strings.
    categories_ : list of ndarray or None
        For each feature its frequent categories, or None if it is a number. None if no
        feature has categories.
    plan_ : Plan
        All settings of the last fit, resolved. Also as attributes: `denoising_cost_`,
        `feature_scaling_`, `hidden_layer_sizes_`, `max_epochs_`.
    n_iter_ : int
        Number of epochs.
    n_samples_seen_ : int
        Number of training samples.
    history_ : dict of str to ndarray of shape (n_epochs,)
        Mean costs, learning rate and seconds of each epoch.
    device_ : str
        Torch device of the trained net.
    net_ : skorch.NeuralNet
        The trained net; ``net_.module_`` is the torch module.

    See Also
    --------
    LadderClassifier : Learns from unlabeled samples and labels at once.
    sklearn.decomposition.PCA : Linear projection.

    References
    ----------
    Valpola, "From neural PCA to deep unsupervised learning", 2014, arXiv:1411.7783.

    Rasmus, Berglund, Honkala, Valpola, Raiko, "Semi-Supervised Learning with Ladder
    Networks", NIPS 2015, arXiv:1507.02672.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ladder import LadderAutoencoder
    >>> X, _ = load_digits(return_X_y=True)
    >>> autoencoder = LadderAutoencoder(8, max_epochs=2, random_state=0)
    >>> autoencoder.fit_transform(X).shape
    (1797, 8)
    >>> autoencoder.denoise(X).shape
    (1797, 64)
    """

    _parameter_constraints: dict = {
        "n_components": [POSITIVE_INTEGER],
        "hidden_layer_sizes": ["array-like", POSITIVE_INTEGER],
        "noise_std": [StrOptions({"auto"}), *PARAMETER_CONSTRAINTS["noise_std"]],
    } | {name: PARAMETER_CONSTRAINTS[name] for name in SHARED}

    # set by fit
    net_: Any
    plan_: Plan
    history_: dict[str, npt.NDArray[Any]]
    n_iter_: int
    n_samples_seen_: int
    n_features_in_: int
    feature_names_in_: npt.NDArray[np.object_]
    denoising_cost_: npt.NDArray[np.float64]
    feature_scaling_: str | int | None
    hidden_layer_sizes_: tuple[int, ...] | None
    max_epochs_: int

    def __init__(
        self,
        n_components: int = 32,
        *,
        hidden_layer_sizes: int | Sequence[int] | t.Array = (256, 128),
        architecture: t.Architecture = "mlp",
        image_shape: t.ImageShape | None = None,
        categorical_features: t.CategoricalFeatures = "from_dtype",
        denoising_cost: Literal["auto"] | float | t.NumbersLike = "auto",
        noise_std: Literal["auto"] | float | t.NumbersLike = "auto",
        combinator: t.Combinator = "gaussian",
        weight_normalization: bool = False,
        activation: Literal["relu", "leaky_relu", "tanh"] = "relu",
        feature_scaling: t.FeatureScaling = "auto",
        batch_size: int = 100,
        max_epochs: int | Literal["auto"] = "auto",
        max_time: float | None = None,
        learning_rate: float = 0.01,
        decay_start: float = 0.67,
        warm_start: bool = False,
        random_state: t.RandomState = None,
        verbose: int = 0,
        callbacks: list[Any] | None = None,
        device: str = "auto",
    ) -> None:
        self.n_components = n_components
        self.hidden_layer_sizes = hidden_layer_sizes
        self.architecture = architecture
        self.image_shape = image_shape
        self.categorical_features = categorical_features
        self.denoising_cost = denoising_cost
        self.noise_std = noise_std
        self.combinator = combinator
        self.weight_normalization = weight_normalization
        self.activation = activation
        self.feature_scaling = feature_scaling
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.max_time = max_time
        self.learning_rate = learning_rate
        self.decay_start = decay_start
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose
        self.callbacks = callbacks
        self.device = device

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: t.MatrixLike, y: object = None) -> Self:
        """Fit the network to samples.

        If anything fails, the previous fit stays as it was. If the user interrupts
        training (Ctrl-C) after its first epoch, a warning says so and the fit ends.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples, or images of shape (n_samples, channels, height, width).
            Frames may have categories (see `categorical_features`). An np.memmap is
            never copied as a whole, and a sparse matrix is made dense batch by batch.
        y : object, default=None
            Ignored.

        Returns
        -------
        self : object
            Fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or `X` is not as described, or if training diverges.
        """
        from ._fit import fit_ladder  # late: skorch takes most of the import time

        return fit_ladder(self, X, None, None, continues=self.warm_start)

    @isolated()
    def transform(self, X: t.MatrixLike) -> npt.NDArray[np.float32]:
        """Compute the code of samples, by the encoder without noise.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_components), float32
            Over the training samples, each column has mean 0 and variance 1.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If `X` has other features or images of another shape than in `fit`, or
            infinite entries.
        """
        return self._run("code", X)

    @isolated()
    def denoise(self, X: t.MatrixLike) -> Any:  # a frame for a frame
        """Reconstruct samples with the decoder, as if they were corrupted.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples; no noise is added to them.

        Returns
        -------
        ndarray, float32 or, as ``plan_.input_dtype`` says, float64
            Reconstruction in the shape and units of `X`, without missing entries. If
            features have categories, the most probable ones; then a frame becomes a
            frame of the same columns and dtypes.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If `X` has other features or images of another shape than in `fit`, or
            infinite entries.
        """
        return self._denoise(X)

    @property
    def _n_features_out(self):
        return self.net_.module_.shapes[-1].n_units
