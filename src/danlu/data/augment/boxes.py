"""Points and boxes after a geometry."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from danlu.data.augment.geometry import Geometry
from danlu.data.augment.sending import sent
from danlu.data.batches.batch import Ragged


def warp_points(points: Tensor, sample: Tensor, geometry: Geometry) -> Tensor:
    """float (n, 2), continuous (x, y) of sample int64 ``sample`` (n,), after ``geometry``; not clipped."""
    terms = sent(geometry.forward().astype(np.float32), points.device)[sample]
    size = _size(geometry, sample, points)
    x, y = (points - size / 2).unbind(1)
    moved = terms[:, :, 0] * x[:, None] + terms[:, :, 1] * y[:, None] + terms[:, :, 2]
    return moved + terms[:, :, 3] * size[:, :1] + terms[:, :, 4] * size[:, 1:] + size / 2


def warp_boxes(boxes: Ragged, geometry: Geometry, *, visible: float = 0.1) -> Ragged:
    """Boxes after ``geometry``: the upright hull of the four moved corners, clipped to the image.

    boxes: float32 (n, 7 or more), columns x1, y1, x2, y2, class, iscrowd, area, … A box is dropped where less than
    the share ``visible`` of its hull remains in the image, or nothing at all. The last column, the object's area in
    pixels², is scaled like the image and by the share that remains. A turned box's hull is larger than the object: a
    limit of upright boxes. Mirrors drop nothing and need no wait for the device; others do, to count what remains.
    """
    rows, offsets = boxes
    count = len(offsets) - 1
    sample = torch.repeat_interleave(torch.arange(count, device=rows.device), offsets.diff(), output_size=len(rows))
    corners = rows[:, [0, 1, 2, 1, 2, 3, 0, 3]].view(-1, 2)
    moved = warp_points(corners, sample.repeat_interleave(4, output_size=4 * len(rows)), geometry).view(-1, 4, 2)
    low, high = moved.amin(1), moved.amax(1)
    if geometry.mirrors():
        return Ragged(torch.cat([low, high, rows[:, 4:]], dim=1), offsets)
    whole = (high - low).prod(1)
    size = _size(geometry, sample, rows)
    low, high = low.clamp(min=0).minimum(size), high.clamp(min=0).minimum(size)
    share = (high - low).prod(1) / whole.clamp(min=torch.finfo(rows.dtype).tiny)
    grown = np.abs(np.linalg.det(geometry.forward()[:, :, :2])).astype(np.float32)
    area = rows[:, 6:7] * (sent(grown, rows.device)[sample] * share)[:, None]
    keep = (share > 0) & (share >= visible)
    kept = torch.zeros(count, dtype=offsets.dtype, device=rows.device).index_add_(0, sample, keep.to(offsets.dtype))
    ends = torch.cat([offsets[:1], kept.cumsum(0)])
    return Ragged(torch.cat([low, high, rows[:, 4:6], area, rows[:, 7:]], dim=1)[keep], ends)


def _size(geometry: Geometry, sample: Tensor, like: Tensor) -> Tensor:
    """float (n, 2): width and height of the image of each ``sample``."""
    if isinstance(geometry.sizes, tuple):
        return sent(np.array(geometry.sizes[::-1]), like.device).to(like.dtype).expand(len(sample), 2)
    return geometry.sizes.flip(1).to(like)[sample]
