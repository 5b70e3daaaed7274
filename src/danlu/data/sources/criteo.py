"""Criteo's click logs: tab-separated without a header; the label, 13 counts, 26 hashed categories (``train.txt``, ``day_0``).

https://ailab.criteo.com/ressources/. Files without labels (``test.txt``) have 39 cells and can be asked about, not learnt from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from danlu.data.progress import Progress
from danlu.data.sources import _manifest
from danlu.data.sources._cells import Row, taken, without_nul
from danlu.data.sources._text import examined
from danlu.data.table import Table
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
    """One row for each line; columns ``label``, ``I1`` to ``I13``, ``C1`` to ``C26``. Lines of other lengths, or with a NUL
    byte, are set aside.
    """
    found = examined(path)
    encoding = found.encoding
    with path.open(encoding=encoding) as file:
        first = [line.rstrip("\r\n").split("\t") for line in islice(file, _SAMPLE)]
    header = (LABEL, *NUMBERS, *CATEGORIES)[-len(first[0]) :] if first and len(first[0]) in (39, 40) else (LABEL,)
    index = {name: place for place, name in enumerate(header)}

    def some(name: str) -> Sequence[Any]:
        return [row[index[name]] for row in first if len(row) == len(header)]

    def fetch(names: Sequence[str]) -> _manifest.Fetched:
        lines = _lines(path, encoding)
        whole: Iterable[Row] = without_nul(lines) if found.nul else lines
        return taken(path, whole, header, names, progress, types=_TYPES, strip=False)

    return _manifest.table(_manifest.Manifest(path, header, found.digest, some, fetch), data, wanted, progress)


def _lines(path: Path, encoding: str) -> Iterator[tuple[int, list[str]]]:
    with path.open(encoding=encoding) as file:
        for number, line in enumerate(file, 1):
            yield number, line.rstrip("\r\n").split("\t")
