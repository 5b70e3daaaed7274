"""A geometry applied to images (and, with nearest interpolation, to anything that lies on their pixels)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from danlu.data.augment.boxes import warp_boxes, warp_points
from danlu.data.augment.geometry import Fill, Geometry
from danlu.data.augment.layout import images, planes
from danlu.data.augment.moves import move, move_padded
from danlu.data.augment.resample import Interpolation, resample
from danlu.data.augment.sending import sent
from danlu.data.batches.batch import Padded

__all__ = ["warp_boxes", "warp_images", "warp_points"]


def warp_images(
    value: Tensor | Padded,
    geometry: Geometry,
    *,
    interpolation: Interpolation = "bilinear",
    fill: Fill | float | None = None,
) -> Tensor | Padded:
    """The images after ``geometry``: same shape, dtype, memory order and sizes.

    value: (B, C, H, W) of any dtype, or :class:`Padded` with such values, where each image is transformed within its
    own size and the padding stays zero. Samples whose transform only moves pixels (mirrors, quarter turns, whole
    shifts) keep them bit for bit; the others are interpolated in float32 and, for whole-number dtypes, rounded half
    to even.
    fill: in place of the geometry's own, also a number (the ignored class of a mask).
    """
    fill = geometry.fill if fill is None else fill
    if isinstance(value, Padded):
        return Padded(_warp(value.values, value.sizes, geometry, fill, interpolation), value.sizes)
    return _warp(value, None, geometry, fill, interpolation)


def _warp(
    pixels: Tensor, own: Tensor | None, geometry: Geometry, fill: Fill | float, interpolation: Interpolation
) -> Tensor:
    inverse = geometry.inverse
    square = own is None and pixels.shape[-1] == pixels.shape[-2]
    exact = geometry.exact(square)
    if exact.all():
        return pixels if geometry.still() else _moved(pixels, own, inverse, fill)
    if not exact.any():
        return resample(pixels, own, inverse, fill, interpolation)
    parts = []
    order = np.argsort(~exact, kind="stable")
    for rows in (np.flatnonzero(exact), np.flatnonzero(~exact)):
        chosen = sent(rows, pixels.device)
        some = images(planes(pixels).index_select(0, chosen))
        size = None if own is None else own.index_select(0, chosen)
        if exact[rows[0]]:
            parts.append(planes(_moved(some, size, inverse[rows], fill)))
        else:
            parts.append(planes(resample(some, size, inverse[rows], fill, interpolation)))
    back = sent(np.argsort(order, kind="stable"), pixels.device)
    return images(torch.cat(parts).index_select(0, back))


def _moved(pixels: Tensor, own: Tensor | None, inverse: np.ndarray, fill: Fill | float) -> Tensor:
    return move(pixels, inverse, fill) if own is None else move_padded(pixels, own, inverse, fill)
