"""The three nets of MTCNN (Zhang et al. 2016), with the weights that the package facenet-pytorch carries.

Only its files of tensors are read, by torch's reader of tensors alone; nothing of the package is imported.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import torch
from torch import Tensor, nn

from danlu.errors import DanluError
from danlu.messages import choose
from danlu.tasks.face_recognition.align import texts

PACKAGE = "facenet_pytorch"


class Proposal(nn.Module):
    """(B, 3, H, W) in -1 … 1 → (face probability (B, H', W'), box corrections (B, 4, H', W')), for each 12 × 12 window, stride 2."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 10, 3), nn.PReLU(10)
        self.pool1 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.conv2, self.prelu2 = nn.Conv2d(10, 16, 3), nn.PReLU(16)
        self.conv3, self.prelu3 = nn.Conv2d(16, 32, 3), nn.PReLU(32)
        self.conv4_1, self.conv4_2 = nn.Conv2d(32, 2, 1), nn.Conv2d(32, 4, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.pool1(self.prelu1(self.conv1(x)))
        x = self.prelu3(self.conv3(self.prelu2(self.conv2(x))))
        return self.conv4_1(x).softmax(1)[:, 1], self.conv4_2(x)


class Refinement(nn.Module):
    """(B, 3, 24, 24) → (face probability (B,), box corrections (B, 4))."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 28, 3), nn.PReLU(28)
        self.conv2, self.prelu2 = nn.Conv2d(28, 48, 3), nn.PReLU(48)
        self.conv3, self.prelu3 = nn.Conv2d(48, 64, 2), nn.PReLU(64)
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.dense4, self.prelu4 = nn.Linear(576, 128), nn.PReLU(128)
        self.dense5_1, self.dense5_2 = nn.Linear(128, 2), nn.Linear(128, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.pool(self.prelu1(self.conv1(x)))
        x = self.prelu3(self.conv3(self.pool(self.prelu2(self.conv2(x)))))
        x = self.prelu4(self.dense4(x.permute(0, 3, 2, 1).flatten(1)))
        return self.dense5_1(x).softmax(1)[:, 1], self.dense5_2(x)


class Output(nn.Module):
    """(B, 3, 48, 48) → (face probability (B,), box corrections (B, 4), landmarks (B, 10): five x, five y, in shares of the box)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 32, 3), nn.PReLU(32)
        self.conv2, self.prelu2 = nn.Conv2d(32, 64, 3), nn.PReLU(64)
        self.conv3, self.prelu3 = nn.Conv2d(64, 64, 3), nn.PReLU(64)
        self.conv4, self.prelu4 = nn.Conv2d(64, 128, 2), nn.PReLU(128)
        self.pool, self.last = nn.MaxPool2d(3, 2, ceil_mode=True), nn.MaxPool2d(2, 2, ceil_mode=True)
        self.dense5, self.prelu5 = nn.Linear(1152, 256), nn.PReLU(256)
        self.dense6_1, self.dense6_2, self.dense6_3 = nn.Linear(256, 2), nn.Linear(256, 4), nn.Linear(256, 10)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = self.pool(self.prelu1(self.conv1(x)))
        x = self.pool(self.prelu2(self.conv2(x)))
        x = self.last(self.prelu3(self.conv3(x)))
        x = self.prelu4(self.conv4(x))
        x = self.prelu5(self.dense5(x.permute(0, 3, 2, 1).flatten(1)))
        return self.dense6_1(x).softmax(1)[:, 1], self.dense6_2(x), self.dense6_3(x)


def load(folder: Path | None = None) -> tuple[Proposal, Refinement, Output]:
    """The nets with their weights. folder: that holds pnet.pt, rnet.pt and onet.pt; None: of the installed package.

    Raises DanluError where they are not there.
    """
    folder = _of_package() if folder is None else folder
    nets = (Proposal(), Refinement(), Output())
    for net, name in zip(nets, ("pnet.pt", "rnet.pt", "onet.pt"), strict=True):
        try:
            net.load_state_dict(torch.load(folder / name, map_location="cpu", weights_only=True))
        except Exception as error:  # missing, broken and other tensors come as many kinds
            reason = str(error).partition("\n")[0]
            raise DanluError.of(str(folder / name), choose(texts.WEIGHTS).format(reason=reason)) from error
        net.eval().requires_grad_(False)
    return nets


def _of_package() -> Path:
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise DanluError.of("danlu align", choose(texts.NO_WEIGHTS), choose(texts.NO_WEIGHTS_REMEDY))
    return Path(found.submodule_search_locations[0]) / "data"
