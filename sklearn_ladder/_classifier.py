"""The estimator: parameters, fit, predict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ._base import LabeledScoreMixin
from ._decorators import _fit_context, available_if
from ._isolation import isolated
from ._parameters import PARAMETER_CONSTRAINTS
from ._prediction import reconstructs_input
from ._trained_net import TrainedNetMixin

if TYPE_CHECKING:
    from typing import Any, Literal, Self

    import numpy as np
    import numpy.typing as npt

    from . import _typing as t
    from ._plan import Plan
    from ._virtual_adversary import VirtualAdversary


class LadderClassifier(
    TrainedNetMixin,
    LabeledScoreMixin,
    BaseEstimator,
):
    """Ladder network: a classifier for many samples and few labels.

    A neural network is run twice, clean and corrupted by noise, and a decoder learns to
    undo the corruption at every layer. That needs no labels, so the unlabeled samples
    shape the features that the few labels then use.

    Samples whose `y` is -1 or missing (None, NaN, pandas.NA) are unlabeled, as in
    :class:`~sklearn.semi_supervised.SelfTrainingClassifier`. NaN in `X` is a missing
    value, which the decoder imputes. The user guide explains each parameter at length.

    Parameters
    ----------
    hidden_layer_sizes : "auto", array-like of int or int, default="auto"
        Number of units of each hidden layer of ``architecture="mlp"``. "auto" is
        (64, 32), and (256, 128) for 10 and more classes.
    architecture : str or list of layers, default="mlp"
        "mlp" is a dense network. "conv-fc", "conv-small" and "conv-large" are published
        for images. A list has layers from :mod:`sklearn_ladder.architectures`, the
        class layer included.
    image_shape : tuple of int (channels, height, width), default=None
        Shape of the images if samples are flat, for layers that are not dense.
    categorical_features : "from_dtype", array-like of bool, int or str, or None, \
            default="from_dtype"
        Features with categories: a mask, indices or names. "from_dtype" takes the
        categorical and text columns of a frame. None takes all features as numbers.
    variant : {"full", "gamma", "bottom", "supervised"}, default="full"
        Layers with a denoising cost: all; the class layer (Γ-model); the input; none.
        "supervised" is the same network without a decoder: the baseline to compare.
    denoising_cost : "auto", float, array-like of shape (n_layers,) or \
            (n_estimators, n_layers), default="auto"
        Weight of the denoising cost (λ in the paper), for all layers or for each layer,
        input first. "auto" is 1 (0.1 for convolutional networks), and at the class
        layer 0 for up to 4 classes, rising to 1 for 10 (always 1 with "gamma"). With
        fewer than 10 classes, it leaves two of five members without denoising cost. A
        number or a list is for all members. A matrix has one row per member. The first
        rows must be equal; the last ones may be zero. ``0.3 * clf.denoising_cost_`` is
        less of what "auto" became.
    noise_std : float or array-like of shape (n_layers,), default=0.3
        Standard deviation of the noise in the corrupted encoder, for all layers or for
        each layer, input first, in units of scaled features. The default is published.
    combinator : {"gaussian", "mlp", "mlp-identity"} or array-like of shape \
            (n_layers,), default="gaussian"
        Function that denoises a unit, given the signal from the layer above: the
        published one, optimal for Gaussian activations, or a small network per unit.
        "mlp-identity" is the latter with its published start, near the identity.
    virtual_adversarial : VirtualAdversary, default=None
        Perturbations of the unlabeled samples in the direction that changes the output
        most. Off, because a step takes up to three times as long with them.
    label_smoothing : float, default=0.15
        Share of each label that is spread evenly over all classes in the supervised
        cost. With 0, as published, the network becomes overconfident.
    weight_normalization : bool, default=False
        Whether the weights into each hidden and decoder unit are scaled to length 1
        before each update. It helps short training on images.
    activation : {"relu", "leaky_relu", "tanh"}, default="relu"
        Activation of the hidden layers. The slope of the leaky one is 0.1.
    feature_scaling : {"auto", "scaled", "binned", "projected", "shared"}, int or \
            None, default="auto"
        How features come to one scale: "scaled" by value and rank, "binned" in 6 bins
        (an int up to 20: that many), "projected" to 100 columns, "shared" all by one
        mean and deviation. "auto" bins tables with fewer than 10 classes, projects
        texts, and shares one scale in convolutional networks. None leaves features as
        they are.
    batch_size : int, default=100
        Number of labeled samples, and also of unlabeled samples, per training step: at
        least 2. If there are fewer samples, all are used. The default is published.
    max_epochs : int or "auto", default="auto"
        Number of passes over all training samples. "auto" makes 50 √(number of labels)
        updates, from 250 to 750, twice as many in convolutional networks and for 10 and
        more classes.
    max_time : float, default=None
        Time limit of training in seconds. The learning rate then falls by time, too.
    learning_rate : float, default=0.01
        Learning rate of Adam. The published 0.002 is for 90,000 updates.
    decay_start : float, default=0.67
        Fraction of training after which the learning rate falls linearly to 0; 1 means
        never. The default is published.
    early_stopping : bool, default=False
        Whether to hold out labeled samples, to stop when their log-loss no longer
        falls, and to restore the best weights. With few labels, train on all of them.
    validation_fraction : float, default=0.1
        Share of the labeled samples to hold out, of each class as nearly as whole
        numbers allow.
    n_iter_no_change : int, default=10
        Number of epochs without improvement after which training stops early.
    tol : float, default=1e-4
        Smallest decrease of the log-loss that counts as improvement.
    class_weight : dict or "balanced", default=None
        Weights of the classes in the supervised cost.
    class_prior : {"auto", "em"}, dict, array-like of shape (n_classes,) or None, \
            default="auto"
        Class prior that `predict_proba` assumes: a share by class, or shares in the
        order of `classes_`. None is the class shares of the labels; "em" averages these
        with an estimate from unlabeled samples. "auto" is near "em" if labels may have
        been drawn class by class, else near None. It is None with class weights, and
        with "supervised", which has no use for unlabeled samples.
    n_estimators : "auto" or int, default="auto"
        Number of networks, trained side by side, whose probabilities are averaged.
        "auto" is 5, or fewer large ones; 1 for convolutional networks, streams, or 10
        and more classes.
    linear_share : "auto" or float in [0, 1), default="auto"
        Share of a logistic regression in the mean of the probabilities. "auto" is 0.5,
        less with more than 250 labels or more than 4 classes; 0 for convolutional
        networks, texts, or 10 and more classes. It helps most where classes are no
        clusters. `partial_fit` does not train it: 0 if it comes first, and fading after
        `fit`.
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
    classes_ : ndarray of shape (n_classes,)
        Class labels, without the -1 of unlabeled samples.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if all are strings.
    categories_ : list of ndarray or None
        For each feature its frequent categories, or None if it is a number. None if no
        feature has categories.
    plan_ : Plan
        All settings of the last fit, resolved. Also as attributes: `denoising_cost_`,
        `feature_scaling_`, `hidden_layer_sizes_`, `linear_share_`, `max_epochs_`,
        `n_estimators_`.
    class_prior_ : ndarray of shape (n_classes,)
        Class prior that `predict_proba` assumes. Only after `fit`.
    n_iter_ : int
        Number of epochs; those of `partial_fit` add up.
    n_samples_seen_ : int
        Number of training samples; those of `partial_fit` add up.
    history_ : dict of str to ndarray of shape (n_epochs,)
        Mean costs, learning rate and seconds of each epoch; see the user guide.
    transduction_ : ndarray of shape (n_samples,)
        Label of each training sample: the given one or, if unlabeled, the prediction.
        After `partial_fit`, those of the last call.
    device_ : str
        Torch device of the trained net.
    net_ : skorch.NeuralNetClassifier
        The trained net; ``net_.module_`` is the torch module.

    References
    ----------
    Rasmus, Berglund, Honkala, Valpola, Raiko, "Semi-Supervised Learning with Ladder
    Networks", NIPS 2015, arXiv:1507.02672.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ladder import LadderClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> y_few = [label if n % 6 == 0 else -1 for n, label in enumerate(y)]
    >>> clf = LadderClassifier(max_epochs=100, random_state=0).fit(X, y_few)
    >>> bool(clf.score(X, y) > 0.9)
    True
    """

    _parameter_constraints: dict = PARAMETER_CONSTRAINTS

    # set by fit
    net_: Any
    plan_: Plan
    classes_: npt.NDArray[Any]
    class_prior_: npt.NDArray[np.floating]
    transduction_: npt.NDArray[Any]
    history_: dict[str, npt.NDArray[Any]]
    n_iter_: int
    n_samples_seen_: int
    n_features_in_: int
    feature_names_in_: npt.NDArray[np.object_]
    n_estimators_: int
    linear_share_: float
    denoising_cost_: npt.NDArray[np.float64]
    feature_scaling_: str | int | None
    hidden_layer_sizes_: tuple[int, ...] | None
    max_epochs_: int

    def __init__(
        self,
        hidden_layer_sizes: t.HiddenLayerSizes = "auto",
        *,
        architecture: t.Architecture = "mlp",
        image_shape: t.ImageShape | None = None,
        categorical_features: t.CategoricalFeatures = "from_dtype",
        variant: Literal["full", "gamma", "bottom", "supervised"] = "full",
        denoising_cost: t.DenoisingCost = "auto",
        noise_std: float | t.NumbersLike = 0.3,
        combinator: t.Combinator = "gaussian",
        virtual_adversarial: VirtualAdversary | None = None,
        label_smoothing: float = 0.15,
        weight_normalization: bool = False,
        activation: Literal["relu", "leaky_relu", "tanh"] = "relu",
        feature_scaling: t.FeatureScaling = "auto",
        batch_size: int = 100,
        max_epochs: int | Literal["auto"] = "auto",
        max_time: float | None = None,
        learning_rate: float = 0.01,
        decay_start: float = 0.67,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        class_weight: dict[Any, Any] | Literal["balanced"] | None = None,
        class_prior: t.ClassPrior = "auto",
        n_estimators: Literal["auto"] | int = "auto",
        linear_share: Literal["auto"] | float = "auto",
        warm_start: bool = False,
        random_state: t.RandomState = None,
        verbose: int = 0,
        callbacks: list[Any] | None = None,
        device: str = "auto",
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.architecture = architecture
        self.image_shape = image_shape
        self.categorical_features = categorical_features
        self.variant = variant
        self.denoising_cost = denoising_cost
        self.noise_std = noise_std
        self.combinator = combinator
        self.virtual_adversarial = virtual_adversarial
        self.label_smoothing = label_smoothing
        self.weight_normalization = weight_normalization
        self.activation = activation
        self.feature_scaling = feature_scaling
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.max_time = max_time
        self.learning_rate = learning_rate
        self.decay_start = decay_start
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.class_weight = class_weight
        self.class_prior = class_prior
        self.n_estimators = n_estimators
        self.linear_share = linear_share
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose
        self.callbacks = callbacks
        self.device = device

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: t.MatrixLike,
        y: t.LabelsLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Fit the network to labeled and unlabeled samples.

        If anything fails, the previous fit stays as it was. If the user interrupts
        training (Ctrl-C) after its first epoch, a warning says so and the fit ends.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples, or images of shape (n_samples, channels, height, width).
            An np.memmap, or a sparse matrix, is read batch by batch.
        y : array-like of shape (n_samples,)
            Class labels; -1 or a missing value marks an unlabeled sample.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights in the supervised cost. Only the ratios of labeled samples matter.
            A label of weight 0 counts as none.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If a parameter, `X` or `y` is not as described, or if training diverges.
        """
        from ._fit import fit_ladder  # late: skorch takes most of the import time

        return fit_ladder(self, X, y, sample_weight, continues=self.warm_start)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: t.MatrixLike,
        y: t.LabelsLike,
        classes: npt.ArrayLike | None = None,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Continue training with the next samples of a stream: one pass over them.

        The learning rate is constant. Categories and feature scaling stay those of the
        first samples, so pass many typical samples in the first call.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples, at least 2.
        y : array-like of shape (n_samples,)
            Class labels. All samples may be unlabeled.
        classes : array-like of shape (n_classes,), default=None
            All classes of the stream; -1 is ignored. Needed in the first call, unless
            `fit` was called before.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights in the supervised cost. Unlike in `fit`, their mean matters. A label
            of weight 0 counts as none.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            As `fit`; also if a parameter needs all samples at once: `early_stopping`,
            ``class_weight="balanced"`` or a `class_prior`.
        """
        from ._fit import fit_ladder

        return fit_ladder(self, X, y, sample_weight, True, classes, is_stream=True)

    @isolated()
    def predict_proba(self, X: t.MatrixLike) -> npt.NDArray[np.float32]:
        """Predict class probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes), float32
            Columns in the order of `classes_`.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If `X` has other features or images of another shape than in `fit`, or
            infinite entries.
        """
        return self._run("forward", X)

    @isolated()
    def transform(self, X: t.MatrixLike) -> npt.NDArray[np.float32]:
        """Compute the top hidden representation.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_units of the top hidden layer), float32
            In the first ensemble member. Without hidden layers, the scaled features.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If `X` has other features or images of another shape than in `fit`, or
            infinite entries.
        """
        return self._run("hidden", X)

    @available_if(reconstructs_input)
    @isolated()
    def denoise(self, X: t.MatrixLike) -> Any:  # a frame for a frame
        """Reconstruct samples with the decoder, as if they were corrupted by noise.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray, float32 or, as ``plan_.input_dtype`` says, float64
            Reconstruction in the shape and units of `X`, without missing entries. If
            features have categories, the most probable ones; then a frame becomes a
            frame of the same columns and dtypes.

        Raises
        ------
        AttributeError
            If there is no denoising cost at the input, as with `variant` "gamma" or
            "supervised".
        NotFittedError
            Before `fit`.
        ValueError
            If `X` has other features or images of another shape than in `fit`, or
            infinite entries.
        """
        return self._denoise(X)

    @property
    def _n_features_out(self):
        check_is_fitted(self)
        return self.net_.module_.shapes[-2].n_units // self.n_estimators_
