"""Folders of runs made up for reports: predictions, events and cards as a training writes them, without a training."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from danlu import recipe as recipes
from danlu.metrics.classification import Classification
from danlu.metrics.regression import Regression
from danlu.runs.predictions import PredictionWriter
from danlu.training.events import Compared, EpochDone, Evaluated, Event, FitDone, FitStarted, Said, StepsDone
from danlu.watch.journal import Journal

CARD = {
    "source": "photos",
    "format": "folder",
    "storage": "uint8",
    "fingerprint": "0" * 32,
    "rows": {"found": 120, "used": 100, "train": 60, "val": 20, "test": 20, "bad": 0, "missing": 0},
    "split": {"how": "stratified", "seed": 0},
    "duplicates": {"groups": 0},
    "columns": {},
    "warnings": [],
}


def classified(
    path: Path,
    probability: np.ndarray,
    label: np.ndarray,
    classes: Sequence[str],
    *,
    val: tuple[np.ndarray, np.ndarray] | None = None,
    ids: Sequence[str] | None = None,
    **more: Any,
) -> Path:
    """A classifier's run. probability: float32 (N, K), label: (N,) of the test part; val: the same of the validation part."""
    kinds = {
        "image": {"kind": "image", "spec": {"height": 8, "width": 8, "channels": 1}},
        "label": {"kind": "category", "spec": {"classes": list(classes)}},
    }
    run = _folder(path, {"kinds": kinds, "inputs": ["image"], "targets": ["label"]}, **more)
    judged = {"test": (probability, label)} | ({} if val is None else {"val": val})
    for part, (given, true) in judged.items():
        names = ids if ids is not None and part == "test" else [f"{part}/{row:05}.png" for row in range(len(true))]
        with PredictionWriter(run / "predictions" / f"{part}.parquet") as writer:
            writer.add(list(names), {"label": true}, {"probability": given, "label": given.argmax(1)})
        metric = Classification(given.shape[1])
        metric.update({"probability": given}, {"label": true})
        bounds = {f"{part}/{name}": pair for name, pair in metric.intervals(0.95).items()}
        values = {f"{part}/{name}": value for name, value in metric.compute().items()}
        tell(run, Evaluated(8, 2, part, values, bounds, best=part == "val"))
    return run


def regressed(path: Path, predicted: np.ndarray, true: np.ndarray, **more: Any) -> Path:
    """A regression's run. predicted, true: (N,) of the test part."""
    kinds = {"area": {"kind": "number", "spec": {}}, "price": {"kind": "number", "spec": {}}}
    run = _folder(path, {"kinds": kinds, "inputs": ["area"], "targets": ["price"]}, **more)
    with PredictionWriter(run / "predictions" / "test.parquet") as writer:
        writer.add([f"row {row}" for row in range(len(true))], {"price": true}, {"price": predicted})
    metric = Regression(prediction="price", target="price")
    metric.update({"price": predicted}, {"price": true})
    values = {f"test/{name}": value for name, value in metric.compute().items()}
    bounds = {f"test/{name}": pair for name, pair in metric.intervals(0.95).items()}
    tell(run, Evaluated(8, 2, "test", values, bounds))
    return run


def tell(run: Path, *events: Event) -> None:
    journal = Journal(run / "events.jsonl", 1)
    for event in events:
        journal.on(event)
    journal.close()


def learnt(run: Path, train: Sequence[float], val: Sequence[float], steps_per_epoch: int = 4) -> None:
    """Epochs with these mean losses, and an end."""
    for epoch, loss in enumerate(train):
        first, last = epoch * steps_per_epoch, (epoch + 1) * steps_per_epoch
        noise = np.linspace(-0.1, 0.1, steps_per_epoch)
        values = {"train/loss": tuple(loss + noise), "lr": (0.1,) * steps_per_epoch, "grad_norm": tuple(1 + noise)}
        tell(run, StepsDone(last, epoch, tuple(range(first, last)), values, 64, 0.5, 0.0))
        tell(run, EpochDone(last, epoch, {"train/loss": loss}, 1.0))
        if epoch < len(val):
            best = val[epoch] == min(val[: epoch + 1])
            tell(run, Evaluated(last, epoch, "val", {"val/loss": val[epoch], "val/accuracy": 0.5}, {}, best))
    tell(run, FitDone(len(train) * steps_per_epoch, len(train) - 1, "finished", 12.0))


def _folder(
    path: Path,
    columns: Mapping[str, Any],
    *,
    card: Mapping[str, Any] | None = None,
    recipe: Mapping[str, Any] | None = None,
    losses: tuple[Sequence[float], Sequence[float]] = ((2.0, 1.5, 1.2), (1.9, 1.5, 1.3)),
    said: Sequence[str] = (),
    compared: Compared | None = None,
) -> Path:
    (path / "data").mkdir(parents=True)
    columns = {"statistics": {name: {} for name in columns["kinds"]}, **columns}
    wanted = recipes.from_dict({"run": {"name": "made"}, "data": {"source": "gone"}, **(recipe or {})})
    (path / "recipe.yaml").write_text(recipes.dump(recipes.complete(wanted)), encoding="utf-8")
    environment = {"python": "3.11", "packages": {"torch": "2.13"}, "seed": 0}
    for name, content in {"environment.json": environment, "data/card.json": CARD | dict(card or {})}.items():
        (path / name).write_text(json.dumps(content), encoding="utf-8")
    (path / "data" / "columns.json").write_text(json.dumps(columns), encoding="utf-8")
    tell(path, FitStarted(0, 0, 12, 3, 4, 16, monitor="val/accuracy"), *(Said(0, 0, text, "warning") for text in said))
    learnt(path, *losses)
    return path
