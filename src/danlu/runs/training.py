"""``danlu.train`` and ``danlu.resume``: recipe → checks → fit → test, everything written into the run's folder."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from danlu import recipe as recipes
from danlu.data.table import Part
from danlu.errors import TrainingError
from danlu.messages import say
from danlu.recipe.names import spec_of
from danlu.recipe.schema import Recipe
from danlu.runs import baselines, claimed, kernels, thresholds, verdict, weights
from danlu.runs.assembling import Assembled, assemble, in_folder
from danlu.runs.captures import CaptureWriter
from danlu.runs.checking import examine
from danlu.runs.choices import timed
from danlu.runs.diagnosing import diagnose
from danlu.runs.environment import environment
from danlu.runs.folder import RunFolder
from danlu.runs.happening import Meter, before
from danlu.runs.pictures import draw_pictures
from danlu.runs.predictions import PredictionWriter, keeper
from danlu.runs.run import Run
from danlu.runs.taking_up import extra_state, taken_up, write_beginnings
from danlu.training.checkpoint import listed
from danlu.training.events import Evaluated, Event, Said, Watcher
from danlu.training.forecast.resident import give_back
from danlu.training.loop import Fitted, fit
from danlu.watch.choose import screen as choose_screen
from danlu.watch.journal import Journal, records

Screen = Any | Literal[False] | None


def train(recipe: Recipe | Mapping[str, Any] | str | Path | None = None, screen: Screen = None, **values: Any) -> Run:
    """Train a recipe and judge it on its test part.

    recipe: a :class:`Recipe`, a mapping, or the path of a YAML file; ``values`` are dotted overrides with ``__`` for the dot
    (``train__epochs=3``). screen: None chooses a live screen or plain lines; False is silent.
    Raises DanluError before step one for whatever can be known to be wrong.
    """
    return _train(recipes.complete(recipes.given(recipe, values)), screen)


def _train(recipe: Recipe, screen: Screen) -> Run:
    screen = choose_screen() if screen is None else screen
    meter = Meter()
    try:
        RunFolder.refuse_taken(recipe)
        log: list[tuple[str, float, str]] = []
        spec = spec_of(recipe.task, recipe.where("task"))
        assembled = assemble(recipe, spec, screen.progress if screen else None, timed(log))
        checked = examine(assembled, log, Path(recipe.run.folder))
        foreseen = before(assembled, log, meter)
        now = environment(assembled.recipe.seed, assembled.plan.device) | kernels.used(assembled.net, assembled.plan)
        folder = RunFolder.create(assembled.recipe, lambda folder: write_beginnings(folder, assembled, now))
        try:
            said = [(text, "info") for text in checked.choices] + [(text, "warning") for text in checked.warnings]
            said += kernels.lines(assembled.net, assembled.plan)
            return _fit_and_test(folder, assembled, screen, said, now, 1, meter, foreseen)
        finally:
            folder.release()
    finally:
        if screen:
            screen.close()


def resume(path: str | Path, screen: Screen = None) -> Run:
    """Continue a run from its newest sound checkpoint; a finished run is only judged again.

    What of the run's folder is damaged is said; it is mended where what is needed for that is left, else it is an error. So is
    what differs from when the checkpoint was written: recipe, environment.
    """
    meter = Meter()
    folder = RunFolder.open(path)
    folder.lock()
    screen = choose_screen() if screen is None else screen
    try:
        recipe = recipes.resolved(folder.recipe)
        attempts = [record["attempt"] for record in records(folder.events)] if folder.events.exists() else []
        log: list[tuple[str, float, str]] = []
        spec = spec_of(recipe.task, recipe.where("task"))
        assembled = assemble(recipe, spec, screen.progress if screen else None, timed(log))
        now = environment(assembled.recipe.seed, assembled.plan.device) | kernels.used(assembled.net, assembled.plan)
        said = taken_up(folder, assembled, now)
        checked = examine(assembled, log, folder.path)
        said = [(text, "warning") for text in checked.warnings] + said + kernels.lines(assembled.net, assembled.plan)
        if not attempts and listed(folder.checkpoints):
            said.append((say("runs.no-events"), "warning"))
        return _fit_and_test(folder, assembled, screen, said, now, 1 + max(attempts, default=0), meter, again=True)
    finally:
        folder.release()
        if screen:
            screen.close()


def _fit_and_test(
    folder: RunFolder,
    assembled: Assembled,
    screen: Screen,
    said: list[tuple[str, str]],
    now: dict[str, Any],
    attempt: int,
    meter: Meter,
    foreseen: list[Event] | None = None,
    again: bool = False,
) -> Run:
    """said: (text, level) of what a person should read first. now: the environment. again: from the newest checkpoint."""
    with ExitStack() as closing:
        journal = Journal(folder.events, attempt)
        closing.callback(journal.close)
        watchers: list[Watcher] = [journal, meter, *([screen] if screen else [])]
        if assembled.recipe.watch.tensorboard:
            from danlu.watch.tensorboard import TensorBoard

            board = TensorBoard(folder.tensorboard, histograms_every=assembled.recipe.watch.histograms_every)
            closing.callback(board.close)
            watchers.append(board)

        writer = None
        if assembled.plan.captures_every:
            writer = CaptureWriter(folder.captures, attempt)
            closing.callback(writer.close)
            watchers.append(writer)

        def tell(event: Event) -> None:
            for watcher in watchers:
                watcher.on(event)

        assembled.batches.settle()
        if assembled.batches.crowded:
            said = [*said, (say("runs.gpu-full"), "warning")]
        for text, level in said:
            tell(Said(0, 0, text, level))
        for event in foreseen or ():
            tell(event)
        judge = assembled.judge("val", tell=tell) if len(assembled.data.parts.get("val", ())) else None
        try:
            fitted = fit(
                assembled.net,
                assembled.objective,
                assembled.batches,
                in_folder(assembled, folder, extra_state(assembled, now)),
                judge=judge,
                watchers=watchers,
                resume=again,
            )
        except TrainingError as error:
            if writer is not None:
                writer.close()
            if not diagnose(folder, tell):
                raise
            hint = say("health.stopped", path=folder.path)
            told = [replace(one, remedy=one.remedy + " " * one.remedy.endswith(".") + hint) for one in error.problems]
            raise TrainingError(told) from error
        if fitted.reason != "interrupted":
            give_back()  # what training has freed: the baselines need as much again
            _test(folder, assembled, fitted, tell)
            _beside(folder, assembled, fitted, screen, tell)
            diagnose(folder, tell, fitted.steps, max(fitted.best_epoch, 0))
            for picture in draw_pictures(folder, assembled, fitted.net):
                for watcher in watchers:
                    if hasattr(watcher, "picture"):
                        watcher.picture(*picture)
            if not again:
                tell(meter.happened(folder.path, assembled.device, fitted.steps, max(fitted.best_epoch, 0)))
    return Run(folder.path, assembled.data)


def _test(folder: RunFolder, assembled: Assembled, fitted: Fitted, tell: Any) -> None:
    """Judge the chosen weights on the test part, writing down every prediction by sample id; on the validation part too."""
    if assembled.recipe.evaluate.weights == "best":
        weights.secure(folder, lambda text: tell(Said(fitted.steps, max(fitted.best_epoch, 0), text, "warning")))
    weights.put_into(fitted.net, weights.chosen(folder, assembled.recipe), folder)
    at = fitted.steps, max(fitted.best_epoch, 0)
    thresholds.tune(folder, assembled, fitted.net, lambda text: tell(Said(*at, text)))
    if len(assembled.data.parts.get("val", ())):
        with PredictionWriter(folder.predictions / "val.parquet") as writer:
            assembled.judge("val", keep=keeper(assembled, writer), tell=tell)(fitted.net)
    if not len(assembled.data.parts.get("test", ())):
        return
    began = time.perf_counter()
    with PredictionWriter(folder.predictions / "test.parquet") as writer:
        judged = assembled.judge("test", keep=keeper(assembled, writer), tell=tell)(fitted.net)
    seconds = time.perf_counter() - began
    epoch = max(fitted.best_epoch, 0)
    tell(Evaluated(fitted.steps, epoch, "test", dict(judged.values), dict(judged.intervals), False, seconds))


def _beside(folder: RunFolder, assembled: Assembled, fitted: Fitted, screen: Screen, tell: Any) -> None:
    """The baselines on the parts that the net was judged on, and whether it beats them."""
    judged: tuple[Part, ...] = ("val", "test")
    parts = [part for part in judged if len(assembled.data.parts.get(part, ()))]
    if not assembled.recipe.evaluate.baselines or not parts:
        return
    at = fitted.steps, max(fitted.best_epoch, 0)
    progress = screen.progress if screen else None
    entries = baselines.judge(assembled, folder, parts, progress, lambda text: tell(Said(*at, text)))
    for part in parts:
        found = verdict.compared(entries, part, *at)
        if found is not None:
            tell(found)
    claimed.claim(assembled, folder, entries, parts, progress, lambda text: tell(Said(*at, text)))
