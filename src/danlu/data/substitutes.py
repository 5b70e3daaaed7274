"""A table whose columns are called otherwise than those that a run has learnt from: which are taken for them, and what is told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from danlu.data.progress import Progress
from danlu.data.reading import read
from danlu.data.sources._mapping import listed, plain
from danlu.data.table import Guess, Table
from danlu.errors import DataError
from danlu.messages import say
from danlu.recipe import patch
from danlu.recipe.schema import Recipe
from danlu.recipe.spec import Column

_KEY = "data.columns."


def read_as_learnt(
    recipe: Recipe,
    wanted: Mapping[str, Column],
    progress: Progress | None = None,
    *,
    tell: Callable[[str], None],
    named: Collection[str] = (),
) -> tuple[str, Table]:
    """:func:`danlu.data.reading.read`; a column of ``recipe.data.columns`` that is not there is found by its usual names.

    tell: hears which column was taken for which. named: those that nothing else may stand for (a label that a recipe names: by another
    one a score would mean nothing). Raises DataError for these, for a column that can't be found, and where several could be it.
    """
    learnt = recipe.data.columns
    try:
        source, table = read(recipe, wanted, progress)
    except DataError as error:
        missing = {problem.where.partition(_KEY)[2].rstrip(")") for problem in error.problems if _KEY in problem.where}
        if len(missing) < len(error.problems) or not missing <= learnt.keys() or missing & set(named):
            raise
        recipe = patch(
            recipe, {"data.columns": {name: column for name, column in learnt.items() if name not in missing}}
        )
        try:
            source, table = read(recipe, wanted, progress)
        except DataError:
            raise error from None
    for name, guess in table.guessed.items():
        expected = learnt.get(name, name)
        told = _substituted(recipe.data.source, expected if isinstance(expected, str) else name, guess)
        if told:
            tell(told)
    return source, table


def _substituted(file: str, expected: str, guess: Guess) -> str:
    """What is told of a column that was taken by its name; nothing where it has the name that was learnt. Raises DataError."""
    if isinstance(guess.column, str) and plain(guess.column) == plain(expected):
        return ""
    if guess.others and isinstance(guess.column, str):
        what = say("data.columns.substitutes", column=expected, columns=listed([guess.column, *guess.others]))
        raise DataError.of(file, what, say("data.columns.substitutes.remedy", column=expected))
    return say("data.columns.substituted", file=file, column=expected, found=guess.column)
