"""What a net must beat: the commonest class everywhere, and a linear model of each pixel's colour."""

from __future__ import annotations

from typing import Any

import numpy as np

from danlu.data.kinds.mask import IGNORED
from danlu.tasks.baselines.base import Baseline, Sample, Tell

_PIXELS = 60_000  # that the linear model learns from
_STEPS = 60
_DECAY = 1e-4


class MostFrequent(Baseline):
    """The class that most training pixels have, on every pixel."""

    name = "most-frequent"

    def __init__(self, classes: int) -> None:
        self.classes = classes

    def fit(self, train: Sample, held: Sample, asked: int, tell: Tell) -> None:
        counts = sum(
            (np.bincount(np.ravel(mask), minlength=256) for mask in train.targets["mask"]), np.zeros(256, np.int64)
        )
        self._class = int(np.asarray(counts)[: self.classes].argmax())

    def predict(self, sample: Sample, tell: Tell) -> dict[str, Any]:
        return {"mask": [np.full(size, self._class, np.uint8) for size in sample.sizes["image"].tolist()]}


class PixelColour(Baseline):
    """Softmax regression of a pixel's class on its colour: red, green, blue, their squares and products, and nothing around it.

    Images are seen at no more than 32 pixels a side, as all baselines see them; its masks are brought back to the images' size.
    """

    name = "pixel-colour"

    def __init__(self, classes: int) -> None:
        self.classes = classes

    def fit(self, train: Sample, held: Sample, asked: int, tell: Tell) -> None:
        pixels, labels = [], []
        for image, mask in zip(train.inputs["image"], train.targets["mask"], strict=True):
            small = _resized(np.asarray(mask), image.shape[:2])
            kept = small != IGNORED
            pixels.append(image[kept])
            labels.append(small[kept])
        every, label = np.concatenate(pixels), np.concatenate(labels).astype(np.int64)
        step = max(1, len(label) // _PIXELS)
        every, label = every[::step], label[::step]
        features = _features(every)
        self._mean, self._std = features.mean(0), features.std(0) + 1e-6
        self._weights = _softmax_regression((features - self._mean) / self._std, label, self.classes, tell)

    def predict(self, sample: Sample, tell: Tell) -> dict[str, Any]:
        found = []
        for image, size in zip(sample.inputs["image"], sample.sizes["image"].tolist(), strict=True):
            features = (_features(image.reshape(-1, image.shape[-1])) - self._mean) / self._std
            best = (np.column_stack([features, np.ones(len(features))]) @ self._weights).argmax(1)
            found.append(_resized(best.reshape(image.shape[:2]).astype(np.uint8), tuple(size)))
        return {"mask": found}


def _features(pixels: np.ndarray) -> np.ndarray:
    """float64 (n, F) of uint8 (n, C)."""
    colour = pixels.astype(np.float64) / 255
    products = [colour[:, one] * colour[:, other] for one in range(colour.shape[1]) for other in range(one + 1)]
    return np.column_stack([colour, *products])


def _softmax_regression(features: np.ndarray, label: np.ndarray, classes: int, tell: Tell) -> np.ndarray:
    """float64 (F + 1, K), by gradient descent with Nesterov's momentum at the rate that the largest curvature allows."""
    design = np.column_stack([features, np.ones(len(features))])
    truth = np.eye(classes)[label]
    weights = ahead = np.zeros((design.shape[1], classes))
    curvature = 0.5 * float(np.linalg.eigvalsh(design.T @ design / len(design))[-1]) + _DECAY
    for step in range(_STEPS):
        tell(step, _STEPS)
        logits = design @ ahead
        logits -= logits.max(1, keepdims=True)
        share = np.exp(logits)
        share /= share.sum(1, keepdims=True)
        gradient = design.T @ (share - truth) / len(design) + _DECAY * ahead
        new = ahead - gradient / curvature
        ahead, weights = new + step / (step + 3) * (new - weights), new
    return weights


def _resized(mask: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """By the nearest pixel."""
    if mask.shape == tuple(size):
        return mask
    rows, columns = (
        (np.arange(new) * old // new if new > old else ((np.arange(new) + 0.5) * old / new).astype(np.int64))
        for new, old in zip(size, mask.shape, strict=True)
    )
    small: np.ndarray = mask[rows][:, columns]
    return small
