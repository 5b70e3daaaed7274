"""What an explanation found, and its pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from danlu.errors import DanluError
from danlu.messages import say

_SHOWN = 224  # pixels: smaller images are drawn larger
_HOT = np.asarray(  # from nothing to all: dark, purple, red, orange, yellow (anchors of matplotlib's inferno)
    [
        (0, 0, 4),
        (40, 11, 84),
        (101, 21, 110),
        (159, 42, 99),
        (212, 72, 66),
        (245, 125, 21),
        (250, 193, 39),
        (252, 255, 164),
    ],
    np.float64,
)
_AGAINST, _NOTHING, _FOR = (np.asarray(each, np.float64) for each in ((33, 102, 172), (247, 247, 247), (178, 24, 43)))


@dataclass(frozen=True)
class Explanation:
    """Why a net answers as it does about one image.

    input: its name. method: of :data:`METHODS`. target: what is explained ("ankle boot"). score: its value (a logit, …).
    heat: float32 (H, W). Grad-CAM and roll-out: 0–1, of the largest. Integrated gradients (summed over channels) and occlusion: in
    units of the score, above 0 what speaks for the target, below what speaks against it. image: RGB uint8 (H, W, 3), as the net saw it.
    layer: where Grad-CAM was read, else "". notes: what a reader should know, in words. sums: (sum of the attributions, difference of
    outputs that it should equal) of integrated gradients.
    """

    input: str
    method: str
    target: str
    score: float
    heat: np.ndarray
    image: np.ndarray
    layer: str = ""
    notes: tuple[str, ...] = ()
    sums: tuple[float, float] | None = None

    @property
    def signed(self) -> bool:
        return self.method in ("integrated-gradients", "occlusion")

    def overlay(self) -> np.ndarray:
        """RGB uint8 (H, W, 3): the heat over the image in grey."""
        grey = self.image.astype(np.float64).mean(2, keepdims=True)
        if self.signed:
            most = float(np.quantile(np.abs(self.heat), 0.995)) or float(np.abs(self.heat).max()) or 1.0
            strength = np.clip(self.heat / most, -1, 1)[..., None]
            colour = np.where(strength >= 0, _FOR, _AGAINST)
            share = np.abs(strength)
            mixed = (1 - share) * (0.5 * grey + 0.5 * _NOTHING) + share * colour
        else:
            place = np.clip(self.heat, 0, 1).astype(np.float64) * (len(_HOT) - 1)
            low = np.minimum(place.astype(int), len(_HOT) - 2)
            colour = _HOT[low] + (_HOT[low + 1] - _HOT[low]) * (place - low)[..., None]
            mixed = 0.45 * grey + 0.55 * colour
        return np.asarray(np.clip(np.rint(mixed), 0, 255).astype(np.uint8))

    def picture(self) -> np.ndarray:
        """RGB uint8: the image and the overlay side by side; small images are drawn larger, pixel by pixel."""
        times = max(1, _SHOWN // max(self.image.shape[:2]))
        sides = [np.repeat(np.repeat(each, times, 0), times, 1) for each in (self.image, self.overlay())]
        gap = np.full((sides[0].shape[0], 4, 3), 255, np.uint8)
        return np.concatenate([sides[0], gap, sides[1]], axis=1)

    def save(self, path: str | Path) -> Path:
        """Write :meth:`picture` as PNG. Raises DanluError where it can't be written."""
        from PIL import Image

        target = Path(path)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(self.picture()).save(target, "PNG")
        except OSError as error:
            raise DanluError.of(str(path), say("runs.not-written", reason=error.strerror or str(error))) from error
        return target

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, without the arrays."""
        found: dict[str, Any] = {
            "input": self.input,
            "method": self.method,
            "target": self.target,
            "score": self.score,
            "layer": self.layer or None,
            "size": list(self.heat.shape),
            "notes": list(self.notes),
        }
        return found if self.sums is None else found | {"attributed": self.sums[0], "difference": self.sums[1]}
