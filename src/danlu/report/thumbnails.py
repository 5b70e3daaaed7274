"""Pictures made small enough to stand in a page: data URIs of a few hundred bytes."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np

_TINY = 40  # pixels of a side up to which a picture is kept as it is, without loss
_QUALITY = 72


@dataclass(frozen=True)
class Thumbnail:
    """uri: "data:image/webp;base64,…". width, height: pixels of the picture it was made of; tiny: its pixels should be seen as such."""

    uri: str
    width: int
    height: int
    tiny: bool


def thumbnail(picture: np.ndarray, longest: int = 96) -> Thumbnail:
    """picture: RGB uint8 (H, W, 3). Grey ones take fewer bytes. longest: pixels of the longer side."""
    from PIL import Image

    height, width = picture.shape[:2]
    grey = bool((picture[..., :1] == picture).all())
    image = Image.fromarray(np.ascontiguousarray(picture[..., 0] if grey else picture))
    tiny = max(height, width) <= _TINY
    if not tiny:
        image.thumbnail((longest, longest), Image.Resampling.LANCZOS, reducing_gap=2.0)
    packed = io.BytesIO()
    image.save(packed, "WEBP", lossless=tiny, quality=60 if tiny else _QUALITY, method=4)
    return Thumbnail(f"data:image/webp;base64,{base64.b64encode(packed.getvalue()).decode()}", width, height, tiny)
