"""Training as people ask for it: the run, then its report."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from danlu import runs
from danlu.errors import DanluError
from danlu.messages import say
from danlu.recipe.schema import Recipe
from danlu.runs.run import Run


def train(recipe: Recipe | Mapping[str, Any] | str | Path | None = None, screen: Any = None, **values: Any) -> Run:
    """Train a recipe, judge it on its test part, and write ``report.html``.

    recipe: a :class:`Recipe`, a mapping, or the path of a YAML file; ``values`` are dotted overrides with ``__`` for the dot
    (``train__epochs=3``). screen: None chooses a live screen or plain lines; False is silent.
    Raises DanluError before step one for whatever can be known to be wrong. A report that can't be written is a warning.
    """
    run = runs.train(recipe, screen, **values)
    report_after(run, lambda text: warnings.warn(text, RuntimeWarning, stacklevel=4))
    return run


def report_after(run: Run, tell: Callable[[str], None]) -> Path | None:
    """Write the report of a run that has just ended; None where its recipe wants none, or where it was interrupted.

    What prevents it is told: nobody loses a training by a page about it.
    """
    try:
        if not run.recipe.evaluate.report or run.status == "interrupted":
            return None
        from danlu.report.writing import write_report

        return write_report(run)
    except DanluError as error:
        tell(say("report.failed", reason=str(error), run=run.path))
    except Exception as error:  # noqa: BLE001 - the run is whole; whatever is wrong with the page is said
        tell(say("report.failed", reason=f"{type(error).__name__}: {error}", run=run.path))
    return None
