"""The predictions of a run on one part."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from danlu.errors import RunError
from danlu.messages import say
from danlu.runs.judged import ClassPredictions, NumberPredictions, Predictions, of_file

__all__ = ["ClassPredictions", "NumberPredictions", "Predictions", "columns_of", "path_of", "read"]


def path_of(run: str | Path, part: str) -> Path:
    """Where a run's predictions of a part lie. Raises RunError, with the command that makes them, where there are none."""
    path = Path(run) / "predictions" / f"{part}.parquet"
    if not path.is_file():
        what = say("evaluation.no-predictions", part=part)
        raise RunError.of(str(run), what, say("evaluation.no-predictions.remedy", run=run, part=part))
    return path


def read(run: str | Path, part: str = "test") -> Predictions | None:
    """Predictions of the run's net; None where they are neither of exclusive classes nor of a number (boxes, say).

    run: the run's folder. part: the name of a file in ``predictions/``, without its ending.
    """
    return of_file(path_of(run, part), columns_of(run), part)


def columns_of(run: str | Path) -> dict[str, Any]:
    """``data/columns.json`` of a run."""
    path = Path(run) / "data" / "columns.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError.of(str(path), say("runs.unreadable", reason=str(error))) from error
    return found
