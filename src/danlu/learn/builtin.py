"""The small net of the lessons: three arms of a spiral, three hidden layers, trained by the loop in about a second."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from danlu.learn.limits import UNLIMITED, Limit
from danlu.learn.stage import Stage, seeded
from danlu.learn.threads import on_threads
from danlu.nn.nets.mlp import MLP
from danlu.nn.terms.cross_entropy import CrossEntropy
from danlu.randomness import uniform
from danlu.training.events import Event
from danlu.training.feeds import TARGET, TensorFeed
from danlu.training.fitting import fit
from danlu.training.objective import Objective
from danlu.training.optimisers.sgd import SGD
from danlu.training.plan import Plan
from danlu.training.schedules.cosine import Cosine
from danlu.training.seeing import undisturbed

ARMS, EACH = 3, 160
WIDTHS = (24, 24, 24)
BATCH = 32
PARTS = {"train": 320, "val": 80, "test": 80}


@dataclass(frozen=True)
class Builtin:
    """stage: for the lessons. events: what training told, in order. accuracy: on the parts that were not trained on."""

    stage: Stage
    events: tuple[Event, ...]
    accuracy: dict[str, float]


def spiral() -> dict[str, tuple[Tensor, Tensor]]:
    """Part → (points float32 (N, 2) within about ±1, arm int64 (N,)), in an order that mixes the arms."""
    keys = np.arange(ARMS * EACH, dtype=np.uint64)
    along, off, mixed = uniform(7, "spiral", 0, keys, 3).T
    arm = np.arange(ARMS * EACH) % ARMS
    radius = 0.08 + 0.92 * along
    angle = arm * 2 * math.pi / ARMS + 1.4 * math.pi * radius + 0.5 * (off - 0.5)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).astype(np.float32)
    rows = np.argsort(mixed, kind="stable")
    found, first = {}, 0
    for part, count in PARTS.items():
        some = rows[first : first + count]
        found[part] = torch.from_numpy(points[some]), torch.from_numpy(arm[some].astype(np.int64))
        first += count
    return found


def fresh() -> nn.Module:
    """The net as it begins, always with the same weights."""
    return seeded(lambda: MLP(2, ARMS, activation="relu", norm="none", widths=WIDTHS), 3)


def objective() -> Objective:
    return Objective({"cross-entropy": CrossEntropy(TARGET)})


def plan() -> Plan:
    return Plan(
        epochs=40,
        optimizer=lambda groups, **own: SGD(groups, **own, momentum=0.9),
        lr=0.05,
        decay=1e-4,
        schedule=Cosine(),
        seed=7,
        log_seconds=3600.0,
    )


class _Kept:
    def __init__(self, limit: Limit) -> None:
        self.events: list[Event] = []
        self._limit = limit

    def on(self, event: Event) -> None:
        self._limit.check()
        self.events.append(event)

    def close(self) -> None:
        pass


_trained: list[Builtin] = []


def builtin(stop: threading.Event | None = None) -> Builtin:
    """Trained once in a process. stop: gives up training it, by a DanluError."""
    if not _trained:
        _trained.append(train(stop))
    return _trained[0]


@undisturbed()
@on_threads(1)
def train(stop: threading.Event | None = None) -> Builtin:
    """Always the same."""
    parts, net, kept = spiral(), fresh(), _Kept(Limit(UNLIMITED, stop))
    feed = TensorFeed(parts["train"], BATCH, 7, torch.device("cpu"))
    fit(net, objective(), feed, plan(), validation=parts["val"], watchers=(kept,))
    net.eval()
    with torch.no_grad():
        accuracy = {
            part: float((net(points).argmax(1) == arm).double().mean())
            for part, (points, arm) in parts.items()
            if part != "train"
        }
    return Builtin(Stage(net, fresh, objective(), tuple(feed.epoch(0)), plan()), tuple(kept.events), accuracy)
