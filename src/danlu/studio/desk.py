"""Where lessons are computed: in one thread, one after another, so that torch's generators and threads are never shared."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any, TypeVar

from danlu.errors import DanluError
from danlu.messages import Language, say, set_language

T = TypeVar("T")

WAITING = 8  # requests that are computed or wait for it


class BusyError(DanluError):
    """Too many requests wait already."""


class GoneError(DanluError):
    """Who asked is no longer there."""


class Desk:
    """Whatever is computed is given an event, and gives up when that is set: who asked has left, or the server ends."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "danlu-lessons")
        self._asked: dict[
            Event, Callable[[], object]
        ] = {}  # that are computed or wait; how each is told that the server ends
        self._closed = False

    async def do(self, work: Callable[[Event], T], language: Language, left: Callable[[], Awaitable[object]]) -> T:
        """``work(stop)``, with its texts in a language. left: waits until who asked has left.

        Raises :class:`BusyError`, :class:`GoneError`, and what the work raises.
        """
        if self._closed or len(self._asked) >= WAITING:
            raise BusyError.of("", say("studio.busy"))
        stop, loop = Event(), asyncio.get_running_loop()

        def spoken() -> T:
            set_language(language)
            return work(stop)

        ended = asyncio.Event()
        self._asked[stop] = lambda: loop.call_soon_threadsafe(ended.set)
        done = loop.run_in_executor(self._thread, spoken)
        futures: list[asyncio.Future[Any]] = [done, *map(asyncio.ensure_future, (left(), ended.wait()))]
        try:
            await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
            if not done.done():
                raise GoneError.of("", say("studio.gone"))
            return done.result()
        finally:
            stop.set()
            for each in futures:  # what still waits for its turn is not begun
                each.cancel()
            del self._asked[stop]

    def stop(self) -> None:
        """What runs is asked to end, nobody waits for it, and nothing more is taken. For signal handlers: it waits for no lock."""
        self._closed = True
        for stop, tell in tuple(self._asked.items()):
            stop.set()
            tell()

    def close(self) -> None:
        """What waits is dropped as well."""
        self.stop()
        self._thread.shutdown(wait=False, cancel_futures=True)
