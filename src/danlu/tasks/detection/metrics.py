"""COCO's average precision and recall, by faster-coco-eval, which gives pycocotools' numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from danlu.metrics.base import Columns, Metric


class AveragePrecision(Metric):
    """ "ap" (IoU .50:.95), "ap50", "ap75", "ar" (100 boxes an image) over all images; crowds count as COCO has them."""

    def __init__(self, classes: int) -> None:
        self.classes = classes
        self.truth: list[np.ndarray] = []
        self.found: list[np.ndarray] = []

    def update(self, predictions: Columns, targets: Columns) -> None:
        self.truth += [np.asarray(rows, np.float64).reshape(-1, 7) for rows in targets["boxes"]]
        self.found += [np.asarray(rows, np.float64).reshape(-1, 6) for rows in predictions["boxes"]]

    def merge(self, other: AveragePrecision) -> None:
        self.truth += other.truth
        self.found += other.found

    def compute(self) -> dict[str, float]:
        names = ("ap", "ap50", "ap75", "ar")
        if not any(len(rows) for rows in self.truth):
            return dict.fromkeys(names, math.nan)
        from faster_coco_eval import COCO, COCOeval_faster

        truth = COCO(self._annotations(), print_function=_quiet)
        found = truth.loadRes(self._results()) if any(len(rows) for rows in self.found) else None
        if found is None:
            return dict.fromkeys(names, 0.0)
        judge = COCOeval_faster(truth, found, iouType="bbox", print_function=_quiet)
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
        stats = judge.stats
        return {"ap": float(stats[0]), "ap50": float(stats[1]), "ap75": float(stats[2]), "ar": float(stats[8])}

    def _annotations(self) -> dict[str, Any]:
        boxes = [(image, row) for image, rows in enumerate(self.truth, 1) for row in rows]
        return {
            "images": [{"id": image} for image in range(1, len(self.truth) + 1)],
            "categories": [{"id": kind + 1, "name": str(kind)} for kind in range(self.classes)],
            "annotations": [
                {
                    "id": number,
                    "image_id": image,
                    "category_id": int(row[4]) + 1,
                    "bbox": [row[0], row[1], row[2] - row[0], row[3] - row[1]],
                    "area": float(row[6]),
                    "iscrowd": int(row[5]),
                }
                for number, (image, row) in enumerate(boxes, 1)
            ],
        }

    def _results(self) -> list[dict[str, Any]]:
        return [
            {
                "image_id": image,
                "category_id": int(row[5]) + 1,
                "bbox": [row[0], row[1], row[2] - row[0], row[3] - row[1]],
                "score": float(row[4]),
            }
            for image, rows in enumerate(self.found, 1)
            for row in rows
        ]


def _quiet(*_: object) -> None:
    """faster-coco-eval tells its progress through a function; ours has none."""
