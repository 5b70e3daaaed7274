"""A small vision transformer: patches, blocks of attention, their mean, one linear layer."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from danlu.errors import RecipeError
from danlu.messages import say
from danlu.nn.attention import attend

Size = Annotated[int, Field(ge=1)]


class Attention(nn.Module):
    """(B, N, D) → (B, N, D): every token looks at all (Vaswani et al. 2017)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, count, width = x.shape
        parts = self.qkv(x).view(batch, count, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        seen = attend(parts[0], parts[1], parts[2])
        out: Tensor = self.project(seen.transpose(1, 2).reshape(batch, count, width))
        return out


class Layer(nn.Module):
    """Attention and a perceptron, each behind a norm and beside a skip."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(width), Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self.attention(self.norm1(x)))
        out: Tensor = x + self.dropout(self.mlp(self.norm2(x)))
        return out


class Vit(nn.Module):
    """(B, in_channels, H, W) float → logits (B, classes).

    patch: side of a patch in pixels, which must divide H and W. width: of a token, a multiple of 4 and of ``heads``. depth: layers.
    Positions are fixed sines and cosines in x and y (He et al. 2022, appendix A.1); there is no class token, the mean over tokens is
    what the head sees. Dosovitskiy et al. 2021. Raises RecipeError where the sizes don't divide.
    """

    def __init__(
        self,
        in_channels: int,
        classes: int,
        image_size: tuple[int, int],
        *,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
        patch: Size = 4,
        width: Size = 96,
        depth: Size = 4,
        heads: Size = 4,
    ) -> None:
        super().__init__()
        if image_size[0] % patch or image_size[1] % patch or width % 4 or width % heads:
            size = "×".join(map(str, image_size))
            what = say("nn.vit", size=size, patch=patch, width=width, heads=heads)
            raise RecipeError.of("model.args", what, say("nn.vit.remedy"))
        self.patch = patch
        self.grid = image_size[0] // patch, image_size[1] // patch
        self.stem = nn.Conv2d(in_channels, width, patch, patch)
        self.layers = nn.Sequential(*(Layer(width, heads, dropout) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)
        self.register_buffer("positions", sines(self.grid, width), persistent=False)
        self.positions: Tensor
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def tokens(self, x: Tensor) -> Tensor:
        """Images → (B, N, width), N patches row by row, with their positions."""
        patches: Tensor = self.stem(x)
        return patches.flatten(2).transpose(1, 2) + self.positions

    def encode(self, tokens: Tensor) -> Tensor:
        """Any of the tokens → their features, of the same shape."""
        features: Tensor = self.norm(self.layers(tokens))
        return features

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.encode(self.tokens(x)).mean(1))
        return logits


def sines(grid: tuple[int, int], width: int) -> Tensor:
    """(rows·columns, width): a quarter each of sine and cosine of the row and of the column, at wavelengths up to 10,000."""
    rates = 1.0 / 10_000 ** (torch.arange(width // 4) / (width / 4))
    rows, columns = torch.meshgrid(*map(torch.arange, grid), indexing="ij")
    angles = [place.reshape(-1, 1) * rates for place in (rows, columns)]
    return torch.cat([turned for angle in angles for turned in (angle.sin(), angle.cos())], 1)
