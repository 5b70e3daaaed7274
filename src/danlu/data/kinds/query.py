"""A text that is asked about another: tokens alone, without the begin and end that a published tokenizer puts around a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from danlu.data.kinds.base import BadValue, Framing, Prepared
from danlu.data.kinds.text import Text
from danlu.data.text.cleaning import normal, text_of
from danlu.messages import say


@dataclass(frozen=True)
class Query(Text):
    """A text as ids of its tokenizer, int32 (n,), at most ``max_length``; the net puts together what it reads at once."""

    name: ClassVar[str] = "query"
    section: ClassVar[str] = "text"
    asked: ClassVar[str] = "row"

    def prepare(self, raw: Any, framing: Framing | None = None) -> Prepared:
        text, notes = text_of(raw)
        ids, _ = self.words.located(normal(text, self.normalize, self.lower))
        if not ids:
            raise BadValue(say("text.empty-after"))
        if len(ids) > self.max_length:
            ids = self._cut(ids, self.max_length)
            notes = (*notes, say("text.note.cut", most=self.max_length))
        return Prepared(np.asarray(ids, np.int32), notes)
