"""Polygons and run lengths are those of COCO's own library."""

from __future__ import annotations

import numpy as np
import pytest

from danlu.data.images import outlines, rle

reference = pytest.importorskip("faster_coco_eval.core.mask")


def polygons(count: int) -> list[tuple[np.ndarray, int, int]]:
    random = np.random.default_rng(0)
    found = []
    for index in range(count):
        height, width = (int(side) for side in random.integers(5, 60, 2))
        points = random.uniform(-5, max(height, width) + 5, (int(random.integers(3, 9)), 2))
        found.append((np.round(points) if index % 3 == 0 else points, height, width))
    return found


def test_polygons_hold_the_same_pixels() -> None:
    for points, height, width in polygons(200):
        theirs = reference.decode(reference.frPyObjects([points.reshape(-1).tolist()], height, width)[0])
        assert np.array_equal(outlines.filled(points, height, width), theirs.astype(bool))


def test_run_lengths_are_packed_alike() -> None:
    for points, height, width in polygons(60):
        mask = outlines.filled(points, height, width)
        theirs = reference.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"]
        packed = rle.pack(rle.encode(mask))
        assert packed == (theirs.decode() if isinstance(theirs, bytes) else theirs)
        assert np.array_equal(rle.mask_of({"size": [height, width], "counts": packed}), mask)
        assert np.array_equal(rle.mask_of({"size": [height, width], "counts": rle.encode(mask)}), mask)


def test_an_outline_is_found_again_within_half_a_pixel() -> None:
    random = np.random.default_rng(1)
    for _ in range(50):
        x1, y1 = random.uniform(2, 20, 2)
        x2, y2 = x1 + random.uniform(5, 30), y1 + random.uniform(5, 30)
        mask = outlines.filled(np.asarray([[x1, y1], [x2, y1], [x2, y2], [x1, y2]]), 60, 60)
        rows, columns = np.nonzero(mask)
        found = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert np.abs(np.asarray(found) - (x1, y1, x2, y2)).max() <= 0.5 + 0.1  # an edge is walked in fifths of a pixel


def test_holes_and_parts_of_an_object_are_joined() -> None:
    parts = [[0, 0, 3, 0, 3, 3, 0, 3], [5, 5, 8, 5, 8, 8, 5, 8]]
    assert outlines.shape_of(parts, (10, 10), 1).sum() == 18
