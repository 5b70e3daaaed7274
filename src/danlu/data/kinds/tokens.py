"""Texts that a net learns to write: ids of a tokenizer with an end behind them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from danlu.data.kinds.base import BadValue, Framing, Prepared
from danlu.data.kinds.text import Text
from danlu.data.text.cleaning import normal, text_of
from danlu.errors import DataError
from danlu.messages import say

_TIMES = 16  # the longest text, in ``max_length``
_LOOKED = 500
_OTHER = re.compile(
    "[\u3040-\u30ff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]"
)  # scripts without spaces other than Chinese


@dataclass(frozen=True)
class Tokens(Text):
    """A text as int32 (n,) ids, the end last. It is kept whole: what is judged is the whole text, and training cuts to ``max_length``.

    Tokenizers that are learnt are lossless, so that ids say the text to the letter; see :meth:`danlu.data.text.pieces.Pieces.learnt`.
    bare: without the begin that a published tokenizer puts before a text; who reads it puts one there.
    """

    bare: bool = False

    name: ClassVar[str] = "tokens"
    section: ClassVar[str] = "text"

    @classmethod
    def fit(cls, raws: Sequence[Any], options: Mapping[str, Any]) -> Tokens:
        found = Text.fit(raws, {"lossless": True, **options, "ends": True})
        scored = "13a" if not found.solid else "char" if any(map(_OTHER.search, _few(raws))) else "zh"
        if found.words.end < 0:
            where, name = "data.text.tokenizer", options.get("tokenizer", "auto")
            raise DataError.of(where, say("text.no-end", name=name), say("text.no-end.remedy"))
        bare = bool(options.get("bare", False)) and getattr(found.words, "whole", False)
        return cls(**{**found.spec(), "found": {**found.found, "scored": scored}}, bare=bare)

    def spec(self) -> dict[str, Any]:
        return {**super().spec(), **({"bare": True} if self.bare else {})}

    @property
    def longest(self) -> int:
        """Most tokens of a text, the end counted."""
        return _TIMES * self.max_length

    def ids(self, raw: Any) -> tuple[list[int], tuple[str, ...]]:
        """(ids without an end, what had to be mended). Raises :class:`BadValue`."""
        text, notes = text_of(raw)
        plain = normal(text, self.normalize, self.lower)
        ids = self.words.located(plain)[0] if self.bare else self.words.encode(plain)
        behind = list(self.words.around()[1])
        if not self.bare and behind and ids[-len(behind) :] == behind:
            ids = ids[: -len(behind)]
        if not ids:
            raise BadValue(say("text.empty-after"))
        return ids, notes

    def prepare(self, raw: Any, framing: Framing | None = None) -> Prepared:
        """raw: a text, a file that holds one, its bytes. Raises :class:`BadValue` for an empty one, and for what is far too long."""
        ids, notes = self.ids(raw)
        if len(ids) >= self.longest:
            raise BadValue(say("text.far-too-long", most=self.longest))
        if len(ids) >= self.max_length:
            notes = (*notes, say("text.note.longer", most=self.max_length))
        return Prepared(np.asarray([*ids, self.words.end], np.int32), notes)


def _few(raws: Sequence[Any]) -> list[str]:
    return [raw for raw in (raws[row] for row in range(min(len(raws), _LOOKED))) if isinstance(raw, str)]
