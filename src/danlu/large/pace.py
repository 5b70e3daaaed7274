"""How far a long piece of work is, told a few times a second at most, to whom it concerns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Progress = Callable[[str, int, int], None]  # (stage, done, total); total 0 where it isn't known yet
Each = TypeVar("Each")

_hearer: ContextVar[Progress | None] = ContextVar("danlu_progress", default=None)


@contextmanager
def heard_by(progress: Progress | None) -> Iterator[None]:
    """Within it ``progress`` also hears of work that is handed no one to tell: of nets that look at the data when they are built, of
    kinds that learn.
    """
    before = _hearer.set(progress or _hearer.get())
    try:
        yield
    finally:
        _hearer.reset(before)


class Pace:
    """Tells ``progress`` about one stage without slowing it: :meth:`__call__` may be called for every row.

    progress: None: who is meant by :func:`heard_by`, if anyone. Calls are passed on at most every ``seconds``; :meth:`end` always is,
    so that a bar never stops short of its end.
    """

    def __init__(self, progress: Progress | None, stage: str, total: int = 0, seconds: float = 0.25) -> None:
        self._progress = progress or _hearer.get()
        self._stage = stage
        self._total = total
        self._seconds = seconds
        self._next = time.monotonic() + seconds

    def __call__(self, done: int) -> None:
        if self._progress is not None and (now := time.monotonic()) >= self._next:
            self._next = now + self._seconds
            self._progress(self._stage, done, self._total)

    def begin(self) -> None:
        """The stage is told of before its first part is done, for one whose parts take long."""
        if self._progress is not None:
            self._progress(self._stage, 0, self._total)

    def end(self, done: int) -> None:
        if self._progress is not None:
            self._progress(self._stage, done, self._total or done)


def paced(some: Iterable[Each], stage: str, total: int) -> Iterator[Each]:
    """The same, and how many were taken is told."""
    pace, done = Pace(None, stage, total), 0
    for each in some:
        yield each
        done += 1
        pace(done)
    pace.end(done)
