"""The estimator: parameters, validation, fit, predict."""

import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils import check_consistent_length
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import (
    _get_feature_names,
    check_is_fitted,
    validate_data,
)

from ._class_prior import (
    adjust,
    are_balanced,
    checked_class_prior,
    class_shares,
    estimate_class_prior,
)
from ._defaults import default_n_bins, n_updates
from ._random import private_random_state
from ._variants import VARIANTS, VIRTUAL_ADVERSARIAL
from .architectures import ARCHITECTURES, checked_image_shape
from .data._batches import TrainingRows, n_batches
from .data._feature_scaling import fit_knots
from .data._labels import (
    UNLABELED,
    EncodedLabels,
    encode_known_labels,
    encode_labels,
    hold_out,
    labeled_part,
)
from .data._precision import warn_imprecise
from .data._samples import Samples, SampleSubset, flatten_images
from .data._weights import normalize_weights, sample_weights
from .network._combinators import COMBINATORS
from .network._layers import ACTIVATIONS
from .objective._adversary import NORMS

# Rows after which a stream has outweighed the statistics that it began with. Weights
# change all the while, so that older rows' statistics are of another network.
STREAM_MEMORY = 1000


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


def _predict_unlabeled(net, rows, codes):
    """Class probabilities of the unlabeled rows, shape (n_unlabeled, n_classes)."""
    unlabeled = codes == UNLABELED
    if not unlabeled.any():
        return np.empty((0, len(net.classes)), np.float32)
    return net.predict_proba(rows)[unlabeled]


