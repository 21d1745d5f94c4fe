"""Compiled calls of virtual adversaries: see `Adversary`."""

from ..network._normalization import BatchParts
from ..objective._adversary import DIFFERENCE, NOISE_STD
from ._encoder import EncoderCalls, softmax_fields
from ._tables import EncoderTables, tables

# Order of each norm in ``perturb`` of ``_kernels.c``; 0 stands for the largest entry.
NORMS = {"l1": 1, "l2": 2, "linf": 0}


class AdversaryCalls:
    """Adds the search for perturbations, and their costs, to a program.

    Parameters
    ----------
    program : Program
    module : Ladder
    adversary : Adversary
    n_rows : int
        Number of unlabeled samples.
    """

    def __init__(self, program, module, adversary, n_rows):
        self.program, self.adversary = program, adversary
        self._calls = EncoderCalls(program, module)
        self._widths = [shape.channels for shape in module.shapes]
        self._n_members = module.n_members
        self._parts = BatchParts(0, n_rows, 0)
        # of the encoder from the perturbed layer upwards
        self._tables = EncoderTables.allocate(self._widths, n_rows, n_rows)
        self._direction, self._perturbed, self._gradient = (
            tables(self._widths, n_rows) for _ in range(3)
        )

    @property
    def layers(self):
        """Numbers of the perturbed layers."""
        return [number for number, size in enumerate(self.adversary.size) if size > 0]

    def add_search(self, number, z, logits, start, out):
        """Find the perturbation r of a layer: ``out = start + r``.

        As `virtual_adversarial_perturbation`.

        Parameters
        ----------
        number : int
        z : Tensor
            Values to perturb.
        logits : Tensor
            Of the network for `z`.
        start, out : Tensor
        """
        self.program.add_noise(self._direction[number], 1.0)
        perturbed = self._perturbed[number]
        self._add_perturb(number, None, z, perturbed, DIFFERENCE, "l2")
        gradient = self._gradient[number] if number > 0 else self._tables.dh[0]
        n_iterations = self.adversary.n_power_iterations
        for n_left in range(n_iterations - 1, -1, -1):
            self._add_divergence(number, logits)
            self._add_backward(number)
            if number > 0:
                self._calls.add_activation_backward(number, self._tables, gradient)
            if n_left:
                self._add_perturb(number, gradient, z, perturbed, DIFFERENCE, "l2")
        size, norm = self.adversary.size[number], self.adversary.norm
        self._add_perturb(number, gradient, start, out, size, norm)

    def add_cost(self, number, z, logits, weight, cost, gradients, dz):
        """Add the cost of perturbing a layer, and its derivatives.

        Parameters
        ----------
        number : int
        z, logits : Tensor
            z̃ of the layer and the logits, of the unlabeled samples.
        weight : float
        cost : Tensor of shape ()
        gradients : dict of Parameter to Tensor
            The derivatives are added to what is there.
        dz : Tensor
            So they are here.
        """
        self.add_search(number, z, logits, start=z, out=self._perturbed[number])
        self._add_divergence(number, logits, scale=weight * self._n_members, cost=cost)
        self._add_backward(number, gradients)
        if number > 0:
            self._calls.add_activation_backward(
                number, self._tables, dz, gradients, add=True
            )

    def _add_perturb(self, number, gradient, start, out, length, norm):
        """One perturbation for each sample and member."""
        direction = self._direction[number]
        self.program.add(
            "perturb",
            n_rows=len(direction) * self._n_members,
            n_columns=direction.shape[1] // self._n_members,
            norm=NORMS[norm],
            length=length,
            gradient=gradient,
            start=start,
            direction=direction,
            out=out,
        )

    def _add_divergence(self, number, logits, scale=1.0, cost=None):
        """Divergence of the perturbed output from `logits`, and its derivative."""
        top = len(self._widths) - 1
        for above in range(number, top + 1):
            self.program.add_noise(self._tables.noise[above], NOISE_STD)
        self._calls.add_activation(number, self._perturbed[number], self._tables)
        for above in range(number + 1, top + 1):
            self._calls.add_layer(above, self._tables, self._parts)
        self.program.add(
            "divergence",
            **softmax_fields(self._n_members, self._tables.h[top]),
            dlogits=self._tables.dh[top],
            others=logits,
            scale=scale,
            cost=cost,
        )

    def _add_backward(self, number, gradients=None):
        """Down to h of the perturbed layer. There are no gradients in a search."""
        for above in range(len(self._widths) - 1, number, -1):
            self._calls.add_layer_backward(
                above,
                self._tables,
                self._parts,
                gradients,
                add=True,
                needs_h=above > 1 or gradients is None,
            )
