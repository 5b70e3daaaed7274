"""How an image of any size becomes one of the size a net takes: which part of it, how large, and where it is put."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from danlu.data.images.decode import Size
from danlu.data.kinds.base import Framing

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class Placement:
    """Part ``box`` of the raw image is resized to ``inner`` and put ``at`` (x, y) in black of ``size``.

    box: left, top, right, bottom in raw pixels. inner, size, raw: (height, width).
    """

    raw: Size
    box: tuple[float, float, float, float]
    inner: Size
    at: tuple[int, int]
    size: Size

    @property
    def scale(self) -> tuple[float, float]:
        """(x, y): prepared pixels for a raw one."""
        left, top, right, bottom = self.box
        return self.inner[1] / (right - left), self.inner[0] / (bottom - top)

    def framing(self, orientation: int = 1) -> Framing:
        """The same for positions."""
        sx, sy = self.scale
        shift = (self.at[0] - self.box[0] * sx, self.at[1] - self.box[1] * sy)
        return Framing(self.raw, self.size, (sx, sy), shift, orientation)

    def whole(self) -> Size:
        """(height, width) the whole raw image would have at this scale."""
        sx, sy = self.scale
        return max(1, round(self.raw[0] * sy)), max(1, round(self.raw[1] * sx))

    @property
    def nothing(self) -> bool:
        """Whether the image stays as it is."""
        return self.raw == self.size == self.inner


def fixed(raw: Size, size: Size, resize: str) -> Placement:
    """For nets that want one size.

    "stretch": the whole image, its aspect changed; "crop": the largest middle part of the right aspect; "pad": the whole image,
    black around it.
    """
    (h, w), (height, width) = raw, size
    if resize == "stretch" or h * width == w * height:
        return Placement(raw, (0.0, 0.0, float(w), float(h)), size, (0, 0), size)
    if resize == "crop":
        scale = max(width / w, height / h)
        left, top = max(0.0, (w - width / scale) / 2), max(0.0, (h - height / scale) / 2)
        return Placement(raw, (left, top, w - left, h - top), size, (0, 0), size)
    scale = min(width / w, height / h)
    inner = (min(height, max(1, round(h * scale))), min(width, max(1, round(w * scale))))
    at = ((width - inner[1]) // 2, (height - inner[0]) // 2)
    return Placement(raw, (0.0, 0.0, float(w), float(h)), inner, at, size)


def bounded(raw: Size, longest: int | None) -> Placement:
    """For nets that take any size: the aspect is kept, the longest side is at most ``longest``; never enlarged."""
    h, w = raw
    scale = min(1.0, longest / max(h, w)) if longest else 1.0
    size = (max(1, round(h * scale)), max(1, round(w * scale)))
    return Placement(raw, (0.0, 0.0, float(w), float(h)), size, (0, 0), size)


def place(image: Image, placement: Placement) -> np.ndarray:
    """uint8 (H, W, C): resized with Pillow's antialiased bilinear filter, in one step with cropping.

    image: "L" or "RGB", of size ``placement.raw`` or decoded smaller.
    """
    from PIL.Image import Resampling

    height, width = placement.inner
    reduced = round(
        max(placement.raw) / max(image.size)
    )  # 1, or what a JPEG was decoded smaller by; its last pixel may be a part
    left, top, right, bottom = (edge / reduced for edge in placement.box)
    box = (left, top, right, bottom)
    if image.size != (width, height) or box != (0.0, 0.0, float(image.width), float(image.height)):
        image = image.resize((width, height), Resampling.BILINEAR, box=box, reducing_gap=2.0)
    pixels = np.asarray(image)
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if placement.inner == placement.size:
        return pixels
    canvas = np.zeros((*placement.size, pixels.shape[2]), np.uint8)
    x, y = placement.at
    canvas[y : y + height, x : x + width] = pixels
    return canvas
