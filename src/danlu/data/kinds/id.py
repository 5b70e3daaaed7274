"""Ids of users, items and the like: names of things that are learnt one by one."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from danlu.data.columns import Coded, Numbers, Numerals
from danlu.data.kinds.base import BadValue, Framing, Kind, Prepared, Storage
from danlu.data.kinds.category import class_name
from danlu.errors import DataError
from danlu.large.arrays import blocks
from danlu.large.sorting import distinct
from danlu.messages import say

if TYPE_CHECKING:
    from danlu.data.batches.batch import Value

UNKNOWN = -1
_TITLES = ("title", "name", "标题", "名称", "片名")


@dataclass(frozen=True)
class Id(Kind):
    """One of ``names``, those that occur in training rows, in order; cached as its index. In a batch int64 (B,), -1: another.

    titles: what people call each, as many as names; empty where nobody said.
    """

    names: tuple[str, ...]
    titles: tuple[str, ...] = ()

    name: ClassVar[str] = "id"
    by_sample: ClassVar[bool] = True
    learns: ClassVar[bool] = True
    asked: ClassVar[str] = "name"  # an id as it stands: danlu predict RUN 196

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))  # a spec read from JSON holds lists
        object.__setattr__(self, "titles", tuple(self.titles))
        if len(self._index) != len(self.names) or (self.titles and len(self.titles) != len(self.names)):
            raise ValueError("names are not unique, or titles are not theirs")

    @classmethod
    def fit(cls, raws: Sequence[Any], options: Mapping[str, Any]) -> Id:
        """raws: of training rows alone. options: titles (a table of ids and titles), used where ``titled`` is set by the column."""
        found = set()
        for raw in _different(raws):
            try:
                found.add(_name(raw))
            except BadValue:  # listed when it is prepared
                continue
        names = sorted(found, key=_order)
        path = options.get("titles")
        if not path or not options.get("titled"):
            return cls(tuple(names))
        known = read_titles(Path(str(path)).expanduser())
        return cls(tuple(names), tuple(known.get(name, name) for name in names))

    @cached_property
    def _index(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.names)}

    def prepare(self, raw: Any, framing: Framing | None = None) -> Prepared:
        """raw: a name, or a number that is one. Raises :class:`BadValue` for what is none; a name that isn't known is -1."""
        return Prepared(np.asarray(self._index.get(_name(raw), UNKNOWN), np.int64))

    def prepare_many(self, raws: Sequence[Any]) -> np.ndarray | None:
        index = self._index
        if isinstance(raws, list) and all(type(raw) is int and abs(raw) < 2**62 for raw in raws):
            raws = np.asarray(raws, np.int64)  # type: ignore[assignment]
        if isinstance(raws, np.ndarray) and raws.ndim == 1 and raws.dtype.kind in "iu":
            values, inverse = np.unique(raws, return_inverse=True)
            return np.asarray([index.get(str(value), UNKNOWN) for value in values.tolist()], np.int64)[inverse]
        if not all(type(raw) is str and raw == raw.strip() and raw for raw in raws):
            return None
        return np.asarray([index.get(raw, UNKNOWN) for raw in raws], np.int64)

    def storage(self) -> Storage:
        return Storage("fixed", "int64", ())

    def spec(self) -> dict[str, Any]:
        return {"names": list(self.names)} | ({"titles": list(self.titles)} if self.titles else {})

    def collate(self, values: Any) -> Value:
        import torch

        return torch.from_numpy(np.ascontiguousarray(values, np.int64))

    def describe(self, values: Sequence[np.ndarray]) -> dict[str, Any]:
        """How many there are, how often the typical one occurs, and the share of rows that the most frequent hundredth takes."""
        known = np.asarray(values, np.int64).reshape(-1)
        counts = np.zeros(len(self.names), np.int64)
        for some in blocks(len(known)):
            counts += np.bincount(known[some][known[some] >= 0], minlength=len(self.names))
        counts = np.sort(counts)[::-1]
        top = counts[: max(1, len(counts) // 100)]
        found: dict[str, Any] = {"known": len(self.names)}
        if counts.sum():
            found |= {"median_rows": float(np.median(counts)), "top_percent_share": float(top.sum() / counts.sum())}
        return found

    def draw(self, value: np.ndarray, canvas: np.ndarray | None = None) -> str:
        place = int(value)
        return (self.titles or self.names)[place] if place >= 0 else "?"


def read_titles(path: Path) -> dict[str, str]:
    """Id → title from a table (CSV, TSV, RecBole's ``.item``): the first column, and the one called title or name, else the second.

    Raises DataError where it can't be read.
    """
    try:
        rows = list(_rows(path))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError.of(str(path), say("data.titles", reason=error)) from error
    if not rows or len(rows[0]) < 2:
        raise DataError.of(str(path), say("data.titles", reason=say("data.manifest.empty")))
    head = [re.sub(r":[a-z_]+$", "", cell.strip()).casefold() for cell in rows[0]]
    column = next((place for place, cell in enumerate(head) if place and any(name in cell for name in _TITLES)), 1)
    return {row[0].strip(): row[column].strip() for row in rows[1:] if len(row) > column}


def _rows(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        first = file.readline()
        file.seek(0)
        delimiter = max("\t,;|", key=first.count)
        yield from csv.reader(file, delimiter=delimiter, quoting=csv.QUOTE_NONE if delimiter == "\t" else 0)


def _name(raw: Any) -> str:
    return (
        raw
        if type(raw) is str and raw and raw == raw.strip()
        else class_name(str(raw) if isinstance(raw, Path) else raw)
    )


def _different(raws: Sequence[Any]) -> Iterable[Any]:
    """The values, at least each different one."""
    if isinstance(raws, Coded):
        return raws.values_in_use()
    if isinstance(raws, Numerals) or (isinstance(raws, Numbers) and raws.values.dtype.kind in "iu"):
        return type(raws)(distinct(raws.values))
    return raws


def _order(name: str) -> tuple[int, int, str]:
    """Numbers as numbers, before all else."""
    return (0, int(name), name) if name.isdecimal() and len(name) < 19 else (1, 0, name)
