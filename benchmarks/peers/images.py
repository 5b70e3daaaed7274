"""Fashion-MNIST for every contestant: sample by sample as tutorials read it, and whole batches from memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

MEAN, DEVIATION = 0.2860, 0.3530  # of the published training part, as tutorials copy it
PADDING = 2


def export(folder: Path, samples: int) -> Path:
    """``builtin:fashion`` as an archive: ``samples`` of its 10,000 training images, and its 2,000 test images as validation part."""
    path = folder / f"fashion-{samples}.npz"
    if not path.exists():
        from danlu.data.sources.builtin import ASSETS

        with np.load(ASSETS / "fashion.npz", allow_pickle=False) as archive:
            images, labels = archive["images"], archive["labels"].astype(np.int64)
        rows = np.random.default_rng(0).permutation(10_000)[:samples]
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(path, x_train=images[rows], y_train=labels[rows], x_val=images[10_000:], y_val=labels[10_000:])
    return path


class Samples(Dataset[tuple[Tensor, int]]):
    """As torchvision's FashionMNIST gives them: a PIL image for each row, its transforms one after the other."""

    def __init__(self, path: Path) -> None:
        import torchvision.transforms as transforms
        from PIL import Image

        with np.load(path) as archive:
            self.images, self.labels = archive["x_train"], archive["y_train"].tolist()
        self.picture = Image.fromarray
        self.transform = transforms.Compose(
            [
                transforms.RandomHorizontalFlip(),
                transforms.RandomCrop(28, padding=PADDING),
                transforms.ToTensor(),
                transforms.Normalize((MEAN,), (DEVIATION,)),
            ]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        return self.transform(self.picture(self.images[row])), self.labels[row]


class Named(Dataset[dict[str, object]]):
    """The same as dictionaries, as transformers wants them."""

    def __init__(self, samples: Dataset[tuple[Tensor, int]]) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return len(self.samples)  # type: ignore[arg-type]

    def __getitem__(self, row: int) -> dict[str, object]:
        x, y = self.samples[row]
        return {"x": x, "labels": y}


def loader(path: Path, batch: int) -> DataLoader[tuple[Tensor, int]]:
    return DataLoader(Samples(path), batch_size=batch, shuffle=True)


class InMemory:
    """Batches (float (B, 1, 28, 28), labels (B,)): flip, crop and gather are one indexing of uint8 pixels."""

    def __init__(self, path: Path, batch: int) -> None:
        with np.load(path) as archive:
            images, self.labels = torch.from_numpy(archive["x_train"]), torch.from_numpy(archive["y_train"])
        self.padded = torch.nn.functional.pad(images, (PADDING,) * 4)
        self.side = images.shape[-1]
        self.batch_size = batch

    def __len__(self) -> int:
        return -(-len(self.labels) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        steps = torch.arange(self.side)
        for rows in torch.randperm(len(self.labels)).split(self.batch_size):
            down, right = torch.randint(2 * PADDING + 1, (2, len(rows), 1)).unbind()
            flipped = torch.rand(len(rows), 1) < 0.5
            columns = torch.where(flipped, self.side - 1 - steps, steps) + right
            pixels = self.padded[rows[:, None, None], (steps + down)[:, :, None], columns[:, None, :]]
            yield pixels.float().div_(255 * DEVIATION).sub_(MEAN / DEVIATION).unsqueeze(1), self.labels[rows]


@torch.no_grad()
def accuracy(net: torch.nn.Module, path: Path) -> float:
    """Share of the validation part that is answered rightly."""
    with np.load(path) as archive:
        images, labels = torch.from_numpy(archive["x_val"]), torch.from_numpy(archive["y_val"])
    net.eval()
    right = 0
    for x, y in zip(images.split(256), labels.split(256), strict=True):
        x = x.float().div_(255 * DEVIATION).sub_(MEAN / DEVIATION).unsqueeze(1)
        right += int((net(x).argmax(1) == y).sum())
    return right / len(labels)
