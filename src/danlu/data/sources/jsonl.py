"""A file with one JSON object a line, or one JSON list of objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from danlu.data.progress import Pace, Progress
from danlu.data.room import refuse_too_large
from danlu.data.sources import _manifest
from danlu.data.sources._json import loads, parsed
from danlu.data.sources._nested import paths_of, value_at
from danlu.data.sources._numbered import Numbered
from danlu.data.sources._text import LONGEST_LINE, examined, nul_in
from danlu.data.table import Table
from danlu.errors import DataError
from danlu.messages import say
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column

_SAMPLE = 200
_HELD = 10  # bytes of memory for each of a list, which is read whole

Row = tuple[int, Any]  # line (or place in the list, from 1), value; an exception for what can't be read


def recognises(path: Path) -> bool:
    """.jsonl and .ndjson; .json only where it holds a list."""
    if not path.is_file():
        return False
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        return True
    return path.suffix.lower() == ".json" and _is_list(path)


def _is_list(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(256).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")
    except OSError:
        return False


def read(path: Path, data: DataSection, wanted: Mapping[str, Column], progress: Progress | None = None) -> Table:
    """One row for each object; its columns are the names that occur in the first lines, and the ways to what objects in them hold.

    Lines that are no object are set aside.
    """
    whole = _is_list(path)
    found = examined(path, None if whole else LONGEST_LINE)
    encoding = found.encoding
    if found.nul and whole:
        raise nul_in(path, found.nul)
    if whole:
        refuse_too_large(str(path), _HELD * path.stat().st_size)
    notes = [] if encoding.startswith("utf-8") else [(str(path), say("data.note.encoding", encoding=encoding.upper()))]
    first = [value for _, value in islice(_rows(path, encoding), _SAMPLE) if isinstance(value, dict)]
    nested = paths_of(first)
    names = dict.fromkeys(name for row in first for name in row)
    offered = [each for name in names for each in (name, *nested.get(name, ()))]
    if not offered and found.nul:  # JSON has no such bytes: each line that holds one is broken
        raise nul_in(path, found.nul)
    if not offered:
        raise DataError.of(str(path), say("data.json.no-objects"))

    def fetch(names: Sequence[str]) -> _manifest.Fetched:
        columns: dict[str, list[Any]] = {name: [] for name in names}
        numbers: list[int] = []
        problems: list[tuple[str, str]] = []
        pace = Pace(progress, say("data.reading", file=path.name))
        for number, row in _rows(path, encoding):
            if not isinstance(row, dict):
                reason = str(row) if isinstance(row, ValueError) else type(row).__name__
                problems.append(
                    (say("data.line", file=path.name, number=number), say("data.json.no-object", reason=reason))
                )
                continue
            for name, column in columns.items():
                column.append(value_at(row, name))
            numbers.append(number)
            pace(len(numbers))
        pace.end(len(numbers))
        return _manifest.Fetched(columns, Numbered(path.name, numbers), problems, notes)

    def some(name: str) -> Sequence[Any]:
        return [value_at(row, name) for row in first]

    return _manifest.table(_manifest.Manifest(path, offered, found.digest, some, fetch, nested), data, wanted, progress)


def _rows(path: Path, encoding: str) -> Iterator[Row]:
    with path.open(encoding=encoding) as file:
        if _is_list(path):
            yield from enumerate(parsed(path, file.read()), 1)
            return
        for number, line in enumerate(file, 1):
            if not line.isspace():
                try:
                    yield number, loads(line)
                except ValueError as error:
                    yield number, ValueError(say("data.text.nul-row")) if "\0" in line else error
