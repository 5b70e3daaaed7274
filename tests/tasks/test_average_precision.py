"""Average precision is pycocotools' (as faster-coco-eval computes it), from a state that stays small."""

from __future__ import annotations

import logging
import math
import sys
from typing import Any

import numpy as np
import pytest
from faster_coco_eval import COCO, COCOeval_faster

from danlu.tasks.detection.matching import match
from danlu.tasks.detection.metrics import AveragePrecision, key_of

NAMES = (
    "ap",
    "ap50",
    "ap75",
    "ap-small",
    "ap-medium",
    "ap-large",
    "ar1",
    "ar10",
    "ar",
    "ar-small",
    "ar-medium",
    "ar-large",
)
ALWAYS = ("ap", "ap50", "ap75", "ar", "ar1", "ar10")
Images = list[tuple[np.ndarray, np.ndarray]]  # boxes (n, 6) and objects (m, 7) of each


def reference(images: Images, classes: int) -> dict[str, float]:
    """By faster-coco-eval."""
    numbered = list(enumerate(images, 1))
    objects: list[dict[str, Any]] = []
    for image, (_, truth) in numbered:
        for x1, y1, x2, y2, kind, crowd, area in truth.astype(np.float64).tolist():
            objects.append({"id": len(objects) + 1, "image_id": image, "category_id": int(kind) + 1, "area": area,
                            "bbox": [x1, y1, x2 - x1, y2 - y1], "iscrowd": int(crowd)})  # fmt: skip
    found = [
        {"image_id": image, "category_id": int(kind) + 1, "bbox": [x1, y1, x2 - x1, y2 - y1], "score": score}
        for image, (boxes, _) in numbered
        for x1, y1, x2, y2, score, kind in boxes.astype(np.float64).tolist()
    ]
    content = {
        "images": [{"id": image} for image, _ in numbered],
        "categories": [{"id": kind + 1, "name": str(kind)} for kind in range(classes)],
        "annotations": objects,
    }
    base = COCO(content, print_function=logging.getLogger("coco").debug)
    judge = COCOeval_faster(base, base.loadRes(found), iouType="bbox", print_function=logging.getLogger("coco").debug)
    judge.run()
    values = dict(zip(NAMES, map(float, judge.stats[:12]), strict=True))
    return {name: value for name, value in values.items() if value >= 0}


