"""Filling a cache: prepare every row once, write aside, prove, rename (house rule 3)."""

from __future__ import annotations

import shutil
import warnings
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from contextvars import copy_context
from dataclasses import asdict
from math import prod
from pathlib import Path

import numpy as np

from danlu.data.cache.columns import ColumnWriter, cpus
from danlu.data.cache.files import FORMAT, META, DamagedError, GrowingArray, describe, sync_folder, write_json, writing
from danlu.data.cache.key import key_of, kind_of
from danlu.data.cache.lock import aside, clear_leftovers, locked
from danlu.data.cache.rows import BadRow, Block, Note, prepare_block
from danlu.data.cache.store import PROBLEMS, Cache
from danlu.data.kinds.base import Kind
from danlu.data.progress import Pace, Progress
from danlu.data.table import Table
from danlu.errors import DataError
from danlu.messages import say

_BLOCK = 8 << 20  # bytes prepared at once: bounds memory to (workers + 3) blocks
_ROWS = 1024
_EXAMPLES = 5
_RETRIED = 8


def fill(
    table: Table,
    kinds: Mapping[str, Kind],
    folder: Path,
    progress: Progress | None = None,
    *,
    inputs: Sequence[str] | None = None,
    workers: int | None = None,
    values: bool = True,
    verify: bool = False,
) -> Cache:
    """The table's cache under ``folder``: opened where it is there and sound, else filled.

    kinds: column → fitted kind. inputs: columns that the content hashes cover (all where None). workers: threads that
    prepare; None:
    one for each CPU. values: False keeps only what was found (rows, hashes, bad rows, notes), for data that are
    streamed.
    verify: check every byte of a cache that is there now, instead of what is large when it is first used.

    Two processes may ask at once: one fills, the other waits, says so through ``progress``, and opens the result. One
    that dies while filling leaves nothing that is taken for a cache. A damaged cache is filled again with a warning; so
    is one in which a row that was set aside can be read by now. Raises DataError where the disk is full or can't be
    written to.
    """
    hashed = tuple(kinds if inputs is None else inputs)
    key = key_of(table, kinds, hashed, values)
    place = Path(folder) / key
    found = _open(place, kinds, table, verify)
    if found is not None:
        return found
    pace = Pace(progress, say("cache.waiting", folder=place))
    with ExitStack() as held:
        with writing(place.parent):
            place.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(locked(place.parent, key, waiting=lambda: pace(0)))
            clear_leftovers(place.parent, key)
        found = _open(place, kinds, table, verify, loudly=True)
        if found is not None:
            return found
        with writing(place.parent):
            if values:
                _check_space(place.parent, kinds, len(table))
            made = aside(place.parent, key)
        try:
            _write(made, table, kinds, hashed, progress, workers or cpus(), values)
            with writing(place.parent):
                there = _open(place, kinds, table, verify)
                if there is not None:  # only where there are no locks: another was faster
                    return there
                if place.exists():  # damaged: out of the way in one step; whoever has it open keeps it
                    old = aside(place.parent, key)
                    place.rename(old / "damaged")
                    shutil.rmtree(old, ignore_errors=True)
                made.rename(place)
                sync_folder(place.parent)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return Cache(place, kinds)


def _open(place: Path, kinds: Mapping[str, Kind], table: Table, verify: bool, loudly: bool = False) -> Cache | None:
    """The cache if it is there, sound and still true; ``loudly``: warn where it is there and is not."""
    if not place.exists():
        return None
    try:
        cache = Cache(place, kinds, whole=verify)
    except DamagedError as damage:
        if loudly:
            warnings.warn(say("cache.damaged", folder=place, file=damage), stacklevel=3)
        return None
    retried = [bad.row for bad in cache.bad if not bad.missing][:_RETRIED]
    if retried and len(prepare_block(table, kinds, retried, ()).rows):
        if loudly:
            warnings.warn(say("cache.mended", folder=place), stacklevel=3)
        return None
    return cache


