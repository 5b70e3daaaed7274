"""Memory that a kernel works in: each thread's own."""

from __future__ import annotations

import ctypes
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from danlu.nn.maps import scratch
from danlu.nn.maps.scratch import Scratch


def test_it_begins_on_a_line_and_holds_what_was_asked_for() -> None:
    for size in (0, 1, 64, 65, 100_000):
        made = Scratch(size)
        start = made._memory.data_ptr()
        assert made.start % 64 == 0
        assert start <= made.start <= start + 63
        assert made.start + size <= start + made._memory.numel()
        ctypes.memset(made.start, 1, size)


def test_it_is_kept_and_grows_and_what_is_too_large_is_not_kept() -> None:
    with ThreadPoolExecutor(1) as thread:  # one that has none yet
        assert thread.submit(_kept_after, 1000).result() == thread.submit(_kept_after, 500).result()
        grown = thread.submit(_kept_after, 100_000).result()
        assert grown >= 100_000
        assert thread.submit(_kept_after, scratch._MOST + 1).result() == grown


def test_two_threads_have_two() -> None:
    both = Barrier(2)

    def place() -> int:
        made = Scratch(100)
        both.wait()
        return made.start

    with ThreadPoolExecutor(2) as threads:
        first, second = threads.submit(place), threads.submit(place)
        assert abs(first.result() - second.result()) >= 100


def _kept_after(size: int) -> int:
    Scratch(size)
    kept = scratch._kept.memory
    return 0 if kept is None else kept.numel()
