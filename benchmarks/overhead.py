"""What a step costs beside the net's own work: ``danlu.fit`` on a tiny MLP beside loops by hand.

    python benchmarks/overhead.py [rounds]

32–64–10, batches of 64, AdamW, one thread; 3,200 steps a round, in turns in one process, CPU time. "lean" gathers a batch from
tensors in memory, and does nothing that the training does not need; "tutorial" uses a DataLoader over samples and ``.item()`` at
every step. ``danlu.fit`` stands there as it is, and with what a user's own run keeps: events on the disk (at most a second of them is
lost when the process is killed), and a look inside the net every 100th step. Printed: µs a step, median over the rounds, and its ratio
to the lean loop.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import danlu
from danlu.runs.captures import CaptureWriter
from danlu.watch.journal import Journal

STEPS, EPOCHS, BATCH = 200, 16, 64


def data() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    return torch.randn(STEPS * BATCH, 32), torch.randint(0, 10, (STEPS * BATCH,))


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 10))


def lean() -> None:
    (x, y), model, loss = data(), net(), nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x)).split(BATCH):
            loss(model(x[rows]), y[rows]).backward()
            optimizer.step()
            optimizer.zero_grad()


def tutorial() -> None:
    (x, y), model, loss = data(), net(), nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    total = 0.0
    for _ in range(EPOCHS):
        for inputs, targets in DataLoader(TensorDataset(x, y), batch_size=BATCH, shuffle=True):
            optimizer.zero_grad()
            value = loss(model(inputs), targets)
            value.backward()
            optimizer.step()
            total += value.item()


def fit() -> None:
    danlu.fit(net(), nn.CrossEntropyLoss(), data(), epochs=EPOCHS, batch_size=BATCH, lr=1e-3, optimizer="adamw")


def watched() -> None:
    with tempfile.TemporaryDirectory() as place:
        watchers = [Journal(f"{place}/events.jsonl", attempt=1), CaptureWriter(Path(place) / "captures", attempt=1)]
        danlu.fit(
            net(), nn.CrossEntropyLoss(), data(), epochs=EPOCHS, batch_size=BATCH, lr=1e-3, optimizer="adamw",
            watchers=watchers, captures_every=100,
        )  # fmt: skip
        for watcher in watchers:
            watcher.close()


CONTESTANTS: dict[str, Callable[[], None]] = {
    "lean loop": lean,
    "tutorial loop": tutorial,
    "danlu.fit": fit,
    "danlu.fit with events and looks": watched,
}


def main(rounds: int = 7) -> None:
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    spent: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    for turn in range(rounds + 1):  # the first warms up
        for name, work in CONTESTANTS.items():
            began = time.process_time()
            work()
            if turn:
                spent[name].append((time.process_time() - began) / (STEPS * EPOCHS))
    print("| | µs a step | × lean |\n| --- | --- | --- |")
    for name, seconds in spent.items():
        ratio = statistics.median(mine / theirs for mine, theirs in zip(seconds, spent["lean loop"], strict=True))
        print(f"| {name} | {1e6 * statistics.median(seconds):.0f} | {ratio:.2f} |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
