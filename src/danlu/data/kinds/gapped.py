"""A text in which places may be left open, to be filled in: ``<mask>`` or ``[MASK]`` in it stands for one token that is hidden."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from danlu.data.kinds.base import BadValue, Framing, Prepared
from danlu.data.kinds.text import Text
from danlu.data.table import Table
from danlu.data.text.cleaning import normal, text_of
from danlu.messages import say

_LONGEST = 1000  # characters of a row
_ENDS = (re.compile(r"(?<=[.!?;])\s+|(?<=[。！？；])"), re.compile(r"\s+"))  # of sentences, of words
_GAP = re.compile(r"<mask>|\[MASK\]", re.IGNORECASE)


@dataclass(frozen=True)
class Gapped(Text):
    """As :class:`danlu.data.kinds.text.Text`, where a gap becomes the tokenizer's mask token."""

    name: ClassVar[str] = "gapped"
    section: ClassVar[str] = "text"

    @classmethod
    def arranged(cls, table: Table, column: str, options: Mapping[str, Any]) -> Table:
        """Long texts become several rows, so that all of them is read."""
        rows: list[int] = []
        texts: list[Any] = []
        ids: list[str] = []
        for row, raw in enumerate(table.columns[column]):
            try:
                cut = list(pieces(text_of(raw)[0]))
            except BadValue:
                cut = []
            if len(cut) < 2:
                cut = [raw]
            rows += [row] * len(cut)
            texts += cut
            name = str(table.ids[row])
            ids += [name if len(cut) == 1 else f"{name}#{place}" for place in range(len(cut))]
        if len(rows) == len(table):
            return table
        made = table.take(np.asarray(rows, np.int64))
        group = made.extra.get("group", [str(table.ids[row]) for row in rows])  # of one text, in one part
        return replace(made, columns={**made.columns, column: texts}, ids=ids, extra={**made.extra, "group": group})

    def prepare(self, raw: Any, framing: Framing | None = None) -> Prepared:
        text, notes = text_of(raw)
        if not _GAP.search(text) or self.words.mask < 0:
            return super().prepare(raw, framing)
        parts = [normal(part, self.normalize, self.lower) for part in _GAP.split(text)]
        if any(
            getattr(self.words, each, False) for each in ("whole", "writes_mask")
        ):  # whose own mask takes the space before it along, where it does
            ids = self.words.encode(self.words.pieces([self.words.mask])[0].join(parts))
        else:
            ids = []
            for place, part in enumerate(parts):
                ids += [self.words.mask] if place else []
                ids += self.words.located(part)[0] if part.strip() else []
        if len(ids) > self.max_length:
            ids = self._cut(ids, self.max_length)
            notes = (*notes, say("text.note.cut", most=self.max_length))
        return Prepared(np.asarray(ids, np.int32), notes)


def pieces(text: str, longest: int = _LONGEST) -> Iterator[str]:
    """The text in pieces of at most so many characters, cut behind sentences or words where it can be."""
    rest = text.strip()
    while len(rest) > longest:
        borders = [[match.end() for match in ends.finditer(rest, longest // 2, longest + 1)] for ends in _ENDS]
        at = next((each[-1] for each in borders if each), longest)
        yield rest[:at].strip()
        rest = rest[at:].strip()
    if rest:
        yield rest
