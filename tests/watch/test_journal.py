"""What is written to events.jsonl comes back exactly, and whole lines only, whatever happens."""

from __future__ import annotations

import errno
import json
import math
import os
import random
import struct
import subprocess
import sys
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pytest

from danlu.errors import Problem, RunError
from danlu.training.events import EpochDone, Evaluated, EvaluationProgress, Event, FitDone, Said, Snapshot, StepsDone
from danlu.watch.journal import Journal, curves, evaluations, last_attempt, read, records
from tests.watch.stories import Clock, Story, block


def written(path: Path, *events: Event, attempt: int = 1) -> list[dict[str, object]]:
    journal = Journal(path, attempt)
    for event in events:
        journal.on(event)
    journal.close()
    return read(path)


def plain(value: object) -> object:
    """Tuples as lists, as JSON knows them."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return {key: plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def test_every_event_comes_back(tmp_path: Path) -> None:
    events = [event for event in Story(Clock()).events() if not isinstance(event, EvaluationProgress)]
    found = written(tmp_path / "events.jsonl", *events, attempt=3)
    assert len(found) == len(events)
    for record, event in zip(found, events, strict=True):
        for field in fields(event):
            assert record[field.name] == plain(getattr(event, field.name))
        assert record["attempt"] == 3
    kinds = [record["type"] for record in found]
    assert kinds[:2] == ["fit-started", "steps-done"]
    assert kinds[-2:] == ["fit-done", "evaluated"]
    assert {"epoch-done", "checkpoint-saved", "said"} < set(kinds)
    lines = (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()
    assert all(list(json.loads(line))[:3] == ["attempt", "type", "time"] for line in lines)
    assert "标签 7" in "".join(lines)


def test_floats_come_back_bit_for_bit(tmp_path: Path) -> None:
    bits = random.Random(1)
    odd = [0.0, -0.0, 5e-324, 1.7976931348623157e308, 0.1, 1 / 3, float(np.float32(0.1)), math.pi * 1e-300]
    values = tuple(odd + [struct.unpack("d", bits.randbytes(8))[0] for _ in range(2000)])
    steps = tuple(range(len(values)))
    path = tmp_path / "events.jsonl"
    (record,) = written(path, StepsDone(len(values), 0, steps, {"x": values}, 1, 1.0, 0.0))
    given = [struct.pack("d", value) for value in values if value == value]
    for back in (record["values"]["x"], curves(path)["x"][1].tolist()):  # type: ignore[index]
        assert [struct.pack("d", value) for value in back if value == value] == given
        assert [value != value for value in back] == [value != value for value in values]


def test_numbers_json_lacks_are_strict_json_and_come_back(tmp_path: Path) -> None:
    path, odd = tmp_path / "events.jsonl", (math.nan, math.inf, -math.inf, 1.5)
    event = StepsDone(4, 0, (0, 1, 2, 3), {"train/loss": odd}, 4, 1.0, 0.0)
    judged = Evaluated(4, 0, "val", {"val/ap": math.nan}, {"val/ap": (-math.inf, math.inf)}, False, 1.0)
    said = Said(4, 0, "NaN")
    steps, evaluation, text = written(path, event, judged, said)
    assert repr(steps["values"]["train/loss"]) == "[nan, inf, -inf, 1.5]"  # type: ignore[index]
    assert repr(evaluation["values"]["val/ap"]) == "nan"  # type: ignore[index]
    assert evaluation["intervals"]["val/ap"] == [-math.inf, math.inf]  # type: ignore[index]
    assert text["text"] == "NaN"

    def refuse(token: str) -> None:
        raise AssertionError(f"{token} is not JSON")

    for line in path.read_text().splitlines():
        json.loads(line, parse_constant=refuse)
    np.testing.assert_array_equal(curves(path)["train/loss"][1], odd)


def test_values_of_numpy_and_odd_paths_are_written(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class OwnEvent(Event):
        value: object

    path = tmp_path / "events.jsonl"
    odd = os.fsdecode(b"/data/\xff.png")
    found = written(
        path,
        OwnEvent(1, 0, np.float32(0.5)),
        OwnEvent(1, 0, np.arange(3)),
        OwnEvent(1, 0, Path("/x")),
        OwnEvent(1, 0, odd),
    )
    assert [record["value"] for record in found] == [0.5, [0, 1, 2], "/x", odd]
    assert {record["type"] for record in found} == {"own-event"}


def test_what_passes_is_not_written(tmp_path: Path) -> None:
    assert written(tmp_path / "events.jsonl", EvaluationProgress(0, 0, "val", 1, 2), Snapshot(0, 0, {}, {})) == []


@pytest.mark.parametrize("torn", [b'{"attempt":1,"ty', b"\0" * 5000, b'{"attempt":1,"type":"said","step":1,"epoch":0}'])
def test_a_torn_last_line_is_dropped_and_cut_off(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "events.jsonl"
    before = written(path, block(0, 5), Said(5, 0, "x" * 200_000))
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    assert read(path) == before
    assert last_attempt(path) == 1
    again = written(path, Said(5, 0, "on"), attempt=2)
    assert path.read_bytes().startswith(whole)
    assert again[:-1] == before
    assert again[-1]["attempt"] == 2


def test_a_file_of_nothing_but_a_torn_line_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"attempt"')
    assert read(path) == []
    assert last_attempt(path) == 0
    assert last_attempt(tmp_path / "none") == 0
    assert len(written(path, Said(0, 0, "a"))) == 1


def test_a_damaged_line_is_told_or_gathered(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    written(path, block(0, 2), block(2, 2), block(4, 2))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b'{"attempt": 1, "type\n' + lines[2])
    with pytest.raises(RunError) as caught:
        read(path)
    assert caught.value.problems[0].where == f"{path}:2"
    problems: list[Problem] = []
    assert [record["step"] for record in read(path, problems)] == [2, 6]
    assert [problem.where for problem in problems] == [f"{path}:2"]
    assert curves(path, [])["lr"][0].tolist() == [1, 2, 5, 6]


def test_no_journal_is_an_error_for_people(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="No such file"):
        read(tmp_path / "events.jsonl")


def test_steps_done_again_supersede(tmp_path: Path) -> None:
    """Killed after step 10, resumed from step 6 and killed after 8, resumed from 6 again up to 12."""
    path = tmp_path / "events.jsonl"
    written(
        path,
        block(0, 5, a=1),
        Evaluated(5, 0, "val", {"val/x": 1.0}),
        block(5, 5, a=1),
        EpochDone(10, 0, {"train/loss": 1.0}, 1.0),
    )
    written(path, Evaluated(10, 0, "val", {"val/x": 1.5}), attempt=1)
    written(path, block(6, 2, a=2), attempt=2)
    written(
        path,
        block(6, 6, a=3),
        Evaluated(10, 0, "val", {"val/x": 3.0}),
        EpochDone(10, 0, {"train/loss": 3.0}, 1.0),
        attempt=3,
    )
    steps, values = curves(path)["a"]
    assert steps.tolist() == list(range(1, 13))
    assert values.tolist() == [1] * 6 + [3] * 6
    assert [array.tolist() for array in curves(path)["val/x"]] == [[5, 10], [1.0, 3.0]]
    assert curves(path)["epoch/train/loss"][1].tolist() == [3.0]
    assert [(r["step"], r["attempt"], r["values"]["val/x"]) for r in evaluations(path)] == [(5, 1, 1.0), (10, 3, 3.0)]
    assert last_attempt(path) == 3


def test_steps_not_done_again_stay(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    written(path, block(0, 10, a=1))
    written(path, block(6, 2, a=2), attempt=2)
    assert curves(path)["a"][1].tolist() == [1] * 6 + [2] * 2 + [1] * 2


def test_each_event_is_one_write_and_in_the_file_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: sizes.append(len(data)) or write(file, data))
    journal = Journal(tmp_path / "events.jsonl", 1)
    for index in range(3):
        journal.on(block(5000 * index, 5000))
        assert len(sizes) == index + 1
        assert (tmp_path / "events.jsonl").stat().st_size == sum(sizes)
    journal.close()


def test_synced_at_checkpoints_and_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    journal = Journal(tmp_path / "events.jsonl", 1)
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(kind))
    for event in Story(Clock(), epochs=2).events():
        kind = type(event).__name__
        journal.on(event)
    assert synced == ["CheckpointSaved", "CheckpointSaved", "FitDone"]
    kind = "close"
    journal.close()
    journal.close()
    assert synced[3:] == ["close"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_full_disk_is_told_and_leaves_whole_lines(tmp_path: Path) -> None:
    """A limit on the file's size makes a write stop half-way, as a full disk does."""
    path = tmp_path / "events.jsonl"
    code = f"""
import resource, signal
from danlu.errors import RunError
from danlu.training.events import Said
from danlu.watch.journal import Journal, read
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
journal = Journal({str(path)!r}, 1)
journal.on(Said(1, 0, "first"))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
try:
    journal.on(Said(2, 0, "x" * 5000))
except RunError as error:
    assert error.problems[0].where == {str(path)!r} and "Free some space" in error.problems[0].remedy, error
else:
    raise SystemExit("no error")
assert len(read({str(path)!r})) == 1
journal.on(Said(3, 0, "fits"))
journal.close()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [record["text"] for record in read(path)] == ["first", "fits"]
    assert path.read_bytes().endswith(b"\n")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
def test_half_a_line_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    path = tmp_path / "events.jsonl"
    journal = Journal(path, 1)
    journal.on(block(0, 2))
    before, write = path.read_bytes(), os.write

    def half(file: int, data: memoryview) -> int:
        if len(data) < 100:
            raise error
        return write(file, data[: len(data) // 2])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises((KeyboardInterrupt, RunError)):
        journal.on(block(2, 200))
    assert path.read_bytes() == before
    monkeypatch.setattr(os, "write", write)
    journal.on(FitDone(2, 0, "interrupted", 1.0))
    journal.close()
    assert [record["type"] for record in read(path)] == ["steps-done", "fit-done"]


@pytest.mark.skipif(sys.platform == "win32", reason="locks of POSIX")
def test_a_second_process_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    code = f"""
import sys
from danlu.watch.journal import Journal
journal = Journal({str(path)!r}, 1)
print("open", flush=True)
sys.stdin.read()
"""
    first = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert first.stdout is not None
        assert first.stdout.readline() == "open\n"
        with pytest.raises(RunError, match="another process"):
            Journal(path, 2)
    finally:
        first.kill()
        first.communicate()
    Journal(path, 2).close()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="No such file"):
        Journal(tmp_path / "none" / "events.jsonl", 1)


def test_records_are_read_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    written(path, *(block(2 * index, 2) for index in range(3)))
    path.write_bytes(path.read_bytes() + b"damaged\n")
    found = records(path)
    assert [next(found)["step"] for _ in range(3)] == [2, 4, 6]
    with pytest.raises(RunError):
        next(found)


def test_killed_at_any_byte_nothing_whole_is_lost(tmp_path: Path) -> None:
    """Cut after every byte of the last line: the lines before it stay, and the next attempt begins on its own line."""
    path = tmp_path / "events.jsonl"
    written(path, Said(1, 0, "one"), Said(2, 0, "二"))
    data = path.read_bytes()
    first = data.index(b"\n") + 1
    for end in range(first, len(data)):
        path.write_bytes(data[:end])
        assert [record["text"] for record in written(path, Said(2, 0, "again"), attempt=2)] == ["one", "again"]
