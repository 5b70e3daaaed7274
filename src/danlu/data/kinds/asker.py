"""Who asks for recommendations: a user, or somebody who likes an item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from danlu.data.kinds.base import BadValue, Framing, Prepared
from danlu.data.kinds.catalogue import names_of
from danlu.data.kinds.id import Id, _order
from danlu.data.tabular.content import read
from danlu.messages import say

LIKE = "like:"  # before an item's id: what is more like it?
_ITEM = -2  # the first item's code; the k-th has -2 - k


@dataclass(frozen=True)
class Asker(Id):
    """The place of a user of training rows, -1 for another; or, for "like:ITEM", -2 less the item's place. items: all there are."""

    items: tuple[str, ...] = ()

    name: ClassVar[str] = "asker"
    section: ClassVar[str] = "id"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "items", tuple(self.items))

    @classmethod
    def fit(cls, raws: Sequence[Any], options: Mapping[str, Any]) -> Asker:
        """options: together, users and items of the same rows; titles, the table of items."""
        _, items = options.get("together") or (raws, ())
        path = options.get("titles")
        ids = read(Path(str(path)).expanduser())[0] if path else []
        every = sorted(names_of(items) | set(ids) - {""}, key=_order)
        return cls(tuple(sorted(names_of(raws), key=_order)), (), tuple(every))

    @cached_property
    def _items(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.items)}

    def prepare(self, raw: Any, framing: Framing | None = None) -> Prepared:
        """Raises :class:`BadValue` for an item that nobody knows."""
        if not (isinstance(raw, str) and raw.startswith(LIKE)):
            return super().prepare(raw, framing)
        name = raw.removeprefix(LIKE).strip()
        if name not in self._items:
            raise BadValue(say("content.no-item", name=name[:60]))
        return Prepared(np.asarray(_ITEM - self._items[name], np.int64))

    def prepare_many(self, raws: Sequence[Any]) -> np.ndarray | None:
        if any(isinstance(raw, str) and raw.startswith(LIKE) for raw in raws):
            return None
        return super().prepare_many(raws)

    def spec(self) -> dict[str, Any]:
        return {**super().spec(), "items": list(self.items)}
