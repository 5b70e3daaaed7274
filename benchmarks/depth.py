"""Fifty layers with and without residual connections: how each trains, and how much of the gradient reaches each depth.

    python benchmarks/depth.py [seeds]

Both nets are 50 convolutions of 3×3 and 16 channels with batch norm and ReLU (He et al. 2016), on 4,000 embedded images of
Fashion-MNIST made 14 × 14, six epochs by SGD with momentum; in one of them every second convolution adds what came in two before.
Printed: loss and accuracy on 2,000 other images, mean over seeds with the interval of the difference; and the gradient's norm of each
fifth convolution at the first step, as the watchers saw it.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from effects import EMBEDDED, interval
from torch import Tensor, nn

import danlu
from danlu.training.events import Captured, Event

WIDTH, LAYERS = 16, 50


class Pair(nn.Module):
    """Two convolutions with norms; around both, with ``skip``, what came in is added."""

    def __init__(self, skip: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(2):
            layers += [nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False), nn.BatchNorm2d(WIDTH), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])
        self.skip = skip

    def forward(self, x: Tensor) -> Tensor:
        y = self.layers(x)
        return torch.relu(x + y if self.skip else y)


def deep(skip: bool) -> nn.Sequential:
    stem = nn.Sequential(nn.Conv2d(1, WIDTH, 3, padding=1, bias=False), nn.BatchNorm2d(WIDTH), nn.ReLU())
    body = [Pair(skip) for _ in range(LAYERS // 2)]
    return nn.Sequential(stem, *body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(WIDTH, 10))


class First:
    """The gradient norms of the first step."""

    wants_snapshots = False
    wants_captures = True

    def __init__(self) -> None:
        self.norms: dict[str, float] = {}

    def on(self, event: Event) -> None:
        if isinstance(event, Captured) and not self.norms:
            self.norms = {row.parameter: row.gradient or 0.0 for row in event.parameters if row.dimensions == 4}

    def close(self) -> None:
        pass


def data(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    with np.load(EMBEDDED) as archive:
        images, labels = torch.from_numpy(archive["images"]), torch.from_numpy(archive["labels"].astype(np.int64))
    x = nn.functional.avg_pool2d(images[:, None].float() / 255, 2)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    x, y = (x[order] - x.mean()) / x.std(), labels[order]
    return x[2000:6000], y[2000:6000], x[:2000], y[:2000]


def trained(skip: bool, seed: int) -> tuple[float, float, list[float]]:
    """(loss, accuracy, gradient norms by depth)."""
    x, y, asked, truth = data(seed)
    torch.manual_seed(seed)
    net, first = deep(skip), First()
    danlu.fit(
        net, nn.CrossEntropyLoss(), (x, y), watchers=[first], captures_every=1000, epochs=6, batch_size=50, seed=seed,
        optimizer="sgd", lr=0.05, schedule="one-cycle",
    )  # fmt: skip
    net.eval()
    with torch.inference_mode():
        outputs = torch.cat([net(part) for part in asked.split(500)])
    loss = float(nn.functional.cross_entropy(outputs, truth))
    return loss, float((outputs.argmax(1) == truth).float().mean()), list(first.norms.values())


def main(seeds: int = 5) -> None:
    torch.set_num_threads(1)
    found = {skip: [trained(skip, seed) for seed in range(seeds)] for skip in (False, True)}
    print("| | without | with | difference |\n| --- | --- | --- | --- |")
    for place, name in enumerate(("loss", "accuracy")):
        without, with_it = (np.asarray([row[place] for row in found[skip]]) for skip in (False, True))
        mean, low, high = interval(with_it - without)
        print(f"| {name} | {without.mean():.3f} | {with_it.mean():.3f} | {mean:+.3f} ({low:+.3f} to {high:+.3f}) |")
    print("\n| convolution | gradient without | with |\n| --- | --- | --- |")
    norms = {skip: np.mean([row[2] for row in rows], axis=0) for skip, rows in found.items()}
    for layer in range(0, len(norms[True]), 5):
        print(f"| {layer + 1} | {norms[False][layer]:.2e} | {norms[True][layer]:.2e} |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
