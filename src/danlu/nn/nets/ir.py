"""A residual net for faces: it keeps where in the picture something is until the last layer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from danlu.errors import RecipeError
from danlu.messages import say
from danlu.nn.activations import make_activation
from danlu.nn.norms import make_norm

Size = Annotated[int, Field(ge=1)]
Sizes = Annotated[tuple[Size, ...], Field(min_length=1)]


class _Block(nn.Module):
    """x + branch; branch: norm, 3×3 convolution, norm, activation, 3×3 convolution with the stride, norm; nothing behind the sum."""

    def __init__(self, channels: int, out: int, stride: int, activation: str, norm: str) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            make_norm(norm, channels),
            nn.Conv2d(channels, out, 3, 1, 1, bias=norm == "none"),
            make_norm(norm, out),
            make_activation(activation),
            nn.Conv2d(out, out, 3, stride, 1, bias=norm == "none"),
            make_norm(norm, out),
        )
        self.skip: nn.Module = nn.Identity()
        if channels != out:
            self.skip = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), make_norm(norm, out))
        elif stride > 1:
            self.skip = nn.MaxPool2d(1, stride)

    def forward(self, x: Tensor) -> Tensor:
        summed: Tensor = self.skip(x) + self.branch(x)
        return summed


class IR(nn.Module):
    """(B, in_channels, H, W) float → features (B, classes), flattened maps behind one linear layer, no pooling.

    widths: channels of each stage. blocks: residual blocks of each; the first of a stage halves the maps. widths (64, 128, 256, 512)
    with blocks (2, 2, 2, 2) are IR-18 (Deng et al. 2019), with (3, 4, 14, 3) IR-50; the default is a quarter as wide, for CPUs.
    Raises RecipeError where widths and blocks don't match.
    """

    def __init__(
        self,
        in_channels: int,
        classes: int,
        image_size: tuple[int, int],
        *,
        activation: str = "prelu",
        norm: str = "batch",
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
        widths: Sizes = (16, 32, 64, 128),
        blocks: Sizes = (1, 1, 1, 1),
    ) -> None:
        super().__init__()
        if len(widths) != len(blocks):
            what = say("nn.stages-differ", widths=len(widths), blocks=len(blocks), strides=len(blocks))
            raise RecipeError.of("model.args", what, say("nn.stages-differ-remedy"))
        channels = widths[0]
        layers: list[nn.Module] = [
            nn.Conv2d(in_channels, channels, 3, 1, 1, bias=norm == "none"),
            make_norm(norm, channels),
            make_activation(activation),
        ]
        height, width = image_size
        for out, count in zip(widths, blocks, strict=True):
            for place in range(count):
                layers.append(_Block(channels, out, 2 if place == 0 else 1, activation, norm))
                channels = out
            height, width = -(-height // 2), -(-width // 2)
        self.maps = nn.Sequential(*layers)
        self.head = nn.Sequential(
            make_norm(norm, channels),
            nn.Dropout(dropout),
            nn.Flatten(),
            nn.Linear(channels * height * width, classes, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        features: Tensor = self.head(self.maps(x))
        return features
