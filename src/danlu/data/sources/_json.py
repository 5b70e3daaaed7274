"""JSON of others: a key that stands twice, and nesting without end, are mistakes like any other."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from danlu.data.sources._mapping import shortened
from danlu.errors import DataError
from danlu.messages import say


def loads(text: str) -> Any:
    """The value. Raises ValueError with a reason in the reader's language for a key twice, in JSON's words for the rest."""
    try:
        return json.loads(text, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError(say("data.json.deep")) from None


def parsed(path: Path, text: str) -> Any:
    """:func:`loads` of a whole file. Raises DataError."""
    try:
        return loads(text)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise DataError.of(f"{path}:{line}", say("data.json.broken", reason=error)) from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise ValueError(say("data.json.twice", key=shortened(twice)))
    return made
