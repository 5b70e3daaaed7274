"""Masks follow their image pixel by pixel, and say what is wrong with them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from danlu.data.augment.geometry import Geometry, mirror, shift, turn
from danlu.data.batches.batch import Padded
from danlu.data.kinds.base import BadValue, MissingValue, prepare_row
from danlu.data.kinds.image import Image
from danlu.data.kinds.mask import IGNORED, Mask

KIND = Mask(("background", "cat", "dog"))
UPRIGHT = (
    Pillow.Transpose.TRANSPOSE,
    Pillow.Transpose.ROTATE_270,
    Pillow.Transpose.TRANSVERSE,
    Pillow.Transpose.ROTATE_90,
)


def file_of(pixels: np.ndarray, mode: str | None = None, form: str = "PNG", **more: Any) -> bytes:
    image = Pillow.fromarray(pixels)
    if mode == "P":
        image.putpalette([*range(256)] * 3)
    elif mode:
        image = image.convert(mode)
    file = io.BytesIO()
    image.save(file, form, **more)
    return file.getvalue()


def labels(height: int, width: int, seed: int = 0, classes: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, classes, (height, width), dtype=np.uint8)


@pytest.mark.parametrize(
    "image",
    [Image(64, 64, 1, "stretch"), Image(64, 64, 1, "crop"), Image(64, 64, 1, "pad"), Image(40, 90, 1, "pad"),
     Image(None, None, 1, longest=70), Image(None, None, 1)],
)  # fmt: skip
@pytest.mark.parametrize("size", [(120, 160), (37, 51)])
def test_a_mask_lies_where_its_object_does(image: Image, size: tuple[int, int]) -> None:
    height, width = size
    mask = np.zeros(size, np.uint8)
    mask[height // 3 : height * 2 // 3, width // 4 : width * 3 // 4] = 1
    row = prepare_row({"image": image, "mask": KIND}, {"image": mask * 255, "mask": mask})
    value, bright = row["mask"].value, row["image"].value[:, :, 0]
    assert value.shape == bright.shape
    known = value != IGNORED
    assert set(np.unique(value[known])) <= {0, 1}
    far = (bright < 5) | (bright > 250)  # edges are smoothed in the image, never in the mask
    assert ((value == 1) == (bright > 127))[known & far].all()
    assert (known & far).sum() > 0.5 * value.size * (0.4 if image.resize == "pad" else 0.9)
    if image.resize != "pad":
        assert known.all()


def test_what_pad_adds_is_ignored() -> None:
    row = prepare_row(
        {"image": Image(40, 40, 1, "pad"), "mask": KIND}, {"image": labels(20, 40), "mask": labels(20, 40)}
    )
    value = row["mask"].value
    assert (value[:10] == IGNORED).all()
    assert (value[30:] == IGNORED).all()
    assert np.array_equal(value[10:30], labels(20, 40))


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_a_mask_of_the_file_is_turned_with_its_photo(orientation: int) -> None:
    mask = labels(6, 9)
    tags = Pillow.Exif()
    tags[0x0112] = orientation
    photo = file_of(mask * 100, exif=tags.tobytes())
    row = prepare_row({"image": Image(None, None, 1), "mask": KIND}, {"image": photo, "mask": file_of(mask)})
    upright = np.asarray(Pillow.fromarray(mask).transpose(UPRIGHT[orientation - 5]))
    assert np.array_equal(row["mask"].value, upright)
    assert np.array_equal(row["image"].value[:, :, 0], upright * 100)
    assert len(row["mask"].notes) == 1


@pytest.mark.parametrize("mode", [None, "P", "RGB", "LA", "I;16"])
def test_files_of_every_mode_hold_the_same_numbers(mode: str | None) -> None:
    pixels = labels(5, 7)
    pixels[0, 0] = 255
    found = KIND.prepare(file_of(pixels, mode)).value
    assert np.array_equal(found, pixels)
    assert np.array_equal(KIND.prepare(pixels.astype(np.int64)).value, pixels)
    packed = Mask(KIND.classes, stored="encoded")
    assert np.array_equal(packed.decode(packed.prepare(pixels).value.tobytes()), pixels)


def test_colours_become_classes() -> None:
    kind = Mask.fit([], {"classes": {"road": "#804080", "sky": [70, 130, 180]}, "ignore": ["#000000"]})
    colours = np.asarray([[[128, 64, 128], [70, 130, 180]], [[0, 0, 0], [128, 64, 128]]], np.uint8)
    assert kind.prepare(colours).value.tolist() == [[0, 1], [IGNORED, 0]]
    assert Mask(**kind.spec()) == kind
    found = Mask.fit([colours], {})
    assert found.classes == ("#000000", "#4682b4", "#804080")


def test_classes_are_found_where_nothing_names_them() -> None:
    assert Mask.fit([np.asarray([[3, 0, 255]]), np.asarray([[7, 0, 3]])], {}).classes == ("0", "3", "7")
    binary = Mask.fit([np.asarray([[0, 255]], np.uint8)], {})  # 255 is the object where there is nothing else
    assert binary.prepare(np.asarray([[255, 0]], np.uint8)).value.tolist() == [[1, 0]]
    assert Mask.fit([labels(2, 2)], {"classes": ["a", "b", "c"]}).classes == ("a", "b", "c")
    outlined = {"objects": [{"label": "dog", "segmentation": [[0, 0, 2, 0, 2, 2]]}], "size": (4, 4)}
    assert Mask.fit([outlined], {}).classes == ("background", "dog")


def test_smaller_objects_lie_above_larger_ones() -> None:
    square = [[0, 0, 8, 0, 8, 8, 0, 8]]
    inner = [[2, 2, 5, 2, 5, 5, 2, 5]]
    objects = [{"label": "cat", "segmentation": inner}, {"label": "dog", "segmentation": square}]
    value = KIND.prepare({"objects": objects, "size": (10, 10)}).value
    assert value[3, 3] == 1
    assert value[7, 7] == 2
    assert value[9, 9] == 0
    assert (value == 1).sum() == 9


BROKEN: dict[str, Any] = {
    "missing": None,
    "a number": 7,
    "no file": Path("/nowhere/mask.png"),
    "a folder": Path("/tmp"),
    "an empty file": b"",
    "text": b"<html>not found</html>",
    "a truncated file": file_of(labels(40, 40))[:60],
    "another size": labels(9, 10),
    "an unknown value": np.full((8, 12), 9),
    "many unknown values": (np.arange(96) + 30).reshape(8, 12),
    "a JPEG": file_of(labels(8, 12) * 100, form="JPEG"),
    "colours where numbers are meant": np.random.default_rng(0).integers(0, 255, (8, 12, 3), dtype=np.uint8),
    "fractions": np.full((8, 12), 0.5),
    "NaN": np.full((8, 12), np.nan),
    "negative": np.full((8, 12), -1),
    "one dimension": np.zeros(96, np.int64),
    "four dimensions": np.zeros((1, 8, 12, 4), np.uint8),
    "nothing": np.zeros((0, 0), np.uint8),
    "texts": np.full((8, 12), "cat"),
    "objects that are none": {"objects": 5, "size": (8, 12)},
    "an object that is none": {"objects": ["cat"], "size": (8, 12)},
    "an unknown label": {"objects": [{"label": "cow", "segmentation": [[0, 0, 4, 0, 4, 4]]}], "size": (8, 12)},
    "no shape": {"objects": [{"label": "cat"}], "size": (8, 12)},
    "no polygons": {"objects": [{"label": "cat", "segmentation": []}], "size": (8, 12)},
    "two points": {"objects": [{"label": "cat", "segmentation": [[0, 0, 4, 4]]}], "size": (8, 12)},
    "half a point": {"objects": [{"label": "cat", "segmentation": [[0, 0, 4, 4, 3, 3, 1]]}], "size": (8, 12)},
    "a polygon of text": {"objects": [{"label": "cat", "segmentation": [["0", "0", "4", "0", "4", "4"]]}], "size": (8, 12)},
    "a polygon to infinity": {"objects": [{"label": "cat", "segmentation": [[0, 0, 1e300, 0, 4, 4]]}], "size": (8, 12)},
    "damaged run lengths": {"objects": [{"label": "cat", "segmentation": {"size": [8, 12], "counts": "é~"}}], "size": (8, 12)},
    "short run lengths": {"objects": [{"label": "cat", "segmentation": {"size": [8, 12], "counts": [4, 4]}}], "size": (8, 12)},
    "run lengths of another size": {"objects": [{"label": "cat", "segmentation": {"size": [2, 2], "counts": [4]}}], "size": (8, 12)},
    "outlines of another image": {"objects": [], "size": (20, 20)},
    "a size that is none": {"objects": [], "size": "8×12"},
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_mask_is_refused_in_one_line(name: str) -> None:
    assert len(BROKEN) > 25
    kinds = {"image": Image(None, None, 1), "mask": KIND}
    with pytest.raises(MissingValue if name == "missing" else BadValue) as refused:
        prepare_row(kinds, {"image": labels(8, 12), "mask": BROKEN[name]})
    assert refused.value.column == "mask"
    said = str(refused.value)
    assert said
    assert "\n" not in said
    assert len(said) < 200


def test_reasons_of_different_defects_differ() -> None:
    said = {}
    for name, raw in BROKEN.items():
        with pytest.raises(BadValue) as refused:
            prepare_row({"image": Image(None, None, 1), "mask": KIND}, {"image": labels(8, 12), "mask": raw})
        said[name] = str(refused.value)
    assert len(set(said.values())) >= 20


def test_masks_move_with_their_image() -> None:
    mask = np.stack([labels(12, 12, seed) for seed in range(4)])
    value, image = KIND.collate(list(mask)), torch.from_numpy(mask)[:, None] * 80
    yes, no = np.ones(4, bool), np.zeros(4, bool)
    for inverse in (mirror(yes, no), mirror(no, yes), turn(np.full(4, 90.0))):
        geometry = Geometry(inverse, (12, 12))
        moved = KIND.warp(value, geometry)
        seen = Image(12, 12, 1).warp(image, geometry)
        assert torch.equal(moved * 80, seen[:, 0])  # type: ignore[operator,index]
    away = KIND.warp(value, Geometry(shift(np.full(4, 3.0), np.zeros(4)), (12, 12)))
    assert (away[:, :, :3] == IGNORED).all()  # type: ignore[index]
    assert torch.equal(away[:, :, 3:], value[:, :, :-3])  # type: ignore[index]
    turned = KIND.warp(value, Geometry(turn(np.full(4, 30.0)), (12, 12)))
    assert set(torch.unique(turned).tolist()) <= {0, 1, 2, IGNORED}  # type: ignore[arg-type]


def test_masks_of_many_sizes_are_padded_by_what_is_ignored() -> None:
    masks = [labels(4, 7, 1), labels(6, 5, 2)]
    value = KIND.collate(masks)
    assert isinstance(value, Padded)
    assert (value.values[0, 4:] == IGNORED).all()
    assert all(np.array_equal(one, other) for one, other in zip(KIND.uncollate(value), masks, strict=True))
    geometry = Geometry(mirror(np.ones(2, bool), np.zeros(2, bool)), value.sizes)
    moved = KIND.warp(value, geometry)
    assert all(np.array_equal(one, other[:, ::-1]) for one, other in zip(KIND.uncollate(moved), masks, strict=True))
    assert (moved.values[0, 4:] == IGNORED).all()  # type: ignore[union-attr]


def test_it_is_described_and_drawn() -> None:
    masks = [np.asarray([[0, 1], [1, 255]], np.uint8), np.zeros((2, 2), np.uint8)]
    told = KIND.describe(masks)
    assert told["classes"] == pytest.approx({"background": 5 / 7, "cat": 2 / 7, "dog": 0.0})
    assert told["in"] == {"background": 1.0, "cat": 0.5, "dog": 0.0}
    assert told["ignored"] == pytest.approx(1 / 8)
    assert KIND.statistics([masks]) == {"counts": [5, 2, 0]}
    canvas = np.full((2, 2, 3), 90, np.uint8)
    shown = KIND.draw(masks[0], canvas)
    assert (shown[0, 0] == 90).all()  # the background is left as it is
    assert not (shown[0, 1] == 90).all()
    assert (shown[1, 1] == (90 + 255) // 2).all()


def disc(height: int = 60, width: int = 80) -> np.ndarray:
    """bool: a disc, as an annotator paints one."""
    rows, columns = np.mgrid[:height, :width]
    return np.asarray((rows - height / 2) ** 2 + (columns - width / 2) ** 2 < (height / 3) ** 2)


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("quality", [50, 75, 95])
def test_a_jpeg_of_black_and_white_is_two_classes(mode: str, quality: int) -> None:
    """Kvasir-SEG's masks and others are such JPEGs: hundreds of values, of which two are meant."""
    plain = disc()
    file = file_of(plain.astype(np.uint8) * 255, mode, "JPEG", quality=quality)
    assert len(np.unique(np.asarray(Pillow.open(io.BytesIO(file)).convert("L")))) > 10
    empty = file_of(np.zeros((60, 80), np.uint8), mode, "JPEG")
    for options in ({}, {"classes": ["ground", "disc"]}, {"classes": {"ground": 0, "disc": 255}}):
        kind = Mask.fit([file, empty], options)
        assert len(kind.classes) == 2
        made = kind.prepare(file)
        assert (made.value == plain).all() or (made.value != plain).mean() < 0.01
        assert "black and white" in made.notes[0]
        assert not kind.prepare(empty).value.any()


def test_a_jpeg_of_more_makes_no_classes() -> None:
    """Its blurred values were classes of their own, and a net was trained on them."""
    values = disc().astype(np.uint8) * 100
    values[:20] = 200
    jpeg, png = file_of(values, form="JPEG"), file_of(values)
    assert Mask.fit([jpeg], {}).classes == ()
    kind = Mask.fit([jpeg, png], {})
    assert kind.classes == ("0", "100", "200")
    with pytest.raises(BadValue, match="JPEG blurs"):
        kind.prepare(jpeg)


def test_of_two_named_classes_the_second_may_be_255() -> None:
    file = file_of(disc().astype(np.uint8) * 255)
    assert (Mask.fit([file], {"classes": ["ground", "disc"]}).prepare(file).value == disc()).all()
    kind = Mask.fit([file, file_of(disc().astype(np.uint8))], {"classes": ["ground", "disc"]})
    assert (kind.prepare(file).value[disc()] == IGNORED).all()  # with 0, 1 and 255 it is ignored
