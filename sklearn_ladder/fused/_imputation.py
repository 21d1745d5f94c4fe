"""Compiled calls that replace missing entries: see `Ladder.impute`."""

import torch

from ..network._ladder import IMPUTATION_PASSES
from ..network._normalization import BatchParts
from ..network._shapes import FLOAT32_ON_CPU
from ._decoder import DecoderCalls
from ._encoder import EncoderCalls, softmax_fields
from ._program import Program
from ._tables import DecoderTables


class Imputation:
    """Fills the columns of layer 0 of all members.

    Parameters
    ----------
    module : Ladder
    n_labeled, n_unlabeled : int
    encoder : EncoderTables
        Memory for the passes; it has at least as many rows.

    Attributes
    ----------
    filled : Tensor of shape (n_labeled + n_unlabeled, n_members · n_columns)
        What `run` writes.
    """

    def __init__(self, module, n_labeled, n_unlabeled, encoder):
        self.module = module
        widths = [shape.channels for shape in module.shapes]
        n_rows = n_labeled + n_unlabeled
        self.filled = torch.zeros(n_rows, widths[0], **FLOAT32_ON_CPU)
        self._rows = slice(0, n_labeled), slice(n_labeled, n_rows)
        self._calls = [], []  # of labeled and of unlabeled samples
        self._start, self._passes = Program(), Program()
        self._add_impute(self._start)
        if module.decoder is not None and module.decoder.lowest == 0:
            decoder = DecoderTables.allocate(widths, n_rows)
            for _ in range(IMPUTATION_PASSES):
                self._add_pass(encoder.first_rows(n_rows, self.filled), decoder)
                self._add_impute(self._passes, decoder.z_denoised[0])

    def _add_impute(self, program, reconstruction=None):
        module = self.module
        lowest, highest = (
            (None, None) if module.input_range is None else module.input_range
        )
        for rows, calls in zip(self._rows, self._calls, strict=True):
            out = self.filled[rows]
            call = program.add(
                "impute",
                n_rows=len(out),
                n_columns=out.shape[1] // module.n_members,
                n_members=module.n_members,
                n_denoising=module.n_denoising,
                reconstruction=None if reconstruction is None else reconstruction[rows],
                lowest=lowest,
                highest=highest,
                out=out,
            )
            calls.append(call)

    def _add_pass(self, tables, decoder):
        """The clean encoder and the decoder, with statistics of all samples."""
        encoder = EncoderCalls(self._passes, self.module)
        parts = BatchParts(0, 0, len(self.filled))
        for number in range(1, len(tables.h)):
            encoder.add_layer(number, tables, parts, has_noise=False)
        if self.module.has_classes:
            self._passes.add(
                "softmax_forward",
                **softmax_fields(self.module.n_members, tables.h[-1]),
                proba=decoder.u_pre[-1],
            )
        else:
            decoder.u_pre[-1] = tables.h[-1]
        DecoderCalls(self._passes, self.module).add_forward(tables.z, decoder)

    def run(self, x_labeled, x_unlabeled):
        """Fill the entries that are NaN in two float32 tables of one member's columns.

        Returns
        -------
        int
            Number of entries of `x_unlabeled` that are not missing.
        """
        for x, calls in zip((x_labeled, x_unlabeled), self._calls, strict=True):
            for call in calls:
                call.x = x.data_ptr()
        self._start.run()
        n_missing = x_unlabeled.isnan().sum().item()
        if n_missing or x_labeled.isnan().any():
            self._passes.run()
        return x_unlabeled.numel() - n_missing
