"""Criteo's click logs: tab-separated without a header; the label, 13 counts, 26 hashed categories (``train.txt``, ``day_0``).

https://ailab.criteo.com/ressources/. Files without labels (``test.txt``) have 39 cells and can be asked about, not learnt from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from danlu.data.growing import Cells, Rows
from danlu.data.progress import Pace, Progress
from danlu.data.sources import _manifest
from danlu.data.sources._numbered import Lines, Numbered
from danlu.data.sources._text import encoding_of, lines_in
from danlu.data.table import Table
from danlu.messages import say
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column

LABEL = "label"
NUMBERS = tuple(f"I{place}" for place in range(1, 14))
CATEGORIES = tuple(f"C{place}" for place in range(1, 27))
_TYPES = {**dict.fromkeys(NUMBERS, "number"), **dict.fromkeys(CATEGORIES, "category")}
_LINE = re.compile(r"(?:[01]\t)?(?:-?\d*\t){13}(?:[0-9a-fA-F]{0,8}\t){25}[0-9a-fA-F]{0,8}")
_SUFFIXES = ("", ".txt", ".tsv")
_FIRST = 4096  # bytes, in which a line ends
_SAMPLE = 200


def recognises(path: Path) -> bool:
    if not path.is_file() or path.suffix.lower() not in _SUFFIXES:
        return False
    with path.open("rb") as file:
        line = file.read(_FIRST).split(b"\n", 1)[0]
    return _LINE.fullmatch(line.decode("latin-1").rstrip("\r")) is not None


def read(path: Path, data: DataSection, wanted: Mapping[str, Column], progress: Progress | None = None) -> Table:
    """One row for each line; columns ``label``, ``I1`` to ``I13``, ``C1`` to ``C26``. Lines of other lengths are set aside."""
    encoding, digest = encoding_of(path)
    with path.open(encoding=encoding) as file:
        first = [line.rstrip("\r\n").split("\t") for line in islice(file, _SAMPLE)]
    header = (LABEL, *NUMBERS, *CATEGORIES)[-len(first[0]) :] if first and len(first[0]) in (39, 40) else (LABEL,)
    index = {name: place for place, name in enumerate(header)}

    def some(name: str) -> Sequence[Any]:
        return [row[index[name]] for row in first if len(row) == len(header)]

    def fetch(names: Sequence[str]) -> _manifest.Fetched:
        columns = [Cells() for _ in names]
        rows = Rows(columns, [index[name] for name in names], strip=False)
        numbers = Lines()
        problems: list[tuple[str, str]] = []
        pace = Pace(progress, say("data.reading", file=path.name), lines_in(path))
        with path.open(encoding=encoding) as file:
            for number, line in enumerate(file, 1):
                row = line.rstrip("\r\n").split("\t")
                if len(row) != len(header):
                    if line.strip():
                        said = say("data.csv.cells", found=len(row), expected=len(header))
                        problems.append((say("data.line", file=path.name, number=number), said))
                    continue
                rows.append(row)
                numbers.append(number)
                pace(number)
        rows.end()
        pace.end(len(numbers))
        made = {name: column.done() for name, column in zip(names, columns, strict=True)}
        return _manifest.Fetched(made, Numbered(path.name, numbers), problems, types=_TYPES)

    return _manifest.table(_manifest.Manifest(path, header, digest, some, fetch), data, wanted, progress)
