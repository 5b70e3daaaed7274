"""Boxes follow their image through resizing, cropping, padding and EXIF rotation."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from danlu.data.augment.geometry import Geometry, mirror
from danlu.data.batches.batch import Ragged
from danlu.data.kinds.base import BadValue, Framing, MissingValue, prepare_row
from danlu.data.kinds.boxes import Boxes
from danlu.data.kinds.image import Image

KIND = Boxes(("cat", "dog"))
UPRIGHT = (Pillow.Transpose.FLIP_LEFT_RIGHT, Pillow.Transpose.ROTATE_180, Pillow.Transpose.FLIP_TOP_BOTTOM)


def box(*edges: float, label: str = "cat", **more: Any) -> dict[str, Any]:
    return {"box": list(edges), "label": label, **more}


def scene(height: int, width: int, place: tuple[int, int, int, int], orientation: int = 1) -> bytes:
    """A PNG, white in ``place`` of the file's own pixels, black elsewhere."""
    pixels = np.zeros((height, width), np.uint8)
    x1, y1, x2, y2 = place
    pixels[y1:y2, x1:x2] = 255
    tags = Pillow.Exif()
    tags[0x0112] = orientation
    buffer = io.BytesIO()
    Pillow.fromarray(pixels).save(buffer, "PNG", exif=tags.tobytes())
    return buffer.getvalue()


def lit(value: np.ndarray) -> np.ndarray:
    """x1, y1, x2, y2 of the bright pixels of (H, W, 1)."""
    rows, columns = np.nonzero(value[:, :, 0] > 127)
    return np.asarray([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], np.float64)


