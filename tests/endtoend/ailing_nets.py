"""Own nets with a defect that people really build in; a recipe names them as ``tests.endtoend.ailing_nets:NAME``."""

from __future__ import annotations

import torch
from torch import Tensor, nn

ACTIVATIONS = {"relu": nn.ReLU, "leaky-relu": nn.LeakyReLU, "gelu": nn.GELU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
NORMS = {"none": nn.Identity, "batch": nn.BatchNorm1d, "layer": nn.LayerNorm}


class Sleepers(nn.Module):
    """Its biases begin so low that most units never fire."""

    def __init__(self, in_channels: int, classes: int, image_size: tuple[int, int], activation: str = "relu",
                 bias: float = -8.0) -> None:  # fmt: skip
        super().__init__()
        features = in_channels * image_size[0] * image_size[1]
        self.hidden = nn.Linear(features, 128)
        self.second = nn.Linear(128, 64)
        for layer in (self.hidden, self.second):
            nn.init.kaiming_normal_(layer.weight)
            nn.init.normal_(layer.bias, bias, 2.0)
        self.one, self.two = ACTIVATIONS[activation](), ACTIVATIONS[activation]()
        self.head = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.two(self.second(self.one(self.hidden(x.flatten(1))))))


class Loud(nn.Module):
    """Tanh under weights drawn from N(0, 1) whatever the number of inputs."""

    def __init__(self, in_channels: int, classes: int, image_size: tuple[int, int], activation: str = "tanh",
                 norm: str = "none") -> None:  # fmt: skip
        super().__init__()
        features = in_channels * image_size[0] * image_size[1]
        layers: list[nn.Module] = []
        for width in (64, 64, 64):
            layers += [nn.Linear(features, width), NORMS[norm](width), ACTIVATIONS[activation]()]
            nn.init.normal_(layers[-3].weight)
            features = width
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(features, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layers(x.flatten(1)))


class Cascade(nn.Module):
    """Residual blocks without norm, each of which multiplies what passes: forwards values grow, backwards gradients do."""

    def __init__(self, in_channels: int, classes: int, image_size: tuple[int, int], depth: int = 12,
                 norm: str = "none") -> None:  # fmt: skip
        super().__init__()
        features = in_channels * image_size[0] * image_size[1]
        self.stem = nn.Linear(features, 48)
        self.norms = nn.ModuleList(NORMS[norm](48) for _ in range(depth))
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 48)) for _ in range(depth)
        )
        for block in self.blocks:
            nn.init.kaiming_normal_(block[0].weight)
            nn.init.kaiming_normal_(block[2].weight)
        self.head = nn.Linear(48, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x.flatten(1))
        for norm, block in zip(self.norms, self.blocks, strict=True):
            x = x + block(norm(x))
        return self.head(x)


class Echo(nn.Module):
    """A recurrence over the rows of an image whose matrix lengthens the state at every step."""

    def __init__(self, in_channels: int, classes: int, image_size: tuple[int, int], gain: float = 2.0) -> None:
        super().__init__()
        self.enter = nn.Linear(in_channels * image_size[1], 64)
        self.again = nn.Linear(64, 64, bias=False)
        nn.init.orthogonal_(self.again.weight, gain)
        self.head = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Tensor:
        state = x.new_zeros(len(x), 64)
        for row in x.transpose(1, 2).flatten(2).unbind(1):
            state = self.again(state) + torch.relu(self.enter(row))
        return self.head(state)


class Forgotten(nn.Module):
    """A branch that its author builds and never calls."""

    def __init__(self, in_channels: int, classes: int, image_size: tuple[int, int]) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(in_channels, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)
        )
        self.attention = nn.Sequential(nn.Conv2d(16, 16, 1), nn.ReLU(), nn.Conv2d(16, 16, 1), nn.Sigmoid())
        self.head = nn.Linear(16 * (image_size[0] // 2) * (image_size[1] // 2), classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x).flatten(1))


class Detached(nn.Module):
    """Its features reach the head through ``detach()``: they stay as they were drawn."""

    def __init__(self, in_channels: int, classes: int, image_size: tuple[int, int], width: int = 4) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, width, 3, 2, 1), nn.ReLU(), nn.Conv2d(width, width, 3, 2, 1), nn.ReLU()
        )
        self.head = nn.Linear(width * (-(-image_size[0] // 4)) * (-(-image_size[1] // 4)), classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x).detach().flatten(1))


class Thawless(Detached):
    """Frozen for an experiment, and never thawed again."""

    def __init__(self, in_channels: int, classes: int, image_size: tuple[int, int], width: int = 4) -> None:
        super().__init__(in_channels, classes, image_size, width)
        self.features.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x).flatten(1))


class Icebound(nn.Module):
    """Nearly all of it is frozen as it was drawn, and what is left to learn sees four numbers of it."""

    def __init__(self, in_channels: int, classes: int, image_size: tuple[int, int], thawed: bool = False) -> None:
        super().__init__()
        features = in_channels * image_size[0] * image_size[1]
        self.body = nn.Sequential(
            nn.Linear(features, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 4), nn.Tanh()
        )
        for layer in self.body[::2]:
            nn.init.kaiming_normal_(layer.weight)
        self.body.requires_grad_(thawed)
        self.head = nn.Linear(4, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x.flatten(1)))
