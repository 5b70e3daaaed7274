"""A detector from scratch on 800 drawn shapes: Danlu's FCOS beside a plain torchvision loop of the same net, in CPU seconds.

    python benchmarks/detection.py [seeds] [epochs of the plain loop] [epochs of Danlu]

800 images of 128 × 128 pixels to train on, 100 to validate, 200 to test (all drawn here; one to four shapes of three classes each on
noise). Both nets have the trunk, pyramid and towers of ``danlu.tasks.detection.net.Fcos`` with its default widths. The plain loop is
``torchvision.models.detection.FCOS`` with that trunk and pyramid as its backbone and as many layers in its head, its own losses and its
own decoding, a DataLoader over samples, AdamW on one cycle, mirrored images; batches of eight as in Danlu. One thread; CPU time of the
loop and of judging the test part. Average precision of both by the same code, on the test part, with the last weights.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

import danlu
from danlu.tasks.detection.metrics import AveragePrecision
from danlu.tasks.detection.net import Fcos
from danlu.training.events import Evaluated, Event, FitStarted

NAMES = ("circle", "cross", "square")
PARTS = {"train": 800, "val": 100, "test": 200}
SIDE, BATCH = 128, 8


def drawn(random: np.random.Generator) -> tuple[np.ndarray, list[tuple[int, int, int, int, int]]]:
    """(uint8 (128, 128, 3), boxes with classes): shapes that hardly cover each other, of 14 to 56 pixels."""
    picture = Image.fromarray(random.integers(0, 110, (SIDE, SIDE, 3), dtype=np.uint8))
    pen = ImageDraw.Draw(picture)
    boxes: list[tuple[int, int, int, int, int]] = []
    for _ in range(int(random.integers(1, 5))):
        width, height = (int(v) for v in random.integers(14, 57, 2))
        x, y = int(random.integers(0, SIDE - width + 1)), int(random.integers(0, SIDE - height + 1))
        kind = int(random.integers(0, 3))
        colour = tuple(int(v) for v in random.integers(70, 256, 3))
        if any(x < b[2] - 4 and b[0] + 4 < x + width and y < b[3] - 4 and b[1] + 4 < y + height for b in boxes):
            continue
        corners = (x, y, x + width - 1, y + height - 1)
        if kind == 0:
            pen.ellipse(corners, fill=colour)
        elif kind == 2:
            pen.rectangle(corners, fill=colour)
        else:
            across, down = width // 3, height // 3
            pen.rectangle((x + across, y, corners[2] - across, corners[3]), fill=colour)
            pen.rectangle((x, y + down, corners[2], corners[3] - down), fill=colour)
        boxes.append((x, y, x + width, y + height, kind))
    return np.asarray(picture), boxes


def draw_all(folder: Path, seed: int) -> None:
    """COCO files of the three parts."""
    for number, (part, count) in enumerate(PARTS.items()):
        random = np.random.default_rng([seed, number])
        (folder / part).mkdir(parents=True)
        images, annotations = [], []
        for index in range(count):
            pixels, boxes = drawn(random)
            Image.fromarray(pixels).save(folder / part / f"{index:04d}.png")
            images.append({"id": index, "file_name": f"{index:04d}.png", "width": SIDE, "height": SIDE})
            for x1, y1, x2, y2, kind in boxes:
                box = [x1, y1, x2 - x1, y2 - y1]
                annotations.append({"id": len(annotations), "image_id": index, "category_id": kind, "bbox": box,
                                    "area": box[2] * box[3], "iscrowd": 0})  # fmt: skip
        categories = [{"id": kind, "name": name} for kind, name in enumerate(NAMES)]
        content = {"images": images, "annotations": annotations, "categories": categories}
        (folder / f"instances_{part}.json").write_text(json.dumps(content))


class Shapes(Dataset[Any]):
    """A part as torchvision's detectors want it; mirrored by a coin where ``mirror``."""

    def __init__(self, folder: Path, part: str, mirror: bool) -> None:
        content = json.loads((folder / f"instances_{part}.json").read_text())
        self.paths = [folder / part / item["file_name"] for item in content["images"]]
        self.boxes: list[list[list[float]]] = [[] for _ in self.paths]
        for item in content["annotations"]:
            x, y, width, height = item["bbox"]
            self.boxes[item["image_id"]].append([x, y, x + width, y + height, item["category_id"]])
        self.images = [np.asarray(Image.open(path)) for path in self.paths]
        self.mirror = mirror

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        image = torch.from_numpy(self.images[index].copy()).permute(2, 0, 1).float() / 255
        rows = torch.tensor(self.boxes[index], dtype=torch.float32).reshape(-1, 5)
        boxes, labels = rows[:, :4].clone(), rows[:, 4].long()
        if self.mirror and torch.rand(()) < 0.5:
            image = image.flip(2)
            boxes[:, [0, 2]] = SIDE - boxes[:, [2, 0]]
        return image, {"boxes": boxes, "labels": labels}


