"""Where lessons are computed: in one thread, one after another, so that torch's generators and threads are never shared."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TypeVar

from danlu.errors import DanluError
from danlu.messages import Language, say, set_language

T = TypeVar("T")

WAITING = 8  # requests that may wait


class BusyError(DanluError):
    """Too many requests wait already."""


class Desk:
    """stop: set when the server ends; whatever is computed then looks at it and gives up."""

    def __init__(self) -> None:
        self.stop = Event()
        self._thread = ThreadPoolExecutor(1, "danlu-lessons")
        self._waiting = 0

    async def do(self, work: Callable[[], T], language: Language) -> T:
        """``work()``, with its texts in a language. Raises :class:`BusyError`, and what the work raises."""
        if self._waiting >= WAITING:
            raise BusyError.of("", say("studio.busy"))

        def spoken() -> T:
            set_language(language)
            return work()

        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, spoken)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """What waits is dropped, what runs is asked to end."""
        self.stop.set()
        self._thread.shutdown(wait=False, cancel_futures=True)
