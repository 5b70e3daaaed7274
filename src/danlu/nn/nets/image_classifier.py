"""The guide's image classifier: two convolutions, each with its activation and pooling, and one linear layer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from danlu.errors import RecipeError
from danlu.messages import say
from danlu.nn.activations import make_activation
from danlu.nn.norms import make_norm


class ImageClassifier(nn.Module):
    """(B, in_channels, H, W) float → logits (B, classes).

    With the defaults on 3×32×32 and 10 classes it is the guide's net, parameter by parameter (``features.0``,
    ``features.3``, ``classifier`` with 128·6·6 inputs), for any other size the linear layer is made to fit. A norm
    stands between convolution and activation; dropout before the linear layer.
    Raises RecipeError for images of fewer than 10 pixels a side, which leave nothing after the second pooling.
    """

    def __init__(
        self,
        in_channels: int,
        classes: int,
        image_size: tuple[int, int],
        *,
        activation: str = "relu",
        norm: str = "none",
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
        widths: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (64, 128),
    ) -> None:
        super().__init__()
        if min(image_size) < 10:
            what = say("nn.image-too-small", net="image-classifier", least=10, size="×".join(map(str, image_size)))
            raise RecipeError.of("model.name", what, say("nn.image-too-small-remedy"))
        layers: list[nn.Module] = []
        channels, (height, width) = in_channels, image_size
        for out in widths:
            layers.append(nn.Conv2d(channels, out, 3))
            if norm != "none":
                layers.append(make_norm(norm, out))
            layers += [make_activation(activation), nn.MaxPool2d(2)]
            channels, height, width = out, (height - 2) // 2, (width - 2) // 2
        self.features = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(channels * height * width, classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.dropout(self.features(x).flatten(1)))
        return logits
