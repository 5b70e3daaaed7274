"""COCO annotations → boxes, with a reason for each that is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from danlu.data.sources._mapping import shortened
from danlu.messages import say

_IDS = (int, str)
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
        return None, say("data.coco.unknown-image", id=shortened(str(item["image_id"])))
    category = item.get("category_id")
    index = classes.get(category) if type(category) in _IDS else None
    if index is None:
        return None, say("data.coco.unknown-category", id=shortened(str(category)))
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
    said = item.get("area")
    area = width * height
    if isinstance(said, int | float) and 0 < said <= _FARTHEST**2:
        area = float(said)
    return (x, y, x + width, y + height, float(index), float(bool(item.get("iscrowd", 0))), area), ""
