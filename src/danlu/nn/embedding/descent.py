"""One step of matrix factorisation on squared errors by row-wise Adagrad, in closed form: rows are read once and moved at once.

The gradient of (shift + scale · score - rating)² is known, so no graph is needed, and no gradient is written to memory to be read again
by guard and optimiser: what they would ask of it, its norm, is told. The same step as autograd and the optimiser take, to rounding:
gradients are those at the rows as they were, and whoever comes twice in a batch is moved once, by the sum. By the native kernel alone:
in torch's operations it is no quicker than autograd (docs/performance.md).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from danlu.nn.embedding.native import kernel
from danlu.nn.embedding.native import squared as native

_BOUNDS = (
    1e8,
    1e2,
)  # of what is added to a score, and of what multiplies it: with rows of LONGEST nothing overflows then


class Rule(NamedTuple):
    """How row-wise Adagrad moves a table: total (rows,), what it remembers; keep: what decay leaves of a row."""

    total: Tensor
    lr: float
    eps: float
    keep: float


@dataclass(frozen=True)
class Descended:
    """What a step found.

    errors: Σ error². lengths: Σ ‖user's row‖² + ‖item's row‖². slopes: Σ of the scores' gradients, which is the offset's
    own. norm: of the gradients of tables and biases together.
    """

    errors: float
    lengths: float
    slopes: float
    norm: float


class Descent:
    """Steps of tables (rows, D) and (rows', D) on a CPU whose rows' products are scores.

    biases: tables (rows, 1) and (rows', 1) that are added, and offset: a number for all, 0-d, that is added too; None: none. An error
    is ``shift + scale · score - rating``; l2: times the squared lengths of the rows that a pair looks up.

    reach: no row or bias is longer; None: not known. A step moves a row by its rate times √D at most, so that it is seldom worked out.
    """

    def __init__(
        self,
        tables: tuple[Tensor, Tensor],
        biases: tuple[Tensor, Tensor] | None = None,
        offset: Tensor | None = None,
        *,
        shift: float = 0.0,
        scale: float = 1.0,
        l2: float = 0.0,
    ) -> None:
        self.tables, self.biases, self.offset = tables, biases or (), offset
        self.shift, self.scale, self.l2 = shift, scale, l2
        self.reach: float | None = None
        self._room = torch.empty(0, dtype=torch.uint8)

    @property
    def parameters(self) -> tuple[Tensor, ...]:
        """The tables of users and of items, then their biases where there are any: a rule is wanted for each."""
        return *self.tables, *self.biases

    @property
    def possible(self) -> bool:
        """Whether there is a batch with which steps can be done: here, for such tables, with such numbers."""
        return (
            self.tables[0].shape[1] == self.tables[1].shape[1] <= native.WIDEST
            and all(abs(number) <= _BOUNDS[0] for number in (self.shift, self.l2))
            and abs(self.scale) <= _BOUNDS[1]
            and kernel.usable(*self.parameters)
        )

    @torch.no_grad()
    def step(self, users: Tensor, items: Tensor, ratings: Tensor, rules: tuple[Rule, ...]) -> Descended | None:
        """Move the rows of ids int64 (n,) by their mean squared error from float32 ratings (n,); None: nothing was done.

        That is so without the kernel, and for ids or numbers with which autograd's way may end in an error or overflow, which is then
        for it to tell. The offset is left to whoever calls.
        """
        offset = 0.0 if self.offset is None else float(self.offset)
        if not (self.possible and abs(offset) <= _BOUNDS[0] and self._takes(users, items, ratings, rules)):
            self.reach = None  # rows go another way now
            return None
        count, width = len(users), self.tables[0].shape[1]
        numbers = native.Squares(self.shift, self.scale, offset, 2.0 * self.scale / count, 2.0 * self.l2 / count)
        further = max(rule.lr * math.sqrt(table.shape[1]) for table, rule in zip(self.parameters, rules, strict=True))
        if not self._short(further):
            return None
        sides = (native.Side * 2)()
        for way, side in enumerate(sides):
            table, rule = self.tables[way], rules[way]
            side.table, side.total, side.rows = table.data_ptr(), rule.total.data_ptr(), len(table)
            side.lr, side.eps, side.keep = rule[1:]
            if self.biases:
                side.bias, side.bias_total = self.biases[way].data_ptr(), rules[2 + way].total.data_ptr()
                side.bias_lr, side.bias_eps, side.bias_keep = rules[2 + way][1:]
        needed = native.squared_room(count, width)
        if len(self._room) < needed:
            self._room = torch.empty(needed, dtype=torch.uint8)
        found = native.squared(sides, numbers, users, items, ratings, width, self._room)
        return (
            None if found is None else Descended(found.errors, found.lengths, found.slopes, math.sqrt(sum(found.norms)))
        )

    def _takes(self, users: Tensor, items: Tensor, ratings: Tensor, rules: tuple[Rule, ...]) -> bool:
        return (
            all(column.is_cpu and column.dim() == 1 and column.is_contiguous() for column in (users, items, ratings))
            and users.dtype == items.dtype == torch.int64
            and ratings.dtype == torch.float32
            and 0 < len(users) == len(items) == len(ratings) < 1 << 31
            and all(0.0 <= rule.keep <= 1.0 for rule in rules)
            and kernel.usable(*(rule.total for rule in rules))
        )

    def _short(self, further: float) -> bool:
        """Whether no row is so long that a step, which moves it by ``further``, may overflow."""
        if self.reach is None or not self.reach + further <= native.LONGEST:
            longest = [torch.linalg.vector_norm(table, dim=1).max() for table in self.parameters]
            self.reach = float(torch.stack(longest).max())  # torch's maximum of NaN is NaN
        short = self.reach + further <= native.LONGEST  # NaN is not
        if short:
            self.reach += further
        return short
