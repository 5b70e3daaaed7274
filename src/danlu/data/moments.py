"""Columns of times and of groups, as people write them → numbers that can be compared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from danlu.data.columns import Numbers
from danlu.errors import DataError
from danlu.messages import say

_FORMATS = ("%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d.%m.%Y", "%d.%m.%Y %H:%M")


def moments(values: Sequence[Any], origins: Sequence[str]) -> np.ndarray:
    """float64 (N,), in the order of time: numbers as they are; dates, times and text (ISO 8601, 2024/3/17, 17.3.2024) in seconds.

    Raises DataError for the first value that is missing or no time. Times without a zone are taken as UTC.
    """
    if isinstance(values, Numbers) and np.isfinite(values.values).all():
        return values.values.astype(np.float64)
    result = np.empty(len(values), np.float64)
    known: dict[Any, float] = {}
    for row, value in enumerate(values):
        seconds = known.get(value) if isinstance(value, str) else None
        if seconds is None:
            found = seconds_of(value)
            if found is None:
                raise DataError.of(
                    origins[row], say("data.split.no-time", value=str(value)[:40]), say("data.split.no-time.remedy")
                )
            seconds = found
            if isinstance(value, str) and len(known) < 100_000:
                known[value] = seconds
        result[row] = seconds
    return result


def seconds_of(value: Any) -> float | None:
    """A time as people write it, in seconds (numbers as they are); None for what is none."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp()
    if isinstance(value, int | float | np.number):
        try:
            seconds = float(value)
        except OverflowError:
            return None
        return seconds if math.isfinite(seconds) else None
    if not isinstance(value, str):
        return None
    text = value.strip()
    for parse in (_number, datetime.fromisoformat, *(_format(pattern) for pattern in _FORMATS)):
        try:
            found = parse(text)
        except (ValueError, OverflowError):
            continue
        return seconds_of(found)
    return None


def _number(text: str) -> float:
    if len(text) == 8 and text.isdecimal() and text[:2] in ("19", "20"):
        raise ValueError("a date such as 20240317")
    return float(text)


def _format(pattern: str) -> Any:
    return lambda text: datetime.strptime(text, pattern)


def groups(values: Sequence[Any], origins: Sequence[str]) -> np.ndarray:
    """int64 (N,): the same number for the same value. Raises DataError for the first row that has none."""
    index: dict[str, int] = {}
    result = np.empty(len(values), np.int64)
    for row, value in enumerate(values):
        if value is None or value == "" or (isinstance(value, float) and value != value):
            raise DataError.of(origins[row], say("data.split.no-group"), say("data.split.no-group.remedy"))
        result[row] = index.setdefault(str(value), len(index))
    return result
