"""What to do about rows that can't be used: list them; give up where they are too many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from danlu.data.cache.rows import BadRow
from danlu.data.table import Table
from danlu.errors import DataError, Problem
from danlu.messages import say
from danlu.recipe.schema import Recipe

_SHOWN = 8
_MOSTLY = 0.5


def judge_objects(recipe: Recipe, table: Table, *, taught: bool) -> None:
    """Raises DataError where the greater part of the objects on images was left out (more than ``data.max_bad`` where that is more
    than half), or, where a net is to be taught, where there is none: all they show would be learnt as background.
    """
    if table.objects is None:
        return
    total = table.objects + len(table.lost)
    if len(table.lost) > max(_MOSTLY, recipe.data.max_bad) * total:
        head = Problem(recipe.where("data.source"), lost(table), say("boxes.lost.remedy"))
        raise DataError([head, *(Problem(origin, reason) for origin, reason in table.lost[:_SHOWN])])
    if taught and not table.objects:
        raise DataError.of(recipe.where("data.source"), say("boxes.no-objects"), say("boxes.no-objects.remedy"))


def lost(table: Table) -> str:
    """How many objects of a table were left out, and why most often."""
    reasons = Counter(reason for _, reason in table.lost)
    often = reasons.most_common(1)[0][0]
    where = next(origin for origin, reason in table.lost if reason == often)
    return say(
        "boxes.lost", lost=len(table.lost), all=(table.objects or 0) + len(table.lost), reason=often, where=where
    )


def judge(recipe: Recipe, bad: Sequence[BadRow], problems: Sequence[tuple[str, str]], kept: int) -> None:
    """Raises DataError where no row is left, where values are missing and ``data.missing`` is "error", or where more rows are
    unreadable than the share ``data.max_bad``. Rows without a value count as missing, not as bad.

    bad: rows set aside while preparing. problems: (origin, reason) of those that the source set aside. kept: rows left.
    """
    missing = [row for row in bad if row.missing]
    broken = [(row.origin, row.reason) for row in bad if not row.missing] + list(problems)
    total = kept + len(bad) + len(problems)
    if missing and recipe.data.missing == "error":
        first = [Problem(row.origin, say("data.clean.missing-in", column=row.column)) for row in missing[:_SHOWN]]
        what = say("data.clean.missing", count=len(missing), total=total)
        head = Problem(recipe.where("data.missing"), what, say("data.clean.missing.remedy"))
        raise DataError([head, *first])
    if not kept:
        shown = broken or [(row.origin, row.reason) for row in missing]
        head = Problem(recipe.where("data.source"), say("data.clean.none-left", total=total))
        raise DataError([head, *(Problem(origin, reason) for origin, reason in shown[:_SHOWN])])
    if len(broken) > recipe.data.max_bad * total:
        share, most = f"{len(broken) / total:.1%}", f"{recipe.data.max_bad:.1%}"
        what = say("data.clean.too-many", bad=len(broken), total=total, share=share, most=most)
        head = Problem(recipe.where("data.max_bad"), what, say("data.clean.too-many.remedy"))
        raise DataError([head, *(Problem(origin, reason) for origin, reason in broken[:_SHOWN])])
