"""The tokenizer of a SentencePiece ``.model``: the same pieces and ids, by the library ``tokenizers``, without the file."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from danlu.data.text import sentencepiece
from danlu.data.text.pieces import Pieces
from danlu.data.text.rules import Rules
from danlu.data.text.sentencepiece import CONTROL, NORMAL, UNKNOWN, UNUSED, USER, BrokenError, Model
from danlu.errors import RecipeError
from danlu.messages import say

SPACE = "\u2581"
_APART = "\x02"  # before pieces that no text holds, lest "<s>" in somebody's text be one: texts have no such letter
_FAR = 0.1


class Converted(Pieces):
    """model: the library's JSON. marks: ids of unknown, begin, end, mask and padding, -1 where there is none.

    rules: of normalisation, as the file has them, in base 64.
    """

    name = "sentencepiece"

    def __init__(self, model: str, marks: Mapping[str, int], rules: str = "") -> None:
        super().__init__(model)
        self.marks, self.rules = dict(marks), rules
        self._rules = Rules(b64decode(rules))
        self.unknown, self.begin, self.end = marks["unknown"], marks["begin"], marks["end"]
        self.mask, self.padding = marks["mask"], marks["padding"]
        self.writes_mask = (
            self.mask >= 0 and self.mask not in self.special
        )  # a symbol of the user's own: texts may hold it
        self.special |= {self.mask} - {-1}

    @classmethod
    def of_file(cls, name: str, where: str) -> Converted:
        """Of a ``.model``. Raises RecipeError where it can't be read, or is none."""
        file = Path(name).expanduser()
        try:
            if file.stat().st_size > sentencepiece.MOST:
                raise BrokenError(f"{file.stat().st_size:,} bytes")
            found = sentencepiece.parse(file.read_bytes())
            made = cls(_json(found), _marks(found), b64encode(found.charsmap).decode())
            made.encode("a")
        except OSError as error:
            reason = error.strerror or str(error)
            raise RecipeError.of(where, say("text.bad-tokenizer", name=name, reason=reason)) from error
        except Exception as error:  # BrokenError, and whatever the library makes of pieces that are none
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise RecipeError.of(
                where, say("text.bad-sentencepiece", name=name, reason=reason), say("text.bad-sentencepiece.remedy")
            ) from error
        return made

    def pieces(self, ids: Sequence[int]) -> list[str]:
        return [piece.removeprefix(_APART) for piece in super().pieces(ids)]

    def encode(self, text: str) -> list[int]:
        return super().encode("".join(piece for _, piece in self._rules.written(text)))

    def located(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """The bytes of a letter all stand for the whole letter, and so does what a rule makes of several letters."""
        written = list(self._rules.written(text))
        plain = "".join(piece for _, piece in written)
        ids, spans = super().located(plain)
        spans = self._letters(plain, ids, spans)
        ends = np.cumsum([len(piece) for _, piece in written])
        at = np.cumsum([0, *(size for size, _ in written)])
        found = []
        for start, end in spans:
            if not len(ends) or start >= ends[-1]:
                found.append((len(text), len(text)))
                continue
            first, last = np.searchsorted(ends, [start, max(end, start + 1) - 1], side="right").tolist()
            before = ends[first - 1] if first else 0
            whole = written[first][0] == len(written[first][1])
            begin = int(at[first] + (start - before)) if whole else int(at[first])
            before = ends[last - 1] if last else 0
            whole = written[last][0] == len(written[last][1])
            stop = int(at[last] + max(end, start + 1) - before) if whole else int(at[last + 1])
            found.append((begin, stop))
        return ids, found

    def _letters(self, text: str, ids: list[int], spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """The library gives the bytes of several unknown letters the place of all of them: of each its own letter's."""
        found, at = list(spans), 0
        while at < len(ids):
            start, end = spans[at]
            letters = [place for place in range(start, end) for _ in text[place].encode("utf-8", "surrogatepass")]
            stop = at + len(letters)
            if (
                end > start + 1
                and spans[at:stop] == [(start, end)] * len(letters)
                and self._bytes.issuperset(ids[at:stop])
            ):
                found[at:stop] = [(place, place + 1) for place in letters]
                at = stop
            else:
                at += 1
        return found

    @cached_property
    def _bytes(self) -> frozenset[int]:
        """Ids of bytes."""
        found = (self._library.token_to_id(f"<0x{byte:02X}>") for byte in range(256))
        return frozenset(each for each in found if each is not None)

    def spec(self) -> dict[str, Any]:
        return {"name": self.name, "model": self.model, "marks": self.marks, "rules": self.rules}


def _marks(found: Model) -> dict[str, int]:
    named = {text: place for place, (text, _, type_) in enumerate(found.pieces) if type_ in (CONTROL, USER)}
    mask = next((named[name] for name in ("<mask>", "[MASK]") if name in named), -1)
    return {
        "unknown": found.unknown, "begin": found.begin, "end": found.end, "mask": mask, "padding": found.padding,
    }  # fmt: skip


def _json(found: Model) -> str:
    """The library's own JSON. Raises BrokenError for what it can't express."""
    alone = [text for text, _, type_ in found.pieces if type_ == USER]
    if found.kind == "bpe" and alone and (found.before or found.trimmed):
        raise BrokenError("byte pairs with symbols of the user's own")
    return json.dumps(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": _added(found),
            "normalizer": {"type": "Sequence", "normalizers": list(_normalizers(found))},
            "pre_tokenizer": _cut(found),
            "post_processor": None,
            "decoder": {"type": "Sequence", "decoders": list(_decoders(found))},
            "model": _unigram(found) if found.kind == "unigram" else _pairs(found),
        },
        ensure_ascii=False,
    )


def _name(found: Model, place: int) -> str:
    text, _, type_ = found.pieces[place]
    return f"{_APART}{text}" if type_ in (UNKNOWN, CONTROL, UNUSED) else text


def _added(found: Model) -> list[dict[str, Any]]:
    """Marks, so that they are left out where ids become a text; and, with byte pairs, symbols that are never divided."""
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    return [
        {"id": place, "content": _name(found, place), **plain, "special": type_ != USER}
        for place, (_, _, type_) in enumerate(found.pieces)
        if type_ in (UNKNOWN, CONTROL) or (type_ == USER and found.kind == "bpe")
    ]


def _normalizers(found: Model) -> Any:
    if found.trimmed:
        for pattern, content in ((rf"\A +|[ {SPACE}]+\z", ""), (" {2,}", " ")):
            yield {"type": "Replace", "pattern": {"Regex": pattern}, "content": content}
    if found.before:
        yield {"type": "Prepend", "prepend": SPACE}
    yield {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}


def _cut(found: Model) -> dict[str, Any] | None:
    """With unigrams and bytes, "<0x0A>" in somebody's text is not taken for the byte."""
    if not found.in_bytes or found.kind != "unigram":
        return None
    return {"type": "Split", "pattern": {"Regex": "<(?=0x[0-9A-F]{2}>)"}, "behavior": "Isolated", "invert": False}


def _decoders(found: Model) -> Any:
    yield {"type": "Replace", "pattern": {"String": SPACE}, "content": " "}
    if found.in_bytes:
        yield {"type": "ByteFallback"}
    yield {"type": "Fuse"}
    if found.before:
        yield {"type": "Strip", "content": " ", "start": 1, "stop": 0}


def _unigram(found: Model) -> dict[str, Any]:
    """Symbols of the user's own get a score that no other cut of them reaches, as SentencePiece gives them."""
    best = max((score for _, score, type_ in found.pieces if type_ == NORMAL), default=0.0)
    worst = min((score for _, score, type_ in found.pieces if type_ == NORMAL), default=0.0)
    vocabulary = []
    for place, (text, score, type_) in enumerate(found.pieces):
        if type_ == USER:
            score = len(text.encode()) * best - _FAR
        elif type_ != NORMAL:
            score = worst  # the least of the others' counts
        vocabulary.append([_name(found, place), score])
    return {"type": "Unigram", "unk_id": found.unknown, "vocab": vocabulary, "byte_fallback": found.in_bytes}


def _pairs(found: Model) -> dict[str, Any]:
    """Pairs in the order of the scores of what they make; of equal ones that with the longer beginning first."""
    known = {text: place for place, (text, _, type_) in enumerate(found.pieces) if type_ == NORMAL}
    merges = []
    for text, place in known.items():
        for at in range(1, len(text)):
            if text[:at] in known and text[at:] in known:
                merges.append(((-found.pieces[place][1], place, -at), [text[:at], text[at:]]))
    merges.sort(key=lambda each: each[0])
    return {
        "type": "BPE", "dropout": None, "unk_token": _name(found, found.unknown), "continuing_subword_prefix": None,
        "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": found.in_bytes, "ignore_merges": False,
        "vocab": {_name(found, place): place for place in range(len(found.pieces))},
        "merges": [pair for _, pair in merges],
    }  # fmt: skip
