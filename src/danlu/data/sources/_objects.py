"""Boxes as they stand in manifests → the raw boxes of a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from danlu.data.sources._json import loads

_LABELS = ("label", "category", "class", "name", "category_id", "label_id")


def objects_of(value: Any) -> Any:
    """Objects of one row: JSON text, a list of dicts, or a dict of lists as Hugging Face datasets have them.

    ``box`` means corners (x1, y1, x2, y2), ``bbox`` COCO's (x, y, width, height). What isn't understood is given back as it is, to be
    refused with a reason when it is prepared.
    """
    if isinstance(value, str):
        try:
            value = loads(value)
        except ValueError:
            return value
    if isinstance(value, Mapping) and "objects" in value:
        return {**value, "objects": objects_of(value["objects"])}
    if isinstance(value, Mapping):
        value = _rows(value)
    if not isinstance(value, list):
        return value
    return [_object(item) if isinstance(item, Mapping) else item for item in value]


def _rows(value: Mapping[str, Any]) -> Any:
    """{bbox: […], category: […]} → [{bbox, category}, …]."""
    lists = {name: items for name, items in value.items() if isinstance(items, list)}
    counts = {len(items) for items in lists.values()}
    if len(counts) != 1:
        return value
    singular = {"categories": "category", "labels": "label", "boxes": "box", "bboxes": "bbox", "classes": "class"}
    return [{singular.get(name, name): items[row] for name, items in lists.items()} for row in range(counts.pop())]


def _object(item: Mapping[str, Any]) -> Any:
    label = next((item[name] for name in _LABELS if name in item), None)
    if "box" in item:
        box = item["box"]
    elif "bbox" in item and isinstance(item["bbox"], list) and len(item["bbox"]) == 4:
        box = _corners(*item["bbox"])
    else:
        return item
    made = {"box": box, "label": label, "iscrowd": bool(item.get("iscrowd", item.get("is_crowd", False)))}
    if isinstance(item.get("area"), int | float):
        made["area"] = item["area"]
    return made


def _corners(x: Any, y: Any, width: Any, height: Any) -> list[float] | None:
    """None, which is refused later, for what are no numbers."""
    try:
        return (
            [x, y, x + width, y + height]
            if all(isinstance(edge, int | float) for edge in (x, y, width, height))
            else None
        )
    except OverflowError:
        return None
