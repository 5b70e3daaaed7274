"""The micro-batches of an epoch, by position (house rules 1 and 3)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from danlu.data.augment.base import BatchTransform
from danlu.data.batches.ahead import Upload, ahead
from danlu.data.batches.batch import Batch
from danlu.data.batches.buckets import cuts
from danlu.data.batches.order import Ask, Plan, bounds, plan
from danlu.data.batches.resident import Resident, crowded, fits, laid
from danlu.data.batches.workers import Pick, Workers
from danlu.data.cache.columns import cpus
from danlu.data.dataset import Dataset
from danlu.data.table import Part
from danlu.randomness import Position


class Batches:
    """A part of a dataset, epoch by epoch.

    Which samples a batch holds is a pure function of (seed, epoch, index of the batch): independent of workers, of
    where an epoch was taken up again, of how the data are stored; and the order of samples over all ranks is
    independent of the number of ranks.

    rows: a part's name, or int64 rows. batch_size: samples in a micro-batch of one rank. shuffle: False gives the rows
    as they come (evaluation). transforms: those of the loop, which are asked for the partners they mix in (they run in
    the loop, not here).
    drop_last: leave out an epoch's short last batch (never its only one). weights: float (rows,), not negative: samples
    are then drawn with replacement, as many as there are rows.
    workers: processes that gather; None: one for each CPU where rows are prepared on demand, else none.
    pin: page-locked memory; None: where the device is CUDA. gather_ahead: in a thread; None: where it pays (a CUDA
    device; values that are decoded or read from disk), since for a copy of memory the hand-over costs more than the
    work. Columns of training that are small beside a CUDA device's memory lie there as a whole from the second batch on, and
    nothing is gathered ahead (:class:`Resident`).
    rank, world: every rank gives the same number of batches. Shares of an epoch's last batch may differ by one sample;
    a share is empty only where a batch has fewer samples than there are ranks and that can't be avoided (see
    :func:`order.bounds`).

    lengths: int64 (rows,): batches are then of similar length; tokens: most of them in a micro-batch of one rank, padding counted,
    instead of ``batch_size`` samples.

    waited: seconds, since the start, in which whoever iterates was kept waiting for data.
    """

    def __init__(
        self,
        dataset: Dataset,
        rows: Part | np.ndarray,
        batch_size: int,
        seed: int,
        *,
        shuffle: bool,
        transforms: Sequence[BatchTransform] = (),
        drop_last: bool = False,
        device: torch.device | str = "cpu",
        workers: int | None = 0,
        pin: bool | None = None,
        weights: np.ndarray | None = None,
        gather_ahead: bool | None = None,
        rank: int = 0,
        world: int = 1,
        lengths: np.ndarray | None = None,
        tokens: int | None = None,
    ) -> None:
        if batch_size < 1 or not 0 <= rank < world:
            raise ValueError(f"batch_size {batch_size}, rank {rank} of {world}")
        self.dataset = dataset
        self.rows = dataset.rows(rows) if isinstance(rows, str) else np.asarray(rows, dtype=np.int64)
        self.batch_size = batch_size
        self.seed = seed
        self.device = torch.device(device)
        self.rank, self.world = rank, world
        self.waited = 0.0
        if weights is not None:
            weights = _checked(weights, len(self.rows))
        keys = dataset.keys[self.rows]
        self._ask = Ask(self.rows, keys, seed, batch_size, shuffle, drop_last, weights, world, lengths, tokens)
        self._bounds = bounds(len(self.rows), batch_size, world, drop_last) if lengths is None else cuts(self._ask)
        mixing = [transform for transform in transforms if transform.partners]
        if len(mixing) > 1:
            raise ValueError("more than one transform asks for partners: combine them into one that chooses by sample")
        self._mixing = mixing[0] if mixing else None
        if workers is None:
            workers = cpus() if dataset.on_demand else 0
        on_cuda = self.device.type == "cuda"
        pin = on_cuda if pin is None else pin
        self._workers = Workers(dataset, workers, pin) if workers else None
        self._upload = Upload(self.device, pin and not workers)
        slow = on_cuda or not dataset.instant
        self._ahead = not workers and (slow if gather_ahead is None else gather_ahead)
        settles = shuffle and not workers and gather_ahead is None
        self._settles = settles and fits(dataset, self.rows, self.device)
        self._crowded = settles and crowded(dataset, self.rows, self.device)
        self._resident: Resident | None = None
        self._begun = False
        self._planned: tuple[int, Plan] | None = None

    def __len__(self) -> int:
        """Micro-batches that each rank gets in an epoch."""
        return len(self._bounds) - 1

    @property
    def smallest(self) -> int:
        """Samples in the smallest batch of an epoch, over all ranks."""
        return int(np.diff(self._bounds).min())

    @property
    def samples(self) -> int:
        """Samples in an epoch, over all ranks."""
        return int(self._bounds[-1])

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The micro-batches of one epoch from the ``start``-th on, on the device; earlier ones are not gathered."""
        made = self._made(self._picks(epoch, start))
        while True:
            began = time.perf_counter()
            batch = next(made, None)
            self.waited += time.perf_counter() - began
            if batch is None:
                return
            yield batch

    @property
    def crowded(self) -> bool:
        """Whether batches go the longer way since other things leave the device no room; known after :meth:`settle`."""
        return self._crowded

    @property
    def instant(self) -> bool:
        """Whether a batch is a mere copy of memory on a CPU: several may as well be asked for before they are used."""
        return self.dataset.instant and self._workers is None and self.device.type == "cpu"

    def settle(self) -> None:
        """What is to lie on the device from the second batch on lies there now."""
        if self._settles and self._resident is None:
            self._resident = laid(self.dataset, self.rows, self.device)
            self._settles = self._resident is not None
            self._crowded = self._resident is None

    def close(self) -> None:
        """End the worker processes and free what lies on the device (it all ends with this object in any case)."""
        self._workers = self._resident = None

    def _made(self, picks: Iterator[Pick]) -> Iterator[Batch]:
        upload = self._upload
        if self._settles:
            return self._settled(picks)
        if self._workers is not None:
            return (upload.receive(upload.send(batch)) for batch in self._workers.gather(picks))
        if self._ahead:
            return map(upload.receive, ahead(lambda pick: upload.send(self._gather(pick)), picks))
        return map(self._sent, picks)

    def _settled(self, picks: Iterator[Pick]) -> Iterator[Batch]:
        """From columns on the device; the first batch of all as ever, since who tries something asks for one alone."""
        for pick in picks:
            if self._begun:
                self.settle()
            self._begun = True
            found = None if self._resident is None else self._resident.gather(pick)
            yield self._sent(pick) if found is None else found

    def _sent(self, pick: Pick) -> Batch:
        return self._upload.receive(self._upload.send(self._gather(pick)))

    def _gather(self, pick: Pick) -> Batch:
        return self.dataset.gather(pick.rows, keys=pick.keys, partners=pick.partners)

    def _picks(self, epoch: int, start: int) -> Iterator[Pick]:
        if self._planned is None or self._planned[0] != epoch:
            self._planned = (epoch, plan(self._ask, epoch))
        whole = self._planned[1]
        for index in range(start, len(whole)):
            share = whole.share(index, self.rank, self.world)
            yield self._with_partners(whole.rows[share], whole.keys[share], epoch, whole.rows)

    def _with_partners(self, rows: np.ndarray, keys: np.ndarray, epoch: int, drawn: np.ndarray) -> Pick:
        """drawn: int64 (S,), the epoch's samples: what a sampler draws more often is a partner more often too."""
        if self._mixing is None:
            return Pick(rows, keys, 0)
        among = self.rows if self._ask.weights is None else drawn
        chosen = self._mixing.choose(keys, Position(self.seed, epoch), among).reshape(-1)
        both = np.concatenate([rows, chosen])
        return Pick(both, np.concatenate([keys, self.dataset.keys[chosen]]), self._mixing.partners)


def _checked(weights: np.ndarray, count: int) -> np.ndarray:
    weights = np.asarray(weights, dtype=np.float64)
    if weights.shape != (count,) or not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        raise ValueError(f"weights must be {count} finite numbers, none negative, not all 0")
    return weights
