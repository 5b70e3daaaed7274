"""Which of a task's columns a source fills with what."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from danlu.errors import DataError
from danlu.messages import say
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column


def only(path: Path, wanted: Mapping[str, Column], kinds: tuple[str, ...], source: str) -> dict[str, str]:
    """Kind → the one wanted column of that kind. Raises DataError where a column of another kind, or two of one, are wanted."""
    found: dict[str, str] = {}
    for name, column in wanted.items():
        if column.kind not in kinds or column.kind in found:
            offered = ", ".join(kinds)
            raise DataError.of(
                str(path),
                say("data.source.cannot", source=source, offered=offered, column=name, kind=column.kind),
                say("data.source.cannot.remedy"),
            )
        found[column.kind] = name
    return found


def no_extra(path: Path, data: DataSection, source: str) -> None:
    """Raises DataError where the split needs a column and the source has none but images and labels."""
    for key in ("group", "time", "column"):
        value = getattr(data.split, key)
        if value is not None:
            raise DataError.of(
                f"data.split.{key}",
                say("data.source.no-column", source=source, path=path, column=value),
                say("data.source.no-column.remedy"),
            )
