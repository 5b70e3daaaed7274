"""RecBole's atomic files of interactions: ``NAME.inter``, tab-separated, a header of ``name:type`` cells.

https://recbole.io/docs/user_guide/data/atomic_files.html. A folder is read as the one such file in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from danlu.data.progress import Progress
from danlu.data.sources import _manifest
from danlu.data.sources._numbered import Numbered
from danlu.data.sources._text import encoding_of
from danlu.data.table import Table
from danlu.errors import DataError
from danlu.messages import say
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column

_HOLDS = {"token": "category", "token_seq": "category", "float": "number"}
_SAMPLE = 200


def recognises(path: Path) -> bool:
    return _file(path) is not None


def read(path: Path, data: DataSection, wanted: Mapping[str, Column], progress: Progress | None = None) -> Table:
    """One row for each interaction; columns under the names before the colon. Lines with another number of cells are set aside."""
    found = _file(path)
    if found is None:
        raise DataError.of(str(path), say("data.no-inter"), say("data.no-inter.remedy"))
    encoding, digest = encoding_of(found)
    with found.open(encoding=encoding, newline="") as file:
        lines = file.read().splitlines()
    if not lines:
        raise DataError.of(str(found), say("data.manifest.empty"))
    header = [cell.strip().rpartition(":")[0] or cell.strip() for cell in lines[0].split("\t")]
    said = [cell.strip().rpartition(":")[2] for cell in lines[0].split("\t")]
    types = {name: _HOLDS[type_] for name, type_ in zip(header, said, strict=True) if type_ in _HOLDS}
    cells = [line.split("\t") for line in lines[1:]]
    kept = [(number, row) for number, row in enumerate(cells, 2) if len(row) == len(header)]
    problems = [
        (say("data.line", file=found.name, number=number), say("data.csv.cells", found=len(row), expected=len(header)))
        for number, row in enumerate(cells, 2)
        if len(row) != len(header) and any(cell.strip() for cell in row)
    ]

    def column(name: str, rows: Sequence[tuple[int, list[str]]]) -> list[str]:
        place = header.index(name)
        return [row[place].strip() for _, row in rows]

    def fetch(names: Sequence[str]) -> _manifest.Fetched:
        columns: dict[str, Sequence[Any]] = {name: column(name, kept) for name in names}
        return _manifest.Fetched(columns, Numbered(found.name, [number for number, _ in kept]), problems, types=types)

    def some(name: str) -> Sequence[Any]:
        return column(name, kept[:_SAMPLE])

    return _manifest.table(_manifest.Manifest(found, header, digest, some, fetch), data, wanted, progress)


def _file(path: Path) -> Path | None:
    if path.is_file():
        return path if path.suffix == ".inter" else None
    inside = sorted(path.glob("*.inter")) if path.is_dir() else []
    return inside[0] if len(inside) == 1 else None
