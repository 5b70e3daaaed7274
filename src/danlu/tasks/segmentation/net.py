"""A small U-Net: a residual encoder, a light decoder, logits of every pixel from half the resolution (Ronneberger et al. 2015)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from danlu.nn.activations import make_activation
from danlu.nn.initialise import initialise
from danlu.nn.norms import make_norm
from danlu.nn.residual import Block


class UNet(nn.Module):
    """(B, in_channels, H, W) float, of any size → logits (B, classes, H, W).

    width: channels at half the resolution; each further halving has twice as many, up to ``most``. blocks: residual blocks of each
    halving, the first at half the resolution. decoder: channels on the way back, the same at every resolution.
    Each of the decoder's levels adds the encoder's maps (through 1×1 convolutions) to its own doubled ones and convolves them once.
    The last one tells the logits of four pixels each (sub-pixel convolution, Shi et al. 2016): nothing is computed at full
    resolution, which is what a CPU spends most of its time on in other U-Nets.
    """

    def __init__(
        self,
        in_channels: int,
        classes: int,
        *,
        width: Annotated[int, Field(ge=4, le=512)] = 24,
        blocks: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (1, 1, 1, 1),
        most: Annotated[int, Field(ge=4)] = 128,
        decoder: Annotated[int, Field(ge=4, le=512)] = 32,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
        activation: str = "relu",
        norm: str = "batch",
    ) -> None:
        super().__init__()
        widths = [min(most, width * 2**level) for level in range(len(blocks))]
        self.stem = nn.Sequential(
            nn.Conv2d(in_channels, width, 4, 2, 1, bias=norm == "none"),
            make_norm(norm, width),
            make_activation(activation),
        )
        stages: list[nn.Module] = []
        channels = width
        for level, (out, count) in enumerate(zip(widths, blocks, strict=True)):
            stage = []
            for first in range(count):
                stride = 2 if level and not first else 1
                stage.append(Block(channels, out, stride, activation, norm, 0.0, True))
                channels = out
            stages.append(nn.Sequential(*stage))
        self.stages = nn.ModuleList(stages)
        self.sides = nn.ModuleList(nn.Conv2d(each, decoder, 1) for each in widths)
        self.smooth = nn.ModuleList(_smooth(decoder, activation, norm) for _ in widths)
        self.dropout = nn.Dropout2d(dropout)
        self.head = nn.Conv2d(decoder, 4 * classes, 3, 1, 1)
        self.classes = classes
        for part in (self.stem, self.stages, self.smooth):
            initialise(part, activation)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        x = F.pad(x, (0, width % 2, 0, height % 2))
        x = self.stem(x)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        found: Tensor | None = None
        for side, smooth, seen in zip(reversed(self.sides), reversed(self.smooth), reversed(maps), strict=True):  # type: ignore[call-overload]
            mine = side(seen)
            if found is not None:
                mine = mine + doubled(found)[:, :, : seen.shape[2], : seen.shape[3]]
            found = smooth(mine)
        assert found is not None
        logits = F.pixel_shuffle(self.head(self.dropout(found)), 2)
        return logits[:, :, :height, :width]


def doubled(x: Tensor) -> Tensor:
    """(B, C, H, W) → (B, C, 2H, 2W), each value four times."""
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def _smooth(channels: int, activation: str, norm: str) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, 1, 1, bias=norm == "none"),
        make_norm(norm, channels),
        make_activation(activation),
    )


class Dense(nn.Module):
    """A net for images of any size, in whatever form they come: a tensor, or :class:`Padded`. Raises nothing; see ``multiple``.

    body: (B, C, H, W) → (B, K, H, W), or logits at a coarser resolution, which are brought back bilinearly; in a mapping with "out", or
    as ``logits``. multiple: of which its sides must be; images are continued by zeros (the mean colour) to it, and logits cut.
    """

    def __init__(self, front: nn.Module, body: nn.Module, multiple: int = 1) -> None:
        super().__init__()
        self.front, self.body = front, body
        self.multiple = multiple

    def forward(self, image: Tensor) -> Tensor:
        seen = self.front(image)
        x: Tensor = seen if isinstance(seen, Tensor) else seen.values
        height, width = x.shape[2:]
        if self.multiple > 1:
            x = F.pad(x, (0, -width % self.multiple, 0, -height % self.multiple))
        outputs = self.body(x)
        if isinstance(outputs, dict) and "out" in outputs:
            outputs = outputs["out"]
        logits: Tensor = outputs if isinstance(outputs, Tensor) else outputs.logits
        if logits.shape[2] != x.shape[2]:
            logits = F.interpolate(logits, size=x.shape[2:], mode="bilinear", align_corners=False)
        return logits[:, :, :height, :width] if self.multiple > 1 else logits
