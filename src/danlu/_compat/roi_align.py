"""RoIAlign in plain PyTorch, equal to torchvision's C++ kernel (He et al. 2017, Mask R-CNN)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def roi_align(
    input: Tensor,
    rois: Tensor,
    spatial_scale: float,
    pooled_height: int,
    pooled_width: int,
    sampling_ratio: int,
    aligned: bool,
) -> Tensor:
    """(K, C, pooled_height, pooled_width): the average of bilinear samples in every bin of every box.

    input: (N, C, H, W). rois: (K, 5) image index, x1, y1, x2, y2. Samples more than one pixel outside the image count
    0; nearer ones take the border's value. ``sampling_ratio`` ≤ 0: as many samples a bin as it has pixels, rounded up.
    Halves are computed in float32. Gradients reach ``input`` only, as in the C++ kernel.

    Boxes that share image and number of samples are sampled together, so that no memory is spent on the largest box's
    grid.
    """
    dtype = input.dtype
    features = input.float() if dtype in (torch.float16, torch.bfloat16) else input
    rois = rois.detach().to(features.dtype)
    channels, height, width = features.shape[1:]
    x1, y1, x2, y2 = (rois[:, 1:] * spatial_scale - (0.5 if aligned else 0.0)).unbind(1)
    box_h, box_w = y2 - y1, x2 - x1
    if not aligned:
        box_h, box_w = box_h.clamp(min=1), box_w.clamp(min=1)
    if sampling_ratio > 0:
        grid_h = grid_w = torch.full((len(rois),), sampling_ratio, device=rois.device)
    else:
        grid_h, grid_w = (box_h / pooled_height).ceil().long(), (box_w / pooled_width).ceil().long()

    groups = torch.stack([rois[:, 0].long(), grid_h, grid_w], 1)
    parts, places = [], []
    for image, down, across in groups.unique(dim=0).tolist():  # type: ignore[no-untyped-call]
        if down <= 0 or across <= 0:
            continue  # a box without extent: zeros
        place = (groups == groups.new_tensor([image, down, across])).all(1).nonzero()[:, 0]
        rows, columns = pooled_height * down, pooled_width * across
        y = y1[place, None] + (torch.arange(rows, device=rois.device) + 0.5) * (box_h[place, None] / rows)
        x = x1[place, None] + (torch.arange(columns, device=rois.device) + 0.5) * (box_w[place, None] / columns)
        inside = ((y >= -1) & (y <= height))[:, :, None] & ((x >= -1) & (x <= width))[:, None, :]
        across_x = _normalised(x, width)[:, None, :].expand(-1, rows, -1)
        down_y = _normalised(y, height)[:, :, None].expand(-1, -1, columns)
        grid = torch.stack([across_x, down_y], -1)
        values = F.grid_sample(
            features[image : image + 1], grid.reshape(1, -1, columns, 2), align_corners=True, padding_mode="border"
        )
        values = values[0].reshape(channels, len(place), rows, columns).transpose(0, 1) * inside[:, None]
        parts.append(F.avg_pool2d(values, (down, across)))
        places.append(place)
    pooled = features.new_zeros(len(rois), channels, pooled_height, pooled_width)
    if not parts:  # stays in the graph: a batch without boxes has gradient 0, not none
        return (pooled + features.sum() * 0).to(dtype)
    return pooled.index_copy(0, torch.cat(places), torch.cat(parts)).to(dtype)


def _normalised(position: Tensor, size: int) -> Tensor:
    """Pixel position, clamped into the image, → grid_sample's [-1, 1] with aligned corners."""
    return position.clamp(0, size - 1) * (2 / max(size - 1, 1)) - 1
