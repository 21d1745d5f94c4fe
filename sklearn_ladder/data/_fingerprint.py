"""A fingerprint of training data, to recognize them in another process."""

import hashlib

import numpy as np

# Of larger data, this many entries are read, in this many chunks.
LARGEST_READ, N_CHUNKS = 2**28, 64


def fingerprint(data):
    """Hash of training data.

    It depends on all labels and weights, on the names of categories, and on the range
    of each feature over all samples. It also depends on the values of all samples; of
    more than 2²⁸ values, on those of 64 evenly spaced chunks.

    Parameters
    ----------
    data : TrainingData

    Returns
    -------
    str
    """
    samples, survey = data.samples, data.survey
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{samples.shape} {samples.dtype} {survey.have_missing}".encode())
    if samples.categories is not None:
        # samples have their codes only
        names = [
            each and (each.values.tolist(), each.infrequent)
            for each in samples.categories.features
        ]
        digest.update(repr(names).encode())
    for array in (
        *(survey.lowest, survey.highest),
        *(data.given_codes, data.codes, data.weight, data.held_out_weight),
    ):
        if array is None:
            digest.update(b"None")
        else:
            array = np.ascontiguousarray(array)
            digest.update(f"{array.dtype} {array.shape}".encode())
            digest.update(array)
    chunks = samples.slices()
    if samples.shape[0] * samples.shape[1] > LARGEST_READ:
        chosen = np.linspace(0, len(chunks) - 1, min(N_CHUNKS, len(chunks)))
        chunks = [chunks[number] for number in chosen.astype(int)]
    for chunk in chunks:
        digest.update(samples[chunk])
    return digest.hexdigest()
