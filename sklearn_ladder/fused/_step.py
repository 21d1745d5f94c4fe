"""A training step as a list of compiled calls."""

import torch

from ..network._normalization import BatchParts
from ..network._shapes import FLOAT32_ON_CPU
from ._adam import AdamUpdate
from ._adversary import AdversaryCalls
from ._decoder import DecoderCalls
from ._encoder import EncoderCalls, softmax_fields
from ._imputation import Imputation
from ._program import Program
from ._tables import DecoderTables, EncoderTables

HOOKS = "hooks or parametrizations of torch take part"
# where torch keeps the functions that a user has registered
HOOKS_OF_MODULES = (
    "_forward_pre_hooks",
    "_forward_hooks",
    "_backward_pre_hooks",
    "_backward_hooks",
)


class Hooks:
    """Whether a user's functions take part in a step: compiled calls leave them out.

    These are torch's hooks and parametrizations, but not its global hooks.

    Parameters
    ----------
    module : Ladder
    costs : callable
    optimizer : torch.optim.Optimizer
    """

    def __init__(self, module, costs, optimizer):
        modules = list(module.modules())
        if isinstance(costs, torch.nn.Module):  # otherwise a function of the user's
            modules += costs.modules()
        # torch adds to these dicts, so that a look at them is fast
        self._registered = [
            *(getattr(m, name) for m in modules for name in HOOKS_OF_MODULES),
            optimizer._optimizer_step_pre_hooks,
            optimizer._optimizer_step_post_hooks,
        ]
        self._submodules = [m._modules for m in modules]
        self._parameters = list(module.parameters())

    def __bool__(self):
        return (
            any(self._registered)
            or any("parametrizations" in names for names in self._submodules)
            or any(
                p._backward_hooks or p._post_accumulate_grad_hooks
                for p in self._parameters
            )
        )


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
        The first batch. It has labeled samples and, if there is a decoder or an
        adversary, unlabeled ones. Later batches must have the same sizes: see `fits`.
    have_missing : bool, default=False
        Whether there may be NaN in the samples.
    adversary : Adversary, default=None
    """

    def __init__(
        self,
        module,
        costs,
        optimizer,
        generator,
        batch,
        have_missing=False,
        adversary=None,
    ):
        self.module, self.costs, self._settings = module, costs, costs.settings()
        self.optimizer, self.generator = optimizer, generator
        self.n_labeled, self.n_unlabeled = len(batch.x_labeled), len(batch.x_unlabeled)
        self.n_corrupted = self.n_labeled + self.n_unlabeled
        module.check_decodes(self._settings["denoising_costs"])
        # λ of each layer that has a denoising cost
        self.denoising_costs = {
            layer: cost
            for layer, cost in enumerate(self._settings["denoising_costs"])
            if cost != 0 and module.decoder is not None
        }
        self.gradients = {p: torch.zeros_like(p) for p in module.parameters()}
        self._program = Program()
        self._encoder = EncoderCalls(self._program, module)
        self._adversary = None
        if adversary is not None:
            self._adversary = AdversaryCalls(
                self._program, module, adversary, self.n_unlabeled
            )
        self._allocate()
        self._input_cost_calls = []
        self._imputation = self._supervised_call = None
        if have_missing:
            sizes = self.n_labeled, self.n_unlabeled
            self._imputation = Imputation(module, *sizes, self.tables)
        self._add_forward()
        if module.has_classes:
            self._add_supervised_cost()
        if module.decoder is not None:
            self._add_decoder()
        if self._has_adversarial_costs:
            self._add_adversarial_costs()
        self._add_encoder_backward()
        self._adam = AdamUpdate(optimizer, self.gradients)
        self._hooks = Hooks(module, costs, optimizer)
        self._key = self._key_of(batch)

    def _key_of(self, batch):
        """What the prepared calls depend on."""
        group = self.optimizer.param_groups[0]
        return (
            *(len(batch.x_labeled), len(batch.x_unlabeled), batch.weight is None),
            *self.costs.settings().values(),
            bool(self._hooks),
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
        self._adam.run()
        return step

    def forward_and_backward(self, batch):
        """Costs, and gradients of all parameters: ``gradients``."""
        # these local names keep the tensors alive until the end of the step
        weight = None if batch.weight is None else batch.weight.float().contiguous()
        inputs = [x.float().contiguous() for x in (batch.x_labeled, batch.x_unlabeled)]
        y = batch.y.long().contiguous()
        if self._supervised_call is not None:
            self._supervised_call.y = y.data_ptr()
            self._supervised_call.weight = None if weight is None else weight.data_ptr()
        for call, which in self._input_calls:
            call.x = inputs[which].data_ptr()
        if self._imputation is not None:
            self._count_observed(self._imputation.run(*inputs))
        if self._has_adversarial_costs:  # they add to what is there
            torch._foreach_zero_(self._added_to)
        for call, std in zip(self._noise_calls, self.module.noise_std, strict=True):
            call.std = std  # a callback may have changed it
        self._program.run(self.generator)
        return self._result()

    def _count_observed(self, n_observed):
        """Only these entries have a denoising cost."""
        n_entries = max(n_observed * self.module.n_denoising, 1)
        for call in self._input_cost_calls:
            call.n_observed = n_entries
            call.scale = self._decoder.cost_scale(self.denoising_costs[0], n_entries)

    def _result(self):
        values = self._cost_values.clone()
        total = torch.dot(values, self._cost_weights)
        names = [
            "supervised",
            *(f"denoising_{layer}" for layer in self.denoising_costs),
        ]
        names += [f"virtual_adversarial_{layer}" for layer in self._layers_with_costs]
        n_classes = self.module.shapes[-1].channels // self.module.n_members
        return {
            "loss": total,
            "y_pred": self.tables.h[-1][: self.n_corrupted].view(-1, n_classes),
            "costs": {"total": total} | dict(zip(names, values.unbind(), strict=True)),
        }

    # ------------------------------------------------------------------- memory

    def _allocate(self):
        widths = [shape.channels for shape in self.module.shapes]
        self._top = len(widths) - 1
        # the highest layer with clean samples; an adversary adds noise to what moves
        # the clean output
        highest = max(self.module.highest_target, 0)
        if self._adversary is not None and self._adversary.adversary.as_noise:
            highest = self._top
        n_clean = [
            self.n_unlabeled * (number <= highest) for number in range(len(widths))
        ]
        if highest == 0:
            n_clean[0] = 0
        self._parts = [BatchParts(self.n_labeled, self.n_unlabeled, n) for n in n_clean]
        self.tables = EncoderTables.allocate(
            widths, [sum(parts) for parts in self._parts], self.n_corrupted
        )
        self._decoder_tables = DecoderTables.allocate(widths, self.n_unlabeled)
        self._labeled = slice(0, self.n_labeled)
        self._unlabeled = slice(self.n_labeled, self.n_corrupted)
        self._corrupted = slice(0, self.n_corrupted)
        self._clean = slice(self.n_corrupted, None)
        # mean costs, and what they weigh in the total: each member follows the gradient
        # of its own cost; see `ladder_costs`
        share = self.module.n_denoising / self.module.n_members
        weights = [1.0, *(share * weight for weight in self.denoising_costs.values())]
        weights += [self._settings["adversarial_weight"]] * len(self._layers_with_costs)
        self._cost_weights = torch.tensor(weights, **FLOAT32_ON_CPU)
        self._cost_values = torch.zeros_like(self._cost_weights)

    @property
    def _has_adversarial_costs(self):
        return self._adversary is not None and not self._adversary.adversary.as_noise

    @property
    def _layers_with_costs(self):
        """Layers that have a virtual adversarial cost."""
        return self._adversary.layers if self._has_adversarial_costs else []

    # ------------------------------------------------------------------ encoder

    def _add_forward(self):
        """Corrupted and clean encoder: both in one product, unless clean logits first.

        An adversary needs these to find the noise that it adds.
        """
        tables, numbers = self.tables, range(1, self._top + 1)
        self._noise_calls = [
            self._program.add_noise(noise, std)
            for noise, std in zip(tables.noise, self.module.noise_std, strict=True)
        ]
        self._input_calls = []
        if self._adversary is None or self._has_adversarial_costs:
            self._add_input()
            for number in numbers:
                self._encoder.add_layer(number, tables, self._parts[number])
            return
        self._add_clean_input()
        clean = BatchParts(0, 0, self.n_unlabeled)
        for number in numbers:
            self._encoder.add_layer(number, tables, clean, self._clean, has_noise=False)
        self._add_adversarial_noise(0, tables.h[0][self._clean])
        self._add_corrupted_input()
        corrupted = BatchParts(self.n_labeled, self.n_unlabeled, 0)
        unlabeled = BatchParts(0, self.n_unlabeled, 0)
        for number in numbers:
            self._encoder.add_projection(number, tables, self._corrupted)
            if number in self._adversary.layers:
                # z before noise, where z̃ will be
                self._encoder.add_normalization(
                    *(number, tables, unlabeled, self._unlabeled),
                    has_noise=False,
                    has_h=False,
                )
                self._add_adversarial_noise(number, tables.z[number][self._unlabeled])
            self._encoder.add_normalization(number, tables, corrupted, self._corrupted)

    def _add_adversarial_noise(self, number, z):
        if number not in self._adversary.layers:
            return
        noise = self.tables.noise[number][self._unlabeled]
        logits = self.tables.h[-1][self._clean]
        self._adversary.add_search(number, z, logits, start=noise, out=noise)

    def _add_input(self):
        self._add_corrupted_input()
        self._add_clean_input()

    def _add_corrupted_input(self):
        """h̃ = z̃ = x + noise"""
        for which, rows in enumerate((self._labeled, self._unlabeled)):
            self._add_columns(which, self.tables.h[0][rows], self.tables.noise[0][rows])

    def _add_clean_input(self):
        """The input of the clean pass: h = z = x."""
        self._add_columns(1, self.tables.h[0][self._clean])

    def _add_columns(self, which, out, noise=None, imputed=True):
        """The input of all members: of labeled (`which` = 0) or unlabeled samples."""
        if not len(out):
            return
        is_filled = imputed and self._imputation is not None
        n_members = 1 if is_filled else self.module.n_members
        call = self._program.add(
            "input",
            n_rows=len(out),
            n_columns=out.shape[1] // n_members,
            n_members=n_members,
            noise=noise,
            out=out,
        )
        if is_filled:
            rows = (self._labeled, self._unlabeled)[which]
            call.x = self._imputation.filled[rows].data_ptr()
        else:
            self._input_calls.append((call, which))

    def _add_supervised_cost(self):
        tables = self.tables
        proba = torch.zeros_like(tables.h[-1][self._labeled])
        self._supervised_call = self._program.add(
            "cross_entropy",
            **softmax_fields(self.module.n_members, tables.h[-1][self._labeled]),
            smoothing=self._settings["smoothing"],
            scale=self.module.n_members,
            proba=proba,
            dlogits=tables.dh[-1][self._labeled],
            cost=self._cost_values[0],
        )

    def _add_encoder_backward(self):
        tables, decoder = self.tables, self._decoder_tables
        for number in range(self._top, 0, -1):
            others = {}
            if number in self._decoded or number in self._layers_with_costs:
                others["dz_corrupted"] = decoder.dz_corrupted[number]
            if number in self.denoising_costs:
                others |= {
                    "dz_clean": decoder.dz_clean[number],
                    "dmean": tables.dmean[number],
                    "dstd": tables.dstd[number],
                }
            self._encoder.add_layer_backward(
                number,
                tables,
                self._parts[number],
                self.gradients,
                add=self._has_adversarial_costs,
                needs_h=number > 1,
                **others,
            )

    @property
    def _decoded(self):
        """Numbers of the layers that the decoder has."""
        decoder = self.module.decoder
        return range(0) if decoder is None else range(decoder.lowest, self._top + 1)

    # ------------------------------------------------------------------ decoder

    def _add_decoder(self):
        tables, encoder = self._decoder_tables, self.tables
        z_corrupted = [z[self._unlabeled] for z in encoder.z]
        code, dcode = (t[-1][self._unlabeled] for t in (encoder.h, encoder.dh))
        softmax = softmax_fields(self.module.n_members, code)
        if self.module.has_classes:
            softmax |= dict(proba=tables.u_pre[-1])
            self._program.add("softmax_forward", **softmax)
        else:  # the decoder begins with the code itself
            tables.u_pre[-1], tables.du_pre[-1] = code, dcode
        self._decoder = DecoderCalls(self._program, self.module)
        self._decoder.add_forward(z_corrupted, tables)
        for place, (number, weight) in enumerate(self.denoising_costs.items(), start=1):
            z_clean = encoder.z[number][self._clean]
            if number == 0 and self._imputation is not None:
                z_clean = torch.zeros_like(z_clean)
                self._add_columns(1, z_clean, imputed=False)
            calls = self._decoder.add_cost(
                *(number, weight, z_clean, tables, encoder, self._cost_values[place])
            )
            if number == 0:
                self._input_cost_calls = calls
        self._decoder.add_backward(
            z_corrupted, tables, self.gradients, self.denoising_costs
        )
        if self.module.has_classes:
            self._program.add(
                "softmax_backward",
                **softmax,
                dproba=tables.du_pre[-1],
                dlogits=dcode,
            )

    # ---------------------------------------------------------------- adversary

    def _add_adversarial_costs(self):
        """Costs of perturbations of the unlabeled samples."""
        tables, dz = self.tables, self._decoder_tables.dz_corrupted
        self._added_to = dz + [
            self.gradients[parameter] for parameter in self.module.encoder.parameters()
        ]
        first = 1 + len(self.denoising_costs)
        for place, number in enumerate(self._layers_with_costs, start=first):
            self._adversary.add_cost(
                number,
                tables.z[number][self._unlabeled],
                tables.h[-1][self._unlabeled],
                self._settings["adversarial_weight"],
                self._cost_values[place],
                self.gradients,
                dz[number],
            )