class Backbone(nn.Module):
    """Trunk and pyramid of Danlu's net, as torchvision's FCOS takes them."""

    def __init__(self) -> None:
        super().__init__()
        self.net = Fcos(3, 3, tower=0)
        self.out_channels = self.net.smooth[0].out_channels
        for name in ("class_out", "box_out", "centre_out"):
            setattr(self.net, name, nn.Identity())

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        return OrderedDict((str(index), level) for index, level in enumerate(self.net.pyramid(x)))


def plain(folder: Path, seed: int, epochs: int) -> tuple[float, float, dict[str, float]]:
    """(CPU seconds of the loop, of judging, AP on the test part)."""
    from torchvision.models.detection import FCOS
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.fcos import FCOSHead

    torch.manual_seed(seed)
    backbone = Backbone()
    head = FCOSHead(backbone.out_channels, 1, 3, num_convs=2)
    anchors = AnchorGenerator(((8,), (16,), (32,)), ((1.0,),) * 3)
    net = FCOS(backbone, 3, min_size=SIDE, max_size=SIDE, anchor_generator=anchors, head=head, score_thresh=0.05)
    feed = DataLoader(
        Shapes(folder, "train", True), BATCH, shuffle=True, collate_fn=lambda rows: tuple(zip(*rows, strict=True))
    )
    held = DataLoader(Shapes(folder, "test", False), 2 * BATCH, collate_fn=lambda rows: tuple(zip(*rows, strict=True)))
    began = time.process_time()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, epochs * len(feed))
    for _ in range(epochs):
        net.train()
        for images, targets in feed:
            loss = sum(net(list(images), list(targets)).values())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 10.0)
            optimizer.step()
            schedule.step()
    trained = time.process_time()
    net.eval()
    metric = AveragePrecision(3)
    with torch.inference_mode():
        for images, targets in held:
            found = [
                torch.cat([said["boxes"], said["scores"][:, None], said["labels"][:, None]], 1).numpy()
                for said in net(list(images))
            ]
            metric.update({"boxes": found}, {"boxes": [_objects(target) for target in targets]})
    return trained - began, time.process_time() - trained, metric.compute()


def _objects(target: dict[str, Tensor]) -> np.ndarray:
    boxes = target["boxes"].numpy()
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    return np.column_stack([boxes, target["labels"].numpy(), np.zeros(len(boxes)), area]).astype(np.float32)


class Clock:
    """CPU seconds from the loop's first step to the end of judging the test part."""

    wants_snapshots = False
    began = spent = 0.0

    def on(self, event: Event) -> None:
        if isinstance(event, FitStarted):
            self.began = time.process_time()
        elif isinstance(event, Evaluated) and event.part == "test":
            self.spent = time.process_time() - self.began

    def progress(self, *_: object) -> None:
        pass

    def close(self) -> None:
        pass


def with_danlu(folder: Path, seed: int, epochs: int, **changes: Any) -> tuple[float, dict[str, float]]:
    """(CPU seconds of the loop and of judging the test part, all metrics)."""
    recipe = {
        "task": "detection",
        "seed": seed,
        "run.folder": str(folder / "runs"),
        "data.source": str(folder),
        "data.format": "coco",
        "train.epochs": epochs,
        "train.threads": 1,
        "train.evaluate_every": epochs,
        "train.optimizer": {"name": "adamw", "lr": 2e-3, "weight_decay": 0.05},
        "watch.captures_every": 0,
        "evaluate.weights": "last",
        "evaluate.baselines": False,
        "evaluate.report": False,
        **changes,
    }
    clock = Clock()
    run = danlu.train({}, screen=clock, **{key.replace(".", "__"): value for key, value in recipe.items()})
    return clock.spent, run.metrics


def main(seeds: int = 3, plain_epochs: int = 25, epochs: int = 14, first: int = 0) -> None:
    torch.set_num_threads(1)
    rows: dict[str, list[tuple[float, float, float]]] = {"torchvision's FCOS, plain loop": [], "Danlu": []}
    for seed in range(first, first + seeds):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            draw_all(folder, seed)
            if epochs:
                spent, metrics = with_danlu(folder, seed, epochs)
                rows["Danlu"].append((spent, metrics["test/ap"], metrics["test/ap50"]))
                print(seed, "Danlu", rows["Danlu"][-1], flush=True)
            if plain_epochs:
                loop, judged, found = plain(folder, seed, plain_epochs)
                rows["torchvision's FCOS, plain loop"].append((loop + judged, found["ap"], found["ap50"]))
                print(seed, "plain", loop, judged, found, flush=True)
    print("| loop | CPU s | AP | AP50 | AP of each seed |\n| --- | --- | --- | --- | --- |")
    for name, found in rows.items():
        if found:
            seconds, ap, ap50 = (statistics.mean(column) for column in zip(*found, strict=True))
            print(f"| {name} | {seconds:.0f} | {ap:.3f} | {ap50:.3f} | {' '.join(f'{row[1]:.3f}' for row in found)} |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
