"""The nets that every contestant trains: the very same module for all."""

from __future__ import annotations

import torch
from torch import Tensor, nn

SHAPES = {"resnet": "Danlu's default, 78 k parameters", "resnet9": "ResNet-9, widths 16 to 128, 434 k parameters"}


class ResNet9(nn.Module):
    """(B, C, H, W) float → logits (B, classes). The ResNet-9 of speed contests (Page 2018), a quarter as wide."""

    def __init__(self, in_channels: int = 1, classes: int = 10, width: int = 16) -> None:
        super().__init__()
        self.stem = nn.Sequential(_block(in_channels, width), _block(width, 2 * width), nn.MaxPool2d(2))
        self.first = nn.Sequential(_block(2 * width, 2 * width), _block(2 * width, 2 * width))
        self.middle = nn.Sequential(
            _block(2 * width, 4 * width), nn.MaxPool2d(2), _block(4 * width, 8 * width), nn.MaxPool2d(2)
        )
        self.last = nn.Sequential(_block(8 * width, 8 * width), _block(8 * width, 8 * width))
        self.head = nn.Linear(8 * width, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = self.middle(x + self.first(x))
        x = x + self.last(x)
        logits: Tensor = self.head(x.amax((2, 3)))
        return logits


def _block(channels: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU())


def image_net(name: str) -> nn.Module:
    """name: one of ``SHAPES``."""
    if name == "resnet9":
        return ResNet9()
    from danlu.nn.nets.resnet import ResNet

    return ResNet(1, 10, (28, 28))


def small_mlp() -> nn.Module:
    """32 numbers → 10 classes: so small that a step is what surrounds it."""
    return nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 10))


class Tuned(nn.Module):
    """A net as somebody would tune it by hand: channels_last, and bf16 where the processor has instructions for it."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.half = has_bf16()

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            logits: Tensor = self.net(x)
        return logits.float()


def has_bf16() -> bool:
    return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())
