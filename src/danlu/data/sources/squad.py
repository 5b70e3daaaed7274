"""Questions in SQuAD's JSON (v1.1, v2.0, and CMRC in its form): one file, or a folder with train….json and dev….json."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from danlu.data.progress import Progress
from danlu.data.sources import _paragraphs
from danlu.data.sources._parts import part_in
from danlu.data.table import Table
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column

_START = 1 << 16  # bytes


def recognises(path: Path) -> bool:
    """A JSON object with data and paragraphs, or a folder with such files that are named train, dev or test."""
    return bool(_files(path))


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        named = [file for file in sorted(path.glob("*.json")) if part_in(file.stem) is not None]
        return named if named and all(map(_is_squad, named)) else []
    return [path] if path.is_file() and path.suffix.lower() == ".json" and _is_squad(path) else []


def _is_squad(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(_START)
    except OSError:
        return False
    head = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    return head.startswith(b"{") and re.search(rb'"paragraphs"\s*:\s*\[', start) is not None


def read(path: Path, data: DataSection, wanted: Mapping[str, Column], progress: Progress | None = None) -> Table:
    """One row for each question. Questions about one article (or text, where articles have no title) stay in one part."""
    return _paragraphs.table(path, _files(path) or [path], data, wanted, "squad", progress)
