"""Tokenizers: text → ids and back. Each is data, so that a cache's key, a run and an artifact can carry it (house rule 7).

The first ids are the same for all that are made here: 0 padding, 1 unknown, 2 begin, 3 end, 4 mask.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar
from zlib import crc32

from danlu.data.text.scripts import WORD, joined, words

SPECIAL = ("<pad>", "<unk>", "<s>", "</s>", "<mask>")
PAD, UNKNOWN, BEGIN, END, MASK = range(len(SPECIAL))
_RUN = re.compile(r"\S+")
GONE = "□"  # what stands for an unknown token when a person reads ids


class Tokenizer(ABC):
    """size: ids are 0 … size - 1. unknown: the id of what is not in the vocabulary, -1 where there is no such id; mask: of what is
    hidden, and padding of what is behind a text, likewise. special: ids that stand for no part of a text.
    """

    name: ClassVar[str]
    size: int
    unknown: int = UNKNOWN
    begin: int = BEGIN
    end: int = END
    mask: int = MASK
    padding: int = PAD
    special: frozenset[int] = frozenset(range(len(SPECIAL)))

    def goes_on(self) -> list[bool] | None:
        """Of each id whether it goes on with a word that another one began; None where every token is a word, or a letter."""
        return None

    def around(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Ids that :meth:`encode` puts before and behind a text."""
        return (), ()

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """Ids of a text that is cleaned and normal."""

    @abstractmethod
    def located(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """(ids without special tokens, [start, end) of each in ``text``), for texts of which a part is to be quoted."""

    @abstractmethod
    def decode(self, ids: Sequence[int]) -> str:
        """A text for people; special tokens are left out, unknown ones are squares."""

    @abstractmethod
    def pieces(self, ids: Sequence[int]) -> list[str]:
        """What each id stands for, for people."""

    @abstractmethod
    def spec(self) -> dict[str, Any]:
        """JSON-able: :func:`tokenizer_of` makes an equal one of it."""


class Listed(Tokenizer):
    """Tokens of a list, found by cutting alone. vocabulary: in the order of their ids, which begin behind the special ones.

    buckets: ids behind these that all other tokens share, each always the same one: what is unknown can still be told apart, and found
    again elsewhere. 0: they are all :data:`UNKNOWN`.
    """

    def __init__(self, vocabulary: Sequence[str], buckets: int = 0) -> None:
        self.vocabulary, self.buckets = tuple(vocabulary), buckets
        self.known = len(SPECIAL) + len(self.vocabulary)
        self.size = self.known + buckets
        self.special = frozenset([*range(len(SPECIAL)), *range(self.known, self.size)])

    @classmethod
    def fit(cls, texts: Iterable[str], size: int, least: int, buckets: int = 0) -> Listed:
        """The most frequent tokens that occur ``least`` times or more, ``size`` in all; of equally frequent ones the first."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(cls.cut(text))
        often = [(token, count) for token, count in counts.items() if count >= least]
        often.sort(key=lambda pair: (-pair[1], pair[0]))
        return cls([token for token, _ in often[: max(0, size - len(SPECIAL))]], buckets)

    @staticmethod
    @abstractmethod
    def cut(text: str) -> list[str]: ...

    @staticmethod
    @abstractmethod
    def spans(text: str) -> list[tuple[int, int]]:
        """Where the tokens of :meth:`cut` stand."""

    @cached_property
    def _index(self) -> dict[str, int]:
        return {token: place for place, token in enumerate(self.vocabulary, start=len(SPECIAL))}

    def encode(self, text: str) -> list[int]:
        index = self._index
        if self.buckets:
            return [index[token] if token in index else self._bucket(token) for token in self.cut(text)]
        return [index.get(token, UNKNOWN) for token in self.cut(text)]

    def _bucket(self, token: str) -> int:
        return self.known + crc32(token.encode("utf-8", "surrogatepass")) % self.buckets

    def located(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        return self.encode(text), self.spans(text)

    def pieces(self, ids: Sequence[int]) -> list[str]:
        return [self._piece(each) for each in ids]

    def _piece(self, each: int) -> str:
        if each >= self.known:
            return GONE
        if each >= len(SPECIAL):
            return self.vocabulary[each - len(SPECIAL)]
        return GONE if each == UNKNOWN else SPECIAL[each]

    def spec(self) -> dict[str, Any]:
        made: dict[str, Any] = {"name": self.name, "vocabulary": list(self.vocabulary)}
        return made | {"buckets": self.buckets} if self.buckets else made

    def _shown(self, ids: Sequence[int]) -> list[str]:
        return [self._piece(each) for each in ids if each >= len(SPECIAL) or each == UNKNOWN]


class Words(Listed):
    """Words; each letter of Chinese, Japanese and Thai, and each mark, is one by itself."""

    name = "words"

    @staticmethod
    def cut(text: str) -> list[str]:
        return words(text)

    @staticmethod
    def spans(text: str) -> list[tuple[int, int]]:
        return [match.span() for match in WORD.finditer(text)]

    def decode(self, ids: Sequence[int]) -> str:
        return joined(self._shown(ids))


class Characters(Listed):
    """Characters, runs of white space as one space."""

    name = "characters"

    @staticmethod
    def cut(text: str) -> list[str]:
        return list(" ".join(text.split()))

    @staticmethod
    def spans(text: str) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        for match in _RUN.finditer(text):
            if found:
                found.append((found[-1][1], match.start()))  # the one space
            found += [(place, place + 1) for place in range(match.start(), match.end())]
        return found

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(self._shown(ids))


def tokenizer_of(spec: Mapping[str, Any]) -> Tokenizer:
    """The tokenizer that :meth:`Tokenizer.spec` described."""
    if spec["name"] in _LISTED:
        return _LISTED[spec["name"]](spec["vocabulary"], spec.get("buckets", 0))
    if spec["name"] == "sentencepiece":
        from danlu.data.text.converted import Converted

        return Converted(spec["model"], spec["marks"], spec["rules"])
    from danlu.data.text.pieces import Pieces

    return Pieces(**{key: value for key, value in spec.items() if key != "name"})


_LISTED: Mapping[str, type[Listed]] = {"words": Words, "characters": Characters}
