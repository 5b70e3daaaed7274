"""What ``events.jsonl`` tells afterwards: its records, and the curves and evaluations that hold."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danlu.errors import Problem, RunError
from danlu.messages import say
from danlu.watch.lines import Record, exact, parsed

Steps = NDArray[np.int64]
Values = NDArray[np.float64]
PathLike = str | os.PathLike[str]


def records(path: PathLike, problems: list[Problem] | None = None) -> Iterator[Record]:
    """Record by record, in constant memory, as they were written. A torn last line is dropped.

    A damaged line before it is added to ``problems`` and passed over; without ``problems`` it raises RunError.
    """
    for _, raw, record in _lines(path, problems):
        yield exact(raw, record)


def read(path: PathLike, problems: list[Problem] | None = None) -> list[Record]:
    """All of :func:`records`, every attempt's."""
    return list(records(path, problems))


def curves(path: PathLike, problems: list[Problem] | None = None) -> dict[str, tuple[Steps, Values]]:
    """Name → (steps finished, int64 (N,), rising; values, float64 (N,)).

    Each step's "train/loss", "lr" and so on, the evaluations' "val/accuracy", and as "epoch/train/loss" the means of
    epochs. A step that a later attempt did again has the later attempt's value. ``problems``: as in :func:`records`.
    """
    blocks: dict[str, list[tuple[int, Steps, Values]]] = {}
    for number, _, record in _lines(path, problems):
        kind = record["type"]
        if kind not in ("steps-done", "evaluated", "epoch-done"):
            continue
        head = "epoch/" if kind == "epoch-done" else ""
        try:
            steps = _steps(record)
            told = {head + name: _array(found, len(steps)) for name, found in record["values"].items()}
        except (ValueError, TypeError, IndexError, OverflowError):
            _damaged(path, number, problems)
            continue
        for name, values in told.items():
            blocks.setdefault(name, []).append((record["attempt"], steps, values))
    return {name: _latest(found) for name, found in blocks.items()}


def evaluations(path: PathLike, problems: list[Problem] | None = None) -> list[Record]:
    """The "evaluated" records (values, intervals, best) by step and part; of one that was done again, the later
    attempt's.
    """
    found = [record for record in records(path, problems) if record["type"] == "evaluated"]
    found.sort(key=lambda record: int(record["attempt"]))
    last = {(record["step"], record["part"]): record for record in found}
    return [last[key] for key in sorted(last)]


def last_attempt(path: PathLike) -> int:
    """The number of the latest attempt; 0 where there is no journal or no whole line in it. Reads only the file's
    end.
    """
    if not Path(path).exists():
        return 0
    with Path(path).open("rb") as file:
        end = whole(file.fileno())
        while end > 0:
            start = _line_start(file.fileno(), end - 1)
            file.seek(start)
            if (record := parsed(file.read(end - start))) is not None:
                return int(record["attempt"])
            end = start
    return 0


def whole(file: int) -> int:
    """Bytes of the open file up to and including its last newline."""
    return _line_start(file, os.fstat(file).st_size)


def _line_start(file: int, end: int, chunk: int = 1 << 16) -> int:
    """Where the line begins whose bytes stop before ``end``: right after the last newline before it, or 0."""
    while end > 0:
        start = max(0, end - chunk)
        os.lseek(file, start, os.SEEK_SET)
        found = os.read(file, end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _lines(path: PathLike, problems: list[Problem] | None) -> Iterator[tuple[int, bytes, Record]]:
    """(number, line, record)."""
    try:
        if Path(path).is_fifo():  # opening it would wait for a writer
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        file = Path(path).open("rb")  # noqa: SIM115 - only an error of opening is told here
    except OSError as error:
        what = say("watch.journal-not-read", reason=error.strerror or str(error))
        raise RunError.of(str(path), what, say("watch.journal-not-read.remedy")) from error
    with file:
        for number, raw in enumerate(file, start=1):
            if not raw.endswith(b"\n"):
                return
            if (record := parsed(raw)) is not None:
                yield number, raw, record
            else:
                _damaged(path, number, problems)


def _damaged(path: PathLike, number: int, problems: list[Problem] | None) -> None:
    problem = Problem(f"{path}:{number}", say("watch.journal-damaged"), say("watch.journal-damaged.remedy"))
    if problems is None:
        raise RunError(problem)
    problems.append(problem)


def _steps(record: Record) -> Steps:
    """Finished steps, which evaluations count too."""
    if record["type"] != "steps-done":
        return np.asarray([record["step"]], dtype=np.int64)
    positions: Steps = np.asarray(record["steps"], dtype=np.int64)
    positions += record["step"] - positions[-1]
    return positions


def _array(found: Any, count: int) -> Values:
    """float64 (count,). "NaN" and "Infinity" are read by ``float``."""
    values = found if isinstance(found, list) else [found]
    if len(values) != count:
        raise ValueError(f"{len(values)} values of {count} steps")
    try:
        return np.array(values, dtype=np.float64)
    except ValueError:
        return np.array([float(value) for value in values], dtype=np.float64)


def _latest(blocks: list[tuple[int, Steps, Values]]) -> tuple[Steps, Values]:
    steps = np.concatenate([block[1] for block in blocks])
    values = np.concatenate([block[2] for block in blocks])
    if np.all(np.diff(steps) > 0):
        return steps, values
    attempts = np.repeat([block[0] for block in blocks], [len(block[1]) for block in blocks])
    order = np.lexsort((attempts, steps))  # stable: of what one attempt told twice, the last comes last
    steps, values = steps[order], values[order]
    last = np.append(steps[1:] != steps[:-1], True)
    return steps[last], values[last]