def _write(
    folder: Path,
    table: Table,
    kinds: Mapping[str, Kind],
    hashed: Sequence[str],
    progress: Progress | None,
    workers: int,
    values: bool,
) -> None:
    pace = Pace(progress, say("cache.preparing" if values else "cache.checking"), len(table))
    bad: list[BadRow] = []
    notes = _Notes(table)
    with ExitStack() as streams:
        with writing(folder):
            rows, hashes = GrowingArray(folder, "rows.bin", np.int64), GrowingArray(folder, "hashes.bin", np.uint64)
            stored = kinds if values else {}
            writers = {
                name: ColumnWriter(folder, f"{number}-{_slug(name)}", kind.storage())
                for number, (name, kind) in enumerate(stored.items())
            }
        for array in (rows, hashes, *(array for writer in writers.values() for array in writer.arrays.values())):
            streams.callback(array.close)
        for block, done in streams.enter_context(closing(_blocks(table, kinds, hashed, workers))):
            bad.extend(block.bad)
            notes.add(block)
            with writing(folder):
                rows.append(block.rows)
                hashes.append(block.hashes)
                for name, writer in writers.items():
                    writer.append(block.columns[name])
            pace(done)
        with writing(folder):
            columns = {
                name: {
                    **kind_of(kinds[name]),
                    "files": {part: describe(a.finish()) for part, a in writer.arrays.items()},
                }
                for name, writer in writers.items()
            }
            arrays = {"rows": describe(rows.finish()), "hashes": describe(hashes.finish())}
            found = {"bad": [asdict(item) for item in bad], "notes": [asdict(item) for item in notes.all()]}
            write_json(folder, PROBLEMS, found)
            write_json(
                folder, META, {"format": FORMAT, "fingerprint": table.fingerprint, "columns": columns, "arrays": arrays}
            )
            sync_folder(folder)
    pace.end(len(table))


def _blocks(
    table: Table, kinds: Mapping[str, Kind], hashed: Sequence[str], workers: int
) -> Generator[tuple[Block, int]]:
    """(block, rows done) in the table's order; up to ``workers`` + 2 blocks are prepared ahead, in threads (decoders
    release the lock).
    """
    total = len(table)
    size = _first_size(kinds, total, workers)
    if workers == 1 or total <= size:
        for start in range(0, total, size):
            rows = range(start, min(start + size, total))
            yield prepare_block(table, kinds, rows, hashed), rows.stop
        return
    waiting: deque[tuple[Future[Block], int]] = deque()
    start = 0
    with ThreadPoolExecutor(workers, thread_name_prefix="danlu-prepare") as pool:
        try:
            while start < total or waiting:
                while start < total and len(waiting) < workers + 2:
                    rows = range(start, min(start + size, total))
                    run = copy_context().run  # the language of reasons and notes
                    waiting.append((pool.submit(run, prepare_block, table, kinds, rows, hashed), rows.stop))
                    start = rows.stop
                future, done = waiting.popleft()
                block = future.result()
                yield block, done
                each = block.nbytes / max(1, len(block.rows))
                size = _size(each, total, workers)
        finally:
            pool.shutdown(cancel_futures=True)


def _first_size(kinds: Mapping[str, Kind], total: int, workers: int) -> int:
    """Rows of a block before any was seen: few, where values may be of any size."""
    known = [_fixed_bytes(kind) for kind in kinds.values()]
    return 4 if None in known else _size(sum(filter(None, known)), total, workers)


def _size(each: float, total: int, workers: int) -> int:
    fair = max(16, -(-total // (4 * workers)))  # every worker gets some of a small table
    return int(max(1, min(_BLOCK // max(each, 1), _ROWS, fair)))


def _fixed_bytes(kind: Kind) -> int | None:
    storage = kind.storage()
    return prod(storage.shape) * np.dtype(storage.dtype).itemsize if storage.layout == "fixed" else None


def _check_space(folder: Path, kinds: Mapping[str, Kind], rows: int) -> None:
    """Refuse before the work what the disk can't hold, as far as it is known."""
    needed = rows * sum(_fixed_bytes(kind) or 0 for kind in kinds.values())
    free = shutil.disk_usage(folder).free
    if needed > free:
        what = say("cache.no-space", needed=f"{needed / 2**30:.1f}", free=f"{free / 2**30:.1f}")
        raise DataError.of(str(folder), what, say("cache.elsewhere"))


class _Notes:
    """Counts of equal notes, with the first few origins."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._counts: dict[tuple[str, str], int] = {}
        self._examples: dict[tuple[str, str], list[str]] = {}

    def add(self, block: Block) -> None:
        for column, text, row in block.notes:
            self._counts[column, text] = self._counts.get((column, text), 0) + 1
            examples = self._examples.setdefault((column, text), [])
            if len(examples) < _EXAMPLES:
                examples.append(self._table.origins[row])

    def all(self) -> list[Note]:
        return [
            Note(column, text, count, tuple(self._examples[column, text]))
            for (column, text), count in self._counts.items()
        ]


def _slug(name: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name)[:40]
