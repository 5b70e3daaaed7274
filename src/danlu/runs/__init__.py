"""From a recipe to a run: assembling, checking, training, resuming, judging, predicting. Loads torch only when used."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

# OpenMP reads these once, when torch loads it. Threads that spin long while they wait starve where another process is busy too;
# threads that sleep at once halve the speed where none is. A short spin does neither (docs/performance.md). No result changes.
if "torch" not in sys.modules and "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

if TYPE_CHECKING:
    from danlu.runs.checking import Checked, check
    from danlu.runs.diagnosing import health
    from danlu.runs.evaluating import evaluate
    from danlu.runs.finding import find
    from danlu.runs.forecasting import plan
    from danlu.runs.inspecting import inspect
    from danlu.runs.predicting import load, predict
    from danlu.runs.predictor import Predictor
    from danlu.runs.run import Run
    from danlu.runs.training import resume, train

__all__ = [
    "Checked",
    "Predictor",
    "Run",
    "check",
    "evaluate",
    "find",
    "health",
    "inspect",
    "load",
    "plan",
    "predict",
    "resume",
    "train",
]

_HOMES = {
    "Checked": "checking",
    "Predictor": "predictor",
    "Run": "run",
    "check": "checking",
    "evaluate": "evaluating",
    "find": "finding",
    "health": "diagnosing",
    "inspect": "inspecting",
    "load": "predicting",
    "plan": "forecasting",
    "predict": "predicting",
    "resume": "training",
    "train": "training",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