def drawn(
    draw: np.random.Generator, classes: int, coarse: bool, zoom: float = 1.0, boxes: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Objects, a fifth of them crowds, and boxes of which some lie near them. coarse: many scores and overlaps are equal."""
    count = int(draw.integers(0, 9))
    boxes = int(draw.integers(0, 40)) if boxes is None else boxes
    step = 8.0 if coarse else 1e-3
    corners = np.round(draw.uniform(0, 60, (count, 2)) / step) * step
    sides = np.round(draw.uniform(8, 40, (count, 2)) / step + 1) * step
    kinds, crowd = draw.integers(0, classes, count), draw.random(count) < 0.2
    truth = np.column_stack([corners, corners + sides, kinds, crowd, sides.prod(1)]).astype(np.float32)
    near = draw.integers(0, max(count, 1), boxes)
    low = np.round(draw.uniform(0, 60, (boxes, 2)) / step) * step
    high = low + np.round(draw.uniform(8, 40, (boxes, 2)) / step + 1) * step
    labels = draw.integers(0, classes, boxes)
    if count:
        close = draw.random(boxes) < 0.7
        shift = np.round(draw.normal(0, 2, (boxes, 4)) / step) * step
        low[close], high[close] = (truth[near, :2] + shift[:, :2])[close], (truth[near, 2:4] + shift[:, 2:])[close]
        high = np.maximum(high, low + step)
        labels[close] = truth[near[close], 4]
    scores = np.round(draw.random(boxes), 1 if coarse else 7)
    low, high, truth[:, :4], truth[:, 6] = low * zoom, high * zoom, truth[:, :4] * zoom, truth[:, 6] * zoom**2
    return np.column_stack([low, high, scores, labels]).astype(np.float32), truth


def judged(images: Images, classes: int) -> AveragePrecision:
    metric = AveragePrecision(classes)
    for boxes, truth in images:
        metric.update({"boxes": [boxes]}, {"boxes": [truth]})
    return metric


@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_it_is_pycocotools(seed: int, coarse: bool) -> None:
    draw = np.random.default_rng(seed)
    classes = int(draw.integers(1, 6))
    images = [drawn(draw, classes, coarse) for _ in range(40)]
    expected = reference(sorted(images, key=lambda image: key_of(*image)), classes)
    assert 0.05 < expected["ap50"] < 0.95
    metric = judged(images, classes)
    assert metric.compute() == pytest.approx(expected, abs=1e-12)
    whole = judged(images[:11], classes)
    whole.merge(judged(images[11:], classes))
    assert whole.compute() == metric.compute()


@pytest.mark.parametrize("seed", range(4))
def test_sizes_crowds_empty_images_and_a_hundred_and_twenty_boxes(seed: int) -> None:
    """Objects of 8 to 400 pixels, images without objects, without boxes, without either, and of 120 boxes of one class."""
    draw = np.random.default_rng(100 + seed)
    images = [drawn(draw, 2, bool(seed % 2), float(zoom)) for zoom in draw.choice([0.5, 1.0, 2.0, 4.0, 9.0], 60)]
    images += [drawn(draw, 1, False, 2.0, 120) for _ in range(3)]
    for place in range(0, 60, 7):
        boxes, truth = images[place]
        images[place] = (boxes, truth[:0]) if place % 2 else (boxes[:0], truth)
    images.append((np.zeros((0, 6), np.float32), np.zeros((0, 7), np.float32)))
    expected = reference(sorted(images, key=lambda image: key_of(*image)), 2)
    assert set(expected) == set(NAMES)
    metric = judged(images, 2)
    assert metric.compute() == pytest.approx(expected, abs=1e-12)
    alone = [reference([(b[b[:, 5] == k] * [1, 1, 1, 1, 1, 0], t[t[:, 4] == k] * [1, 1, 1, 1, 0, 1, 1])
                        for b, t in sorted(images, key=lambda image: key_of(*image))], 1) for k in range(2)]  # fmt: skip
    for name in ("ap", "ap50", "ar"):
        assert metric.per_class()[name] == pytest.approx([each[name] for each in alone], abs=1e-12)
    assert metric.per_class()["objects"].tolist() == [
        sum(int(((t[:, 4] == k) & (t[:, 5] == 0)).sum()) for _, t in images) for k in range(2)
    ]


def test_a_hundred_boxes_of_a_class_count_in_an_image() -> None:
    draw = np.random.default_rng(0)
    truth = np.asarray([[0, 0, 10, 10, 0, 0, 100], [30, 30, 50, 50, 1, 0, 400]], np.float32)
    boxes = np.concatenate([
        np.column_stack([np.full((150, 4), [60, 60, 70, 70]), draw.uniform(0.5, 1, 150), np.zeros(150)]),
        [[0, 0, 10, 10, 0.1, 0], [30, 30, 50, 49, 0.2, 1]],
    ]).astype(np.float32)  # fmt: skip
    images = [(boxes, truth)] * 3
    assert judged(images, 2).compute() == pytest.approx(reference(images, 2), abs=1e-12)
    order, hit, _ = match(boxes, truth)
    assert len(order) == 101
    assert [int(bits).bit_count() for bits in hit if bits] == [
        10
    ]  # the other class's, whose IoU of .95 is enough for all


def test_nothing_to_find_and_nothing_found() -> None:
    nothing, crowd = np.zeros((0, 7), np.float32), np.asarray([[0, 0, 10, 10, 0, 1, 100]], np.float32)
    box = np.asarray([[0, 0, 5, 5, 0.9, 0]], np.float32)
    for truth in (nothing, crowd):
        values = judged([(box, truth)], 1).compute()
        assert set(values) == set(ALWAYS)
        assert all(map(math.isnan, values.values()))
    single = crowd * np.asarray([1, 1, 1, 1, 1, 0, 1], np.float32)
    assert judged([(box[:0], single)], 1).compute() == dict.fromkeys([*ALWAYS, "ap-small", "ar-small"], 0.0)


def test_the_state_is_27_bytes_a_box() -> None:
    draw = np.random.default_rng(1)
    metric, boxes = AveragePrecision(3), 0
    for _ in range(600):
        found, truth = drawn(draw, 3, False)
        metric.update({"boxes": [found]}, {"boxes": [truth]})
        boxes += len(found)
    held = sum(sys.getsizeof(piece) for piece in (*metric._boxes, *metric._fresh))
    pieces = len(metric._boxes) + len(metric._fresh)
    assert held < 27 * boxes + 120 * pieces
    assert pieces < 260
