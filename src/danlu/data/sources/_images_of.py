"""The image files that a manifest names, found where people keep them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

from danlu.errors import DataError
from danlu.messages import say

_ENDINGS = ("", ".jpg", ".png", ".jpeg")
_TRIED = 50


@dataclass(frozen=True)
class Named:
    """root: folder that ``names`` start from. wrong: row → why its name can't be used. notes: what was assumed."""

    root: Path
    names: list[str]
    wrong: dict[int, str]
    notes: tuple[str, ...]


def images_of(texts: Sequence[Any], file: Path, root: str | None, folders: Sequence[str] = ()) -> Named:
    """texts: what the manifest ``file`` says, None or empty where nothing. root: ``data.root``. folders: where else to look.

    Relative names start from ``root``, else from the manifest's folder, or from one of ``folders`` in it if they are found there; a
    missing ending is found too. They may not lead out of that folder by "..": then ``data.root`` has to say so. Absolute names
    stand, and links are followed: a manifest is its user's own. What is no image is never shown, only that it is none. "~" is a
    name like any other. Raises DataError where none of the first files exists.
    """
    names: list[str] = []
    wrong: dict[int, str] = {}
    notes: list[str] = []
    for row, text in enumerate(texts):
        if text is None or isinstance(text, str):
            name, reason = _clean(text or "")
        else:
            name, reason = "", say("data.image.type", type=type(text).__name__)
        if reason:
            wrong[row] = reason
        names.append(name)
    if any(isinstance(text, str) and "\\" in text for text in texts[:_TRIED]):
        notes.append(say("data.note.backslashes"))
    base, ending = _place([name for row, name in enumerate(names) if row not in wrong and name], file, root, folders)
    if ending:
        names = [name + ending if name else name for name in names]
        notes.append(say("data.note.ending", ending=ending))
    if root is None and base != file.parent:
        notes.append(say("data.note.root", folder=base))
    return Named(base, names, wrong, tuple(notes))


def _clean(text: str) -> tuple[str, str]:
    """(name, why it can't be used)."""
    name = text.strip()
    if "://" in name:
        if not name.startswith("file://"):
            return name, say("data.image.url")
        name = name[len("file://") :]
    if "\\" in name and "/" not in name:
        name = PureWindowsPath(name).as_posix()
    if "\0" in name:
        return name, say("data.image.name")
    if ".." in name or "//" in name or name.startswith("./"):
        name = os.path.normpath(name)
        if name == ".." or name.startswith("../"):
            return name, say("data.image.outside")
    return name, ""


def _place(names: Sequence[str], file: Path, root: str | None, folders: Sequence[str]) -> tuple[Path, str]:
    """(folder, ending) under which most of the first names exist; the plainest where several do equally well."""
    step = max(1, len(names) // _TRIED)
    tried = names[::step][:_TRIED]
    home = file if file.is_dir() else file.parent
    bases = [Path(root).expanduser()] if root is not None else [home, *(home / folder for folder in folders)]
    if not tried:
        return bases[0], ""
    hits: Counter[tuple[int, str]] = Counter()
    for place, base in enumerate(bases):
        for ending in _ENDINGS:
            hits[place, ending] = sum(os.path.exists(base / (name + ending)) for name in tried)  # noqa: PTH110
            if hits[place, ending] == len(tried):
                return base, ending
    (place, ending), best = max(hits.items(), key=lambda item: item[1])
    if best == 0:
        raise DataError.of(
            str(file),
            say("data.images.none", name=tried[0], tried=bases[0] / tried[0]),
            say("data.images.none.remedy"),
        )
    return bases[place], ending
