"""Feeds for an engineer's own data: tensors, or any loader of (inputs…, target) tuples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from danlu.data.batches.batch import Batch
from danlu.data.batches.order import bounds
from danlu.randomness import key_of, order

TARGET = "target"
BLOCK = 1 << 20  # bytes gathered at once


class TensorFeed:
    """Micro-batches over tensors (N, …), the last of which is the target, in a position-based order.

    A last batch of one sample, from which batch norm can't learn, takes another from the batch before it.
    """

    def __init__(
        self, tensors: Sequence[Any], batch_size: int, seed: int, device: torch.device, shuffle: bool = True
    ) -> None:
        self.tensors = [torch.as_tensor(tensor) for tensor in tensors]
        sizes = {len(tensor) for tensor in self.tensors}
        if len(self.tensors) < 2 or len(sizes) != 1:
            raise ValueError(f"inputs and target must be of one length, got {sorted(sizes)}")
        self.batch_size = batch_size
        self.seed = seed
        self.device = device
        self.shuffle = shuffle
        self.names = (*(f"input{i}" for i in range(len(self.tensors) - 1)), TARGET)
        self.keys = np.arange(len(self.tensors[0]), dtype=np.uint64)
        self.bounds = bounds(len(self.keys), batch_size)
        self.instant = all(tensor.device == device for tensor in self.tensors)

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        rows = order(self.seed, "order", epoch, self.keys) if self.shuffle else np.arange(len(self.keys))
        many = max(1, BLOCK // max(1, sum(t[0].numel() * t.element_size() for t in self.tensors) * self.batch_size))
        bounds = self.bounds[start:]
        for number in range(0, len(bounds) - 1, many):
            some = bounds[number : number + many + 1]
            block = rows[some[0] : some[-1]]
            index = torch.from_numpy(block)
            sizes = [last - first for first, last in pairwise(some)]
            blocks = [tensor[index.to(tensor.device)].to(self.device) for tensor in self.tensors]
            split = [torch.split(block, sizes) for block in blocks]
            keys = self.keys[block]
            for (first, last), *columns in zip(pairwise(some), *split, strict=True):
                a, b = first - some[0], last - some[0]
                yield Batch(dict(zip(self.names, columns, strict=True)), self.names[:-1], block[a:b], keys[a:b])


class LoaderFeed:
    """Any sized iterable of (inputs…, target) tuples, such as torch's DataLoader.

    Before each epoch torch's default generator is seeded from (seed, epoch), so a DataLoader that shuffles with it gives the same order
    again after a resume; ``start`` batches are then read and skipped.
    """

    def __init__(self, loader: Iterable[Any], seed: int, device: torch.device) -> None:
        if not isinstance(loader, Sized):
            raise ValueError("the loader must know its length (an iterable dataset needs one)")
        self.loader = loader
        self.seed = seed
        self.device = device
        self.batch_size = getattr(loader, "batch_size", None) or 0

    def __len__(self) -> int:
        return len(self.loader)  # type: ignore[arg-type]

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        torch.default_generator.manual_seed(key_of(f"loader/{self.seed}/{epoch}") >> 1)
        seen = 0
        for number, item in enumerate(self.loader):
            tensors = [torch.as_tensor(value) for value in item]
            size = len(tensors[0])
            rows = np.arange(seen, seen + size)
            seen += size
            if number >= start:
                names = (*(f"input{i}" for i in range(len(tensors) - 1)), TARGET)
                columns = {name: _moved(value, self.device) for name, value in zip(names, tensors, strict=True)}
                yield Batch(columns, names[:-1], rows, rows.astype(np.uint64))


def _moved(value: Tensor, device: torch.device) -> Tensor:
    return value.to(device, non_blocking=True)
