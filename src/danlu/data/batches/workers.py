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
        self.picks: Iterable[Pick] = ()

    def __iter__(self) -> Iterator[Pick]:
        return iter(self.picks)


class Workers:
    """``count`` processes that live as long as this object. One epoch at a time: starting the next abandons the one
    before.
    """

    def __init__(self, dataset: Dataset, count: int, pin: bool) -> None:
        self._picks = _Picks()
        self._loader: DataLoader[Batch | Failed] = DataLoader(
            _WholeBatches(dataset),
            batch_size=None,
            sampler=self._picks,  # type: ignore[arg-type]
            num_workers=count,
            pin_memory=pin,
            persistent_workers=True,
            generator=torch.Generator(),  # the loader's own seeds must not come from the net's generator
            worker_init_fn=partial(_begin, language()),
        )

    def gather(self, picks: Iterable[Pick]) -> Iterator[Batch]:
        """The batches of ``picks``, in order, on the CPU."""
        self._picks.picks = picks
        try:
            for made in self._loader:
                if isinstance(made, Failed):
                    raise made.error(made.problems)
                yield made
        except RuntimeError as error:
            if "DataLoader worker" in str(error) and "exited unexpectedly" in str(error):
                raise DataError.of("data.workers", say("cache.worker-died"), say("cache.worker-died.remedy")) from error
            raise


def _begin(chosen: Language, worker: int) -> None:
    set_language(chosen)
    torch.set_num_threads(1)
