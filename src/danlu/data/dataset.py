"""A dataset: columns in a cache or behind a stream, with ids, keys, parts and kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from danlu.data.batches.batch import Batch
from danlu.data.kinds.base import Kind
from danlu.data.table import Part


class Store(Protocol):
    """Where prepared values come from: :class:`danlu.data.cache.Cache`, or a stream that prepares on demand."""

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

    def gather(self, rows: np.ndarray, *, partners: int = 0) -> Batch:
        """The batch of int64 ``rows`` with all columns, on the CPU. Duplicates in ``rows`` are allowed."""
        columns = {name: kind.collate(self.store.gather(name, rows)) for name, kind in self.kinds.items()}
        return Batch(columns, self.inputs, rows, self.keys[rows], partners)
