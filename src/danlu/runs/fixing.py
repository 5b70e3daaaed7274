"""``danlu fix``: the patches of a run's verdicts, put together into a new recipe. Loads no torch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from danlu import recipe as recipes
from danlu.errors import Problem, RecipeError, RunError
from danlu.messages import say
from danlu.recipe.brief import brief, written
from danlu.recipe.schema import Recipe
from danlu.recipe.writing import shown
from danlu.runs.recorded import automatic
from danlu.runs.run import Run
from danlu.watch.health.verdict import Verdict


@dataclass(frozen=True)
class Change:
    """One key of a patch. value: the new one; before: the run's. verdicts: names of those that ask for it."""

    key: str
    value: Any
    before: Any
    verdicts: tuple[str, ...]


@dataclass(frozen=True)
class Fixed:
    """recipe: complete. text: the same as YAML, as its user would write it, with a comment where it answers a verdict."""

    recipe: Recipe
    changes: tuple[Change, ...]
    text: str


def fix(run: Run, verdicts: Sequence[Verdict]) -> Fixed:
    """The run's recipe with the patches of ``verdicts``.

    Raises RunError where they have none, or contradict each other, and RecipeError where what comes of them is no recipe.
    """
    before = recipes.resolved(run.folder.recipe)
    changes = merged(verdicts, before, str(run.path))
    if not changes:
        raise RunError.of(str(run.path), say("health.nothing-to-apply"), say("health.nothing-to-apply.remedy"))
    values = dict.fromkeys(automatic(run.folder), "auto") | {change.key: change.value for change in changes}
    if before.run.name:
        values["run.name"] = _free(Path(before.run.folder), before.run.name)
    after = recipes.complete(recipes.patch(before, values))
    notes = {change.key: _note(change) for change in changes}
    tree = brief(after, keep=notes)
    text = written(tree, notes, say("health.head", run=run.path))
    again = recipes.complete(recipes.from_text(text, name="recipe"))
    if recipes.dump(again) != recipes.dump(after):
        raise RecipeError.of(str(run.path), say("health.not-the-same"))
    return Fixed(again, changes, text)


def merged(verdicts: Iterable[Verdict], before: Recipe, where: str = "") -> tuple[Change, ...]:
    """One change a key. Of two numbers on the same side of the run's the one farther from it is taken.

    Raises RunError with everything that verdicts contradict each other in.
    """
    found: dict[str, Change] = {}
    problems = []
    for verdict in verdicts:
        for key, value in verdict.patch.items():
            now = _value(before, key)
            own = Change(key, value, now, (verdict.name,))
            other = found.get(key)
            joined = own if other is None else _joined(other, own)
            if joined is None and other is not None:
                what = say(
                    "health.contradiction",
                    key=key,
                    one=other.verdicts[-1],
                    value=shown(other.value),
                    other=verdict.name,
                    wanted=shown(value),
                )
                problems.append(Problem(where, what, say("health.contradiction.remedy")))
            elif joined is not None:
                found[key] = joined
    if problems:
        raise RunError(problems)
    return tuple(found.values())


def _joined(one: Change, other: Change) -> Change | None:
    """None where they contradict each other."""
    names = (*one.verdicts, *other.verdicts)
    if _plain(one.value) == _plain(other.value):
        return Change(one.key, one.value, one.before, names)
    numbers = [one.before, one.value, other.value]
    if not all(isinstance(number, int | float) and not isinstance(number, bool) for number in numbers):
        return None
    before, first, second = numbers
    if (first - before) * (second - before) <= 0:
        return None
    farther = max((first, second), key=lambda value: abs(value - before))
    return Change(one.key, farther, one.before, names)


def _value(recipe: Recipe, key: str) -> Any:
    """What now stands at a dotted key; None where there is none."""
    found: Any = recipe
    for step in key.split("."):
        found = found.get(step) if isinstance(found, Mapping) else getattr(found, step, None)
    return found


def _plain(value: Any) -> str:
    return shown(value, 10_000)


def _note(change: Change) -> str:
    names = ", ".join(change.verdicts)
    return " ".join(
        say("health.answers", verdicts=names, before="–" if change.before is None else shown(change.before)).split()
    )


def _free(folder: Path, name: str) -> str:
    """A name that no run has yet."""
    stem = re.sub(r"-fixed(-\d+)?$", "", name)
    names = [f"{stem}-fixed", *(f"{stem}-fixed-{number}" for number in range(2, 1000))]
    return next(each for each in names if not (folder / each).exists())
