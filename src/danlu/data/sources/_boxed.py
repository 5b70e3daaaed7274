"""What sources of boxes have in common: images with their objects, gathered file by file, become a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from danlu.data.columns import Column as LazyColumn
from danlu.data.columns import Paths
from danlu.data.progress import Progress
from danlu.data.sources import _listing
from danlu.data.sources._listing import readable
from danlu.data.sources._polygons import Outlines, Shapes, mask_classes
from danlu.data.table import Part, Table
from danlu.errors import DataError
from danlu.messages import say


@dataclass
class Boxed:
    """Images and their objects so far. rows of ``objects``: float64 (n, 7): x1, y1, x2, y2, class, iscrowd, area (NaN: the box's own).

    roots, names: an image is the file ``root/name``. sizes: (height, width) of the image that was annotated, None where unknown.
    shapes: outlines of the objects, where masks are wanted. notes, problems, lost: see :class:`danlu.data.table.Table`. relative:
    boxes are in shares of the upright image's width and height.
    """

    relative: bool = False
    roots: list[Path] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    sizes: list[tuple[int, int] | None] = field(default_factory=list)
    given: list[Part | None] = field(default_factory=list)
    objects: list[np.ndarray] = field(default_factory=list)
    shapes: list[Shapes] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    lost: list[tuple[str, str]] = field(default_factory=list)

    def add(self, root: Path, name: str, objects: np.ndarray, size: tuple[int, int] | None, part: Part | None) -> None:
        self.roots.append(root)
        self.names.append(name)
        self.objects.append(objects)
        self.sizes.append(size)
        self.given.append(part)

    def table(
        self,
        path: Path,
        kinds: Mapping[str, str],
        classes: Sequence[str],
        digest: str,
        progress: Progress | None,
        *,
        prefixed: bool,
    ) -> Table:
        """kinds: "image", "boxes", "mask" → the wanted columns. digest: of the annotations. prefixed: ids begin with the part's name.

        Raises DataError where there is no image, or one that stands twice.
        """
        if not self.names:
            raise DataError.of(str(path), say("data.coco.no-images"))
        ids = [
            f"{part}/{readable(name)}" if prefixed and part else readable(name)
            for part, name in zip(self.given, self.names, strict=True)
        ]
        if len(set(ids)) < len(ids):
            twice = next(name for name, count in Counter(ids).items() if count > 1)
            raise DataError.of(str(path), say("data.coco.image-twice", name=twice))
        columns: dict[str, Sequence[Any]] = {}
        if len(set(self.roots)) == 1:
            paths: Sequence[Any] = Paths(self.roots[0], self.names)
        else:
            paths = [root / name for root, name in zip(self.roots, self.names, strict=True)]
        if "image" in kinds:
            columns[kinds["image"]] = paths
        if "boxes" in kinds:
            columns[kinds["boxes"]] = Objects(self.objects, self.sizes, tuple(classes), self.relative)
        if "mask" in kinds:
            columns[kinds["mask"]] = Outlines(self.shapes, self.sizes)
        known = {"boxes": tuple(classes), "mask": mask_classes(classes)}
        files = _listing.fingerprint("", map(str, paths), progress)
        return Table(
            columns=columns,
            ids=ids,
            origins=ids,
            fingerprint=f"{digest} {files}",
            given=self.given if all(self.given) else None,
            classes={kinds[kind]: names for kind, names in known.items() if kind in kinds},
            problems=tuple(self.problems),
            notes=(*self.notes, *self.lost),
            objects=sum(map(len, self.shapes if "mask" in kinds else self.objects)),
            lost=tuple(self.lost),
        )


class Objects(LazyColumn[Mapping[str, Any]]):
    """Raw boxes of each image, as dicts made when asked for."""

    def __init__(
        self,
        rows: Sequence[np.ndarray],
        sizes: Sequence[tuple[int, int] | None],
        classes: tuple[str, ...],
        relative: bool = False,
    ) -> None:
        self._rows = rows
        self._sizes = sizes
        self._classes = classes
        self._relative = relative

    def __len__(self) -> int:
        return len(self._rows)

    def _value(self, row: int) -> Mapping[str, Any]:
        objects = [
            {"box": item[:4], "label": self._classes[int(item[4])], "iscrowd": bool(item[5])}
            | ({"area": item[6]} if item[6] == item[6] else {})
            for item in self._rows[row].tolist()
        ]
        raw = {"objects": objects, "size": self._sizes[row]}
        return {**raw, "relative": True} if self._relative else raw
