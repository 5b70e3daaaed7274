"""From the words after a command to a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from danlu.cli._parser import Parser, did_you_mean
from danlu.errors import RunError
from danlu.messages import say

if TYPE_CHECKING:
    from danlu.recipe.schema import Recipe

USAGE = "[RECIPE] [KEY=VALUE…]"


def recipe_arguments(parser: Parser) -> None:
    """``[RECIPE] [KEY=VALUE…]`` as one list: a recipe is the first word, unless that is a change itself."""
    parser.add_argument("words", nargs="*", metavar="RECIPE", help=say("cli.train.recipe"))
    parser.epilog = f"KEY=VALUE: {say('cli.train.overrides')}"


def read_recipe(parser: Parser, words: Sequence[str]) -> Recipe:
    """The complete recipe that ``words`` mean. Whatever is wrong in it is told here, before torch is imported."""
    from danlu import recipe as recipes

    return recipes.complete(_read(parser, words))


def _read(parser: Parser, words: Sequence[str]) -> Recipe:
    """From a YAML file, data for the default recipe, a task's default recipe, or nothing."""
    from danlu import recipe as recipes

    first, changes = _divide(words)
    for word in changes:
        if "=" not in word:
            raise parser.mistake(say("cli.two-recipes", word=word), say("cli.write-overrides"))
    if first is None:
        return recipes.from_dict({}, changes)
    path = Path(first)
    from danlu.recipe.names import tasks

    known = tasks()
    if first in known:
        return recipes.from_dict({"task": first}, changes)
    if path.suffix.lower() in {".yaml", ".yml"}:
        return recipes.load(path, changes)
    if (path / "recipe.yaml").is_file():
        remedy = say("cli.resume-or-again", path=first, recipe=path / "recipe.yaml")
        raise RunError.of(first, say("cli.is-a-run", path=first), remedy)
    if path.exists() or first.startswith("builtin:"):
        return recipes.from_dict({"data": {"source": first}}, changes)
    remedy = did_you_mean(first, list(known)) or say("cli.name-recipe", tasks=", ".join(known))
    raise parser.mistake(say("cli.no-recipe", path=first), remedy)


def _divide(words: Sequence[str]) -> tuple[str | None, Sequence[str]]:
    """(recipe, changes). A first word with ``=`` is a change, unless there is a file of that name."""
    if words and ("=" not in words[0] or Path(words[0]).exists()):
        return words[0], words[1:]
    return None, words
