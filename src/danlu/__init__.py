"""Danlu 丹炉: a deep-learning workbench on PyTorch. One typed recipe takes raw data to a trained model.

``import danlu`` loads neither torch nor anything else that is large: the names below are fetched when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from danlu.deploy.export import export as export
    from danlu.deploy.index.index import Index as Index
    from danlu.deploy.loading import load as load
    from danlu.evaluation.comparison import compare as compare
    from danlu.evaluation.explain.explaining import explain as explain
    from danlu.recipe.schema import Recipe as Recipe
    from danlu.report.after import train as train
    from danlu.report.writing import write_report as write_report
    from danlu.runs import Run as Run
    from danlu.runs import check as check
    from danlu.runs import health as health
    from danlu.runs import inspect as inspect
    from danlu.runs import plan as plan
    from danlu.training.fitting import fit as fit

from danlu._compat.torchvision import hook as _put_torchvision_right

__version__ = "0.1.0"

_WHERE = {
    "Index": "danlu.deploy.index.index",
    "Recipe": "danlu.recipe.schema",
    "Run": "danlu.runs",
    "check": "danlu.runs",
    "compare": "danlu.evaluation.comparison",
    "explain": "danlu.evaluation.explain.explaining",
    "export": "danlu.deploy.export",
    "fit": "danlu.training.fitting",
    "health": "danlu.runs",
    "inspect": "danlu.runs",
    "load": "danlu.deploy.loading",
    "plan": "danlu.runs",
    "train": "danlu.report.after",
    "write_report": "danlu.report.writing",
}

__all__ = [
    "Index",
    "Recipe",
    "Run",
    "__version__",
    "check",
    "compare",
    "explain",
    "export",
    "fit",
    "health",
    "inspect",
    "load",
    "plan",
    "train",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))


_put_torchvision_right()  # costs microseconds; imports neither torchvision nor torch
