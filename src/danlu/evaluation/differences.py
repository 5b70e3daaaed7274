"""What stands otherwise in several runs: recipe, environment, data. Only what differs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from danlu.errors import RunError
from danlu.messages import say
from danlu.recipe.schema import Recipe

_OWN = ("run.name", "run.folder")  # every run has its own
_DATA = ("source", "format", "fingerprint", "rows", "split.how", "split.seed", "split.shares", "duplicates.policy")


@dataclass(frozen=True)
class Difference:
    """A dotted key and its value in each run, None where a run has no such key."""

    key: str
    values: tuple[Any, ...]


def recipe_differences(recipes: Sequence[Recipe]) -> list[Difference]:
    """Keys in the recipe's order; lists (augmentation) are compared as wholes."""
    found = differing([recipe.model_dump(mode="json") for recipe in recipes])
    return [each for each in found if each.key not in _OWN]


def environment_differences(runs: Sequence[Path]) -> list[Difference]:
    """Versions, hardware, threads, code; the seed is the recipe's."""
    found = differing([_json(run / "environment.json") for run in runs])
    return [each for each in found if each.key != "seed"]


def data_differences(runs: Sequence[Path]) -> list[Difference]:
    """Of the data cards: source, rows of each part, split; ``fingerprint`` where content or division differ at all."""
    found = differing([_json(run / "data" / "card.json") for run in runs])
    return [each for each in found if any(each.key == key or each.key.startswith(f"{key}.") for key in _DATA)]


def differing(sides: Sequence[Mapping[str, Any]]) -> list[Difference]:
    """Leaves of nested mappings that are not the same everywhere."""
    flat = [dict(_leaves(side)) for side in sides]
    keys = list(dict.fromkeys(key for side in flat for key in side))
    rows = [Difference(key, tuple(side.get(key) for side in flat)) for key in keys]
    return [row for row in rows if any(value != row.values[0] for value in row.values[1:])]


def _leaves(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        if isinstance(item, Mapping):  # an empty one says no more than a missing one
            yield from _leaves(item, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", item


def _json(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError.of(str(path), say("runs.unreadable", reason=str(error))) from error
    return found
