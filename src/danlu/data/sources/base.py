"""A source turns what a person has (a folder, a CSV, a COCO file) into a :class:`danlu.data.table.Table`.

Each module here is one source, found by its file name (``folder.py`` is ``format: folder``) and offering these functions.
A source knows kinds, never tasks: it serves any task whose columns it can fill.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from danlu.data.progress import Progress
from danlu.data.table import Table
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column


class Source(Protocol):
    """What such a module offers (the module itself is the source)."""

    def recognises(self, path: Path) -> bool:
        """Whether ``format: auto`` should read ``path`` with this source. Looks at names and first bytes only."""
        ...

    def read(
        self, path: Path, data: DataSection, wanted: Mapping[str, Column], progress: Progress | None = None
    ) -> Table:
        """All rows, with one raw column for each wanted one. Raises DataError (where, what, remedy)."""
        ...
