"""Batches gathered by DataLoader worker processes, for what can't be cached.

An item of the torch dataset is a whole batch, so that workers do what the loop would do itself (gather these rows), in
another process. They draw no random numbers: which rows, and later every transform, are decided by position in the
loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from danlu.data.batches.apart import held_back, stand_apart
from danlu.data.batches.batch import Batch
from danlu.data.dataset import Dataset
from danlu.errors import DanluError, DataError, Problem
from danlu.messages import Language, language, say, set_language


class Pick(NamedTuple):
    """What a batch is made of: int64 rows, uint64 keys, both (1 + partners)·B."""

    rows: np.ndarray
    keys: np.ndarray
    partners: int


@dataclass(frozen=True)
class Failed:
    """A :class:`DanluError` on its way from a worker to the loop, where it is raised again as it was."""

    error: type[DanluError]
    problems: tuple[Problem, ...]


class _WholeBatches(TorchDataset[Batch | Failed]):
    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def __getitem__(self, pick: Pick) -> Batch | Failed:
        try:
            return self.dataset.gather(pick.rows, keys=pick.keys, partners=pick.partners)
        except DanluError as error:
            return Failed(type(error), error.problems)


class _Picks:
    """The sampler: the picks of the epoch at hand."""

    def __init__(self) -> None:
        self.picks: Iterator[Pick] | None = None

    def __iter__(self) -> Iterator[Pick]:
        while self.picks is not None:
            try:
                yield next(self.picks)
            except StopIteration:
                return


class Workers:
    """``count`` processes, from the first batch on as long as this object lives.

    One epoch at a time: starting the next abandons the one before.
    """

    def __init__(self, dataset: Dataset, count: int, pin: bool) -> None:
        self._dataset, self._count, self._pin = dataset, count, pin
        self._picks = _Picks()
        self._loader: DataLoader[Batch | Failed] | None = None

    def gather(self, picks: Iterable[Pick]) -> Iterator[Batch]:
        """The batches of ``picks``, in order, on the CPU."""
        self._picks.picks = iter(picks)
        if self._loader is None:
            self._loader = self._started()
        try:
            with held_back():
                gathered = iter(self._loader)
            for made in gathered:
                if isinstance(made, Failed):
                    raise made.error(made.problems)
                yield made
        except DanluError:
            self._loader = None  # ends the workers now; whoever keeps the error keeps a cycle, see below
            raise
        except RuntimeError as error:
            if _died(str(error)):
                raise DataError.of("data.workers", say("cache.worker-died"), say("cache.worker-died.remedy")) from error
            raise
        finally:
            # No cycle may run through the loader: collected as part of one, it waits 5 s for each worker.
            self._picks.picks = None

    def _started(self) -> DataLoader[Batch | Failed]:
        return DataLoader(
            _WholeBatches(self._dataset),
            batch_size=None,
            sampler=self._picks,  # type: ignore[arg-type]
            num_workers=self._count,
            pin_memory=self._pin,
            persistent_workers=True,
            generator=torch.Generator(),  # the loader's own seeds must not come from the net's generator
            worker_init_fn=partial(_begin, language()),
        )


def _died(told: str) -> bool:
    """Whether torch's error says that a worker is gone: found by asking, or by the signal that comes at its end, whichever is first."""
    return "DataLoader worker" in told and any(how in told for how in ("exited unexpectedly", "is killed by signal"))


def _begin(chosen: Language, worker: int) -> None:
    stand_apart()
    set_language(chosen)
    torch.set_num_threads(1)
