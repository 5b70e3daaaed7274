from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import Field
from torch import Tensor

from danlu.nn.embedding.native import kernel
from danlu.nn.embedding.pages import zeros
from danlu.training.optimisers._rows import RowOptimizer
from danlu.training.optimisers.base import Groups

Beta = Annotated[float, Field(ge=0.0, lt=1.0)]


class SparseAdam(RowOptimizer):
    """Adam that touches only the rows of an embedding that the batch holds: "lazy", as ``torch.optim.SparseAdam``.

    A row's momenta rest while it is not met. All other parameters learn by AdamW.
    """

    def __init__(
        self,
        params: Groups,
        *,
        lr: float,
        weight_decay: float = 0.0,
        betas: tuple[Beta, Beta] = (0.9, 0.999),
        eps: Annotated[float, Field(gt=0.0)] = 1e-8,
    ) -> None:
        super().__init__(list(params), {"lr": lr, "weight_decay": weight_decay, "betas": betas, "eps": eps})

    def natively(self, parameter: Tensor, place: Tensor, values: Tensor, group: dict[str, Any], keep: float) -> bool:
        mean, square, rate, floor = self._begun(parameter, group)
        kernel.adam(parameter, mean, square, place, values, rate=rate, eps=floor, betas=group["betas"], keep=keep)
        return True

    def rows(self, parameter: Tensor, place: Tensor, values: Tensor, group: dict[str, Any]) -> None:
        mean, square, rate, floor = self._begun(parameter, group)
        moved = mean.index_select(0, place).lerp_(values, 1 - group["betas"][0])
        mean.index_copy_(0, place, moved)
        second = square.index_select(0, place).mul_(group["betas"][1])
        second.addcmul_(values, values, value=1 - group["betas"][1])
        square.index_copy_(0, place, second)
        parameter.index_add_(0, place, moved.div_(second.sqrt_().add_(floor)), alpha=-rate)

    def whole(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        mean, square, rate, floor = self._begun(parameter, group)
        mean.lerp_(gradient, 1 - group["betas"][0])
        square.mul_(group["betas"][1]).addcmul_(gradient, gradient, value=1 - group["betas"][1])
        parameter.addcdiv_(mean, square.sqrt().add_(floor), value=-rate)

    def _begun(self, parameter: Tensor, group: dict[str, Any]) -> tuple[Tensor, Tensor, float, float]:
        """(mean, mean square, rate, eps), the last two such that no further correction of the beginning is needed."""
        state = self.state[parameter]
        if not state:
            state["step"] = 0
            state["exp_avg"], state["exp_avg_sq"] = (
                zeros(parameter, *parameter.shape),
                zeros(parameter, *parameter.shape),
            )
        state["step"] += 1
        first, second = (1 - beta ** state["step"] for beta in group["betas"])
        root = math.sqrt(second)
        return state["exp_avg"], state["exp_avg_sq"], group["lr"] * root / first, group["eps"] * root
