"""The objective: Σ wₖ·Sₖ/Cₖ over named terms, with counts of the whole effective batch (house rule 4)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from danlu.data.batches.batch import Batch
from danlu.nn.terms.base import Term

if TYPE_CHECKING:
    from danlu.training.closed import ClosedStep


class Objective(nn.Module):
    """Named, weighted terms.

    Usage per effective batch: ``counts = Σ objective.counts(micro)`` over its micro-batches (all-reduced over ranks), then for each
    micro-batch ``loss, parts = objective(outputs, micro, counts)`` and ``loss.backward()``: gradients add up to the full batch's.
    """

    def __init__(self, terms: Mapping[str, Term], weights: Mapping[str, float] | None = None) -> None:
        super().__init__()
        self.terms = nn.ModuleDict(
            {name.replace(".", "/"): term for name, term in terms.items()}
        )  # torch allows no dots
        self.weights = {name: float((weights or {}).get(name, 1.0)) for name in terms}
        unknown = set(weights or {}) - set(terms)
        if unknown:
            raise ValueError(f"weights for terms that are not there: {sorted(unknown)}")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.weights)

    @property
    def coupled(self) -> tuple[str, ...]:
        """Names of the terms whose samples enter each other's loss."""
        both = zip(self.weights, self.terms.values(), strict=True)
        return tuple(name for name, term in both if term.coupled)  # type: ignore[union-attr]

    def closed(self, net: nn.Module, optimizer: Optimizer) -> ClosedStep | None:
        """Steps of ``net`` by ``optimizer`` in closed form, where there is one for this objective."""
        return None

    def counts(self, batch: Batch) -> Tensor:
        """float64 (terms,): what this micro-batch adds to each term's count, from targets alone."""
        counts = [term.count(batch).double() for term in self.terms.values()]  # type: ignore[operator]
        return torch.stack(counts) if len(counts) > 1 else counts[0].reshape(1)

    def forward(self, outputs: Any, batch: Batch, counts: Tensor) -> tuple[Tensor, Tensor]:
        """(loss, parts): 0-d loss of this micro-batch's share, and detached parts (terms,) = Sₖ/Cₖ before weighting.

        counts: float64 (terms,) of the whole effective batch. A term whose count is 0 (every label ignored) adds exactly 0, not NaN.
        """
        sums: Sequence[Tensor] = [term(outputs, batch) for term in self.terms.values()]
        loss: Tensor | None = None
        parts = []
        for weight, total, divisor in zip(self.weights.values(), sums, _divisors(counts), strict=True):
            share = total / (divisor.to(total.dtype) if isinstance(divisor, Tensor) else divisor)
            parts.append(share.detach())
            weighted = share if weight == 1.0 else share * weight
            loss = weighted if loss is None else loss + weighted
        if loss is None:
            raise ValueError("an objective needs at least one term")
        return loss, torch.stack(parts) if len(parts) > 1 else parts[0].reshape(1)


def _divisors(counts: Tensor) -> Sequence[Tensor | float]:
    """Each count, or infinity where it is 0. On a CPU as plain numbers: the same quotients for a tenth of the calls' cost."""
    if counts.is_cpu:
        return [count if count > 0 else math.inf for count in counts.tolist()]
    return torch.where(counts > 0, counts, torch.inf).unbind()
