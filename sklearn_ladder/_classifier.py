"""The estimator: parameters, validation, fit, predict."""

from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
    clone,
)
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_array, check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from ._batches import RowBatches, TrainingRows
from ._labels import UNLABELED, as_array, class_bias, encode_labels, is_labeled
from ._training import (
    LARGEST_CHUNK,
    LadderNet,
    learning_rate_schedule,
    resolve_device,
)
from ._variants import VARIANTS, denoising_weights, per_layer
from .network._layers import ACTIVATIONS


def _reconstructs_input(estimator):
    """Whether a decoder reaches down to the input."""
    if hasattr(estimator, "net_"):
        decoder = estimator.net_.module_.decoder
        reaches_input = decoder is not None and decoder.lowest == 0
    else:
        reaches_input = estimator.variant in ("full", "bottom")
    if not reaches_input:
        raise AttributeError(
            "denoise needs a denoising cost at the input: variant 'full' or 'bottom', "
            f"with denoising_cost[0] > 0; got variant={estimator.variant!r}."
        )
    return True


class LadderClassifier(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClassifierMixin, BaseEstimator
):
    """Ladder network: a classifier for many rows and few labels.

    A neural network is run twice, clean and corrupted by noise, and a decoder learns to
    undo the corruption at every layer. That needs no labels, so that unlabeled rows
    shape the features which the few labels then use.

    Rows whose `y` is -1 are unlabeled, as in
    :class:`~sklearn.semi_supervised.SelfTrainingClassifier`. Missing labels (None, NaN,
    pandas.NA) count as unlabeled, too.

    Parameters
    ----------
    hidden_layer_sizes : array-like of int or int, default=(256, 128, 64)
        Number of units of each hidden layer. The default is a compromise: wider layers
        cost time, and did not help on the tables on which defaults were chosen.

    variant : {"full", "gamma", "bottom", "supervised"}, default="full"
        Which layers have a denoising cost: all; the class layer only (Γ-model, the
        fastest to train, without reconstruction of the input); the input only; none.
        The last is the same network without its decoder, an honest baseline that
        learns from labeled rows alone.

    denoising_cost : float or array-like of shape (n_layers,), default=1.0
        Weight of the denoising cost (λ in the paper), for all layers or for each layer,
        input first: input, hidden layers, class layer. Entries at layers without a cost
        in this `variant` are not used. The default did best on standardized features
        of several tables; for pixels in [0, 1] that are not standardized the published
        pattern is 1000, 10, 0.1, 0.1, ….

    noise_std : float or array-like of shape (n_layers,), default=0.3
        Standard deviation of the noise that corrupts the encoder, for all layers or for
        each layer, input first. Noise at the input is in units of the standardized
        features. The default is the published one.

    activation : {"relu", "leaky_relu", "tanh"}, default="relu"
        Activation of the hidden layers. The slope of the leaky one is 0.1.

    standardize : bool, default=True
        Whether the network brings each feature to mean 0 and variance 1 over the
        training rows, and outliers smoothly within 3 standard deviations. Choose False
        for images scaled to [0, 1].

    batch_size : int, default=100
        Number of labeled rows and of unlabeled rows of a training step; fewer where
        there are fewer. The default is the published one.

    max_epochs : int, default=150
        Number of passes over all training rows, labeled or not. The default suits
        tables of some thousand rows; the published number is 150, for 60,000 rows.

    learning_rate : float, default=0.01
        Learning rate of Adam. The default makes the most of the few hundred updates
        that small tables get; the published rate, for 90,000 updates, is 0.002.

    decay_start : float, default=0.67
        Fraction of training with constant learning rate, before it falls linearly to 0.
        1 means that it never falls. The default is the published one.

    class_weight : dict or "balanced", default=None
        Weights of the classes in the supervised cost. "balanced" is by the shares of
        the labeled rows.

    warm_start : bool, default=False
        Whether `fit` starts from the weights of the previous fit, if there is one.

    random_state : int, RandomState instance or None, default=None
        Determines initial weights, noise and the order of rows. The global generators
        of NumPy and torch are not touched. Pass an int for the same result in every
        call on the same machine.

    verbose : int, default=0
        Whether to print the costs of each epoch.

    callbacks : list of skorch callbacks, default=None
        Called during training as by :class:`skorch.NeuralNet`. Each fit uses clones of
        them, found in ``net_.callbacks_``.

    device : str, default="auto"
        Torch device: "cpu", "cuda", "cuda:1", …; "auto" takes CUDA where there is one,
        or else the CPU.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, without the marker of unlabeled rows.

    n_features_in_ : int
        Number of features seen during `fit`.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen during `fit`, where all are strings.

    n_iter_ : int
        Number of epochs of the last training.

    history_ : dict of str to ndarray of shape (n_iter_,)
        Per epoch: "epoch", "train_loss" (the total cost), "supervised_cost",
        "denoising_0_cost" … (not weighted), "lr", "dur" (seconds).
        ``pandas.DataFrame(clf.history_)`` makes a table of it.

    transduction_ : ndarray of shape (n_samples,)
        Label of each training row: the given one or, for unlabeled rows, the predicted
        one.

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

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ladder import LadderClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> y_few = np.full_like(y, -1)
    >>> y_few[::6] = y[::6]  # 25 labels for 150 rows
    >>> clf = LadderClassifier(random_state=0).fit(X, y_few)
    >>> bool(clf.score(X, y) > 0.9)
    True
    >>> clf.predict_proba(X).shape
    (150, 3)
    """

    _parameter_constraints: dict = {
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "variant": [StrOptions(set(VARIANTS))],
        "denoising_cost": [
            Interval(Real, 0, None, closed="left"),
            "array-like",
        ],
        "noise_std": [Interval(Real, 0, None, closed="left"), "array-like"],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "standardize": ["boolean"],
        # a single row has no batch statistics
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "decay_start": [Interval(Real, 0, 1, closed="both")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "callbacks": [list, None],
        "device": [str],
    }

    def __init__(
        self,
        hidden_layer_sizes=(256, 128),
        *,
        variant="full",
        denoising_cost=1.0,
        noise_std=0.3,
        activation="relu",
        standardize=True,
        batch_size=100,
        max_epochs=100,
        learning_rate=0.01,
        decay_start=0.67,
        class_weight=None,
        warm_start=False,
        random_state=None,
        verbose=0,
        callbacks=None,
        device="auto",
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.variant = variant
        self.denoising_cost = denoising_cost
        self.noise_std = noise_std
        self.activation = activation
        self.standardize = standardize
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.learning_rate = learning_rate
        self.decay_start = decay_start
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose
        self.callbacks = callbacks
        self.device = device

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the network to labeled and unlabeled rows.

        If anything fails, what was fitted before stays as it was.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows. They are taken as float32.

        y : array-like of shape (n_samples,)
            Class labels; -1 or a missing value marks an unlabeled row.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the supervised cost. Those of unlabeled rows are not
            used. Only ratios matter.

        Returns
        -------
        self : object
            Fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, `X` or `y` is not as described, or if training diverges.
        """
        rows = check_array(X, dtype=np.float32, estimator=self, input_name="X")
        labels = encode_labels(y)
        check_consistent_length(rows, labels.codes)
        previous = self._previous_network(X, labels.classes)
        row_weight = self._row_weights(rows, labels, sample_weight)

        net = self._make_net(rows, class_bias(labels.codes, row_weight))
        net.initialize()
        if previous is not None:
            self._load_weights(net, previous)
        net.partial_fit(TrainingRows(rows, labels.codes, row_weight, net.device))

        codes = labels.codes.copy()
        unlabeled = codes == UNLABELED
        if unlabeled.any():
            codes[unlabeled] = net.predict(rows[unlabeled])

        # all went well: only now does the estimator change
        validate_data(self, X, skip_check_array=True)
        self.net_ = net
        self.classes_ = labels.classes
        self.transduction_ = labels.classes[codes]
        self.history_ = _as_table(net.history)
        self.n_iter_ = len(self.history_["train_loss"])
        return self

    def predict(self, X):
        """Predict class labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels in the dtype of `classes_`.
        """
        proba = self.predict_proba(X)
        return self.classes_[proba.argmax(axis=1)]

    def predict_proba(self, X):
        """Predict class probabilities, by the clean encoder.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes), float32
            Columns in the order of `classes_`.
        """
        rows = self._checked_rows(X)
        return self.net_.predict_proba(rows)

    def transform(self, X):
        """Top hidden representation, by the clean encoder.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, hidden_layer_sizes[-1]), float32
        """
        return self._run("hidden", X)

    @available_if(_reconstructs_input)
    def denoise(self, X):
        """Reconstruct rows by encoder and decoder, taking them as corrupted.

        Only with a denoising cost at the input (`variant` "full" or "bottom").

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; no noise is added to them.

        Returns
        -------
        ndarray of shape (n_samples, n_features), float32
            Reconstruction in the units of `X`.
        """
        return self._run("denoise", X)

    def score(self, X, y, sample_weight=None):
        """Accuracy on the labeled rows; unlabeled ones are left out.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Class labels; -1 or a missing value marks an unlabeled row.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If no row is labeled.
        """
        rows = self._checked_rows(X)
        y = column_or_1d(as_array(y))
        check_consistent_length(rows, y, sample_weight)
        labeled = is_labeled(y)
        if not labeled.any():
            raise ValueError(f"score needs labeled rows; got {len(y)}, all unlabeled.")
        correct = self.classes_[self.net_.predict(rows[labeled])] == y[labeled]
        if sample_weight is not None:
            sample_weight = np.asarray(sample_weight)[labeled]
        return float(np.average(correct, weights=sample_weight))

    @property
    def device_(self):
        """Device of the trained net."""
        check_is_fitted(self)
        return str(self.net_.device)

    @property
    def _n_features_out(self):
        return self.net_.module_.widths[-2]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # float32, whatever comes in
        return tags

    # ------------------------------------------------------------------ for fit

    def _make_net(self, rows, class_bias):
        """The net that the parameters describe, not initialized."""
        n_classes = len(class_bias)
        hidden = np.atleast_1d(np.asarray(self.hidden_layer_sizes))
        if hidden.ndim != 1 or (
            hidden.size and (hidden.dtype.kind not in "iu" or hidden.min() < 1)
        ):
            raise ValueError(
                "hidden_layer_sizes must be positive integers; got "
                f"{self.hidden_layer_sizes}."
            )
        widths = [rows.shape[1], *hidden.tolist(), n_classes]
        weights = denoising_weights(self.denoising_cost, self.variant, len(widths))
        device = resolve_device(self.device)
        random_state = check_random_state(self.random_state)
        module_seed, seed = random_state.randint(np.iinfo(np.int32).max, size=2)
        scaler = StandardScaler().fit(rows) if self.standardize else None
        n_updates = self.max_epochs * -(-len(rows) // self.batch_size)
        callbacks = [clone(callback, safe=False) for callback in self.callbacks or []]
        return LadderNet(
            module__widths=widths,
            module__denoised_layers=np.flatnonzero(weights).tolist(),
            module__noise_std=per_layer(
                "noise_std", self.noise_std, len(widths)
            ).tolist(),
            module__activation=self.activation,
            module__mean=None if scaler is None else scaler.mean_,
            module__scale=None if scaler is None else scaler.scale_,
            module__class_bias=class_bias,
            module__seed=int(module_seed),
            criterion__denoising_weights=weights.tolist(),
            iterator_train__with_unlabeled=bool(weights.any()),
            batch_size=self.batch_size,
            max_epochs=self.max_epochs,
            lr=self.learning_rate,
            callbacks=learning_rate_schedule(n_updates, self.decay_start) + callbacks,
            classes=np.arange(n_classes),
            seed=int(seed),
            device=device,
            verbose=int(self.verbose),
        )

    def _row_weights(self, rows, labels, sample_weight):
        """Weights of the rows in the supervised cost, of mean 1 over labeled rows."""
        if sample_weight is None and self.class_weight is None:
            return None
        weight = _check_sample_weight(sample_weight, rows, dtype=np.float64)
        labeled = labels.codes != UNLABELED
        if self.class_weight is not None:
            y = labels.classes[labels.codes[labeled]]
            class_weight = compute_class_weight(
                self.class_weight, classes=labels.classes, y=y
            )
            weight = weight.copy()
            weight[labeled] *= class_weight[labels.codes[labeled]]
        if (weight[labeled] < 0).any() or weight[labeled].sum() == 0:
            raise ValueError(
                "sample_weight (times class_weight) must not be negative, and not zero "
                f"for all labeled rows; got minimum {weight[labeled].min()} and "
                f"sum {weight[labeled].sum()}."
            )
        return weight / weight[labeled].mean()

    def _previous_network(self, X, classes):
        """The network to go on from, after checking that the data fit it."""
        if not (self.warm_start and hasattr(self, "net_")):
            return None
        validate_data(self, X, reset=False, skip_check_array=True)
        if not np.array_equal(classes, self.classes_):
            raise ValueError(
                "warm_start needs the same classes as in the previous fit, "
                f"{self.classes_}; got {classes}."
            )
        return self.net_.module_

    def _load_weights(self, net, previous):
        """Copy the weights and statistics of a network of the same shape."""
        try:
            net.module_.load_state_dict(previous.state_dict())
        except RuntimeError as error:
            raise ValueError(
                "warm_start needs the same hidden_layer_sizes, variant, activation and "
                "standardize as in the previous fit."
            ) from error

    # -------------------------------------------------------------- for predict

    def _checked_rows(self, X):
        check_is_fitted(self)
        return validate_data(self, X, dtype=np.float32, reset=False)

    def _run(self, method, X):
        """Output of a method of the trained module, in chunks of rows."""
        rows = self._checked_rows(X)
        module = self.net_.module_
        dataset = self.net_.get_dataset(rows)
        with torch.no_grad():
            chunks = [
                getattr(module, method)(x.to(self.net_.device)).cpu()
                for x, _ in RowBatches(dataset, LARGEST_CHUNK)
            ]
        return torch.cat(chunks).numpy()


def _as_table(history):
    """Columns of a skorch history, without what only skorch needs of it.

    An epoch in which training was interrupted by the keyboard is left out.
    """
    epochs = [epoch for epoch in history if "train_loss" in epoch]
    names = dict.fromkeys(name for epoch in epochs for name in epoch)
    hidden = {"batches", "train_loss_best", "train_batch_count"}
    columns = [name for name in names if name not in hidden] or ["train_loss"]
    return {
        name: np.asarray([epoch.get(name, np.nan) for epoch in epochs])
        for name in columns
    }
