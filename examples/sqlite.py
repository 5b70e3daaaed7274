"""A SQLite file: one row for each of its table's. An example of a source (CONTRIBUTING.md)."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import Any

from danlu.data.progress import Progress
from danlu.data.sources import _manifest
from danlu.data.table import Table
from danlu.errors import DataError
from danlu.messages import choose
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column


def recognises(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in (".db", ".sqlite")


def read(path: Path, data: DataSection, wanted: Mapping[str, Column], progress: Progress | None = None) -> Table:
    """The rows of the first table. Raises DataError where there is none."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as base:
        first = base.execute("select name from sqlite_master where type = 'table' order by name").fetchone()
        if first is None:
            raise DataError.of(str(path), choose(("There is no table in it.", "其中没有表。")))
        cursor = base.execute(f'select * from "{first[0]}" order by rowid')
        offered = [name for name, *_ in cursor.description]
        columns = dict(zip(offered, zip(*cursor.fetchall(), strict=True), strict=False))
    count = len(columns[offered[0]]) if columns else 0
    lines = [f"{path.name}, row {number}" for number in range(1, count + 1)]

    def fetch(names: Sequence[str]) -> _manifest.Fetched:
        return _manifest.Fetched({name: list(columns[name]) for name in names}, lines)

    def sample(name: str) -> Sequence[Any]:
        return columns[name][:200]

    digest = blake2b(path.read_bytes(), digest_size=16).hexdigest()
    return _manifest.table(_manifest.Manifest(path, offered, digest, sample, fetch), data, wanted, progress)
