"""InfoNCE: the item that a user met, among those that the others in the batch met."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from danlu.nn.terms.base import Term

if TYPE_CHECKING:
    from danlu.data.batches.batch import Batch


class InfoNCE(Term):
    """-log softmax((user·item + bias) / temperature - log q) at one's own item, over the items of the effective batch.

    output: {"user": (B, D), "item": (B, D), "bias": (B,), "log_q": (B,), "met": int64 (B,)}. log_q: logarithm of the share of the rows
    that each item has, which takes out that frequent items are drawn more often (Yi et al. 2019). Rows with the same ``met`` are not
    each other's negatives. Where all items are scored, as in evaluation ({"scores": (B, items)}, -inf for none): over those, a row
    whose own item is no candidate adding 0. target:
    float (B,), 1 for rows that count, 0 for others, which neither attract nor repel. coupled. van den Oord et al. 2018.
    """

    coupled = True

    def __init__(
        self, target: str, output: str | None = None, *, temperature: Annotated[float, Field(gt=0)] = 1.0
    ) -> None:
        super().__init__(target, output)
        self.temperature = temperature

    def count(self, batch: Batch) -> Tensor:
        target: Any = batch[self.target]
        total: Tensor = target.double().sum()
        return total

    def forward(self, outputs: Any, batch: Batch) -> Tensor:
        given = outputs if self.output is None else outputs[self.output]
        counts: Any = batch[self.target]
        there = counts > 0
        if "scores" in given:
            item: Any = batch["item"]
            scores = given["scores"].float() / self.temperature
            loss = scores.logsumexp(1) - scores.gather(1, item.clamp_min(0)[:, None])[:, 0]
            return torch.where(there & loss.isfinite(), loss, 0.0).sum()
        user, vectors, bias, log_q = (given[name].float() for name in ("user", "item", "bias", "log_q"))
        met = given["met"]
        own = torch.eye(len(met), dtype=torch.bool, device=met.device)
        scores = (user @ vectors.T + bias[None]) / self.temperature - log_q[None]
        others = there[None] & (met[:, None] != met[None])
        scores = scores.masked_fill(~(own | others), -torch.inf)
        return torch.where(there, scores.logsumexp(1) - scores.diagonal(), 0.0).sum()

    def extra_repr(self) -> str:
        return f"temperature={self.temperature}"
