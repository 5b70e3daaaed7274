"""``danlu.health``: what ails a run, from what its folder holds. Loads no torch; works while the run goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from danlu.errors import Problem
from danlu.messages import say
from danlu.runs.folder import RunFolder
from danlu.runs.recorded import recording
from danlu.runs.run import Run
from danlu.training.events import Diagnosed, Event, Said
from danlu.watch.health.rules import verdicts
from danlu.watch.health.verdict import Verdict


def health(run: str | Path | Run, problems: list[Problem] | None = None) -> tuple[Verdict, ...]:
    """What ails the run, causes first; empty where nothing is found.

    run: a run's folder, or one in which an own loop left ``events.jsonl`` (:class:`danlu.watch.journal.Journal`) and ``captures/``
    (:class:`danlu.runs.captures.CaptureWriter`). What was not recorded is not judged, nor what is damaged: that is added to
    ``problems``. Texts are in the current language. Raises RunError where there is nothing to read.
    """
    return verdicts(recording(run, problems))


def diagnose(folder: RunFolder, tell: Callable[[Event], None], step: int = 0, epoch: int = 0) -> bool:
    """Tell the verdicts on a run that has just ended; whether there are any. Nothing that goes wrong with them spoils a training."""
    try:
        found = verdicts(recording(folder.path))
    except Exception as error:  # noqa: BLE001 - the run is whole; whatever is wrong with its verdicts is said
        text = say("health.failed", reason=f"{type(error).__name__}: {error}".partition("\n")[0])
        tell(Said(step, epoch, text, "warning"))
        return False
    for one in found:
        layers = tuple(dict.fromkeys(layer for evidence in one.evidence for layer in evidence.layers))
        texts = tuple(evidence.text for evidence in one.evidence)
        tell(Diagnosed(step, epoch, one.name, one.severity, one.text, texts, layers, one.remedy, dict(one.patch)))
    return bool(found)
