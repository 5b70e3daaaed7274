"""Nets that train and can't be exported, each for its own reason; (B, 4) → (B, 3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Linear(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)


class ByValue(Linear):
    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(x)
        if y.max() > 0:  # here
            y = y * 2
        return y


class Inner(Linear):
    def __init__(self) -> None:
        super().__init__()
        self.block = nn.Sequential(nn.ReLU(), ByValue())

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.block(x)
        return out


class Numpy(Linear):
    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layer(torch.from_numpy(x.numpy() * 2))  # here
        return out


class FixedBatch(Linear):
    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layer(x.view(2, 4))  # here
        return out


class Loop(Linear):
    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([self.layer(row) for row in x])


class Odd(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.special.bessel_j0(x)  # here


class NoOperation(Linear):
    def __init__(self) -> None:
        super().__init__()
        self.tail = nn.Sequential(nn.ReLU(), Odd())

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.tail(self.layer(x))
        return out


class Word(Linear):
    def forward(self, x: Tensor) -> dict[str, object]:
        return {"logits": self.layer(x), "unit": "metres"}


class Choosy(Linear):
    def forward(self, x: Tensor) -> Tensor:
        if type(x) is not Tensor:
            raise ValueError("only real tensors, please")  # here
        out: Tensor = self.layer(x)
        return out
