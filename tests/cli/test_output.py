"""What programs read (JSON) and what people read (aligned tables, wrapped lines)."""

from __future__ import annotations

import io
import json
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from danlu.cli._output import Output, plain, to_json
from danlu.cli._wrapping import cells, wrap


@dataclass
class Point:
    x: float
    place: Path


def test_plain_gives_what_json_can_hold() -> None:
    value = {
        "a": (1, Path("b/c")),
        2: np.float32(0.5),
        "p": Point(float("nan"), Path("d")),
        "n": np.arange(2),
        "t": True,
    }
    assert plain(value) == {"a": [1, "b/c"], "2": 0.5, "p": {"x": None, "place": "d"}, "n": [0, 1], "t": True}


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), np.float64("-inf")])
def test_numbers_that_are_not_finite_are_null(bad: float) -> None:
    """``NaN`` is no JSON: strict readers refuse the whole document."""
    assert json.loads(to_json([bad], io.StringIO())) == [None]


@pytest.mark.parametrize("encoding", ["utf-8", "gbk", "latin-1", "ascii"])
def test_json_survives_every_encoding(encoding: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    assert json.loads(to_json({"类别": "猫"}, stream).encode(encoding)) == {"类别": "猫"}


def test_tables_align_wide_characters(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [["准确率", "0.9163"], ["macro-f1", "0.9"], ["[bold]", "1"]]
    Output().table(["指标", "数值"], rows, right=[1])
    lines = capsys.readouterr().out.splitlines()
    ends = {cells(line) for line in lines if any(row[0] in line for row in rows)}
    assert len(ends) == 1, "right-aligned values must end in one column"
    assert "[bold]" in "".join(lines), "cells are text, not markup"


def test_a_table_in_a_pipe_folds_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    Output().table(["a", "b"], [["x" * 300, "y" * 300]])
    assert any("x" * 300 in line and "y" * 300 in line for line in capsys.readouterr().out.splitlines())


def test_as_json_people_see_nothing_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(as_json=True)
    out.line("for people")
    out.table(["a"], [["b"]])
    out.result({"a": 1})
    assert capsys.readouterr().out == '{"a": 1}\n'


words = st.text(alphabet="abc 猫狗，。（）-", max_size=60)


@given(words, st.integers(8, 30))
def test_wrapping_loses_nothing_and_keeps_to_the_width(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    for line in lines:
        assert line == line.strip()
        assert cells(line) <= width or " " not in line, "only what can't be broken may be wider"


def test_chinese_is_broken_anywhere_but_before_punctuation() -> None:
    assert wrap("训练好的模型，可以预测。", 12) == ["训练好的模", "型，可以预", "测。"]
    assert wrap("a long English text", 11) == ["a long", "English", "text"]
    assert all(unicodedata.east_asian_width(char) == "W" for char in "训练")
