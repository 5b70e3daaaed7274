"""Boxes: COCO, and in manifests."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.data.hostile.case import LARGE, Maker, case, pictures

# ---- COCO


def coco(change: Callable[[dict[str, Any]], Any], count: int = 12) -> Maker:
    """change: of the good annotations; gives others, or text."""

    def make(root: Path) -> dict[str, Any]:
        good: dict[str, Any] = {
            "images": [
                {"id": number, "file_name": name, "height": 8, "width": 10}
                for number, name in enumerate(pictures(root, count))
            ],
            "annotations": [
                {"id": number, "image_id": number, "category_id": number % 2, "bbox": [1, 1, 4, 4]}
                for number in range(count)
            ],
            "categories": [{"id": 0, "name": "a"}, {"id": 1, "name": "b"}],
        }
        changed = change(good)
        text = changed if isinstance(changed, str) else json.dumps(good if changed is None else changed)
        (root / "a.json").write_text(text)
        return {"source": str(root / "a.json"), "max_bad": 0.5}

    return make


def annotations(*more: Any) -> Maker:
    return coco(
        lambda good: good["annotations"].extend(
            {"id": 100 + n, "image_id": 0, "category_id": 0, **each} for n, each in enumerate(more)
        )
    )


def setting(part: str, key: str, *values: Any) -> Maker:
    def change(good: dict[str, Any]) -> None:
        for place, value in enumerate(values):
            good[part][place][key] = value

    return coco(change)


for _name, _make, _expected in (
    (
        "boxes of NaN and infinity",
        annotations({"bbox": [float("nan")] * 4}, {"bbox": [0, 0, float("inf"), 1]}),
        {"noted": "four numbers"},
    ),
    ("boxes of negative size", annotations({"bbox": [3, 3, -1, -1]}), {"noted": "inside out"}),
    ("boxes of 10⁴⁰⁰ pixels", annotations({"bbox": [0, 0, 10**400, 1]}), {"noted": "four numbers"}),
    (
        "boxes of 10³⁰⁸ pixels",
        annotations({"bbox": [1e308, 0, 1e308, 1]}, {"bbox": [0, 0, 1.7e308, 1.7e308]}),
        {"noted": "four numbers", "used": 12},
    ),
    (
        "boxes of text, lists and nothing",
        annotations({"bbox": "1,2,3,4"}, {"bbox": [[1], 2, 3, 4]}, {"bbox": None}, {"bbox": {"x": 1}}),
        {"noted": "four numbers"},
    ),
    (
        "areas of anything",
        annotations(
            *({"bbox": [1, 1, 2, 2], "area": area} for area in ("big", None, [1], 10**400, float("nan"), -5, True))
        ),
        {"used": 12},
    ),
    (
        "crowds of anything",
        annotations(*({"bbox": [1, 1, 2, 2], "iscrowd": crowd} for crowd in ("no", None, [0], 10**400))),
        {"used": 12},
    ),
    ("ids of images twice", setting("images", "id", 5, 5), {"says": "same id"}),
    ("names of images twice", setting("images", "file_name", "0.png", "0.png"), {"says": "twice"}),
    ("ids that are lists", setting("images", "id", [1]), {"says": "id"}),
    ("ids that are nothing", setting("categories", "id", None), {"says": "id"}),
    ("ids of numbers and texts", setting("categories", "id", "one", 1), {"noted": "no category 0"}),
    ("ids that are mappings", setting("categories", "id", {}), {"says": "id"}),
    ("annotations of a list of images", annotations({"image_id": [0], "bbox": [1, 1, 2, 2]}), {"noted": "no image"}),
    (
        "annotations of a mapping of categories",
        annotations({"category_id": {}, "bbox": [1, 1, 2, 2]}),
        {"noted": "no category"},
    ),
    (
        "file names of anything",
        setting("images", "file_name", None, 7, ["x"]),
        {"listed": {"None": "no such file", "7": "no such file", "['x']": "no such file"}},
    ),
    (
        "sizes of infinity and nothing",
        setting("images", "height", float("inf"), None, "8", 0, -8, float("nan"), 10**400),
        {"used": None},
    ),
    ("category names of anything", setting("categories", "name", {"x": ["y"]}, None), {"used": 12}),
    ("category names with controls", setting("categories", "name", "\x1b[2Ja", "\u202eb"), {"used": 12}),
    ("halves of characters in a category", setting("categories", "name", "\ud800"), {"says": "text"}),
    ("lists of no mappings", coco(lambda good: {**good, "annotations": [1, "x", None]}), {"says": "annotations[0]"}),
    ("no lists", coco(lambda good: {**good, "images": {}}), {"says": "wanted"}),
    (
        "keys twice",
        coco(lambda good: json.dumps(good).replace('"bbox"', '"image_id": 1, "bbox"', 1)),
        {"says": "twice"},
    ),
    ("nesting 100,000 deep", coco(lambda good: '{"images": ' + "[" * 100_000), {"says": "valid JSON"}),
    (
        "10,000 categories of one name",
        coco(lambda good: good["categories"].extend({"id": 9 + n, "name": "a"} for n in range(10_000))),
        {"used": 12},
    ),
):
    case(f"COCO: {_name}", task="detection", **_expected)(_make)

case("COCO: 20,001 boxes on an image", LARGE, task="detection", listed={"0.png": "20001"})(
    annotations(*[{"bbox": [1, 1, 2, 2]}] * 20_000)
)
case("COCO: a million boxes on an image", LARGE, task="detection", listed={"0.png": "1000001"})(
    annotations(*[{"bbox": [1, 1, 2, 2]}] * 1_000_000)
)


@case("COCO: 20,000 images, one of them twice", task="detection", says="twice")
def twice_late(root: Path) -> dict[str, Any]:
    names = [f"{number}.png" for number in range(20_000)]
    images = [{"id": number, "file_name": name} for number, name in enumerate([*names, names[-1]])]
    pictures(root, 1)
    content = {"images": images, "annotations": [], "categories": [{"id": 1, "name": "a"}]}
    (root / "a.json").write_text(json.dumps(content))
    return {"source": str(root / "a.json"), "max_bad": 0.9}


# ---- boxes in manifests


def boxes(*values: Any) -> Maker:
    def make(root: Path) -> dict[str, Any]:
        good = [
            {"image": name, "objects": [{"box": [1, 1, 4, 4], "label": "ab"[number % 2]}]}
            for number, name in enumerate(pictures(root))
        ]
        more = [{"image": f"{number % 12}.png", "objects": value} for number, value in enumerate(values)]
        (root / "a.jsonl").write_text("\n".join(map(json.dumps, [*good, *more])))
        return {"source": str(root / "a.jsonl"), "max_bad": 0.6}

    return make


case("objects of anything", task="detection", listed={f"line {13 + n}": "box" for n in range(7)})(
    boxes(7, "no JSON", {"a": 1}, [7], [[1, 2, 3, 4]], "[" * 100_000, [{"box": "x"}])
)
case("boxes in manifests of anything", task="detection", listed={f"line {13 + n}": "" for n in range(8)})(
    boxes(
        [{"box": [1, 2, 3], "label": "a"}],
        [{"box": [10**400, 1, 2, 3], "label": "a"}],
        [{"bbox": [10**400, 1, 0.5, 3], "label": "a"}],
        [{"box": [float("nan")] * 4, "label": "a"}],
        [{"box": [0, 0, 1, 1], "label": ["a"]}],
        [{"box": [0, 0, 1, 1], "label": "a", "area": 10**400}],
        {"objects": 7},
        {"objects": [{"box": [0, 0, 1, 1], "label": "a"}], "size": ["x"]},
    )
)
