"""torch's fused Adam without what surrounds it: of a small net's step that bookkeeping is a third."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer, optimizer


class FusedAdam(Optimizer):
    """Adam or AdamW of torch that can call the fused kernel by itself: the same numbers to the bit."""

    _one_kind: bool | None = None

    @torch.no_grad()
    def quick(self) -> bool:
        """Do what ``step`` does, by the kernel alone; False, and nothing done, where only ``step`` will do.

        So it is for a parameter's first update, with hooks, without the fused kernel, and where tensors are of several kinds or a
        device decides whether the step counts.
        """
        if self._one_kind is None:
            self._one_kind = _one_kind(self)
        if not self._one_kind or _hooked(self) or hasattr(self, "found_inf"):
            return False
        work: list[tuple[dict[str, Any], list[Tensor], list[dict[str, Any]]]] = []
        for group in self.param_groups:
            held = [p for p in group["params"] if p.grad is not None]
            states = [self.state.get(p, {}) for p in held]
            if not all(states):
                return False
            if held:
                work.append((group, held, states))
        for group, held, states in work:
            _update(group, held, states)
        return True


def _update(group: dict[str, Any], held: list[Tensor], states: list[dict[str, Any]]) -> None:
    beta1, beta2 = group["betas"]
    steps = [state["step"] for state in states]
    torch._foreach_add_(steps, 1)
    kernel = torch._fused_adamw_ if group["decoupled_weight_decay"] else torch._fused_adam_
    kernel(
        held,
        [p.grad for p in held],  # type: ignore[misc]
        [state["exp_avg"] for state in states],
        [state["exp_avg_sq"] for state in states],
        [state["max_exp_avg_sq"] for state in states] if group["amsgrad"] else [],
        steps,
        amsgrad=group["amsgrad"],
        lr=group["lr"],
        beta1=beta1,
        beta2=beta2,
        weight_decay=group["weight_decay"],
        eps=group["eps"],
        maximize=group["maximize"],
    )


def _one_kind(asked: Optimizer) -> bool:
    kinds = {(p.device, p.dtype) for group in asked.param_groups for p in group["params"]}
    plain = all(
        group["fused"] and isinstance(group["lr"], float) and "decoupled_weight_decay" in group
        for group in asked.param_groups
    )
    return plain and len(kinds) == 1


def _hooked(asked: Optimizer) -> bool:
    everywhere = (optimizer._global_optimizer_pre_hooks, optimizer._global_optimizer_post_hooks)
    return any((*everywhere, asked._optimizer_step_pre_hooks, asked._optimizer_step_post_hooks))
