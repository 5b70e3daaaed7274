"""Objects as polygons or run lengths → a mask of their classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from danlu.data.images import rle
from danlu.data.kinds.base import BadValue, Framing
from danlu.data.kinds.category import class_name
from danlu.messages import say

_FINER = 5  # steps of a pixel by which pycocotools walks along an outline
_FARTHEST = 1e6  # pixels; no image is larger


def painted(raw: Mapping[str, Any], index: Mapping[str, int], framing: Framing | None) -> np.ndarray:
    """uint8 (H, W) in the raw image's pixels: the class of the object on each, 0 where there is none.

    raw: {objects: dicts {label, segmentation: polygons [[x1, y1, x2, y2, …], …] or {size, counts}}, size: (height, width) that they
    refer to, or none}. Smaller objects lie above larger ones; of equals the later. Raises :class:`BadValue` with the object's place.
    """
    size = _size(raw, framing)
    mask = np.zeros(size, np.uint8)
    objects = raw.get("objects")
    if not isinstance(objects, Sequence) or isinstance(objects, str):
        raise BadValue(say("masks.objects"))
    found: list[tuple[int, int, np.ndarray]] = []
    for place, item in enumerate(objects, 1):
        if not isinstance(item, Mapping):
            raise BadValue(say("masks.objects"))
        name = class_name(item.get("label"))
        if name not in index:
            raise BadValue(say("data.category.unseen", value=name[:60]))
        inside = shape_of(item.get("segmentation"), size, item.get("id", place))
        found.append((int(inside.sum()), index[name], inside))
    for _, label, inside in sorted(found, key=lambda each: -each[0]):
        mask[inside] = label
    return mask


def _size(raw: Mapping[str, Any], framing: Framing | None) -> tuple[int, int]:
    given = raw.get("size")
    if given is None:
        if framing is None:
            raise BadValue(say("masks.no-size"))
        return framing.raw
    try:
        high, wide = (int(side) for side in given)
    except (TypeError, ValueError) as error:
        raise BadValue(say("masks.no-size")) from error
    if framing is not None and (high, wide) not in (framing.raw, framing.raw[::-1]):
        said, found = f"{wide}×{high}", f"{framing.raw[1]}×{framing.raw[0]}"
        raise BadValue(say("masks.size", said=said, found=found))
    return high, wide


def shape_of(outline: Any, size: tuple[int, int], name: Any) -> np.ndarray:
    """bool (H, W) of one object. name: of the object, for the reason where it has no shape."""
    if isinstance(outline, Mapping):
        try:
            inside = rle.mask_of(outline)
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise BadValue(say("masks.rle", object=name)) from error
        if inside.shape != size:
            raise BadValue(say("masks.rle-size", object=name, said=_told(inside.shape), found=_told(size)))
        return inside
    if not isinstance(outline, (list, tuple)) or not outline:
        raise BadValue(say("masks.no-shape", object=name))
    polygons = [outline] if _flat(outline) else outline
    inside = np.zeros(size, bool)
    for polygon in polygons:
        if not _flat(polygon) or len(polygon) % 2 or len(polygon) < 6:
            raise BadValue(say("masks.polygon", object=name))
        points = np.asarray(polygon, np.float64).reshape(-1, 2)
        if not (np.abs(points) < _FARTHEST).all():  # nor NaN
            raise BadValue(say("masks.polygon-far", object=name))
        inside |= filled(points, *size)
    return inside


def filled(points: np.ndarray, height: int, width: int) -> np.ndarray:
    """bool (height, width): the pixels inside of a polygon, float64 (k, 2) of x and y, by pycocotools' rule (rleFrPoly).

    The outline is walked in fifths of a pixel; a column's pixels change sides where it passes the column's middle.
    """
    ends = np.trunc(_FINER * points + 0.5).astype(np.int64)
    along: list[np.ndarray] = []
    for (xs, ys), (xe, ye) in zip(ends, np.roll(ends, -1, axis=0), strict=True):
        dx, dy = abs(int(xe - xs)), abs(int(ye - ys))
        flat = dx >= dy
        turned = xs > xe if flat else ys > ye
        (x0, y0), (x1, y1) = ((xe, ye), (xs, ys)) if turned else ((xs, ys), (xe, ye))
        steps = np.arange((dx if flat else dy) + 1)
        if flat:
            slope = (y1 - y0) / dx if dx else 0.0
            walked = np.stack([steps + x0, np.trunc(y0 + slope * steps + 0.5)], 1)
        else:
            walked = np.stack([np.trunc(x0 + (x1 - x0) / dy * steps + 0.5), steps + y0], 1)
        along.append(walked[::-1] if turned else walked)
    u, v = np.concatenate(along).T
    step = np.flatnonzero(u[1:] != u[:-1]) + 1
    x = (np.minimum(u[step], u[step - 1]) + 0.5) / _FINER - 0.5
    y = np.ceil(np.clip((np.minimum(v[step], v[step - 1]) + 0.5) / _FINER - 0.5, 0, height))
    kept = (x == np.floor(x)) & (x >= 0) & (x <= width - 1)
    places = (x[kept] * height + y[kept]).astype(np.int64)
    crossed = np.bincount(places, minlength=height * width + 1)[: height * width]
    inside: np.ndarray = (np.cumsum(crossed) % 2 == 1).reshape(height, width, order="F")
    return inside


def _flat(values: Any) -> bool:
    return isinstance(values, (list, tuple)) and all(isinstance(v, int | float) and type(v) is not bool for v in values)


def _told(size: tuple[int, ...]) -> str:
    return f"{size[1]}×{size[0]}"
