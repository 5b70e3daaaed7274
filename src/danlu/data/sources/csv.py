"""A CSV file (also with semicolons or tabs) with a header line."""

from __future__ import annotations

import csv
import io
import sys
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from danlu.data.columns import Texts
from danlu.data.progress import Pace, Progress
from danlu.data.sources import _manifest
from danlu.data.sources._listing import is_image
from danlu.data.sources._numbered import Numbered
from danlu.data.sources._text import encoding_of
from danlu.data.table import Table
from danlu.errors import DataError
from danlu.messages import say
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column

_SAMPLE = 200  # lines looked at for the delimiter, and to propose which column is what


def recognises(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in (".csv", ".tsv", ".tab")


def read(path: Path, data: DataSection, wanted: Mapping[str, Column], progress: Progress | None = None) -> Table:
    """One row for each line. Delimiter (, ; tab |) and encoding (UTF-8, UTF-16, GB18030) are found by themselves and noted.

    Lines with another number of cells than the header has are set aside and listed.
    """
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # boxes of a crowd in one cell are longer than the default allows
    encoding, digest = encoding_of(path)
    with path.open(encoding=encoding, newline="") as file:
        text = "".join(islice(file, _SAMPLE))
    delimiter = _delimiter(text, path)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    header = _header(path, rows)
    sample = [row for row in rows[1:] if len(row) == len(header)]
    notes = [] if encoding.startswith("utf-8") else [(str(path), say("data.note.encoding", encoding=encoding.upper()))]

    def fetch(names: Sequence[str]) -> _manifest.Fetched:
        return _fetch(path, encoding, delimiter, header, names, notes, progress)

    def some(name: str) -> Sequence[Any]:
        place = header.index(name)
        return [row[place] for row in sample]

    return _manifest.table(_manifest.Manifest(path, header, digest, some, fetch), data, wanted, progress)


def _delimiter(text: str, path: Path) -> str:
    """The one that divides the lines into the same number of cells, more than one if any does."""
    best, most = ",", (0, 0)
    for candidate in (",", "\t", ";", "|"):
        cells = Counter(len(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=candidate) if row)
        if not cells:
            raise DataError.of(str(path), say("data.manifest.empty"))
        count, lines = cells.most_common(1)[0]
        if count > 1 and (lines, count) > most:
            best, most = candidate, (lines, count)
    return best


def _header(path: Path, rows: list[list[str]]) -> list[str]:
    first = next((row for row in rows if row), [])
    header = [cell.strip() for cell in first]
    if any(is_image(cell) for cell in header):
        raise DataError.of(
            f"{path}:1", say("data.csv.no-header", line=", ".join(header)[:80]), say("data.csv.no-header.remedy")
        )
    header = [cell or f"column {place}" for place, cell in enumerate(header, 1)]
    twice = [cell for cell, count in Counter(header).items() if count > 1]
    if twice:
        raise DataError.of(f"{path}:1", say("data.csv.twice", columns=", ".join(twice)))
    return header


def _lines(path: Path, encoding: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """(number of its last line, cells), without the header and blank lines."""
    with path.open(encoding=encoding, newline="") as file:
        reader = csv.reader(file, delimiter=delimiter)
        try:
            seen = False
            for row in reader:
                if row:
                    if seen:
                        yield reader.line_num, row
                    seen = True
        except csv.Error as error:
            raise DataError.of(f"{path}:{reader.line_num}", say("data.csv.broken", reason=error)) from error


def _fetch(
    path: Path,
    encoding: str,
    delimiter: str,
    header: list[str],
    names: Sequence[str],
    notes: list[tuple[str, str]],
    progress: Progress | None,
) -> _manifest.Fetched:
    places = [header.index(name) for name in names]
    columns = [Texts() for _ in names]
    numbers = array("q")
    problems: list[tuple[str, str]] = []
    pace = Pace(progress, say("data.reading", file=path.name))
    for number, row in _lines(path, encoding, delimiter):
        if len(row) != len(header):
            if any(cell.strip() for cell in row):
                said = say("data.csv.cells", found=len(row), expected=len(header))
                problems.append((say("data.line", file=path.name, number=number), said))
            continue
        for place, column in zip(places, columns, strict=True):
            column.append(row[place].strip())
        numbers.append(number)
        pace(len(numbers))
    pace.end(len(numbers))
    return _manifest.Fetched(dict(zip(names, columns, strict=True)), Numbered(path.name, numbers), problems, notes)
