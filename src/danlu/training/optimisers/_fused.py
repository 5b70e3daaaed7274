"""torch's fused kernels without what surrounds them: of a small net's step that bookkeeping is a third.

Nor is torch.compile's machinery loaded, which torch's optimisers do for a mark that only it needs: a second of a run's start.
"""

from __future__ import annotations

import inspect
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.optim import Optimizer, optimizer

from danlu.training.optimisers.base import hooked

States = list[dict[str, Any]]


class Work(NamedTuple):
    """A group's settings, its parameters that have a gradient, the gradients, and what is remembered of each parameter."""

    group: dict[str, Any]
    held: list[Tensor]
    gradients: list[Tensor]
    states: States


class Fused(Optimizer):
    """An optimiser of torch that can call its fused kernel by itself: the same numbers to the bit."""

    _torchs: ClassVar[type[Optimizer]]
    _one_kind: bool | None = None

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        inspect.unwrap(Optimizer.add_param_group)(self, param_group)

    @torch.no_grad()
    def quick(self, halted: Tensor | None = None) -> bool:
        """Do what ``step`` does, by the kernel alone; False, and nothing done, where only ``step`` will do.

        halted: 0-d float32, 1 where the step is to change nothing, which the device alone may know (``found_inf`` of torch's kernels).
        Only ``step`` will do with hooks or sparse gradients, without the fused kernel, where tensors are of several kinds, and under a
        scaler of gradients.
        """
        if self._one_kind is None:
            self._one_kind = _one_kind(self)
        if not self._one_kind or hooked(self) or hasattr(self, "found_inf"):
            return False
        work: list[Work] = []
        begun = True
        for group in self.param_groups:
            held = [p for p in group["params"] if p.grad is not None]
            if any(p.grad.is_sparse for p in held):
                return False
            states = [self.state.get(p, {}) for p in held]
            begun = begun and self._begun(group, states)
            if held:
                work.append(Work(group, held, [p.grad for p in held], states))
        if not begun:
            self._first(halted)
            return True
        self._move(work, halted)
        return True

    def _first(self, halted: Tensor | None) -> None:
        """The update of parameters of which nothing is remembered yet."""
        self._late()
        if halted is not None:
            self.found_inf = halted
        try:
            inspect.unwrap(self._torchs.step)(self)
        finally:
            if halted is not None:
                del self.found_inf

    def _late(self) -> None:
        """Before ``step``: what parameters that learn only from now on need."""

    def _begun(self, group: dict[str, Any], states: States) -> bool:
        """Whether the optimiser remembers all that a step needs."""
        raise NotImplementedError

    def _move(self, work: list[Work], halted: Tensor | None) -> None:
        """The update of all groups."""
        for one in work:
            self._kernel(one, halted)

    def _kernel(self, work: Work, halted: Tensor | None) -> None:
        """A group's update."""
        raise NotImplementedError


class FusedAdam(Fused):
    """Adam and AdamW."""

    _torchs = torch.optim.Adam  # AdamW is one

    def _begun(self, group: dict[str, Any], states: States) -> bool:
        return all(states)

    def _move(self, work: list[Work], halted: Tensor | None) -> None:
        steps = [state["step"] for one in work for state in one.states]
        if not steps:
            return
        if steps[0].is_cpu:  # a list of ones is added in half the time of a number, which is wrapped anew for each
            one_more = torch.ones_like(steps[0])
            torch._foreach_add_(steps, [one_more] * len(steps))
        else:
            torch._foreach_add_(steps, 1)
        super()._move(work, halted)
        if halted is not None:
            torch._foreach_sub_(steps, [halted] * len(steps))

    def _kernel(self, work: Work, halted: Tensor | None) -> None:
        group, held, gradients, states = work
        beta1, beta2 = group["betas"]
        kernel = torch._fused_adamw_ if group["decoupled_weight_decay"] else torch._fused_adam_
        kernel(
            held,
            gradients,
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [state["max_exp_avg_sq"] for state in states] if group["amsgrad"] else [],
            [state["step"] for state in states],
            amsgrad=group["amsgrad"],
            lr=group["lr"],
            beta1=beta1,
            beta2=beta2,
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            maximize=group["maximize"],
            found_inf=halted,
        )


class FusedSGD(Fused):
    """SGD, with momentum or without."""

    _torchs = torch.optim.SGD

    def _begun(self, group: dict[str, Any], states: States) -> bool:
        return not group["momentum"] or all(state.get("momentum_buffer") is not None for state in states)

    def _kernel(self, work: Work, halted: Tensor | None) -> None:
        group, held, gradients, states = work
        torch._fused_sgd_(
            held,
            gradients,
            [state["momentum_buffer"] for state in states] if group["momentum"] else [],
            weight_decay=group["weight_decay"],
            momentum=group["momentum"],
            lr=group["lr"],
            dampening=group["dampening"],
            nesterov=group["nesterov"],
            maximize=group["maximize"],
            is_first_step=False,
            found_inf=halted,
        )


_PRIVATE = (  # names of torch that this rests on; where a version lacks one, ``step`` does the work
    *((torch, name) for name in ("_fused_adam_", "_fused_adamw_", "_fused_sgd_", "_foreach_add_", "_foreach_sub_")),
    *((optimizer, name) for name in ("_global_optimizer_pre_hooks", "_global_optimizer_post_hooks")),
    *((Optimizer, name) for name in ("register_step_pre_hook", "register_step_post_hook")),
)


def _one_kind(asked: Optimizer) -> bool:
    if not all(hasattr(*place) for place in _PRIVATE) or not hasattr(asked, "_optimizer_step_post_hooks"):
        return False
    kinds = {(p.device, p.dtype) for group in asked.param_groups for p in group["params"]}
    return len(kinds) == 1 and all(group["fused"] and isinstance(group["lr"], float) for group in asked.param_groups)
