"""Which samples of a batch spoil a step: those without which it is finite."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor

from danlu.data.batches.batch import Batch, Padded, Ragged, Value
from danlu.training.nonfinite.layers import bad

_ONE_BY_ONE = 16  # of so many at most each is tried alone


def culprits(spoils: Callable[[np.ndarray], bool], size: int, suspects: Iterable[int]) -> np.ndarray:
    """int64 sample indices: replacing these by other samples makes the step finite; empty where no half of the batch is enough, or the
    step is finite this time.

    spoils: whether the step is spoilt with the samples at int64 (size,) in place of 0 … size - 1. suspects: tried first. The batch
    keeps its size, so that dropout and batch norm stay what they were.
    """
    if not spoils(np.arange(size)):
        return np.empty(0, np.int64)
    named = np.array(sorted(suspects), np.int64)
    if 0 < len(named) < size and not spoils(_without(named, size)):
        return named
    some = np.arange(size)
    while len(some) > 1:
        halves = some[: len(some) // 2], some[len(some) // 2 :]
        cure = next((half for half in halves if not spoils(_without(half, size))), None)
        if cure is None:
            break
        some = cure
    if len(some) == size:
        return np.empty(0, np.int64)
    for one in some if 1 < len(some) <= _ONE_BY_ONE else ():
        fewer = some[some != one]
        if len(fewer) and not spoils(_without(fewer, size)):
            some = fewer
    return some


def _without(some: np.ndarray, size: int) -> np.ndarray:
    """0 … size - 1 with ``some`` replaced by the others in turn."""
    index = np.arange(size)
    index[some] = np.resize(np.setdiff1d(index, some), len(some))
    return index


def take(batch: Batch, index: np.ndarray) -> Batch:
    """The batch with the samples at int64 ``index`` (B,), in that order, each as often as it stands there."""
    picked = torch.from_numpy(index)
    columns = {name: _picked(value, picked) for name, value in batch.columns.items()}
    return Batch(columns, batch.inputs, batch.rows[index], batch.keys[index])


def spoilt_samples(value: Value) -> np.ndarray:
    """int64 indices of the samples of a column that hold NaN or infinity."""
    values = value if isinstance(value, Tensor) else value.values
    if not bad(values):
        return np.empty(0, np.int64)
    rows = (~torch.isfinite(values)).reshape(len(values), -1).any(1).nonzero().flatten().cpu().numpy()
    if isinstance(value, Ragged):
        rows = np.unique(np.searchsorted(value.offsets.cpu().numpy(), rows, side="right") - 1)
    return rows.astype(np.int64)


def _picked(value: Value, index: Tensor) -> Value:
    if isinstance(value, Padded):
        return Padded(_rows(value.values, index), _rows(value.sizes, index))
    if not isinstance(value, Ragged):
        return _rows(value, index)
    offsets = value.offsets.cpu()
    parts = [value.values[offsets[i] : offsets[i + 1]] for i in index.tolist()]
    lengths = torch.tensor([0, *map(len, parts)], dtype=offsets.dtype)
    return Ragged(torch.cat(parts), lengths.cumsum(0).to(value.offsets.device))


def _rows(value: Tensor, index: Tensor) -> Tensor:
    """In the memory format it has: a convolution's bits depend on it."""
    picked = value[index.to(value.device)]
    last = value.ndim == 4 and value.is_contiguous(memory_format=torch.channels_last)
    return picked.contiguous(memory_format=torch.channels_last) if last else picked
