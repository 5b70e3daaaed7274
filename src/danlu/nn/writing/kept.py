"""Keys and values of many layers, with room for more behind them: a token more is written into it, nothing is copied."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

ROOM = 64  # places: growing by so many costs little beside reading all of them at each, and picked texts copy few empty ones


class Kept:
    """Of L layers, B texts and ``size`` places. It is changed by :meth:`grow` and :meth:`put`; :meth:`pick` gives another.

    both: keys and values (L, 2, B, H, room, d), contiguous. mask: float (B, room), added to the scores: -inf where a text has
    nothing; None: all have something everywhere.
    """

    def __init__(self, both: Tensor, size: int, mask: Tensor | None) -> None:
        self.both, self.size, self.mask = both, size, mask
        self._layers = [(each, each[0].flatten(0, 1), each[1].flatten(0, 1)) for each in both]

    @classmethod
    def of(cls, keys: Tensor, values: Tensor, seen: Tensor | None = None) -> Kept:
        """Copies of keys and values (B, L, H, t, d). seen: bool (B, t); None: everything."""
        both = torch.stack([keys, values]).permute(2, 0, 1, 3, 4, 5).contiguous()
        mask = None
        if seen is not None and not bool(seen.all()):
            mask = torch.zeros(seen.shape, dtype=keys.dtype, device=keys.device).masked_fill(~seen, -math.inf)
        return cls(both, both.shape[4], mask)

    def grow(self) -> None:
        """One place more, which every text has. What stands in it is to be :meth:`put`."""
        if self.size == self.both.shape[4]:
            layers, two, batch, heads, size, width = self.both.shape
            both = self.both.new_empty(layers, two, batch, heads, size + ROOM, width)
            both[..., :size, :] = self.both
            mask = None if self.mask is None else torch.cat([self.mask, self.mask.new_zeros(batch, ROOM)], 1)
            self.__init__(both, size, mask)  # type: ignore[misc]
        self.size += 1

    def put(self, layer: int, pair: Tensor) -> None:
        """What a layer keeps of the last place: key and value (B, 2, H, d)."""
        self._layers[layer][0].select(3, self.size - 1).copy_(pair.transpose(0, 1))

    def pair(self, layer: int) -> tuple[Tensor, Tensor]:
        """Keys and values (B·H, size, d)."""
        _, keys, values = self._layers[layer]
        return keys[:, : self.size], values[:, : self.size]

    def shown(self) -> Tensor | None:
        """The mask (B, size)."""
        return None if self.mask is None else self.mask[:, : self.size]

    def pick(self, rows: np.ndarray) -> Kept:
        """Texts ``rows`` int64 (n,): itself where these are all of them in their order."""
        batch = self.both.shape[2]
        if len(rows) == batch and (rows == np.arange(batch)).all():
            return self
        chosen = torch.from_numpy(rows).to(self.both.device)
        mask = None if self.mask is None else self.mask[chosen]
        return Kept(self.both.index_select(2, chosen), self.size, mask)
