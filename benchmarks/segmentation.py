"""Drawn shapes at 64 pixels, every pixel named, from scratch on one thread: Danlu's default net beside a plain loop with smp's U-Net.

    python benchmarks/segmentation.py [seeds] [danlu|smp]

Each seed draws 800 images (640 to learn from, 80 for validation, 80 to be judged by): one to three circles, crosses and squares in any
colour, over one another, on noise. The plain loop is what people write: segmentation-models-pytorch's Unet with a ResNet-18 encoder,
fp32, a DataLoader, Adam at 1e-3, cross-entropy, flips left to right, ten epochs of 16 images. Danlu's is the recipe
`task: segmentation` with the number of epochs alone set. Printed: mean IoU over the four classes from one confusion matrix of the test
images, and CPU time of all that was done from reading the files to the last weights (for Danlu with its validation after each epoch,
reports and checkpoints).
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import nn

import danlu
from danlu.metrics.overlap import confusion

SIZE, PARTS = 64, {"train": 640, "val": 80, "test": 80}
NAMES = ("background", "circle", "cross", "square")
EPOCHS = {"smp": 10, "danlu": 24}


def draw(folder: Path, seed: int) -> Path:
    """``folder/train/images/0001.png`` and ``folder/train/masks/0001.png``, and so on; ``folder/classes.txt``."""
    random = np.random.default_rng(seed)
    for part, count in PARTS.items():
        for name in ("images", "masks"):
            (folder / part / name).mkdir(parents=True)
        for number in range(count):
            image = Image.fromarray(random.integers(0, 60, (SIZE, SIZE, 3), dtype=np.uint8))
            mask = Image.new("L", (SIZE, SIZE))
            for _ in range(int(random.integers(1, 4))):
                side = int(random.integers(12, 33))
                x, y = (int(v) for v in random.integers(0, SIZE - side, 2))
                kind = int(random.integers(1, 4))
                colour = tuple(int(v) for v in random.integers(60, 256, 3))
                for canvas, fill in ((image, colour), (mask, kind)):
                    shape(ImageDraw.Draw(canvas), NAMES[kind], (x, y, x + side - 1, y + side - 1), fill)
            noisy = np.asarray(image, np.float64) + random.normal(0, 12, (SIZE, SIZE, 3))
            Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(folder / part / "images" / f"{number:04d}.png")
            mask.save(folder / part / "masks" / f"{number:04d}.png")
    (folder / "classes.txt").write_text("\n".join(NAMES) + "\n", encoding="utf-8")
    return folder


def shape(pen: ImageDraw.ImageDraw, name: str, box: tuple[int, int, int, int], fill: tuple[int, ...] | int) -> None:
    x1, y1, x2, y2 = box
    third = (x2 - x1) // 3
    if name == "circle":
        pen.ellipse(box, fill=fill)
    elif name == "square":
        pen.rectangle(box, fill=fill)
    else:
        pen.rectangle((x1 + third, y1, x2 - third, y2), fill=fill)
        pen.rectangle((x1, y1 + third, x2, y2 - third), fill=fill)


class Folder(torch.utils.data.Dataset):  # type: ignore[type-arg]
    def __init__(self, folder: Path, flips: bool) -> None:
        self.images = sorted((folder / "images").iterdir())
        self.masks = folder / "masks"
        self.flips = flips

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        path = self.images[index]
        x = torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1).float() / 255
        y = torch.from_numpy(np.array(Image.open(self.masks / path.name))).long()
        return (x.flip(2), y.flip(1)) if self.flips and torch.rand(()) < 0.5 else (x, y)


def plain(folder: Path, seed: int) -> float:
    """The test images' mean IoU of the plain loop."""
    from danlu._compat.torchvision import ensure

    ensure()
    import segmentation_models_pytorch as smp

    torch.manual_seed(seed)
    net = smp.Unet("resnet18", encoder_weights=None, in_channels=3, classes=len(NAMES))
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)
    batches = torch.utils.data.DataLoader(Folder(folder / "train", True), batch_size=16, shuffle=True)
    loss = nn.CrossEntropyLoss()
    for _ in range(EPOCHS["smp"]):
        net.train()
        for x, y in batches:
            optimiser.zero_grad()
            loss(net(x), y).backward()
            optimiser.step()
    net.eval()
    matrix = np.zeros((len(NAMES), len(NAMES)), np.int64)
    with torch.inference_mode():
        for x, y in torch.utils.data.DataLoader(Folder(folder / "test", False), batch_size=32):
            matrix += confusion(net(x).argmax(1).numpy(), y.numpy(), len(NAMES))
    hits = np.diagonal(matrix)
    return float((hits / (matrix.sum(0) + matrix.sum(1) - hits)).mean())


def ours(folder: Path, seed: int) -> float:
    recipe = {
        "task": "segmentation",
        "seed": seed,
        "run": {"folder": str(folder / "runs"), "name": "shapes"},
        "data": {"source": str(folder), "cache": str(folder / "cache")},
        "train": {"epochs": EPOCHS["danlu"], "device": "cpu", "threads": 1},
        "evaluate": {"baselines": False},
    }
    return float(danlu.train(recipe, screen=False).metrics["test/miou"])


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    asked = sys.argv[2:] or ["danlu", "smp"]
    torch.set_num_threads(1)
    print(f"{'seed':>4} {'loop':>6} {'mIoU':>7} {'CPU s':>7}", flush=True)
    found: dict[str, list[tuple[float, float]]] = {}
    for seed in range(seeds):
        for name in asked:
            with tempfile.TemporaryDirectory() as place:
                folder = draw(Path(place) / "shapes", 1000 + seed)
                began = time.process_time()
                value = (ours if name == "danlu" else plain)(folder, seed)
                spent = time.process_time() - began
            found.setdefault(name, []).append((value, spent))
            print(f"{seed:>4} {name:>6} {value:>7.4f} {spent:>7.0f}", flush=True)
    for name, rows in found.items():
        values, times = zip(*rows, strict=True)
        print(f"mean {name:>6} {np.mean(values):>7.4f} {np.mean(times):>7.0f}", flush=True)


if __name__ == "__main__":
    main()
