"""What a run's folder holds, read once for all sections of its report. Loads no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from danlu.errors import DanluError, Problem
from danlu.evaluation import calibration, classes, confusion, fitting, residuals, suspicious
from danlu.evaluation.calibration import Calibration, Mended
from danlu.evaluation.predictions import ClassPredictions, NumberPredictions, Predictions
from danlu.messages import say
from danlu.recipe.names import spec_of
from danlu.recipe.schema import Recipe
from danlu.recipe.spec import TaskSpec
from danlu.runs import captures
from danlu.runs.judged import of_file
from danlu.runs.run import Run
from danlu.training.events import Compared
from danlu.watch import history
from danlu.watch.health.series import Layer, Parameter, layers_of, parameters_of
from danlu.watch.health.verdict import Verdict
from danlu.watch.history import Steps, Values

if TYPE_CHECKING:
    from danlu.data.dataset import Dataset

_TESTED = ("test", "val")  # the part that is judged, the best of those that are there


def unmade(what: str, error: Exception) -> Problem:
    """A part of the page that is missing, with the reason."""
    if isinstance(error, DanluError):
        return Problem(what, str(error))
    return Problem(what, say("report.unmade", reason=f"{type(error).__name__}: {error}"))


class Remembered(Run):
    """A run that reads its events once, without those of single steps, of which there may be millions. problems: damaged lines."""

    def __init__(self, path: str | Path, data: Dataset | None, problems: list[Problem]) -> None:
        super().__init__(path, data)
        self._problems = problems

    def events(self) -> Iterator[dict[str, Any]]:
        return iter(self._events)

    @cached_property
    def _events(self) -> list[dict[str, Any]]:
        if not self.folder.events.is_file():
            return []
        found = history.records(self.folder.events, self._problems)
        return [record for record in found if record["type"] != "steps-done"]


@dataclass(frozen=True)
class Facts:
    """Lazily read; what is missing or damaged is empty, and ``problems`` say so. data: where a training that just ended holds them."""

    run: Run
    problems: list[Problem]
    data: Dataset | None = None

    @classmethod
    def of(cls, run: str | Path | Run) -> Facts:
        """Raises RunError where there is no run."""
        opened, problems = run if isinstance(run, Run) else Run(run), list[Problem]()
        return cls(Remembered(opened.path, opened.data, problems), problems, opened.data)

    @cached_property
    def recipe(self) -> Recipe:
        return self.run.recipe

    @cached_property
    def status(self) -> str:
        """As the run says; and "refused", where a step was not finite and training stopped for it."""
        found = self.run.status
        refused = self.last("non-finite") or {}
        return "refused" if found == "stopped" and refused.get("action") == "stop" else found

    @cached_property
    def spec(self) -> TaskSpec | None:
        """None where the application can't be found: somebody's own, elsewhere."""
        try:
            return spec_of(self.recipe.task, "recipe.yaml (task)")
        except DanluError as error:
            self.problems.extend(error.problems)
            return None

    @cached_property
    def card(self) -> dict[str, Any]:
        return self._json(self.run.folder.card)

    def called(self, column: str) -> str:
        """A task's column by the name that the data's file has for it, where the file names it and it is one column alone."""
        told = self.card.get("columns", {}).get(column, {})
        found = told.get("called") or self.recipe.data.columns.get(column)
        return found if isinstance(found, str) else column

    @cached_property
    def thresholds(self) -> dict[str, Any]:
        """Those that were tuned; empty where none were."""
        path = self.run.folder.thresholds
        return self._json(path) if path.exists() else {}

    @cached_property
    def columns(self) -> dict[str, Any]:
        return self._json(self.run.folder.columns)

    @cached_property
    def environment(self) -> dict[str, Any]:
        return self._json(self.run.folder.environment)

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """All events but those of single steps."""
        return list(self.run.events())

    def last(self, kind: str) -> dict[str, Any] | None:
        """The last event of a kind."""
        return next((record for record in reversed(self.records) if record["type"] == kind), None)

    @cached_property
    def curves(self) -> Mapping[str, tuple[Steps, Values]]:
        return history.curves(self.run.folder.events, []) if self.run.folder.events.is_file() else {}

    @cached_property
    def best_step(self) -> int | None:
        """The step of the best evaluation by the monitored metric."""
        judged = [one for one in self.records if one["type"] == "evaluated" and one["part"] == "val"]
        return next((int(one["step"]) for one in reversed(judged) if one.get("best")), None)

    @cached_property
    def monitor(self) -> str:
        started = self.last("fit-started")
        return str(started.get("monitor") or "") if started else ""

    @cached_property
    def steps_per_epoch(self) -> int:
        started = self.last("fit-started")
        return max(1, int(started["steps_per_epoch"])) if started else 1

    @cached_property
    def fit(self) -> fitting.Fit | None:
        """Where the rules of health, which know more than the curves, say otherwise, as they say."""
        found = fitting.fit_of(self.curves, self.steps_per_epoch)
        return None if found is None else fitting.agreed(found, {one.name for one in self.health})

    @cached_property
    def health(self) -> tuple[Verdict, ...]:
        """What ails the run, causes first."""
        try:
            return self.run.health()
        except Exception as error:  # noqa: BLE001 - damaged files may hold anything; the figures that are sound are shown all the same
            self.problems.append(unmade(say("report.health"), error))
            return ()

    @property
    def looked(self) -> bool:
        """Whether anything was seen inside the net."""
        return bool(self.parameters)

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """In the order of the net."""
        return parameters_of(self._captured("parameters"))

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """In the order of the net."""
        return layers_of(self.layer_columns)

    @cached_property
    def layer_columns(self) -> dict[str, np.ndarray]:
        """Of every layer in every look, see :class:`danlu.training.events.LayerFigures`."""
        return self._captured("layers")

    def _captured(self, name: str) -> dict[str, np.ndarray]:
        try:
            return captures.read(self.run.folder.captures, name)
        except DanluError as error:
            self.problems.extend(error.problems)
            return {}

    @cached_property
    def baselines(self) -> dict[str, dict[str, Any]]:
        try:
            return self.run.baselines
        except DanluError as error:
            self.problems.extend(error.problems)
            return {}

    @cached_property
    def part(self) -> str:
        """ "test", or "val" where nothing was tested; "" where nothing was judged."""
        return next((part for part in _TESTED if self.path(part).is_file()), "")

    @property
    def confidence(self) -> float:
        return self.recipe.evaluate.confidence

    @cached_property
    def metrics(self) -> dict[str, float]:
        return self.run.metrics

    @cached_property
    def intervals(self) -> dict[str, tuple[float, float]]:
        return self.run.intervals

    def compared(self) -> Compared | None:
        """The net beside its best baseline."""
        try:
            return self.run.compared() or self.run.compared("val")
        except DanluError:  # told with the baselines
            return None

    def path(self, part: str) -> Path:
        found: Path = self.run.folder.predictions / f"{part}.parquet"
        return found

    def predictions(self, part: str) -> Predictions | None:
        """Of exclusive classes or numbers; None for anything else and where there are none."""
        return self._predictions.get(part)

    @cached_property
    def _predictions(self) -> dict[str, Predictions]:
        found = {}
        for part in _TESTED if self.columns else ():
            if self.path(part).is_file():
                try:
                    read = of_file(self.path(part), self.columns, part)
                except DanluError as error:
                    self.problems.extend(error.problems)
                    continue
                if read is not None and len(read):
                    found[part] = read
        return found

    @property
    def classified(self) -> ClassPredictions | None:
        found = self.predictions(self.part)
        return found if isinstance(found, ClassPredictions) else None

    @property
    def numbers(self) -> NumberPredictions | None:
        found = self.predictions(self.part)
        return found if isinstance(found, NumberPredictions) else None

    @cached_property
    def confusion(self) -> confusion.Confusion | None:
        return None if self.classified is None else confusion.confusion(self.classified)

    @cached_property
    def class_table(self) -> list[classes.ClassFigures]:
        if self.confusion is None:
            return []
        return classes.class_table(self.confusion.matrix, self.confusion.classes, self.confidence)

    @cached_property
    def calibration(self) -> Calibration | None:
        return None if self.classified is None else calibration.calibration(self.classified, confidence=self.confidence)

    @cached_property
    def mended(self) -> Mended | None:
        """With the temperature that the validation part asks for."""
        val = self.predictions("val")
        if self.part == "val" or self.classified is None or not isinstance(val, ClassPredictions):
            return None
        return calibration.mended(self.classified, val, confidence=self.confidence)

    @cached_property
    def residuals(self) -> residuals.Residuals | None:
        return None if self.numbers is None else residuals.residuals(self.numbers, self.confidence)

    @cached_property
    def suspicion(self) -> dict[str, suspicious.Suspicion]:
        """Part → labels that are probably wrong in it; of none where chance decides them."""
        if self.spec is not None and self.spec.chancy:
            return {}
        found = {part: self.predictions(part) for part in _TESTED}
        return {part: suspicious.suspicious(one) for part, one in found.items() if isinstance(one, ClassPredictions)}

    def _json(self, path: Path) -> dict[str, Any]:
        try:
            return self.run.folder.read_json(path)
        except DanluError as error:
            self.problems.extend(error.problems)
            return {}
