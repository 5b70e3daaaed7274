"""A loss of one logit a row: the yes of a yes-or-no answer."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from danlu.nn.terms.base import Term


class OneLogit(Term):
    """Another term on outputs (B,), (B, 1), or (B, members, 1) of an ensemble, each member of which learns by itself."""

    def __init__(self, term: Term) -> None:
        super().__init__(term.target, term.output)
        self.term = term
        self.coupled = term.coupled

    def count(self, batch: Any) -> Tensor:
        return self.term.count(batch)

    def forward(self, outputs: Any, batch: Any) -> Tensor:
        found: Tensor = outputs
        target: Tensor = batch[self.target]
        members = found.shape[1] if found.ndim == 3 else 1
        if members > 1:
            target = target.repeat_interleave(members, dim=0)
        total: Tensor = self.term(found.reshape(-1), {self.target: target})
        return total / members
