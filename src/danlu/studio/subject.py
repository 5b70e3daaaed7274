"""What the page is about: a run, or the small net where none was named. Loads torch only when it is asked something."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from danlu.errors import RunError
from danlu.messages import say

if TYPE_CHECKING:
    from danlu.learn.rate import Bench
    from danlu.learn.stage import Stage

LESSONS = ("chain", "slope", "activation", "rate")


class Subject:
    """Every method but ``name`` and ``offers`` is called in one thread only.

    Diagrams are of what a run's folder holds when they are asked for; lessons go on with the weights that it held the first time.
    """

    def __init__(self, run: Path | None = None) -> None:
        """Raises RunError where the folder holds no run."""
        self._run = run
        if run is not None and not (run / "recipe.yaml").is_file():
            raise RunError.of(str(run), say("runs.no-run"), say("runs.no-run.remedy"))
        self.name = None if run is None else run.resolve().name
        self._stage: Stage | None = None
        self._benches: dict[Stage, Bench] = {}

    def offers(self, lesson: str) -> bool:
        return lesson in LESSONS

    def diagrams(self, of: str, stop: Event) -> dict[str, Any]:
        """of: "run" or "builtin"; the run's, where there is one, for anything else."""
        from danlu.learn import diagrams

        return diagrams.of_builtin(stop) if self._run is None or of == "builtin" else diagrams.of_run(self._run)

    def lesson(self, name: str, of: str, controls: Mapping[str, Any], stop: Event) -> dict[str, Any]:
        """A lesson's data. Raises pydantic's ValidationError for controls that it doesn't have, DanluError."""
        from danlu.learn.limits import Limit

        if name == "chain":
            from danlu.learn.chain import ChainAsked, chain

            return chain(ChainAsked.model_validate(controls))
        if name == "slope":
            from danlu.learn.slope import SlopeAsked, slope

            return slope(self._on(of, stop), SlopeAsked.model_validate(controls), Limit(stop=stop))
        if name == "activation":
            from danlu.learn.activation import ActivationAsked, activation

            return activation(self._on(of, stop), ActivationAsked.model_validate(controls))
        from danlu.learn.rate import RateAsked

        return self._bench(self._on(of, stop)).rate(RateAsked.model_validate(controls), Limit(stop=stop))

    def _on(self, of: str, stop: Event) -> Stage:
        if self._run is None or of == "builtin":
            from danlu.learn.builtin import builtin

            return builtin(stop).stage
        if self._stage is None:
            from danlu.learn.own import own

            self._stage = own(self._run, stop)
        return self._stage

    def _bench(self, stage: Stage) -> Bench:
        from danlu.learn.rate import Bench

        if stage not in self._benches:
            self._benches[stage] = Bench(stage)
        return self._benches[stage]
