"""A run, as a person holds it: its folder, its recipe, what it reached."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from danlu import recipe as recipes
from danlu.recipe.schema import Recipe
from danlu.runs import verdict
from danlu.runs.folder import RunFolder
from danlu.training.events import Compared
from danlu.watch.journal import read

if TYPE_CHECKING:
    from danlu.data.dataset import Dataset
    from danlu.watch.health.verdict import Verdict


class Run:
    """A view of a run's folder; everything in it is read from there.

    status: "running", "finished", "early-stop", "interrupted" or "stopped" (it ended without a word). data: open already, where
    the training has just ended; else None.
    """

    def __init__(self, path: str | Path, data: Dataset | None = None) -> None:
        self.folder = RunFolder.open(path)
        self.path = self.folder.path
        self.data = data

    def __repr__(self) -> str:
        found = ", ".join(f"{name} {value:.4f}" for name, value in self.metrics.items() if name.startswith("test/"))
        return f"Run({str(self.path)!r}, {self.status}{', ' + found if found else ''})"

    @property
    def recipe(self) -> Recipe:
        return recipes.load(self.folder.recipe)

    def events(self) -> Iterator[dict[str, Any]]:
        return iter(read(self.folder.events)) if self.folder.events.is_file() else iter(())

    @property
    def status(self) -> str:
        if self.folder.in_use():
            return "running"
        reasons = [event["reason"] for event in self.events() if event["type"] == "fit-done"]
        return reasons[-1] if reasons else "stopped"

    @property
    def skipped(self) -> int:
        """Steps that were left out because they were NaN or infinite (``train.non_finite: skip``)."""
        told = [event.get("skipped", 0) for event in self.events() if event["type"] == "fit-done"]
        return told[-1] if told else 0

    @property
    def metrics(self) -> dict[str, float]:
        """ "val/accuracy" of the best evaluation, "test/accuracy" of the last test."""
        return _merged(self.events(), "values")

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        return {name: (low, high) for name, (low, high) in _merged(self.events(), "intervals").items()}

    @property
    def baselines(self) -> verdict.Entries:
        """Name → what ``baselines.json`` holds of it; empty where they were never judged."""
        return verdict.kept(self.folder)

    def compared(self, part: str = "test") -> Compared | None:
        """The net beside its best baseline on a part; None where they were not judged there."""
        return verdict.compared(self.baselines, part)

    def health(self) -> tuple[Verdict, ...]:
        """What ails the run; see :func:`danlu.health`."""
        from danlu.runs.diagnosing import health

        return health(self)

    @property
    def ailments(self) -> list[dict[str, Any]]:
        """The verdicts on its health that were told when it last ended: name, severity, text, evidence, layers, remedy, patch."""
        own = ("name", "severity", "text", "evidence", "layers", "remedy", "patch")
        found: list[dict[str, Any]] = []
        for event in self.events():
            if event["type"] == "fit-started":
                found = []
            elif event["type"] == "diagnosed":
                found.append({key: event[key] for key in own})
        return found

    def predict(self, inputs: Iterable[Any]) -> list[dict[str, Any]]:
        """One answer for each raw input (path, bytes or array)."""
        from danlu.runs.predicting import load

        return load(self.path).predict(inputs)


def _merged(events: Iterable[Mapping[str, Any]], field: str) -> dict[str, Any]:
    """The last evaluation of each part; of the validation part, the best."""
    found: dict[str, Any] = {}
    for event in events:
        if event["type"] == "evaluated" and (event["part"] != "val" or event.get("best")):
            found |= event.get(field) or {}
    return found
