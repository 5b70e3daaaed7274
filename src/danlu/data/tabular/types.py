"""What a column of a table holds, told from its values: number, boolean, category, date, text, id or nothing that varies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from danlu.data.kinds.base import BadValue
from danlu.data.tabular.cells import NO, YES, name_of
from danlu.data.tabular.forms import form_of, forms_of
from danlu.data.tabular.whole import each, good_numbers, present, written
from danlu.data.tabular.writing import Writing
from danlu.messages import say

TYPES = ("number", "category", "date", "boolean", "text", "id", "constant")
USED = ("number", "category", "date", "boolean")
_LEFT = 0.95  # share of values that must fit a type: the others are bad cells
_ENOUGH = 30  # values from which uniqueness says something
_ID = re.compile(
    r"(^|[\W_])(id|ids|uuid|guid|key|index|编号|序号)$|^(unnamed.*|column 1|rownames?)$|(?-i:[a-z]I[dD])$",
    re.IGNORECASE,
)
_FORMS = 400  # values by which it is told that dates are written in several ways
_WORDS = 3.5  # words in a value, on average, from which it is a text


@dataclass(frozen=True)
class Told:
    """type: one of :data:`TYPES`. reason: for a person; "" where it is plain. form: how dates are written, or numbers that Python
    does not read (:class:`danlu.data.tabular.writing.Writing`).
    """

    type: str
    reason: str = ""
    form: str | None = None


def told(name: str, raws: Sequence[Any]) -> Told:
    """The type of a column of (training) rows."""
    values = present(raws)
    texts = _texts(values)
    different = set(texts)
    if not different:
        return Told("constant", say("tables.why.empty"))
    if len(different) == 1 and len(values) == len(raws):
        return Told("constant", say("tables.why.constant", value=next(iter(different))[:40]))
    unique = len(different) == len(values) and len(values) >= _ENOUGH
    if _answers(different):
        return Told("boolean")
    writing = written(values)
    numbers = _numbers(values, writing)
    if numbers is not None and writing is not None:
        return Told("number", say("tables.why.written", example=writing.example), str(writing))
    if numbers is not None:
        whole = bool((numbers == np.floor(numbers)).all())
        if whole and unique and (_ID.search(name) or _counted(numbers)):
            return Told("id", say("tables.why.id"))
        return Told("number")
    form = form_of(values)
    if form is not None:
        return Told("date", form=form)
    words = sum(each(texts, lambda text: len(text.split()))) / len(texts)
    letters = sum(map(len, texts)) / len(texts)
    many = len(different) > max(20, 0.5 * len(values))
    if many and (words > _WORDS or letters > 40):
        return Told("text", say("tables.why.text"))
    if many and len(values) >= _ENOUGH:
        if texts[0][:1].isdigit() and (forms := forms_of(values[:_FORMS])):
            return Told("id", say("tables.why.dates", forms=", ".join(forms)))
        why = say("tables.why.id") if unique else say("tables.why.many", different=len(different), rows=len(values))
        return Told("id", why)
    return Told("category")


def chosen(name: str, type_: str, raws: Sequence[Any]) -> Told:
    """The type that a recipe says."""
    form = None
    if type_ == "date":
        form = form_of(present(raws)) or "iso"
    elif type_ == "number" and (writing := written(present(raws))) is not None:
        form = str(writing)
    return Told(type_, say("tables.why.asked"), form)


def is_id(name: str, found: Told, raws: Sequence[Any]) -> bool:
    """Whether values name things rather than count or measure: told to be an id, or whole numbers under a name that says so."""
    if found.type != "number" or not _ID.search(name):
        return found.type == "id"
    numbers = _numbers(present(raws), None if found.form is None else Writing.of(found.form))
    return numbers is None or bool((numbers == np.floor(numbers)).all())


def _texts(values: Sequence[Any]) -> list[str]:
    if set(map(type, values)) == {str} and all(map(str.isascii, values)):
        return list(map(str.strip, values))
    return each(values, _plain)


def _plain(value: Any) -> str:
    try:
        return name_of(value) or ""
    except BadValue:
        return repr(value)


def _answers(different: set[str]) -> bool:
    """Whether these are a yes and a no, in capitals or not."""
    folded = {text.casefold() for text in different} if len(different) <= 8 else set()
    return len(folded) == 2 and len(folded & YES) == 1 and len(folded & NO) == 1


def _numbers(values: Sequence[Any], writing: Writing | None = None) -> np.ndarray | None:
    """float64 of the values that are numbers; None where too few are, or one is an answer."""
    if bool in set(map(type, values)):
        return None
    found = good_numbers(values, writing)
    return found if len(found) >= _LEFT * len(values) else None


def _counted(numbers: np.ndarray) -> bool:
    """Each a step further than the one before, as rows are numbered (some of them may be gone)."""
    return bool((np.diff(numbers) > 0).all()) and float(numbers[0]) in (0.0, 1.0)
