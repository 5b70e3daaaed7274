"""Trains for long, or very often, and tells what the process holds meanwhile; for test_soak.py."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

import danlu
from danlu.training.events import EpochDone
from danlu.watch.plain import Plain
from tests.endtoend.drawn import folder_of_shapes
from tests.endtoend.footprint import give_back, own

SMALL: dict[str, Any] = {
    "model": {"name": "mlp", "args": {"widths": [8]}},
    "train": {"device": "cpu", "threads": 1, "precision": "fp32", "optimizer": {"name": "adamw", "lr": 0.01}},
}


def held() -> dict[str, float]:
    """What this process holds: MB of its own that are in use, open files, threads, child processes."""
    give_back()
    here = Path("/proc/self")
    children = [path.read_text().split() for path in here.glob("task/*/children")]
    return {
        "memory": own(),
        "files": len(list((here / "fd").iterdir())),
        "threads": len(list((here / "task").iterdir())),
        "children": sum(map(len, children)),
    }


class Epochs(Plain):
    """The lines that a log gets, and after every epoch what is held and what lies in the run's folder."""

    def __init__(self, run: Path) -> None:
        super().__init__(Path("log.txt").open("w", encoding="utf-8"), every=0.5)  # noqa: SIM115 - closed with the screen
        self.run = run

    def on(self, event: Any) -> None:
        super().on(event)
        if isinstance(event, EpochDone):
            inside = [path for path in self.run.rglob("*") if path.is_file()]
            journal = (self.run / "events.jsonl").stat().st_size
            tell(step=event.step, inside=len(inside), journal=journal, **held())

    def close(self) -> None:
        super().close()
        self._stream.close()


def tell(**values: float) -> None:
    sys.stdout.write(json.dumps(values) + "\n")


def long(steps: int) -> None:
    """Checkpoints, an evaluation each epoch, the journal, a log, TensorBoard."""
    train = {**SMALL["train"], "batch_size": 16, "epochs": 10_000, "max_steps": steps, "ema": 0.99}
    train["checkpoint"] = {"every_steps": 400, "every_epochs": None, "keep": 3}
    recipe = {
        **SMALL,
        "run": {"name": "long"},
        "data": {"source": "builtin:digits"},
        "train": train,
        "watch": {"tensorboard": True, "histograms_every": 20, "log_seconds": 0.2},
    }
    danlu.train(recipe, screen=Epochs(Path("runs/long")))


def streaming(epochs: int) -> None:
    """Rows that are prepared by other processes, all over again in each epoch."""
    folder_of_shapes(Path("shapes"), each=20, size=16)
    train = {**SMALL["train"], "batch_size": 16, "epochs": epochs, "checkpoint": {"every_epochs": 10}}
    data = {"source": "shapes", "storage": "stream", "workers": 2}
    recipe = {**SMALL, "run": {"name": "streaming"}, "data": data, "train": train}
    danlu.train(recipe, screen=Epochs(Path("runs/streaming")))
    tell(step=-1, inside=0, journal=0, **held())


def settle() -> None:
    """Have Python's table of interned strings grown before anything is measured.

    It is full once some hundred thousand names of files have come and gone (pathlib interns them), is made anew at three times what
    then lives in it, which are 2 MB more, and keeps that size from then on.
    """
    names = [sys.intern(f"settle-{number}") for number in range(200_000)]
    names.clear()


def again(times: int, what: Callable[[int], object]) -> None:
    for turn in range(times):
        what(turn)
        if turn % 5 == 4:
            tell(step=turn, **held())


def fitted(turn: int) -> None:
    draw = torch.Generator().manual_seed(turn)
    data = torch.randn(64, 4, generator=draw), torch.randint(0, 3, (64,), generator=draw)
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    danlu.fit(net, "cross-entropy", data, validation=data, batch_size=16, epochs=2, folder=Path("fits") / str(turn))


def trained(turn: int) -> None:
    train = {**SMALL["train"], "epochs": 1, "batch_size": 32}
    data = {"source": "builtin:digits", "limit": 64}
    run = danlu.train({**SMALL, "run": {"name": f"{turn}"}, "data": data, "train": train}, screen=False)
    assert run.status == "finished"


if __name__ == "__main__":
    os.environ["DANLU_CACHE"] = str(Path.cwd() / "cache")
    work, count = sys.argv[1], int(sys.argv[2])
    settle()
    if work in ("fit", "train"):
        again(count, fitted if work == "fit" else trained)
    else:
        {"long": long, "streaming": streaming}[work](count)
