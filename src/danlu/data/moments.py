"""Columns of times and of groups, as people write them → numbers that can be compared."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from danlu.data.columns import Coded, Numbers, Numerals
from danlu.errors import DataError
from danlu.large.arrays import blocks, zeros
from danlu.messages import say

_FORMATS = (
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%d.%m.%Y",
    "%d.%m.%Y %H:%M",
    "%Y年%m月%d日",
    "%Y年%m月%d日 %H:%M",
    "%Y年%m月",
)
_ZONE = re.compile(r"\d:\d\d(:\d\d(\.\d+)?)?\s?(Z|[+-]\d\d:?\d\d)$")
_LOOKED = 10_000  # values by which it is told whether zones are written

_SECONDS, _MILLISECONDS = (1e8, 1e10), (1e11, 1e13)  # since 1970: years 1973 to 2286


def moments(values: Sequence[Any], origins: Sequence[str]) -> np.ndarray:
    """float64 (N,), in the order of time: numbers as they are; dates, times and text (ISO 8601, 2024/3/17, 17.3.2024) in seconds.

    Where some numbers are seconds since 1970 and others milliseconds, these are made seconds. Raises DataError for the first value that
    is missing or no time. Times without a zone are taken as UTC.
    """
    found = _moments(values, origins)
    if mixed(found):
        for some in blocks(len(found), found):
            found[some] = in_seconds(found[some])
    return found


def zones_mixed(values: Sequence[Any]) -> bool:
    """Whether some times of day are written with a zone and others without, which are taken as UTC."""
    texts = [value.strip() for value in values[:_LOOKED] if isinstance(value, str) and ":" in value]
    zoned = sum(_ZONE.search(text) is not None for text in texts)
    return 0 < zoned < len(texts)


def mixed(times: np.ndarray) -> bool:
    """Whether float64 (N,) hold seconds as well as milliseconds since 1970, and little else: 1600000000 beside 1600000000000."""
    count = [0, 0]
    for some in blocks(len(times), times):
        for place, (low, high) in enumerate((_SECONDS, _MILLISECONDS)):
            count[place] += int(((times[some] >= low) & (times[some] < high)).sum())
    return min(count) > 0 and sum(count) >= 0.99 * len(times)


def in_seconds(times: np.ndarray) -> np.ndarray:
    """The same with milliseconds as seconds."""
    return np.where((times >= _MILLISECONDS[0]) & (times < _MILLISECONDS[1]), times / 1000, times)


def _moments(values: Sequence[Any], origins: Sequence[str]) -> np.ndarray:
    result = zeros(len(values), np.float64)
    plain = isinstance(values, Numbers) and all(np.isfinite(values.values[some]).all() for some in blocks(len(values)))
    if plain or (isinstance(values, Numerals) and not _dated(values.values)):
        for some in blocks(len(values), values.values, result):  # type: ignore[attr-defined]
            result[some] = values.values[some]  # type: ignore[attr-defined]
        return result
    if isinstance(values, Coded):
        told = [seconds_of(value) for value in values.values]
        table = np.asarray([*(np.nan if each is None else each for each in told), np.nan])
        for some in blocks(len(values), values.codes, result):
            result[some] = table[values.codes[some]]
            if np.isnan(result[some]).any():
                break
        else:
            return result
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


def _dated(values: np.ndarray) -> bool:
    """Whether some number may be a date such as 20240317."""
    return any(bool(((values[some] >= 19000000) & (values[some] < 21000000)).any()) for some in blocks(len(values)))


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
    result = zeros(len(values), np.int64)
    for row, value in enumerate(values):
        if value is None or value == "" or (isinstance(value, float) and value != value):
            raise DataError.of(origins[row], say("data.split.no-group"), say("data.split.no-group.remedy"))
        result[row] = index.setdefault(str(value), len(index))
    return result
