"""What the optimisers of sparse gradients share: a step touches the rows of the batch alone."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from danlu.nn.embedding.native import kernel
from danlu.nn.embedding.rows import coalesced


class RowOptimizer(Optimizer):
    """Parameters with sparse gradients move by :meth:`rows`, all others by :meth:`whole`.

    Gradients of the same row are added before anything is made of them: a user who comes twice in a batch takes one step, by the sum.
    Decay is decoupled, and reaches a row when the batch does.
    """

    rows_alone = True  # whoever watches an update need not look at other rows than the gradient's

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                gradient = parameter.grad
                if gradient is None:
                    continue
                if gradient.is_sparse:
                    gradient = coalesced(gradient)
                    place, values = gradient._indices()[0], gradient._values()
                    if len(place):
                        self._rows(parameter, place, values, group)
                else:
                    if group["weight_decay"]:
                        parameter.mul_(1.0 - group["lr"] * group["weight_decay"])
                    self.whole(parameter, gradient, group)
        return loss

    def _rows(self, parameter: Tensor, place: Tensor, values: Tensor, group: dict[str, Any]) -> None:
        keep = 1.0 - group["lr"] * group["weight_decay"]
        table = parameter.detach()
        native = kernel.usable(table, values) and kernel.within(place, len(table))
        if native and self.natively(parameter, place, values, group, keep):
            return
        if keep != 1.0:
            parameter.index_copy_(0, place, parameter.index_select(0, place).mul_(keep))
        self.rows(parameter, place, values, group)

    def natively(self, parameter: Tensor, place: Tensor, values: Tensor, group: dict[str, Any], keep: float) -> bool:
        """Decay to ``keep`` and :meth:`rows`, by the native kernel; False: it has none for this. All tensors are as it takes them."""
        return False

    def rows(self, parameter: Tensor, place: Tensor, values: Tensor, group: dict[str, Any]) -> None:
        """place: int64 (n,), each once. values: (n, …), their gradients."""
        raise NotImplementedError

    def whole(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        """A dense gradient."""
        raise NotImplementedError
