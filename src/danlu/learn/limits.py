"""How long a lesson may compute: a page that waits too long teaches nothing, and a server that stops must not wait at all."""

from __future__ import annotations

import time
from threading import Event

SECONDS = 20.0


class Limit:
    """Over after ``seconds``, or as soon as ``stop`` is set."""

    def __init__(self, seconds: float = SECONDS, stop: Event | None = None) -> None:
        self._end = time.monotonic() + seconds
        self._stop = stop

    @property
    def over(self) -> bool:
        return time.monotonic() >= self._end or (self._stop is not None and self._stop.is_set())
