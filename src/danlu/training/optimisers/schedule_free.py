from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.optim import Optimizer

from danlu.training.optimisers.base import Groups

Beta = Annotated[float, Field(gt=0.0, lt=1.0)]


class ScheduleFree(Optimizer):
    """Schedule-Free AdamW or SGD (Defazio et al. 2024): averaging of the steps stands in for a falling rate, whenever training ends.

    Three weights belong to each parameter: z takes the steps, x is the mean of all z (weighed by the square of the largest rate so
    far), and the net's own y = (1 - momentum)·z + momentum·x, where gradients are taken. What is to be judged, kept and exported is x,
    :meth:`mean`. The same numbers as the authors' package ``schedulefree`` in training mode; here each parameter counts its own steps,
    so that one which is thawed late is averaged from then on.

    form: how a gradient becomes a step. momentum: takes the place of SGD's, and of Adam's first beta. beta2, eps: of AdamW.
    Decay is taken at y: decoupled in AdamW, added to the gradient in SGD.
    """

    def __init__(
        self,
        params: Groups,
        *,
        lr: float,
        weight_decay: float = 0.0,
        form: Literal["adamw", "sgd"] = "adamw",
        momentum: Beta = 0.9,
        beta2: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.999,
        eps: Annotated[float, Field(gt=0.0)] = 1e-8,
    ) -> None:
        self.form = form
        self.beta2 = beta2
        self.eps = eps
        super().__init__(list(params), {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            together: dict[tuple[int, float, float], list[nn.Parameter]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    state = self._begun(parameter)
                    together.setdefault((state["step"], state["largest"], state["weights"]), []).append(parameter)
            for (done, largest, weights), parameters in together.items():
                self._move(group, parameters, done, largest, weights)

    def mean(self, parameter: nn.Parameter) -> Tensor:
        """x of a parameter, which is y of one that has not learnt yet."""
        state, value = self.state.get(parameter, {}), parameter.detach()
        if "z" not in state:
            return value
        return torch.lerp(value, state["z"], 1 - 1 / self.defaults["momentum"])

    def _begun(self, parameter: nn.Parameter) -> dict[str, Any]:
        state: dict[str, Any] = self.state[parameter]
        if "z" not in state:
            state.update(
                step=0, largest=0.0, weights=0.0, z=parameter.detach().clone(memory_format=torch.preserve_format)
            )
            if self.form == "adamw":
                state["exp_avg_sq"] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
        return state

    def _move(
        self, group: dict[str, Any], parameters: list[nn.Parameter], done: int, largest: float, weights: float
    ) -> None:
        """One step of parameters that have had equally many. largest: rate so far. weights: sum of those of the mean."""
        lr, momentum, decay = group["lr"], group["momentum"], group["weight_decay"]
        largest = max(lr, largest)
        weights += largest**2
        share = largest**2 / weights if weights else 0.0
        states = [self.state[parameter] for parameter in parameters]
        y, z = [parameter.detach() for parameter in parameters], [state["z"] for state in states]
        moves = [parameter.grad for parameter in parameters if parameter.grad is not None]
        if self.form == "adamw":
            squares = [state["exp_avg_sq"] for state in states]
            torch._foreach_mul_(squares, self.beta2)
            torch._foreach_addcmul_(squares, moves, moves, value=1 - self.beta2)
            sizes = torch._foreach_div(squares, 1 - self.beta2 ** (done + 1))
            torch._foreach_sqrt_(sizes)
            torch._foreach_add_(sizes, self.eps)
            moves = list(torch._foreach_div(moves, sizes))
        if decay:
            moves = list(torch._foreach_add(moves, y, alpha=decay))
        torch._foreach_lerp_(y, z, weight=share)
        torch._foreach_add_(y, moves, alpha=lr * (momentum * (1 - share) - 1))
        torch._foreach_sub_(z, moves, alpha=lr)
        for state in states:
            state["step"], state["largest"], state["weights"] = done + 1, largest, weights
