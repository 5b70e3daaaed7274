"""Batch transforms: items drawn beside each that was met, and what counts as met when a part is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from danlu.data.batches.batch import Batch
from danlu.data.kinds.base import Kind
from danlu.large.arrays import blocks, gathered, zeros
from danlu.large.sorting import sort_order
from danlu.nn.embedding.interactions import Interactions
from danlu.randomness import Position, bits_at

_TRIES = 8
_TABLE = 1 << 25  # pairs of users and items up to which all are looked up in a table
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # its multiples lie evenly in 2⁶⁴ (Knuth 6.4)
LIKED = "liked"


class Asking:
    """liked: least rating that counts, None: all."""

    partners = 0

    def __init__(self, liked: float | None) -> None:
        self.liked = liked

    def choose(self, keys: np.ndarray, at: Position, rows: np.ndarray) -> np.ndarray:
        return np.empty((0, len(keys)), np.int64)

    def counting(self, batch: Batch) -> torch.Tensor:
        """float32 (B,): 1 for a pair that is known and liked."""
        item: Any = batch["item"]
        user: Any = batch["user"]
        found = item >= 0 if not self.training else (item >= 0) & (user >= 0)
        if self.liked is not None and "rating" in batch:
            rating: Any = batch["rating"]
            found = found & (rating >= self.liked)
        counted: torch.Tensor = found.float()
        return counted

    training = False


class Negatives(Asking):
    """Candidates (B, 1 + n): the item that was met, then n drawn evenly from those that the user has not met in training.

    A function of (seed, epoch, sample) alone.
    """

    training = True

    def __init__(self, known: Interactions, count: int, liked: float | None) -> None:
        super().__init__(liked)
        self.count, self.items = count, known.count
        user, item = known.learnt()
        self.pairs = zeros(len(user), np.int64)
        ascending, last = True, -1
        for some in blocks(len(user), user, item):
            self.pairs[some] = made = user[some] * self.items + item[some]
            ascending = ascending and last < made[0] and bool((np.diff(made) > 0).all())
            last = int(made[-1])
        if not ascending:  # a net that is given items in the order of time
            self.pairs = gathered(self.pairs, sort_order(self.pairs))
        starts = np.searchsorted(self.pairs, np.arange(known.users + 1) * self.items)
        self.starts = starts
        # bool: whether a pair may have been met, a byte for each, which is looked up faster than it is found. Where all pairs have room
        # it is whether they were met, else by a hash of them, for which at most one in eight says yes for nothing.
        self.exact = known.users * self.items <= _TABLE
        if self.exact:
            self.table = np.zeros(known.users * self.items, bool)
        else:
            self.table = zeros(1 << (8 * len(self.pairs)).bit_length(), bool)
        for some in blocks(len(self.pairs), self.pairs):
            self.table[self._place(self.pairs[some])] = True
        if len(user) and int(np.diff(starts).max()) >= self.items:
            raise ValueError("a user has met every item: there is none to be drawn beside them")

    def __call__(self, batch: Batch, at: Position, kinds: Mapping[str, Kind]) -> Batch:
        item: Any = batch["item"]
        user: Any = batch["user"]
        drawn = self.draw(user.cpu().numpy(), batch.keys, at)
        candidates = torch.cat([item.clamp_min(0)[:, None], torch.from_numpy(drawn).to(item.device)], dim=1)
        made = batch.with_columns(part=torch.zeros_like(user), candidates=candidates, **{LIKED: self.counting(batch)})
        return replace(made, inputs=("user", "part", "candidates"))

    def draw(self, user: np.ndarray, keys: np.ndarray, at: Position) -> np.ndarray:
        """int64 (B, n), none of which ``user`` (B,) met in training."""
        user = np.maximum(user, 0)
        first = np.arange(self.count) * _TRIES  # each item's tries follow one another
        chosen = self._items(bits_at(at.seed, "negatives", at.epoch, keys[:, None], first))
        row, column = np.nonzero(self._met(user[:, None], chosen))
        for tried in range(1, _TRIES):
            if not len(row):
                return chosen
            again = self._items(bits_at(at.seed, "negatives", at.epoch, keys[row], column * _TRIES + tried))
            chosen[row, column] = again
            met = self._met(user[row], again)
            row, column = row[met], column[met]
        numbers = bits_at(at.seed, "negatives", at.epoch, keys[row], column * _TRIES)
        for place, (one, other) in enumerate(zip(row, column, strict=True)):  # whoever has met nearly everything
            own = self.pairs[self.starts[user[one]] : self.starts[user[one] + 1]] - user[one] * self.items
            left = np.setdiff1d(np.arange(self.items), own, assume_unique=True)
            chosen[one, other] = left[int(numbers[place] % np.uint64(len(left)))]
        return chosen

    def _items(self, numbers: np.ndarray) -> np.ndarray:
        return (numbers % np.uint64(self.items)).astype(np.int64)

    def _met(self, user: np.ndarray, item: np.ndarray) -> np.ndarray:
        """bool, of the shape to which both broadcast."""
        wanted = user * self.items + item
        met = np.ascontiguousarray(self.table[self._place(wanted)])
        if not self.exact:
            asked = np.flatnonzero(met)
            asked = asked[np.argsort(wanted.reshape(-1)[asked])]  # in order they are found in half the time
            pairs = wanted.reshape(-1)[asked]
            place = np.minimum(np.searchsorted(self.pairs, pairs), len(self.pairs) - 1)
            met.reshape(-1)[asked] = self.pairs[place] == pairs
        return met

    def _place(self, pairs: np.ndarray) -> np.ndarray:
        """Where pairs stand in the table."""
        if self.exact:
            return pairs
        return (pairs.view(np.uint64) * _GOLDEN) >> np.uint64(65 - len(self.table).bit_length())

    def __str__(self) -> str:
        return f"negatives {self.count}"


class Asked(Asking):
    """What counts as met when a row is judged: everything in earlier parts than its own. parts: int64 (N,), codes of all rows."""

    def __init__(self, parts: np.ndarray, liked: float | None) -> None:
        super().__init__(liked)
        self.parts = parts

    def __call__(self, batch: Batch, at: Position, kinds: Mapping[str, Kind]) -> Batch:
        user: Any = batch["user"]
        part = torch.from_numpy(self.parts[batch.rows]).to(user.device)
        return replace(batch.with_columns(part=part, **{LIKED: self.counting(batch)}), inputs=("user", "part"))

    def __str__(self) -> str:
        return "asked"
