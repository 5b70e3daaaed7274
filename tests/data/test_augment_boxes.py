"""Boxes follow mosaic, copy-paste and scale exactly, and what is drawn is a function of sample, epoch and seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from danlu.data.augment.pipeline import apply, build
from danlu.data.augment.transforms.copy_paste import CopyPaste
from danlu.data.augment.transforms.mosaic import Mosaic
from danlu.data.batches.batch import Batch, Padded, Ragged
from danlu.data.kinds.base import Kind
from danlu.data.kinds.boxes import Boxes
from danlu.data.kinds.category import Category
from danlu.data.kinds.image import Image
from danlu.errors import RecipeError
from danlu.randomness import Position
from danlu.recipe.schema import Named

KINDS: dict[str, Kind] = {"image": Image(None, None, 3), "boxes": Boxes(("x",))}
SIZES = [(40, 60), (64, 48), (50, 50), (33, 64)]


def scene(row: int) -> tuple[np.ndarray, np.ndarray]:
    """An image of its own size with three objects, each filled with a colour that no other object of any row has."""
    draw = np.random.default_rng(row)
    height, width = SIZES[row % len(SIZES)]
    pixels, boxes = np.zeros((3, height, width), np.uint8), []
    for number in range(3):
        w, h = (int(v) for v in draw.integers(6, 14, 2))
        x, y = int(width * number / 3), int(draw.integers(0, height - h))
        w = min(w, width // 3 - 1)
        pixels[:, y : y + h, x : x + w] = np.asarray([row + 1, number + 1, 200])[:, None, None]
        boxes.append([x, y, x + w, y + h, number, 0, w * h])
    return pixels, np.asarray(boxes, np.float32)


def batch_of(rows: Any, partners: int) -> Batch:
    scenes = [scene(int(row)) for row in rows]
    sizes = torch.tensor([one.shape[1:] for one, _ in scenes])
    block = torch.zeros(len(scenes), 3, 64, 64, dtype=torch.uint8)
    for place, (pixels, _) in enumerate(scenes):
        block[place, :, : pixels.shape[1], : pixels.shape[2]] = torch.from_numpy(pixels)
    offsets = torch.arange(len(scenes) + 1) * 3
    values = torch.from_numpy(np.concatenate([boxes for _, boxes in scenes]))
    rows = np.asarray(rows)
    keys = rows.astype(np.uint64) * 7 + 3
    return Batch({"image": Padded(block, sizes), "boxes": Ragged(values, offsets)}, ("image",), rows, keys, partners)


def done(transform: Any, rows: np.ndarray, epoch: int = 0, seed: int = 1) -> Batch:
    at = Position(seed, epoch)
    keys = rows.astype(np.uint64) * 7 + 3
    partners = transform.choose(keys, at, np.arange(40))
    made: Batch = transform(batch_of(np.concatenate([rows, partners.reshape(-1)]), transform.partners), at, KINDS)
    return made


def colour_of(pixels: torch.Tensor, box: list[float]) -> tuple[int, ...]:
    x1, y1, x2, y2 = box[:4]
    return tuple(pixels[:, int((y1 + y2) / 2), int((x1 + x2) / 2)].tolist())


@pytest.mark.parametrize("transform", [Mosaic(1.0, smallest=1.0, visible=0.0), CopyPaste(1.0, most=3, covered=0.999)])
def test_pixels_of_an_object_are_those_inside_its_box(transform: Any) -> None:
    """Copied without scaling, every object that is seen has a box, which holds its pixels and no others of its colour."""
    rows = np.arange(24)
    made = done(transform, rows)
    image, boxes = made["image"], made["boxes"]
    assert isinstance(image, Padded)
    assert isinstance(boxes, Ragged)
    assert made.partners == 0
    assert image.sizes.tolist() == [list(SIZES[row % 4]) for row in rows]
    seen = several = 0
    for place in range(len(rows)):
        pixels = image.values[place]
        height, width = SIZES[place % 4]
        assert not pixels[:, height:].any()
        assert not pixels[:, :, width:].any()
        mine = boxes.values[boxes.offsets[place] : boxes.offsets[place + 1]]
        covered = torch.zeros(64, 64, dtype=torch.bool)
        for x1, y1, x2, y2, kind, _, area in mine.tolist():
            inside = pixels[:, int(y1) : int(y2), int(x1) : int(x2)]
            own = (inside[1] == kind + 1) & (inside[2] == 200)
            covered[int(y1) : int(y2), int(x1) : int(x2)] = True
            if isinstance(transform, Mosaic):
                assert bool(own.all())
                assert area == pytest.approx((x2 - x1) * (y2 - y1))
            assert bool(own.any())
            seen += 1
        several += len(set(map(tuple, pixels[0].unique().reshape(-1, 1).tolist()))) > 2
        if isinstance(transform, Mosaic):
            assert bool((pixels[2] == 200)[~covered].sum() == 0)
    assert seen > 50
    assert several > 10


def test_a_scaled_mosaic_keeps_objects_in_their_boxes() -> None:
    made = done(Mosaic(1.0, smallest=0.5), np.arange(24))
    image, boxes = made["image"], made["boxes"]
    assert isinstance(image, Padded)
    assert isinstance(boxes, Ragged)
    checked = 0
    owner = torch.repeat_interleave(torch.arange(24), boxes.offsets.diff())
    for place, box in zip(owner.tolist(), boxes.values.tolist(), strict=True):
        if min(box[2] - box[0], box[3] - box[1]) > 4:
            assert colour_of(image.values[place], box)[1:] == (box[4] + 1, 200)
            checked += 1
    assert checked > 30


@pytest.mark.parametrize("transform", [Mosaic(), CopyPaste()])
def test_a_sample_does_not_depend_on_its_batch(transform: Any) -> None:
    whole, alone = done(transform, np.arange(12), 3), done(transform, np.asarray([7]), 3)
    image, one = whole["image"], alone["image"]
    boxes, few = whole["boxes"], alone["boxes"]
    assert isinstance(image, Padded)
    assert isinstance(one, Padded)
    assert isinstance(boxes, Ragged)
    assert isinstance(few, Ragged)
    assert torch.equal(image.values[7], one.values[0])
    assert torch.equal(boxes.values[boxes.offsets[7] : boxes.offsets[8]], few.values)


@pytest.mark.parametrize("transform", [Mosaic(), CopyPaste()])
def test_epochs_and_seeds_differ_and_some_stay_as_they_are(transform: Any) -> None:
    rows = np.arange(40)
    first, again, later, other = (done(transform, rows, *at) for at in ((0, 1), (0, 1), (1, 1), (0, 2)))
    values = [made["image"].values for made in (first, again, later, other)]  # type: ignore[union-attr]
    assert torch.equal(values[0], values[1])
    plain = batch_of(rows, 0)["image"].values  # type: ignore[union-attr]
    same = (values[0] == plain).flatten(1).all(1)
    assert 0.2 < float(same.float().mean()) < 0.8
    assert not torch.equal(values[0], values[2])
    assert not torch.equal(values[0], values[3])


def test_what_is_covered_loses_its_box() -> None:
    made = [done(CopyPaste(1.0, most=20, covered=most), np.arange(30))["boxes"] for most in (0.01, 0.999)]
    counts = [len(one.values) for one in made]  # type: ignore[union-attr]
    assert counts[0] < counts[1]


def test_scale_moves_boxes_with_the_pixels() -> None:
    (stage,) = build([Named.model_validate({"name": "scale", "args": {"by": 2.0}})], KINDS)
    plain = batch_of(np.arange(24), 0)
    made = apply([stage], plain, Position(3), KINDS)
    image, boxes = made["image"], made["boxes"]
    assert isinstance(image, Padded)
    assert isinstance(boxes, Ragged)
    owner = torch.repeat_interleave(torch.arange(24), boxes.offsets.diff())
    sides = []
    for place, box in zip(owner.tolist(), boxes.values.tolist(), strict=True):
        if min(box[2] - box[0], box[3] - box[1]) > 4:
            assert colour_of(image.values[place], box)[1:] == (box[4] + 1, 200)
        sides.append(box[6])
    before = plain["boxes"].values[:, 6]  # type: ignore[union-attr]
    assert min(sides) < float(before.min()) * 0.6
    assert max(sides) > float(before.max()) * 1.5


def test_only_boxes_can_follow() -> None:
    kinds: dict[str, Kind] = {"image": Image(8, 8, 3), "label": Category(("a", "b"))}
    batch = Batch({"image": torch.zeros(4, 3, 8, 8), "label": torch.zeros(4, dtype=torch.int64)}, ("image",), np.arange(4),
                  np.arange(4).astype(np.uint64), 1)  # fmt: skip
    with pytest.raises(RecipeError, match="boxes"):
        CopyPaste()(batch, Position(0), kinds)
