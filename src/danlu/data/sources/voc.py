"""Boxes in Pascal VOC's XML: one file an image, in ``Annotations`` or beside the images; parts by ``ImageSets/Main`` or by folders."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path

from danlu.data.kinds.category import natural
from danlu.data.progress import Pace, Progress
from danlu.data.sources._boxed import Boxed
from danlu.data.sources._images_of import images_of
from danlu.data.sources._listing import is_hidden, readable
from danlu.data.sources._parts import part_of
from danlu.data.sources._text import encoding_of
from danlu.data.sources._voc_file import Annotated, BadFile, annotated
from danlu.data.sources._wanted import no_extra, only
from danlu.data.table import Part, Table
from danlu.errors import DataError
from danlu.messages import say
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column

_LOOKED_AT = 20
_FOLDERS = ("JPEGImages", "images", "Images", "../JPEGImages", "../images", "Annotations")


def recognises(path: Path) -> bool:
    """An XML file that begins an ``annotation``, or a folder with such files in it, in ``Annotations`` or in folders of parts."""
    return any(map(_is_annotation, _files(path, most=_LOOKED_AT)))


def _is_annotation(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return b"<annotation" in file.read(1 << 10)
    except OSError:
        return False


def _files(path: Path, most: int | None = None) -> list[Path]:
    """The XML files, by name: those of ``Annotations`` where there is such a folder, else all in the folder and one below."""
    if path.is_file():
        return [path] if path.suffix.lower() == ".xml" else []
    folder = path / "Annotations"
    found = (
        folder.rglob("*.xml")
        if folder.is_dir()
        else (file for glob in ("*.xml", "*/*.xml") for file in path.glob(glob))
    )
    files = []
    for file in found:
        if not is_hidden(file.name):
            files.append(file)
        if len(files) == most:
            break
    return sorted(files)


def read(path: Path, data: DataSection, wanted: Mapping[str, Column], progress: Progress | None = None) -> Table:
    """One row for each XML file, also for those without objects. Classes are the names that occur, in natural order.

    Corners are VOC's: pixels counted from 1, the last one inside. Where a file of the source has a corner of 0, they can't be: they are
    taken as continuous coordinates then, and that is noted. ``difficult`` objects become crowds: neither taught nor counted.
    """
    kinds = only(path, wanted, ("image", "boxes"), "voc")
    no_extra(path, data, "voc")
    files = _files(path)
    if not files:
        raise DataError.of(str(path), say("boxes.voc.none"), say("boxes.voc.none.remedy"))
    home = path if path.is_dir() else path.parent
    parts = _parts(home, files)
    found = Boxed()
    digest = blake2b(digest_size=16)
    read_in: list[tuple[Path, Annotated]] = []
    pace = Pace(progress, say("data.reading", file=path.name), len(files))
    for done, file in enumerate(files):
        if parts is not None and file not in parts:
            continue
        name = readable(file.relative_to(home).as_posix())
        try:
            encoding_of(file)
            content = file.read_bytes()
            digest.update(content)
            read_in.append((file, annotated(content, name)))
        except (BadFile, DataError) as error:
            told = error.problems[0] if isinstance(error, DataError) else None
            where, reason = (name, told.what) if told else error.args
            found.problems.append((where, reason))
        pace(done)
    pace.end(len(files))
    _refuse_nothing(path, read_in, found)
    continuous = next((one for _, one in read_in if one.from_zero), None)
    if continuous is not None:
        found.notes.append((continuous.name, say("boxes.voc.continuous")))
    classes = tuple(sorted({name for _, one in read_in for name in one.classes}, key=natural))
    index = {name: place for place, name in enumerate(classes)}
    _gather(home, read_in, parts, index, continuous is not None, data, found)
    return found.table(path, kinds, classes, f"voc {digest.hexdigest()}", progress, prefixed=False)


def _refuse_nothing(path: Path, read_in: Sequence[object], found: Boxed) -> None:
    """Raises DataError where no file could be read: with the first one's reason."""
    if not read_in and found.problems:
        where, reason = found.problems[0]
        raise DataError.of(f"{path}, {where}", reason)


def _gather(
    home: Path,
    read_in: Sequence[tuple[Path, Annotated]],
    parts: Mapping[Path, Part] | None,
    index: Mapping[str, int],
    continuous: bool,
    data: DataSection,
    found: Boxed,
) -> None:
    by_folder: dict[Path, list[tuple[Path, Annotated]]] = {}
    for file, one in read_in:
        by_folder.setdefault(file.parent, []).append((file, one))
    for folder, members in by_folder.items():
        names = [one.filename or file.with_suffix(".jpg").name for file, one in members]
        named = images_of(names, folder, data.root, (*_FOLDERS, *_up(home, folder)))
        usual = data.root is None and named.root != folder.parent  # the last note says only where images were found
        found.notes += [(str(folder), note) for note in (named.notes[:-1] if usual else named.notes)]
        root = Path(os.path.normpath(named.root))
        for row, ((file, one), name) in enumerate(zip(members, named.names, strict=True)):
            if row in named.wrong:
                found.problems.append((one.name, named.wrong[row]))
                continue
            objects, notes, lost = one.rows(index, continuous)
            found.notes += notes
            found.lost += lost
            part = None if parts is None else parts[file]
            found.add(root, _existing(root, name, file), objects, one.size, part)
    twice = [name for name, count in Counter(zip(found.roots, found.names, strict=True)).items() if count > 1]
    if twice:
        raise DataError.of(str(home), say("boxes.voc.image-twice", name=readable(twice[0][1])))


def _existing(root: Path, name: str, file: Path) -> str:
    """The name that the file says, or, where there is no such image, that of the file itself: tools rename one and not the other."""
    if (root / name).exists():
        return name
    own = [file.stem + ending for ending in (Path(name).suffix, ".jpg", ".png", ".jpeg", ".tif")]
    return next((each for each in own if (root / each).exists()), name)


def _up(home: Path, folder: Path) -> list[str]:
    """JPEGImages of the source as seen from a folder below ``Annotations``."""
    depth = len(folder.relative_to(home).parts)
    return ["/".join([".."] * depth + [name]) for name in ("JPEGImages", "images")] if depth > 1 else []


def _parts(home: Path, files: Sequence[Path]) -> dict[Path, Part] | None:
    """The part of each file by ImageSets/Main, else by the folder it lies in; None where neither says."""
    lists = {part: home / "ImageSets" / "Main" / f"{part}.txt" for part in ("train", "val", "test")}
    if lists["train"].is_file() and (lists["val"].is_file() or lists["test"].is_file()):
        stems = {file.stem: file for file in files}
        made: dict[Path, Part] = {}
        for part, text in lists.items():
            encoding, _ = encoding_of(text) if text.is_file() else ("", "")
            for line in text.read_text(encoding).splitlines() if encoding else ():
                words = line.split()
                if words and words[0] in stems and not (len(words) > 1 and words[1] == "-1"):
                    if stems[words[0]] in made:
                        raise DataError.of(str(text), say("boxes.voc.two-parts", name=words[0]))
                    made[stems[words[0]]] = part  # type: ignore[assignment]
        return made or None
    folders = {file: part_of(file.relative_to(home).parts[0]) for file in files}
    if "train" in folders.values() and len(set(folders.values()) - {None}) > 1:
        return {file: part for file, part in folders.items() if part is not None}
    return None
