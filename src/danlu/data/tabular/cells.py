"""Single cells of a table: numbers, answers, moments and names, as files of all kinds write them."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from danlu.data.kinds.base import BadValue
from danlu.data.kinds.category import class_name
from danlu.data.tabular.writing import Writing
from danlu.messages import say

ABSENT = frozenset(("na", "n/a", "#n/a", "nan", "nat", "null"))  # what programs write where there is no value
NONE = ABSENT | frozenset(("", "none", "?", "-"))  # what people write as well; among classes it may be one
YES = frozenset(("1", "true", "yes", "y", "t", "是", "1.0"))
NO = frozenset(("0", "false", "no", "n", "f", "否", "0.0"))
ISO = "iso"
_EPOCH = datetime(1970, 1, 1)


def is_missing(raw: Any) -> bool:
    """Nothing, NaN, or a text that says so ("NA", "?")."""
    if raw is None:
        return True
    if isinstance(raw, str):
        return raw.strip().casefold() in NONE
    return isinstance(raw, (float, np.floating)) and bool(raw != raw)


def number_of(raw: Any, writing: Writing | None = None) -> float:
    """float64; NaN where it is missing. Raises :class:`BadValue` for anything that is no finite number.

    writing: how texts are written, None: as in Python.
    """
    if is_missing(raw):
        return math.nan
    if writing is not None and isinstance(raw, str):
        found = writing.read(raw)
        if found is None:
            raise BadValue(say("tables.written", value=str(raw)[:60], example=writing.example))
        raw = found
    try:
        value = float(raw)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadValue(say("data.number.type", value=str(raw)[:60])) from error
    if not math.isfinite(value):
        raise BadValue(say("data.number.infinite", value=str(raw)[:60]))
    return value


def answer_of(raw: Any) -> float:
    """1, 0, or NaN where it is missing. Raises :class:`BadValue` for what is no yes or no.

    A column of 0 and 1 among training rows may have been a count: another number is taken for what is nearest, 2 for 1.
    """
    if is_missing(raw):
        return math.nan
    text = str(raw).strip().casefold()
    if text in YES or text in NO:
        return float(text in YES)
    try:
        return min(1.0, max(0.0, number_of(raw)))
    except BadValue:
        raise BadValue(say("tables.answer", value=str(raw)[:60])) from None


def days_of(raw: Any, form: str) -> float:
    """Days since 1970, with fractions; NaN where it is missing. Raises :class:`BadValue` for what is no date of this form."""
    if is_missing(raw):
        return math.nan
    moment: datetime | None = None
    if isinstance(raw, np.datetime64):
        raw = raw.astype("datetime64[us]").item()
    if isinstance(raw, datetime):
        moment = raw
    elif isinstance(raw, date):
        moment = datetime(raw.year, raw.month, raw.day)
    elif isinstance(raw, str):
        text = raw.strip()
        try:
            moment = datetime.fromisoformat(text) if form == ISO else datetime.strptime(text, form)
        except ValueError:
            moment = None
    if moment is None:
        raise BadValue(say("tables.date", value=str(raw)[:60]))
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    apart = moment - _EPOCH
    return apart.days + (apart.seconds + apart.microseconds / 1e6) / 86400


def name_of(raw: Any) -> str | None:
    """A category's name, None where it is missing. Raises :class:`BadValue` for lists and the like."""
    return None if is_missing(raw) else class_name(raw)
