"""``danlu.train`` and ``danlu.resume``: recipe → checks → fit → test, everything written into the run's folder."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from danlu import recipe as recipes
from danlu.errors import RunError
from danlu.messages import say
from danlu.recipe.names import spec_of
from danlu.recipe.schema import Recipe
from danlu.runs import weights
from danlu.runs.assembling import Assembled, assemble, in_folder
from danlu.runs.checking import Checked, examine
from danlu.runs.choices import timed
from danlu.runs.columns import describe
from danlu.runs.environment import differences, environment
from danlu.runs.folder import RunFolder
from danlu.runs.pictures import draw_pictures
from danlu.runs.predictions import PredictionWriter, keeper, write_membership
from danlu.runs.run import Run
from danlu.training.events import Evaluated, Event, Said, Watcher
from danlu.training.loop import Fitted, fit
from danlu.watch.choose import screen as choose_screen
from danlu.watch.journal import Journal, read

Screen = Any | Literal[False] | None


def train(recipe: Recipe | Mapping[str, Any] | str | Path | None = None, screen: Screen = None, **values: Any) -> Run:
    """Train a recipe and judge it on its test part.

    recipe: a :class:`Recipe`, a mapping, or the path of a YAML file; ``values`` are dotted overrides with ``__`` for the dot
    (``train__epochs=3``). screen: None chooses a live screen or plain lines; False is silent.
    Raises DanluError before step one for whatever can be known to be wrong.
    """
    return _train(recipes.complete(_recipe(recipe, values)), screen)


def _train(recipe: Recipe, screen: Screen) -> Run:
    screen = choose_screen() if screen is None else screen
    try:
        RunFolder.refuse_taken(recipe)
        log: list[tuple[str, float, str]] = []
        spec = spec_of(recipe.task, recipe.where("task"))
        assembled = assemble(recipe, spec, screen.progress if screen else None, timed(log))
        checked = examine(assembled, log, Path(recipe.run.folder))
        folder = RunFolder.create(assembled.recipe)
        try:
            _write_beginnings(folder, assembled)
            return _fit_and_test(folder, assembled, screen, checked, attempt=1)
        finally:
            folder.release()
    finally:
        if screen:
            screen.close()


def resume(path: str | Path, screen: Screen = None) -> Run:
    """Continue a run from its newest sound checkpoint; a finished run is only judged again."""
    folder = RunFolder.open(path)
    folder.lock()
    screen = choose_screen() if screen is None else screen
    try:
        recipe = recipes.complete(recipes.load(folder.recipe))
        log: list[tuple[str, float, str]] = []
        spec = spec_of(recipe.task, recipe.where("task"))
        assembled = assemble(recipe, spec, screen.progress if screen else None, timed(log))
        before, now = _fingerprint(folder.read_json(folder.card)), _fingerprint(assembled.data.card)
        if before != now:
            raise RunError.of(str(folder.path), say("runs.data-changed"), say("runs.data-changed.remedy"))
        checked = examine(assembled, log, folder.path)
        attempt = 1 + max((event["attempt"] for event in read(folder.events)), default=0)
        return _fit_and_test(folder, assembled, screen, checked, attempt)
    finally:
        folder.release()
        if screen:
            screen.close()


def _recipe(recipe: Recipe | Mapping[str, Any] | str | Path | None, values: Mapping[str, Any]) -> Recipe:
    overrides = {name.replace("__", "."): value for name, value in values.items()}
    if isinstance(recipe, (str, Path)):
        recipe = recipes.load(recipe)
    elif recipe is None or isinstance(recipe, Mapping):
        recipe = recipes.from_dict(recipe or {})
    return recipes.patch(recipe, overrides) if overrides else recipe


def _write_beginnings(folder: RunFolder, assembled: Assembled) -> None:
    folder.recipe.write_text(recipes.dump(assembled.recipe), encoding="utf-8")
    folder.write_json(folder.environment, environment(assembled.recipe.seed, assembled.plan.device))
    folder.write_json(folder.card, dict(assembled.data.card))
    folder.write_json(folder.columns, describe(assembled.data))
    write_membership(folder.membership, assembled.data)


def _fit_and_test(folder: RunFolder, assembled: Assembled, screen: Screen, checked: Checked, attempt: int) -> Run:
    journal = Journal(folder.events, attempt)
    watchers: list[Watcher] = [journal] + ([screen] if screen else [])
    if assembled.recipe.watch.tensorboard:
        from danlu.watch.tensorboard import TensorBoard

        watchers.append(TensorBoard(folder.tensorboard, histograms_every=assembled.recipe.watch.histograms_every))

    def tell(event: Event) -> None:
        for watcher in watchers:
            watcher.on(event)

    try:
        for text in checked.choices:
            tell(Said(0, 0, text))
        for text in checked.warnings + _environment_changes(folder, assembled):
            tell(Said(0, 0, text, "warning"))
        judge = assembled.judge("val", tell=tell) if len(assembled.data.parts.get("val", ())) else None
        fitted = fit(
            assembled.net,
            assembled.objective,
            assembled.batches,
            in_folder(assembled, folder),
            judge=judge,
            watchers=watchers,
            resume=attempt > 1,
        )
        if fitted.reason != "interrupted":
            _test(folder, assembled, fitted, tell)
            for picture in draw_pictures(folder, assembled, fitted.net):
                for watcher in watchers:
                    if hasattr(watcher, "picture"):
                        watcher.picture(*picture)
    finally:
        for watcher in watchers:
            if watcher is not screen:
                watcher.close()
    return Run(folder.path)


def _test(folder: RunFolder, assembled: Assembled, fitted: Fitted, tell: Any) -> None:
    """Judge the chosen weights on the test part, writing down every prediction by sample id."""
    fitted.net.load_state_dict(weights.chosen(folder, assembled.recipe))
    if not len(assembled.data.parts.get("test", ())):
        return
    began = time.perf_counter()
    with PredictionWriter(folder.predictions / "test.parquet") as writer:
        judged = assembled.judge("test", keep=keeper(assembled, writer), tell=tell)(fitted.net)
    seconds = time.perf_counter() - began
    epoch = max(fitted.best_epoch, 0)
    tell(Evaluated(fitted.steps, epoch, "test", dict(judged.values), dict(judged.intervals), False, seconds))


def _environment_changes(folder: RunFolder, assembled: Assembled) -> list[str]:
    before = folder.read_json(folder.environment)
    found = differences(before, environment(assembled.recipe.seed, assembled.plan.device))
    return [say("runs.environment-differs", differences="; ".join(found))] if found else []


def _fingerprint(card: Mapping[str, Any]) -> Any:
    return card.get("fingerprint")
