"""Outputs of published detectors → boxes, in numpy, by the form of the net. What a service without torch runs too.

Forms: "anchors" (scores and offsets of fixed boxes, suppression here), "queries" (a set of boxes in shares of the block, of which the
best are taken: such nets are taught not to say a thing twice), "found" (rows that the net itself has suppressed).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from danlu.tasks.detection.anchors import Form, anchors, continued, decoded
from danlu.tasks.detection.decode import CANDIDATES, suppress


def read(
    form: Form,
    outputs: Mapping[str, np.ndarray],
    block: tuple[int, int],
    sizes: np.ndarray,
    min_score: float,
    overlap: float,
    most: int,
) -> list[np.ndarray]:
    """One float32 (n, 6) for each image: x1, y1, x2, y2, score, class; best first, at most ``most``.

    block: (H, W) of the padded images. sizes: int64 (B, 2), real (height, width).
    """
    if form["kind"] == "found":
        return [rows[rows[:, 4] > min_score][:most].astype(np.float32) for rows in outputs["found"]]
    near = anchors(form, block)[0] if form["kind"] == "anchors" else None
    scores = _scores(outputs)
    found = []
    for index, score in enumerate(scores):
        height, width = sizes[index]
        asked = score > min_score
        if near is not None:  # those on the padding were taught nothing
            asked &= np.all((near[:, :2] + near[:, 2:]) / 2 < np.asarray([width, height]), axis=1)[:, None]
        place, kind = np.nonzero(asked)
        value = score[place, kind]
        best = np.argsort(-value, kind="stable")[: CANDIDATES if near is not None else most]
        place, kind, value = place[best], kind[best], value[best]
        if near is not None:
            corners = decoded(form, outputs["box"][index][place], near[place])
        else:
            middle, half = np.split(
                outputs["relative"][index][place] * np.asarray([1, 1, 0.5, 0.5], np.float32), 2, axis=1
            )
            whole = np.asarray([continued(form, block[1]), continued(form, block[0])] * 2, np.float32)
            corners = np.concatenate([middle - half, middle + half], axis=1) * whole
        corners = corners.clip(0, np.asarray([width, height, width, height], np.float32))
        if near is not None:
            kept = suppress(corners, value, kind, overlap, most)
        else:
            kept = np.flatnonzero((corners[:, 2:] > corners[:, :2]).all(1))
        found.append(np.column_stack([corners, value, kind])[kept].astype(np.float32))
    return found


def _scores(outputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """(B, L, K): of a softmax where the background is a class too; else of sigmoids, with centre-ness where there is one."""
    logits = outputs["class"]
    if "background" in outputs:
        both = np.concatenate([outputs["background"], logits], axis=2)
        exponents = np.exp(both - both.max(axis=2, keepdims=True))
        return np.asarray((exponents / exponents.sum(axis=2, keepdims=True))[..., 1:])
    scores = _sigmoid(logits)
    return np.sqrt(scores * _sigmoid(outputs["centre"])[..., None]) if "centre" in outputs else scores


def _sigmoid(x: np.ndarray) -> np.ndarray:
    result: np.ndarray = 1 / (1 + np.exp(-np.clip(x, -60, 60)))
    return result
