"""COCO's JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from danlu import recipe as recipes
from danlu.data.batches.batch import Padded, Ragged
from danlu.data.prepare import prepare
from danlu.data.sources import coco
from danlu.errors import DataError
from danlu.recipe.names import spec_of
from tests.data.made import BOXES, IMAGES, image, table


def annotation(id_: int, image_id: int, category: int, *bbox: Any, **more: Any) -> dict[str, Any]:
    return {"id": id_, "image_id": image_id, "category_id": category, "bbox": list(bbox), **more}


def instances(count: int = 4) -> dict[str, Any]:
    """Images 10, 20 … of 20 × 30 pixels; categories 7 (dog) and 3 (cat); one object each, but none on the last."""
    return {
        "images": [{"id": 10 * n, "file_name": f"{n}.png", "height": 20, "width": 30} for n in range(1, count + 1)],
        "annotations": [
            annotation(n, 10 * n, 3 + 4 * (n % 2), 2, 3, 10, 5, area=40, iscrowd=0) for n in range(1, count)
        ],
        "categories": [{"id": 7, "name": "dog"}, {"id": 3, "name": "cat"}],
    }


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for number in range(1, 5):
        image(tmp_path / f"{number}.png", number, (20, 30))
    return tmp_path


def test_images_boxes_and_gaps_in_ids(pictures: Path) -> None:
    found = table(write(pictures / "a.json", instances()), BOXES)
    assert list(found.ids) == ["1.png", "2.png", "3.png", "4.png"]
    assert found.classes["boxes"] == ("cat", "dog")
    first = {"objects": [{"box": [2, 3, 12, 8], "label": "dog", "iscrowd": False, "area": 40}], "size": (20, 30)}
    assert found.columns["boxes"][0] == first
    assert found.columns["boxes"][1]["objects"][0]["label"] == "cat"
    assert found.columns["boxes"][3]["objects"] == []
    assert found.given is None


def test_boxes_that_are_none_are_listed_with_their_ids(pictures: Path) -> None:
    content = instances()
    content["annotations"] = [
        annotation(1, 10, 3, 0, 0, 0, 5),
        annotation(2, 10, 3, 8, 8, -3, 5),
        annotation(3, 10, 3, 40, 0, 5, 5),
        annotation(4, 10, 99, 0, 0, 5, 5),
        annotation(5, 77, 3, 0, 0, 5, 5),
        annotation(6, 20, 3, 0, 0, 5),
        annotation(7, 20, 3, "a", 0, 5, 5),
        annotation(8, 20, 3, 25, 15, 50, 50, iscrowd=1),
        {"id": 9, "image_id": 20, "category_id": 3},
    ]
    found = table(write(pictures / "a.json", content), BOXES)
    words = {
        1: "no area",
        2: "inside out",
        3: "outside",
        4: "no category 99",
        5: "no image 77",
        6: "four numbers",
        7: "four numbers",
        9: "four numbers",
    }
    noted = dict(found.notes)
    for number, word in words.items():
        where = next(origin for origin in noted if f"annotation {number} " in origin)
        assert word in noted[where]
    assert len(noted) == len(words)
    assert "a.json, annotation 1 (1.png)" in noted
    (kept,) = found.columns["boxes"][1]["objects"]
    assert kept == {"box": [25, 15, 75, 65], "label": "cat", "iscrowd": True, "area": 2500}


def test_folders_with_parts(tmp_path: Path) -> None:
    for part in ("train2017", "val2017"):
        for number in range(1, 5):
            image(tmp_path / part / f"{number}.png", len(part) * 10 + number, (20, 30))
        write(tmp_path / "annotations" / f"instances_{part}.json", instances())
    found = table(tmp_path, BOXES)
    assert list(found.ids) == [f"{part}/{number}.png" for part in ("train", "val") for number in range(1, 5)]
    assert found.given == ["train"] * 4 + ["val"] * 4
    assert all(path.exists() for path in found.columns["image"])


def test_roboflow_folders(tmp_path: Path) -> None:
    for part in ("train", "valid"):
        for number in range(1, 5):
            image(tmp_path / part / f"{number}.png", number, (20, 30))
        write(tmp_path / part / "_annotations.coco.json", instances())
    assert table(tmp_path, BOXES).given == ["train"] * 4 + ["val"] * 4


def test_parts_must_be_named(tmp_path: Path) -> None:
    for name in ("instances_a.json", "instances_b.json"):
        write(tmp_path / name, instances())
    with pytest.raises(DataError, match="instances_train"):
        table(tmp_path, BOXES)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"annotations": None}, "images, annotations and categories"),
        ({"images": [{"id": 1}]}, "file_name"),
        ({"images": []}, "No image"),
        ({"images": [{"id": 1, "file_name": "1.png"}, {"id": 1, "file_name": "2.png"}]}, "same id"),
        ({"images": [{"id": 1, "file_name": "1.png"}, {"id": 2, "file_name": "1.png"}]}, "twice"),
        ({"annotations": [{"bbox": [1, 2, 3, 4]}]}, "image_id"),
        ({"categories": [{"id": 1}]}, "name"),
    ],
)
def test_refusals(pictures: Path, change: dict[str, Any], words: str) -> None:
    path = write(pictures / "a.json", {**instances(), **change})
    with pytest.raises(DataError, match=words):
        table(path, BOXES, format="coco")


def test_broken_json_says_its_line(pictures: Path) -> None:
    (pictures / "a.json").write_text('{"images": [\n{"id": 1,}\n]}')
    with pytest.raises(DataError, match=r"a\.json:2"):
        table(pictures / "a.json", BOXES, format="coco")


def test_files_that_disagree(tmp_path: Path) -> None:
    write(tmp_path / "instances_train.json", instances())
    write(tmp_path / "instances_val.json", {**instances(), "categories": [{"id": 7, "name": "cow"}]})
    with pytest.raises(DataError, match="'dog'"):
        table(tmp_path, BOXES)


def test_two_categories_of_one_name(pictures: Path) -> None:
    content = {**instances(), "categories": [{"id": 7, "name": "dog"}, {"id": 3, "name": "dog"}]}
    assert table(write(pictures / "a.json", content), BOXES).classes["boxes"] == ("dog (3)", "dog (7)")


def test_only_a_source_of_boxes(pictures: Path) -> None:
    with pytest.raises(DataError, match="category"):
        table(write(pictures / "a.json", instances()), IMAGES)


def test_what_is_recognised(tmp_path: Path) -> None:
    assert coco.recognises(write(tmp_path / "a.json", instances()))
    assert not coco.recognises(write(tmp_path / "b.json", [1]))
    assert not coco.recognises(write(tmp_path / "c.json", {"x": 1}))
    assert not coco.recognises(tmp_path)


def test_prepared_for_a_detector(pictures: Path, tmp_path: Path) -> None:
    """Images keep their aspect, boxes their objects; an image without objects stays; a broken one goes."""
    (pictures / "4.png").write_bytes(b"")
    image(pictures / "5.png", 5, (20, 30))
    content = instances(5)
    path = write(pictures / "a.json", content)
    settings = {"source": str(path), "image": {"size": 15}, "split": {"val": 0.3, "test": 0}, "max_bad": 0.5}
    asked = recipes.complete(recipes.from_dict({"task": "detection", "data": settings}))
    data = prepare(asked, spec_of("detection"))
    assert list(data.ids) == ["1.png", "2.png", "3.png", "5.png"]
    batch = data.gather(np.arange(4))
    assert isinstance(batch["image"], Padded)
    assert batch["image"].sizes.tolist() == [[10, 15]] * 4
    assert isinstance(batch["boxes"], Ragged)
    assert batch["boxes"].offsets.tolist() == [0, 1, 2, 3, 3]
    assert batch["boxes"].values[0].tolist() == [1, 1.5, 6, 4, 1, 0, 10]
    assert data.card["columns"]["boxes"]["boxes"] >= 2
    assert len(data.statistics["image"]["mean"]) == 3
    assert data.card["bad"] == [{"row": "4.png", "column": "image", "reason": "the file is empty"}]
    json.dumps(data.card)
