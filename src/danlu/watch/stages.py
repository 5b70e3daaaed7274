"""How far the work before training is: the callable that preparation tells (stage, done, total)."""

from __future__ import annotations

import time

from danlu.watch.eta import Clock

LONG = 2.0  # seconds that a stage must take, or be foreseen to take, to be worth a line
EARLY = 0.3  # seconds before which nothing is foreseen


class Stage:
    """One stage of the preparation. name: as people read it. total 0: not known."""

    def __init__(self, name: str, done: int, total: int, clock: Clock = time.monotonic) -> None:
        self.name, self.done, self.total = name, done, total
        self._clock, self._began, self._from = clock, clock(), done
        self._told = self._began
        self._ended: float | None = None
        self.shown = False

    def tell(self, done: int, total: int) -> None:
        self.done, self.total, self._told = done, total, self._clock()
        if self.over:
            self._ended = self._told
        elif not self.shown and (spent := self._told - self._began) >= EARLY:
            self.shown = spent + (self.left or 0.0) >= LONG

    def end(self) -> None:
        if self._ended is None:
            self._ended = self._clock()

    @property
    def over(self) -> bool:
        return 0 < self.total <= self.done

    @property
    def seconds(self) -> float:
        """Spent so far, or in all."""
        return (self._clock() if self._ended is None else self._ended) - self._began

    @property
    def left(self) -> float | None:
        """Seconds to go; None where the total isn't known or nothing was done yet."""
        did = self.done - self._from
        if self.total <= 0 or did <= 0:
            return None
        since = self._clock() - self._told
        pace = (self._told - self._began) / did
        return max(0.0, pace * (self.total - self.done) - since)
