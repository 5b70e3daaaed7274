"""The runs in a folder."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from danlu.errors import DanluError
from danlu.runs.run import Run


def find(folder: str | Path = "runs") -> list[dict[str, Any]]:
    """One row a run, newest first: name, path, task, status, metrics, modified (Unix seconds), compared (with its baselines: fields of
    :class:`danlu.training.events.Compared`, or None). A damaged one says so.
    """
    base = Path(folder)
    if not base.is_dir():
        return []
    seen = (path for path in base.iterdir() if not path.name.startswith("."))  # not what is only begun
    rows = [_row(path) for path in seen if (path / "recipe.yaml").is_file()]
    return sorted(rows, key=lambda row: -row["modified"])


def _row(path: Path) -> dict[str, Any]:
    row: dict[str, Any] = {"name": path.name, "path": str(path), "modified": (path / "recipe.yaml").stat().st_mtime}
    try:
        run = Run(path)
        told = run.compared() or run.compared("val")
        row |= {"task": run.recipe.task, "status": run.status, "metrics": run.metrics}
        return row | {"compared": None if told is None else asdict(told)}
    except DanluError as error:
        return row | {"task": "", "status": "damaged", "metrics": {}, "problem": str(error)}
