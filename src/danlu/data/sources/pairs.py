"""Images and masks of the same names in two folders: ``images/7.jpg`` and ``masks/7.png``; PASCAL VOC's folders; train, val, test."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from danlu.data.columns import Paths
from danlu.data.progress import Progress
from danlu.data.sources._colour_maps import VOC, class_file
from danlu.data.sources._listing import Listing, is_hidden, is_image, listing, readable
from danlu.data.sources._parts import part_of
from danlu.data.sources._wanted import no_extra, only
from danlu.data.table import Part, Table
from danlu.errors import DataError
from danlu.messages import say
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column

_IMAGES = ("images", "image", "imgs", "img", "jpegimages", "photos", "pictures", "leftimg8bit")
_MASKS = (
    "masks", "mask", "segmentationclass", "labels", "label", "annotations", "annotation", "gt", "groundtruth", "ground_truth",
    "segmentation", "segmentations", "targets", "gtfine",
)  # fmt: skip
_ENDINGS = (
    "_mask",
    "-mask",
    ".mask",
    "_masks",
    "_label",
    "_labels",
    "_gt",
    "_seg",
    "_segmentation",
    "_L",
)  # of masks' names
_LOOKED_AT = 50


def recognises(path: Path) -> bool:
    """A folder with one of images and one of masks in it, or in its train, val, test folders."""
    return path.is_dir() and bool(_places(path))


def read(path: Path, data: DataSection, wanted: Mapping[str, Column], progress: Progress | None = None) -> Table:
    """One row for each image that has a mask of its name (its ending, and "_mask" or so behind it, may differ).

    Images without a mask are set aside, masks without an image noted; of PASCAL VOC's photos only those with a mask are meant. Names
    of classes, or a colour map, are read from classes.txt, classes.json or labelmap.txt where there is one.
    """
    kinds = only(path, wanted, ("image", "mask"), "pairs")
    no_extra(path, data, "pairs")
    places = _places(path)
    if not places:
        raise DataError.of(str(path), say("masks.no-folders"), say("masks.no-folders.remedy"))
    images: list[str] = []
    masks: list[str] = []
    given: list[Part | None] = []
    problems: list[tuple[str, str]] = []
    notes: list[tuple[str, str]] = []
    digests = []
    for part, image_folder, mask_folder in places:
        photos, drawn = listing(path / image_folder, progress), listing(path / mask_folder, progress)
        digests += [photos.digest, drawn.digest]
        problems += [*photos.problems, *drawn.problems]
        notes += [*photos.ignored, *drawn.ignored]
        voc = Path(mask_folder).name.casefold() == "segmentationclass"
        pairs = _pairs(image_folder, mask_folder, photos, drawn, voc, problems, notes)
        images += [image for image, _, _ in pairs]
        masks += [mask for _, mask, _ in pairs]
        given += [part or inner for _, _, inner in pairs]
    if not images:
        raise DataError.of(str(path), say("masks.no-pairs", first=_first(problems)), say("masks.no-folders.remedy"))
    if len({*given}) > 1 or given[0] is not None:
        beside = [row for row, part in enumerate(given) if part is None]
        problems += [(readable(images[row]), say("data.folder.beside-parts")) for row in beside]
        kept = [row for row, part in enumerate(given) if part is not None]
        images, masks, given = ([column[row] for row in kept] for column in (images, masks, given))  # type: ignore[assignment]
    columns: dict[str, Sequence[Any]] = {}
    if "image" in kinds:
        columns[kinds["image"]] = Paths(path, images)
    classes: dict[str, Any] = {}
    digest = ""
    if "mask" in kinds:
        columns[kinds["mask"]] = Paths(path, masks)
        found, digest = class_file(path)
        if not found and any("segmentationclass" in mask.casefold() for mask in masks[:1]):
            found = VOC
        if found:
            classes[kinds["mask"]] = found
    ids = [readable(name) for name in images]
    return Table(
        columns=columns,
        ids=ids,
        origins=ids,
        fingerprint=f"pairs {' '.join(digests)} {digest}",
        given=given if given and given[0] is not None else None,
        classes=classes,
        problems=tuple(problems),
        notes=tuple(notes),
    )


def _places(path: Path) -> list[tuple[Part | None, str, str]]:
    """(part, folder of images, folder of masks), relative to ``path``."""
    here = _two(path)
    if here is not None:
        return [(None, *here)]
    found: list[tuple[Part | None, str, str]] = []
    for folder in _folders(path):
        part = part_of(folder)
        two = _two(path / folder) if part else None
        if two is not None:
            found.append((part, f"{folder}/{two[0]}", f"{folder}/{two[1]}"))
    return found if any(part == "train" for part, _, _ in found) else []


def _two(path: Path) -> tuple[str, str] | None:
    names = {name.casefold(): name for name in _folders(path)}
    image = next((names[name] for name in _IMAGES if name in names), None)
    mask = next((names[name] for name in _MASKS if name in names), None)
    return (image, mask) if image is not None and mask is not None and _holds_images(path / mask) else None


def _holds_images(folder: Path) -> bool:
    """Whether one of its first files is an image: labels of other applications lie in folders of such names too."""
    seen = 0
    for _, _, names in os.walk(folder):
        for name in names:
            if is_image(name):
                return True
            seen += 1
            if seen == _LOOKED_AT:
                return False
    return False


def _folders(path: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in os.scandir(path) if entry.is_dir() and not is_hidden(entry.name))
    except OSError:
        return []


def _pairs(
    image_folder: str,
    mask_folder: str,
    photos: Listing,
    drawn: Listing,
    voc: bool,
    problems: list[tuple[str, str]],
    notes: list[tuple[str, str]],
) -> list[tuple[str, str, Part | None]]:
    """(image, mask, part that a folder of the image says), relative to the root."""
    stems = Counter(_stem(name) for name in photos.names)
    by_name: dict[str, list[str]] = {}
    for name in drawn.names:
        stem = _stem(name)
        if stem not in stems:
            stem = next((stem[: -len(end)] for end in _ENDINGS if stem.casefold().endswith(end.casefold())), stem)
        by_name.setdefault(stem, []).append(name)
    found: list[tuple[str, str, Part | None]] = []
    for name in photos.names:
        stem, told = _stem(name), readable(f"{image_folder}/{name}")
        masks = by_name.pop(stem, [])
        if stems[stem] > 1:
            problems.append((told, say("masks.two-images", name=readable(stem))))
        elif len(masks) > 1:
            problems.append((told, say("masks.two-masks", one=readable(masks[0]), other=readable(masks[1]))))
        elif not masks:
            (notes if voc else problems).append((told, say("masks.none", folder=readable(mask_folder))))
        else:
            inner = part_of(name.partition("/")[0]) if "/" in name else None
            found.append((f"{image_folder}/{name}", f"{mask_folder}/{masks[0]}", inner))
    notes += [
        (readable(f"{mask_folder}/{name}"), say("masks.note.no-image")) for left in by_name.values() for name in left
    ]
    return found


def _stem(name: str) -> str:
    return os.path.splitext(name)[0]  # noqa: PTH122


def _first(problems: Sequence[tuple[str, str]]) -> str:
    return ": ".join(problems[0]) if problems else "–"
