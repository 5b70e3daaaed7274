"""One folder for each class: ``photos/cat/1.jpg``, ``reviews/good/1.txt``; also below ``train``, ``val`` and ``test`` folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from danlu.data.columns import Coded, Paths
from danlu.data.kinds.category import natural
from danlu.data.progress import Progress
from danlu.data.sources._listing import Listing, is_hidden, is_image, is_text, listing, readable
from danlu.data.sources._parts import part_of
from danlu.data.sources._wanted import no_extra, only
from danlu.data.table import Part, Table
from danlu.errors import DataError
from danlu.messages import say
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column


def recognises(path: Path) -> bool:
    """Any folder; asked after all other sources."""
    return path.is_dir()


@dataclass(frozen=True)
class _Rows:
    """Images that are used: names relative to the root, with their class (-1: none) and part."""

    names: list[str]
    codes: list[int]
    given: list[Part | None] | None


def read(path: Path, data: DataSection, wanted: Mapping[str, Column], progress: Progress | None = None) -> Table:
    """One row for each image, or each plain text where the task reads texts.

    Its class is the folder it lies in, however deep, just below the root or below a part's folder. Classes come in natural order.
    Files outside of any class folder are set aside and listed; hidden files and files of other kinds by their name are noted.
    """
    content = next((column.kind for column in wanted.values() if column.kind in ("text", "tokens", "gapped")), "image")
    texts = content != "image"
    kinds = only(path, wanted, (content, "category"), "folder")
    no_extra(path, data, "folder")
    if content not in kinds:
        raise DataError.of(str(path), say("data.folder.no-image-wanted"), say("data.source.cannot.remedy"))
    root, note = _inner(path)
    found = listing(root, progress, is_text if texts else is_image)
    if not found.names:
        what = say("text.folder.empty" if texts else "data.folder.empty")
        raise DataError.of(str(path), what, _remedy(path, found, texts))
    classes, rows, problems = _rows(root, found, labelled="category" in kinds)
    if "category" in kinds and not classes:
        what = say("text.folder.no-classes" if texts else "data.folder.no-classes", count=len(found.names))
        raise DataError.of(str(path), what, _remedy(path, found, texts))
    columns: dict[str, Sequence[Any]] = {kinds[content]: Paths(root, rows.names)}
    if "category" in kinds:
        columns[kinds["category"]] = Coded(np.asarray(rows.codes, np.int32), classes)
    unused = [(str(path), say("data.note.no-columns"))] if data.columns else []
    shown = [readable(name) for name in rows.names]
    return Table(
        columns=columns,
        ids=shown,
        origins=shown,
        fingerprint=f"folder {found.digest}",
        given=rows.given,
        classes={kinds["category"]: classes} if "category" in kinds else {},
        problems=(*found.problems, *problems),
        notes=(*note, *unused, *found.ignored, *_empty(root, rows, classes)),
    )


def _inner(path: Path) -> tuple[Path, tuple[tuple[str, str], ...]]:
    """The folder that holds the class folders: an archive is often unpacked into one folder too many."""
    root, notes = path, []
    while True:
        try:
            entries = [entry for entry in root.iterdir() if not is_hidden(entry.name)]
        except OSError as error:
            raise DataError.of(str(root), say("data.folder.unreadable", reason=error.strerror or error)) from error
        if len(entries) != 1 or not entries[0].is_dir():
            break
        below = [entry for entry in _entries(entries[0]) if entry.is_dir() and not is_hidden(entry.name)]
        if len(below) < 2:
            break
        root = entries[0]
        notes.append((readable(root.name), say("data.note.one-inside")))
    return root, tuple(notes)


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _rows(root: Path, found: Listing, labelled: bool) -> tuple[tuple[str, ...], _Rows, list[tuple[str, str]]]:
    """(classes, rows, problems)."""
    parted = _parted(root, labelled)
    index: dict[str, int] = {}
    names: list[str] = []
    labels: list[int] = []
    given: list[Part | None] = []
    problems: list[tuple[str, str]] = []
    for name in found.names:
        first, _, rest = name.partition("/")
        part = part_of(first) if parted and rest else None
        if parted and part is None:
            problems.append((readable(name), say("data.folder.beside-parts")))
            continue
        label, _, inside = (rest if parted else name).partition("/")
        if labelled and not inside and not parted:
            problems.append((readable(name), say("data.folder.no-class")))
            continue
        names.append(name)
        given.append(part)
        labels.append(index.setdefault(readable(label), len(index)) if labelled and inside else -1)
    classes = tuple(sorted(index, key=natural))
    rank = {label: place for place, label in enumerate(classes)}
    order = [rank[label] for label in index]
    codes = [order[label] if label >= 0 else -1 for label in labels]
    return classes, _Rows(names, codes, given if parted else None), problems


def _empty(root: Path, rows: _Rows, classes: tuple[str, ...]) -> list[tuple[str, str]]:
    """Class folders without images: they are no classes."""
    parents = [root] if rows.given is None else [entry for entry in _entries(root) if part_of(entry.name)]
    if not classes:
        return []
    return [
        (readable(str(entry.relative_to(root))), say("data.note.empty-class"))
        for parent in parents
        for entry in sorted(_entries(parent))
        if not is_hidden(entry.name) and readable(entry.name) not in classes and entry.is_dir()
    ]


def _parted(root: Path, labelled: bool) -> bool:
    """Whether the first folders are train, val, test: a train folder that holds class folders (a class may be called "train" too)."""
    folders = [entry for entry in _entries(root) if entry.is_dir() and not is_hidden(entry.name)]
    parts = {part: folder for folder in folders if (part := part_of(folder.name)) is not None}
    if "train" not in parts:
        return False
    if labelled:
        return any(entry.is_dir() and not is_hidden(entry.name) for entry in _entries(parts["train"]))
    return len(parts) > 1


def _remedy(path: Path, found: Listing, texts: bool = False) -> str:
    """What to do about a folder without images (texts) in class folders; points at a manifest that lies there."""
    files = [
        name for name, _ in found.ignored if name.endswith((".csv", ".tsv", ".jsonl", ".parquet", ".json", ".npz"))
    ]
    if files:
        return say("data.folder.manifest", path=path / files[0])
    return say("text.folder.layout" if texts else "data.folder.layout")
