"""RecBole's atomic files of interactions: ``NAME.inter``, tab-separated, a header of ``name:type`` cells.

https://recbole.io/docs/user_guide/data/atomic_files.html. A folder is read as the one such file in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from danlu.data.progress import Progress
from danlu.data.sources import _manifest
from danlu.data.sources._cells import taken, without_nul
from danlu.data.sources._text import examined, nul_in
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
    """One row for each interaction; columns under the names before the colon. Lines with another number of cells, or
    with a NUL byte, are set aside.
    """
    found = _file(path)
    if found is None:
        raise DataError.of(str(path), say("data.no-inter"), say("data.no-inter.remedy"))
    told = examined(found)
    encoding = told.encoding
    first = next(_lines(found, encoding), None)
    if first is None:
        raise DataError.of(str(found), say("data.manifest.empty"))
    if "\0" in first:
        raise nul_in(found, told.nul)
    header = [cell.strip().rpartition(":")[0] or cell.strip() for cell in first.split("\t")]
    said = [cell.strip().rpartition(":")[2] for cell in first.split("\t")]
    types = {name: _HOLDS[type_] for name, type_ in zip(header, said, strict=True) if type_ in _HOLDS}

    def fetch(names: Sequence[str]) -> _manifest.Fetched:
        lines = ((number, line.split("\t")) for number, line in enumerate(_lines(found, encoding), 1))
        next(lines)  # the header
        return taken(found, without_nul(lines) if told.nul else lines, header, names, progress, types=types, empty=True)

    def some(name: str) -> Sequence[Any]:
        place = header.index(name)
        rows = (line.split("\t") for line in islice(_lines(found, encoding), 1, None))
        return [row[place].strip() for row in islice((row for row in rows if len(row) == len(header)), _SAMPLE)]

    return _manifest.table(_manifest.Manifest(found, header, told.digest, some, fetch), data, wanted, progress)


def _lines(path: Path, encoding: str) -> Iterator[str]:
    """As ``str.splitlines`` cuts them."""
    with path.open(encoding=encoding, newline="") as file:
        for line in file:
            yield from line.splitlines()


def _file(path: Path) -> Path | None:
    if path.is_file():
        return path if path.suffix == ".inter" else None
    inside = sorted(path.glob("*.inter")) if path.is_dir() else []
    return inside[0] if len(inside) == 1 else None
