"""JSON objects within objects: what they hold are columns of their own, named by the way to them, ``review.text``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_DEEPEST = 6  # objects within each other that are looked into
_MOST = 200  # columns that one key can become: what has more is a mapping of its own, not a row


def paths_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Top-level key whose values are mostly objects → the ways to what these hold, in the order met.

    A way that is called as another top-level key is left to that one, and so is a key with too many ways.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        values = _objects(row.get(name) for row in rows)
        if values:
            ways = tuple(way for way in _ways(name, values, _DEEPEST) if way not in names)
            if ways and len(ways) <= _MOST:
                found[name] = ways
    return found


def value_at(row: Mapping[str, Any], way: str) -> Any:
    """The value under a top-level key of that name, else at the end of the way; None where it leads nowhere."""
    if way in row or "." not in way:
        return row.get(way)
    found: Any = row
    for step in _steps(row, way):
        if not isinstance(found, Mapping):
            return None
        found = found.get(step)
    return found


def _ways(before: str, values: Sequence[Mapping[str, Any]], deepest: int) -> list[str]:
    ways: list[str] = []
    for name in dict.fromkeys(name for value in values for name in value):
        inner = _objects(value.get(name) for value in values)
        way = f"{before}.{name}"
        if "." in name or len(ways) > _MOST:
            continue  # which way would be meant could not be told
        ways += _ways(way, inner, deepest - 1) if inner and deepest > 1 else [way]
    return ways


def _objects(values: Iterable[Any]) -> list[dict[str, Any]]:
    """Those that are objects, where most are, but for gaps."""
    some = [value for value in values if value is not None]
    found = [value for value in some if isinstance(value, dict)]
    return found if 2 * len(found) > len(some) else []


def _steps(row: Mapping[str, Any], way: str) -> list[str]:
    """The first step is the longest top-level key that the way begins with: keys may hold dots themselves."""
    steps = way.split(".")
    for count in range(len(steps) - 1, 0, -1):
        if (first := ".".join(steps[:count])) in row:
            return [first, *steps[count:]]
    return steps
