"""A dataset: columns in a cache or behind a stream, with ids, keys, parts and kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from danlu.data.batches.batch import Batch
from danlu.data.kinds.base import Kind
from danlu.data.table import Part
from danlu.errors import DataError
from danlu.messages import say


class Store(Protocol):
    """Where prepared values come from: :class:`danlu.data.cache.Cache`, or :class:`danlu.data.stream.Stream`, which
    prepares on demand.

    A store may also offer ``gather_all(columns, rows) -> dict``, where rows are prepared as wholes; and say by
    ``instant`` (default True) that gathering is a mere copy of memory, so that nothing is won by doing it ahead, or by
    ``on_demand`` (default False) that it prepares rows each time.
    """

    def gather(self, column: str, rows: np.ndarray) -> Any:
        """Prepared values of int64 ``rows``: ndarray (B, *shape) for fixed layouts, else a list of B ndarrays."""
        ...


@dataclass(frozen=True)
class Dataset:
    """Everything a run needs of its data.

    kinds: column → fitted kind. inputs / targets: column names in the task's order. ids: str (N,). keys: uint64 (N,).
    parts: part → int64 rows, sorted. statistics: column → what ``Kind.statistics`` said of the training rows.
    card: JSON-able data card. origins: str (N,) for messages.
    """

    store: Store
    kinds: Mapping[str, Kind]
    inputs: tuple[str, ...]
    targets: tuple[str, ...]
    ids: Sequence[str]
    origins: Sequence[str]
    keys: np.ndarray
    parts: Mapping[Part, np.ndarray]
    statistics: Mapping[str, Mapping[str, Any]]
    card: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def instant(self) -> bool:
        """Whether gathering is a mere copy of memory."""
        return bool(getattr(self.store, "instant", True))

    @property
    def on_demand(self) -> bool:
        """Whether rows are prepared each time they are gathered, which is work for other processes."""
        return bool(getattr(self.store, "on_demand", False))

    def rows(self, part: Part) -> np.ndarray:
        """int64: the part's rows, sorted. Raises DataError where there are none."""
        rows = self.parts.get(part)
        if rows is None or not len(rows):
            raise DataError.of("data.split", say("cache.no-rows", part=part), say("cache.no-rows.remedy", part=part))
        return rows

    def lengths(self, rows: np.ndarray) -> np.ndarray | None:
        """int64 (B,): how long the sequences among inputs and targets are, together; None where no input is one, or the store can't
        tell.
        """
        ask = getattr(self.store, "lengths", None)
        if not any(self.kinds[name].sequence for name in self.inputs):
            return None
        columns = [name for name in (*self.inputs, *self.targets) if self.kinds[name].sequence]
        found = [ask(name, rows) for name in columns] if ask is not None else []
        known = [each for each in found if each is not None]
        return np.asarray(np.sum(known, axis=0, dtype=np.int64)) if known else None

    def gather(self, rows: np.ndarray, *, keys: np.ndarray | None = None, partners: int = 0) -> Batch:
        """The batch of int64 ``rows`` with all columns, on the CPU. Duplicates in ``rows`` are allowed.

        keys: uint64 like ``rows``, instead of the samples' own (where a sampler drew one twice).
        """
        together = getattr(self.store, "gather_all", None)
        values = (
            together(self.kinds, rows) if together else {name: self.store.gather(name, rows) for name in self.kinds}
        )
        columns = {name: kind.collate(values[name]) for name, kind in self.kinds.items()}
        return Batch(columns, self.inputs, rows, self.keys[rows] if keys is None else keys, partners)
