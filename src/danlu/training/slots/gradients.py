"""The gradient chain, once per effective batch: accumulate → unscale → clip → penalise → guard.

(The reduction over ranks stands between accumulating and unscaling; on one process it is the identity.)
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from danlu.nn.embedding.rows import coalesced
from danlu.training.precision import Precision


class GradientChain:
    """What happens to gradients between backward and the update."""

    def __init__(
        self,
        parameters: Sequence[nn.Parameter],
        precision: Precision,
        clip_norm: float | None,
        l1: float,
        penalised: Sequence[nn.Parameter],
        proximal: bool = False,
    ) -> None:
        self.parameters = [p for p in parameters if p.requires_grad]
        self.precision = precision
        self.clip_norm = clip_norm
        self.l1 = l1
        self.proximal = proximal  # a later slot answers for the penalty
        self.penalised = [p for p in penalised if p.requires_grad]
        self._norms: tuple[list[nn.Parameter], Sequence[Tensor]] = [], ()

    def finish(self, optimizer: Optimizer) -> Tensor:
        """Make the gradients ready for the update; the norm of the loss's gradient before clipping, 0-d float32."""
        self.precision.unscale(optimizer)
        held = [p for p in self.parameters if p.grad is not None]
        gradients = [_values(p) for p in held]
        norms = torch._foreach_norm(gradients) if gradients else ()
        self._norms = held, norms
        if not gradients:
            norm = torch.zeros((), device=self.precision.device)
        else:
            norm = torch.linalg.vector_norm(torch.stack(norms))
            if self.clip_norm is not None:
                torch._foreach_mul_(gradients, (self.clip_norm / (norm + 1e-6)).clamp(max=1.0))
        if self.l1 and not self.proximal:
            self._penalise()
        return norm

    def norms(self) -> dict[nn.Parameter, Tensor]:
        """0-d: of each gradient of the last step, before clipping."""
        return dict(zip(*self._norms, strict=True))

    def penalty(self) -> Tensor:
        """λ·Σ|p| over what learns now, 0-d, for the reported loss."""
        learning = [p.detach() for p in self.penalised if p.requires_grad]
        if not learning:
            return torch.zeros((), device=self.precision.device)
        return self.l1 * torch.stack(torch._foreach_norm(learning, 1)).sum()

    def _penalise(self) -> None:
        """The subgradient λ·sign(p) of the L1 penalty, added once per effective batch and after clipping."""
        with torch.no_grad():
            for parameter in self.penalised:
                if parameter.grad is not None and not parameter.grad.is_sparse:
                    parameter.grad.add_(parameter.sign(), alpha=self.l1)


def _values(parameter: nn.Parameter) -> Tensor:
    """The gradient; of a sparse one the values of its rows, each once, which may be changed in place."""
    gradient = parameter.grad
    assert gradient is not None
    if not gradient.is_sparse:
        return gradient
    parameter.grad = coalesced(gradient)
    return parameter.grad._values()
