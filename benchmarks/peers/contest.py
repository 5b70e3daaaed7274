"""What the contestants share: the setting of a run, its clock, and the line that it prints.

The clock counts the CPU time of the whole process (all its threads) from the end of step WARM_UP to the end of the last step: loading
and augmenting the batches, forward, backward, update, logging, progress, and what happens between epochs (checkpoints where the
default writes them). Imports, preparation of the data, checks before the first step, evaluation, and whatever comes after the last step
are outside, for everybody.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from images import export
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.optimizer import register_optimizer_step_post_hook

import danlu  # noqa: F401 - before torchvision, which it puts right

WARM_UP = 5
RATE, MOMENTUM, DECAY, PEAK, SMOOTHING = 0.15, 0.9, 1e-3, 0.2, 0.1  # Danlu's defaults for images


@dataclass(frozen=True)
class Setting:
    """samples, epochs, batch: of the training. net: of images. data: the archive. folder: for whatever a contestant writes."""

    samples: int
    epochs: int
    batch: int
    net: str
    seed: int
    data: Path
    folder: Path

    @property
    def steps(self) -> int:
        return self.epochs * -(-self.samples // self.batch)


class Clock:
    """``tick`` is called when a step has ended: by torch's hook behind every optimiser's step, or by a callback where there is none."""

    def __init__(self) -> None:
        self.ticks: list[float] = []

    def tick(self, *_: object) -> None:
        self.ticks.append(time.process_time())

    def follow_optimizers(self) -> None:
        register_optimizer_step_post_hook(self.tick)

    def seconds_a_step(self, steps: int) -> float:
        """Raises ValueError where not every step was seen, or one twice."""
        if len(self.ticks) != steps:
            raise ValueError(f"{len(self.ticks)} steps seen, {steps} expected")
        return (self.ticks[-1] - self.ticks[WARM_UP - 1]) / (steps - WARM_UP)


Contestant = Callable[[Setting, Clock], float | None]  # trains; gives the validation accuracy where there is one


def run(package: str, contestants: Mapping[str, Contestant]) -> None:
    """One contestant in this process, named on the command line; prints one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("contestant", choices=list(contestants))
    parser.add_argument("--samples", type=int, default=640)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--net", default="resnet")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=Path(".benchmarks/peers"))
    given = vars(parser.parse_args())
    name = given.pop("contestant")
    if name.startswith("images"):
        given["data"] = export(given["data"].resolve(), given["samples"])
    torch.manual_seed(given["seed"])
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        setting = Setting(**given, folder=Path(folder))
        with contextlib.redirect_stdout(sys.stderr):
            accuracy = contestants[name](setting, clock)
        seconds = clock.seconds_a_step(setting.steps)
    line: dict[str, Any] = {"contestant": name, "package": package, "version": version(package)}
    line |= {"steps": setting.steps, "us_a_step": 1e6 * seconds, "us_a_sample": 1e6 * seconds / setting.batch}
    print(json.dumps(line | {"accuracy": accuracy}))


def sgd(parameters: Any, fused: bool | None = None, lr: float = RATE, **_: object) -> Optimizer:
    return torch.optim.SGD(parameters, lr, MOMENTUM, weight_decay=DECAY, nesterov=True, fused=fused)


def one_cycle(optimizer: Optimizer, steps: int) -> OneCycleLR:
    return OneCycleLR(
        optimizer, RATE, total_steps=steps, pct_start=PEAK, anneal_strategy="linear", cycle_momentum=False
    )


def loss() -> nn.Module:
    return nn.CrossEntropyLoss(label_smoothing=SMOOTHING)


def numbers(setting: Setting) -> tuple[Tensor, Tensor]:
    """For the small MLP: rows (N, 32) and their classes (N,)."""
    source = torch.Generator().manual_seed(1)
    x = torch.randn(setting.samples, 32, generator=source)
    return x, (x @ torch.randn(32, 10, generator=source)).argmax(1)
