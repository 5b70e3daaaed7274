"""What the names of :mod:`danlu.nn.norms` stand for; each is called with (channels, dims)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of (B, C, H, W), at every position. No copy where memory is channels_last."""

    def forward(self, input: Tensor) -> Tensor:
        last = input.permute(0, 2, 3, 1)
        return F.layer_norm(last, self.normalized_shape, self.weight, self.bias, self.eps).permute(0, 3, 1, 2)


class FeatureNorm(nn.Module):
    """Instance norm of vectors (B, F) taken as one channel with F positions: scale and shift are one number each."""

    def __init__(self, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(1))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, input.shape[1:], eps=self.eps) * self.weight + self.bias


def batch(channels: int, dims: int) -> nn.Module:
    """Every channel over the batch and all positions (Ioffe & Szegedy 2015)."""
    return nn.BatchNorm1d(channels) if dims == 1 else nn.BatchNorm2d(channels)


def layer(channels: int, dims: int) -> nn.Module:
    """Every sample and position over its channels (Ba et al. 2016)."""
    return nn.LayerNorm(channels) if dims == 1 else ChannelNorm(channels)


def instance(channels: int, dims: int) -> nn.Module:
    """Every sample and channel over its positions (Ulyanov et al. 2016)."""
    return FeatureNorm() if dims == 1 else nn.InstanceNorm2d(channels, affine=True)


def group(channels: int, dims: int) -> nn.Module:
    """Every sample over groups of channels and all positions (Wu & He 2018)."""
    return nn.GroupNorm(groups(channels), channels)


def groups(channels: int) -> int:
    """The most groups that divide ``channels``: at most 32 (the paper's number), each of 4 channels or more."""
    return max(n for n in range(1, max(1, min(32, channels // 4)) + 1) if channels % n == 0)


def none(channels: int, dims: int) -> nn.Module:
    """No normalisation."""
    return nn.Identity()


def batch_norms(net: nn.Module) -> list[str]:
    """Names of the batch norms that take the statistics of the batch they see; frozen ones, which stay in eval mode, don't.

    Leaves ``net`` in training mode.
    """
    net.train()
    return [
        name
        for name, part in net.named_modules()
        if isinstance(part, nn.modules.batchnorm._BatchNorm) and part.training
    ]
