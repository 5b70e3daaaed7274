"""Outputs → boxes, in numpy: scores, distances to corners, suppression. What a service without torch runs too."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from danlu.tasks.detection.locations import STRIDES, grid

CANDIDATES = 1000  # best-scored (location, class) pairs of an image that are looked at


def detections(
    outputs: Mapping[str, np.ndarray],
    padded_size: tuple[int, int],
    sizes: np.ndarray,
    min_score: float,
    overlap: float,
    most: int,
) -> list[np.ndarray]:
    """One float32 (n, 6) for each image: x1, y1, x2, y2, score, class; best first, at most ``most``.

    outputs: as of :class:`danlu.tasks.detection.net.Fcos`. padded_size: (H, W) of the batch. sizes: int64 (B, 2), real (height, width).
    """
    points, levels = grid(*padded_size)
    stride = np.asarray(STRIDES, np.float32)[levels]
    centre = _sigmoid(outputs["centre"])
    scores = np.sqrt(_sigmoid(outputs["class"]) * centre[..., None])  # (B, L, K)
    found = []
    for index in range(len(scores)):
        height, width = sizes[index]
        on_image = np.all(points < np.asarray([width, height]), axis=1)  # locations on the padding were taught nothing
        place, kind = np.nonzero((scores[index] > min_score) & on_image[:, None])
        score = scores[index][place, kind]
        best = np.argsort(-score, kind="stable")[:CANDIDATES]
        place, kind, score = place[best], kind[best], score[best]
        distance = outputs["box"][index][place] * stride[place, None]
        corners = np.concatenate([points[place] - distance[:, :2], points[place] + distance[:, 2:]], axis=1)
        corners = corners.clip(0, np.asarray([width, height, width, height], np.float32))
        kept = suppress(corners, score, kind, overlap, most)
        found.append(np.column_stack([corners, score, kind])[kept].astype(np.float32))
    return found


def suppress(
    boxes: np.ndarray, scores: np.ndarray, kinds: np.ndarray, overlap: float, most: int | None = None
) -> np.ndarray:
    """Rows that greedy non-maximum suppression keeps, best score first, at most ``most`` of them.

    Boxes of different classes never suppress each other.
    """
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    alive = area > 0
    for row in order:
        if not alive[row]:
            continue
        kept.append(int(row))
        if len(kept) == most:
            break
        size = np.minimum(boxes[row, 2:], boxes[:, 2:]) - np.maximum(boxes[row, :2], boxes[:, :2])
        shared = size.clip(min=0).prod(axis=1)
        alive &= ~((shared > overlap * (area[row] + area - shared)) & (kinds == kinds[row]))
    return np.asarray(kept, np.int64)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    result: np.ndarray = 1 / (1 + np.exp(-np.clip(x, -60, 60)))
    return result
