"""The estimator: parameters, fit, predict."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import (
    _check_feature_names,
    _check_n_features,
    _get_feature_names,
    check_is_fitted,
)

from ._callback_support import CallbackSupportMixin, FitTasks, labeled_arguments
from ._class_prior import infer_class_prior
from ._decorators import _fit_context, available_if
from ._documentation import DocumentationMixin
from ._isolation import isolated
from ._parameters import PARAMETER_CONSTRAINTS, refuse_booleans, refuse_for_stream
from ._plan import resolve_plan
from ._prediction import predict_proba, run
from ._random import spawn_seeds
from ._version import VersionMixin
from .data._labels import labeled_part
from .data._samples import Samples, flatten_images
from .data._training_data import encode_training_data
from .data._weights import labeled_weights

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Literal, Self

    import numpy.typing as npt

    from ._plan import Plan
    from ._typing import (
        Array,
        ImageShape,
        LabelsLike,
        MatrixLike,
        NamesLike,
        NumbersLike,
        RandomState,
    )
    from ._virtual_adversary import VirtualAdversary
    from .network import LayerSpecification

# Earlier samples of a stream count as at most this many in the population statistics,
# since their statistics were measured with other network weights.
STREAM_MEMORY = 1000


def _reconstructs_input(estimator):
    """Whether `denoise` is available; if not, raise an AttributeError."""
    if hasattr(estimator, "plan_"):
        reaches_input = estimator.plan_.denoising_cost[0] > 0
    else:
        reaches_input = estimator.variant in ("full", "bottom")
    if not reaches_input:
        raise AttributeError(
            "denoise needs a denoising cost at the input: variant 'full' or 'bottom', "
            f"with denoising_cost[0] > 0; got variant={estimator.variant!r}."
        )
    return True


class LadderClassifier(
    CallbackSupportMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    ClassifierMixin,
    DocumentationMixin,
    VersionMixin,
    BaseEstimator,
):
    """Ladder network: a classifier for many samples and few labels.

    A neural network is run twice, clean and corrupted by noise, and a decoder learns to
    undo the corruption at every layer. That needs no labels, so the unlabeled samples
    shape the features that the few labels then use.

    Samples whose `y` is -1 are unlabeled, as in
    :class:`~sklearn.semi_supervised.SelfTrainingClassifier`. Missing labels (None, NaN,
    pandas.NA) mark unlabeled samples, too. NaN in `X` is a missing value; the decoder
    imputes it from the other features, within the range seen in training. Without a
    denoising cost at the input, the mean of the feature takes its place, or with
    ``feature_scaling=None`` the value closest to 0.

    Parameters
    ----------
    hidden_layer_sizes : "auto", array-like of int or int, default="auto"
        Number of units of each hidden layer of ``architecture="mlp"``. "auto" is
        (64, 32), and (256, 128) for 10 and more classes. On tables with fewer classes,
        five members of the smaller size were more accurate than three of the larger
        one, in a quarter of the time.

    architecture : str or list of layers, default="mlp"
        "mlp" has `hidden_layer_sizes` and a class layer. "conv-fc", "conv-small" and
        "conv-large" are the published networks for images of 28 × 28, 28 × 28 and
        32 × 32. A list has objects from :mod:`sklearn_ladder.architectures`, the class
        layer included.

    image_shape : tuple of int (channels, height, width), default=None
        Shape of the images if samples are flat: features ordered channel by channel.
        Needed by architectures that begin with a convolution or a pool, unless `X` has
        4 dimensions.

    categorical_features : "from_dtype", array-like of bool, int or str, or None, \
            default="from_dtype"
        Features with categories: a mask of shape (n_features,), indices, or names of a
        frame's columns. "from_dtype" takes the columns of a frame whose dtype is
        categorical, and columns of strings or objects, unless each entry is a number or
        a text such as "3.5". None takes all features as numbers, as "from_dtype" does
        for arrays and sparse matrices. Booleans are the numbers 0 and 1. The network
        gets one column of 0 and 1 per category, or a single one for two categories.
        Missing categories are imputed like numbers. Categories of less than 1 % of the
        samples, or of one sample, together have one column. So have categories that
        were not seen in training. If there is no such column, they are missing.

    variant : {"full", "gamma", "bottom", "supervised"}, default="full"
        Layers with a denoising cost: all; the class layer (Γ-model); the input; none.
        "supervised" is the same network without its decoder: an honest baseline that
        learns from the labeled samples only. (Two exceptions: feature scaling uses all
        samples. With fewer than 10 labels, so do the statistics for prediction.)

    denoising_cost : "auto", float, array-like of shape (n_layers,) or \
            (n_estimators, n_layers), default="auto"
        Weight of the denoising cost (λ in the paper), for all layers or for each layer,
        input first. Entries of layers without a cost in this `variant` are ignored.
        "auto" is 1 at the input and the hidden layers, 0.1 for convolutional networks.
        At the class layer it rises from 0, for up to 4 classes, to 1 for 10 and more,
        which are usually clusters (Γ-model: 1). With fewer than 10 classes, "auto" also
        trains some members without denoising costs, so that the mean prediction stays
        close to the labels.
        In an array with one row per member, the last rows may be 0 for the same
        purpose. For pixels in [0, 1] that are not scaled, the published pattern is
        1000, 10, 0.1, 0.1, ….

    noise_std : float or array-like of shape (n_layers,), default=0.3
        Standard deviation of the noise that corrupts the encoder, for all layers or for
        each layer, input first. At the input it is in units of the scaled features. The
        default is the published value.

    combinator : {"gaussian", "mlp"} or array-like of shape (n_layers,), \
            default="gaussian"
        How the decoder denoises a unit, given its corrupted activation and the signal
        from the layer above; for all layers or for each layer, input first. "gaussian"
        (published) is optimal for Gaussian activations. "mlp" is a small network for
        each unit or channel (AMLP).

    virtual_adversarial : VirtualAdversary, default=None
        Perturbations of the unlabeled samples in the direction that changes the output
        most: see :class:`VirtualAdversary`. They are off because a step takes up to 2.5
        times as long with them.

    label_smoothing : float, default=0.15
        Share of each label that is spread evenly over all classes in the supervised
        cost. With 0, as published, the network becomes overconfident.

    weight_normalization : bool, default=False
        Whether the incoming weights of each hidden unit and each decoder unit are
        scaled to length 1 before each update. This helps short training on images.

    activation : {"relu", "leaky_relu", "tanh"}, default="relu"
        Activation of the hidden layers. The slope of the leaky one is 0.1.

    feature_scaling : {"auto", "scaled", "binned", "projected", "shared"}, int or \
            None, default="auto"
        How the network brings features to one scale. "scaled" averages two numbers: a
        value's distance from the mean in standard deviations, and the normal score of
        its rank. Units then do not matter, and outliers matter little. "binned" divides
        each feature into 6 bins with about equally many samples and has one column per
        bin (piecewise linear encoding). This makes thresholds easy to learn. An int is
        another number of bins. "projected" is for sparse features such as those of
        texts: a truncated singular value decomposition to 100 columns, which keep their
        relative sizes. "shared" is for pixels: all features have the same mean and
        scale. "auto" shares the scale of convolutional networks, projects sparse
        matrices with more than 512 features, and uses bins for tables with fewer than
        10 classes, with at most 512 columns. None leaves features as they are: the
        published recipes have it for pixels in [0, 1].

    batch_size : int, default=100
        Number of labeled samples of a training step, and of unlabeled ones. If there
        are fewer, a step uses all of them. The default is the published value.

    max_epochs : int or "auto", default="auto"
        Number of passes over all training samples. "auto" makes 50 √(number of labels)
        updates, between 250 and 750, rounded to whole passes, of which there is at
        least one. With 10 and more classes, and for convolutional networks, it makes
        twice as many.

    max_time : float, default=None
        Time limit of training in seconds. Training may end in the middle of an epoch.
        If time is too short for all updates, the learning rate follows the elapsed time
        instead, so that it still falls to 0. The result then depends on the machine.

    learning_rate : float, default=0.01
        Learning rate of Adam. The default makes the most of few updates; the
        published value, for 90,000 updates, is 0.002.

    decay_start : float, default=0.67
        Fraction of training after which the learning rate falls linearly to 0. 1 means
        that it never falls. The default is the published value.

    early_stopping : bool, default=False
        Whether to hold out labeled samples, stop when their log-loss no longer falls,
        and restore the best weights. The held-out samples take part as unlabeled ones.
        With few labels, train on all of them.

    validation_fraction : float, default=0.1
        Share of the labeled samples of each class to hold out.

    n_iter_no_change : int, default=10
        Number of epochs without improvement after which training stops early.

    tol : float, default=1e-4
        Smallest decrease of the log-loss that counts as improvement.

    class_weight : dict or "balanced", default=None
        Weights of the classes in the supervised cost.

    class_prior : {"auto", "em"}, array-like of shape (n_classes,) or None, \
            default="auto"
        Class prior that `predict_proba` assumes, in the order of `classes_`. None uses
        the class shares of the labels. "em" estimates the prior of the unlabeled
        samples by the EM algorithm and averages it with those shares. The estimate
        weighs less if there are fewer labels. "auto" is "em" if labels may have been
        drawn class by class; the estimate weighs less if class shares are less equal.
        With sample or class weights, or without a cost of unlabeled samples, "auto" is
        None.

    n_estimators : "auto" or int, default="auto"
        Number of networks that are trained side by side and whose probabilities are
        averaged. "auto" is 5, or as many as have 262,144 weights together; 1 with 10
        and more classes, for convolutional networks and for `partial_fit`.

    linear_share : "auto" or float in [0, 1), default="auto"
        Share of a linear classifier in the mean of the probabilities: a logistic
        regression of the scaled features, fitted to the labeled samples. The networks
        have the rest. Where classes are no clusters, it is right more often than they
        are. "auto" is 0.5, less with more than 250 labels or more than 4 classes; 0
        with 10 and more classes and for `partial_fit`.

    warm_start : bool, default=False
        Whether `fit` starts from the weights, the categories and the feature scaling
        of the previous fit. All else starts anew.

    random_state : int, RandomState instance or None, default=None
        Determines initial weights, noise and the order of samples. Pass an int for the
        same result in every call on the same machine. Global generators are untouched.

    verbose : int, default=0
        1 shows a progress bar on the standard error stream, with costs, learning rate
        and an estimate of the time; where there is no terminal, it prints a line now
        and then. 2 prints a line of costs per epoch instead.

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
        For each feature its categories, sorted, without infrequent ones; None if it is
        a number. The attribute is None if all features are numbers.
    plan_ : Plan
        All settings of the last fit, resolved. These have attributes of their own:
        `denoising_cost_`, `feature_scaling_`, `hidden_layer_sizes_`, `linear_share_`,
        `max_epochs_`, `n_estimators_`.
    class_prior_ : ndarray of shape (n_classes,)
        Class prior that `predict_proba` assumes. Only after `fit`.
    n_iter_ : int
        Number of epochs; those of `partial_fit` add up.
    n_samples_seen_ : int
        Number of training samples; those of `partial_fit` add up.
    history_ : dict of str to ndarray of shape (n_epochs,)
        Per epoch: "epoch", "train_loss" (the total cost), the unweighted
        "supervised_cost", "denoising_0_cost", …, "virtual_adversarial_0_cost", …,
        "valid_loss" (log-loss of held-out samples), "lr" (at the start of the epoch)
        and "dur" (seconds). Of a stream, the last 100 calls.
    transduction_ : ndarray of shape (n_samples,)
        Label of each training sample: the given one or, if unlabeled, the prediction.
    device_ : str
        Torch device of the trained net.
    net_ : skorch.NeuralNetClassifier
        The trained net; ``net_.module_`` is the torch module.

    See Also
    --------
    sklearn.semi_supervised.SelfTrainingClassifier : Semi-supervised learning with any
        classifier that gives probabilities.
    sklearn.semi_supervised.LabelSpreading : Label spreading on a similarity graph.

    References
    ----------
    Rasmus, Berglund, Honkala, Valpola, Raiko, "Semi-Supervised Learning with Ladder
    Networks", NIPS 2015, arXiv:1507.02672.

    Combinator "mlp": Pezeshki et al. 2016, arXiv:1511.06430. Label smoothing: Szegedy
    et al. 2016, arXiv:1512.00567. Bins: Gorishniy et al. 2022, arXiv:2203.05556. Weight
    normalization: Huang et al. 2017, arXiv:1710.02338. EM: Saerens et al. 2002,
    :doi:`10.1162/089976602753284446`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ladder import LadderClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> y_few = np.full_like(y, -1)
    >>> y_few[::6] = y[::6]  # 25 labels for 150 samples
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
        hidden_layer_sizes: Literal["auto"] | int | Sequence[int] | Array = "auto",
        *,
        architecture: (
            Literal["mlp", "conv-fc", "conv-small", "conv-large"]
            | Sequence[LayerSpecification]
        ) = "mlp",
        image_shape: ImageShape | None = None,
        categorical_features: (
            Literal["from_dtype"] | Sequence[int] | NamesLike | None
        ) = "from_dtype",
        variant: Literal["full", "gamma", "bottom", "supervised"] = "full",
        denoising_cost: (
            Literal["auto"] | float | NumbersLike | Sequence[Sequence[float]]
        ) = "auto",
        noise_std: float | NumbersLike = 0.3,
        combinator: (
            Literal["gaussian", "mlp"] | Sequence[Literal["gaussian", "mlp"]] | Array
        ) = "gaussian",
        virtual_adversarial: VirtualAdversary | None = None,
        label_smoothing: float = 0.15,
        weight_normalization: bool = False,
        activation: Literal["relu", "leaky_relu", "tanh"] = "relu",
        feature_scaling: (
            Literal["auto", "scaled", "binned", "projected", "shared"] | int | None
        ) = "auto",
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
        class_prior: Literal["auto", "em"] | NumbersLike | None = "auto",
        n_estimators: Literal["auto"] | int = "auto",
        linear_share: Literal["auto"] | float = "auto",
        warm_start: bool = False,
        random_state: RandomState = None,
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
        X: MatrixLike,
        y: LabelsLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Fit the network to labeled and unlabeled samples.

        If anything fails, the previous fit stays as it was. If the user interrupts
        training (Ctrl-C) after its first epoch, a warning says so and the fit ends.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples, or images of shape (n_samples, channels, height, width).
            Frames may have categories (see `categorical_features`). An np.memmap is
            read batch by batch and never copied as a whole; a sparse matrix is made
            dense batch by batch.

        y : array-like of shape (n_samples,)
            Class labels; -1 or a missing value marks an unlabeled sample.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples in the supervised cost. Only ratios of those of
            labeled samples matter.

        Returns
        -------
        self : object
            Fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, `X` or `y` is not as described, or if training diverges.
        """
        return self._train(X, y, sample_weight, continues=self.warm_start)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: MatrixLike,
        y: LabelsLike,
        classes: npt.ArrayLike | None = None,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Continue training with the next samples of a stream: one pass over them.

        The learning rate is constant. Categories and feature scaling stay those of the
        first samples, so pass many typical samples in the first call. If anything
        fails, the previous fit stays as it was.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples, at least 2.

        y : array-like of shape (n_samples,)
            Class labels; -1 or a missing value marks an unlabeled sample. All samples
            may be unlabeled.

        classes : array-like of shape (n_classes,), default=None
            All classes of the stream. -1, as in ``np.unique(y)``, is ignored. Needed in
            the first call, unless `fit` was called before.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples in the supervised cost. `fit` divides them by their
            mean; here they are used as they are.

        Returns
        -------
        self : object
            Fitted estimator.

        Raises
        ------
        ValueError
            If an argument is not as described, if training diverges, or if a parameter
            needs all samples at once: ``early_stopping=True``,
            ``class_weight="balanced"`` or a `class_prior`.
        """
        refuse_for_stream(self)
        if classes is None:
            if not hasattr(self, "classes_"):
                raise ValueError(
                    "classes must be passed on the first call to partial_fit."
                )
            classes = self.classes_
        return self._train(
            X, y, sample_weight, continues=True, classes=classes, is_stream=True
        )

    def predict(self, X: MatrixLike) -> npt.NDArray[Any]:
        """Predict class labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels in the dtype of `classes_`.
        """
        proba = self.predict_proba(X)
        return self.classes_[proba.argmax(axis=1)]

    @isolated()
    def predict_proba(self, X: MatrixLike) -> npt.NDArray[np.float32]:
        """Predict class probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes), float32
            Columns in the order of `classes_`.
        """
        return predict_proba(self._module, self._check_samples(X), self.device_)

    @isolated()
    def transform(self, X: MatrixLike) -> npt.NDArray[np.float32]:
        """Compute the top hidden representation.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_units of the top hidden layer), float32
            Representation in the first ensemble member. Without hidden layers, the
            scaled features.
        """
        return run(self._module, "hidden", self._check_samples(X), self.device_)

    @available_if(_reconstructs_input)
    @isolated()
    def denoise(self, X: MatrixLike) -> Any:  # a frame for a frame
        """Reconstruct samples with the decoder, as if they were corrupted.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples; no noise is added to them.

        Returns
        -------
        ndarray, float32
            Reconstruction in the shape and units of `X`. If features have categories,
            a frame comes back as a frame of the same columns and dtypes, with the most
            probable categories; of infrequent ones, the most frequent. Missing entries
            are filled in.
        """
        samples = self._check_samples(X)
        if self.plan_.categories is None:
            denoised = run(self._module, "denoise", samples, self.device_)
            return denoised.reshape(np.shape(X))  # type: ignore[arg-type]
        categories = self.plan_.categories
        finish = categories.collapse
        table = run(self._module, "denoise", samples, self.device_, finish)
        return categories.give_back(table, X)

    def score(
        self,
        X: MatrixLike,
        y: LabelsLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> float:
        """Accuracy on the labeled samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Class labels; samples with -1 or a missing value are ignored.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If no sample is labeled.
        """
        from sklearn.metrics import accuracy_score  # late: see _train

        check_is_fitted(self)
        labeled, labels = labeled_part(y)
        weight = labeled_weights(sample_weight, labeled)
        # Predict all samples: selecting the labeled ones would copy an np.memmap.
        predicted = self.predict(X)
        check_consistent_length(predicted, labeled)
        return accuracy_score(labels, predicted[labeled], sample_weight=weight)

    @property
    def device_(self) -> str:
        """Device of the trained net."""
        check_is_fitted(self)
        return str(self.net_.device)

    @property
    def categories_(self) -> list[npt.NDArray[Any] | None] | None:
        """Categories of each feature."""
        check_is_fitted(self)
        categories = self.plan_.categories
        if categories is None:
            return None
        return [each and each.values for each in categories.features]

    @property
    def _module(self):
        check_is_fitted(self)
        return self.net_.module_

    @property
    def _n_features_out(self):
        return self._module.shapes[-2].n_units // self.n_estimators_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        has_categories = self.categorical_features is not None
        tags.input_tags.categorical = tags.input_tags.string = has_categories
        tags.transformer_tags.preserves_dtype = []  # always float32
        return tags

    def __getstate__(self):
        state = super().__getstate__()
        if "net_" in state:
            state["net_"] = state["net_"].__getstate__()
        return state

    def __setstate__(self, state):
        """Build the net after the other attributes.

        So, if the plan of another version builds none, its warning comes first.
        """
        super().__setstate__(state)
        if hasattr(self, "net_"):
            from .training._saved_state import restored_net

            self.net_ = restored_net(self.net_)

    def _validate_params(self):
        super()._validate_params()
        refuse_booleans(self)

    def _check_image_shape(self, image_shape):
        """Raise if images have another shape than in fit. Flat samples have None."""
        if image_shape is not None and self.plan_.image_shape not in (
            None,
            image_shape,
        ):
            raise ValueError(
                "X must have images of the shape seen in fit, "
                f"{self.plan_.image_shape}; got {image_shape}."
            )

    def _check_samples(self, X):
        """Check samples for prediction and wrap them in `Samples`."""
        check_is_fitted(self)
        X, image_shape = flatten_images(X)
        self._check_image_shape(image_shape)
        # before columns of other names are read as categories
        _check_feature_names(self, X, reset=False)
        plan = self.plan_
        samples = Samples(X, self, plan.input_dtype, plan.categories)
        _check_n_features(self, X, reset=False)
        return samples

    def _check_continues(self, X, image_shape, classes):
        """Check samples and classes of a fit that continues the previous one."""
        self._check_image_shape(image_shape)
        _check_n_features(self, X, reset=False)
        if not np.array_equal(classes, self.classes_):
            raise ValueError(
                "warm_start and partial_fit need the same classes as in the previous "
                f"fit, {self.classes_}; got {classes}."
            )

    @isolated()
    def _train(self, X, y, sample_weight, continues, classes=None, is_stream=False):
        """Survey and encode → resolve → build → train → class prior → commit."""
        # Late, like everything that needs skorch, scipy.stats, or scikit-learn's
        # metrics and model selection: they take three quarters of the import time.
        from .training._build import build_net
        from .training._checkpoint import seeds_in_checkpoint
        from .training._epoch_tasks import EpochTasks
        from .training._train import train

        previous = self if continues and hasattr(self, "net_") else None
        n_seen = self.n_samples_seen_ if is_stream and previous else 0
        seeds = None
        if self.random_state is None and not is_stream:
            seeds = seeds_in_checkpoint(self.callbacks)
        if seeds is None:
            seeds = spawn_seeds(self.random_state, self.n_iter_ if n_seen else 0)
        X, image_shape = flatten_images(X)
        if previous:
            _check_feature_names(self, X, reset=False)
        data = encode_training_data(
            self,
            X,
            y,
            sample_weight,
            seeds,
            classes,
            is_stream,
            previous and previous.plan_,
        )
        if previous:
            self._check_continues(X, image_shape, data.classes)
        plan = resolve_plan(
            self.get_params(deep=False),
            data,
            image_shape,
            seeds,
            previous and previous.plan_,
        )
        net = build_net(
            plan, data.validation_set(), self.callbacks, previous and previous.net_
        )
        names = _get_feature_names(X)
        if previous:
            names = getattr(self, "feature_names_in_", None)
        fitted = partial(self._fitted_attributes, data, names, n_seen)
        tasks = FitTasks(
            self, plan.max_epochs, labeled_arguments(X, data, sample_weight)
        )
        n_new = len(data.samples)
        train(
            net,
            data,
            n_new / (n_new + min(n_seen, STREAM_MEMORY)),
            [EpochTasks(tasks, fitted)] if tasks.has_callbacks else [],
        )
        state = vars(self) | fitted(net)
        if is_stream:  # a stream never sees all unlabeled samples
            del state["class_prior_"]
        if names is None:
            state.pop("feature_names_in_", None)
        self.__dict__ = state  # one step: an interrupt leaves the old fit or the new
        tasks.end()
        return self

    def _fitted_attributes(self, data, names, n_seen, net):
        """Infer the class prior of a trained net, and return all fitted attributes."""
        from .training._linear_member import fit_linear_member
        from .training._train import history_table

        plan, history = net.plan, history_table(net.history)
        if not plan.is_stream:
            fit_linear_member(net, data)
        class_prior, proba = infer_class_prior(net.module_, data, plan)
        fitted = {
            "net_": net,
            "plan_": plan,
            "classes_": data.classes,
            "class_prior_": class_prior,
            "transduction_": data.transduce(proba),
            "history_": history,
            "n_iter_": self.n_iter_ + 1 if n_seen else len(history["train_loss"]),
            "n_samples_seen_": n_seen + len(data.samples),
            "n_features_in_": plan.n_features,
            "n_estimators_": plan.n_estimators,
            "linear_share_": plan.linear_share,
            "denoising_cost_": plan.denoising_cost_of_members,
            "feature_scaling_": plan.feature_scaling,
            "hidden_layer_sizes_": plan.hidden_layer_sizes,
            "max_epochs_": plan.max_epochs,
        }
        return fitted if names is None else fitted | {"feature_names_in_": names}
