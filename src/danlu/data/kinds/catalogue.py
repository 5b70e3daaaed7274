"""Items with what a table knows of them, whether anybody met them or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from danlu.data.kinds.base import BadValue
from danlu.data.kinds.id import _TITLES, Id, _name, _order
from danlu.data.tabular.content import Content, content_of, read


@dataclass(frozen=True)
class Catalogue(Id):
    """An id, of all items of the table that ``titles`` names and of those that were met in training; with their content.

    content: see :class:`danlu.data.tabular.content.Content`, as a mapping; its terms are chosen by the items met in training.
    """

    content: Mapping[str, Any] = field(default_factory=dict)

    name: ClassVar[str] = "catalogue"
    section: ClassVar[str] = "id"

    @classmethod
    def fit(cls, raws: Sequence[Any], options: Mapping[str, Any]) -> Catalogue:
        """raws: of training rows alone. options: titles, the table of items."""
        met = names_of(raws)
        path = options.get("titles")
        ids, columns = read(Path(str(path)).expanduser()) if path else ([], {})
        names = sorted(met | set(ids) - {""}, key=_order)
        called = next((name for name in columns if any(word in name.casefold() for word in _TITLES)), None)
        place = {name: row for row, name in enumerate(ids)}
        titles = tuple(columns[called][place[name]] if name in place else name for name in names) if called else ()
        made = content_of(names, [name in met for name in names], ids, columns)
        return cls(tuple(names), titles, vars(made))

    def __hash__(self) -> int:
        return hash(self.names)

    @cached_property
    def known(self) -> Content:
        fields = dict(self.content)
        tupled = {name: tuple(map(tuple, fields[name])) for name in ("rows", "numbers")}
        return Content(**{**{name: tuple(value) for name, value in fields.items()}, **tupled})

    def spec(self) -> dict[str, Any]:
        made = self.known
        rows = {"rows": [list(row) for row in made.rows], "numbers": [list(row) for row in made.numbers]}
        plain = {"terms": list(made.terms), "idf": list(made.idf), "number_names": list(made.number_names)}
        return {**super().spec(), "content": {**plain, **rows}}


def names_of(raws: Sequence[Any]) -> set[str]:
    """The names that occur; values that are none are passed over."""
    found = set()
    for raw in raws:
        try:
            found.add(_name(raw))
        except BadValue:
            continue
    return found
