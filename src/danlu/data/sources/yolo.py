"""Boxes in YOLO's text files: ``data.yaml`` names classes and each part's images; ``labels/…txt`` beside ``images/…`` has the boxes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from danlu.data.kinds.category import is_text
from danlu.data.progress import Pace, Progress
from danlu.data.sources._boxed import Boxed
from danlu.data.sources._listing import is_image, listing, readable
from danlu.data.sources._parts import part_of
from danlu.data.sources._text import encoding_of
from danlu.data.sources._wanted import no_extra, only
from danlu.data.sources._yolo_rows import boxes_in
from danlu.data.table import Part, Table
from danlu.errors import DataError, RecipeError
from danlu.messages import say
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column
from danlu.recipe.tree import plain
from danlu.recipe.yaml import read as read_yaml

_PARTS: tuple[tuple[str, Part], ...] = (("train", "train"), ("val", "val"), ("valid", "val"), ("test", "test"))
_LISTS = ("classes.txt", "obj.names")  # class names, one a line, where there is no data.yaml
_IMAGES = f"{os.sep}images{os.sep}"
_LABELS = f"{os.sep}labels{os.sep}"


def recognises(path: Path) -> bool:
    """A YAML file with ``names`` and ``train``; a folder with one; or a folder with images, labels and a list of classes."""
    if path.is_file():
        return path.suffix.lower() in (".yaml", ".yml") and _says_names(path)
    return _yaml_in(path) is not None or (
        (path / "labels").is_dir() and any((path / name).is_file() for name in _LISTS)
    )


def _says_names(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(1 << 16)
    except OSError:
        return False
    lines = [
        line.partition(b":")[0].strip(b" '\"") for line in start.splitlines() if line[:1] not in (b" ", b"#", b"-")
    ]
    return b"names" in lines and any(name in lines for name in (b"train", b"val", b"test", b"nc"))


def _yaml_in(path: Path) -> Path | None:
    if not path.is_dir():
        return None
    files = sorted(path.glob("*.yaml")) + sorted(path.glob("*.yml"))
    files.sort(key=lambda file: file.stem not in ("data", "dataset"))
    return next((file for file in files if _says_names(file)), None)


@dataclass(frozen=True)
class _Set:
    """root: folder that places start from. places: (part, folder or list of images); part None: Danlu's to split."""

    file: Path
    root: Path
    classes: tuple[str, ...]
    places: list[tuple[Part | None, Path]]
    digest: str


def read(path: Path, data: DataSection, wanted: Mapping[str, Column], progress: Progress | None = None) -> Table:
    """One row for each image; one that has no text file, or an empty one, has no objects.

    A line is a class's number from 0 and its box's middle, width and height in shares of the upright image's. Lines that are no box
    are left out, and listed with file and line. An outline of three or more points becomes the box around it.
    """
    kinds = only(path, wanted, ("image", "boxes"), "yolo")
    no_extra(path, data, "yolo")
    asked = _described(path, data)
    found = Boxed(relative=True)
    digest = blake2b(asked.digest.encode(), digest_size=16)
    seen: set[Path] = set()
    labels: dict[Path, set[str]] = {}
    pace = Pace(progress, say("data.reading", file=path.name))
    for part, place in asked.places:
        again = 0
        for image in _images(place, asked):
            if image in seen:
                again += 1
                continue
            seen.add(image)
            text = label_of(image)
            labels.setdefault(text.parent, set()).add(text.name)
            rows, notes, lost, content = boxes_in(text, asked.classes, _short(text, asked.root))
            found.notes += notes
            found.lost += lost
            digest.update(content)
            found.add(*_named(image, asked.root), rows, None, part)
            pace(len(seen))
        if again:
            found.notes.append((str(place), say("boxes.yolo.again", count=again, part=part or "train")))
    pace.end(len(seen))
    if seen and not any((folder / name).is_file() for folder, names in labels.items() for name in names):
        first = label_of(min(seen))
        raise DataError.of(str(path), say("boxes.yolo.no-labels", file=first), say("boxes.yolo.no-labels.remedy"))
    found.problems += _without_image(labels, asked)
    if set(found.given) == {"train"}:
        found.given = [None] * len(found.given)
    return found.table(path, kinds, asked.classes, f"yolo {digest.hexdigest()}", progress, prefixed=False)


def label_of(image: Path) -> Path:
    """The text file of an image: in ``labels`` where its path has ``images``, else beside it."""
    text = os.fspath(image)
    if _IMAGES in text:
        text = _LABELS.join(text.rsplit(_IMAGES, 1))
    return Path(text).with_suffix(".txt")


