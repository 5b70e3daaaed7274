"""A text that is asked about another: tokens alone, without the begin and end that a published tokenizer puts around a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from danlu.data.kinds.base import BadValue, Framing, Prepared
from danlu.data.kinds.text import Text
from danlu.data.text.cleaning import normal, text_of
from danlu.messages import say

_MOST = 64  # tokens, where the recipe doesn't say


@dataclass(frozen=True)
class Query(Text):
    """A text as ids of its tokenizer, int32 (n,), at most ``max_length``; the net puts together what it reads at once."""

    name: ClassVar[str] = "query"
    section: ClassVar[str] = "text"
    asked: ClassVar[str] = "row"

    @classmethod
    def fit(cls, raws: Sequence[Any], options: Mapping[str, Any]) -> Query:
        """As a text, but a question is not cut where nothing else is said: what it asks for may stand at its end."""
        longest = options.get("max_length", "auto")
        made = super().fit(raws, {**options, "max_length": _MOST if longest == "auto" else longest})
        assert isinstance(made, Query)
        return made

    def prepare(self, raw: Any, framing: Framing | None = None) -> Prepared:
        text, notes = text_of(raw)
        ids, _ = self.words.located(normal(text, self.normalize, self.lower))
        if not ids:
            raise BadValue(say("text.empty-after"))
        if len(ids) > self.max_length:
            ids = self._cut(ids, self.max_length)
            notes = (*notes, say("text.note.cut", most=self.max_length))
        return Prepared(np.asarray(ids, np.int32), notes)
