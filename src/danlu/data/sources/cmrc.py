"""Questions in CMRC's own JSON: a list of texts (context_text), each with questions (query_text) and answers."""

from __future__ import annotations

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
    """A JSON list whose first objects have a context_text, or a folder with such files that are named train, dev or test."""
    return bool(_files(path))


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        named = [file for file in sorted(path.glob("*.json")) if part_in(file.stem) is not None]
        return named if named and all(map(_is_cmrc, named)) else []
    return [path] if path.is_file() and path.suffix.lower() == ".json" and _is_cmrc(path) else []


def _is_cmrc(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(_START)
    except OSError:
        return False
    return start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[") and b'"context_text"' in start


def read(path: Path, data: DataSection, wanted: Mapping[str, Column], progress: Progress | None = None) -> Table:
    """One row for each question. Questions about one text (or title) stay in one part."""
    return _paragraphs.table(path, _files(path) or [path], data, wanted, "cmrc", progress)
