"""Recordings drawn by hand: columns as captures give them, curves as the journal gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from danlu import recipe as recipes
from danlu.recipe.schema import Recipe
from danlu.watch.health.recording import Recording, Standings

POOR = Standings(simple="worse", metric="val/accuracy", net=0.1, simple_value=0.1)
GOOD = Standings(simple="better", linear="better", metric="val/accuracy", net=0.99, linear_value=0.9, simple_value=0.1)
LOOKS = (1, *range(10, 121, 10))


def curve(values: Sequence[float] | np.ndarray, steps: Sequence[int] | None = None) -> tuple[np.ndarray, np.ndarray]:
    found = np.asarray(values, np.float64)
    return np.arange(1, len(found) + 1) if steps is None else np.asarray(steps, np.int64), found


def layers(*rows: Mapping[str, Any], steps: Sequence[int] = LOOKS) -> dict[str, np.ndarray]:
    """rows: one an output; a value that is a function is called with (look, step)."""
    columns: dict[str, list[Any]] = {}
    for look, step in enumerate(steps):
        for row in rows:
            given = {"layer": "", "kind": "Linear", "call": 0, "output": "", "size": 64, "mean": 0.0, "std": 1.0}
            given |= {"last": False, "silent": None, "saturated": np.nan, "gradient": 1.0}
            given |= {key: value(look, step) if callable(value) else value for key, value in row.items()}
            silent = given.pop("silent")
            mask = np.zeros(0, bool) if silent is None else np.asarray(silent, bool)
            given |= {"step": step, "epoch": 0, "units": len(mask), "silent": np.packbits(mask).tobytes()}
            for key, value in given.items():
                columns.setdefault(key, []).append(value)
    return {key: np.asarray(value, object if key == "silent" else None) for key, value in columns.items()}


def parameters(*rows: Mapping[str, Any], steps: Sequence[int] = LOOKS) -> dict[str, np.ndarray]:
    columns: dict[str, list[Any]] = {}
    for look, step in enumerate(steps):
        for row in rows:
            given: dict[str, Any] = {"parameter": "w", "size": 100, "dimensions": 2, "trained": True, "weight": 1.0}
            given |= {"gradient": 0.1, "update": 1e-3, "step": step, "epoch": 0}
            given |= {key: value(look, step) if callable(value) else value for key, value in row.items()}
            for key, value in given.items():
                columns.setdefault(key, []).append(value)
    return {key: np.asarray(value) for key, value in columns.items()}


def dead(units: int, count: int) -> np.ndarray:
    """bool (units,): the first ``count``."""
    return np.arange(units) < count


def recipe(**changes: Any) -> Recipe:
    """A complete recipe of an image classification by an MLP without norm. changes: dotted, ``__`` for the dot."""
    given = recipes.from_dict({"task": "image-classification", "model": {"name": "mlp", "norm": "none"}})
    values = {"train.optimizer.lr": 0.1, "train.schedule": "constant"}
    values |= {key.replace("__", "."): value for key, value in changes.items()}
    return recipes.complete(recipes.patch(given, values))


def recording(**given: Any) -> Recording:
    """Of a run of 120 steps that ended, at a constant rate, whose loss says neither that it learnt well nor that it did not."""
    curves = {"lr": curve(np.full(120, 0.1)), "train/loss": curve(np.linspace(2.3, 1.2, 120))}
    curves |= given.pop("curves", {})
    values: dict[str, Any] = {"curves": curves, "total_steps": 120, "ended": "finished", "recipe": recipe()}
    values |= {"takes": {"activation": "relu", "norm": "none", "dropout": 0.0}}
    return Recording(**(values | given))
