"""Boxes that torchvision's one-stage detectors start from, and what they say about them, in numpy: no torch.

A form says how a net's outputs are read; it is JSON-able and travels with an artifact. {"kind": "anchors"}: ``first`` is the stride of
the finest level, each further one doubles it; ``cells`` are each level's boxes; ``coder`` "distances" (to the sides, in sizes of the
anchor) or four weights of offsets; ``match`` who answers for which box. {"kind": "queries"} and {"kind": "found"}: see
:mod:`danlu.tasks.detection.reading`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

Form = Mapping[str, Any]
MOST = math.log(1000 / 16)  # log of how many times an anchor's side a box can be


def fcos_form() -> dict[str, Any]:
    """torchvision's FCOS: one location a cell, as a box of its stride."""
    cells = [[[-size / 2, -size / 2, size / 2, size / 2]] for size in (8, 16, 32, 64, 128)]
    return {"kind": "anchors", "first": 8, "multiple": 128, "cells": cells, "coder": "distances", "match": "centre"}


def retinanet_form() -> dict[str, Any]:
    """torchvision's RetinaNet: nine boxes a cell."""
    cells = []
    for base in (32, 64, 128, 256, 512):
        sizes = [base, int(base * 2 ** (1 / 3)), int(base * 2 ** (2 / 3))]
        level = []
        for ratio in (0.5, 1.0, 2.0):
            for size in sizes:
                w, h = (
                    np.round(np.float32(side) / 2).item() for side in (size / math.sqrt(ratio), size * math.sqrt(ratio))
                )
                level.append([-w, -h, w, h])
        cells.append(level)
    return {
        "kind": "anchors", "first": 8, "multiple": 128, "cells": cells, "coder": [1.0, 1.0, 1.0, 1.0], "match": "overlap"
    }  # fmt: skip


def ssdlite_form(side: int) -> dict[str, Any]:
    """torchvision's SSDLite on images that are continued to ``side`` × ``side``: six boxes a cell, their sizes in shares of it."""
    scales = [0.2 + 0.15 * level for level in range(6)] + [1.0]
    cells = []
    for small, large in pairwise(scales):
        pairs = [(small, small), (math.sqrt(small * large),) * 2]
        for ratio in (2, 3):
            wide, high = small * math.sqrt(ratio), small / math.sqrt(ratio)
            pairs += [(wide, high), (high, wide)]
        cells.append([[-min(w, 1) / 2, -min(h, 1) / 2, min(w, 1) / 2, min(h, 1) / 2] for w, h in pairs])
    return {
        "kind": "anchors", "first": 16, "multiple": 1, "side": side, "cells": cells, "coder": [10.0, 10.0, 5.0, 5.0],
        "match": "best",
    }  # fmt: skip


def continued(form: Form, size: int) -> int:
    """A height or width as the net sees it."""
    multiple: int = form["multiple"]
    rounded = (size + multiple - 1) // multiple * multiple
    return max(int(form["side"]), rounded) if "side" in form else rounded  # a graph can't always follow max


def anchors(form: Form, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """(corners float32 (L, 4) in pixels, level int64 (L,)) for a block of images of ``size`` = (height, width).

    Finest level first, row by row, a cell's boxes side by side.
    """
    height, width = (continued(form, each) for each in size)
    corners, levels = [], []
    for level, cell in enumerate(form["cells"]):
        stride = form["first"] * 2**level
        rows, columns = -(-height // stride), -(-width // stride)
        boxes = np.asarray(cell, np.float32)
        if "side" in form:  # sizes in shares, and cells that share the block evenly
            ys, xs = ((np.arange(n) + 0.5) / n * whole for n, whole in ((rows, height), (columns, width)))
            boxes = boxes * np.asarray([width, height, width, height], np.float32)
        else:
            ys, xs = np.arange(rows) * float(stride), np.arange(columns) * float(stride)
        middle = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 1, 2).astype(np.float32)
        corners.append((np.tile(middle, 2) + boxes).reshape(-1, 4).astype(np.float32))
        levels.append(np.full(len(corners[-1]), level))
    return np.concatenate(corners), np.concatenate(levels)


def decoded(form: Form, said: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Corners (n, 4) of what a net said (n, 4) about the boxes ``near`` (n, 4)."""
    size = near[:, 2:] - near[:, :2]
    middle = (near[:, :2] + near[:, 2:]) / 2
    if form["coder"] == "distances":
        return np.concatenate([middle - said[:, :2] * size, middle + said[:, 2:] * size], axis=1)
    weights = np.asarray(form["coder"], np.float32)
    middle = middle + said[:, :2] / weights[:2] * size
    half = np.exp(np.minimum(said[:, 2:] / weights[2:], MOST)) * size / 2
    return np.concatenate([middle - half, middle + half], axis=1)
