"""The numbers of the four diagrams (data flow, training, components, data and evaluation), of a run or of the small net.

Of a run that still trains they are what it has told so far.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from threading import Event
from typing import Any

from danlu import recipe as recipes
from danlu.learn.builtin import ARMS, BATCH, PARTS, builtin, plan, spiral
from danlu.learn.structure import structure
from danlu.recipe.names import load_object, spec_of
from danlu.runs import weights
from danlu.runs.columns import restore
from danlu.runs.run import Run
from danlu.training import events as told
from danlu.training.seeing import undisturbed
from danlu.watch import history
from danlu.watch.curves import buckets

POINTS = 120  # of a curve
LATEST = 20  # steps whose mean is shown as "now"


def of_builtin(stop: Event | None = None) -> dict[str, Any]:
    """The small net's, in the form of :func:`of_run`; evaluated with its last weights."""
    made = builtin(stop)
    steps = [event for event in made.events if isinstance(event, told.StepsDone)]
    told_of = ("train/loss", "lr", "grad_norm")
    curves = {name: [value for block in steps for value in block.values[name]] for name in told_of}
    started = next(event for event in made.events if isinstance(event, told.FitStarted))
    evaluated = [event for event in made.events if isinstance(event, told.Evaluated)]
    best = [event.epoch for event in evaluated if event.best][-1]
    points = spiral()["train"][0]
    own = plan()
    return {
        "name": None,
        "status": "finished",
        "data": {
            "source": "spiral",
            "rows": {"found": sum(PARTS.values()), "used": sum(PARTS.values()), **PARTS},
            "input": [2],
            "classes": ARMS,
            "mean": float(points.mean()),
            "std": float(points.std(correction=0)),
        },
        "net": {"name": "mlp", **structure(made.stage.net)},
        "training": {
            "losses": list(made.stage.objective.names),
            "optimizer": "sgd",
            "momentum": 0.9,
            "weight_decay": own.decay,
            "l1": own.l1,
            "schedule": "cosine",
            "peak": own.lr,
            "seed": own.seed,
            "batch": BATCH,
            "step": steps[-1].step,
            "steps": started.total_steps,
            "epoch": own.epochs,
            "epochs": own.epochs,
            **_now(curves),
        },
        "evaluation": {
            "best": best + 1,
            "val": {"accuracy": made.accuracy["val"], "loss": evaluated[-1].values["val/loss"]},
            "test": {"accuracy": made.accuracy["test"]},
        },
        "curve": _thin(range(1, len(curves["train/loss"]) + 1), curves["train/loss"]),
    }


