"""Colours that tell classes apart."""

from __future__ import annotations

import numpy as np

_FIRST = (
    "#4d4d4d", "#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#008080", "#f032e6", "#9a6324", "#808000", "#000075",
    "#ffe119", "#46f0f0", "#bcf60c", "#fabebe", "#e6beff", "#800000", "#aaffc3", "#ffd8b1", "#a9a9a9",
)  # fmt: skip


def colours(count: int) -> np.ndarray:
    """uint8 (count, 3): RGB, all different for up to 255; the first ones are easy to tell apart."""
    found = [tuple(bytes.fromhex(text[1:])) for text in _FIRST]
    for index in range(1, 512):  # PASCAL VOC's: the bits of a number spread over the three channels
        value = [0, 0, 0]
        for bit in range(3):
            for channel in range(3):
                value[channel] |= (index >> (3 * bit + channel) & 1) << (7 - bit)
        if tuple(value) not in found:
            found.append(tuple(value))
    return np.asarray(found[:count], np.uint8).reshape(-1, 3)


def indexed(mask: np.ndarray, count: int) -> bytes:
    """A palette PNG of uint8 (H, W): values are kept as they are, and shown in the colours of ``count`` classes; 255 is white."""
    import io

    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(mask))
    table = np.full((256, 3), 255, np.uint8)
    table[:count] = colours(count)
    image.putpalette(table.tobytes())
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()
