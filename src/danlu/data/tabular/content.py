"""What is known of things beside their ids: a table's texts, tags, categories and numbers as terms and values."""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from danlu.data.kinds.base import BadValue
from danlu.data.tabular.cells import is_missing, number_of
from danlu.data.tabular.types import told
from danlu.data.tabular.writing import Writing
from danlu.errors import DataError
from danlu.messages import say

_SEPARATORS = ("|", ";", ", ")
_TAGGED = 0.2  # share of cells with a separator from which a column holds tags
_MOST_WORDS = 4  # in a tag, on average
_SPOKEN = (
    1.2  # words in a cell, on average, from which cells that mostly differ are titles or texts, not names of categories
)
_LEAST = 2  # items that a term needs: one that a single item has brings nothing together
_MOST = 50_000  # terms
_LARGE = 10_000  # from which on numbers are counts of something, and are looked at by their logarithm
_WORD = re.compile(r"[^\W_]+")
_CJK = re.compile("[\u3400-\u9fff\u3040-\u30ff\uac00-\ud7af]+")


@dataclass(frozen=True)
class Content:
    """Of M items. terms: V names ("genre: comedy", "garden"), with ``idf``. rows: of each item the places of its terms, as often as
    they occur. numbers: of each item N values, standardised, 0 where unknown; number_names.
    """

    terms: tuple[str, ...]
    idf: tuple[float, ...]
    rows: tuple[tuple[int, ...], ...]
    numbers: tuple[tuple[float, ...], ...]
    number_names: tuple[str, ...]

    def weighed(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """(int64 places of an item's terms, float32 weights: TF·IDF, of length 1 together)."""
        places, counts = np.unique(np.asarray(self.rows[row], np.int64), return_counts=True)
        weights = counts * np.asarray(self.idf)[places]
        length = math.sqrt(float(np.square(weights).sum()))
        return places, (weights / length if length else weights).astype(np.float32)

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
        """(int64 (M, T) places of each item's terms, V behind them; float32 (M, T) their weights; float32 (M, N) numbers; V)."""
        weighed = [self.weighed(row) for row in range(len(self.rows))]
        longest = max([1, *(len(places) for places, _ in weighed)])
        terms = np.full((len(weighed), longest), len(self.terms), np.int64)
        weights = np.zeros((len(weighed), longest), np.float32)
        for row, (places, values) in enumerate(weighed):
            terms[row, : len(places)], weights[row, : len(places)] = places, values
        numbers = np.asarray(self.numbers, np.float32).reshape(len(weighed), len(self.number_names))
        return terms, weights, numbers, len(self.terms)


def read(path: Path) -> tuple[list[str], dict[str, list[str]]]:
    """(ids, column → cells) of a table (CSV, TSV, RecBole's ``.item``), whose first column holds the ids.

    Raises DataError where it can't be read, or a line has other cells than the first, or an item is there twice.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            delimiter = max("\t,;|", key=first.count)
            bare = delimiter == "\t"
            reader = csv.reader(file, delimiter=delimiter, quoting=csv.QUOTE_NONE if bare else csv.QUOTE_MINIMAL)
            lines, rows = [], []
            for row in reader:
                if row:
                    lines.append(reader.line_num)
                    rows.append(row)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError.of(str(path), say("data.titles", reason=error)) from error
    if len(rows) < 2 or len(rows[0]) < 2:
        raise DataError.of(str(path), say("data.titles", reason=say("data.manifest.empty")))
    head = [re.sub(r":[a-z_]+$", "", cell.strip()) for cell in rows[0]]
    for line, row in zip(lines, rows, strict=True):
        if len(row) != len(head):
            where = say("data.line", file=path.name, number=line)
            raise DataError.of(
                where, say("data.titles.cells", cells=len(row), expected=len(head)), say("data.titles.remedy")
            )
    first_of: dict[str, int] = {}
    for line, row in zip(lines[1:], rows[1:], strict=True):
        if first_of.setdefault(row[0].strip(), line) != line:
            where = say("data.line", file=path.name, number=line)
            what = say("data.titles.twice", item=row[0].strip(), line=first_of[row[0].strip()])
            raise DataError.of(where, what, say("data.titles.remedy"))
    columns = {name: [row[place].strip() for row in rows[1:]] for place, name in enumerate(head) if place}
    return [row[0].strip() for row in rows[1:]], columns


def content_of(
    names: Sequence[str], learnt: Sequence[bool], ids: Sequence[str], columns: Mapping[str, Sequence[str]]
) -> Content:
    """names: of all items, in order. learnt: bool, those by which the terms are chosen and numbers scaled, which are met in training.

    ids, columns: as :func:`read` gives them; items that are not in the table have no terms. Raises DataError for what is no number in a
    column of numbers.
    """
    place = {name: row for row, name in enumerate(ids)}
    where = [place.get(name) for name in names]
    found: list[Counter[str]] = [Counter() for _ in names]
    numbers: list[np.ndarray] = []
    number_names: list[str] = []
    for column, cells in columns.items():
        own = [None if row is None else cells[row] for row in where]
        known = [cell for cell, one in zip(own, learnt, strict=True) if one and cell is not None]
        if not any(not is_missing(cell) for cell in known):
            continue
        shown = told(column, known)
        type_, writing = shown.type, Writing.of(shown.form) if shown.type == "number" and shown.form else None
        if writing == Writing(","):  # 3,7: two tags rather than a number
            type_ = "category"
        if type_ == "number":
            numbers.append(_standardised(column, own, learnt, names, writing))
            number_names.append(column)
            continue
        if type_ in ("constant", "date"):
            continue
        split = _how(known, type_)
        for counter, cell in zip(found, own, strict=True):
            if not is_missing(cell):
                counter.update(_terms(column, str(cell), split))
    often: Counter[str] = Counter()
    for counter, one in zip(found, learnt, strict=True):
        if one:
            often.update(counter.keys())
    kept = sorted((t for t, n in often.items() if n >= _LEAST), key=lambda t: (-often[t], t))[:_MOST]
    index = {term: number for number, term in enumerate(kept)}
    total = sum(map(bool, learnt))
    idf = tuple(math.log((1 + total) / (1 + often[term])) + 1 for term in kept)
    rows = tuple(tuple(sorted(index[t] for t in counter.elements() if t in index)) for counter in found)
    values = np.stack(numbers, 1) if numbers else np.zeros((len(names), 0))
    return Content(tuple(kept), idf, rows, tuple(map(tuple, values.tolist())), tuple(number_names))


def _how(cells: Sequence[str], type_: str) -> str | None:
    """The separator of a column of tags; "" for one of words; None for one of single names."""
    some = [cell for cell in cells if not is_missing(cell)]
    for separator in _SEPARATORS:
        if sum(separator in cell for cell in some) >= _TAGGED * len(some):
            pieces = [piece for cell in some for piece in cell.split(separator)]
            if sum(len(piece.split()) for piece in pieces) <= _MOST_WORDS * len(pieces):
                return separator
    spoken = sum(len(cell.split()) for cell in some) > _SPOKEN * len(some) and len(set(some)) > 0.5 * len(some)
    return "" if spoken or type_ in ("text", "id") else None


def _terms(column: str, cell: str, split: str | None) -> Iterator[str]:
    if split == "":
        yield from words(cell)
        return
    for piece in cell.split(split) if split else (cell,):
        if piece.strip():
            yield f"{column}: {piece.strip().casefold()}"


def words(text: str) -> Iterator[str]:
    """Words of two letters or more in small letters; of scripts without spaces, pairs of neighbouring characters."""
    for word in _WORD.findall(text.casefold()):
        rest = word
        for run in _CJK.findall(word):
            rest = rest.replace(run, " ")
            yield from (run[at : at + 2] for at in range(max(1, len(run) - 1)))
        yield from (each for each in rest.split() if len(each) > 1)


def _standardised(
    column: str, cells: Sequence[Any], learnt: Sequence[bool], names: Sequence[str], writing: Writing | None
) -> np.ndarray:
    """float64 (N,), mean 0 and deviation 1 by those that are learnt; 0 where a number is missing."""
    values = np.empty(len(cells))
    for row, cell in enumerate(cells):
        try:
            values[row] = number_of(cell, writing)
        except BadValue as bad:
            where = say("data.titles.cell", item=names[row], column=column)
            raise DataError.of(where, str(bad), say("data.titles.remedy")) from bad
    there = np.asarray(learnt, bool) & ~np.isnan(values)
    if np.abs(values[there]).max(initial=0.0) > _LARGE:
        values = np.sign(values) * np.log1p(np.abs(values))
    known = values[there]
    if not len(known) or known.std() == 0:
        return np.zeros(len(values))
    scaled = np.clip((values - known.mean()) / known.std(), -5, 5)
    return np.where(np.isnan(scaled), 0.0, scaled)
