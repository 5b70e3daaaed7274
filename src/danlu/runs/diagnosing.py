"""``danlu.health``: what ails a run, from what its folder holds. Loads no torch; works while the run goes on."""

from __future__ import annotations

from pathlib import Path

from danlu.runs.recorded import recording
from danlu.runs.run import Run
from danlu.watch.health.rules import verdicts
from danlu.watch.health.verdict import Verdict


def health(run: str | Path | Run) -> tuple[Verdict, ...]:
    """What ails the run, causes first; empty where nothing is found.

    run: a run's folder, or one in which an own loop left ``events.jsonl`` (:class:`danlu.watch.journal.Journal`) and ``captures/``
    (:class:`danlu.runs.captures.CaptureWriter`). What was not recorded is not judged. Texts are in the current language.
    Raises RunError where there is nothing to read.
    """
    return verdicts(recording(run))
