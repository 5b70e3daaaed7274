"""How a column's dates are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from danlu.data.kinds.base import BadValue
from danlu.data.tabular.cells import ISO, days_of
from danlu.data.tabular.whole import each

FORMS = (  # beside ISO 8601; where all values fit several, the first
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M",
    "%m/%d/%y",
    "%b %d %Y",
    "%d %b %Y",
    "%Y年%m月%d日",
)
_FIRST = 20  # none of which fits: another form is tried


def form_of(values: Sequence[Any]) -> str | None:
    """The first form that nineteen in twenty of the values have; None where they are no dates."""

    def fits(form: str, some: Sequence[Any]) -> int:
        return sum(each(some, lambda value: _is_date(value, form)))

    for form in (ISO, *FORMS):
        if len(values) >= _FIRST and not fits(form, values[:_FIRST]):
            continue
        if values and fits(form, values) >= 0.95 * len(values):
            return form
    return None


def forms_of(values: Sequence[Any]) -> list[str]:
    """Forms by which most values are dates of their own, where no one of them will do: nineteen in twenty have one of them."""
    left = list(values)
    found: list[str] = []
    for form in (ISO, *FORMS):
        rest = [value for value in left if not _is_date(value, form)]
        if len(left) - len(rest) > 0.02 * len(values):
            found.append(form)
            left = rest
        if len(left) <= 0.05 * len(values):
            return found
    return []


def _is_date(value: Any, form: str) -> bool:
    try:
        days_of(value, form)
    except BadValue:
        return False
    return not (isinstance(value, str) and value.strip().isdigit())  # 20240101 is a number first
