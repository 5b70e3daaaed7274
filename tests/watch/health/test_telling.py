"""A verdict on its way to people: the log's line, the screen that stays, the journal."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.text import Text

from danlu.training.events import Diagnosed
from danlu.watch import frame
from danlu.watch.journal import Journal, read
from danlu.watch.plain import Plain
from danlu.watch.state import State

FOUND = Diagnosed(
    9, 2, "dead-relu", "problem", "ReLUs have died.", ("seen",), ("fc",), "Mend it.", {"model.args.widths": [2]}
)


def test_a_line() -> None:
    stream = io.StringIO()
    Plain(stream).on(FOUND)
    assert "event=health" in stream.getvalue()
    assert 'verdict=dead-relu severity=problem text="ReLUs have died."' in stream.getvalue()


@pytest.mark.parametrize("width", [30, 80])
def test_on_the_screen_that_stays(width: int) -> None:
    state = State()
    state.on(FOUND)
    state.on(replace(FOUND, name="plateau", severity="warning", text="It stands still."))
    lines = frame.summary(state, width).plain.splitlines()
    assert all(Text(line).cell_len <= width for line in lines)
    text = " ".join(line.strip() for line in lines)
    assert "✗ dead-relu: ReLUs have died." in text
    assert "! plateau: It stands still." in text


def test_in_the_journal(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "events.jsonl", 1)
    journal.on(FOUND)
    journal.close()
    (record,) = read(tmp_path / "events.jsonl")
    assert record["type"] == "diagnosed"
    assert record["patch"] == {"model.args.widths": [2]}
    assert record["layers"] == ["fc"]
