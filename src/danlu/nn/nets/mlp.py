"""A multi-layer perceptron on everything flattened."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from danlu.nn.activations import make_activation
from danlu.nn.initialise import initialise
from danlu.nn.norms import make_norm


class MLP(nn.Module):
    """(B, …) float with in_channels · H · W numbers a sample → logits (B, classes).

    widths: of the hidden layers; () is a linear classifier. Every hidden layer is linear, norm, activation, dropout.
    For vectors of F features, ``in_channels`` is F and ``image_size`` (1, 1).
    """

    def __init__(
        self,
        in_channels: int,
        classes: int,
        image_size: tuple[int, int] = (1, 1),
        *,
        activation: str = "relu",
        norm: str = "batch",
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
        widths: tuple[Annotated[int, Field(ge=1)], ...] = (512, 256),
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        features = in_channels * image_size[0] * image_size[1]
        for out in widths:
            layers += [nn.Linear(features, out, bias=norm == "none"), make_norm(norm, out, dims=1)]
            layers += [make_activation(activation), nn.Dropout(dropout)]
            features = out
        self.layers = nn.Sequential(*layers)
        initialise(self.layers, activation)
        self.head = nn.Linear(features, classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.layers(x.flatten(1)))
        return logits
