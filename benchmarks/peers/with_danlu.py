"""Danlu: a recipe with its defaults for images, ``danlu.fit`` with a run's watchers for the small MLP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from contest import Clock, Setting, numbers, run
from images import PADDING
from nets import small_mlp

import danlu
from danlu.runs.captures import CaptureWriter
from danlu.training.events import Event, FitStarted
from danlu.training.slots.update import Update
from danlu.watch.choose import screen
from danlu.watch.journal import Journal


class Timed:
    """The screen that a run has anyway; steps of the checks before the first don't count."""

    wants_snapshots = False

    def __init__(self, clock: Clock) -> None:
        self.clock, self.inner = clock, screen()

    def on(self, event: Event) -> None:
        if isinstance(event, FitStarted):
            self.clock.ticks.clear()
        self.inner.on(event)

    def progress(self, stage: str, done: int, total: int) -> None:
        self.inner.progress(stage, done, total)

    def close(self) -> None:
        self.inner.close()


def _follow(clock: Clock) -> None:
    """Behind every update. Not by torch's hook, with which the loop can't call its optimiser's kernel by itself."""
    apply = Update.apply

    def applied(self: Update, *given: Any) -> None:
        apply(self, *given)
        clock.tick()

    Update.apply = applied  # type: ignore[method-assign]


def images(setting: Setting, clock: Clock, **more: Any) -> float:
    """Every watcher, look and checkpoint that a run has by itself; one evaluation, behind the last step."""
    _follow(clock)
    net = {"resnet": "resnet", "resnet9": "nets:ResNet9"}[setting.net]
    recipe: dict[str, Any] = {
        "seed": setting.seed,
        "run.folder": "runs",
        "data.source": str(setting.data),
        "data.cache": "cache",
        "data.split.test": 0.0,
        "data.augment": ["flip", {"crop": PADDING}],
        "model.name": net,
        "train.epochs": setting.epochs,
        "train.batch_size": setting.batch,
        "train.evaluate_every": setting.epochs,
        "evaluate.baselines": False,
        "evaluate.report": False,
    }
    given = {key.replace(".", "__"): value for key, value in (recipe | more).items()}
    return danlu.train(None, screen=Timed(clock), **given).metrics["val/accuracy"]


def images_bare(setting: Setting, clock: Clock) -> float:
    """Without looks inside the net."""
    return images(setting, clock, **{"watch.captures_every": 0})


def _mlp(setting: Setting, clock: Clock, watchers: list[Any], **more: Any) -> None:
    _follow(clock)
    options: dict[str, Any] = {"epochs": setting.epochs, "batch_size": setting.batch, "lr": 1e-3} | more
    danlu.fit(small_mlp(), "cross-entropy", numbers(setting), watchers=watchers, **options)
    for watcher in watchers:
        watcher.close()


def mlp(setting: Setting, clock: Clock) -> None:
    """A run's watchers: the events file, the screen, and as many looks inside the net as a run has (about a hundred)."""
    watchers = [Journal("events.jsonl", attempt=1), CaptureWriter(Path("captures"), attempt=1), screen()]
    _mlp(setting, clock, watchers, captures_every=max(10, setting.steps // 100))


def mlp_blind(setting: Setting, clock: Clock) -> None:
    """The same without looks."""
    _mlp(setting, clock, [Journal("events.jsonl", attempt=1), screen()])


def mlp_bare(setting: Setting, clock: Clock) -> None:
    """No watcher: what the loop itself costs, its exactness and its guard."""
    _mlp(setting, clock, [])


if __name__ == "__main__":
    contestants = {"images": images, "images-bare": images_bare}
    run("danlu", contestants | {"mlp": mlp, "mlp-blind": mlp_blind, "mlp-bare": mlp_bare})
