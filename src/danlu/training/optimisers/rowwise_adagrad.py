from __future__ import annotations

from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from danlu.nn.embedding.descent import Rule
from danlu.nn.embedding.native import kernel
from danlu.nn.embedding.pages import zeros
from danlu.training.optimisers._rows import RowOptimizer
from danlu.training.optimisers.base import Groups


class RowwiseAdagrad(RowOptimizer):
    """Adagrad (Duchi et al. 2011) that remembers one number for each row of an embedding: the sum of the mean squares of its gradients.

    Only rows that the batch holds are read or written, so that a step costs the same however long the table (as in DLRM, Naumov et
    al. 2019). All other parameters learn by Adagrad, a number for each element.
    """

    def __init__(
        self, params: Groups, *, lr: float, weight_decay: float = 0.0, eps: Annotated[float, Field(gt=0.0)] = 1e-8
    ) -> None:
        super().__init__(list(params), {"lr": lr, "weight_decay": weight_decay, "eps": eps})

    def rule(self, parameter: Tensor) -> Rule:
        """How a table moves now, and what is remembered of it."""
        group = next(group for group in self.param_groups if any(each is parameter for each in group["params"]))
        keep = 1.0 - group["lr"] * group["weight_decay"]
        return Rule(self._begun(parameter), group["lr"], group["eps"], keep)

    def natively(self, parameter: Tensor, place: Tensor, values: Tensor, group: dict[str, Any], keep: float) -> bool:
        total = self._begun(parameter)
        kernel.adagrad(parameter, total, place, values, lr=group["lr"], eps=group["eps"], keep=keep)
        return True

    def rows(self, parameter: Tensor, place: Tensor, values: Tensor, group: dict[str, Any]) -> None:
        sums = self._begun(parameter)
        flat = values.flatten(1) if values.dim() > 1 else values[:, None]
        size = torch.linalg.vector_norm(flat, dim=1)
        total = sums.index_select(0, place).addcmul_(size, size, value=1.0 / flat.shape[1])
        sums.index_copy_(0, place, total)
        scale = total.sqrt_().add_(group["eps"]).reciprocal_().mul_(-group["lr"])
        parameter.index_add_(0, place, values * scale.view(-1, *[1] * (values.dim() - 1)))

    def whole(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state["sum"] = torch.zeros_like(parameter)
        state["sum"].addcmul_(gradient, gradient)
        parameter.addcdiv_(gradient, state["sum"].sqrt().add_(group["eps"]), value=-group["lr"])

    def _begun(self, parameter: Tensor) -> Tensor:
        """float (rows,): what is remembered of a table."""
        state = self.state[parameter]
        if not state:
            state["sum"] = zeros(parameter, len(parameter))
        found: Tensor = state["sum"]
        return found
