"""A source of images with boxes read, and written in another format."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from danlu.data import reading
from danlu.data.table import Part
from danlu.data.writing.boxes import Format, Labelled, of_table, write
from danlu.errors import DataError
from danlu.messages import say
from danlu.recipe.schema import DataSection, Recipe
from danlu.recipe.spec import Column

_WANTED = {"image": Column("image", "input", {"shape": "ragged"}), "boxes": Column("boxes", "target")}


@dataclass(frozen=True)
class Converted:
    """path: what ``data.source`` may name. told: (where, what) of rows that were left out or mended."""

    path: Path
    images: int
    boxes: int
    told: tuple[tuple[str, str], ...]


def convert(source: str, given: str, form: str, folder: str) -> Converted:
    """given: the source's format, or "auto". folder: new or empty. Raises DataError for what can't be read, and for a folder in use."""
    target = Path(folder).expanduser()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DataError.of(str(target), say("boxes.convert.used"), say("boxes.convert.used.remedy"))
    _, table = reading.read(Recipe(data=DataSection(source=source, format=given)), _WANTED)
    classes = table.classes.get("boxes")
    rows = list(of_table(table))
    if classes is None:
        classes = tuple(sorted({str(item["label"]) for row in rows for item in row.objects}))
    part_of = dict(zip(table.ids, table.given or ["train"] * len(table), strict=True))
    parts: dict[str, list[Labelled]] = {}
    for row in rows:
        parts.setdefault(cast(Part, part_of[row.name] or "train"), []).append(row)
    path = target
    for part in sorted(parts, key=("val", "test", "train").index):  # last what a single file would be named for
        path = write(target, cast(Format, form), parts[part], classes, part)
    path = path if len(parts) == 1 else target
    lost = set(table.ids) - {row.name for row in rows}
    told = (*table.notes, *table.problems, *((name, say("boxes.convert.unreadable")) for name in sorted(lost)))
    return Converted(path, len(rows), sum(len(row.objects) for row in rows), told)
