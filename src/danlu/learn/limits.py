"""How long a lesson may compute: a page that waits too long teaches nothing, and a server that stops must not wait at all."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from threading import Event

from danlu.errors import DanluError
from danlu.messages import say

SECONDS = 20.0
UNLIMITED = math.inf


class Limit:
    """Over after ``seconds``, or as soon as ``stop`` is set."""

    def __init__(self, seconds: float = SECONDS, stop: Event | None = None) -> None:
        self._end = time.monotonic() + seconds
        self._stop = stop

    @property
    def over(self) -> bool:
        return time.monotonic() >= self._end or (self._stop is not None and self._stop.is_set())

    def check(self) -> None:
        """Raises DanluError once it is over."""
        if self.over:
            raise too_slow()


def too_slow() -> DanluError:
    return DanluError.of("", say("learn.too-slow"), say("learn.use-builtin"))


def least_seconds(work: Callable[[], object], times: int = 3) -> float:
    """What ``work()`` takes, more than 0: the shortest of several, since a first call is slower, and other programs get in between."""
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        spent.append(time.perf_counter() - began)
    return max(min(spent), 1e-9)


def largest(sizes: Sequence[int], work: Callable[[int], object], seconds: float) -> int:
    """Of rising ``sizes`` the largest whose ``work(size)`` takes no longer than ``seconds``; the first where none does.

    A size is not even tried where the one before foretells that it takes longer.
    """
    fits = sizes[0]
    for index, size in enumerate(sizes):
        spent = least_seconds(partial(work, size))
        if spent > seconds:
            break
        fits = size
        if index + 1 < len(sizes) and spent * sizes[index + 1] / size > seconds:
            break
    return fits
