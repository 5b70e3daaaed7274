"""Questions in CMRC's own JSON: a list of texts (context_text), each with questions (query_text) and answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from danlu.data.progress import Progress
from danlu.data.sources import _paragraphs
from danlu.data.table import Table
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column


def recognises(path: Path) -> bool:
    """A JSON list whose first objects have a context_text, or a folder with such files that are named train, dev or test."""
    return bool(_paragraphs.files(path, _is_cmrc))


def _is_cmrc(start: bytes) -> bool:
    return start.startswith(b"[") and b'"context_text"' in start


def read(path: Path, data: DataSection, wanted: Mapping[str, Column], progress: Progress | None = None) -> Table:
    """One row for each question. Questions about one text (or title) stay in one part."""
    return _paragraphs.table(path, _paragraphs.files(path, _is_cmrc) or [path], data, wanted, "cmrc", progress)
