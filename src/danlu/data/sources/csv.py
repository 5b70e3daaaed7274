"""A CSV file (also with semicolons or tabs) with a header line."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from danlu.data.progress import Progress
from danlu.data.sources import _manifest
from danlu.data.sources._cells import taken, without_nul
from danlu.data.sources._listing import is_image
from danlu.data.sources._mapping import listed
from danlu.data.sources._text import LONGEST_LINE, examined, nul_in
from danlu.data.table import Table
from danlu.errors import DataError
from danlu.messages import say
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column

_SAMPLE = 200  # lines looked at for the delimiter, and to propose which column is what
_SAMPLED = 1 << 20  # characters of them


def recognises(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in (".csv", ".tsv", ".tab")


def read(path: Path, data: DataSection, wanted: Mapping[str, Column], progress: Progress | None = None) -> Table:
    """One row for each line. Delimiter (, ; tab |) and encoding (UTF-8, UTF-16, GB18030) are found by themselves and noted.

    Lines with another number of cells than the header has, and those with a NUL byte, are set aside and listed.
    """
    csv.field_size_limit(LONGEST_LINE)  # boxes of a crowd in one cell are longer than the default allows
    found = examined(path)
    encoding = found.encoding
    with path.open(encoding=encoding, newline="") as file:
        text = _sample(file)
    delimiter = _delimiter(text, path)
    header = _header(path, next(_records(path, encoding, delimiter))[1])
    if any("\0" in name for name in header):  # not one byte that went wrong: UTF-16, or no text
        raise nul_in(path, found.nul)
    index = {name: place for place, name in enumerate(header)}
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    sample = [row for row in rows if len(row) == len(header)][1:]
    notes = [] if encoding.startswith("utf-8") else [(str(path), say("data.note.encoding", encoding=encoding.upper()))]

    def fetch(names: Sequence[str]) -> _manifest.Fetched:
        lines = _records(path, encoding, delimiter)
        next(lines)  # the header
        return taken(path, without_nul(lines) if found.nul else lines, header, names, progress, notes=notes)

    def some(name: str) -> Sequence[Any]:
        return [row[index[name]] for row in sample]

    return _manifest.table(_manifest.Manifest(path, header, found.digest, some, fetch), data, wanted, progress)


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


def _sample(file: TextIO) -> str:
    """The first lines, of which at least one is whole."""
    text = ""
    for line in islice(file, _SAMPLE):
        text += line
        if len(text) > _SAMPLED:
            break
    return text


def _header(path: Path, first: list[str] | str) -> list[str]:
    if isinstance(first, str):
        raise DataError.of(f"{path}:1", say("data.csv.quote"), say("data.csv.quote.remedy"))
    header = [cell.strip() for cell in first]
    if any(is_image(cell) for cell in header):
        raise DataError.of(
            f"{path}:1", say("data.csv.no-header", line=", ".join(header)[:80]), say("data.csv.no-header.remedy")
        )
    header = [cell or f"column {place}" for place, cell in enumerate(header, 1)]
    twice = [cell for cell, count in Counter(header).items() if count > 1]
    if twice:
        raise DataError.of(f"{path}:1", say("data.csv.twice", columns=listed(twice)), say("data.csv.twice.remedy"))
    return header


def _records(path: Path, encoding: str, delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """(number of its last line, cells or what is wrong with it) of every line but blank ones, the header too.

    Raises DataError for a quotation mark that swallows lines: they would be lost in silence.
    """
    with path.open(encoding=encoding, newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        while True:
            start = reader.line_num
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if reader.line_num > start + 1:
                    where = f"{path}:{start + 1}"
                    raise DataError.of(where, say("data.csv.quote"), say("data.csv.quote.remedy")) from error
                yield reader.line_num, say("data.csv.quote-within")
                continue
            if row:
                yield reader.line_num, row
