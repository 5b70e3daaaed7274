"""A source turns what a person has (a folder, a CSV, a COCO file) into a :class:`danlu.data.table.Table`.

Each module here is one source, found by its file name (``folder.py`` is ``format: folder``) and offering these functions.
A source knows kinds, never tasks: it serves any task whose columns it can fill.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from danlu.data.table import Table
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column


class Source(Protocol):
    def recognises(self, path: Path) -> bool:
        """Whether ``format: auto`` should read ``path`` with this source."""
        ...

    def read(self, path: Path, data: DataSection, wanted: Mapping[str, Column]) -> Table:
        """All rows, with one raw column for each wanted one. Raises DataError (where, what, remedy)."""
        ...
