"""Rows of exactly the same content: kept on one side of a split, dropped, or at least reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from danlu.data.split import PARTS, TEST
from danlu.large.sorting import equal_groups

_EXAMPLES = 20


@dataclass(frozen=True)
class Twins:
    """Groups of rows with equal content. rows: int64, members of all groups, group after group; starts: int64 (groups + 1,)."""

    rows: np.ndarray
    starts: np.ndarray

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __iter__(self) -> Any:
        return (self.rows[begin:end] for begin, end in zip(self.starts[:-1], self.starts[1:], strict=True))


def twins(hashes: np.ndarray) -> Twins:
    """hashes: uint64 (N,), of each row's content (the inputs alone, so that equal inputs with different targets are found)."""
    return Twins(*equal_groups(hashes))


def superfluous(found: Twins, given: np.ndarray | None, drawn: np.ndarray) -> np.ndarray:
    """int64, sorted: all but one row of each group. Kept is the one whose given part is judged by (test, then val), then by draw.

    given: int8 (N,) or None. drawn: uint64 (N,), a hash of each row's key.
    """
    if not len(found):
        return np.empty(0, np.int64)
    group = np.repeat(np.arange(len(found)), np.diff(found.starts))
    rank = np.zeros(len(found.rows), np.int64) if given is None else TEST - given[found.rows].astype(np.int64)
    order = np.lexsort((drawn[found.rows], rank, group))
    first = np.r_[True, np.diff(group[order]) > 0]
    return np.sort(found.rows[order][~first])


def report(found: Twins, codes: np.ndarray, labels: np.ndarray | None, origins: Sequence[str]) -> dict[str, Any]:
    """What the card says, JSON-able.

    groups, rows: of equal content. leaks: groups with members in more than one part, by parts ("train/test": n).
    conflicts: groups whose labels differ. examples of each: lists of origins. codes: int8 (N,), -1 for rows in no part.
    """
    if not len(found):
        nothing: dict[str, Any] = {"groups": {}, "examples": []}
        return {"groups": 0, "rows": 0, "examples": [], "leaks": nothing, "conflicts": {"groups": 0, "examples": []}}
    member, begin = codes[found.rows], found.starts[:-1]
    present = np.stack([np.logical_or.reduceat(member == code, begin) for code in range(len(PARTS))])
    leaking = present.sum(0) > 1
    patterns, counts = np.unique(present[:, leaking], axis=1, return_counts=True)
    names = ["/".join(part for part, there in zip(PARTS, pattern, strict=True) if there) for pattern in patterns.T]
    conflicting = np.zeros(len(found), bool)
    if labels is not None:
        of_rows = labels[found.rows]
        conflicting = np.maximum.reduceat(of_rows, begin) != np.minimum.reduceat(of_rows, begin)
    return {
        "groups": len(found),
        "rows": len(found.rows),
        "examples": _examples(found, np.ones(len(found), bool), origins),
        "leaks": {
            "groups": dict(zip(names, counts.tolist(), strict=True)),
            "examples": _examples(found, leaking, origins),
        },
        "conflicts": {"groups": int(conflicting.sum()), "examples": _examples(found, conflicting, origins)},
    }


def _examples(found: Twins, chosen: np.ndarray, origins: Sequence[str]) -> list[list[str]]:
    """Origins of the first rows of the first of the ``chosen`` (bool (groups,)) groups."""
    groups = np.flatnonzero(chosen)[:_EXAMPLES].tolist()
    return [[origins[row] for row in found.rows[found.starts[g] : found.starts[g + 1]][:5].tolist()] for g in groups]
