"""Questions in SQuAD's JSON (v1.1, v2.0, and CMRC in its form): one file, or a folder with train….json and dev….json."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from danlu.data.progress import Progress
from danlu.data.sources import _paragraphs
from danlu.data.table import Table
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column


def recognises(path: Path) -> bool:
    """A JSON object with data and paragraphs, or a folder with such files that are named train, dev or test."""
    return bool(_paragraphs.files(path, _is_squad))


def _is_squad(start: bytes) -> bool:
    return start.startswith(b"{") and re.search(rb'"paragraphs"\s*:\s*\[', start) is not None


def read(path: Path, data: DataSection, wanted: Mapping[str, Column], progress: Progress | None = None) -> Table:
    """One row for each question. Questions about one article (or text, where articles have no title) stay in one part."""
    return _paragraphs.table(path, _paragraphs.files(path, _is_squad) or [path], data, wanted, "squad", progress)
