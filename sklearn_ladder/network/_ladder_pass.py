"""The record of a training step's activations."""

from typing import NamedTuple

from torch import Tensor

from ._decoder import DecoderPass
from ._encoder import CleanPass, CorruptedPass


class LadderPass(NamedTuple):
    """All activations of one training step."""

    n_labeled: int
    n_members: int
    n_denoising: int  # members with denoising costs, the first ones
    corrupted: CorruptedPass
    clean: CleanPass  # of the unlabeled samples
    decoded: DecoderPass | None  # of the unlabeled samples; None without a decoder
    # bool table: entries of x_unlabeled that are not missing; None if none is missing
    observed: Tensor | None
    # logits of the perturbed unlabeled samples, by number of the perturbed layer
    perturbed_logits: dict[int, Tensor]

    def of_denoising(self, side_by_side):
        """Select the columns of the members with denoising costs."""
        if self.n_denoising == self.n_members:
            return side_by_side
        width = side_by_side.shape[-1] // self.n_members
        return side_by_side[..., : self.n_denoising * width]
