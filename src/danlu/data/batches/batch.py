"""A batch: a few columns, gathered by row (house rule 3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor


class Padded(NamedTuple):
    """Values of many sizes, padded with zeros at the right and bottom to one block.

    values: (B, C, H, W) for images, (B, T, …) for sequences. sizes: int64 (B, 2) = (height, width), or (B, 1) = length.
    """

    values: Tensor
    sizes: Tensor


class Ragged(NamedTuple):
    """A different number of rows for each sample, without padding.

    values: (total, …). offsets: int64 (B + 1,): sample i owns ``values[offsets[i]:offsets[i + 1]]``.
    """

    values: Tensor
    offsets: Tensor


Value = Tensor | Padded | Ragged


@dataclass(frozen=True)
class Batch:
    """What a step works on.

    columns: name → Tensor (B, …), :class:`Padded` or :class:`Ragged`.
    inputs: names of the columns that the net is called with, in order.
    rows: int64 (B,), rows in the dataset. keys: uint64 (B,), for :mod:`danlu.randomness`.
    partners: with mixing transforms, every column holds (1 + partners)·B samples (rows and keys too): the batch itself,
    then the first partner of each, then the second …; the mixing transform consumes them and sets this back to 0.
    """

    columns: Mapping[str, Value]
    inputs: tuple[str, ...]
    rows: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    keys: np.ndarray = field(default_factory=lambda: np.empty(0, np.uint64))
    partners: int = 0

    def __getitem__(self, name: str) -> Value:
        return self.columns[name]

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def __len__(self) -> int:
        return len(self.rows) // (1 + self.partners)

    def arguments(self) -> tuple[Value, ...]:
        """What the net is called with: ``net(*batch.arguments())``."""
        return tuple(self.columns[name] for name in self.inputs)

    def with_columns(self, **columns: Value) -> Batch:
        """A copy with some columns replaced or added."""
        return replace(self, columns={**self.columns, **columns})

    def map(self, change: Callable[[Tensor], Tensor]) -> Batch:
        """A copy with every tensor (also those inside :class:`Padded` and :class:`Ragged`) changed."""

        def changed(value: Any) -> Any:
            return change(value) if isinstance(value, Tensor) else type(value)(*map(change, value))

        return replace(self, columns={name: changed(value) for name, value in self.columns.items()})

    def tensors(self) -> Iterator[Tensor]:
        """Every tensor of every column."""
        for value in self.columns.values():
            yield from (value,) if isinstance(value, Tensor) else value

    def to(self, device: torch.device, non_blocking: bool = False) -> Batch:
        return self.map(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Batch:
        """A copy in page-locked memory, from which copies to a CUDA device don't block (torch's DataLoader calls this
        too).
        """
        return self.map(lambda tensor: tensor.pin_memory())
