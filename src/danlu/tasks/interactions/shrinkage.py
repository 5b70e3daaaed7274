"""L2 on the embeddings that a batch looks up, as matrix factorisation has it (Koren et al. 2009): who is met often is held as often.

Weight decay draws at every row in every step, whether it was looked up or not, and so holds the rare ones far more than the frequent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from danlu.nn.terms.base import Term
from danlu.training.objective import Objective

if TYPE_CHECKING:
    from danlu.data.batches.batch import Batch

SQUARES = "squares"
NAME = "l2"


def told(scorer: nn.Module, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What ``scorer`` says of users (B,) and items, and its ``squares`` of both."""
    if getattr(scorer, "joint", False):
        found: tuple[Tensor, Tensor, Tensor] = scorer(users, items, lengths=True)
        return found
    scores: Tensor = scorer(users, items)
    return scores, *scorer.squares(users, items)  # type: ignore[operator]


class Shrinkage(Term):
    """Outputs {"squares": (B,)}, summed squares of each sample's embeddings; nothing where they are not told, as in evaluation.

    Counts as ``beside``, the loss that it stands beside; known: (B,) column of which samples count (1) or don't (0); None: all do.
    """

    def __init__(self, beside: Term, known: str | None) -> None:
        super().__init__(beside.target)
        self._beside, self._known = [beside], known  # in a list: it is a term of its own

    def count(self, batch: Batch) -> Tensor:
        return self._beside[0].count(batch)

    def forward(self, outputs: Any, batch: Batch) -> Tensor:
        if not isinstance(outputs, dict) or SQUARES not in outputs:
            target: Any = batch[self.target]
            return torch.zeros((), device=target.device)
        each: Tensor = outputs[SQUARES].float()
        if self._known is not None:
            weight: Any = batch[self._known]
            each = each * weight.to(each.dtype)
        return each.sum()


class Valued(Term):
    """``term`` of the values in {"value": (B,), "squares": (B,)}, or of the values themselves."""

    def __init__(self, term: Term) -> None:
        super().__init__(term.target)
        self.term = term

    def count(self, batch: Batch) -> Tensor:
        return self.term.count(batch)

    def forward(self, outputs: Any, batch: Batch) -> Tensor:
        found: Tensor = self.term(outputs["value"] if isinstance(outputs, dict) else outputs, batch)
        return found


def beside(name: str, term: Term, weight: float, known: str | None = None) -> tuple[dict[str, Term], dict[str, float]]:
    """Terms and weights of :func:`shrunk`."""
    if not weight:
        return {name: term}, {}
    return {name: term, NAME: Shrinkage(term, known)}, {NAME: weight}


def shrunk(name: str, term: Term, weight: float, known: str | None = None) -> Objective:
    """The objective of ``term``, and ``weight`` times the squares beside it where it is not 0."""
    return Objective(*beside(name, term, weight, known))
