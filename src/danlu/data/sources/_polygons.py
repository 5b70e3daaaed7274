"""COCO annotations → the outlines of each image's objects, as masks are made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from danlu.data.columns import Column as LazyColumn
from danlu.data.sources._boxes import written
from danlu.data.sources._mapping import shortened
from danlu.messages import say

Shapes = list[dict[str, Any]]  # of one image: {id, label, segmentation}
BACKGROUND = "background"


def outlined(
    annotations: Sequence[Mapping[str, Any]], images: Mapping[Any, int], classes: Mapping[Any, str]
) -> tuple[list[Shapes], list[tuple[Any, str]]]:
    """(the shapes of each image, (annotation's id, why it was left out)).

    images: image id → row. classes: category id → name. An object without a usable shape stays: its image can't be learnt from, since
    its pixels would be taken for background; so it is refused when it is prepared.
    """
    found: list[Shapes] = [[] for _ in images]
    left: list[tuple[Any, str]] = []
    for place, item in enumerate(annotations):
        name = item.get("id", f"[{place}]")
        row = images.get(item["image_id"]) if type(item["image_id"]) in (int, str) else None
        category = item.get("category_id")
        label = classes.get(category) if type(category) in (int, str) else None
        if row is None:
            left.append((name, say("data.coco.unknown-image", id=shortened(written(item["image_id"])))))
        elif label is None:
            left.append((name, say("data.coco.unknown-category", id=shortened(written(category)))))
        else:
            found[row].append({"id": name, "label": label, "segmentation": item.get("segmentation")})
    return found, left


def mask_classes(names: Sequence[str]) -> tuple[str, ...]:
    """Those of the masks: what no object covers comes first."""
    return (BACKGROUND, *(name for name in names if name != BACKGROUND))


class Outlines(LazyColumn[Mapping[str, Any]]):
    """Raw masks: the shapes of each image and the size (height, width) that they refer to."""

    def __init__(self, shapes: Sequence[Shapes], sizes: Sequence[tuple[int, int] | None]) -> None:
        self._shapes = shapes
        self._sizes = sizes

    def __len__(self) -> int:
        return len(self._shapes)

    def _value(self, row: int) -> Mapping[str, Any]:
        return {"objects": self._shapes[row], "size": self._sizes[row]}
