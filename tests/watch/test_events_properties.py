"""What holds for every journal: any values, any attempts, any tear, any flipped byte. Drawn by hypothesis."""

from __future__ import annotations

import json
import math
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from danlu.errors import Problem, RunError
from danlu.training.events import CheckpointSaved, Evaluated, Event, Said, StepsDone
from danlu.watch.journal import Journal, curves, evaluations, last_attempt, read
from danlu.watch.lines import line

TEXT = st.text(st.characters(exclude_categories=()), max_size=30)  # halves of characters too
FLOAT = st.floats(allow_nan=True, allow_infinity=True, width=64)


@contextmanager
def journal() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "events.jsonl"


def steps(start: int, values: list[float], **more: list[float]) -> StepsDone:
    """Steps at positions ``start`` …, one for each value."""
    series = {"train/loss": tuple(values), **{name: tuple(each) for name, each in more.items()}}
    return StepsDone(
        start + len(values), 0, tuple(range(start, start + len(values))), series, 32 * len(values), 1.0, 0.0
    )


events = st.one_of(
    st.builds(Said, st.integers(0, 99), st.integers(0, 9), TEXT),
    st.builds(CheckpointSaved, st.integers(0, 99), st.integers(0, 9), TEXT, FLOAT),
    st.builds(steps, st.integers(0, 99), st.lists(FLOAT, min_size=1, max_size=5)),
    st.builds(
        Evaluated,
        st.integers(0, 99),
        st.integers(0, 9),
        st.sampled_from(["val", "test"]),
        st.dictionaries(TEXT, FLOAT, max_size=3),
        st.dictionaries(TEXT, st.tuples(FLOAT, FLOAT), max_size=2),
        st.booleans(),
        FLOAT,
    ),
)


def refuse(token: str) -> None:
    raise AssertionError(f"{token} is not JSON")


def same(one: Any, other: Any) -> bool:
    """Equal, floats bit for bit (a NaN as a NaN), tuples as lists."""
    if isinstance(one, float) and isinstance(other, float):
        return struct.pack("d", one) == struct.pack("d", other) or (math.isnan(one) and math.isnan(other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


@settings(max_examples=40)
@given(st.lists(events, max_size=8))
def test_everything_comes_back_from_strict_json_of_one_line_each(told: list[Event]) -> None:
    with journal() as path:
        path.write_bytes(b"".join(line(event, 3) for event in told))
        lines = path.read_bytes().decode("utf-8").split("\n")
        assert lines.pop() == ""
        assert len(lines) == len(told)
        for text in lines:
            json.loads(text, parse_constant=refuse)
        for record, event in zip(read(path), told, strict=True):
            assert record["attempt"] == 3
            assert all(same(value, record[name]) for name, value in vars(event).items()), (record, event)


# ---- attempts ---------------------------------------------------------------------------------------------------------


@st.composite
def attempts(draw: st.DrawFn) -> list[tuple[int, list[list[float]]]]:
    """(first position, blocks of values) of each attempt: it goes on from anywhere up to where an earlier one was."""
    made, reached = [], 0
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, reached))
        blocks = draw(st.lists(st.lists(FLOAT, min_size=1, max_size=4), max_size=4))
        made.append((start, blocks))
        reached = max(reached, start + sum(map(len, blocks)))
    return made


@settings(max_examples=60)
@given(attempts(), st.randoms(use_true_random=False), st.booleans())
@example([(0, [[1.0, 2.0], [3.0]]), (1, [[4.0]])], None, False)
def test_each_step_once_in_order_as_the_latest_attempt_did_it(
    made: list[tuple[int, list[list[float]]]], random: Any, mixed: bool
) -> None:
    """mixed: lines of the attempts stand in any order among each other, as where files were joined."""
    latest: dict[int, float] = {}
    judged: dict[int, float] = {}
    written: list[list[bytes]] = []
    for number, (start, blocks) in enumerate(made, 1):
        position, own = start, []
        for values in blocks:
            own.append(line(steps(position, values), number))
            latest |= {position + place + 1: value for place, value in enumerate(values)}
            position += len(values)
            own.append(line(Evaluated(position, 0, "val", {"val/x": float(number)}), number))
            judged[position] = float(number)
        written.append(own)
    data = []
    while any(written):
        chosen = random.choice([own for own in written if own]) if mixed else next(own for own in written if own)
        data.append(chosen.pop(0))
    with journal() as path:
        path.write_bytes(b"".join(data))
        found, found_judged = curves(path), evaluations(path)
        if latest:
            at, values = found["train/loss"]
            assert at.dtype == np.int64
            assert at.tolist() == sorted(latest)
            assert same(values.tolist(), [latest[step] for step in sorted(latest)])
            assert found["val/x"][0].tolist() == sorted(judged)
            assert found["val/x"][1].tolist() == [judged[step] for step in sorted(judged)]
        assert [(record["step"], record["attempt"]) for record in found_judged] == [
            (step, int(judged[step])) for step in sorted(judged)
        ]
        if not mixed and data:
            assert last_attempt(path) == max(number for number, (_, blocks) in enumerate(made, 1) if blocks)


# ---- tears and damage ------------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(st.lists(events, min_size=1, max_size=4), st.floats(0, 1), st.binary(max_size=20))
def test_torn_anywhere_nothing_whole_is_lost(told: list[Event], cut: float, rubbish: bytes) -> None:
    """Cut at any byte, with what a disk may leave behind it: whole lines stay, and the next attempt adds to them."""
    lines = [line(event, 1) for event in told]
    data = b"".join(lines)[: round(cut * len(b"".join(lines)))] + rubbish.replace(b"\n", b"")
    whole = data[: data.rfind(b"\n") + 1]
    with journal() as path:
        path.write_bytes(data)
        before = read(path)
        assert len(before) == whole.count(b"\n")
        again = Journal(path, last_attempt(path) + 1)
        assert path.read_bytes() == whole
        again.on(Said(5, 0, "on"))
        again.close()
        after = read(path)
        assert same(after[:-1], before)
        assert (after[-1]["text"], after[-1]["attempt"]) == ("on", 2 if before else 1)


@settings(max_examples=80)
@given(st.lists(events, min_size=1, max_size=5), st.integers(0, 10**6), st.integers(1, 255))
def test_a_changed_byte_harms_no_other_line(told: list[Event], place: int, change: int) -> None:
    """It is told, or the line is a record still; never any other error, and the lines around it are read as they were."""
    lines = [line(event, 1) for event in told]
    data = bytearray(b"".join(lines))
    place %= len(data)
    data[place] ^= change
    hit = bytes(data[:place]).count(b"\n")
    with journal() as path:
        path.write_bytes(b"".join(lines))
        good = read(path)
        path.write_bytes(bytes(data))
        problems: list[Problem] = []
        found = read(path, problems)
        for function in (read, curves, evaluations):
            try:
                function(path)
            except RunError as error:
                assert error.problems[0].where.startswith(f"{path}:")  # noqa: PT017 - it may raise or not
        assert isinstance(curves(path, []), dict)
        assert isinstance(evaluations(path, []), list)
        kept = [record for number, record in enumerate(good) if number not in (hit, hit + 1)]
        assert all(any(same(record, other) for other in found) for record in kept)
        assert len(found) + len(problems) >= len(told) - 2
