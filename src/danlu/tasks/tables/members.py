"""A loss of every member of an ensemble: each learns by itself, only their predictions are averaged."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from danlu.nn.terms.base import Term


class EachMember(Term):
    """The mean over members of another term's sum; outputs (B, members, K), or (B, K) of a net that is no ensemble.

    numbers: whether the target is a number, compared with outputs of one column. mean, std: of the target among training rows: the
    net's outputs are (target - mean) / std.
    """

    def __init__(self, term: Term, numbers: bool = False, mean: float = 0.0, std: float = 1.0) -> None:
        super().__init__(term.target, term.output)
        self.term, self.numbers, self.mean, self.std = term, numbers, mean, std
        self.coupled = term.coupled

    def count(self, batch: Any) -> Tensor:
        return self.term.count(batch)

    def forward(self, outputs: Any, batch: Any) -> Tensor:
        found: Tensor = outputs
        target: Tensor = batch[self.target]
        members = found.shape[1] if found.ndim == 3 else 1
        flat = found.flatten(0, 1) if found.ndim == 3 else found
        if self.numbers:
            flat, target = flat.squeeze(1) if flat.ndim == 2 else flat, (target - self.mean) / self.std
        if members > 1:
            target = target.repeat_interleave(members, dim=0)
        total: Tensor = self.term(flat, {self.target: target})
        return total / members
