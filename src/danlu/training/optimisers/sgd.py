from __future__ import annotations

from typing import Annotated, Any

import torch
from pydantic import Field

from danlu.training.optimisers._fused import FusedSGD
from danlu.training.optimisers.base import Groups, fusible


class SGD(FusedSGD, torch.optim.SGD):
    """Stochastic gradient descent with (Nesterov) momentum; weight decay is L2, scaled by the rate (Sutskever et al. 2013)."""

    def __init__(
        self,
        params: Groups,
        *,
        lr: float,
        weight_decay: float = 0.0,
        momentum: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.9,
        nesterov: bool = True,
        dampening: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0,
    ) -> None:
        groups = list(params)
        super().__init__(
            groups,
            lr=lr,
            weight_decay=weight_decay,
            momentum=momentum,
            nesterov=nesterov and momentum > 0 and dampening == 0,
            dampening=dampening,
            fused=fusible(groups),
        )

    def step(self, closure: Any = None) -> Any:
        self._late()
        return super().step(closure)

    def _late(self) -> None:
        """The fused kernel takes the momenta of all or of none: those of parameters that learn only from now on begin at 0."""
        for group in self.param_groups:
            if not (group["fused"] and group["momentum"]):
                continue
            held = [p for p in group["params"] if p.grad is not None]
            late = [p for p in held if self.state.get(p, {}).get("momentum_buffer") is None]
            if len(late) < len(held):
                for parameter in late:
                    self.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
