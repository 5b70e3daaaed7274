"""Boxes: any number of upright rectangles on an image, each of a class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from danlu.data.kinds.base import BadValue, Framing, Kind, MissingValue, Prepared, Storage
from danlu.data.kinds.category import class_name, names_in, natural
from danlu.messages import say

if TYPE_CHECKING:
    from danlu.data.augment.geometry import Geometry
    from danlu.data.batches.batch import Value

COLUMNS = ("x1", "y1", "x2", "y2", "class", "iscrowd", "area")
MOST = 20_000  # boxes on one image: more could not be held against a net's locations in memory
_SLACK = 1.0  # raw pixels by which annotators' boxes stand over the edge without a word
_COLOURS = (
    "#e6194b",
    "#3cb44b",
    "#4363d8",
    "#f58231",
    "#911eb4",
    "#008080",
    "#f032e6",
    "#9a6324",
    "#808000",
    "#000075",
)


@dataclass(frozen=True)
class Boxes(Kind):
    """Boxes of ``classes`` (names, in order), cached as float32 (n, 7), see :data:`COLUMNS`; n may be 0.

    Positions are continuous pixel coordinates of the prepared image, 0-based: pixel i covers [i, i + 1). area: of the object in the
    prepared image, in pixels². In a batch: :class:`Ragged` (total, 7).
    """

    classes: tuple[str, ...]

    name: ClassVar[str] = "boxes"
    follows: ClassVar[str | None] = "image"

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", tuple(self.classes))
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("classes are not unique")

    @classmethod
    def fit(cls, raws: Sequence[Any], options: Mapping[str, Any]) -> Boxes:
        """options: classes (names in order; else all labels that occur, in natural order)."""
        if options.get("classes"):
            return cls(tuple(map(str, options["classes"])))
        labels = (item.get("label") for raw in raws for item in _readable(raw) if isinstance(item, Mapping))
        return cls(tuple(sorted(names_in(labels), key=natural)))

    @cached_property
    def _index(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.classes)}

    def prepare(self, raw: Any, framing: Framing | None = None) -> Prepared:
        """raw: dicts {box: [x1, y1, x2, y2], label, iscrowd, area}, or {objects: such dicts, size: (height, width) they refer to}.

        With ``relative: true`` beside ``objects``, corners are shares of the upright image's width and height.
        Boxes of an upright image's pixels are moved into the prepared one and clipped to it; those that lie outside are left out,
        with a note. Raises :class:`BadValue` for what is no box, for an unknown class, and for annotations of another image's size.
        """
        if raw is None:
            raise MissingValue(say("data.missing"))
        objects, size = _objects(raw)
        if len(objects) > MOST:
            raise BadValue(say("data.boxes.many", count=len(objects), most=MOST))
        rows = np.zeros((len(objects), 7), np.float64)
        notes: list[str] = []
        for row, item in zip(rows, objects, strict=True):
            row[:] = self._row(item)
        flipped = (rows[:, 0] > rows[:, 2]) | (rows[:, 1] > rows[:, 3])
        if flipped.any():
            rows[:, :4] = np.concatenate(
                [np.minimum(rows[:, :2], rows[:, 2:4]), np.maximum(rows[:, :2], rows[:, 2:4])], 1
            )
            notes.append(say("data.boxes.note.swapped"))
        if isinstance(raw, Mapping) and raw.get("relative"):
            if framing is None:
                raise BadValue(say("boxes.relative"))
            height, width = framing.raw
            rows[:, :4] *= (width, height, width, height)
            rows[:, 6] *= width * height
        if framing is not None:
            if size is not None:
                rows, turned = _refer(rows, size, framing)
                notes += turned
            rows, clipped = _place(rows, framing)
            notes += clipped
        empty = (rows[:, 2] <= rows[:, 0]) | (rows[:, 3] <= rows[:, 1])
        if empty.any():
            rows = rows[~empty]
            notes.append(say("data.boxes.note.empty"))
        return Prepared(rows.astype(np.float32), tuple(notes))

    def _row(self, item: Mapping[str, Any]) -> list[float]:
        try:
            x1, y1, x2, y2 = (float(edge) for edge in item["box"])
            given = item.get("area")
            area = abs((x2 - x1) * (y2 - y1)) if given is None else float(given)
            crowd = float(bool(item.get("iscrowd", False)))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise BadValue(say("data.boxes.type", value=str(item)[:80])) from error
        if not np.isfinite([x1, y1, x2, y2, area]).all():
            raise BadValue(say("data.boxes.type", value=str(item)[:80]))
        name = class_name(item.get("label"))
        if name not in self._index:
            raise BadValue(say("data.category.unseen", value=name[:60]))
        return [x1, y1, x2, y2, float(self._index[name]), crowd, area]

    def storage(self) -> Storage:
        return Storage("ragged", "float32", (-1, 7))

    def spec(self) -> dict[str, Any]:
        return {"classes": list(self.classes)}

    def collate(self, values: Any) -> Value:
        import torch

        from danlu.data.batches.batch import Ragged

        offsets = np.zeros(len(values) + 1, np.int64)
        np.cumsum([len(value) for value in values], out=offsets[1:])
        rows = np.concatenate([np.zeros((0, 7), np.float32), *values])
        return Ragged(torch.from_numpy(rows), torch.from_numpy(offsets))

    def uncollate(self, value: Value) -> list[np.ndarray]:
        rows, offsets = value.values.detach().cpu().numpy(), value.offsets.cpu().numpy()  # type: ignore[operator,union-attr]
        return np.split(rows, offsets[1:-1])

    def warp(self, value: Value, geometry: Geometry) -> Value:
        from danlu.data.augment.boxes import warp_boxes

        return warp_boxes(value, geometry)  # type: ignore[arg-type]

    def describe(self, values: Sequence[np.ndarray]) -> dict[str, Any]:
        """classes: boxes of each; per_image: fewest, mean and most boxes; side: 5, 50 and 95 % of the square root of areas, pixels."""
        counts = [len(value) for value in values]
        rows = np.concatenate([np.zeros((0, 7), np.float32), *values])
        found = np.bincount(rows[:, 4].astype(np.int64), minlength=len(self.classes)).tolist()
        sides = np.sqrt(rows[:, 6]) if len(rows) else np.zeros(1)
        return {
            "classes": dict(zip(self.classes, found, strict=True)),
            "boxes": len(rows),
            "crowds": int(rows[:, 5].sum()),
            "images_without": counts.count(0),
            "per_image": {"min": min(counts), "mean": len(rows) / len(counts), "max": max(counts)} if counts else {},
            "side": [float(side) for side in np.percentile(sides, [5, 50, 95])],
        }

    def draw(self, value: np.ndarray, canvas: np.ndarray | None = None) -> np.ndarray:
        """RGB uint8 (H, W, 3): boxes with their class's name on ``canvas``, else on white. value: (n, 5 or more).

        A row of predictions may hold a score in 0–1 in place of ``iscrowd``; it is shown where it isn't 0 or 1.
        """
        from PIL import Image, ImageDraw

        if canvas is None:
            far = value[:, 2:4].max(0) if len(value) else np.ones(2)
            canvas = np.full((int(np.ceil(far[1])) + 1, int(np.ceil(far[0])) + 1, 3), 255, np.uint8)
        image = Image.fromarray(np.ascontiguousarray(canvas))
        pen = ImageDraw.Draw(image)
        for row in value:
            index = int(row[4])
            colour = _COLOURS[index % len(_COLOURS)]
            x1, y1, x2, y2 = (float(edge) for edge in row[:4])
            pen.rectangle((x1, y1, max(x1, x2 - 1), max(y1, y2 - 1)), outline=colour)
            text = self.classes[index] if 0 <= index < len(self.classes) else str(index)
            if len(row) > 5 and 0.0 < row[5] < 1.0:
                text += f" {row[5]:.2f}"
            where = pen.textbbox((x1 + 1, max(0.0, y1 - 11)), text)
            pen.rectangle(where, fill=colour)
            pen.text(where[:2], text, fill="white")
        return np.asarray(image)


def _objects(raw: Any) -> tuple[Sequence[Mapping[str, Any]], tuple[int, int] | None]:
    """The objects of one image and the (height, width) of the image they were drawn on, where known."""
    size = None
    if isinstance(raw, Mapping):
        given, raw = raw.get("size"), raw.get("objects", raw)
        try:
            size = None if given is None else (int(given[0]), int(given[1]))
        except (TypeError, ValueError, LookupError, OverflowError) as error:
            raise BadValue(say("data.boxes.type", value=str(given)[:80])) from error
    if isinstance(raw, Iterable) and not isinstance(raw, str | bytes | Mapping) and (size is None or min(size) > 0):
        return list(raw), size
    raise BadValue(say("data.boxes.type", value=str(raw)[:80]))


def _readable(raw: Any) -> Sequence[Mapping[str, Any]]:
    """The objects, none where there are no usable ones: what is wrong is told when they are prepared."""
    try:
        return [] if raw is None else _objects(raw)[0]
    except BadValue:
        return []


def _refer(rows: np.ndarray, size: tuple[int, int], framing: Framing) -> tuple[np.ndarray, list[str]]:
    """Boxes that refer to an image of ``size`` → to the upright raw image."""
    if size == framing.raw:
        return rows, []
    rows = rows.copy()
    if framing.orientation >= 5 and size == framing.raw[::-1]:
        rows[:, :4] = _turn(rows[:, :4], framing)
        return rows, [say("data.boxes.note.turned")]
    across, down = framing.raw[1] / size[1], framing.raw[0] / size[0]
    if abs(across / down - 1) > 0.02:
        raise BadValue(say("data.boxes.size", said=f"{size[1]}×{size[0]}", found=f"{framing.raw[1]}×{framing.raw[0]}"))
    rows[:, :4] *= (across, down, across, down)
    rows[:, 6] *= across * down
    return rows, [say("data.boxes.note.scaled")]


def _turn(boxes: np.ndarray, framing: Framing) -> np.ndarray:
    """Boxes of the file's own pixels → of the image turned upright; EXIF orientations 5–8 swap the axes."""
    height, width = framing.raw
    x1, y1, x2, y2 = boxes.T
    if framing.orientation in (6, 7):
        y1, y2 = width - y2, width - y1
    if framing.orientation in (7, 8):
        x1, x2 = height - x2, height - x1
    return np.stack([y1, x1, y2, x2], axis=1)


