"""Prediction: the clean encoder with population statistics, chunk by chunk."""

import numpy as np
import torch
from scipy import sparse
from sklearn.utils import gen_batches
from sklearn.utils.validation import (
    _check_feature_names,
    _check_n_features,
    check_is_fitted,
)
from torch.nn import functional as F

from .data._batches import SampleBatches, stays_sparse
from .data._samples import MULTIPLE, Samples, chunk_size, flatten_images

# Size of the random sample from which the least standard deviations are computed.
N_FOR_LEAST_STD = 2048


def check_samples(estimator, X):
    """Check samples against those of `fit`, and wrap them in `Samples`.

    Raises
    ------
    NotFittedError
    ValueError or TypeError
        If they are not like those of `fit`.
    """
    check_is_fitted(estimator)
    plan = estimator.plan_
    X, image_shape = flatten_images(X)
    check_same_image_shape(plan, image_shape)
    # before columns of other names are read as categories
    _check_feature_names(estimator, X, reset=False)
    samples = Samples(X, estimator, plan.input_dtype, plan.categories)
    _check_n_features(estimator, X, reset=False)
    return samples


def check_same_image_shape(plan, image_shape):
    """Raise if images have another shape than in `fit`. Flat samples have None."""
    if image_shape is not None and plan.image_shape not in (None, image_shape):
        raise ValueError(
            f"X must have images of the shape seen in fit, {plan.image_shape}; got "
            f"{image_shape}."
        )


def reconstructs_input(estimator):
    """Raise an AttributeError if `denoise` is not available."""
    plan = getattr(estimator, "plan_", None)
    may_denoise = estimator.variant in ("full", "bottom")
    if not (may_denoise if plan is None else plan.denoising_cost[0] > 0):
        raise AttributeError(
            "denoise needs a denoising cost at the input: variant 'full' or 'bottom', "
            f"with denoising_cost[0] > 0; got variant={estimator.variant!r}."
        )
    return True


@torch.no_grad()
def run(module, method, samples, device, finish=None):
    """Output of a method of the network for all samples.

    Parameters
    ----------
    module : Ladder
    method : {"forward", "columns", "hidden", "denoise"}
    samples : Samples
    device : str
    finish : callable, default=None
        Applied to the output for each chunk of samples.

    Returns
    -------
    ndarray of shape (n_samples, width)
    """
    module.eval()
    function, output, start = getattr(module, method), None, 0
    n_not_finite = 0
    for x in _chunks(module, method, samples, device):
        chunk = _pad_batch(function, x).cpu().numpy()
        n_not_finite += np.count_nonzero(~np.isfinite(chunk).all(axis=1))
        if finish is not None:
            chunk = finish(chunk)
        if output is None:
            # Allocate once: small results between large temporary arrays would
            # fragment the memory.
            output = np.empty((len(samples), *chunk.shape[1:]), chunk.dtype)
        output[start : start + len(chunk)] = chunk
        start += len(chunk)
    if n_not_finite:
        raise ValueError(
            f"The network's output must be finite; got NaN or infinity for "
            f"{n_not_finite} of {len(output)} samples, whose features "
            "are too far from those of the training samples. Scale the features "
            "(feature_scaling='auto')."
        )
    return output


def _chunks(module, method, samples, device):
    """Samples as the network takes them: as tensors, or CSR if it projects them."""
    if not stays_sparse(samples, module.feature_scaling):
        for x, _ in SampleBatches(samples, chunk_size(module.width_at_most)):
            yield x.to(device)
        return
    gives_features = method == "denoise"
    width = module.width_at_most if gives_features else module.layer_width
    for chunk in gen_batches(len(samples), chunk_size(width)):
        yield samples.csr(chunk)


def predict_proba(module, samples, device):
    """Class probabilities, shape (n_samples, n_classes).

    Raises
    ------
    ValueError
        If a probability is not finite.
    """
    return run(module, "forward", samples, device)


def _pad_batch(function, x):
    """Apply a function to samples, padded to a multiple of `MULTIPLE`.

    Matrix products round differently for a few samples. With padding, BLAS uses the
    same kernel for every batch size, and a prediction does not depend on its batch.
    """
    n_samples, n_features = x.shape
    n_more = -n_samples % MULTIPLE
    if n_more and sparse.issparse(x):
        x.resize(n_samples + n_more, n_features)
    elif n_more:
        x = F.pad(x, (0, 0, 0, n_more))
    return function(x)[:n_samples]


def measure_population(module, samples, plan, earlier=None, earlier_share=0.0):
    """Measure the statistics that prediction uses over the training samples.

    Parameters
    ----------
    module : Ladder
    samples : TrainingSamples
    plan : Plan
    earlier : list of Statistics, default=None
        Statistics of earlier samples of a stream.
    earlier_share : float, default=0.0
        Weight of the earlier samples.

    Raises
    ------
    ValueError
        If a statistic is not finite.
    """
    # chunks fit into memory, but are not smaller than the batches of training
    size = max(plan.batch_size, chunk_size(module.width_at_most))
    seed, n_labeled = plan.seeds.statistics, len(samples.labeled)
    labeled = all_samples = ()
    if n_labeled:
        labeled = samples.chunks_for_statistics(seed, size, of=samples.labeled)
    if plan.labeled_share < 1:
        all_samples = samples.chunks_for_statistics(seed, size)
    elif n_labeled < len(samples) and plan.uses_unlabeled:
        all_samples = samples.chunks_for_statistics(seed, size, N_FOR_LEAST_STD)
    module.measure_population(
        labeled, all_samples, plan.labeled_share, earlier, earlier_share
    )
    statistics = (b for name, b in module.named_buffers() if "population" in name)
    for tensor in (*module.parameters(), *statistics):
        if not tensor.isfinite().all():
            raise ValueError(
                "Training diverged: weights or statistics are not finite. Try a "
                "lower learning_rate, or feature_scaling='auto' if features have very "
                "different scales."
            )
