"""Who trains in ``throughput.py``: loops written by hand in torch, from a tutorial's to one tuned for the GPU, and ``danlu.train``.

All train the same residual net with the same augmentation, batches, optimiser and schedule. A contestant gives images a second, from
the end of its warm-up to the end of its last step, with the device waited for at both ends.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader, TensorDataset

import danlu
from danlu.nn.nets.resnet import ResNet
from danlu.training.events import Event, StepsDone
from danlu.training.precision import supported

RATE, MOMENTUM, DECAY, PADDING = 0.1, 0.9, 5e-4, 2


@dataclass(frozen=True)
class Setting:
    """images: uint8 (N, C, H, W), and labels int64 (N,), on the CPU. archive: the same as a file. steps: timed after warm_up."""

    images: Tensor
    labels: Tensor
    archive: Path
    classes: int
    width: int
    batch: int
    warm_up: int
    steps: int
    device: torch.device

    @property
    def whole(self) -> int:
        return self.warm_up + self.steps

    @property
    def epochs(self) -> int:
        return -(-self.whole // (len(self.images) // self.batch))

    @property
    def half(self) -> str:
        """The fastest precision that the device computes natively."""
        return supported(self.device)[0]

    def net(self) -> nn.Module:
        torch.manual_seed(0)
        return ResNet(self.images.shape[1], self.classes, tuple(self.images.shape[2:]), width=self.width).to(
            self.device
        )  # type: ignore[arg-type]

    def wait(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()


def _optimizer(net: nn.Module, steps: int, **more: Any) -> tuple[torch.optim.Optimizer, OneCycleLR]:
    optimizer = torch.optim.SGD(net.parameters(), RATE, MOMENTUM, weight_decay=DECAY, nesterov=True, **more)
    return optimizer, OneCycleLR(optimizer, RATE, total_steps=steps + 1, cycle_momentum=False)


def tutorial(setting: Setting) -> float:
    """A DataLoader over samples, flip and crop a batch at a time on the CPU, fp32, ``.item()`` each step."""
    net = setting.net()
    optimizer, schedule = _optimizer(net, setting.whole)
    loader = DataLoader(TensorDataset(setting.images, setting.labels), setting.batch, shuffle=True, drop_last=True)
    done, running, began = 0, 0.0, 0.0
    while done < setting.whole:
        for x, y in loader:
            x = _moved(x, torch.device("cpu")).to(setting.device).float().div(127.5).sub(1)
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y.to(setting.device))
            loss.backward()
            optimizer.step()
            schedule.step()
            running += loss.item()
            done += 1
            if done == setting.warm_up:
                began = setting.wait()
            if done == setting.whole:
                break
    return setting.steps * setting.batch / (setting.wait() - began)


def tuned(setting: Setting, compiled: bool = False) -> float:
    """Data on the GPU as uint8, flip and crop there, channels_last, half precision, the fused optimiser, nothing read."""
    net: Any = setting.net().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    net = torch.compile(net, mode="max-autotune-no-cudagraphs") if compiled else net
    optimizer, schedule = _optimizer(net, setting.whole, fused=True)
    half = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(setting.half)
    scaler = torch.amp.GradScaler(setting.device.type, enabled=half is torch.float16)
    images, labels = setting.images.to(setting.device), setting.labels.to(setting.device)
    torch.backends.cudnn.benchmark = True
    began = 0.0
    for done, rows in enumerate(_rows(setting), start=1):
        x = _moved(images[rows], setting.device).contiguous(memory_format=torch.channels_last)
        with torch.autocast(setting.device.type, half) if half else nullcontext():
            loss = F.cross_entropy(net(x.float().div_(127.5).sub_(1)), labels[rows])
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad(set_to_none=True)
        schedule.step()
        if done == setting.warm_up:
            began = setting.wait()
    torch.backends.cudnn.benchmark = False
    return setting.steps * setting.batch / (setting.wait() - began)


def tuned_compiled(setting: Setting) -> float:
    """The same, compiled; the compilation is part of the warm-up."""
    return tuned(setting, compiled=True)


def _rows(setting: Setting) -> Iterator[Tensor]:
    done = 0
    while True:
        order = torch.randperm(len(setting.images), device=setting.device)
        for first in range(0, len(order) - setting.batch + 1, setting.batch):
            yield order[first : first + setting.batch]
            done += 1
            if done == setting.whole:
                return


def _moved(x: Tensor, device: torch.device) -> Tensor:
    """uint8 (B, C, H, W) mirrored and shifted at random, where they are: one indexing."""
    side, count = x.shape[-1], len(x)
    steps = torch.arange(side, device=device)
    padded = F.pad(x, (PADDING,) * 4)
    down, right = torch.randint(2 * PADDING + 1, (2, count, 1), device=device).unbind()
    flipped = torch.rand(count, 1, device=device) < 0.5
    columns = torch.where(flipped, side - 1 - steps, steps) + right
    sample = torch.arange(count, device=device)[:, None, None]
    return padded[sample, :, (steps + down)[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


class Clock:
    """A screen that notes when blocks of steps were told, and how many samples they had."""

    wants_snapshots = False

    def __init__(self, warm_up: int) -> None:
        self.warm_up = warm_up
        self.began, self.ended, self.samples, self.waited = 0.0, 0.0, 0, 0.0

    def on(self, event: Event) -> None:
        if isinstance(event, StepsDone):
            now = time.perf_counter()
            if not self.began and event.step >= self.warm_up:
                self.began = now
            elif self.began:
                self.ended, self.samples, self.waited = now, self.samples + event.samples, self.waited + event.waited

    def progress(self, stage: str, done: int, total: int) -> None:
        pass

    def close(self) -> None:
        pass


def with_danlu(setting: Setting, **changes: Any) -> float:
    """``danlu.train``, everything it writes down included, but no evaluation and no checkpoint before the last step."""
    clock = Clock(setting.warm_up)
    with tempfile.TemporaryDirectory() as folder:
        recipe: dict[str, Any] = {
            "data": {
                "source": str(setting.archive),
                "split": {"val": 0.0, "test": 0.0},
                "duplicates": "keep",
                "augment": ["flip", {"crop": PADDING}],
                "cache": str(setting.archive.parent / "cache"),
            },
            "model": {"name": "resnet", "args": {"width": setting.width}},
            "train": {
                "epochs": setting.epochs + 1,
                "max_steps": setting.whole,
                "batch_size": setting.batch,
                "optimizer": {"name": "sgd", "lr": RATE, "momentum": MOMENTUM, "nesterov": True, "weight_decay": DECAY},
                "precision": setting.half,
                "device": str(setting.device),
                "checkpoint": {"every_steps": None, "every_minutes": None, "every_epochs": None},
                **changes,
            },
            "evaluate": {"baselines": False, "report": False},
            "watch": {"log_seconds": 0.2},
            "run": {"folder": folder, "name": "run"},
        }
        danlu.train(recipe, screen=clock)
    if not clock.samples:
        return float("nan")  # all was told in one block: too few steps
    return clock.samples / (clock.ended - clock.began)


CONTESTANTS: dict[str, Callable[[Setting], float]] = {
    "tutorial": tutorial,
    "tuned by hand": tuned,
    "tuned by hand, compiled": tuned_compiled,
    "danlu.train": with_danlu,
}


def drawn(count: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (count, side, side, 3) and int64 labels of ten classes, as many as in CIFAR; there is nothing to learn in them."""
    draw = np.random.default_rng(0)
    return draw.integers(0, 256, (count, side, side, 3), dtype=np.uint8), draw.integers(0, 10, count)
