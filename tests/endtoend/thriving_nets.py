"""Own nets without a defect, of kinds that Danlu does not ship; a recipe names them as ``tests.endtoend.thriving_nets:NAME``."""

from __future__ import annotations

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn


class Reader(nn.Module):
    """An LSTM reads the rows of an image: its gates are sigmoids and tanhs by right."""

    def __init__(self, in_channels: int, classes: int, image_size: tuple[int, int]) -> None:
        super().__init__()
        self.cell = nn.LSTM(in_channels * image_size[1], 64, batch_first=True)
        self.head = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.cell(x.transpose(1, 2).flatten(2))
        return self.head(states[:, -1])


class Gated(nn.Module):
    """Convolutions whose channels a squeeze-and-excitation gate weighs (Hu et al. 2018): a sigmoid that may well be closed."""

    def __init__(self, in_channels: int, classes: int, image_size: tuple[int, int]) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(in_channels, 24, 3, padding=1), nn.GroupNorm(4, 24), nn.ReLU())
        self.gate = nn.Sequential(nn.Linear(24, 6), nn.ReLU(), nn.Linear(6, 24), nn.Sigmoid())
        self.body = nn.Sequential(nn.Conv2d(24, 48, 3, 2, 1), nn.GroupNorm(8, 48), nn.ReLU())
        self.head = nn.Linear(48 * -(-image_size[0] // 2) * -(-image_size[1] // 2), classes)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.stem(x)
        maps = maps * self.gate(maps.mean((2, 3)))[:, :, None, None]
        return self.head(self.body(maps).flatten(1))


class Patches(nn.Module):
    """A small pre-norm transformer over 2×2 patches (Dosovitskiy et al. 2021)."""

    def __init__(self, in_channels: int, classes: int, image_size: tuple[int, int]) -> None:
        super().__init__()
        self.embed = nn.Conv2d(in_channels, 48, 2, 2)
        self.place = nn.Parameter(torch.randn(1, (image_size[0] // 2) * (image_size[1] // 2), 48) * 0.02)
        layer = nn.TransformerEncoderLayer(48, 4, 96, 0.0, "gelu", batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(48)
        self.head = nn.Linear(48, classes)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embed(x).flatten(2).transpose(1, 2) + self.place
        return self.head(self.norm(self.layers(tokens)).mean(1))


class RandomFeatures(nn.Module):
    """A thousand random features, frozen as they were drawn on purpose, under a linear head (Rahimi & Recht 2008)."""

    def __init__(self, in_channels: int, classes: int, image_size: tuple[int, int]) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Linear(in_channels * image_size[0] * image_size[1], 1000), nn.ReLU())
        self.features.requires_grad_(False)
        self.head = nn.Linear(1000, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x.flatten(1)))


class Components(nn.Module):
    """Its first layer is known before training, and frozen: the directions in which digits differ most. A small net learns on top."""

    def __init__(self, in_channels: int, classes: int, image_size: tuple[int, int]) -> None:
        super().__init__()
        digits = torch.tensor(load_digits().data, dtype=torch.float32)
        _, _, directions = torch.pca_lowrank(digits, 24)
        self.directions = nn.Linear(in_channels * image_size[0] * image_size[1], 24, bias=False)
        self.directions.weight.data = directions.T.contiguous()
        self.directions.requires_grad_(False)
        self.head = nn.Sequential(nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, classes))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.directions(x.flatten(1)))
