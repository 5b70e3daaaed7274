"""Where lessons are computed: in one thread, one after another, so that torch's generators and threads are never shared."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TypeVar

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
        self._stops: set[Event] = set()
        self._closed = False

    async def do(self, work: Callable[[Event], T], language: Language, left: Awaitable[object] | None = None) -> T:
        """``work(stop)``, with its texts in a language. left: is done when who asked has left.

        Raises :class:`BusyError`, :class:`GoneError`, and what the work raises.
        """
        if self._closed or len(self._stops) >= WAITING:
            raise BusyError.of("", say("studio.busy"))
        stop = Event()

        def spoken() -> T:
            set_language(language)
            return work(stop)

        self._stops.add(stop)
        done = asyncio.get_running_loop().run_in_executor(self._thread, spoken)
        gone = asyncio.ensure_future(left if left is not None else asyncio.Event().wait())
        try:
            await asyncio.wait((done, gone), return_when=asyncio.FIRST_COMPLETED)
            if not done.done():
                raise GoneError.of("", say("studio.gone"))
            return done.result()
        finally:
            stop.set()
            gone.cancel()
            done.cancel()  # where it still waits for its turn, it is not begun
            self._stops.discard(stop)

    def stop(self) -> None:
        """What runs is asked to end, and nothing more is taken. For signal handlers: it waits for no lock."""
        self._closed = True
        for stop in tuple(self._stops):
            stop.set()

    def close(self) -> None:
        """What waits is dropped as well."""
        self.stop()
        self._thread.shutdown(wait=False, cancel_futures=True)
