"""On a terminal that shows Chinese: columns stand under each other, and lines keep to the width."""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import shutil
import unicodedata
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.cells import cell_len
from safetensors.numpy import save_file

import danlu
import danlu.messages.texts
from danlu.cli._wrapping import cells, padded
from danlu.cli.list import GROUPS
from danlu.cli.main import commands, main

SMALL = {
    "data": {"source": "builtin:digits", "limit": 60, "workers": 0, "augment": []},
    "model": {"name": "mlp", "args": {"widths": [8]}},
    "train": {"epochs": 1, "threads": 1, "precision": "fp32", "device": "cpu"},
}


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs with names of both widths, a photo and a file of tensors."""
    folder = tmp_path_factory.mktemp("工作")
    for name, seed in (("第一次", 0), ("second", 1), ("第 3 次，更长的名字", 2)):
        danlu.train(SMALL | {"run": {"name": name, "folder": str(folder / "runs")}, "seed": seed}, screen=False)
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(folder / "照片.png")
    save_file({"权重": np.ones((2, 3), np.float32), "bias": np.zeros(3, np.float32)}, folder / "张量.safetensors")
    return folder


@pytest.fixture(autouse=True)
def _there(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workplace)


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    capsys.readouterr()
    assert main([*words, "--lang", "zh"]) == 0
    return capsys.readouterr().out.splitlines()


def fields(line: str) -> list[tuple[int, int]]:
    """(begin, end) in cells of what two spaces or more set apart."""
    return [
        (cell_len(line[: match.start()]), cell_len(line[: match.end()])) for match in re.finditer(r"\S+(?: \S+)*", line)
    ]


def tables(lines: list[str]) -> Iterator[list[str]]:
    """Head and rows of each table: what stands around a rule, or, without one, paragraphs of several columns."""
    for _, block in groupby(lines, key=bool):
        rows = list(block)
        rule = next((place for place, line in enumerate(rows) if set(line) == {"─"}), None)
        if rule is not None:
            yield [rows[rule - 1], *(line for line in rows[rule + 1 :] if "   " in line)]
        else:
            table = [line for line in rows if "  " in line.strip()]
            if len(table) > 1:
                yield table


def aligned(table: list[str]) -> None:
    """Every cell of every row begins where its head begins, or ends where it ends."""
    head, *rows = table
    begins, ends = zip(*fields(head), strict=True)
    assert rows
    for row in rows:
        for begin, end in fields(row):
            assert begin in begins or end in ends, "\n".join(table)


COMMANDS: dict[str, tuple[list[str], int]] = {  # words, tables
    "runs": (["runs", "runs"], 1),
    "compare": (["compare", "runs/第一次", "runs/second"], 2),
    "compare three": (["compare", "runs/第一次", "runs/second", "runs/第 3 次，更长的名字"], 3),
    "inspect": (["inspect", "runs/第一次"], 1),
    "inspect layers": (["inspect", "runs/第一次", "照片.png"], 1),
    "inspect two": (["inspect", "runs/第一次", "runs/second"], 1),
    "inspect a file": (["inspect", "张量.safetensors"], 1),
    "list tasks": (["list", "tasks"], 1),
    "check": (["check", "builtin:digits", "data.limit=60", "model.name=mlp", "train.device=cpu"], 2),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_columns_stand_under_each_other(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    words, many = COMMANDS[name]
    lines = shown(capsys, *words)
    found = list(tables(lines))
    assert len(found) >= many, "\n".join(lines)
    assert any(unicodedata.east_asian_width(char) == "W" for table in found for char in "".join(table))
    for table in found:
        aligned(table)


@pytest.mark.parametrize("group", [*GROUPS, ""])
def test_lists_keep_to_the_width(
    group: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "get_terminal_size", lambda *_: os.terminal_size((80, 24)))
    lines = shown(capsys, "list", *([group] if group else []))
    if group not in ("", "tasks"):  # names alone in one line, and a table, which a pipe does not fold
        assert max(map(cell_len, lines)) <= 80
        assert not any(line.lstrip()[:1] in "，。；：、）" for line in lines if line)


@pytest.mark.parametrize("command", ["", *commands()])
def test_helps_keep_to_the_width_and_are_chinese(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = shown(capsys, *([command] if command else []), "--help")
    assert max(map(cell_len, lines[1:])) <= 100, "but for the usage, which is one line"
    english = [line for line in lines if len(set(line.split()) & {"the", "of", "a", "is", "to", "for", "and", "this"})]
    assert not english
    assert not [line for line in lines if line.endswith(":")], "headings end in a Chinese colon"


def test_the_two_measures_of_width_agree() -> None:
    """The command line's own, which loads nothing, and rich's, on every text there is and on what names of files can hold."""
    areas = [module.name for module in pkgutil.iter_modules(danlu.messages.texts.__path__)]
    texts = [text for area in areas for pair in _texts(area).values() for text in pair]
    assert len(texts) > 2000
    texts += ["e\u0301te\u0301", "か\u3099", "ﾊﾝｶｸ", "全角ＡＢＣ", "한글", "→ ≤ × · … –", "zero\u200bwidth"]
    assert not [text for text in texts for line in text.splitlines() if cells(line) != cell_len(line)]


def _texts(area: str) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = importlib.import_module(f"danlu.messages.texts.{area}").TEXTS
    return found


def test_padding_counts_cells() -> None:
    assert [cell_len(padded(text, 8)) for text in ("训练", "run", "e\u0301")] == [8, 8, 8]


# ---- the instrument itself


def test_a_crooked_table_is_seen() -> None:
    aligned(["名称    数值", "准确率   0.5", "loss    0.25"])
    for crooked in ("准确率    0.50", "lossy    0.251"):
        with pytest.raises(AssertionError):
            aligned(["名称    数值", crooked])
    assert fields("训练     最好的基线  a b") == [(0, 4), (9, 19), (21, 24)]
