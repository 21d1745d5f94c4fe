"""A training step on CPU as a list of compiled calls, prepared once.

For small networks, the overhead of autograd and of a few hundred torch calls exceeds
the arithmetic. Here the same step (forward, backward and Adam) is a list of about
seventy calls of compiled functions on preallocated memory: see ``network/_kernels.c``.
"""

import ctypes

import torch

from ..network import _kernels
from ..network._normalization import EPSILON
from ..network._shapes import FLOAT32_ON_CPU
from ..objective._costs import LEAST_STD


class FusedStep:
    """One training step of a `Ladder`: see `why_not` for the conditions.

    Parameters
    ----------
    module : Ladder
    costs : LadderCosts
    optimizer : torch.optim.Adam
        Its state is used and kept up to date. Gradients are not in ``grad``, but in
        `gradients`.
    generator : torch.Generator
        Source of the noise.
    batch : LadderBatch
        The first batch. It has labeled samples and, if there is a decoder, unlabeled
        ones. Later batches must have the same sizes: see `fits`.
    """

    def __init__(self, module, costs, optimizer, generator, batch):
        self.module, self.costs = module, costs
        self.optimizer, self.generator = optimizer, generator
        self.n_labeled, self.n_unlabeled = len(batch.x_labeled), len(batch.x_unlabeled)
        self.n_corrupted = self.n_labeled + self.n_unlabeled
        self.smoothing = costs.smoothing
        # λ of each layer that has a denoising cost
        self.weights = {
            layer: weight
            for layer, weight in enumerate(costs.denoising_costs)
            if weight != 0 and module.decoder is not None
        }
        self.gradients = {p: torch.zeros_like(p) for p in module.parameters()}
        self._program, self._update = _kernels.Program(), _kernels.Program()
        self._cost_values = torch.zeros(1 + len(self.weights), **FLOAT32_ON_CPU)
        # each member follows the gradient of its own cost; see `ladder_costs`
        share = module.n_denoising / module.n_members
        self._cost_weights = torch.tensor(
            [1.0, *(share * weight for weight in self.weights.values())],
            **FLOAT32_ON_CPU,
        )
        self._allocate()
        self._add_encoder()
        self._add_supervised_cost(batch)
        if module.decoder is not None:
            self._add_decoder()
            self._add_denoising_costs()
            self._add_decoder_backward()
        self._add_encoder_backward()
        self._add_adam()
        self._key = self._key_of(batch)

    def _key_of(self, batch):
        """What the prepared calls depend on."""
        group = self.optimizer.param_groups[0]
        return (
            *(len(batch.x_labeled), len(batch.x_unlabeled), batch.weight is None),
            *(self.costs.smoothing, *self.costs.denoising_costs),
            *(group["weight_decay"], group["amsgrad"], group["maximize"]),
            *(parameter.data_ptr() for parameter in self.gradients),
            *(parameter.requires_grad for parameter in self.gradients),
            # loading a state replaces its tensors
            *(id(self.optimizer.state[p].get("exp_avg")) for p in self.gradients),
        )

    def fits(self, batch):
        """Whether this step can be taken for a batch. If not, make another."""
        return self._key == self._key_of(batch)

    def __call__(self, batch):
        """Take a step: noise, forward, backward and Adam.

        Returns
        -------
        dict
            As `LadderNet.train_step_single`. The next step overwrites ``y_pred``.
        """
        step = self.forward_and_backward(batch)
        self._prepare_adam()
        self._update.run()
        return step

    def forward_and_backward(self, batch):
        """Costs, and gradients of all parameters: ``gradients``."""
        # these local names keep the tensors alive until the end of the step
        weight = None if batch.weight is None else batch.weight.float().contiguous()
        inputs = [x.float().contiguous() for x in (batch.x_labeled, batch.x_unlabeled)]
        targets = batch.y.long().contiguous(), weight
        for call, x in zip(
            self._input_calls, inputs[:1] + 2 * inputs[1:], strict=False
        ):
            call.x = x.data_ptr()
        self._supervised_call.y = targets[0].data_ptr()
        self._supervised_call.weight = None if weight is None else weight.data_ptr()
        seeds = torch.empty(len(self._noise_calls), dtype=torch.int64, device="cpu")
        seeds = seeds.random_(generator=self.generator).tolist()
        for call, seed in zip(self._noise_calls, seeds, strict=True):
            call.seed = seed
        self._program.run()
        values = self._cost_values.clone()
        total = torch.dot(values, self._cost_weights)
        names = ["supervised", *(f"denoising_{layer}" for layer in self.weights)]
        n_classes = self.module.shapes[-1].channels // self.module.n_members
        return {
            "loss": total,
            "y_pred": self.h[-1][: self.n_corrupted].view(-1, n_classes),
            "costs": {"total": total} | dict(zip(names, values.unbind(), strict=True)),
        }

    # ------------------------------------------------------------------- memory

    def _allocate(self):
        """Allocate activations and derivatives of each layer, all 0."""
        self.widths = [shape.channels for shape in self.module.shapes]
        self.top = max(self.module.highest_target, 0)
        self.parts = [
            (self.n_labeled, self.n_unlabeled, self.n_unlabeled * (number <= self.top))
            for number in range(len(self.widths))
        ]
        self.parts[0] = (*self.parts[0][:2], self.n_unlabeled * (self.top > 0))

        def tables(n_rows=None):
            return [
                torch.zeros(
                    sum(parts) if n_rows is None else n_rows, width, **FLOAT32_ON_CPU
                )
                for parts, width in zip(self.parts, self.widths, strict=True)
            ]

        def vectors(*shape):
            return [
                torch.zeros(*shape, width, **FLOAT32_ON_CPU) for width in self.widths
            ]

        # encoder: all samples
        self.z_pre, self.z, self.h, self.dz_pre, self.dh = (tables() for _ in range(5))
        self.z[0] = self.h[0]
        self.noise = tables(self.n_corrupted)
        self.means, self.inverse_stds = vectors(3), vectors(3)
        self.std, self.dmean, self.dstd = vectors(), vectors(), vectors()
        # decoder and clean encoder: unlabeled samples
        self.u_pre, self.u, self.z_denoised, self.du_pre, self.du = (
            tables(self.n_unlabeled) for _ in range(5)
        )
        self.dz_denoised, self.dz_corrupted, self.dz_clean = (
            tables(self.n_unlabeled) for _ in range(3)
        )
        self.u_means, self.u_inverse_stds = vectors(3), vectors(3)

    def _corrupted(self, tables, layer):
        return tables[layer][self.n_labeled : self.n_corrupted]

    def _clean(self, tables, layer):
        return tables[layer][self.n_corrupted :]

    def _denoising_width(self, layer):
        """Number of columns of the members with denoising costs."""
        module = self.module
        return self.widths[layer] // module.n_members * module.n_denoising

    # ------------------------------------------------------------------ encoder

    def _add_encoder(self):
        module, add = self.module, self._program.add
        self._noise_calls = [
            add("noise", n=noise.numel(), std=std, out=noise)
            for noise, std in zip(self.noise, module.noise_std, strict=True)
        ]
        labeled, unlabeled, clean = self.h[0].split(self.parts[0])
        of_labeled, of_unlabeled = self.noise[0].split(self.parts[0][:2])
        self._input_calls = [
            add(
                "input",
                n_rows=len(out),
                n_columns=self.widths[0] // module.n_members,
                n_members=module.n_members,
                noise=noise,
                out=out,
            )
            for out, noise in [
                (labeled, of_labeled),
                (unlabeled, of_unlabeled),
                (clean, None),
            ]
            if len(out)
        ]
        for number, layer in enumerate(module.encoder.layers, start=1):
            # Algorithm 1: z̃ = batchnorm(W h̃) + noise; h̃ = act(γ (z̃ + β))
            h = self.h[number - 1][: len(self.h[number])]
            weight = self._by_member(layer.projection.weight)
            self._add_product(
                self._split(h), weight.mT, self._split(self.z_pre[number])
            )
            add("normalize_forward", **self._normalization(number))

    def _normalization(self, number):
        """Fields of an encoder layer's normalization."""
        layer = self.module.encoder.layers[number - 1]
        n_labeled, n_unlabeled, n_clean = self.parts[number]
        return dict(
            n_labeled=n_labeled,
            n_unlabeled=n_unlabeled,
            n_clean=n_clean,
            width=self.widths[number],
            columns=self.widths[number],
            epsilon=EPSILON,
            slope=layer.activation.slope,
            z_pre=self.z_pre[number],
            noise=self.noise[number],
            beta=layer.beta,
            gamma=layer.gamma,
            z=self.z[number],
            h=self.h[number],
            means=self.means[number],
            inverse_stds=self.inverse_stds[number],
            std=self.std[number],
        )

    def _add_supervised_cost(self, batch):
        logits = self.h[-1]
        self._proba = torch.zeros_like(self.noise[-1])
        self._supervised_call = self._program.add(
            "cross_entropy",
            **self._softmax(slice(0, self.n_labeled)),
            smoothing=self.smoothing,
            scale=self.module.n_members,
            logits=logits,
            cost=self._cost_values[0],
        )

    def _softmax(self, rows):
        n_members = self.module.n_members
        return dict(
            n_rows=rows.stop - rows.start,
            n_members=n_members,
            n_classes=self.widths[-1] // n_members,
            proba=self._proba[rows],
            dlogits=self.dh[-1][rows],
        )

    def _add_encoder_backward(self):
        gradients, last = self.gradients, len(self.widths) - 1
        for number in range(last, 0, -1):
            layer = self.module.encoder.layers[number - 1]
            has_cost = number in self.weights
            decoder = self.module.decoder
            is_decoded = decoder is not None and number >= decoder.lowest
            self._program.add(
                "normalize_backward",
                **self._normalization(number),
                dh=self.dh[number],
                dz_corrupted=self.dz_corrupted[number] if is_decoded else None,
                dz_clean=self.dz_clean[number] if has_cost else None,
                dmean=self.dmean[number] if has_cost else None,
                dstd=self.dstd[number] if has_cost else None,
                dz_pre=self.dz_pre[number],
                dbeta=gradients.get(layer.beta),
                dgamma=gradients.get(layer.gamma),
            )
            weight = layer.projection.weight
            n_rows = len(self.h[number])
            h, dz_pre = self.h[number - 1][:n_rows], self._split(self.dz_pre[number])
            dweight = self._by_member(gradients[weight])
            self._add_product(dz_pre.mT, self._split(h), dweight)
            if number > 1:
                dh = self._split(self.dh[number - 1][:n_rows])
                self._add_product(dz_pre, self._by_member(weight), dh)

    # ------------------------------------------------------------------ decoder

    def _decoder_numbers(self):
        return range(len(self.widths) - 1, self.module.decoder.lowest - 1, -1)

    def _add_decoder(self):
        """Add the decoder of members with denoising costs; others learn nothing."""
        add, top = self._program.add, len(self.widths) - 1
        self.u_pre[top] = self._proba[self.n_labeled :]
        add(
            "softmax_forward",
            **self._softmax(slice(self.n_labeled, self.n_corrupted)),
            logits=self._corrupted(self.h, top),
        )
        for number in self._decoder_numbers():
            if number < top:
                weight = self.module.decoder.layers[str(number)].way_down.weight
                self._add_product(
                    self._split(self.z_denoised[number + 1]),
                    self._by_member(weight).mT,
                    self._split(self.u_pre[number]),
                    is_decoder=True,
                )
            # Algorithm 1: u = batchnorm(V ẑ), or of h̃ at the top; ẑ = g(z̃, u)
            add("normalize_forward", **self._normalization_of_u(number))
            add("gaussian_forward", **self._combinator(number))

    def _normalization_of_u(self, number):
        return dict(
            n_unlabeled=self.n_unlabeled,
            width=self.widths[number],
            columns=self._denoising_width(number),
            epsilon=EPSILON,
            z_pre=self.u_pre[number],
            z=self.u[number],
            means=self.u_means[number],
            inverse_stds=self.u_inverse_stds[number],
        )

    def _combinator(self, number):
        return dict(
            n_rows=self.n_unlabeled,
            width=self.widths[number],
            columns=self._denoising_width(number),
            z=self._corrupted(self.z, number),
            u=self.u[number],
            a=self.module.decoder.layers[str(number)].combinator.coefficients,
            out=self.z_denoised[number],
        )

    def _add_denoising_costs(self):
        for place, (number, weight) in enumerate(self.weights.items(), start=1):
            fields = dict(
                n_rows=self.n_unlabeled,
                width=self._denoising_width(number),
                z_denoised=self.z_denoised[number],
                z_clean=self._clean(self.z, number),
                dz_denoised=self.dz_denoised[number],
                sums=torch.zeros(self.widths[number], **FLOAT32_ON_CPU),
                cost=self._cost_values[place],
                least_std=LEAST_STD,
            )
            fields |= dict.fromkeys(
                ("denoised_row", "clean_row", "ddenoised_row", "dclean_row"),
                self.widths[number],
            )
            n_entries = self.n_unlabeled * fields["width"]
            fields["scale"] = 2 * weight * self.module.n_denoising / n_entries
            if number > 0:  # the input is not normalized
                fields |= dict(
                    mean=self.means[number][2],
                    std=self.std[number],
                    dz_clean=self.dz_clean[number],
                    dmean=self.dmean[number],
                    dstd=self.dstd[number],
                )
            self._program.add("cost_forward", **fields)
            self._program.add("cost_backward", **fields)

    def _add_decoder_backward(self):
        add, top = self._program.add, len(self.widths) - 1
        for number in reversed(self._decoder_numbers()):
            layer = self.module.decoder.layers[str(number)]
            # here dcost/dẑ has both terms: of its own cost and of the layer below
            add(
                "gaussian_backward",
                **self._combinator(number),
                dout=self.dz_denoised[number],
                dz=self.dz_corrupted[number],
                du=self.du[number],
                da=self.gradients[layer.combinator.coefficients],
            )
            add(
                "normalize_backward",
                **self._normalization_of_u(number),
                dz_corrupted=self.du[number],
                dz_pre=self.du_pre[number],
            )
            if number == top:
                continue
            weight, du_pre = layer.way_down.weight, self._split(self.du_pre[number])
            above = number + 1
            self._add_product(
                du_pre.mT,
                self._split(self.z_denoised[above]),
                self._by_member(self.gradients[weight]),
                is_decoder=True,
            )
            self._add_product(
                du_pre,
                self._by_member(weight),
                self._split(self.dz_denoised[above]),
                is_decoder=True,
                to_what_is_there=above in self.weights,
            )
        add(
            "softmax_backward",
            **self._softmax(slice(self.n_labeled, self.n_corrupted)),
            dproba=self.du_pre[top],
        )

    # ----------------------------------------------------------------- products

    def _split(self, table):
        """View of a table as (n_members, n_rows, width)."""
        return table.unflatten(1, (self.module.n_members, -1)).transpose(0, 1)

    def _by_member(self, weight):
        return weight.detach().unflatten(0, (self.module.n_members, -1))

    def _add_product(self, a, b, out, is_decoder=False, to_what_is_there=False):
        n_members = self.module.n_denoising if is_decoder else self.module.n_members
        m, n = out.shape[1:]
        a_member, a_row, a_column = a.stride()
        b_member, b_row, b_column = b.stride()
        self._program.add(
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
            add=int(to_what_is_there),
        )

    # --------------------------------------------------------------------- Adam

    def _add_adam(self):
        self._states = []
        for parameter in self.gradients:
            state = self.optimizer.state[parameter]
            if not state:  # the state that torch would make
                state["step"] = torch.zeros((), **FLOAT32_ON_CPU)
                state["exp_avg"] = torch.zeros_like(parameter)
                state["exp_avg_sq"] = torch.zeros_like(parameter)
            self._states.append(state)
        self._steps = [state["step"] for state in self._states]
        n_steps = {int(step) for step in self._steps}
        if len(n_steps) != 1:
            raise ValueError(
                f"All parameters must be at the same step of Adam; got {n_steps}."
            )
        (self.n_steps,) = n_steps
        sizes = [parameter.numel() for parameter in self.gradients]
        lists = {
            "parameters": self.gradients,
            "gradients": self.gradients.values(),
            "means": [state["exp_avg"] for state in self._states],
            "squares": [state["exp_avg_sq"] for state in self._states],
        }
        n = len(sizes)
        self._arrays = {"sizes": (ctypes.c_int64 * n)(*sizes)} | {
            name: (ctypes.c_void_p * n)(*[tensor.data_ptr() for tensor in tensors])
            for name, tensors in lists.items()
        }
        addresses = {name: ctypes.addressof(x) for name, x in self._arrays.items()}
        self._adam_call = self._update.add("adam", n=n, **addresses)

    def _prepare_adam(self):
        group, call = self.optimizer.param_groups[0], self._adam_call
        torch._foreach_add_(self._steps, 1)
        self.n_steps += 1
        call.beta1, call.beta2 = group["betas"]
        call.epsilon = group["eps"]
        call.step_size = group["lr"] / (1 - group["betas"][0] ** self.n_steps)
        call.inverse_root = (1 - group["betas"][1] ** self.n_steps) ** -0.5