def _place(rows: np.ndarray, framing: Framing) -> tuple[np.ndarray, list[str]]:
    """Boxes of the upright raw image → of the prepared one, clipped to it; those outside of it are left out."""
    notes = []
    far = np.asarray([framing.raw[1], framing.raw[0]] * 2, np.float64)
    inside = np.clip(rows[:, :4], 0.0, far)
    lost = ((inside[:, 2:] <= inside[:, :2]) & (rows[:, 2:4] > rows[:, :2])).any(1)
    if lost.any():
        notes.append(say("data.boxes.note.outside"))
    if (np.abs(inside - rows[:, :4])[~lost] > _SLACK).any():
        notes.append(say("data.boxes.note.clipped"))
    rows, inside = rows[~lost], inside[~lost]
    (sx, sy), (tx, ty) = framing.scale, framing.shift
    placed = inside * (sx, sy, sx, sy) + (tx, ty, tx, ty)
    limit = np.asarray([framing.size[1], framing.size[0]] * 2, np.float64)
    seen = np.clip(placed, 0.0, limit)
    before = (placed[:, 2] - placed[:, 0]) * (placed[:, 3] - placed[:, 1])
    after = (seen[:, 2] - seen[:, 0]) * (seen[:, 3] - seen[:, 1])
    share = np.divide(after, before, out=np.ones_like(after), where=before > 0)
    cut = (before > 0) & (after <= 0)
    if cut.any():
        notes.append(say("data.boxes.note.cropped"))
    result = np.concatenate([seen, rows[:, 4:6], (rows[:, 6] * sx * sy * share)[:, None]], axis=1)
    return result[~cut], notes
