"""Memory that a kernel works in: pieces that don't touch, each thread's own."""

from __future__ import annotations

import ctypes
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from danlu.nn.maps import scratch
from danlu.nn.maps.scratch import Scratch, lines


def test_pieces_begin_on_lines_and_do_not_touch() -> None:
    sizes = [1, 64, 65, 0, 1000]
    made = Scratch(sum(map(lines, sizes)))
    places = [made.piece(size) for size in sizes]
    assert all(place % 64 == 0 for place in places)
    assert all(place + size <= following for place, size, following in zip(places, sizes, places[1:], strict=False))
    for place, size in zip(places, sizes, strict=True):  # writes to the last byte of it
        ctypes.memset(place, 1, size)
    start = made._memory.data_ptr()
    assert places[-1] + sizes[-1] <= start + made._memory.numel()


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
        return made.piece(100)

    with ThreadPoolExecutor(2) as threads:
        first, second = threads.submit(place), threads.submit(place)
        assert abs(first.result() - second.result()) >= 100


def _kept_after(size: int) -> int:
    Scratch(size)
    kept = scratch._kept.memory
    return 0 if kept is None else kept.numel()
