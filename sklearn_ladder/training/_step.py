"""Choice of the training step: fused on CPU if possible, or by torch."""

import torch
from skorch.callbacks import Callback

from ..fused._step import HOOKS, FusedStep, Hooks
from ..network import _kernels
from ..network._combinators import GaussianCombinator
from ..network._dense import DenseProjection
from ._net import LadderCosts


def why_not(module, costs, optimizer, batch, adversary=None):
    """Why a training step cannot be fused; None if it can.

    Parameters
    ----------
    module : Ladder
    costs : nn.Module
    optimizer : torch.optim.Optimizer
    batch : LadderBatch
    adversary : Adversary, default=None

    Returns
    -------
    str or None
    """
    layers = module.encoder.layers
    decoder_layers = [] if module.decoder is None else module.decoder.layers.values()
    group = optimizer.param_groups[0]
    conditions = {
        "compiled functions are not available": _kernels.has_fast_products(),
        "no sample of the batch is labeled": (
            len(batch.x_labeled) > 0 or not module.has_classes
        ),
        "the batch has no unlabeled samples for the decoder or the adversary": (
            len(batch.x_unlabeled) > 0 or (module.decoder is None and adversary is None)
        ),
        "parameters are not in float32 on CPU": all(
            map(_kernels.take, module.parameters())
        ),
        "the costs are others": type(costs) is LadderCosts,
        HOOKS: not Hooks(module, costs, optimizer),
        "some parameters are frozen": all(p.requires_grad for p in module.parameters()),
        "parameters are at different steps of the optimizer": _have_same_step(
            module, optimizer
        ),
        "layers are not all dense": all(
            isinstance(layer.projection, DenseProjection)
            and layer.projection.in_shape.n_positions == 1
            for layer in layers
        ),
        "the activation is not piecewise linear": all(
            layer.activation.slope is not None for layer in layers
        ),
        "combinators are not all Gaussian": all(
            type(layer.combinator) is GaussianCombinator for layer in decoder_layers
        ),
        "the clean encoder ends at the input": module.highest_target != 0,
        "the optimizer is not plain Adam": type(optimizer) is torch.optim.Adam
        and len(optimizer.param_groups) == 1
        and not (group["weight_decay"] or group["amsgrad"] or group["maximize"]),
    }
    return next((reason for reason, holds in conditions.items() if not holds), None)


def _have_same_step(module, optimizer):
    """Whether Adam has updated all parameters equally often: some may be frozen."""
    states = [optimizer.state.get(p, {}) for p in module.parameters()]
    return len({float(state.get("step", 0)) for state in states}) == 1


class TrainingStep:
    """Training steps of a net: fused if possible, otherwise skorch's.

    Parameters
    ----------
    net : LadderNet

    Attributes
    ----------
    plain : callable
        skorch's step.
    reason : str or None
        Why steps are not fused.
    """

    def __init__(self, net):
        self.plain = net.train_step
        self._net, self._fused = net, None
        self.reason = None
        if torch.device(net.device).type != "cpu":
            self.reason = "the device is not a CPU"
        elif name := acts_on_gradients(net):
            self.reason = f"callback {name} acts on gradients"

    def __call__(self, batch, **fit_params):
        net = self._net
        fused = self._fused
        is_usable = fused is not None and (
            fused.optimizer is net.optimizer_
            and fused.costs is net.criterion_
            and fused.fits(batch)
        )
        if self.reason is None and not is_usable:
            adversary = net.plan.adversary
            self.reason = why_not(
                net.module_, net.criterion_, net.optimizer_, batch, adversary
            )
            if self.reason is None:
                self._fused = FusedStep(
                    *(net.module_, net.criterion_, net.optimizer_),
                    *(net.noise_generator_, batch),
                    *(net.training_samples_.have_missing, adversary),
                )
        if self.reason is not None:
            return self.plain(batch, **fit_params)
        if net.plan.weight_normalization:
            net.module_.normalize_weights()
        return self._fused(batch)


def acts_on_gradients(net):
    """Name of a callback that acts on gradients, or None."""
    for name, callback in net.callbacks_:
        if type(callback).on_grad_computed is not Callback.on_grad_computed:
            return name
    return None
