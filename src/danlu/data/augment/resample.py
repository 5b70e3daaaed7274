"""Images read at fractional places: the general path of a warp, by bilinear or nearest interpolation.

Every output pixel's place is computed by the same few sums whatever the batch, so a sample's result does not depend on
its batch mates. Images of many sizes are computed in float64, since the size of their padded block does depend on them
and enters grid_sample's coordinates: what that changes is then lost in rounding to the images' own dtype.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from danlu.data.augment.geometry import Fill
from danlu.data.augment.layout import chunks, inside, store
from danlu.data.augment.means import mean_of, precise
from danlu.data.augment.sending import sent

Interpolation = Literal["bilinear", "nearest"]


def resample(
    pixels: Tensor, own: Tensor | None, inverse: np.ndarray, fill: Fill | float, interpolation: Interpolation
) -> Tensor:
    """(B, C, H, W) read through ``inverse`` (B, 2, 5, see :class:`Geometry`); dtype and memory order are kept.

    own: int64 (B, 2), the size of each image in a padded block, or None where all fill it. Whole-number dtypes are
    rounded half to even; numbers above 2**24 are not kept exactly.
    """
    height, width = pixels.shape[-2:]
    dtype = torch.float32 if own is None else precise(pixels.device)
    terms = sent(inverse.astype(np.float32), pixels.device).to(dtype)
    # The edge modes of grid_sample count from pixel centres to pixel centres ("aligned") to mirror about centres.
    aligned = fill == "reflect"
    places = _places(terms, own, height, width, aligned)
    mode = "zeros" if not isinstance(fill, str) else _PADDING[fill]
    result = torch.empty_like(pixels)
    for some in chunks(pixels):
        across, down = places[0][some, None, :], places[1][some, :, None]
        grid = torch.view_as_real(across + down)
        source = pixels[some].to(dtype)
        seen = None if own is None else inside(own[some], height, width)
        if own is not None and mode != "zeros":
            grid = _folded(grid, own[some], height, width, aligned)
        level = _level(source, seen, fill)
        if level is not None:
            source = source - level if seen is None else (source - level) * seen
        read = grid_sample(source, grid, mode=interpolation, padding_mode=mode, align_corners=aligned)
        if level is not None:
            read += level
        if seen is not None:
            read *= seen
        store(result[some], read)
    return result


_PADDING = {"zero": "zeros", "mean": "zeros", "reflect": "reflection", "edge": "border"}


def _places(terms: Tensor, own: Tensor | None, height: int, width: int, aligned: bool) -> tuple[Tensor, Tensor]:
    """Complex (B, W) and (B, H): their outer sum is where each output pixel lies, x + iy in grid_sample's units.

    A sum of two vectors is one pass over the grid in its final memory order; a matrix product would take several.
    """
    block = sent(np.array([width, height]), terms.device).to(terms.dtype)
    size = block if own is None else own.flip(1).to(terms.dtype)  # (w, h), or (B, 2)
    size = size.expand(len(terms), 2)
    x = torch.arange(width, dtype=terms.dtype, device=terms.device) - (size[:, :1] - 1) / 2
    y = torch.arange(height, dtype=terms.dtype, device=terms.device) - (size[:, 1:] - 1) / 2
    offset = terms[:, :, 2] + terms[:, :, 3] * size[:, :1] + terms[:, :, 4] * size[:, 1:]
    if aligned:
        scale, start = 2 / (block - 1).clamp(min=1), (size - 1) / (block - 1).clamp(min=1) - 1
    else:
        scale, start = 2 / block, size / block - 1
    terms, offset = terms * scale[:, None], offset * scale + start
    across = torch.complex(terms[:, 0, :1] * x + offset[:, :1], terms[:, 1, :1] * x + offset[:, 1:])
    down = torch.complex(terms[:, 0, 1:2] * y, terms[:, 1, 1:2] * y)
    return across, down


def _folded(grid: Tensor, own: Tensor, height: int, width: int, reflect: bool) -> Tensor:
    """The grid with places outside an image's own size brought in: mirrored about, or held at, its outermost pixels."""
    block = sent(np.array([width, height]), grid.device).to(grid.dtype)
    last = (own.flip(1).to(grid.dtype) - 1)[:, None, None, :]
    if not reflect:
        place = ((grid + 1) * block - 1) / 2
        place = place.clamp(min=0).minimum(last)
        return (2 * place + 1) / block - 1
    span = (block - 1).clamp(min=1)
    place = (grid + 1) * span / 2
    period = (2 * last).clamp(min=1)
    place = place.remainder(period)
    place = torch.minimum(place, (period - place).clamp(min=0)).minimum(last)
    return 2 * place / span - 1


def _level(source: Tensor, seen: Tensor | None, fill: Fill | float) -> Tensor | float | None:
    """What the outside is filled with: a number, (b, C, 1, 1), or None where it is 0 or needs none."""
    if fill == "mean":
        return mean_of(source, seen)
    return fill if not isinstance(fill, str) and fill != 0 else None
