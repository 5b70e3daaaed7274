"""How far a long piece of work on the data is, told a few times a second at most."""

from __future__ import annotations

import time
from collections.abc import Callable

Progress = Callable[[str, int, int], None]  # (stage, done, total); total 0 where it isn't known yet


class Pace:
    """Tells ``progress`` about one stage without slowing it: :meth:`__call__` may be called for every row.

    Calls are passed on at most every ``seconds``; :meth:`end` always is, so that a bar never stops short of its end.
    """

    def __init__(self, progress: Progress | None, stage: str, total: int = 0, seconds: float = 0.25) -> None:
        self._progress = progress
        self._stage = stage
        self._total = total
        self._seconds = seconds
        self._next = time.monotonic() + seconds

    def __call__(self, done: int) -> None:
        if self._progress is not None and (now := time.monotonic()) >= self._next:
            self._next = now + self._seconds
            self._progress(self._stage, done, self._total)

    def end(self, done: int) -> None:
        if self._progress is not None:
            self._progress(self._stage, done, self._total or done)
