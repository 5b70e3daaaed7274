"""When it will be over: seconds left of the epoch and of the whole run, evaluations and checkpoints included."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], float]

FIRST_GUESS = 0.04  # an evaluation's share of an epoch's time before one was seen: a tenth of the data, forward only
SURPRISE = 5.0  # a block slower than this many times the usual is taken for a stall, not for the new speed
STALL = 30.0  # seconds by which a stall may outweigh all before it, so that one suspended night isn't extrapolated


class Eta:
    """Told what happens, by the clock it is given; asked any time.

    Left = steps left × seconds a step + evaluations left × seconds of one + the same of checkpoints. Seconds a step are
    a mean that forgets with a half-life of a quarter of the time trained so far (20 s to 2 min): it follows a changed
    speed within minutes and doesn't jump at a hiccup. The first block (warm-up, compilation) counts only until there is
    a second. What else passes between blocks (pictures, stalls) is spread evenly over the steps.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._total = self._per_epoch = self._step = self._every = 0
        self._blocks = 0
        self._seconds = self._count = 0.0  # of steps, forgetting
        self._stalled, self._steps_seen = 0.0, 0
        self._trained = 0.0
        self._last = clock()
        self._evaluated = 0  # step up to which evaluations are done
        self._evaluation = 0.0  # seconds of one; 0: none seen
        self._guess = 0.0  # seconds of the first, from how far it is
        self._began: float | None = None  # the running evaluation
        self._share, self._told = 0.0, 0.0  # how far it was, and when
        self._block = 0.0  # seconds from one block to the next
        self._begin = self._saved = self._saves = 0  # step at the start, step of the last checkpoint, their number
        self._saving = 0.0  # seconds of one

    def start(self, step: int, total_steps: int, steps_per_epoch: int, evaluate_every: int = 1) -> None:
        """step: finished before, where a run is resumed. evaluate_every: epochs; 0: no evaluations."""
        self._step = self._evaluated = self._begin = self._saved = step
        self._total, self._per_epoch, self._every = total_steps, max(1, steps_per_epoch), evaluate_every
        self._last = self._clock()

    def steps(self, step: int, count: int, seconds: float) -> None:
        """A block of ``count`` steps that took ``seconds`` and ends with ``step`` steps finished."""
        now = self._clock()
        between = max(0.0, now - self._last - seconds)
        self._step, self._last, self._began = step, now, None
        self._blocks += 1
        if self._blocks <= 2:  # the second replaces the first
            self._seconds, self._count = seconds, float(count)
            self._block = seconds
        else:
            usual = self._seconds / max(self._count, 1e-9) * count
            taken = min(seconds, SURPRISE * usual) if usual > 0 else seconds
            between += seconds - taken
            keep = 0.5 ** (taken / min(120.0, max(20.0, self._trained / 4)))
            self._seconds = self._seconds * keep + taken
            self._count = self._count * keep + count
            self._stalled += min(between, STALL + self._stalled)
            self._block += 0.2 * (taken - self._block)
            seconds = taken
        self._trained += seconds
        self._steps_seen += count

    def evaluating(self, done: int, total: int) -> None:
        """The running evaluation is at ``done`` of ``total``."""
        if self._began is None:
            self._began = self._last
        self._share, self._told = done / total if total else 0.0, self._clock()
        if self._share and not self._evaluation:
            self._guess = (self._told - self._began) / self._share

    def evaluated(self, seconds: float = 0.0) -> None:
        """An evaluation is over. seconds: what it took; 0: by the clock, from when something was last told."""
        now = self._clock()
        taken = seconds or now - (self._last if self._began is None else self._began)
        self._evaluation = taken if not self._evaluation else (self._evaluation + taken) / 2
        self._evaluated, self._began, self._share, self._last = self._step, None, 0.0, now

    def saved(self, seconds: float) -> None:
        """A checkpoint of the present step was written."""
        self._last = self._clock()
        self._saving = seconds if not self._saves else (self._saving + seconds) / 2
        if self._step > self._saved:
            self._saved, self._saves = self._step, self._saves + 1

    def run(self) -> float | None:
        """Seconds left of the run; None while nothing is known."""
        if not self._blocks or self._total <= 0:
            return None
        steps = (self._total - self._step) * self._pace()
        saves = (self._total - self._saved) * self._saves / max(1, self._saved - self._begin)
        return max(0.0, steps + self._pending() * self._usual() + saves * self._saving - self._passed())

    def epoch(self) -> float | None:
        """Seconds left of the epoch's training."""
        if not self._blocks or self._total <= 0:
            return None
        end = min(self._total, -(-max(self._step, 1) // self._per_epoch) * self._per_epoch)
        left = (end - self._step) * self._pace()
        return max(0.0, left - self._passed()) if self._began is None else 0.0

    def evaluation(self) -> float | None:
        """Seconds left of the running evaluation; None where there is none."""
        if self._began is None:
            return None
        usual = self._usual()
        whole = usual if not self._share else usual + (self._told - self._began) - self._share * usual
        return max(0.0, (1 - self._share) * whole - (self._clock() - self._told))

    def _pace(self) -> float:
        """Seconds a step, with its share of what happens in between."""
        return self._seconds / max(self._count, 1e-9) + self._stalled / max(self._steps_seen, 1)

    def _usual(self) -> float:
        return self._evaluation or self._guess or FIRST_GUESS * self._per_epoch * self._pace()

    def _pending(self) -> int:
        """Evaluations to come, the running one included: one every so many epochs, and one at the end."""
        if not self._every:
            return 0
        interval = self._every * self._per_epoch
        before = max(self._evaluated, self._step - 1)
        return -(-self._total // interval) - before // interval if before < self._total else 0

    def _passed(self) -> float:
        """Seconds to take off for what has gone on since the last word, so that the time left runs down evenly in
        between.
        """
        since = self._clock() - self._last
        if self._began is None:
            return min(since, 2 * self._block)
        return self._usual() - (self.evaluation() or 0.0)
