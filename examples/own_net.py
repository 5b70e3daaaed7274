"""A net of your own. Named in own_net.yaml; trained from Python by running this file: python examples/own_net.py"""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn


class SmallNet(nn.Module):
    """(B, in_channels, H, W) floats, already normalised → logits (B, classes). Any size of image."""

    def __init__(self, in_channels: int, classes: int, width: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, 3, padding=1),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(),
            nn.AdaptiveMaxPool2d(2),
            nn.Flatten(),
            nn.Linear(8 * width, classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)


if __name__ == "__main__":
    import danlu

    run = danlu.train(Path(__file__).with_suffix(".yaml"), train__epochs=5)
    print(run)
    print(run.path)
