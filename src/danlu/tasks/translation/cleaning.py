"""Pairs that teach nothing: copies, and sentences that can't belong together by their lengths."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from danlu.data.table import Table
from danlu.errors import DataError
from danlu.messages import choose
from danlu.recipe.schema import Recipe
from danlu.tasks.translation import texts

_SLACK = 10  # characters added to both: of short texts lengths say little


def clean(recipe: Recipe, table: Table) -> Table:
    """The table without copies and odd pairs, each of which is noted. Raises DataError where most pairs are copies.

    The usual ratio of lengths is the median of all pairs: languages need more or fewer characters for the same.
    """
    options = recipe.options
    sources, targets = (table.columns[name] for name in ("source", "target"))
    pairs = [(_plain(one), _plain(other)) for one, other in zip(sources, targets, strict=True)]
    notes: list[tuple[str, str]] = []
    kept = np.ones(len(pairs), bool)
    if options["copies"] == "drop":
        copies = np.fromiter(
            (bool(one) and one.casefold() == other.casefold() for one, other in pairs), bool, len(pairs)
        )
        if copies.mean() > 0.5:
            what = choose(texts.ALL_COPIES).format(copies=int(copies.sum()), rows=len(pairs))
            raise DataError.of(recipe.where("data.source"), what, choose(texts.ALL_COPIES_REMEDY))
        notes += [(table.origins[row], choose(texts.COPY)) for row in np.flatnonzero(copies).tolist()]
        kept &= ~copies
    if options["ratio"] is not None and len(pairs):
        sizes = np.asarray([(len(one), len(other)) for one, other in pairs], np.float64) + _SLACK
        ratios = np.log(sizes[:, 1] / sizes[:, 0])
        full = np.asarray([bool(one) and bool(other) for one, other in pairs])
        odd = full & (np.abs(ratios - np.median(ratios[full]) if full.any() else ratios) > np.log(options["ratio"]))
        notes += [(table.origins[row], choose(texts.RATIO)) for row in np.flatnonzero(odd & kept).tolist()]
        kept &= ~odd
    if kept.all():
        return table
    return replace(table.take(np.flatnonzero(kept).astype(np.int64)), notes=(*table.notes, *notes))


def _plain(raw: Any) -> str:
    return " ".join(str(raw).split()) if isinstance(raw, str) else ""
