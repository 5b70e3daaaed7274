"""COCO annotations → boxes, with a reason for each that is none."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from danlu.data.sources._mapping import shortened
from danlu.messages import say

_IDS = (int, str)
_TELLING = 8  # as many boxes can't look like something else by chance
_FARTHEST = 1e9  # pixels; a box beyond is none, nor an area beyond its square
Rejected = tuple[Any, int | None, str]  # (annotation id, row of its image, reason)


def checked(
    annotations: Sequence[Mapping[str, Any]],
    images: Mapping[Any, int],
    sizes: Sequence[tuple[int, int] | None],
    classes: Mapping[Any, int],
) -> tuple[np.ndarray, np.ndarray, list[Rejected]]:
    """(rows, owners, rejected).

    rows: float64 (n, 7): x1, y1, x2, y2 in pixels of the annotated image, class, iscrowd, area. owners: int64 (n,), row of the image.
    images: image id → row. sizes: (height, width) of each image, None where the file doesn't say. classes: category id → index.
    A box that stands over the edge is kept (it is clipped when prepared); one that lies outside altogether is not.
    """
    rows: list[tuple[float, ...]] = []
    owners: list[int] = []
    rejected: list[Rejected] = []
    for place, item in enumerate(annotations):
        owner = images.get(item["image_id"]) if type(item["image_id"]) in _IDS else None
        row, reason = _row(item, None if owner is None else sizes[owner], owner is not None, classes)
        if row is None or owner is None:
            rejected.append((item.get("id", f"[{place}]"), owner, reason))
        else:
            rows.append(row)
            owners.append(owner)
    return np.asarray(rows, np.float64).reshape(-1, 7), np.asarray(owners, np.int64), rejected


def _row(
    item: Mapping[str, Any], size: tuple[int, int] | None, known: bool, classes: Mapping[Any, int]
) -> tuple[tuple[float, ...] | None, str]:
    if not known:
        return None, say("data.coco.unknown-image", id=shortened(written(item["image_id"])))
    category = item.get("category_id")
    index = classes.get(category) if type(category) in _IDS else None
    if index is None:
        return None, say("data.coco.unknown-category", id=shortened(written(category)))
    box = item.get("bbox")
    if not isinstance(box, list) or len(box) != 4 or not all(type(edge) in (int, float) for edge in box):
        return None, say("data.coco.no-box")
    try:
        x, y, width, height = map(float, box)
    except OverflowError:
        return None, say("data.coco.no-box")
    if not all(abs(edge) <= _FARTHEST for edge in (x, y, width, height)):  # nor NaN
        return None, say("data.coco.no-box")
    if width < 0 or height < 0:
        return None, say("data.coco.swapped")
    if width == 0 or height == 0:
        return None, say("data.coco.no-area")
    if size is not None and (x >= size[1] or y >= size[0] or x + width <= 0 or y + height <= 0):
        return None, say("data.coco.outside")
    crowd = _crowd(item.get("iscrowd"))
    if crowd is None:
        return None, say("boxes.coco.crowd", value=shortened(written(item["iscrowd"])))
    said = item.get("area")
    area = width * height
    if isinstance(said, int | float) and 0 < said <= _FARTHEST**2:
        area = float(said)
    return (x, y, x + width, y + height, float(index), crowd, area), ""


def _crowd(said: Any) -> float | None:
    """1 for a crowd, 0 for none and where nothing is said; None for what is neither: bool("0") would make a crowd of it."""
    if said is None or said in (0, 1):  # also 0.0, False
        return float(said or 0)
    return {"0": 0.0, "1": 1.0, "false": 0.0, "true": 1.0}.get(said.strip().lower()) if isinstance(said, str) else None


def written(value: Any) -> str:
    """As the file has it: the text "3" is not the number 3."""
    return json.dumps(value, ensure_ascii=False, default=str)


def doubtful(rows: np.ndarray, owners: np.ndarray, sizes: Sequence[tuple[int, int] | None]) -> str:
    """What speaks against boxes being x, y, width and height in pixels, as a note; empty where nothing does.

    rows, owners: see :func:`checked`. All of them within the first pixel are shares; where most stand over the edge, and all would be
    corners inside of their images, they are corners.
    """
    if len(rows) < _TELLING:
        return ""
    if (rows[:, :4] <= 1.0).all():
        return say("boxes.coco.shares")
    known = np.asarray([(0, 0) if size is None else size[::-1] for size in sizes], np.float64)[owners]
    over = (rows[:, 2:4] > known + 0.5).any(1)
    corners = rows[:, 2:4] - rows[:, :2]  # what stands third and fourth in the file
    fits = (corners > rows[:, :2]) & (corners <= known + 0.5)
    return say("boxes.coco.corners") if known.all() and fits.all() and over.mean() > 0.25 else ""
