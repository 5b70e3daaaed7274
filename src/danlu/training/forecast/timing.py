"""Steps by the clock: what one takes in the long run, found out in a few seconds on a machine whose pace changes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

import torch

from danlu.training.forecast.figures import Took

_BLOCK, _LONGEST = (
    0.05,
    64,
)  # seconds that steps are timed together, where they are short; steps of such a block at most
_SEVERAL, _PATIENCE = 6, 4  # so many blocks, where they take no more than so many times the seconds that are asked for
_SLOWER = 2  # blocks at the beginning: caches are filled, memory is got from the system


def took(work: Callable[[], object], device: torch.device, times: int = 1) -> Took:
    """What one of ``times`` calls takes, by the mean."""
    _wait(device)
    began, began_cpu = time.perf_counter(), time.process_time()
    for _ in range(times):
        work()
    _wait(device)
    return Took((time.perf_counter() - began) / times, (time.process_time() - began_cpu) / times)


def middle(found: Sequence[Took]) -> Took:
    """The medians."""
    return Took(*map(statistics.median, zip(*found, strict=True)))


def take_time(
    step: Callable[[], object],
    device: torch.device,
    seconds: float,
    most: int,
    least: Callable[[], int] = lambda: 1,
) -> Took:
    """What a step takes: the median over blocks of steps that follow one another, the first of which don't count.

    seconds: for which steps are timed, as long as they aren't ``most``; longer where that is only a few blocks. least: steps of the
    next block at least: what is done for several steps at once belongs to all of them.
    """
    found: list[Took] = []
    spent, steps, times = 0.0, 0, 1
    while not (found and (steps >= most or _enough(len(found), spent, seconds))):
        times = max(times, least())
        found.append(took(step, device, times))
        spent, steps = spent + times * found[-1].seconds, steps + times
        times = max(1, min(_LONGEST, int(_BLOCK / max(found[-1].seconds, 1e-9))))
    return middle(found[min(_SLOWER, len(found) // 2) :])


def _enough(blocks: int, spent: float, seconds: float) -> bool:
    return spent >= seconds and (blocks >= _SEVERAL or spent >= _PATIENCE * seconds)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