@pytest.mark.parametrize(
    "kind",
    [
        Image(64, 64, 1, "stretch"),
        Image(64, 64, 1, "crop"),
        Image(64, 64, 1, "pad"),
        Image(40, 90, 1, "crop"),
        Image(40, 90, 1, "pad"),
        Image(None, None, 1, longest=70),
        Image(None, None, 1),
        Image(64, 64, 1, "pad", stored="encoded"),
    ],
)
@pytest.mark.parametrize("size", [(120, 160), (160, 120), (37, 51)])
def test_a_box_stays_on_its_object(kind: Image, size: tuple[int, int]) -> None:
    height, width = size
    place = (width // 4, height // 3, width * 3 // 4, height * 2 // 3)
    raws = {"boxes": [box(*place, label="dog", iscrowd=True)], "image": scene(height, width, place)}
    made = prepare_row({"boxes": KIND, "image": kind}, raws)
    image = made["image"].value
    if kind.stored == "encoded":
        image = kind.decode(image.tobytes())
    row = made["boxes"].value[0]
    assert made["boxes"].value.dtype == np.float32
    assert np.abs(row[:4] - lit(image)).max() <= 1.0
    assert row[4:6].tolist() == [1.0, 1.0]
    assert row[6] == pytest.approx((row[2] - row[0]) * (row[3] - row[1]), rel=1e-5)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("annotated", ["upright", "file"])
def test_exif_rotation(orientation: int, annotated: str) -> None:
    """Annotations of the upright image, and where the sizes tell, of the file's own pixels."""
    place = (10, 5, 40, 15)
    data = scene(60, 100, place, orientation)
    kind = Image(None, None, 1)
    upright = kind.prepare(data)
    where = lit(upright.value)
    if annotated == "upright":
        raw = {"objects": [box(*where)], "size": upright.value.shape[:2]}
    elif orientation >= 5:
        raw = {"objects": [box(*place)], "size": (60, 100)}
    else:
        return
    made = prepare_row({"image": kind, "boxes": KIND}, {"image": data, "boxes": raw})["boxes"]
    assert made.value[0, :4].tolist() == where.tolist()
    assert bool(made.notes) == (annotated == "file")


def test_annotations_of_another_size_are_scaled_if_the_aspect_fits() -> None:
    framing = Framing((60, 100), (60, 100))
    made = KIND.prepare({"objects": [box(20, 10, 60, 40, area=300)], "size": (120, 200)}, framing)
    assert made.value[0].tolist() == [10, 5, 30, 20, 0, 0, 75]
    assert len(made.notes) == 1
    with pytest.raises(BadValue, match="300×60"):
        KIND.prepare({"objects": [], "size": (60, 300)}, framing)


def test_clipping_and_leaving_out() -> None:
    framing = Framing((50, 100), (50, 100))
    raws = [
        box(-10, 0, 10, 50),  # half outside
        box(99.5, 10, 100.4, 20),  # over the edge by less than a pixel
        box(200, 10, 220, 20),  # outside
        box(5, 5, 5, 9),  # no area
        box(30, 40, 20, 10),  # corners swapped
    ]
    made = KIND.prepare(raws, framing)
    assert made.value[:, :4].tolist() == [[0, 0, 10, 50], [99.5, 10, 100, 20], [20, 10, 30, 40]]
    assert len(made.notes) == 4
    assert KIND.prepare([box(-0.5, 0, 10, 50)], framing).notes == ()


def test_area_follows_the_scale_and_what_the_crop_leaves() -> None:
    framing = Framing((100, 200), (50, 50), (0.5, 0.5), (-25.0, 0.0))  # the middle 100 × 100 at half size
    made = KIND.prepare([box(40, 0, 60, 100, area=800), box(0, 0, 30, 30), box(190, 5, 200, 15)], framing)
    assert made.value.tolist() == [[0, 0, 5, 50, 0, 0, 100]]  # of 800·¼ = 200, half is left
    assert len(made.notes) == 1


def test_no_boxes_is_a_value_and_none_is_missing() -> None:
    assert KIND.prepare([]).value.shape == (0, 7)
    with pytest.raises(MissingValue):
        KIND.prepare(None)


@pytest.mark.parametrize(
    "raw",
    [
        [{"label": "cat"}],
        [box(1, 2, 3)],
        [box(1, 2, 3, float("nan"))],
        [box(1, 2, 3, 4, label="cow")],
        5,
        "x",
        ["cat"],
        [box("a", 1, 2, 3)],
    ],
)
def test_what_is_no_box(raw: Any) -> None:
    with pytest.raises(BadValue):
        KIND.prepare(raw)


def test_fit_finds_labels() -> None:
    raws = [
        [box(0, 0, 1, 1, label="b")],
        {"objects": [box(0, 0, 1, 1, label="a10")]},
        None,
        [box(0, 0, 1, 1, label="a9")],
    ]
    assert Boxes.fit(raws, {}).classes == ("a9", "a10", "b")
    assert Boxes.fit([], {"classes": ("x",)}).classes == ("x",)
    assert Boxes(**KIND.spec()) == KIND


def test_batches_come_back() -> None:
    values = [np.ones((2, 7), np.float32), np.zeros((0, 7), np.float32), np.full((3, 7), 2, np.float32)]
    batch = KIND.collate(values)
    assert isinstance(batch, Ragged)
    assert batch.offsets.tolist() == [0, 2, 2, 5]
    for back, value in zip(KIND.uncollate(batch), values, strict=True):
        assert np.array_equal(back, value)
    assert [len(value) for value in KIND.uncollate(KIND.collate([]))] in ([], [0])
    with pytest.raises(TypeError):
        KIND.mix(batch, batch, torch.ones(3))


def test_a_mirrored_image_and_its_boxes_agree() -> None:
    image, place = Image(20, 30, 1), (3, 4, 11, 9)
    made = prepare_row({"image": image, "boxes": KIND}, {"image": scene(20, 30, place), "boxes": [box(*place)]})
    geometry = Geometry(mirror(np.asarray([True]), np.asarray([False])), (20, 30))
    pixels = image.uncollate(image.warp(image.collate(made["image"].value[None]), geometry))[0]
    boxes = KIND.uncollate(KIND.warp(KIND.collate([made["boxes"].value]), geometry))[0]
    assert boxes[0, :4].tolist() == lit(pixels).tolist() == [19, 4, 27, 9]


def test_drawing_leaves_the_canvas_alone() -> None:
    canvas = np.zeros((40, 60, 3), np.uint8)
    shown = KIND.draw(np.asarray([[5, 6, 30, 35, 1, 0, 725]], np.float32), canvas)
    assert canvas.max() == 0
    assert shown.shape == canvas.shape
    assert (shown[6, 5:30] != 0).any(axis=1).all()
    assert (shown[34, 5:30] != 0).any(axis=1).all()
    assert shown[25, 15].tolist() == [0, 0, 0]
    assert KIND.draw(np.zeros((0, 7), np.float32)).shape[2] == 3


def test_description_counts() -> None:
    rows = np.asarray([[0, 0, 4, 4, 0, 0, 16], [0, 0, 2, 2, 1, 1, 4]], np.float32)
    found = KIND.describe([rows, rows[:0]])
    assert found["classes"] == {"cat": 1, "dog": 1}
    assert (found["boxes"], found["crowds"], found["images_without"]) == (2, 1, 1)
    assert found["per_image"] == {"min": 0, "mean": 1.0, "max": 2}
    assert found["side"][1] == pytest.approx(3.0)
