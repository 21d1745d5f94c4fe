"""Lists of compiled calls."""

from ctypes import byref

import torch

from ..network import _kernels


class Program:
    """Calls of compiled functions, prepared once and run often."""

    def __init__(self):
        self._calls, self._tensors = [], []
        self._noise_calls = []  # their structures

    def add(self, function, **fields):
        """Add a call: see ``_kernels.prepare``.

        Returns
        -------
        ctypes.Structure
            Its fields may be changed between runs.
        """
        call, structure = _kernels.prepare(function, **fields)
        self._tensors += [x for x in fields.values() if isinstance(x, torch.Tensor)]
        self._calls.append((call, byref(structure)))
        return structure

    def add_noise(self, table, std):
        """Fill a table with new normal numbers in each run; return as `add`."""
        call = self.add("noise", n=table.numel(), std=std, out=table)
        self._noise_calls.append(call)
        return call

    def add_product(self, a, b, out, add=False):
        """Compute ``out = a @ b``, or ``out += a @ b``, for each member.

        Parameters
        ----------
        a : Tensor of shape (n_members, m, k)
        b : Tensor of shape (n_members, k, n)
        out : Tensor of shape (n_members, m, n)
            Its last dimension must be contiguous.
        add : bool, default=False
        """
        n_members, m, n = out.shape
        a_member, a_row, a_column = a.stride()
        b_member, b_row, b_column = b.stride()
        self.add(
            "product",
            n_members=n_members,
            m=m,
            n=n,
            k=a.shape[2],
            a=a,
            b=b,
            a_member=a_member,
            a_row=a_row,
            a_column=a_column,
            b_member=b_member,
            b_row=b_row,
            b_column=b_column,
            c=out,
            c_member=out.stride(0),
            c_row=out.stride(1),
            add=int(add),
        )

    def run(self, generator=None):
        """Run all calls, with noise from a torch generator."""
        if self._noise_calls:
            seeds = _kernels.draw_seeds(len(self._noise_calls), generator)
            for call, seed in zip(self._noise_calls, seeds, strict=True):
                call.seed = seed
        n_threads = torch.get_num_threads()
        for call, structure in self._calls:
            call(structure, n_threads)
