"""Ratings by squared errors: the loss, and its steps in closed form."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from danlu.data.batches.batch import Batch
from danlu.nn.embedding.descent import Descent
from danlu.nn.native.lent import unseen
from danlu.nn.nets.collaborative_filtering import CollaborativeFiltering
from danlu.nn.terms.base import Term
from danlu.tasks.rating_prediction.net import Rater
from danlu.training.closed import Closed, ClosedStep
from danlu.training.objective import Objective
from danlu.training.optimisers.base import hooked
from danlu.training.optimisers.rowwise_adagrad import RowwiseAdagrad


class SquaredErrors(Objective):
    """A mean squared error of column ``rating``, and L2 on the rows beside it where ``l2`` is not 0."""

    def __init__(self, terms: Mapping[str, Term], weights: Mapping[str, float], l2: float) -> None:
        super().__init__(terms, weights)
        self.l2 = l2

    def closed(self, net: nn.Module, optimizer: Optimizer) -> ClosedStep | None:
        """For matrix factorisation with sparse tables and without dropout, learning by row-wise Adagrad."""
        if type(net) is not Rater or type(net.scorer) is not CollaborativeFiltering:
            return None
        scorer, learning = net.scorer, all(p.requires_grad for p in net.parameters())
        if not (scorer.joint and not scorer.dropout.p and learning and type(optimizer) is RowwiseAdagrad):
            return None
        steps = _Steps(net, scorer, optimizer, self.l2) if net.told or not self.l2 else None
        return steps if steps is not None and steps.descent.possible else None


class _Steps(ClosedStep):
    def __init__(self, net: Rater, scorer: CollaborativeFiltering, optimizer: RowwiseAdagrad, l2: float) -> None:
        self.net, self.scorer, self.optimizer, self.l2 = net, scorer, optimizer, l2
        self._parameters, self._layers = tuple(net.parameters()), tuple(net.modules())  # asked in every step
        self.offset = scorer.offset if scorer.biases else None
        self.load(None)

    def step(self, batch: Batch) -> Closed | None:
        users, items, ratings = batch["user"], batch["item"], batch["rating"]
        if not (self._free() and all(isinstance(column, Tensor) for column in (users, items, ratings))):
            self.descent.reach = None  # rows go another way now
            return None
        rules = tuple(self.optimizer.rule(p) for p in self.descent.parameters)
        found = self.descent.step(users, items, ratings.float(), rules)  # type: ignore[arg-type,union-attr]
        if found is None:
            return None
        square = found.norm**2
        for parameter in self.descent.parameters:
            parameter.grad = None
        if self.offset is not None:  # it alone has a gradient to be moved by
            square += found.slopes**2
            self.offset.grad = torch.tensor(found.slopes, dtype=self.offset.dtype)
            self.optimizer.step()
            self.offset.grad = None
        count = len(batch)
        terms = [found.errors / count, self.square * found.lengths / count][: 2 if self.l2 else 1]
        loss = terms[0] + self.l2 * sum(terms[1:])
        counts = torch.full((len(terms),), float(count), dtype=torch.float64)
        return Closed(torch.tensor(loss), torch.tensor(terms), counts, torch.tensor(square**0.5))

    def state(self) -> float | None:
        return self.descent.reach

    def load(self, state: float | None) -> None:
        net, scorer = self.net, self.scorer
        tables = scorer.user_embeddings.weight, scorer.item_embeddings.weight
        biases = (scorer.user_biases.weight, scorer.item_biases.weight) if scorer.biases else None
        mean, deviation = float(net.mean), float(net.deviation)  # as they were loaded
        self.square = deviation * deviation
        self.descent = Descent(tables, biases, self.offset, shift=mean, scale=deviation, l2=self.l2 * self.square)
        self.descent.reach = state

    def _free(self) -> bool:
        """Whether everything learns, and nobody wants to be called on the way."""
        return (
            all(p.requires_grad and not p._backward_hooks and not _after(p) for p in self._parameters)
            and unseen(*self._layers)
            and not hooked(self.optimizer)
        )


def _after(parameter: Tensor) -> bool:
    return bool(getattr(parameter, "_post_accumulate_grad_hooks", None))