def _described(path: Path, data: DataSection) -> _Set:
    file = path if path.is_file() else _yaml_in(path)
    if file is None:
        return _undescribed(path, data)
    try:
        content: Any = plain(read_yaml(file))
    except RecipeError as error:
        raise DataError(error.problems) from error
    classes = _classes(file, content.get("names"), content.get("nc"))
    root = file.parent
    if data.root is not None:
        root = Path(data.root).expanduser()
    elif isinstance(content.get("path"), str):
        told = Path(content["path"]).expanduser()
        root = next((place for place in (root / told, told) if place.is_dir()), root)
    places: list[tuple[Part | None, Path]] = []
    for key, part in _PARTS:
        value = content.get(key)
        for text in value if isinstance(value, list) else [value]:
            if text is None or text == "":
                continue
            if not isinstance(text, str):
                raise DataError.of(f"{file}, {key}", say("boxes.yolo.place", value=str(text)[:80]))
            places.append((part, _place(file, key, text, root)))
    if not places:
        raise DataError.of(str(file), say("boxes.yolo.no-places"), say("boxes.yolo.no-places.remedy"))
    return _Set(file, root, classes, places, encoding_of(file)[1])


def _undescribed(path: Path, data: DataSection) -> _Set:
    """A folder with images, labels and a list of classes, as annotation tools export it."""
    lists = [path / name for name in _LISTS if (path / name).is_file()]
    if not lists:
        raise DataError.of(str(path), say("boxes.yolo.none"), say("boxes.yolo.none.remedy"))
    encoding, digest = encoding_of(lists[0])
    names = [line.strip() for line in lists[0].read_text(encoding).splitlines()]
    while names and not names[-1]:
        names.pop()
    root = path if data.root is None else Path(data.root).expanduser()
    images = root / "images" if (root / "images").is_dir() else root
    parts = {part: folder for folder in sorted(images.iterdir()) if folder.is_dir() and (part := part_of(folder.name))}
    places: list[tuple[Part | None, Path]] = [(None, images)]
    if "train" in parts and len(parts) > 1:
        places = list(parts.items())
    return _Set(lists[0], root, _classes(lists[0], names, None), places, digest)


def _classes(file: Path, names: Any, count: Any) -> tuple[str, ...]:
    """Names by number. Raises DataError for gaps, names that are no texts or stand twice, and where ``nc`` says another count."""
    if isinstance(names, dict):
        numbers = [str(place) for place in range(len(names))]
        if sorted(names) != sorted(numbers):
            raise DataError.of(f"{file}, names", say("boxes.yolo.gaps", most=len(names) - 1))
        names = [names[number] for number in numbers]
    if not isinstance(names, list) or not names:
        raise DataError.of(f"{file}, names", say("boxes.yolo.names"), say("boxes.yolo.names.remedy"))
    made = [name if isinstance(name, str) else str(name) for name in names]
    for place, name in enumerate(made):
        if not is_text(name):
            raise DataError.of(f"{file}, names, {place}", say("data.category.text"))
        if name in made[:place]:
            raise DataError.of(f"{file}, names, {place}", say("boxes.yolo.name-twice", name=name))
    if count is not None and count != len(made):
        raise DataError.of(f"{file}, nc", say("boxes.yolo.count", said=str(count)[:40], found=len(made)))
    return tuple(made)


def _place(file: Path, key: str, text: str, root: Path) -> Path:
    tried = [root / text, file.parent / text]
    if text.startswith("../"):  # as Roboflow exports write it, one folder too high
        tried.append(root / text[3:])
    for place in tried:
        if place.exists():
            return place
    raise DataError.of(f"{file}, {key}", say("boxes.yolo.missing", path=tried[0]), say("boxes.yolo.missing.remedy"))


def _images(place: Path, asked: _Set) -> Iterator[Path]:
    """The images of a folder, or those that a text file lists."""
    if place.is_dir():
        yield from (place / name for name in listing(place).names)
        return
    if is_image(place.name):
        yield place
        return
    encoding, _ = encoding_of(place)
    for number, line in enumerate(place.read_text(encoding).splitlines(), 1):
        text = line.strip()
        if not text:
            continue
        tried = [place.parent / text, asked.root / text]
        image = next((each for each in tried if each.exists()), tried[0])
        if not is_image(text):
            raise DataError.of(f"{place}:{number}", say("boxes.yolo.no-image", name=text[:80]))
        yield Path(os.path.normpath(image))


def _named(image: Path, root: Path) -> tuple[Path, str]:
    try:
        return root, image.relative_to(root).as_posix()
    except ValueError:
        return image.parent, image.name


def _short(text: Path, root: Path) -> str:
    return readable(_named(text, root)[1])


def _without_image(labels: Mapping[Path, set[str]], asked: _Set) -> Sequence[tuple[str, str]]:
    """Label files of folders in use that no image belongs to."""
    wrong = []
    for folder, names in sorted(labels.items()):
        if "labels" in folder.parts and folder.is_dir():
            for name in sorted(os.listdir(folder)):  # noqa: PTH208 - names alone
                if name.endswith(".txt") and name not in names and name not in _LISTS:
                    wrong.append((_short(folder / name, asked.root), say("boxes.no-image")))
    return wrong
