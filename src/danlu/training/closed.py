"""A step in closed form: what forward, backward, gradient chain and update do together, where somebody can say it in one go.

An objective that can offers one (:meth:`danlu.training.objective.Objective.closed`). It is the step that the loop's own way would take,
to rounding. Steps that somebody looks into are computed both ways, and move by this one: looking changes nothing (house rule 2).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

from torch import Tensor

from danlu.data.batches.batch import Batch
from danlu.training.plan import Plan


class Closed(NamedTuple):
    """What a step tells: loss 0-d, terms Sₖ/Cₖ (K,), counts Cₖ float64 (K,), and the norm of the gradient, 0-d float32."""

    loss: Tensor
    terms: Tensor
    counts: Tensor
    norm: Tensor


class ClosedStep(ABC):
    """Moves the weights at once."""

    @abstractmethod
    def step(self, batch: Batch) -> Closed | None:
        """One step on an effective batch, at the optimiser's rates of now. None: nothing was done, and the loop's own way is to be
        taken; so wherever a number might not stay finite.
        """

    @abstractmethod
    def state(self) -> float | None:
        """What decides whether a step is taken, beside weights and batch; None: nothing yet."""

    @abstractmethod
    def load(self, state: float | None) -> None:
        """The inverse of :meth:`state`."""


def possible(plan: Plan) -> bool:
    """Whether nothing stands between the gradients of one batch and the update but the guard."""
    return (
        plan.accumulate == 1
        and plan.clip_norm is None
        and not plan.l1
        and plan.sam is None
        and plan.swa is None
        and plan.precision != "fp16"
        and not plan.compiled
        and plan.device.type == "cpu"
    )
