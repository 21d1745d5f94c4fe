"""Compiled calls of the decoder and of its costs."""

import torch

from ..network._normalization import EPSILON
from ..network._products import split_columns
from ..network._shapes import FLOAT32_ON_CPU
from ..objective._costs import LEAST_STD
from ._encoder import by_member


class DecoderCalls:
    """Adds the calls of the decoder to a program.

    Only for the members with denoising costs. The decoders of others learn nothing.

    Parameters
    ----------
    program : Program
    module : Ladder
    """

    def __init__(self, program, module):
        self.program, self.module = program, module
        self.layers = module.decoder.layers
        self.top = len(module.shapes) - 1
        self._numbers = range(self.top, module.decoder.lowest - 1, -1)

    def add_forward(self, z_corrupted, tables):
        """Denoise each layer, given the class probabilities in ``tables.u_pre``.

        Parameters
        ----------
        z_corrupted : list of Tensor
            z̃ of layers 0 … L.
        tables : DecoderTables
        """
        for number in self._numbers:
            if number < self.top:
                weight = self.layers[str(number)].way_down.weight
                self.program.add_product(
                    self._split(tables.z_denoised[number + 1]),
                    self._by_member(weight).mT,
                    self._split(tables.u_pre[number]),
                )
            # Algorithm 1: u = batchnorm(V ẑ), or of h̃ at the top; ẑ = g(z̃, u)
            self.program.add("normalize_forward", **self._normalization(number, tables))
            self.program.add(
                "gaussian_forward", **self._combinator(number, z_corrupted, tables)
            )

    def _normalization(self, number, tables):
        n_rows, width = tables.u[number].shape
        return dict(
            n_unlabeled=n_rows,
            width=width,
            columns=self._width(number),
            epsilon=EPSILON,
            z_pre=tables.u_pre[number],
            z=tables.u[number],
            means=tables.means[number],
            inverse_stds=tables.inverse_stds[number],
        )

    def _combinator(self, number, z_corrupted, tables):
        n_rows, width = tables.u[number].shape
        return dict(
            n_rows=n_rows,
            width=width,
            columns=self._width(number),
            z=z_corrupted[number],
            u=tables.u[number],
            a=self.layers[str(number)].combinator.coefficients,
            out=tables.z_denoised[number],
        )

    def add_cost(self, number, weight, z_clean, tables, encoder, cost):
        """Add the denoising cost of a layer, and its derivatives.

        Parameters
        ----------
        number : int
        weight : float
            λ
        z_clean : Tensor
            Target. At the input, it may have NaN where entries are missing.
        tables : DecoderTables
        encoder : EncoderTables
            Has the statistics of the clean samples.
        cost : Tensor of shape ()

        Returns
        -------
        list of ctypes.Structure
            The two calls: fields ``n_observed`` and ``scale`` may be changed.
        """
        n_rows, width = z_clean.shape
        n_columns = self._width(number)
        fields = dict(
            n_rows=n_rows,
            width=n_columns,
            z_denoised=tables.z_denoised[number],
            z_clean=z_clean,
            dz_denoised=tables.dz_denoised[number],
            sums=torch.zeros(width, **FLOAT32_ON_CPU),
            cost=cost,
            least_std=LEAST_STD,
            scale=self.cost_scale(weight, n_rows * n_columns),
        )
        fields |= dict.fromkeys(
            ("denoised_row", "clean_row", "ddenoised_row", "dclean_row"), width
        )
        if number > 0:  # the input is not normalized
            fields |= dict(
                mean=encoder.means[number][2],
                std=encoder.std[number],
                dz_clean=tables.dz_clean[number],
                dmean=encoder.dmean[number],
                dstd=encoder.dstd[number],
            )
        return [self.program.add(f"cost_{way}", **fields) for way in WAYS]

    def cost_scale(self, weight, n_entries):
        """Factor of the errors in the derivative of a denoising cost."""
        return 2 * weight * self.module.n_denoising / n_entries

    def add_backward(self, z_corrupted, tables, gradients, denoising_costs):
        """Derivatives of `add_forward`, given those of the costs.

        Parameters
        ----------
        z_corrupted : list of Tensor
        tables : DecoderTables
            ``dz_denoised`` of the layers with costs is read and completed; the others
            are written.
        gradients : dict of Parameter to Tensor
        denoising_costs : dict of int to float
            λ of each layer that has a denoising cost.
        """
        for number in reversed(self._numbers):
            layer = self.layers[str(number)]
            # here dcost/dẑ has both terms: of its own cost and of the layer below
            self.program.add(
                "gaussian_backward",
                **self._combinator(number, z_corrupted, tables),
                dout=tables.dz_denoised[number],
                dz=tables.dz_corrupted[number],
                du=tables.du[number],
                da=gradients[layer.combinator.coefficients],
            )
            self.program.add(
                "normalize_backward",
                **self._normalization(number, tables),
                dz_corrupted=tables.du[number],
                dz_pre=tables.du_pre[number],
            )
            if number == self.top:
                return
            weight, above = layer.way_down.weight, number + 1
            du_pre = self._split(tables.du_pre[number])
            z_above = self._split(tables.z_denoised[above])
            dz_above = self._split(tables.dz_denoised[above])
            dweight = self._by_member(gradients[weight])
            self.program.add_product(du_pre.mT, z_above, dweight)
            self.program.add_product(
                du_pre, self._by_member(weight), dz_above, add=above in denoising_costs
            )

    def _width(self, number):
        """Number of columns of the members with denoising costs."""
        module = self.module
        return module.shapes[number].channels // module.n_members * module.n_denoising

    def _split(self, table):
        return split_columns(table, self.module.n_members)[: self.module.n_denoising]

    def _by_member(self, weight):
        return by_member(weight, self.module.n_members)[: self.module.n_denoising]


WAYS = "forward", "backward"
