"""Boxes or outlines in COCO's JSON: one file, or a folder with instances_train….json, instances_val….json (or a part's folder each)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from danlu.data.kinds.category import is_text
from danlu.data.progress import Pace, Progress
from danlu.data.room import refuse_too_large
from danlu.data.sources._boxed import Boxed
from danlu.data.sources._boxes import checked, doubtful
from danlu.data.sources._coco_ids import one_way, whole
from danlu.data.sources._images_of import images_of
from danlu.data.sources._json import parsed
from danlu.data.sources._listing import readable
from danlu.data.sources._mapping import shortened
from danlu.data.sources._parts import part_in
from danlu.data.sources._polygons import outlined
from danlu.data.sources._text import encoding_of
from danlu.data.sources._wanted import no_extra, only
from danlu.data.table import Part, Table
from danlu.errors import DataError
from danlu.messages import say
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column

_HELD = 10  # bytes of memory for each of a file's, which is read whole
_LARGEST = 1_000_000  # pixels of a side


def recognises(path: Path) -> bool:
    """A JSON object that names images and annotations, or a folder with such files in their usual places."""
    if path.is_dir():
        return bool(_files(path))
    if not path.is_file() or path.suffix.lower() != ".json":
        return False
    try:
        with path.open("rb") as file:
            start = file.read(1 << 16)
    except OSError:
        return False
    keys = (b'"images"', b'"annotations"', b'"categories"')
    return start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and any(key in start for key in keys)


def _files(path: Path) -> list[Path]:
    """The annotation files of a folder: COCO's own places, else Roboflow's."""
    if path.is_file():
        return [path]
    for folder in (path, path / "annotations"):
        if found := sorted(folder.glob("instances_*.json")):
            return found
    return sorted(path.glob("*/_annotations.coco.json"))


def read(path: Path, data: DataSection, wanted: Mapping[str, Column], progress: Progress | None = None) -> Table:
    """One row for each image, also for those without objects.

    Category ids may have gaps; classes come in the order of ids. A box of no area, outside of its image, turned inside out or of
    an unknown category is left out, and listed with its annotation's id. Masks are painted from polygons and run lengths.
    """
    kinds = only(path, wanted, ("image", "boxes", "mask"), "coco")
    no_extra(path, data, "coco")
    files = _files(path)
    if not files:
        raise DataError.of(str(path), say("data.coco.none"), say("data.coco.none.remedy"))
    digest = blake2b(digest_size=16)
    parsed, ids = [], []
    pace = Pace(progress, say("data.reading", file=path.name), len(files))
    for done, file in enumerate(files):
        content, content_digest = _load(file)
        parsed.append(content)
        changed = one_way(content)
        ids.append(say("boxes.coco.ids", count=changed) if changed else "")
        digest.update(content_digest.encode())
        pace(done)
    pace.end(len(files))
    classes = _classes(files, parsed)
    found = Boxed(notes=[(file.name, note) for file, note in zip(files, ids, strict=True) if note])
    parts = _parts(files)
    for file, content, part in zip(files, parsed, parts, strict=True):
        _gather(file, content, part, classes, data, found, kinds)
    named = f"coco {digest.hexdigest()}"
    return found.table(path, kinds, tuple(classes.values()), named, progress, prefixed=len(files) > 1)


def _load(file: Path) -> tuple[dict[str, Any], str]:
    encoding, digest = encoding_of(file, None)
    refuse_too_large(str(file), _HELD * file.stat().st_size)
    content = parsed(file, file.read_text(encoding))
    lists = isinstance(content, dict) and all(
        isinstance(content.get(key), list) for key in ("images", "annotations", "categories")
    )
    if not lists:
        keys = ", ".join(map(str, content)) if isinstance(content, dict) else type(content).__name__
        raise DataError.of(str(file), say("data.coco.keys", keys=keys[:200]), say("data.coco.keys.remedy"))
    for key, needed in (
        ("images", ("id", "file_name")),
        ("categories", ("id", "name")),
        ("annotations", ("image_id",)),
    ):
        for place, item in enumerate(content[key]):
            missing = [name for name in needed if not isinstance(item, dict) or name not in item]
            if missing:
                raise DataError.of(f"{file}, {key}[{place}]", say("data.coco.no-key", key=missing[0]))
            if "id" in needed and type(whole(item["id"])) not in (int, str):
                value = shortened(str(item["id"]))
                raise DataError.of(f"{file}, {key}[{place}]", say("data.coco.id", value=value))
    return content, digest


def _classes(files: Sequence[Path], contents: Sequence[Mapping[str, Any]]) -> dict[Any, str]:
    """Category id → name, by id; two of one name are told apart by their ids. Raises DataError where files disagree."""
    names: dict[Any, str] = {}
    for file, content in zip(files, contents, strict=True):
        for item in content["categories"]:
            name = str(item["name"])
            if not is_text(name):
                raise DataError.of(f"{file}, categories, id {item['id']!r}", say("data.category.text"))
            known = names.setdefault(item["id"], name)
            if known != name:
                raise DataError.of(str(file), say("data.coco.categories", id=item["id"], one=known, other=item["name"]))
    order = sorted(names, key=lambda key: (isinstance(key, str), key))
    made = {key: names[key] for key in order}
    while len(often := Counter(made.values())) < len(made):
        made = {key: name if often[name] == 1 else f"{name} ({key!r})" for key, name in made.items()}
    return made


def _parts(files: Sequence[Path]) -> list[Part | None]:
    """The part each file's name (or folder) says; none for a single file, which is Danlu's to split."""
    if len(files) == 1:
        return [None]
    parts = [part_in(file.stem) or part_in(file.parent.name) for file in files]
    if None in parts or "train" not in parts:
        raise DataError.of(
            ", ".join(file.name for file in files), say("data.coco.parts"), say("data.coco.parts.remedy")
        )
    return parts


def _gather(
    file: Path,
    content: Mapping[str, Any],
    part: Part | None,
    classes: Mapping[Any, str],
    data: DataSection,
    found: Boxed,
    kinds: Mapping[str, str],
) -> None:
    images = content["images"]
    folders = [
        "images",
        "../images",
        *(
            f"{up}{name}"
            for up in ("", "../")
            for name in (file.stem.removeprefix("instances_"), *([part] if part else []))
        ),
    ]
    index = {item["id"]: row for row, item in enumerate(images)}
    if len(index) < len(images):
        raise DataError.of(str(file), say("data.coco.image-id-twice"))
    named = images_of([str(item["file_name"]) for item in images], file, data.root, folders)
    found.notes += [(str(file), note) for note in named.notes]
    sizes = [_size(item) for item in images]
    rows, owners, problems = checked(
        content["annotations"], index, sizes, {key: place for place, key in enumerate(classes)}
    )
    if doubt := doubtful(rows, owners, sizes):
        found.notes.append((file.name, doubt))
    ids = Counter(item["id"] for item in content["annotations"] if type(item.get("id")) in (int, str))
    for twice, count in ids.items():
        if count > 1:
            found.notes.append((f"{file.name}, id {twice!r}", say("boxes.id-twice", count=count)))
    if "mask" in kinds:
        shapes, left = outlined(content["annotations"], index, classes)
        problems = [(name, None, reason) for name, reason in left]  # boxes don't matter
        found.shapes += [each for row, each in enumerate(shapes) if row not in named.wrong]
    for annotation, image, reason in problems:
        name = readable(named.names[image]) if image is not None else ""
        found.lost.append((say("data.coco.annotation", file=file.name, id=annotation, image=name), reason))
    order = np.argsort(owners, kind="stable")
    bounds = np.searchsorted(owners[order], np.arange(len(images) + 1))
    rows = rows[order]
    for row, name in enumerate(named.names):
        if row in named.wrong:
            found.problems.append((f"{file.name}, {readable(name)}", named.wrong[row]))
            continue
        found.add(named.root, name, rows[bounds[row] : bounds[row + 1]], sizes[row], part)


def _size(item: Mapping[str, Any]) -> tuple[int, int] | None:
    height, width = item.get("height"), item.get("width")
    if all(isinstance(side, int | float) and 1 <= side <= _LARGEST for side in (height, width)):
        return int(height), int(width)  # type: ignore[arg-type]
    return None