class LadderClassifier(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClassifierMixin, BaseEstimator
):
    """Ladder network: a classifier for many rows and few labels.

    A neural network is run twice, clean and corrupted by noise, and a decoder learns to
    undo the corruption at every layer. That needs no labels, so that unlabeled rows
    shape the features which the few labels then use. Predictions go by batch statistics
    of the labeled rows (of all rows, where fewer than 10 are labeled), as in the
    released code.

    Rows whose `y` is -1 are unlabeled, as in
    :class:`~sklearn.semi_supervised.SelfTrainingClassifier`. Missing labels (None, NaN,
    pandas.NA) count as unlabeled, too.

    NaN in `X` is a missing value. It is imputed by the network's own denoising, from
    the row's other features, and left out of the denoising cost. Without a cost at the
    input (`variant` "gamma" or "supervised") the mean of each of the feature's columns
    takes its place; or 0, which should then be a typical value, with
    ``standardize=False``.

    Parameters
    ----------
    hidden_layer_sizes : array-like of int or int, default=(256, 128)
        Number of units of each hidden layer of ``architecture="mlp"``. The default is a
        compromise: wider layers cost time, and did not help on the tables on which
        defaults were chosen.

    architecture : str or list of layers, default="mlp"
        "mlp" is `hidden_layer_sizes` and a class layer; "conv-fc", "conv-small" and
        "conv-large" are the published networks for images of 28 × 28, 28 × 28 and
        32 × 32. A list is of objects from :mod:`sklearn_ladder.architectures`, the
        class layer included.

    image_shape : tuple of int (channels, height, width), default=None
        What the features of a row are, channel by channel. Needed by architectures that
        begin with a convolution or a pool, unless `X` has 4 dimensions.

    variant : {"full", "gamma", "bottom", "supervised"}, default="full"
        Which layers have a denoising cost: all; the class layer only (Γ-model, faster
        to train, without reconstruction of the input); the input only; none.
        The last is the same network without its decoder, an honest baseline that
        learns from labeled rows alone, apart from the scale of the features and, with
        fewer than 10 labels, the statistics for prediction.

    denoising_cost : "auto", float or array-like of shape (n_layers,), default="auto"
        Weight of the denoising cost (λ in the paper), for all layers or for each layer,
        input first: input, hidden layers, class layer. Entries at layers without a cost
        in this `variant` are not used. "auto" is 1 at the input and at hidden layers;
        at the class layer it rises from 0, for up to 4 classes, to 1 for 10 and more
        (Γ-model: 1), since many classes are more likely to be clusters than few. With
        fewer than 10 classes, a third of several networks side by side (`n_ensemble`),
        rounded up, then has no denoising cost and (but for `virtual_adversarial` and
        `entropy_cost`) learns from labels alone, so that their mean is not far from
        these where unlabeled rows mislead. It was chosen on rows of tables, with
        ``standardize=True``; for pixels in [0, 1] that are not standardized the
        published pattern is 1000, 10, 0.1, 0.1, ….

    noise_std : float or array-like of shape (n_layers,), default=0.3
        Standard deviation of the noise that corrupts the encoder, for all layers or for
        each layer, input first. Noise at the input is in units of the standardized
        features. The default is the published one.

    combinator : {"gaussian", "mlp"} or array-like of shape (n_layers,), \
            default="gaussian"
        How the decoder denoises a unit, given its corrupted activation and the signal
        from the layer above; for all layers or for each layer, input first. "gaussian"
        is optimal for Gaussian activations; "mlp" is a small network for each unit, or
        for each channel of images, with 4 hidden units (AMLP). Entries at layers below
        all that have a cost are not used. The default is the published one.

    virtual_adversarial : str, default=None
        What becomes of virtual adversarial perturbations, which are small and change
        the output for an unlabeled row most. "cost": of the input, where the change of
        the output is a cost of weight 1 (LVAC). "noise": of the input, in addition to
        its noise (LVAN). "cost-layerwise" and "noise-layerwise": the same at each layer
        but the class layer (LVAC-LW, LVAN-LW). "cost" with ``variant="supervised"`` and
        ``noise_std=0`` is virtual adversarial training (VAT). Whatever `noise_std`, the
        perturbed encoder has noise of standard deviation 0.5, as published. None, for
        the plain ladder, is the default because a step takes up to 2.5 times as long,
        and with 3 power iterations up to 4.5 times.

    epsilon : float or array-like of shape (n_layers,), default=1.0
        Length of the perturbations, for all layers or for each layer, input first. At
        the input it is in units of the standardized features. Entries at layers that
        are not perturbed are not used. Published values are 0.07 to 5 at the input, for
        pixels in [0, 1], and much smaller above it: 0.5 to 0.0006. The default is for
        the input; layer-wise, give each layer its own.

    n_power_iterations : int, default=1
        Number of passes that find the direction of a perturbation. Published is 3;
        with noise in the perturbed encoder the first finds most of it.

    perturbation_norm : {"l1", "l2", "linf"}, default="l2"
        Norm of the perturbations that `epsilon` is. The default is what the published
        code takes.

    entropy_cost : float, default=0.0
        Weight of the entropy of the corrupted output for unlabeled rows, a cost that
        makes it certain. The default is the published ladder, which has none.

    label_smoothing : float, default=0.15
        Part of each label, in the supervised cost, that goes to all classes alike
        (Szegedy et al. 2016). Without it, as published, a few labels are learned until
        the network is certain of all rows, right or wrong.

    weight_normalization : bool, default=False
        Whether the weights into each hidden unit, and each of the decoder, are brought
        to length 1 before each update (projection-based weight normalization, Huang et
        al. 2017). The published `learning_rate` is 0.001, for 75,000 updates.

    activation : {"relu", "leaky_relu", "tanh"}, default="relu"
        Activation of the hidden layers. The slope of the leaky one is 0.1.

    standardize : bool, default=True
        Whether the network brings features to one scale: each value to the mean of its
        distance from the feature's mean, in standard deviations, and of its normal
        score, which is what its rank would be in a normal sample. Units then do not
        matter, outliers little, and rare values less than by distances alone. Choose
        False for images scaled to [0, 1].

    n_bins : int or "auto", default="auto"
        Number of columns that the network has for each standardized feature: bins of
        about equally many rows, within one of which each changes (piecewise linear
        encoding, Gorishniy et al. 2022). Thresholds are then easy to learn, as they are
        for trees; noise and denoising costs at the input are of these columns. 1 means
        features as they are, which is right for pixels, for words, and where classes
        are many: these are told apart by distances, which bins blur. Features with no
        more values than bins stay as they are. "auto" is 6 for the architecture "mlp",
        fewer than 10 classes, and up to 85 features with more values than that, or else
        1.

    batch_size : int, default=100
        Number of labeled rows and of unlabeled rows of a training step; fewer where
        there are fewer. The default is the published one.

    max_epochs : int or "auto", default="auto"
        Number of passes over all training rows, labeled or not. "auto" takes as many as
        make about 100 √(number of labels) updates, but 500 at least and 1,500 at most:
        what training needs depends on labels more than on rows, so that the time is
        bounded, and few labels are soon learned by heart. At least it is one pass: from
        50,000 to 150,000 rows on, by the number of labels, time grows with rows. The
        published number of epochs is 150, for 60,000 rows.

    learning_rate : float, default=0.01
        Learning rate of Adam. The default makes the most of 1,500 updates; the
        published rate, for 90,000 updates, is 0.002.

    decay_start : float, default=0.67
        Fraction of training with constant learning rate, before it falls linearly to 0.
        1 means that it never falls. The default is the published one.

    early_stopping : bool, default=False
        Whether to hold out labeled rows, to stop when their log-loss no longer falls,
        and to take the weights that were best. Training goes on with the held-out rows
        as unlabeled ones. Few labels are better spent on training, hence the default.
        It looks once per epoch, of which ``max_epochs="auto"`` makes fewer than 10
        beyond some 15,000 rows.

    validation_fraction : float, default=0.1
        Share of the labeled rows to hold out, each class by its share.

    n_iter_no_change : int, default=10
        Number of epochs without improvement after which training stops early.

    tol : float, default=1e-4
        Smallest decrease of the log-loss that counts as improvement.

    class_weight : dict or "balanced", default=None
        Weights of the classes in the supervised cost. "balanced" is by the shares of
        the labeled rows.

    class_prior : {"auto", "em"}, array-like of shape (n_classes,) or None, \
            default="auto"
        Frequencies of the classes for which probabilities are, in the order of
        `classes_`. None takes those of the labels, by their weights. "em", for labels
        drawn class by class, estimates those of the unlabeled rows, by the EM algorithm
        of Saerens et al. (2002), and averages them with those of the labels: the fewer
        labels there are, the less it changes. "auto" is "em" where numbers of labels do
        not differ between classes (χ² test, 5 %), so that they may have been drawn
        class by class; None where they do, with a `class_weight`, with a
        `sample_weight` that differs between rows, where there is no cost of unlabeled
        rows, and in `partial_fit`, which does not see all of them.

    n_ensemble : "auto" or int, default="auto"
        Number of networks. They are trained side by side, in less time than one after
        the other, on the same batches, each from initial weights and with noise of its
        own; which of them have denoising costs see `denoising_cost`. Their mean
        probability is the prediction; `denoise` returns the mean reconstruction of
        those with denoising costs, `transform` the features of the first. "auto" takes
        2,000 divided by the updates that ``max_epochs="auto"`` would make, but 2 or 3,
        for dense networks of up to 262,144 weights; 1 for larger and convolutional
        ones, where these updates are 1,500 or more, and for `partial_fit`.

    warm_start : bool, default=False
        Whether `fit` starts from the weights of the previous fit, if there is one, and
        leaves features on the scale, and in the bins, that these know, whatever
        `n_bins` is now. All else starts anew: the optimiser, with an int `random_state`
        the same noise and order of rows, and the class prior, from the labels that are
        given then.

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
        Number of epochs; those of `partial_fit` add up.

    n_samples_seen_ : int
        Number of training rows; those of `partial_fit` add up.

    class_prior_ : ndarray of shape (n_classes,)
        Frequencies of the classes for which probabilities are. Only after `fit`.

    history_ : dict of str to ndarray of shape (n_iter_,)
        Per epoch: "epoch", "train_loss" (the total cost), "supervised_cost",
        "denoising_0_cost" …, "virtual_adversarial_0_cost" …, "entropy_cost" (not
        weighted), "valid_loss" (log-loss of the rows that early stopping held out),
        "lr" (at the start of the epoch), "dur" (seconds). "supervised_cost" is of
        smoothed labels, so that with `label_smoothing` it does not fall to 0;
        "valid_loss" is of labels as they are.
        ``pandas.DataFrame(clf.history_)`` makes a table of it.

    transduction_ : ndarray of shape (n_samples,)
        Label of each row of the last training: the given one or, for unlabeled rows,
        the predicted one.

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

    Pezeshki, Fan, Brakel, Courville, Bengio, "Deconstructing the Ladder Network
    Architecture", ICML 2016, arXiv:1511.06430, for ``combinator="mlp"``.

    Shinoda, Worrall, Brostow, "Virtual Adversarial Ladder Networks for Semi-supervised
    Learning", 2017, arXiv:1711.07476.

    Szegedy, Vanhoucke, Ioffe, Shlens, Wojna, "Rethinking the Inception Architecture for
    Computer Vision", CVPR 2016, arXiv:1512.00567, for `label_smoothing`.

    Gorishniy, Rubachev, Babenko, "On Embeddings for Numerical Features in Tabular Deep
    Learning", NeurIPS 2022, arXiv:2203.05556, for `n_bins`.

    Huang, Liu, Lang, Li, "Projection Based Weight Normalization for Deep Neural
    Networks", 2017, arXiv:1710.02338.

    Miyato, Maeda, Koyama, Ishii, "Virtual Adversarial Training", TPAMI 2019,
    arXiv:1704.03976, for `virtual_adversarial`.

    Grandvalet, Bengio, "Semi-supervised Learning by Entropy Minimization", NIPS 2004,
    for `entropy_cost`.

    Saerens, Latinne, Decaestecker, "Adjusting the Outputs of a Classifier to New a
    Priori Probabilities: A Simple Procedure", Neural Computation 14, 2002.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ladder import LadderClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> y_few = np.full_like(y, -1)
    >>> y_few[::6] = y[::6]  # 25 labels for 150 rows
    >>> clf = LadderClassifier(max_epochs=100, random_state=0).fit(X, y_few)
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
        "architecture": [StrOptions({"mlp", *ARCHITECTURES}), list, tuple],
        "image_shape": ["array-like", None],
        "variant": [StrOptions(set(VARIANTS))],
        "denoising_cost": [
            StrOptions({"auto"}),
            Interval(Real, 0, None, closed="left"),
            "array-like",
        ],
        "noise_std": [Interval(Real, 0, None, closed="left"), "array-like"],
        "combinator": [StrOptions(set(COMBINATORS)), "array-like"],
        "virtual_adversarial": [StrOptions(set(VIRTUAL_ADVERSARIAL)), None],
        "epsilon": [Interval(Real, 0, None, closed="left"), "array-like"],
        "n_power_iterations": [Interval(Integral, 1, None, closed="left")],
        "perturbation_norm": [StrOptions(set(NORMS))],
        "entropy_cost": [Interval(Real, 0, None, closed="left")],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "weight_normalization": ["boolean"],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "standardize": ["boolean"],
        "n_bins": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        # a single row has no batch statistics
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "max_epochs": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto"}),
        ],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "decay_start": [Interval(Real, 0, 1, closed="both")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "class_prior": [StrOptions({"auto", "em"}), "array-like", None],
        "n_ensemble": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
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
        architecture="mlp",
        image_shape=None,
        variant="full",
        denoising_cost="auto",
        noise_std=0.3,
        combinator="gaussian",
        virtual_adversarial=None,
        epsilon=1.0,
        n_power_iterations=1,
        perturbation_norm="l2",
        entropy_cost=0.0,
        label_smoothing=0.15,
        weight_normalization=False,
        activation="relu",
        standardize=True,
        n_bins="auto",
        batch_size=100,
        max_epochs="auto",
        learning_rate=0.01,
        decay_start=0.67,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        tol=1e-4,
        class_weight=None,
        class_prior="auto",
        n_ensemble="auto",
        warm_start=False,
        random_state=None,
        verbose=0,
        callbacks=None,
        device="auto",
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.architecture = architecture
        self.image_shape = image_shape
        self.variant = variant
        self.denoising_cost = denoising_cost
        self.noise_std = noise_std
        self.combinator = combinator
        self.virtual_adversarial = virtual_adversarial
        self.epsilon = epsilon
        self.n_power_iterations = n_power_iterations
        self.perturbation_norm = perturbation_norm
        self.entropy_cost = entropy_cost
        self.label_smoothing = label_smoothing
        self.weight_normalization = weight_normalization
        self.activation = activation
        self.standardize = standardize
        self.n_bins = n_bins
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.learning_rate = learning_rate
        self.decay_start = decay_start
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.class_weight = class_weight
        self.class_prior = class_prior
        self.n_ensemble = n_ensemble
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
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows. They are taken as float32. Those of an np.memmap are read
            batch by batch, and never copied as a whole; those of a sparse matrix, CSR
            of float32 or converted to it, are made dense batch by batch. Images of
            shape (n_samples, channels, height, width) are rows, too, in every method.

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
            If a parameter, `X` or `y` is not as described, if a layer of `architecture`
            does not fit on the one below, or if training diverges.
        """
        # Late, as whatever needs skorch, scipy.stats, or metrics and model selection of
        # scikit-learn: together they would be three quarters of the time of an import.
        from .training._build import make_net
        from .training._net import early_stopping, learning_rate_schedule

        previous = getattr(self, "net_", None) if self.warm_start else None
        X, image_shape = self._flatten(X, previous)
        _get_feature_names(X)  # raises if they are not right
        rows = Samples(X, self)
        check_consistent_length(rows, y)
        labels = encode_labels(y)
        weight = sample_weights(sample_weight, self.class_weight, labels)
        if previous is not None:
            self._check_same_columns_and_classes(X, labels.classes)
        seeds = self._draw_seeds()

        codes, train_split, stopping = labels.codes, None, []
        if self.early_stopping:
            counted = codes
            weight = normalize_weights(
                weight, codes
            )  # some must count, before all else
            if weight is not None:  # silenced rows do not say when to stop, either
                counted = np.where(weight > 0, codes, UNLABELED)
            held_out = hold_out(counted, self.validation_fraction, seeds[1])
            train_split, stopping = early_stopping(
                SampleSubset(rows, held_out),
                codes[held_out],
                self.n_iter_no_change,
                self.tol,
            )
            codes = codes.copy()
            codes[held_out] = UNLABELED
        weight = normalize_weights(weight, codes)
        epoch = n_batches(len(rows), self.batch_size)
        max_epochs = self.max_epochs
        n_labels = np.count_nonzero(codes != UNLABELED)
        default_updates = max(epoch, n_updates(n_labels))
        if max_epochs == "auto":
            max_epochs = round(default_updates / epoch)
        if self.early_stopping and max_epochs == 1:
            warnings.warn(
                "early_stopping=True holds out labels, but chooses among the weights "
                "after each epoch, and training has only one: raise max_epochs "
                f"(now {self.max_epochs!r}).",
                UserWarning,
                stacklevel=3,
            )
        schedule = learning_rate_schedule(max_epochs * epoch, self.decay_start)
        shares = class_shares(codes, len(labels.classes), weight)
        class_prior = checked_class_prior(self.class_prior, len(shares))
        survey = rows.survey()
        warn_imprecise(survey, rows.names)
        scale = self._scale_for(rows, survey, len(labels.classes), seeds, previous)

        net = make_net(
            self,
            rows.shape[1],
            shares,
            seeds,
            image_shape=image_shape,
            scale=scale,
            n_updates=default_updates,
            previous=previous,
            max_epochs=max_epochs,
            callbacks=schedule + stopping,
            train_split=train_split,
        )
        net.partial_fit(
            self._training_rows(rows, codes, weight, net, survey.have_missing)
        )
        proba = _predict_unlabeled(net, rows, labels.codes)
        if isinstance(class_prior, str) or class_prior is None:
            class_prior = shares
            if self._estimates_class_prior(net, codes, weight):
                class_prior = estimate_class_prior(proba, shares, n_labels)
        net.set_class_prior_ratio(class_prior / shares)
        proba = adjust(proba, class_prior / shares)
        self._keep(rows, labels, image_shape, scale, net, proba, n_seen=0)
        validate_data(self, X, skip_check_array=True)
        self.class_prior_ = class_prior
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Go on training with the next rows of a stream: one pass over them.

        The learning rate stays constant. The scale of the features (`standardize`)
        stays that of the first rows, which should therefore be many and typical. If
        anything fails, what was fitted before stays as it was.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows. Batches are of `batch_size` rows, or all where there are
            fewer; with very few, their batch statistics say little.

        y : array-like of shape (n_samples,)
            Class labels; -1 or a missing value marks an unlabeled row. All rows may be
            unlabeled.

        classes : array-like of shape (n_classes,), default=None
            All classes that there will be; -1 among them, as in ``np.unique(y)``, is
            none. Needed in the first call, unless after `fit`.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the supervised cost. Where `fit` divides them by
            their mean, here they are as they are, since no part knows of the others.

        Returns
        -------
        self : object
            Fitted estimator.

        Raises
        ------
        ValueError
            If an argument is not as described, if training diverges, or with parameters
            that need all rows at once: ``early_stopping=True``,
            ``class_weight="balanced"`` and a `class_prior`.
        """
        from .training._build import make_net  # late: see fit

        all_at_once = {
            "early_stopping": self.early_stopping,
            "class_weight": self.class_weight == "balanced",
            "class_prior": str(self.class_prior) not in ("auto", "None"),
        }
        for name, needs_all in all_at_once.items():
            if needs_all:
                raise ValueError(
                    f"partial_fit sees a part of the rows, so that {name}="
                    f"{getattr(self, name)!r} is for fit only."
                )
        previous = getattr(self, "net_", None)
        if previous is not None:
            classes = self.classes_ if classes is None else classes
        elif classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        X, image_shape = self._flatten(X, previous)
        _get_feature_names(X)  # raises if they are not right
        rows, labels = Samples(X, self), encode_known_labels(y, classes)
        check_consistent_length(rows, labels.codes)
        if len(rows) < 2:
            raise ValueError(
                "partial_fit needs at least 2 rows at a time, for batch statistics; "
                f"got {len(rows)}."
            )
        weight = sample_weights(sample_weight, self.class_weight, labels)
        n_seen, seeds, share = 0, self._draw_seeds(), 1.0
        if previous is not None:
            self._check_same_columns_and_classes(X, labels.classes)
            n_seen = self.n_samples_seen_
            seeds[1] += self.n_iter_  # other noise in each call
            share = len(rows) / (len(rows) + min(n_seen, STREAM_MEMORY))
        survey = rows.survey()
        warn_imprecise(survey, rows.names)
        scale = self._scale_for(rows, survey, len(labels.classes), seeds, previous)

        net = make_net(
            self,
            rows.shape[1],
            np.full(len(labels.classes), 1 / len(labels.classes)),
            seeds,
            image_shape=image_shape,
            scale=scale,
            previous=previous,
            max_epochs=1,
            population_share=share,
            iterator_train__of_stream=True,
        )
        if previous is not None:
            net.continue_from(previous)
        net.partial_fit(
            self._training_rows(rows, labels.codes, weight, net, survey.have_missing)
        )
        proba = _predict_unlabeled(net, rows, labels.codes)
        self._keep(rows, labels, image_shape, scale, net, proba, n_seen)
        if previous is None:
            validate_data(self, X, skip_check_array=True)
        vars(self).pop("class_prior_", None)
        return self

    def predict(self, X):
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

    def predict_proba(self, X):
        """Predict class probabilities, by the clean encoder.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

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
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, units of the top hidden layer), float32
            Of an ensemble, those of the first network. Without hidden layers they are
            the standardized features, bin by bin.
        """
        rows = self._checked_rows(X)
        return self.net_.run("hidden", rows)

    @available_if(_reconstructs_input)
    def denoise(self, X):
        """Reconstruct rows by encoder and decoder, taking them as corrupted.

        Only with a denoising cost at the input (`variant` "full" or "bottom").

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows; no noise is added to them.

        Returns
        -------
        ndarray, float32
            Reconstruction in the shape and units of `X`.
        """
        rows = self._checked_rows(X)
        return self.net_.run("denoise", rows).reshape(np.shape(X))

    def score(self, X, y, sample_weight=None):
        """Accuracy on the labeled rows; unlabeled ones are left out.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
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
        from sklearn.metrics import accuracy_score  # late: see fit

        check_is_fitted(self)
        labeled, labels = labeled_part(y)
        codes = np.where(labeled, 0, UNLABELED)
        weights = sample_weights(
            sample_weight, None, EncodedLabels(self.classes_, codes)
        )
        if weights is not None:
            weights = weights[labeled]
        # all rows are predicted: to pick some would copy those of an np.memmap
        predicted = self.predict(X)
        check_consistent_length(predicted, labeled)
        return accuracy_score(labels, predicted[labeled], sample_weight=weights)

    @property
    def device_(self):
        """Device of the trained net."""
        check_is_fitted(self)
        return str(self.net_.device)

    @property
    def _n_features_out(self):
        module = self.net_.module_
        return module.shapes[-2].n_units // module.n_networks

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = []  # float32, whatever comes in
        return tags

    # ------------------------------------------------------------------ for fit

    def _check_same_columns_and_classes(self, X, classes):
        validate_data(self, X, reset=False, skip_check_array=True)
        if not np.array_equal(classes, self.classes_):
            raise ValueError(
                "warm_start and partial_fit need the same classes as in the previous "
                f"fit, {self.classes_}; got {classes}."
            )

    def _flatten(self, X, previous):
        """Flat rows, and the shape of the images in them, if any is known."""
        X, image_shape = flatten_images(X)
        if previous is not None:
            self._check_image_shape(image_shape)
            image_shape = image_shape or self._image_shape
        return X, checked_image_shape(self.image_shape, image_shape)

    def _check_image_shape(self, image_shape):
        """That of 4-D rows; flat ones (None) may be any images."""
        if image_shape is not None and self._image_shape not in (None, image_shape):
            raise ValueError(
                f"X must have images of the shape seen in fit, {self._image_shape}; "
                f"got {image_shape}."
            )

    def _draw_seeds(self):
        """Seeds of the initial weights and of what is random in training."""
        random_state = private_random_state(self.random_state)
        return random_state.randint(np.iinfo(np.int32).max, size=2).tolist()

    def _scale_for(self, rows, survey, n_classes, seeds, previous):
        """Of the standardization, if there is one: weights know features by it."""
        if not self.standardize:
            return None
        if previous is not None and self._scale is not None:
            return self._scale
        n_bins = self.n_bins
        if n_bins == "auto" and self.architecture != "mlp":
            n_bins = 1  # of pixels
        knots = fit_knots(rows, survey, seeds[1])
        if n_bins == "auto":
            n_bins = default_n_bins(knots.n_values, n_classes)
        return knots.scale(n_bins)

    def _training_rows(self, rows, codes, weight, net, have_missing):
        standardize = net.standardize if self.standardize else None
        return TrainingRows(rows, codes, weight, net.device, have_missing, standardize)

    def _estimates_class_prior(self, net, codes, weight):
        """Whether to predict for the classes' shares among unlabeled rows."""
        if self.class_prior == "auto":
            return (
                # where only labels are wanted it would not be
                net.iterator_train__with_unlabeled
                # and weights say what matters
                and weight is None
                and self.class_weight is None
                and are_balanced(codes, len(net.classes))
            )
        return self.class_prior == "em"

    def _keep(self, rows, labels, image_shape, scale, net, proba, n_seen):
        """What training gave. All went well: only now does the estimator change.

        `proba` are the class probabilities of the unlabeled rows.
        """
        codes = labels.codes.copy()
        codes[codes == UNLABELED] = proba.argmax(axis=1)
        history = net.history_table()
        self.net_ = net
        self._image_shape = image_shape
        self._scale = scale
        self.classes_ = labels.classes
        self.transduction_ = labels.classes[codes]
        self.n_samples_seen_ = n_seen + len(rows)
        self.history_ = history
        self.n_iter_ = len(history["train_loss"])

    # -------------------------------------------------------------- for predict

    def _checked_rows(self, X):
        check_is_fitted(self)
        X, image_shape = flatten_images(X)
        self._check_image_shape(image_shape)
        rows = Samples(X, self)
        validate_data(self, X, reset=False, skip_check_array=True)
        return rows
