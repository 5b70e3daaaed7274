"""Outlines in COCO's JSON become masks; what can't be painted sets its image aside, with the annotation's id."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from danlu.data.images import rle
from danlu.data.kinds.base import BadValue, prepare_row
from danlu.data.kinds.image import Image
from danlu.data.kinds.mask import Mask
from danlu.data.sources import coco
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column

WANTED = {"image": Column("image", "input"), "mask": Column("mask", "target")}


def written(folder: Path, annotations: list[dict[str, Any]]) -> Path:
    images = [{"id": 7, "file_name": "a.png", "width": 20, "height": 10}, {"id": 9, "file_name": "b.png"}]
    for name in ("a.png", "b.png"):
        Pillow.fromarray(np.zeros((10, 20, 3), np.uint8)).save(folder / name)
    categories = [{"id": 30, "name": "dog"}, {"id": 4, "name": "cat"}]
    path = folder / "annotations.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return path


def read(path: Path) -> Any:
    return coco.read(path, DataSection(source=str(path)), WANTED)


def test_polygons_and_run_lengths_become_masks(tmp_path: Path) -> None:
    square = np.zeros((10, 20), bool)
    square[2:6, 3:8] = True
    packed = {"size": [10, 20], "counts": rle.pack(rle.encode(square))}
    table = read(
        written(
            tmp_path,
            [
                {"id": 1, "image_id": 7, "category_id": 4, "segmentation": packed, "iscrowd": 1},
                {"id": 2, "image_id": 7, "category_id": 30, "segmentation": [[10, 1, 15, 1, 15, 4, 10, 4]]},
                {"id": 3, "image_id": 1, "category_id": 30, "segmentation": [[0, 0, 4, 0, 4, 4]]},
                {"id": 4, "image_id": 7, "category_id": 99, "segmentation": [[0, 0, 4, 0, 4, 4]]},
            ],
        )
    )
    assert table.classes["mask"] == ("background", "cat", "dog")
    assert len(table.notes) == 2
    kind = Mask.fit(table.columns["mask"], {"classes": table.classes["mask"]})
    row = {name: table.columns[name][0] for name in WANTED}
    value = prepare_row({"image": Image(None, None, 3), "mask": kind}, row)["mask"].value
    assert np.array_equal(value == 1, square)
    assert np.array_equal(np.argwhere(value == 2), [(y, x) for y in range(1, 4) for x in range(10, 15)])
    row = {name: table.columns[name][1] for name in WANTED}  # without objects, and the size is not said
    assert not prepare_row({"image": Image(None, None, 3), "mask": kind}, row)["mask"].value.any()


def test_an_object_without_a_shape_sets_its_image_aside(tmp_path: Path) -> None:
    table = read(written(tmp_path, [{"id": 51, "image_id": 7, "category_id": 4, "bbox": [0, 0, 4, 4]}]))
    kind = Mask(("background", "cat", "dog"))
    with pytest.raises(BadValue, match="51"):
        kind.prepare(table.columns["mask"][0])
