"""Test-time augmentation: a net that answers by the average of its outputs for several views of an image."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Name = Literal["none", "flip", "shift", "flip-shift"]


class Viewed(nn.Sequential):
    """(B, C, H, W), of any dtype → the layers' output (B, …): in training as it is, otherwise averaged over views.

    flip: the image and its mirror image. shift: the image, and the image moved by one pixel up and left, and down and
    right (what comes in is mirrored about the border), which count half as much each (Jordan 2024, airbench).
    flip-shift: each of these three and its mirror image.
    Being inside the net, views are in the artifact too. Outputs, not probabilities, are averaged.
    """

    def __init__(self, *layers: nn.Module, views: Name = "none") -> None:
        super().__init__(*layers)
        self.views = views

    def forward(self, input: Tensor) -> Tensor:
        if self.training or self.views == "none":
            return self._output(input)
        views = [(input, 1.0)]
        if "shift" in self.views:
            views = [(input, 0.5), (shifted(input, 1), 0.25), (shifted(input, -1), 0.25)]
        if "flip" in self.views:
            views = [(view, share / 2) for x, share in views for view in (x, x.flip(3))]
        first, share = views[0]
        total = self._output(first) * share
        for view, share in views[1:]:
            total = total + self._output(view) * share
        return total

    def _output(self, x: Tensor) -> Tensor:
        output: Tensor = super().forward(x)  # type: ignore[no-untyped-call]
        return output

    def extra_repr(self) -> str:
        return f"views={self.views}"


def shifted(x: Tensor, by: Literal[1, -1]) -> Tensor:
    """(B, C, H, W) moved by one pixel up and left (1), or down and right (-1); H, W ≥ 2."""
    for dim in (2, 3):
        size = x.shape[dim]
        if by > 0:
            x = torch.cat([x.narrow(dim, 1, size - 1), x.narrow(dim, size - 2, 1)], dim)
        else:
            x = torch.cat([x.narrow(dim, 1, 1), x.narrow(dim, 0, size - 1)], dim)
    return x
