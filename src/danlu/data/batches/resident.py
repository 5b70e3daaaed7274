"""Columns that lie on the device as a whole, so that batches are gathered there: nothing is copied on the host, rows alone are sent.

Of small nets on a GPU that preparation is a sixth of a step. The values are the same to the bit.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from danlu.data.augment.sending import sent
from danlu.data.batches.batch import Batch
from danlu.data.batches.workers import Pick
from danlu.data.dataset import Dataset
from danlu.large.sorting import once

_SHARE = 16  # of the device's memory the columns take at most this part, and of what is free there a quarter of that
_BLOCK = 16 << 20  # bytes that are sent at once, from page-locked memory, which torch keeps


class Resident:
    """The columns of some rows of a dataset on a device. rows: int64, sorted, each once."""

    def __init__(self, dataset: Dataset, rows: np.ndarray, device: torch.device) -> None:
        self._dataset, self._rows, self._device = dataset, rows, device
        self._columns: dict[str, _Laid] = {}
        step = max(1, _BLOCK // max(1, nbytes(dataset, 1)))
        for start in range(0, len(rows), step):
            for name, value in dataset.gather(rows[start : start + step]).columns.items():
                assert isinstance(value, Tensor)
                laid = self._columns.setdefault(name, _Laid(value, len(rows), device))
                laid.put(start, value)

    def gather(self, pick: Pick) -> Batch | None:
        """The batch of some of the rows, on the device; None where one of them is another (a partner from elsewhere)."""
        found = np.searchsorted(self._rows, pick.rows).clip(max=len(self._rows) - 1)
        if not np.array_equal(self._rows[found], pick.rows):
            return None
        places = sent(found, self._device)
        columns = {name: laid.take(places) for name, laid in self._columns.items()}
        return Batch(columns, self._dataset.inputs, pick.rows, pick.keys, pick.partners)


class _Laid:
    """A column on the device, in the memory order in which batches have it."""

    def __init__(self, like: Tensor, count: int, device: torch.device) -> None:
        # of equal strides one belongs to a dimension of 1; behind the other it gets that stride again, by which layouts are told
        inner = sorted(range(1, like.ndim), key=lambda dim: (-like.stride()[dim], like.shape[dim] == 1))
        self._to, self._back = (0, *inner), tuple(np.argsort((0, *inner)).tolist())
        self._values = torch.empty((count, *(like.shape[dim] for dim in inner)), dtype=like.dtype, device=device)

    def put(self, start: int, value: Tensor) -> None:
        """Without waiting for the device."""
        there = self._values[start : start + len(value)]
        there.copy_((value.pin_memory() if there.is_cuda else value).permute(self._to), non_blocking=True)

    def take(self, places: Tensor) -> Tensor:
        return self._values.index_select(0, places).permute(self._back)


def laid(dataset: Dataset, rows: np.ndarray, device: torch.device) -> Resident | None:
    """int64 ``rows`` of any order on the device; None where there is no room (any more): batches are then the same, on a longer way."""
    if not fits(dataset, rows, device):
        return None
    try:
        return Resident(dataset, once(rows), device)
    except torch.OutOfMemoryError:  # what others hold may have grown since it was looked at
        return None


def nbytes(dataset: Dataset, count: int) -> int:
    """Bytes of ``count`` rows of all columns, where each is of a fixed size and collated :attr:`Kind.by_sample`; else 0."""
    stores = [kind.storage() for kind in dataset.kinds.values()]
    if any(store.layout != "fixed" or -1 in store.shape for store in stores):
        return 0
    if not all(kind.by_sample for kind in dataset.kinds.values()):
        return 0
    return count * sum(math.prod(store.shape) * np.dtype(store.dtype).itemsize for store in stores)


def fits(dataset: Dataset, rows: np.ndarray, device: torch.device) -> bool:
    """Whether the rows' columns can and should lie on ``device``: a CUDA device with much room, values that are copied as they are."""
    if not _suits(dataset, device):
        return False
    free, whole = torch.cuda.mem_get_info(device)
    return 0 < nbytes(dataset, len(rows)) <= min(whole // _SHARE, free // (4 * _SHARE))


def crowded(dataset: Dataset, rows: np.ndarray, device: torch.device) -> bool:
    """Whether they would lie on ``device`` if nothing else did: what is there already leaves too little room."""
    if not _suits(dataset, device) or fits(dataset, rows, device):
        return False
    return 0 < nbytes(dataset, len(rows)) <= torch.cuda.mem_get_info(device)[1] // (4 * _SHARE)


def _suits(dataset: Dataset, device: torch.device) -> bool:
    return device.type == "cuda" and dataset.instant and not dataset.on_demand
