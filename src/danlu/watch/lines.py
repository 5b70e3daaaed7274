"""A line of ``events.jsonl``: an event as one JSON object, exactly.

A line holds "attempt", "type" (the event's class in kebab case), "time" (UTC, ISO 8601), "step", "epoch" and the
event's own fields. A number that JSON can't hold stands as "NaN", "Infinity" or "-Infinity", which ``float`` of
Python and ``Number`` of JavaScript both read; every other float is written so that it comes back bit for bit. A line
counts once its newline is written.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import UTC, datetime
from functools import cache
from typing import Any

from danlu.training import events
from danlu.training.events import Event

Record = dict[str, Any]

NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def line(event: Event, attempt: int) -> bytes:
    """One line, newline included, UTF-8."""
    time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    record: Record = {"attempt": attempt, "type": kebab(type(event).__name__), "time": time}
    record |= {field.name: getattr(event, field.name) for field in fields(event)}
    try:
        text = json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
    except ValueError:
        text = json.dumps(_finite(record), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        return f"{text}\n".encode()
    except UnicodeEncodeError:  # a path that is no Unicode: its lone surrogates stand escaped
        return f"{json.dumps(json.loads(text), separators=(',', ':'))}\n".encode()


def parsed(raw: bytes) -> Record | None:
    """The line's record, its numbers that are not finite still as text; None where it is no record, or lacks what its type has."""
    try:
        record = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or not isinstance(record.get("type"), str):
        return None
    if not all(isinstance(record.get(key), int) for key in ("attempt", "step", "epoch")):
        return None
    return record if all(_of_kind(record.get(name), kind) for name, kind in _needed(record["type"])) else None


def exact(raw: bytes, record: Record) -> Record:
    """``record``, read from ``raw``, with every number a number again."""
    if b'"NaN"' not in raw and b'Infinity"' not in raw:
        return record
    texts = _texts(record["type"])
    return {key: value if key in texts else _numbers(value) for key, value in record.items()}


def kebab(name: str) -> str:
    """StepsDone → steps-done."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


@cache
def _needed(kind: str) -> tuple[tuple[str, type], ...]:
    """(name, JSON's type) of the fields without which a record of this type says nothing; none where the type isn't known."""
    thing = _known().get(kind)
    if thing is None:
        return ()
    own = [field for field in fields(thing) if field.default is MISSING and field.default_factory is MISSING]
    return tuple((field.name, _json_type(str(field.type))) for field in own if field.name not in ("step", "epoch"))


def _json_type(annotation: str) -> type:
    head = annotation.partition("[")[0]
    return {"tuple": list, "Sequence": list, "Mapping": dict, "str": str, "int": int, "float": float}.get(head, object)


def _of_kind(value: Any, kind: type) -> bool:
    if kind is float:
        return isinstance(value, (int, float)) or (isinstance(value, str) and value in NOT_FINITE)
    return isinstance(value, kind) and value is not None


@cache
def _known() -> dict[str, type[Event]]:
    things = vars(events).values()
    return {kebab(thing.__name__): thing for thing in things if isinstance(thing, type) and issubclass(thing, Event)}


@cache
def _texts(kind: str) -> frozenset[str]:
    """Names of the fields that hold no numbers with a point: in them "NaN" is the word."""
    own = {"type", "time"}
    if kind in _known():
        own |= {field.name for field in fields(_known()[kind]) if "float" not in str(field.type)}
    return frozenset(own)


def _plain(value: Any) -> Any:
    """numpy's numbers, and paths, which an event of somebody's own loop may hold."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return dict(value) if isinstance(value, Mapping) else os.fspath(value)


def _finite(value: Any) -> Any:
    """``value`` with every number that JSON can't hold as its name."""
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value if value is None or isinstance(value, (str, int)) else _finite(_plain(value))


def _numbers(value: Any) -> Any:
    """The reverse of :func:`_finite`."""
    if isinstance(value, str):
        return NOT_FINITE.get(value, value)
    if isinstance(value, dict):
        return {key: _numbers(item) for key, item in value.items()}
    return [_numbers(item) for item in value] if isinstance(value, list) else value
