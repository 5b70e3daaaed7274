"""A small FCOS: residual trunk, feature pyramid, one head shared by all levels (Tian et al. 2019, Lin et al. 2017)."""

from __future__ import annotations

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from danlu.data.batches.batch import Padded
from danlu.nn.activations import make_activation
from danlu.nn.norms import make_norm
from danlu.tasks.detection.locations import STRIDES, padded


class Block(nn.Module):
    """Two 3×3 convolutions with a residual connection (He et al. 2016)."""

    def __init__(self, channels: int, out: int, stride: int, activation: str, norm: str) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.norm1 = make_norm(norm, out)
        self.act1 = make_activation(activation)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.norm2 = make_norm(norm, out)
        self.act2 = make_activation(activation)
        same = stride == 1 and channels == out
        self.skip = nn.Identity() if same else nn.Conv2d(channels, out, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm2(self.conv2(self.act1(self.norm1(self.conv1(x)))))
        return self.act2(y + self.skip(x))  # type: ignore[no-any-return]


class Fcos(nn.Module):
    """(B, C, H, W) float, or :class:`Padded` → {"class": (B, L, K) logits, "box": (B, L, 4) distances in strides, "centre": (B, L)}.

    L locations as in :func:`danlu.tasks.detection.locations.grid`. width: channels of the trunk at stride 4; features: of the pyramid.
    """

    def __init__(
        self,
        in_channels: int,
        classes: int,
        *,
        width: Annotated[int, Field(ge=8, le=512)] = 32,
        features: Annotated[int, Field(ge=16, le=512)] = 64,
        tower: Annotated[int, Field(ge=0, le=4)] = 2,
        activation: str = "relu",
        norm: str = "batch",
    ) -> None:
        super().__init__()
        widths = [width, 2 * width, 4 * width, 4 * width]
        self.stem = nn.Sequential(
            nn.Conv2d(in_channels, width, 3, 2, 1, bias=False), make_norm(norm, width), make_activation(activation)
        )
        before = [width, *widths[:-1]]
        self.stages = nn.ModuleList(Block(a, b, 2, activation, norm) for a, b in zip(before, widths, strict=True))
        self.laterals = nn.ModuleList(nn.Conv2d(channels, features, 1) for channels in widths[1:])
        self.smooth = nn.ModuleList(nn.Conv2d(features, features, 3, 1, 1) for _ in widths[1:])
        self.class_tower = _tower(features, tower, activation)
        self.box_tower = _tower(features, tower, activation)
        self.class_out = nn.Conv2d(features, classes, 3, 1, 1)
        self.box_out = nn.Conv2d(features, 4, 3, 1, 1)
        self.centre_out = nn.Conv2d(features, 1, 3, 1, 1)
        self.scales = nn.Parameter(torch.ones(len(STRIDES)))
        nn.init.normal_(self.class_out.weight, std=0.01)
        nn.init.normal_(self.box_out.weight, std=0.01)
        # every class starts at a probability of .01 (Lin et al. 2017), every box about two strides wide
        for layer, start in ((self.class_out, -math.log(99)), (self.box_out, 1.0)):
            assert layer.bias is not None
            nn.init.constant_(layer.bias, start)

    def pyramid(self, x: Tensor) -> list[Tensor]:
        """(B, C, H, W), sides multiples of 32 → features (B, F, H/s, W/s) at strides s of 8, 16 and 32."""
        x = self.stem(x)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        levels: list[Tensor] = []
        for lateral, features in zip(reversed(self.laterals), reversed(maps[1:]), strict=True):
            level = lateral(features)
            if levels:
                level = level + F.interpolate(levels[0], scale_factor=2.0, mode="nearest")
            levels.insert(0, level)
        return [smooth(level) for smooth, level in zip(self.smooth, levels, strict=True)]

    def forward(self, image: Tensor | Padded) -> dict[str, Tensor]:
        x = image.values if isinstance(image, Padded) else image
        height, width = x.shape[2:]
        x = F.pad(x, (0, padded(width) - width, 0, padded(height) - height))
        classes, boxes, centres = [], [], []
        for index, level in enumerate(self.pyramid(x)):
            seen = self.box_tower(level)
            classes.append(_flat(self.class_out(self.class_tower(level))))
            boxes.append(_flat(F.softplus(self.box_out(seen) * self.scales[index])))
            centres.append(_flat(self.centre_out(seen)))
        return {"class": torch.cat(classes, 1), "box": torch.cat(boxes, 1), "centre": torch.cat(centres, 1).squeeze(-1)}


def _tower(channels: int, depth: int, activation: str) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
            nn.GroupNorm(8, channels),
            make_activation(activation),
        ]
    return nn.Sequential(*layers)


def _flat(x: Tensor) -> Tensor:
    """(B, K, H, W) → (B, H·W, K), row by row."""
    return x.permute(0, 2, 3, 1).flatten(1, 2)
