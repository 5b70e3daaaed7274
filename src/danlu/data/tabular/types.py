"""What a column of a table holds, told from its values: number, boolean, category, date, text, id or nothing that varies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from danlu.data.kinds.base import BadValue
from danlu.data.tabular.cells import NO, YES, form_of, is_missing, name_of, number_of
from danlu.messages import say

TYPES = ("number", "category", "date", "boolean", "text", "id", "constant")
USED = ("number", "category", "date", "boolean")
_LEFT = 0.95  # share of values that must fit a type: the others are bad cells
_ENOUGH = 30  # values from which uniqueness says something
_ID = re.compile(
    r"(^|[\W_])(id|ids|uuid|guid|key|index|编号|序号)$|^(unnamed.*|column 1|rownames?)$|(?-i:[a-z]I[dD])$",
    re.IGNORECASE,
)
_WORDS = 3.5  # words in a value, on average, from which it is a text


@dataclass(frozen=True)
class Told:
    """type: one of :data:`TYPES`. reason: for a person; "" where it is plain. form: how dates are written."""

    type: str
    reason: str = ""
    form: str | None = None


def told(name: str, raws: Sequence[Any]) -> Told:
    """The type of a column of (training) rows."""
    values = [raw for raw in raws if not is_missing(raw)]
    texts = [_plain(value) for value in values]
    different = set(texts)
    if not different:
        return Told("constant", say("tables.why.empty"))
    if len(different) == 1 and len(values) == len(raws):
        return Told("constant", say("tables.why.constant", value=next(iter(different))[:40]))
    unique = len(different) == len(values) and len(values) >= _ENOUGH
    if len(different) == 2 and all(text.casefold() in YES or text.casefold() in NO for text in different):
        return Told("boolean")
    numbers = _numbers(values)
    if numbers is not None:
        whole = all(float(number).is_integer() for number in numbers)
        if whole and unique and (_ID.search(name) or _counted(numbers)):
            return Told("id", say("tables.why.id"))
        return Told("number")
    form = form_of(values)
    if form is not None:
        return Told("date", form=form)
    words = sum(len(text.split()) for text in texts) / len(texts)
    letters = sum(map(len, texts)) / len(texts)
    many = len(different) > max(20, 0.5 * len(values))
    if many and (words > _WORDS or letters > 40):
        return Told("text", say("tables.why.text"))
    if many and len(values) >= _ENOUGH:
        return Told("id", say("tables.why.id"))
    return Told("category")


def chosen(name: str, type_: str, raws: Sequence[Any]) -> Told:
    """The type that a recipe says."""
    form = form_of([raw for raw in raws if not is_missing(raw)]) or "iso" if type_ == "date" else None
    return Told(type_, say("tables.why.asked"), form)


def is_id(name: str, found: Told, raws: Sequence[Any]) -> bool:
    """Whether values name things rather than count or measure: told to be an id, or whole numbers under a name that says so."""
    if found.type != "number" or not _ID.search(name):
        return found.type == "id"
    numbers = _numbers([raw for raw in raws if not is_missing(raw)]) or ()
    return all(number.is_integer() for number in numbers)


def _plain(value: Any) -> str:
    try:
        return name_of(value) or ""
    except BadValue:
        return repr(value)


def _numbers(values: Sequence[Any]) -> list[float] | None:
    found: list[float] = []
    for value in values:
        if isinstance(value, bool):
            return None
        try:
            found.append(number_of(value))
        except BadValue:
            continue
    return found if len(found) >= _LEFT * len(values) else None


def _counted(numbers: Sequence[float]) -> bool:
    """Each a step further than the one before, as rows are numbered (some of them may be gone)."""
    ordered = all(after > before for before, after in pairwise(numbers))
    return ordered and numbers[0] in (0.0, 1.0)
