"""Compiled calls of the encoder."""

from ..network._normalization import EPSILON
from ..network._products import split_columns

ALL = slice(None)


class EncoderCalls:
    """Adds the calls of encoder layers to a program.

    Parameters
    ----------
    program : Program
    module : Ladder
    """

    def __init__(self, program, module):
        self.program = program
        self.layers = module.encoder.layers
        self.n_members = module.n_members

    def add_layer(self, number, tables, parts, rows=ALL, has_noise=True):
        """Algorithm 1: z̃ = batchnorm(W h̃) + noise; h̃ = act(γ (z̃ + β)).

        Parameters
        ----------
        number : int
        tables : EncoderTables
        parts : BatchParts
        rows : slice
            The rows of these parts. By default all that the layer has.
        has_noise : bool
        """
        self.add_projection(number, tables, rows)
        self.add_normalization(number, tables, parts, rows, has_noise)

    def add_projection(self, number, tables, rows=ALL):
        """W h"""
        z_pre = tables.z_pre[number][rows]
        h = tables.h[number - 1][rows][: len(z_pre)]
        weight = self.by_member(self.layers[number - 1].projection.weight)
        self.program.add_product(self.split(h), weight.mT, self.split(z_pre))

    def add_normalization(
        self, number, tables, parts, rows=ALL, has_noise=True, has_h=True
    ):
        """Make z = batchnorm(z_pre) + noise, and h unless `has_h` is False."""
        fields = self._normalization(number, tables, parts, rows)
        if not has_noise:
            fields["noise"] = None
        if not has_h:
            fields["h"] = None
        self.program.add("normalize_forward", **fields)

    def add_activation(self, number, z, tables):
        """Make z + noise, h = act(γ (z + noise + β)). At the input, h = z + noise."""
        self.program.add("activate_forward", **self._activation(number, tables), z=z)

    def _activation(self, number, tables):
        layer = self.layers[number - 1] if number > 0 else None
        n_rows, width = tables.h[number].shape
        return dict(
            n_rows=n_rows,
            width=width,
            slope=layer.activation.slope if layer else 1.0,
            noise=tables.noise[number],
            beta=layer.beta if layer else None,
            gamma=layer.gamma if layer else None,
            z_noisy=tables.z[number],
            h=tables.h[number],
        )

    def _normalization(self, number, tables, parts, rows=ALL):
        layer = self.layers[number - 1]
        n_labeled, n_unlabeled, n_clean = parts
        width = tables.h[number].shape[1]
        return dict(
            n_labeled=n_labeled,
            n_unlabeled=n_unlabeled,
            n_clean=n_clean,
            width=width,
            columns=width,
            epsilon=EPSILON,
            slope=layer.activation.slope,
            z_pre=tables.z_pre[number][rows],
            noise=tables.noise[number][rows],
            beta=layer.beta,
            gamma=layer.gamma,
            z=tables.z[number][rows],
            h=tables.h[number][rows],
            means=tables.means[number],
            inverse_stds=tables.inverse_stds[number],
            std=tables.std[number],
        )

    def add_layer_backward(
        self, number, tables, parts, gradients=None, add=False, needs_h=True, **others
    ):
        """Derivatives of `add_layer` with all rows.

        Parameters
        ----------
        number : int
        tables : EncoderTables
            ``dh`` of this layer is read, and that of the layer below is written.
        parts : BatchParts
        gradients : dict of Parameter to Tensor, default=None
            None if the gradients of parameters are not needed.
        add : bool
            Whether gradients of parameters are added to what is there.
        needs_h : bool
            Whether the derivative by h of the layer below is needed.
        **others
            Other derivatives of the costs, as fields of ``normalize_backward``.
        """
        layer, gradients = self.layers[number - 1], gradients or {}
        self.program.add(
            "normalize_backward",
            **self._normalization(number, tables, parts),
            dh=tables.dh[number],
            dz_pre=tables.dz_pre[number],
            dbeta=gradients.get(layer.beta),
            dgamma=gradients.get(layer.gamma),
            add=int(add),
            **others,
        )
        weight = layer.projection.weight
        dz_pre = self.split(tables.dz_pre[number])
        below = slice(len(tables.h[number]))
        if gradients:
            h, dweight = tables.h[number - 1][below], self.by_member(gradients[weight])
            self.program.add_product(dz_pre.mT, self.split(h), dweight, add)
        if needs_h:
            dh = self.split(tables.dh[number - 1][below])
            self.program.add_product(dz_pre, self.by_member(weight), dh)

    def add_activation_backward(self, number, tables, dz, gradients=None, add=False):
        """Derivatives of `add_activation`; `add` applies to all of them."""
        layer, gradients = self.layers[number - 1], gradients or {}
        self.program.add(
            "activate_backward",
            **self._activation(number, tables),
            dh=tables.dh[number],
            dz=dz,
            dbeta=gradients.get(layer.beta),
            dgamma=gradients.get(layer.gamma),
            add=int(add),
        )

    def split(self, table):
        """View of a table as (n_members, n_rows, width)."""
        return split_columns(table, self.n_members)

    def by_member(self, weight):
        return by_member(weight, self.n_members)


def by_member(weight, n_members):
    """View of weights as (n_members, n_out, n_in)."""
    return weight.detach().unflatten(0, (n_members, -1))


def softmax_fields(n_members, logits):
    """Fields of the functions of logits, of some rows."""
    n_rows, width = logits.shape
    return dict(
        n_rows=n_rows, n_members=n_members, n_classes=width // n_members, logits=logits
    )
