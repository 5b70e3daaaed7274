"""Faces in a picture, with five landmarks each: a pyramid of proposals, refined twice (Zhang et al. 2016)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from danlu.tasks.face_recognition.align.nets import load

SURE = (0.6, 0.7, 0.7)  # least probability after each net
_FACTOR = 0.709  # of sizes in the pyramid: half the area
_WINDOW, _STRIDE = 12, 2
_MOST = 2000  # proposals that are looked at again


class Detector:
    """smallest: pixels of a face, in the picture. weights: see :func:`danlu.tasks.face_recognition.align.nets.load`."""

    def __init__(self, smallest: int = 20, weights: Path | None = None) -> None:
        self.smallest = smallest
        self._proposal, self._refinement, self._output = load(weights)

    def __call__(self, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(boxes float32 (n, 5): x1, y1, x2, y2, probability; landmarks (n, 5, 2): eyes, nose, corners of the mouth), surest first.

        picture: RGB uint8 (H, W, 3). In its pixels; both eyes as the picture shows them, the left one first.
        """
        with torch.inference_mode():
            image = torch.from_numpy(np.array(picture)).permute(2, 0, 1).float()[None]
            boxes = self._proposals(image)
            boxes = self._refined(image, boxes)
            return self._landmarks(image, boxes)

    def _proposals(self, image: Tensor) -> np.ndarray:
        height, width = image.shape[2:]
        scale, found = _WINDOW / self.smallest, []
        while min(height, width) * scale >= _WINDOW:
            size = (int(height * scale + 1), int(width * scale + 1))
            sure, moves = self._proposal(_normal(F.interpolate(image, size=size, mode="area")))
            rows, columns = torch.nonzero(sure[0] >= SURE[0], as_tuple=True)
            corner = torch.stack([columns, rows], 1).float() * _STRIDE
            boxes = torch.cat([(corner + 1).div(scale).floor(), (corner + _WINDOW).div(scale).floor()], 1)
            rows_ = torch.cat([boxes, sure[0][rows, columns][:, None], moves[0][:, rows, columns].T], 1).numpy()
            found.append(rows_[suppressed(rows_[:, :5], 0.5)])
            scale *= _FACTOR
        rows_ = np.concatenate(found) if found else np.empty((0, 9), np.float32)
        rows_ = rows_[suppressed(rows_[:, :5], 0.7)][:_MOST]
        return squares(moved(rows_[:, :5], rows_[:, 5:]))

    def _refined(self, image: Tensor, boxes: np.ndarray) -> np.ndarray:
        if not len(boxes):
            return boxes
        sure, moves = self._refinement(cuts(image, boxes, 24))
        kept = np.flatnonzero(sure.numpy() > SURE[1])
        boxes = np.column_stack([boxes[kept, :4], sure.numpy()[kept]])
        chosen = suppressed(boxes, 0.7)
        return squares(moved(boxes[chosen], moves.numpy()[kept][chosen]))

    def _landmarks(self, image: Tensor, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if not len(boxes):
            return np.empty((0, 5), np.float32), np.empty((0, 5, 2), np.float32)
        sure, moves, points = (each.numpy() for each in self._output(cuts(image, boxes, 48)))
        kept = np.flatnonzero(sure > SURE[2])
        boxes = np.column_stack([boxes[kept, :4], sure[kept]])
        size = (boxes[:, 2:4] - boxes[:, :2] + 1)[:, None]
        places = np.stack([points[kept, :5], points[kept, 5:]], 2) * size + boxes[:, None, :2] - 1
        boxes = moved(boxes, moves[kept])
        chosen = suppressed(boxes, 0.7, least=True)
        return boxes[chosen].astype(np.float32), places[chosen].astype(np.float32)


def _normal(pixels: Tensor) -> Tensor:
    return (pixels - 127.5) / 128


def moved(boxes: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Corners moved by shares of width and height."""
    size = np.tile(boxes[:, 2:4] - boxes[:, :2] + 1, 2)
    return np.column_stack([boxes[:, :4] + moves * size, boxes[:, 4]])


def squares(boxes: np.ndarray) -> np.ndarray:
    """The same middle, both sides as long as the longer, in whole pixels."""
    size = boxes[:, 2:4] - boxes[:, :2]
    side = size.max(1, keepdims=True)
    corner = boxes[:, :2] + size / 2 - side / 2
    return np.column_stack([np.trunc(corner), np.trunc(corner + side), boxes[:, 4]])


def cuts(image: Tensor, boxes: np.ndarray, side: int) -> Tensor:
    """(n, 3, side, side): what the boxes cover, made one size by areas; outside the picture is left out."""
    height, width = image.shape[2:]
    found = []
    for x1, y1, x2, y2 in boxes[:, :4].astype(int).tolist():
        left, top, right, bottom = max(x1 - 1, 0), max(y1 - 1, 0), min(x2, width), min(y2, height)
        part = image[:, :, top:bottom, left:right]
        if 0 in part.shape:
            part = image.new_zeros(1, 3, 1, 1)
        found.append(F.interpolate(part, size=(side, side), mode="area"))
    return _normal(torch.cat(found))


def suppressed(boxes: np.ndarray, overlap: float, least: bool = False) -> np.ndarray:
    """int64: which boxes remain, the surest first. least: overlap is a share of the smaller box instead of the union."""
    area = (boxes[:, 2] - boxes[:, 0] + 1) * (boxes[:, 3] - boxes[:, 1] + 1)
    order, kept = np.argsort(-boxes[:, 4], kind="stable"), []
    while len(order):
        first, rest = order[0], order[1:]
        kept.append(first)
        low, high = np.maximum(boxes[first, :2], boxes[rest, :2]), np.minimum(boxes[first, 2:4], boxes[rest, 2:4])
        both = np.maximum(high - low + 1, 0).prod(1)
        whole = np.minimum(area[first], area[rest]) if least else area[first] + area[rest] - both
        order = rest[both / whole <= overlap]
    return np.asarray(kept, np.int64)
