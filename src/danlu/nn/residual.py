"""A residual block (He et al. 2016), and the stochastic depth that thins it out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from danlu.nn.activations import make_activation
from danlu.nn.norms import make_norm


class DropPath(nn.Module):
    """In training, a share ``rate`` of the samples becomes 0 and the others are divided by 1 - ``rate``.

    Stochastic depth (Huang et al. 2016), drawn for each sample from torch's default generator. (B, …) → (B, …).
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        keep = x.new_empty((len(x),) + (1,) * (x.ndim - 1)).bernoulli_(1 - self.rate)
        return x * keep.div_(1 - self.rate)

    def extra_repr(self) -> str:
        return f"rate={self.rate}"


class Block(nn.Module):
    """activation(skip(x) + branch(x)); branch: 3×3 convolution, norm, activation, 3×3 convolution, norm.

    (B, channels, H, W) → (B, out, ⌈H / stride⌉, ⌈W / stride⌉). Where shapes differ, the skip is average pooling, 1×1
    convolution and norm (ResNet-D, He et al. 2019). Without norm, the branch is scaled by one learnt number.
    zero_init: the branch begins as 0 by its last scale.
    """

    def __init__(
        self,
        channels: int,
        out: int,
        stride: int,
        activation: str,
        norm: str,
        drop_path: float = 0.0,
        zero_init: bool = True,
    ) -> None:
        super().__init__()
        bias = norm == "none"
        last = Gain() if norm == "none" else make_norm(norm, out)
        self.branch = nn.Sequential(
            nn.Conv2d(channels, out, 3, stride, 1, bias=bias),
            make_norm(norm, out),
            make_activation(activation),
            nn.Conv2d(out, out, 3, 1, 1, bias=bias),
            last,
        )
        self.skip: nn.Module = nn.Identity()
        if stride != 1 or channels != out:
            pool = nn.AvgPool2d(stride, ceil_mode=True) if stride > 1 else nn.Identity()
            self.skip = nn.Sequential(pool, nn.Conv2d(channels, out, 1, bias=bias), make_norm(norm, out))
        self.drop_path = DropPath(drop_path)
        self.activation = make_activation(activation)
        weight = getattr(last, "weight", None)
        if zero_init and isinstance(weight, nn.Parameter):
            nn.init.zeros_(weight)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.activation(self.skip(x) + self.drop_path(self.branch(x)))
        return out


class Gain(nn.Module):
    """x times one learnt number, which begins at 1."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight
