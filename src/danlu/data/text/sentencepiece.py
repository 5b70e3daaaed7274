"""What a SentencePiece ``.model`` holds, read without its library: the protocol buffer's fields, and nothing that could run.

The format is that of ``sentencepiece_model.proto`` (Kudo & Richardson 2018). Numbers in comments are the fields'.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

NORMAL, UNKNOWN, CONTROL, USER, UNUSED, BYTE = range(1, 7)  # types of pieces
_KINDS = {1: "unigram", 2: "bpe"}
MOST = 200 * 2**20  # bytes of a file
_PIECES = 4_000_000


class BrokenError(ValueError):
    """It is no such file, or says what can't be read here; the reason in words."""


@dataclass(frozen=True)
class Model:
    """pieces: (text, score, type), their places are the ids. kind: "unigram" or "bpe". charsmap: rules of normalisation, see
    :class:`danlu.data.text.rules.Rules`.

    in_bytes: whether what no piece holds is written as its bytes. before: whether a space is put before a text. trimmed: whether spaces
    at its ends and runs of them are taken away. begin, end, padding: ids, -1 where there is none.
    """

    pieces: tuple[tuple[str, float, int], ...]
    kind: str
    in_bytes: bool
    charsmap: bytes
    before: bool
    trimmed: bool
    begin: int
    end: int
    padding: int

    @property
    def unknown(self) -> int:
        return next(place for place, (_, _, type_) in enumerate(self.pieces) if type_ == UNKNOWN)


def parse(data: bytes) -> Model:
    """The model in a file's bytes. Raises :class:`BrokenError`."""
    try:
        return _model(data)
    except BrokenError:
        raise
    except (IndexError, ValueError, struct.error, OverflowError, TypeError) as error:
        raise BrokenError(str(error) or type(error).__name__) from error


def _model(data: bytes) -> Model:
    pieces: list[tuple[str, float, int]] = []
    trainer: dict[int, Any] = {}
    normalizer: dict[int, Any] = {}
    for number, value in _fields(data):
        if number == 1:
            pieces.append(_piece(value))
            if len(pieces) > _PIECES:
                raise BrokenError(f"more than {_PIECES:,} pieces")
        elif number == 2:
            trainer |= dict(_fields(value))
        elif number == 3:
            normalizer |= dict(_fields(value))
    if not pieces:
        raise BrokenError("no pieces")
    kind = _KINDS.get(trainer.get(3, 1))
    if kind is None:
        raise BrokenError("neither unigram nor bpe")
    if sum(type_ == UNKNOWN for *_, type_ in pieces) != 1:
        raise BrokenError("not one piece for what is unknown")
    if len({text for text, *_ in pieces}) != len(pieces):
        raise BrokenError("a piece occurs twice")
    if trainer.get(24, 0):  # treat_whitespace_as_suffix
        raise BrokenError("spaces behind words")
    if not normalizer.get(5, 1):  # escape_whitespaces
        raise BrokenError("spaces are not escaped")
    lacking = {f"<0x{byte:02X}>" for byte in range(256)} - {text for text, _, type_ in pieces if type_ == BYTE}
    if trainer.get(35, 0) and lacking:
        raise BrokenError("pieces of bytes are missing")
    named = {text: place for place, (text, _, type_) in enumerate(pieces) if type_ == CONTROL}
    marks = [named.get(bytes(trainer.get(key, text.encode())).decode(), -1) for key, text in
             ((46, "<s>"), (47, "</s>"), (48, "<pad>"))]  # fmt: skip
    return Model(
        tuple(pieces), kind, bool(trainer.get(35, 0)), bytes(normalizer.get(2, b"")), bool(normalizer.get(3, 1)),
        bool(normalizer.get(4, 1)), *marks,
    )  # fmt: skip


def _piece(data: bytes) -> tuple[str, float, int]:
    found = dict(_fields(data))
    text = bytes(found[1]).decode("utf-8") if 1 in found else ""
    if not text:
        raise BrokenError("a piece without a text")
    score = found.get(2, 0.0)
    type_ = found.get(3, NORMAL)
    if not isinstance(score, float) or score != score or type_ not in range(NORMAL, BYTE + 1):
        raise BrokenError(f"the piece {text!r} is damaged")
    return text, score, type_


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """(number, value): int for numbers, float for 32 bits, bytes for what has a length."""
    at, size = 0, len(data)
    while at < size:
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value: Any
            value, at = _varint(data, at)
        elif wire == 5:
            value, at = struct.unpack_from("<f", data, at)[0], at + 4
        elif wire == 1:
            value, at = struct.unpack_from("<d", data, at)[0], at + 8
        elif wire == 2:
            length, at = _varint(data, at)
            if length > size - at:
                raise BrokenError("cut off")
            value, at = data[at : at + length], at + length
        else:
            raise BrokenError("no protocol buffer")
        if number == 0:
            raise BrokenError("no protocol buffer")
        yield number, value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise BrokenError("cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise BrokenError("no protocol buffer")