def of_run(path: str | Path) -> dict[str, Any]:
    """name, status, data (source, rows, input, classes, mean, std), net (its name, and :func:`danlu.learn.structure.structure`),
    training (what the recipe says and where it stands: step, epoch, loss, lr, grad_norm), evaluation (best: epoch from 1; val, test:
    metric → value), curve: [[step, loss]]. What isn't known (yet) is None. Raises RunError.
    """
    run = Run(path)
    recipe = recipes.resolved(run.folder.recipe)
    card = run.folder.read_json(run.folder.card) if run.folder.card.is_file() else {}
    latest, curves = _told(run.folder.events)
    started: Mapping[str, Any] = latest.get("fit-started", {})
    best, metrics, train = latest.get("best"), run.metrics, recipe.train
    step = latest.get("step", 0)
    per_epoch = int(started.get("steps_per_epoch") or 0)
    loss = train.loss.name if train.loss is not None else None
    slots = dict(started.get("slots", []))
    return {
        "name": run.path.resolve().name,
        "status": run.status,
        "data": _data(card, recipe.data.source),
        "net": {"name": recipe.model.name, **_structure(run.path, run.folder.recipe.stat().st_mtime_ns)},
        "training": {
            "losses": [loss] if loss else _terms(slots.get("objective", "")),
            "optimizer": train.optimizer.name,
            "momentum": train.optimizer.args.get("momentum"),
            "weight_decay": train.optimizer.weight_decay,
            "l1": train.l1,
            "schedule": train.schedule.name,
            "peak": train.optimizer.lr if isinstance(train.optimizer.lr, float) else None,
            "seed": recipe.seed,
            "batch": train.rows * train.accumulate,
            "step": step,
            "steps": started.get("total_steps"),
            "epoch": min(-(-step // per_epoch), int(started["epochs"])) if per_epoch else 0,
            "epochs": train.epochs,
            **_now({name: values for name, (_, values) in curves.items()}),
        },
        "evaluation": {
            "best": None if best is None else int(best["epoch"]) + 1,
            "val": _part(metrics, "val"),
            "test": _part(metrics, "test"),
        },
        "curve": _thin(*curves.get("train/loss", ((), ()))),
    }


def _told(events: Path) -> tuple[dict[str, Any], dict[str, tuple[Any, Any]]]:
    """(the latest "fit-started", the "best" evaluation, and the "step" that training stands at; curves up to that step). After an
    interruption training stands again where it was taken up, though later steps were told before.
    """
    if not events.is_file():
        return {}, {}
    latest: dict[str, Any] = {}
    for record in history.records(events):
        kind = record["type"]
        if kind in ("fit-started", "steps-done"):
            latest["step"] = int(record["step"])
        if kind == "fit-started":
            latest[kind] = record
        elif kind == "evaluated" and record["part"] == "val" and record.get("best"):
            latest["best"] = record
    curves = {}
    for name, (steps, values) in history.curves(events).items():
        count = int((steps <= latest.get("step", 0)).sum())
        curves[name] = steps[:count], values[:count]
    return latest, curves


def _terms(objective: str) -> list[str]:
    """Names in what the loop says of its objective: "1·cross-entropy + 0.1·dice"."""
    return [each.partition("·")[2] for each in objective.split(" + ") if each]


@lru_cache(maxsize=1)
@undisturbed()
def _structure(folder: Path, written: int) -> dict[str, Any]:
    """Of the net as the recipe makes it: its weights don't matter here, and may not be there yet. written: when the recipe was."""
    run = Run(folder)
    recipe = recipes.resolved(run.folder.recipe)
    card = run.folder.read_json(run.folder.card) if run.folder.card.is_file() else {}
    data = restore(run.folder.read_json(run.folder.columns), card)
    task = load_object(spec_of(recipe.task, recipe.where("task")).task)
    return structure(task(weights.replaced(recipe), data).net())


def _data(card: Mapping[str, Any], source: Any) -> dict[str, Any]:
    columns = list(card.get("columns", {}).values())
    first: Mapping[str, Any] = next((each for each in columns if each.get("role") == "input"), {})
    target: Mapping[str, Any] = next((each for each in columns if each.get("role") == "target"), {})
    size = first.get("size")
    statistics = first.get("statistics") or {}
    return {
        "source": Path(str(source)).name,
        "rows": card.get("rows", {}),
        "input": [first.get("channels", 1), *size] if isinstance(size, list) else None,
        "classes": len(target["classes"]) if "classes" in target else None,
        "mean": _middle(statistics.get("mean")),
        "std": _middle(statistics.get("std")),
    }


def _middle(values: Any) -> float | None:
    """The mean over channels."""
    found = [values] if isinstance(values, (int, float)) else list(values or ())
    return math.fsum(found) / len(found) if found else None


def _now(curves: Mapping[str, Any]) -> dict[str, float | None]:
    loss, norm, rate = (curves.get(name, ()) for name in ("train/loss", "grad_norm", "lr"))
    return {
        "loss": _mean(loss[-LATEST:]),
        "grad_norm": _mean(norm[-LATEST:]),
        "lr": float(rate[-1]) if len(rate) else None,
    }


def _mean(values: Iterable[float]) -> float | None:
    found = [float(value) for value in values if math.isfinite(value)]
    return math.fsum(found) / len(found) if found else None


def _part(metrics: Mapping[str, float], part: str) -> dict[str, float]:
    named = {name.partition("/")[2]: value for name, value in metrics.items() if name.startswith(f"{part}/")}
    return {name: value for name, value in named.items() if math.isfinite(value)}


def _thin(steps: Iterable[Any], losses: Any) -> list[list[float]]:
    """At most :data:`POINTS` means of neighbours, [step, loss]."""
    found = buckets(losses, POINTS)
    places = list(steps)
    return [
        [int(places[first]), float(mean)]
        for first, mean in zip(found.first, found.mean, strict=True)
        if math.isfinite(mean)
    ]
